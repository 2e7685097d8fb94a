package scenarios

import (
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
)

// The scenarios of this file show what is accepted, so that nobody has to guess.

// helpDesk is a house whose help desk, hank and hedy, gives and takes the roles
// Sales and Auditor.
func helpDesk(t *testing.T, db Database) *house {
	t.Helper()
	h := newHouse(t, db)
	h.role("Sales", ownDeals)
	h.role("Auditor", rbac.Permissions{rbac.Audit: {Read: rbac.All}})
	h.role("Help desk", nil, "Sales", "Auditor")
	h.join("Help desk", "", "hank", "hedy")
	h.join("Sales", "", "stan")
	h.join("Auditor", "", "wanda")
	return h
}

// To a delegate, the holders of all roles of the list are one pool: whoever
// watches the delegate with a role of it can be made something else.
func delegateDemotesWhoWatchesThem(t *testing.T, db Database) {
	h, ctx := helpDesk(t, db), t.Context()
	hank := h.w.As("hank")
	assert.NoError(t, hank.Assign(ctx, h.ids["Sales"], "wanda"))
	assert.True(t, !h.w.Can(ctx, "wanda", rbac.Audit, rbac.Read))
	assert.NoError(t, hank.Assign(ctx, h.ids["Auditor"], "stan"))
	assert.True(t, h.w.Can(ctx, "stan", rbac.Audit, rbac.Read))
	seen := workspacetest.Events(t, h.w, rbac.EventQuery{Actor: "hank"})
	assert.Equal(t, 2, len(seen), "what is left is the record of it")

	// A role that is not listed is out of the delegate's reach.
	h.role("Controller", rbac.Permissions{rbac.Audit: {Read: rbac.All}})
	h.join("Controller", "", "wanda")
	h.refuses(rbac.ErrEscalation, func() error { return hank.Assign(ctx, h.ids["Sales"], "wanda") })
	h.check()
}

// Who strengthens a listed role lets delegates hand that out. The plan of the
// edit names whose holders may.
func listedRoleIsStrengthened(t *testing.T, db Database) {
	h, ctx := helpDesk(t, db), t.Context()
	role := h.stored("Sales")
	role.Permissions = readsAll
	plan, err := workspacetest.Plan(ctx, h.w.As("ada"), role)
	assert.NoError(t, err)
	assert.Equal(t, h.roles("Help desk"), plan.AssignedBefore)
	assert.Equal(t, h.roles("Help desk"), plan.AssignedAfter)
	_, err = h.w.As("ada").UpdateRole(ctx, plan.Role)
	assert.NoError(t, err)
	assert.NoError(t, h.w.As("hank").Assign(ctx, h.ids["Sales"], "friend"))
	assert.True(t, h.w.Can(ctx, "friend", rbac.Deals, rbac.Read))

	// Strengthened to administer, it is not theirs any more, and the plan says so.
	role = h.stored("Sales")
	role.Permissions = managesUsers
	plan, err = workspacetest.Plan(ctx, h.w.As("ada"), role)
	assert.NoError(t, err)
	assert.Equal(t, h.roles("Help desk"), plan.AssignedBefore)
	assert.Equal(t, 0, len(plan.AssignedAfter))
	_, err = h.w.As("ada").UpdateRole(ctx, plan.Role)
	assert.NoError(t, err)
	h.refuses(rbac.ErrEscalation, func() error { return h.w.As("hank").Assign(ctx, h.ids["Sales"], "friend") })
	h.check()
}

// An Administrator suspends somebody. A delegate reinstates them, or removes and
// adds them. Who must stay out is given a role that no list has.
func suspensionDoesNotHoldAgainstADelegate(t *testing.T, db Database) {
	h, ctx := helpDesk(t, db), t.Context()
	ada, hank := h.w.As("ada"), h.w.As("hank")
	assert.NoError(t, ada.Suspend(ctx, "stan"))
	assert.NoError(t, hank.Assign(ctx, h.ids["Auditor"], "stan"))
	assert.True(t, h.member("stan").Suspended, "a change of role keeps the suspension")
	assert.NoError(t, hank.Reinstate(ctx, "stan"))
	assert.True(t, h.w.Can(ctx, "stan", rbac.Audit, rbac.Read))
	assert.NoError(t, ada.Suspend(ctx, "stan"))
	assert.NoError(t, hank.Remove(ctx, "stan"))
	assert.NoError(t, hank.Assign(ctx, h.ids["Auditor"], "stan"))
	assert.True(t, h.w.Can(ctx, "stan", rbac.Audit, rbac.Read))

	h.role("Barred", nil)
	h.join("Barred", "", "stan")
	assert.NoError(t, ada.Suspend(ctx, "stan"))
	for _, try := range []func() error{
		func() error { return hank.Reinstate(ctx, "stan") },
		func() error { return hank.Remove(ctx, "stan") },
		func() error { return hank.Assign(ctx, h.ids["Sales"], "stan") },
	} {
		h.refuses(rbac.ErrEscalation, try)
	}
	h.check()
}

// Nobody gives themselves a role of their list; two who may touch each other do
// it for each other.
func delegatesDoItForEachOther(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	h.role("Sales", readsAll)
	h.role("Lead", managesUsers, "Sales")
	h.join("Lead", "", "lea", "leo")
	h.refuses(rbac.ErrSelf, func() error { return h.w.As("leo").Assign(ctx, h.ids["Sales"], "leo") })
	assert.True(t, !h.w.Can(ctx, "leo", rbac.Deals, rbac.Read))
	assert.NoError(t, h.w.As("lea").Assign(ctx, h.ids["Sales"], "leo"))
	assert.True(t, h.w.Can(ctx, "leo", rbac.Deals, rbac.Read))
	h.check()
}

// A list is taken away. What was given by it stays given, until somebody takes it.
func takenListTakesBackNothing(t *testing.T, db Database) {
	h, ctx := helpDesk(t, db), t.Context()
	assert.NoError(t, h.w.As("hank").Assign(ctx, h.ids["Auditor"], "friend"))
	h.edit("Help desk", func(r *rbac.Role) { r.Assigns = nil })
	assert.True(t, h.w.Can(ctx, "friend", rbac.Audit, rbac.Read))
	h.holds("friend", "Auditor")

	// Who was given what by whom is in the events.
	var given []string
	for _, event := range workspacetest.Events(t, h.w, rbac.EventQuery{Actor: "hank", Role: h.ids["Auditor"], Kinds: []rbac.EventKind{rbac.MemberAssigned}}) {
		given = append(given, event.MemberAfter.User)
	}
	assert.Equal(t, []string{"friend"}, given)
	h.check()
}

// Who moves to another team takes their records along: the old team loses sight
// of them, the new one sees them, the old ones included.
func movedMemberTakesRecordsAlong(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	h.role("Seller", ownDeals)
	h.role("Scout", teamDeals)
	h.join("Scout", "north", "nora")
	h.join("Scout", "south", "sam")
	h.join("Seller", "north", "stan")
	h.sees("nora", "stan", true)
	h.sees("sam", "stan", false)
	assert.NoError(t, h.w.As("ada").SetTeam(ctx, "south", "stan"))
	h.sees("nora", "stan", false)
	h.sees("sam", "stan", true)
	h.sees("stan", "stan", true)
	h.check()
}

// Two programs share a store and mean different things by a system role. Each
// goes by its own: nobody can tell the library which is right.
func programsDisagreeAboutASystemRole(t *testing.T, db Database) {
	desk := func(permissions rbac.Permissions, lists ...rbac.RoleID) rbac.Option {
		return rbac.WithSystemRoles(
			rbac.Role{ID: "desk", Name: "Desk", Permissions: permissions, Assigns: lists}, rbac.Role{ID: "guest", Name: "Guest"},
		)
	}
	h, ctx := newHouse(t, db, desk(readsAll)), t.Context()
	other := h.again(desk(nil, "guest"))
	workspacetest.Assign(t, h.w, "desk", "dan")
	assert.NoError(t, other.Sync(ctx))
	assert.True(t, h.w.Can(ctx, "dan", rbac.Deals, rbac.Read))
	assert.True(t, !other.Can(ctx, "dan", rbac.Deals, rbac.Read))
	h.refuses(rbac.ErrDenied, func() error { return h.w.As("dan").Assign(ctx, "guest", "new") })
	assert.NoError(t, other.As("dan").Assign(ctx, "guest", "new"))
	workspacetest.CheckInvariants(t, h.store, h.w.ID(), "desk", "guest")
}

// A program drops a system role. Its holders may do nothing, and are for
// Administrators and the application alone: no user manager or delegate can tell
// what the role held.
func systemRoleIsDropped(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	h.role("Sales", nil)
	h.role("Manager", managesUsers, "Sales")
	h.join("Manager", "", "max")
	before := h.again(rbac.WithSystemRoles(rbac.Role{ID: "desk", Name: "Desk", Permissions: readsAll}))
	workspacetest.Assign(t, before, "desk", "dan")
	assert.NoError(t, h.w.Sync(ctx))
	assert.True(t, before.Can(ctx, "dan", rbac.Deals, rbac.Read))
	assert.True(t, !h.w.Can(ctx, "dan", rbac.Deals, rbac.Read))
	for _, try := range []func() error{
		func() error { return h.w.As("max").Assign(ctx, h.ids["Sales"], "dan") },
		func() error { return h.w.As("max").Remove(ctx, "dan") },
		func() error { return h.w.As("max").SetTeam(ctx, "north", "dan") },
		func() error { return h.w.As("max").ReplaceRole(ctx, "desk", h.ids["Sales"]) },
	} {
		h.escalates(nil, []rbac.RoleID{"desk"}, try)
	}
	assert.NoError(t, h.w.As("ada").ReplaceRole(ctx, "desk", h.ids["Sales"]))
	h.holds("dan", "Sales")
	h.check()
}
