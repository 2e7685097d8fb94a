package scenarios

import (
	"errors"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
)

// A help desk lists a user manager, and makes administrators. A list has no role
// that administers, and one that comes to administer is not given by it (D1, D4).
func listsOfWhoAdministers(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	h.role("Sales", readsAll)
	h.role("Manager", managesUsers)
	h.role("Help desk", nil, "Sales")
	h.join("Help desk", "", "hank")
	h.join("Sales", "", "stan")
	h.join("Manager", "", "max")
	h.ids["Administrator"] = rbac.Administrator
	admins := map[string]*rbac.Admin{"Administrator": h.w.As("ada"), "System": h.w.System("test"), "user manager": h.w.As("max")}
	for name, admin := range admins {
		for _, listed := range []string{"Manager", "Administrator", "Help desk"} {
			h.refuses(rbac.ErrProtectedRole, func() error {
				_, err := admin.CreateRole(ctx, rbac.Role{Name: "Desk of " + name, Assigns: h.roles("Sales", listed)})
				return err
			})
			h.refuses(rbac.ErrProtectedRole, func() error { // a list of itself, too
				role := h.stored("Help desk")
				role.Assigns = append(role.Assigns, h.ids[listed])
				_, err := admin.UpdateRole(ctx, role)
				return err
			})
		}
		h.refuses(rbac.ErrRoleNotFound, func() error {
			_, err := admin.CreateRole(ctx, rbac.Role{Name: "Desk", Assigns: []rbac.RoleID{"gone"}})
			return err
		})
	}

	hank := h.w.As("hank")
	assert.NoError(t, hank.Assign(ctx, h.ids["Sales"], "new"))
	for what, edit := range map[string]func(*rbac.Role){
		"manages users": func(r *rbac.Role) { r.Permissions = r.Permissions.Union(managesUsers) },
		"has a list":    func(r *rbac.Role) { r.Assigns = h.roles("Clerk") },
	} {
		if what == "has a list" {
			h.role("Clerk", nil)
		}
		h.edit("Sales", edit)
		for name, try := range map[string]func() error{
			"assign": func() error { return hank.Assign(ctx, h.ids["Sales"], "eve") }, "remove": func() error { return hank.Remove(ctx, "stan") },
			"move": func() error { return hank.SetTeam(ctx, "north", "stan") },
		} {
			h.refuses(rbac.ErrDenied, func() error { // the list gives nothing, so it makes nobody a delegate
				err := try()
				assert.ErrorIs(t, err, rbac.ErrDenied, what, name)
				return err
			})
		}
		h.edit("Sales", func(r *rbac.Role) { r.Permissions, r.Assigns = readsAll, nil })
		assert.NoError(t, hank.Assign(ctx, h.ids["Sales"], "new "+what))
	}

	// Rows by hand make no administrators, either.
	role := workspacetest.Read(t, h.store, h.w.ID()).Roles
	for _, r := range role {
		if r.ID == h.ids["Help desk"] {
			before := r
			r.Assigns, r.Version, r.UpdatedAt = []rbac.RoleID{rbac.Administrator, r.ID, "gone", h.ids["Manager"]}, r.Version+1, time.Now().UTC().Truncate(time.Microsecond)
			workspacetest.Forge(t, h.store, h.w.ID(), rbac.Event{Time: r.UpdatedAt, Kind: rbac.RoleUpdated, Form: 2, Reason: "by hand", RoleBefore: &before, RoleAfter: &r})
		}
	}
	for _, id := range []rbac.RoleID{rbac.Administrator, h.ids["Help desk"], h.ids["Manager"]} {
		h.refuses(rbac.ErrDenied, func() error { return hank.Assign(ctx, id, "eve") })
	}
	h.check()
}

// A user manager lists a weak role, and waits until it is strengthened. Only
// Administrators and the application add to a list, and who gives away or edits
// a role with a list has what the list gives (D1, D3).
func weakRolesAreListed(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	h.role("Weak", nil)
	h.role("Strong", readsAll)
	h.role("Manager", managesUsers)
	h.role("Weak desk", nil, "Weak")
	h.role("Strong desk", nil, "Strong")
	h.role("Steward", managesUsers, "Strong")
	h.join("Manager", "", "max")
	h.join("Steward", "", "sue")
	h.join("Weak desk", "", "wes")
	h.join("Strong desk", "", "stan")
	max, sue := h.w.As("max"), h.w.As("sue")
	for _, admin := range []*rbac.Admin{max, sue} {
		h.escalates(nil, h.roles("Weak"), func() error {
			_, err := admin.CreateRole(ctx, rbac.Role{Name: "Mine", Assigns: h.roles("Weak")})
			return err
		})
		h.escalates(nil, h.roles("Weak"), func() error {
			role := h.stored("Manager")
			role.Assigns = h.roles("Weak")
			_, err := admin.UpdateRole(ctx, role)
			return err
		})
	}
	plan, err := workspacetest.Plan(ctx, max, rbac.Role{Name: "Mine", Assigns: h.roles("Weak")})
	assert.NoError(t, err)
	assert.ErrorIs(t, plan.Refused, rbac.ErrEscalation)

	// What a list gives counts as what the role grants.
	assert.NoError(t, max.Assign(ctx, h.ids["Weak desk"], "new"), "a list of what one covers")
	h.escalates(readsAll, h.roles("Strong", "Strong desk"), func() error { return max.Assign(ctx, h.ids["Strong desk"], "new") })
	h.escalates(readsAll, h.roles("Strong", "Strong desk"), func() error { return max.Suspend(ctx, "stan") })
	h.escalates(readsAll, h.roles("Strong"), func() error { return max.DeleteRole(ctx, h.ids["Strong desk"]) })
	assert.NoError(t, sue.Suspend(ctx, "stan"), "or in one's own list")

	// Taking from a list takes nothing but covering the role.
	role := h.stored("Strong desk")
	role.Assigns = nil
	h.escalates(readsAll, h.roles("Strong"), func() error { _, err := max.UpdateRole(ctx, role); return err })
	_, err = sue.UpdateRole(ctx, role)
	assert.NoError(t, err)

	// The weak role is strengthened: whose list has it is out of reach now.
	h.edit("Weak", func(r *rbac.Role) { r.Permissions = readsAll })
	h.escalates(readsAll, h.roles("Weak", "Weak desk"), func() error { return max.Assign(ctx, h.ids["Weak desk"], "newer") })
	h.check()
}

// A delegate touches nobody outside the list, makes no administrator and changes
// no role (D2). Nobody changes their own membership, and an Administrator stays
// (A4, A6).
func delegatesTouchTheirListOnly(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	h.role("Sales", readsAll)
	h.role("Support", ownDeals)
	h.role("Clerk", nil)
	h.role("Help desk", nil, "Sales", "Support")
	h.join("Help desk", "", "hank", "hedy")
	h.join("Sales", "", "stan")
	h.join("Support", "", "sue")
	h.join("Clerk", "", "cleo")
	hank, desk := h.w.As("hank"), h.stored("Help desk")

	assert.NoError(t, hank.Assign(ctx, h.ids["Sales"], "new", "sue"))
	assert.NoError(t, hank.Suspend(ctx, "sue", "stan"))
	assert.NoError(t, hank.Reinstate(ctx, "sue"))
	assert.NoError(t, hank.SetTeam(ctx, "north", "sue"))
	assert.NoError(t, hank.ReplaceRole(ctx, h.ids["Sales"], h.ids["Support"]))
	assert.NoError(t, hank.Remove(ctx, "new", "stan"))
	h.holds("sue", "Support")
	for _, role := range []string{"Sales", "Support"} {
		assert.True(t, !h.w.Can(ctx, "hank", rbac.Deals, rbac.Read), "who gives", role, "has nothing of it")
	}

	manage := rbac.Permissions{rbac.Users: {Manage: rbac.All}}
	everything := rbac.Permissions{}
	for _, info := range rbac.DefaultAreas() {
		everything[info.Area] = rbac.Access{Read: rbac.All, Manage: rbac.All}
	}
	h.escalates(manage, h.roles("Clerk"), func() error { return hank.Assign(ctx, h.ids["Clerk"], "new") })
	h.escalates(manage, h.roles("Clerk"), func() error { return hank.Assign(ctx, h.ids["Sales"], "cleo") })
	h.escalates(manage, h.roles("Clerk"), func() error { return hank.Suspend(ctx, "sue", "cleo") })
	h.escalates(everything, []rbac.RoleID{rbac.Administrator}, func() error { return hank.Assign(ctx, rbac.Administrator, "sue") })
	h.escalates(everything, []rbac.RoleID{rbac.Administrator}, func() error { return hank.Suspend(ctx, "ada") })
	h.escalates(everything, []rbac.RoleID{rbac.Administrator}, func() error { return hank.ReplaceRole(ctx, rbac.Administrator, h.ids["Sales"]) })
	h.escalates(manage.Union(everything), append(h.roles("Clerk"), rbac.Administrator), func() error { return hank.Remove(ctx, "ada", "cleo", "sue") })
	h.escalates(manage, h.roles("Help desk"), func() error { return hank.Remove(ctx, "hedy") }) // not even another delegate
	for _, self := range []func() error{
		func() error { return hank.Assign(ctx, h.ids["Sales"], "hank") },
		func() error { return hank.SetTeam(ctx, "north", "sue", "hank") },
		func() error { return hank.ReplaceRole(ctx, desk.ID, h.ids["Sales"]) },
		func() error { return hank.Remove(ctx, "hank") },
	} {
		h.refuses(rbac.ErrSelf, self)
	}
	for _, roles := range []func() error{
		func() error { _, err := hank.CreateRole(ctx, rbac.Role{Name: "New"}); return err },
		func() error { _, err := hank.UpdateRole(ctx, h.stored("Sales")); return err },
		func() error { return hank.DeleteRole(ctx, h.ids["Sales"]) },
		func() error { return workspacetest.Refused(workspacetest.Plan(ctx, hank, h.stored("Sales"))) },
	} {
		h.refuses(rbac.ErrDenied, roles)
	}
	assert.NoError(t, h.w.System("test").Suspend(ctx, "hank"))
	h.refuses(rbac.ErrDenied, func() error { return hank.Assign(ctx, h.ids["Sales"], "new") })
	assert.Equal(t, 1, len(workspacetest.Administrators(t, h.w)))
	h.refuses(rbac.ErrLastAdministrator, func() error { return h.w.System("test").Remove(ctx, "ada") })

	// A role that is listed stays, and the refusal names whose lists have it.
	assert.NoError(t, h.w.System("test").Remove(ctx, "sue"))
	h.refuses(rbac.ErrRoleInUse, func() error {
		err := h.w.As("ada").DeleteRole(ctx, h.ids["Support"])
		var refused *rbac.RefusalError
		assert.True(t, errors.As(err, &refused), err)
		assert.Equal(t, []rbac.RoleID{desk.ID}, refused.Roles)
		return err
	})
	h.check()
}

// A key of a delegate has no list, whatever it is limited to (D5), and what it
// changes is recorded as limited, whatever it says itself (V3).
func keysOfDelegates(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	h.role("Sales", readsAll)
	h.role("Clerk", nil)
	h.role("Help desk", nil, "Sales")
	h.role("Manager", managesUsers, "Sales")
	h.join("Help desk", "", "hank")
	h.join("Manager", "", "mia")
	everything := rbac.Permissions{}
	for _, info := range rbac.DefaultAreas() {
		everything[info.Area] = rbac.Access{Read: rbac.All, Manage: rbac.All}
	}
	for name, limit := range map[string]rbac.Permissions{"everything": everything, "nothing": nil} {
		hank, err := h.w.Subject(ctx, "hank")
		assert.NoError(t, err)
		h.refuses(rbac.ErrDenied, func() error { return h.w.AsSubject(hank.Limit(limit)).Assign(ctx, h.ids["Sales"], "new") })
		assert.NoError(t, h.w.AsSubject(hank).Assign(ctx, h.ids["Sales"], "new "+name))
	}
	mia, err := h.w.Subject(ctx, "mia")
	assert.NoError(t, err)
	key := h.w.AsSubject(mia.Limit(everything)).Via("mia herself")
	h.escalates(readsAll, h.roles("Sales"), func() error { return key.Assign(ctx, h.ids["Sales"], "new") })
	assert.NoError(t, key.Because("ticket 4711").Assign(ctx, h.ids["Clerk"], "new"))
	assert.NoError(t, h.w.AsSubject(mia).Via("a job").Assign(ctx, h.ids["Sales"], "new"))
	for i, event := range workspacetest.Events(t, h.w, rbac.EventQuery{User: "new"}) {
		assert.Equal(t, "mia", event.Actor)
		assert.Equal(t, i == 0, event.Limited, "event", event.Seq)
		assert.Equal(t, []string{"mia herself", "a job"}[i], event.Via)
		assert.Equal(t, []string{"ticket 4711", ""}[i], event.Reason)
		assert.Equal(t, []string{"Clerk", "Sales"}[i], event.MemberAfter.RoleName)
	}
	h.check()
}

// A list is taken away. Who acts through another instance, which has not heard of
// it, can give nothing by it from that moment on.
func listIsTakenAwayElsewhere(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	h.role("Sales", readsAll)
	h.role("Support", nil)
	h.role("Help desk", nil, "Sales", "Support")
	h.join("Help desk", "", "hank")
	other := workspacetest.Open(t, workspacetest.Deaf(db.Store()), workspacetest.Quiet()...).For(h.w.ID())
	hank := other.As("hank")
	assert.True(t, !other.Can(ctx, "hank", rbac.Deals, rbac.Read)) // it is loaded there
	assert.NoError(t, hank.Assign(ctx, h.ids["Sales"], "new"))

	h.edit("Help desk", func(r *rbac.Role) { r.Assigns = h.roles("Support") })
	h.refuses(rbac.ErrEscalation, func() error { return hank.Assign(ctx, h.ids["Sales"], "eve") })
	h.refuses(rbac.ErrEscalation, func() error { return hank.Remove(ctx, "new") })
	assert.NoError(t, hank.Assign(ctx, h.ids["Support"], "eve"))

	h.edit("Help desk", func(r *rbac.Role) { r.Assigns = nil })
	h.refuses(rbac.ErrDenied, func() error { return hank.Remove(ctx, "eve") })
	h.edit("Help desk", func(r *rbac.Role) { r.Assigns = h.roles("Sales") })
	assert.NoError(t, hank.Remove(ctx, "new"))
	assert.NoError(t, h.w.As("ada").Remove(ctx, "hank"))
	h.refuses(rbac.ErrDenied, func() error { return hank.Assign(ctx, h.ids["Sales"], "eve") })
	h.check()
}
