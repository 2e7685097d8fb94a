package rbac_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// listWorld is a workspace with delegates.
//
//	Administrator  ada
//	Sales          deals read all      stan
//	Clerk          nothing             cleo
//	Manager        manages all users   max
//	Help desk      gives Sales         hank
//	Steward        manages all users, gives Sales: sue
type listWorld struct {
	store *rbac.MemStore
	w     *rbac.Workspace
	id    map[string]rbac.RoleID
}

func newListWorld(t *testing.T) listWorld {
	t.Helper()
	l := listWorld{store: rbac.NewMemStore(), id: map[string]rbac.RoleID{"Administrator": rbac.Administrator}}
	l.w = openOn(t, l.store, rbac.WithTeams()).Workspace
	users := rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)}
	l.role(t, "Sales", reads(rbac.All))
	l.role(t, "Clerk", nil)
	l.role(t, "Manager", users)
	l.role(t, "Help desk", nil, "Sales")
	l.role(t, "Steward", users, "Sales")
	for user, role := range map[string]string{"ada": "Administrator", "stan": "Sales", "cleo": "Clerk", "max": "Manager", "hank": "Help desk", "sue": "Steward"} {
		assign(t, l.w, l.id[role], user)
	}
	return l
}

func (l listWorld) role(t *testing.T, name string, p rbac.Permissions, lists ...string) {
	t.Helper()
	role, err := l.w.System("test").CreateRole(t.Context(), rbac.Role{Name: name, Permissions: p, Assigns: l.ids(lists...)})
	require.NoError(t, err)
	l.id[name] = role.ID
}

func (l listWorld) ids(names ...string) (ids []rbac.RoleID) {
	for _, name := range names {
		ids = append(ids, l.id[name])
	}
	return ids
}

// stored returns a role, ready to be edited.
func (l listWorld) stored(t *testing.T, name string) rbac.Role {
	t.Helper()
	roles, err := l.w.Roles(t.Context())
	require.NoError(t, err)
	i := slices.IndexFunc(roles, func(r rbac.Role) bool { return r.ID == l.id[name] })
	require.GreaterOrEqual(t, i, 0, name)
	return roles[i]
}

// edit edits a role as somebody, the application if nobody is named.
func (l listWorld) edit(t *testing.T, actor, name string, edit func(*rbac.Role)) (rbac.Role, error) {
	t.Helper()
	role := l.stored(t, name)
	edit(&role)
	a := l.w.System("test")
	if actor != "" {
		a = l.w.As(actor)
	}
	return a.UpdateRole(t.Context(), role)
}

func TestD1_ListsHaveNoRoleThatAdministers(t *testing.T) {
	t.Parallel()
	l, ctx := newListWorld(t), t.Context()
	ada := l.w.As("ada")
	creating := func(ids ...rbac.RoleID) error {
		_, err := ada.CreateRole(ctx, rbac.Role{Name: "Desk", Assigns: ids})
		return err
	}
	unchanged(t, l.store, "", func() {
		for _, name := range []string{"Administrator", "Manager", "Help desk", "Steward"} {
			err := creating(l.id["Sales"], l.id[name])
			var refused *rbac.RefusalError
			require.ErrorAs(t, err, &refused, name)
			require.Equal(t, &rbac.RefusalError{Rule: rbac.ErrProtectedRole, Role: l.id[name], RoleName: name}, refused)
		}
		_, err := l.edit(t, "ada", "Clerk", func(r *rbac.Role) { r.Assigns = []rbac.RoleID{r.ID} })
		require.ErrorIs(t, err, rbac.ErrProtectedRole, "nor itself")
		require.ErrorIs(t, creating("gone"), rbac.ErrRoleNotFound)
		require.ErrorIs(t, creating("gone", rbac.Administrator), rbac.ErrRoleNotFound, "which answers first")
		require.ErrorIs(t, creating(""), rbac.ErrInvalid)
		require.ErrorIs(t, creating("\x00"), rbac.ErrInvalid)
		many := make([]rbac.RoleID, 101)
		for i := range many {
			many[i] = rbac.RoleID(fmt.Sprint("r", i))
		}
		require.ErrorContains(t, creating(many...), "assigns: has 101 roles, more than 100")
		for _, actor := range []string{"max", "sue"} {
			for _, added := range []string{"Clerk", "Sales"} { // whether they hold it, or could give it
				_, err := l.edit(t, actor, "Manager", func(r *rbac.Role) { r.Assigns = l.ids(added) })
				var e *rbac.EscalationError
				require.ErrorAs(t, err, &e, "%s adds %s", actor, added)
				require.Contains(t, e.Roles, l.id[added])
			}
		}
	})

	// Order and repetitions do not matter.
	sales, clerk := l.id["Sales"], l.id["Clerk"]
	require.NoError(t, creating(slices.Concat(slices.Repeat([]rbac.RoleID{sales, clerk, sales}, 50))...))
	roles := contentsOf(t, l.store, "").Roles
	desk := roles[slices.IndexFunc(roles, func(r rbac.Role) bool { return r.Name == "Desk" })]
	require.Equal(t, slices.Sorted(slices.Values([]rbac.RoleID{sales, clerk})), desk.Assigns)
	unchanged(t, l.store, "", func() {
		desk.Assigns = []rbac.RoleID{sales, clerk, sales}
		same, err := ada.UpdateRole(ctx, desk)
		require.NoError(t, err)
		require.EqualValues(t, 1, same.Version)
	})
	checkInvariants(t, l.store, "")
}

// System roles list system roles of their program that administer nothing.
func TestD1_ListsOfSystemRoles(t *testing.T) {
	t.Parallel()
	guest := rbac.Role{ID: "guest", Name: "Guest"}
	boss := rbac.Role{ID: "boss", Name: "Boss", Permissions: rbac.Permissions{rbac.Users: access(rbac.None, rbac.All)}}
	desk := func(ids ...rbac.RoleID) rbac.Role { return rbac.Role{ID: "desk", Name: "Desk", Assigns: ids} }
	for name, test := range map[string]struct {
		roles []rbac.Role
		wrong string
	}{
		"a system role":         {[]rbac.Role{desk("guest", "guest"), guest}, ""},
		"one that is not there": {[]rbac.Role{desk("guest", "other"), guest}, `systemRoles[0].assigns[1]: "other" is not a system role of this program`},
		"who manages users":     {[]rbac.Role{boss, desk("boss")}, `systemRoles[1].assigns[0]: "boss" is not`},
		"Administrator":         {[]rbac.Role{desk(rbac.Administrator)}, "systemRoles[0].assigns[0]"},
		"itself":                {[]rbac.Role{desk("desk")}, "systemRoles[0].assigns[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			az, err := rbac.Open(t.Context(), rbac.NewMemStore(), rbac.WithSystemRoles(test.roles...), quiet)
			if test.wrong != "" {
				require.ErrorIs(t, err, rbac.ErrInvalid)
				require.ErrorContains(t, err, test.wrong)
				return
			}
			require.NoError(t, err)
			defer az.Close()
			assign(t, az.Workspace, "desk", "dan")
			require.NoError(t, az.As("dan").Assign(t.Context(), "guest", "new"))
			require.ErrorIs(t, az.As("dan").Assign(t.Context(), "desk", "new"), rbac.ErrEscalation)
		})
	}
}

func TestD2_DelegatesGiveAndTakeTheirList(t *testing.T) {
	t.Parallel()
	l, ctx := newListWorld(t), t.Context()
	type try = func(a *rbac.Admin, role, user string) error
	for name, try := range map[string]try{
		"assign":    func(a *rbac.Admin, role, user string) error { return a.Assign(ctx, l.id[role], "new "+user) },
		"reassign":  func(a *rbac.Admin, role, user string) error { return a.Assign(ctx, l.id["Sales"], user) },
		"suspend":   func(a *rbac.Admin, _, user string) error { return a.Suspend(ctx, user) },
		"reinstate": func(a *rbac.Admin, _, user string) error { return a.Reinstate(ctx, user) },
		"move":      func(a *rbac.Admin, _, user string) error { return a.SetTeam(ctx, "north", user) },
		"replace":   func(a *rbac.Admin, role, _ string) error { return a.ReplaceRole(ctx, l.id[role], l.id["Sales"]) },
	} {
		for role, user := range map[string]string{"Sales": "stan", "Clerk": "cleo", "Manager": "max", "Help desk": "hank", "Administrator": "ada"} {
			err := try(l.w.As("hank"), role, user)
			switch {
			case role == "Sales":
				require.NoError(t, err, name)
			case role == "Help desk" && name != "assign":
				require.ErrorIs(t, err, rbac.ErrSelf, name)
			default:
				var e *rbac.EscalationError
				require.ErrorAs(t, err, &e, "%s %s", name, role)
				require.Equal(t, []rbac.RoleID{l.id[role]}, e.Roles)
				require.Equal(t, rbac.All, e.Missing.Scope(rbac.Users, rbac.Manage), "what would do instead of a list")
			}
		}
	}
	require.NoError(t, l.w.As("sue").Assign(ctx, l.id["Sales"], "by list"))
	require.NoError(t, l.w.As("sue").Assign(ctx, l.id["Clerk"], "by cover"))
	require.ErrorIs(t, l.w.As("max").Assign(ctx, l.id["Sales"], "neither"), rbac.ErrEscalation)
	for name, try := range map[string]func(a *rbac.Admin) error{
		"create": func(a *rbac.Admin) error { _, err := a.CreateRole(ctx, rbac.Role{Name: "New"}); return err },
		"edit":   func(a *rbac.Admin) error { _, err := a.UpdateRole(ctx, l.stored(t, "Sales")); return err },
		"delete": func(a *rbac.Admin) error { return a.DeleteRole(ctx, l.id["Sales"]) },
		"plan":   func(a *rbac.Admin) error { return refused(planOf(ctx, a, l.stored(t, "Sales"))) },
	} {
		require.ErrorIs(t, try(l.w.As("hank")), rbac.ErrDenied, "%s takes A1", name)
	}
	require.ErrorIs(t, l.w.As("stan").Assign(ctx, l.id["Sales"], "new"), rbac.ErrDenied, "who has neither")
	checkInvariants(t, l.store, "")
}

func TestD3_WhatAListGivesCounts(t *testing.T) {
	t.Parallel()
	l, ctx := newListWorld(t), t.Context()
	sales := l.id["Sales"]
	for what, test := range map[string]struct {
		roles []rbac.RoleID
		try   func(a *rbac.Admin) error
	}{
		"assign": {[]rbac.RoleID{sales, l.id["Help desk"]}, func(a *rbac.Admin) error { return a.Assign(ctx, l.id["Help desk"], "new") }},
		"take":   {[]rbac.RoleID{sales, l.id["Help desk"]}, func(a *rbac.Admin) error { return a.Assign(ctx, l.id["Clerk"], "hank") }},
		"delete": {[]rbac.RoleID{sales}, func(a *rbac.Admin) error { return a.DeleteRole(ctx, l.id["Help desk"]) }},
		"edit": {[]rbac.RoleID{sales}, func(a *rbac.Admin) error {
			role := l.stored(t, "Help desk")
			role.Name = "Desk"
			_, err := a.UpdateRole(ctx, role)
			return err
		}},
	} {
		unchanged(t, l.store, "", func() {
			var e *rbac.EscalationError
			require.ErrorAs(t, test.try(l.w.As("max")), &e, what)
			require.Equal(t, reads(rbac.All), e.Missing, what)
			require.ElementsMatch(t, test.roles, e.Roles, what)
		})
	}
	sue := l.w.As("sue")
	require.NoError(t, sue.Assign(ctx, l.id["Help desk"], "new"), "who has the role in a list of their own")
	_, err := l.edit(t, "sue", "Help desk", func(r *rbac.Role) { r.Assigns = nil })
	require.NoError(t, err, "and takes it out of another")
	require.NoError(t, l.w.As("max").Assign(ctx, l.id["Help desk"], "newer"), "now it gives nothing")

	// What administers Sales is in no list: nobody but an Administrator tells.
	update(t, l.store, "", func(tx rbac.Tx) error {
		return tx.PutRole(rbac.Role{ID: "odd", Name: "Odd", Version: 1, Assigns: []rbac.RoleID{"gone"}})
	})
	var e *rbac.EscalationError
	require.ErrorAs(t, l.w.As("max").Assign(ctx, "odd", "new"), &e)
	require.Equal(t, []rbac.RoleID{"gone", "odd"}, e.Roles)
	require.Empty(t, e.Missing)
	require.NoError(t, l.w.As("ada").Assign(ctx, "odd", "new"))
}

func TestD4_IdleIDsInAList(t *testing.T) {
	t.Parallel()
	l, ctx := newListWorld(t), t.Context()
	hank, sales := l.w.As("hank"), l.id["Sales"]
	_, err := l.edit(t, "ada", "Help desk", func(r *rbac.Role) { r.Assigns = l.ids("Sales", "Clerk") })
	require.NoError(t, err)
	_, err = l.edit(t, "ada", "Sales", func(r *rbac.Role) { r.Permissions[rbac.Users] = access(rbac.None, rbac.All) })
	require.NoError(t, err)
	require.ErrorIs(t, hank.Assign(ctx, sales, "new"), rbac.ErrEscalation)
	require.ErrorIs(t, hank.Remove(ctx, "stan"), rbac.ErrEscalation)
	require.NoError(t, hank.Assign(ctx, l.id["Clerk"], "new"))

	// The id stays, and an edit of something else is not refused for it.
	edited, err := l.edit(t, "ada", "Help desk", func(r *rbac.Role) { r.Description = "Helps." })
	require.NoError(t, err)
	require.Contains(t, edited.Assigns, sales)
	_, err = l.edit(t, "ada", "Sales", func(r *rbac.Role) { r.Permissions = reads(rbac.Own) })
	require.NoError(t, err)
	require.NoError(t, hank.Assign(ctx, sales, "new"), "it gives again")

	// What is gone or cannot be read gives nothing; all that is left is nobody's list.
	update(t, l.store, "", func(tx rbac.Tx) error {
		desk := l.stored(t, "Help desk")
		desk.Assigns = []rbac.RoleID{"gone", "odd", rbac.Administrator}
		if err := tx.PutRole(rbac.Role{ID: "odd"}); err != nil {
			return err
		}
		return tx.PutRole(desk)
	})
	for _, id := range []rbac.RoleID{"gone", "odd", rbac.Administrator, sales} {
		err := hank.Assign(ctx, id, "new")
		require.ErrorIs(t, err, rbac.ErrDenied)
	}
	require.NoError(t, l.w.As("ada").Remove(ctx, "hank"))
}

func TestD5_LimitedSubjectsHaveNoList(t *testing.T) {
	t.Parallel()
	l, ctx := newListWorld(t), t.Context()
	everything := rbac.Permissions{}
	for _, info := range rbac.DefaultAreas() {
		everything[info.Area] = access(rbac.All, rbac.All)
	}
	for _, limit := range []rbac.Permissions{everything, nil} {
		hank, err := l.w.Subject(ctx, "hank")
		require.NoError(t, err)
		require.NoError(t, l.w.AsSubject(hank).Assign(ctx, l.id["Sales"], "new"))
		require.ErrorIs(t, l.w.AsSubject(hank.Limit(limit)).Assign(ctx, l.id["Sales"], "newer"), rbac.ErrDenied)
	}
	sue, err := l.w.Subject(ctx, "sue")
	require.NoError(t, err)
	key := l.w.AsSubject(sue.Limit(everything))
	require.NoError(t, key.Assign(ctx, l.id["Clerk"], "newer"))
	require.ErrorIs(t, key.Assign(ctx, l.id["Sales"], "newest"), rbac.ErrEscalation)
	require.ErrorIs(t, key.Remove(ctx, "hank"), rbac.ErrEscalation, "nor does it cover a role by its list")
	ada, err := l.w.Subject(ctx, "ada")
	require.NoError(t, err)
	_, err = l.w.AsSubject(ada.Limit(everything)).CreateRole(ctx, rbac.Role{Name: "Desk", Assigns: l.ids("Clerk")})
	require.ErrorIs(t, err, rbac.ErrEscalation, "a limited Administrator adds to no list")
	checkInvariants(t, l.store, "")
}

func TestT4_TeamIsGivenFromAll(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	w := openOn(t, store, rbac.WithTeams()).Workspace
	users := rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)}
	scout := addRole(t, w, "Scout", reads(rbac.Team))
	seller := addRole(t, w, "Seller", reads(rbac.Own))
	lead := addRole(t, w, "Lead", users.Union(reads(rbac.Team)))
	boss := addRole(t, w, "Boss", users.Union(reads(rbac.All)))
	assign(t, w, lead.ID, "lea")
	assign(t, w, boss.ID, "bo")
	assign(t, w, seller.ID, "stan")
	setTeam(t, w, "north", "lea")
	for name, try := range map[string]func(a *rbac.Admin) error{
		"create": func(a *rbac.Admin) error {
			_, err := a.CreateRole(ctx, rbac.Role{Name: "New", Permissions: reads(rbac.Team)})
			return err
		},
		"edit": func(a *rbac.Admin) error {
			role := scout
			role.Permissions = reads(rbac.Own)
			_, err := a.UpdateRole(ctx, role)
			return err
		},
		"assign": func(a *rbac.Admin) error { return a.Assign(ctx, scout.ID, "new") },
		"move":   func(a *rbac.Admin) error { return a.SetTeam(ctx, "north", "stan") },
	} {
		unchanged(t, store, "", func() {
			var e *rbac.EscalationError
			require.ErrorAs(t, try(w.As("lea")), &e, name)
			require.Equal(t, reads(rbac.All), e.Missing, "%s: All where Team is given", name)
		})
	}
	require.NoError(t, w.As("lea").Assign(ctx, seller.ID, "new"), "Own may be given from Team")
	require.NoError(t, w.As("bo").Assign(ctx, scout.ID, "new"))
	require.NoError(t, w.As("bo").SetTeam(ctx, "north", "stan"))
	checkInvariants(t, store, "")
}

// One refusal says all that is beyond the actor in a call.
func TestA2_RefusalsAreUnited(t *testing.T) {
	t.Parallel()
	l, ctx := newListWorld(t), t.Context()
	l.role(t, "Planner", rbac.Permissions{rbac.Tasks: access(rbac.Own, rbac.Own)})
	assign(t, l.w, l.id["Planner"], "pat")
	err := l.w.As("max").Assign(ctx, l.id["Sales"], "pat", "cleo", "hank")
	var e *rbac.EscalationError
	require.ErrorAs(t, err, &e)
	require.Equal(t, reads(rbac.All).Union(rbac.Permissions{rbac.Tasks: access(rbac.Own, rbac.Own)}), e.Missing)
	require.Equal(t, slices.Sorted(slices.Values(l.ids("Sales", "Planner", "Help desk"))), e.Roles, "each once, in order")
	require.True(t, strings.HasPrefix(err.Error(), "rbac: more than the actor holds"), err)

	var inUse *rbac.RefusalError
	require.NoError(t, l.w.System("test").Remove(ctx, "stan"))
	require.ErrorAs(t, l.w.As("ada").DeleteRole(ctx, l.id["Sales"]), &inUse)
	require.Equal(t, slices.Sorted(slices.Values(l.ids("Help desk", "Steward"))), inUse.Roles)
	require.Empty(t, inUse.Users)
	require.ErrorContains(t, inUse, `rbac: role is in use: role "Sales": listed by role `)
}
