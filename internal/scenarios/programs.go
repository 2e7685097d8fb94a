package scenarios

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
)

// storedRole returns a role as the store has it.
func (h *house) storedRole(name string) rbac.Role {
	h.Helper()
	for _, role := range workspacetest.Read(h, h.store, h.w.ID()).Roles {
		if role.ID == h.ids[name] {
			return role
		}
	}
	h.Fatalf("there is no role %q", name)
	return rbac.Role{}
}

// Two programs share a store, one with teams and one without. Team counts as Own
// in the one without, which keeps teams and Team as they are, and compares as
// stored (T1, E7).
func withAndWithoutTeams(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	h.role("Scout", teamDeals)
	h.role("Seller", ownDeals)
	h.role("Manager", managesUsers.Union(ownDeals))
	h.role("Boss", managesUsers.Union(readsAll).Union(ownDeals))
	h.join("Scout", "north", "sam")
	h.join("Seller", "north", "stan")
	h.join("Manager", "", "max")
	h.join("Boss", "", "bo")
	without := h.again()
	scope, err := without.Scope(ctx, "sam", rbac.Deals, rbac.Read)
	assert.NoError(t, err)
	assert.Equal(t, rbac.Own, scope)
	assert.True(t, without.CanRecord(ctx, "sam", rbac.Deals, rbac.Read, "sam"))
	assert.True(t, !without.CanRecord(ctx, "sam", rbac.Deals, rbac.Read, "stan"))
	h.sees("sam", "stan", true)

	h.refuses(rbac.ErrInvalid, func() error { return without.System("test").SetTeam(ctx, "south", "sam") })
	h.refuses(rbac.ErrInvalid, func() error {
		_, err := without.System("test").CreateRole(ctx, rbac.Role{Name: "New", Permissions: teamDeals})
		return err
	})

	// What looks like Own is not given by who holds Own.
	h.escalates(readsAll, h.roles("Scout"), func() error { return without.As("max").Assign(ctx, h.ids["Scout"], "new") })
	assert.NoError(t, without.As("bo").Assign(ctx, h.ids["Scout"], "new"))

	// An edit leaves what it leaves as shown.
	roles, err := without.Roles(ctx)
	assert.NoError(t, err)
	for _, role := range roles {
		if role.ID == h.ids["Scout"] {
			assert.Equal(t, rbac.Own, role.Permissions[rbac.Deals].Read)
			role.Permissions[rbac.Tasks] = rbac.Access{Read: rbac.Own}
			_, err := without.As("ada").UpdateRole(ctx, role)
			assert.NoError(t, err)
		}
	}
	assert.Equal(t, rbac.Access{Read: rbac.Team, Manage: rbac.Own}, h.storedRole("Scout").Permissions[rbac.Deals])
	assert.NoError(t, without.As("ada").Suspend(ctx, "stan"))
	assert.NoError(t, without.As("ada").Assign(ctx, h.ids["Scout"], "stan"))
	assert.NoError(t, without.As("ada").Reinstate(ctx, "stan"))
	assert.Equal(t, "north", h.member("stan").Team)
	assert.NoError(t, h.w.Sync(ctx))
	h.sees("sam", "stan", true)
	h.sees("stan", "sam", true)
	assert.NoError(t, without.As("ada").Remove(ctx, "stan"))
	assert.NoError(t, without.As("ada").Assign(ctx, h.ids["Seller"], "stan"))
	assert.NoError(t, h.w.Sync(ctx))
	h.sees("sam", "stan", false) // who is added again is in none
	h.check()
}

// A release renames an area. Grants under the former name count in the new
// program; the next edit writes the new name, and the old program denies what it
// does not find any more (E11).
func areaIsRenamed(t *testing.T, db Database) {
	catalogue := func(area rbac.Area, former ...rbac.Area) rbac.Option {
		return rbac.WithAreas(rbac.AreaInfo{Area: rbac.Users}, rbac.AreaInfo{Area: area, Owned: true, Former: former})
	}
	h, ctx := newHouse(t, db, catalogue("prospects", "leads")), t.Context()
	before := h.again(catalogue("leads"))
	role := workspacetest.AddRole(t, before, "Sales", rbac.Permissions{"leads": {Read: rbac.All, Manage: rbac.Own}})
	h.ids["Sales"] = role.ID
	workspacetest.Assign(t, before, role.ID, "stan")
	assert.NoError(t, h.w.Sync(ctx))
	reads := func(w *rbac.Workspace, area rbac.Area) bool { return w.Can(ctx, "stan", area, rbac.Read) }
	assert.True(t, reads(before, "leads") && reads(h.w, "prospects"))
	assert.True(t, !reads(h.w, "leads"), "the former name cannot be asked for")
	assert.Equal(t, "prospects: read all, manage own", h.stored("Sales").Permissions.String())

	// The limit of a key that was stored under the former name.
	stan, err := h.w.Subject(ctx, "stan")
	assert.NoError(t, err)
	assert.True(t, stan.Limit(rbac.Permissions{"leads": {Read: rbac.All}}).Can("prospects", rbac.Read))
	assert.True(t, !stan.Limit(rbac.Permissions{"leads": {Manage: rbac.All}}).Can("prospects", rbac.Read))

	// The new name alone is no change; the next edit writes it.
	workspacetest.Unchanged(t, h.store, h.w.ID(), func() { h.edit("Sales", func(*rbac.Role) {}) })
	h.refuses(rbac.ErrInvalid, func() error {
		edit := h.stored("Sales")
		edit.Permissions["leads"] = rbac.Access{Read: rbac.All}
		_, err := h.w.System("test").UpdateRole(ctx, edit)
		return err
	})
	h.edit("Sales", func(r *rbac.Role) { r.Description = "Sells." })
	assert.Equal(t, "prospects: read all, manage own", h.storedRole("Sales").Permissions.String())
	assert.NoError(t, before.Sync(ctx))
	assert.True(t, reads(h.w, "prospects"))
	assert.True(t, !reads(before, "leads"), "programs that share a store must agree on former names")

	// The old program grants anew; both grants are one.
	roles, err := before.Roles(ctx)
	assert.NoError(t, err)
	for _, edit := range roles {
		if edit.ID == role.ID {
			edit.Permissions = rbac.Permissions{"leads": {Manage: rbac.All}}
			_, err := before.System("test").UpdateRole(ctx, edit)
			assert.NoError(t, err)
		}
	}
	assert.NoError(t, h.w.Sync(ctx))
	assert.Equal(t, "prospects: read all, manage all", h.stored("Sales").Permissions.String())
	assert.True(t, before.Can(ctx, "stan", "leads", rbac.Manage) && h.w.Can(ctx, "stan", "prospects", rbac.Manage))
	h.check()
}

// Two programs share a store, and an area has both actions in the one and only
// one in the other (E10, E7).
func areaWithOneAction(t *testing.T, db Database) {
	catalogue := func(only rbac.Action) rbac.Option {
		return rbac.WithAreas(rbac.AreaInfo{Area: rbac.Users}, rbac.AreaInfo{Area: "export", Only: only})
	}
	h, ctx := newHouse(t, db, catalogue(rbac.Manage)), t.Context()
	both := h.again(catalogue(0))
	role := workspacetest.AddRole(t, both, "Exporter", all("export"))
	h.ids["Exporter"] = role.ID
	workspacetest.Assign(t, both, role.ID, "eve")
	h.role("Manager", managesUsers.Union(rbac.Permissions{"export": {Manage: rbac.All}}))
	h.join("Manager", "", "max")
	assert.NoError(t, h.w.Sync(ctx))
	for _, user := range []string{"eve", "ada"} {
		assert.True(t, both.Can(ctx, user, "export", rbac.Read))
		assert.True(t, h.w.Can(ctx, user, "export", rbac.Manage))
		d, err := h.w.Explain(ctx, user, "export", rbac.Read)
		assert.NoError(t, err)
		assert.True(t, !d.Allowed && d.Reason == rbac.ReasonNoSuchAction, d)
	}
	assert.Equal(t, "export: manage all", h.stored("Exporter").Permissions.String())
	h.refuses(rbac.ErrInvalid, func() error {
		_, err := h.w.System("test").CreateRole(ctx, rbac.Role{Name: "New", Permissions: all("export")})
		return err
	})

	// Who holds all that shows here holds less than what is stored.
	h.escalates(rbac.Permissions{"export": {Read: rbac.All}}, h.roles("Exporter"), func() error {
		return h.w.As("max").Assign(ctx, role.ID, "new")
	})
	h.edit("Exporter", func(r *rbac.Role) { r.Description = "Exports." })
	assert.Equal(t, all("export").String(), h.storedRole("Exporter").Permissions.String())
	h.check()
}

// A workspace has events of the first form, without teams and names of roles.
// They stay as they are, with those of form 2 behind them, and a program that
// knows no teams leaves its members in theirs (V4).
func eventsOfTheFirstForm(t *testing.T, db Database) {
	store, ctx := db.Store(), t.Context()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	sales := rbac.Role{ID: "sales", Name: "Sales", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Own}}, Version: 1, CreatedAt: at, UpdatedAt: at}
	first := func(e rbac.Event) rbac.Event { e.Time, e.Actor = at, "ada"; return e }
	workspacetest.Forge(t, store, "w",
		first(rbac.Event{Kind: rbac.MemberAssigned, MemberAfter: &rbac.Member{User: "ada", Role: rbac.Administrator, UpdatedAt: at}}),
		first(rbac.Event{Kind: rbac.RoleCreated, RoleAfter: &sales}),
		first(rbac.Event{Kind: rbac.MemberAssigned, MemberAfter: &rbac.Member{User: "stan", Role: "sales", UpdatedAt: at}}),
		first(rbac.Event{Kind: rbac.MemberAssigned, MemberAfter: &rbac.Member{User: "sue", Role: "sales", UpdatedAt: at}}),
	)
	before := workspacetest.Read(t, store, "w").Events
	w := workspacetest.Open(t, store, rbac.WithTeams()).For("w")
	assert.NoError(t, w.VerifyEvents(ctx))
	ada := w.As("ada").Via("the settings page")
	assert.NoError(t, ada.SetTeam(ctx, "north", "stan", "sue"))
	role := sales
	role.Permissions = rbac.Permissions{rbac.Deals: {Read: rbac.Team}}
	_, err := ada.UpdateRole(ctx, role)
	assert.NoError(t, err)
	events := workspacetest.Events(t, w, rbac.EventQuery{})
	assert.Equal(t, len(before)+3, len(events))
	for i, event := range events {
		form, err := json.Marshal(event)
		assert.NoError(t, err)
		if i < len(before) {
			assert.Equal(t, workspacetest.Text(before[i]), string(form))
			assert.Equal(t, int64(0), event.Form)
			for _, key := range []string{`"form"`, `"roleName"`, `"team"`, `"via"`, `"assigns"`} {
				assert.True(t, !strings.Contains(string(form), key), string(form))
			}
			continue
		}
		assert.Equal(t, int64(2), event.Form)
		assert.Equal(t, "the settings page", event.Via)
	}
	assert.Equal(t, "Sales", events[len(before)].MemberAfter.RoleName)
	assert.Equal(t, "north", events[len(before)].MemberAfter.Team)
	assert.NoError(t, w.VerifyEvents(ctx))
	workspacetest.CheckInvariants(t, store, "w")

	// A program of the first form suspends sue: her row keeps the team, of which
	// its event says nothing.
	other := workspacetest.Open(t, workspacetest.Deaf(db.Store()), append(workspacetest.Quiet(), rbac.WithTeams())...).For("w")
	sees := func(w *rbac.Workspace) bool { return w.CanRecord(ctx, "stan", rbac.Deals, rbac.Read, "sue") }
	assert.True(t, sees(other))
	workspacetest.Update(t, store, "w", func(tx rbac.Tx) error {
		revision, err := tx.Revision()
		if err != nil {
			return err
		}
		was := rbac.Member{User: "sue", Role: "sales", UpdatedAt: at}
		is := was
		is.Suspended = true
		e := first(rbac.Event{Seq: revision.Seq + 1, Kind: rbac.MemberSuspended, MemberBefore: &was, MemberAfter: &is})
		e.Hash = workspacetest.Hash(t, "w", revision, e)
		row := is
		row.Team = "north"
		if err := tx.PutMembers(row); err != nil {
			return err
		}
		return tx.AppendEvents(e)
	})
	assert.NoError(t, other.Sync(ctx))
	loaded := workspacetest.Open(t, db.Store(), rbac.WithTeams()).For("w")
	assert.True(t, sees(other), "who follows the event")
	assert.True(t, sees(loaded), "who loads the row")
	assert.NoError(t, w.VerifyEvents(ctx))
}
