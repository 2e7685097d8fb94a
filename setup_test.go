package rbac_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
	"github.com/areagate/rbac/internal/fault"
)

// EnsureRole makes a role once, whatever the spelling of its name.
func TestEnsureRole(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	ada := c.W.As("ada")
	wanted := rbac.Role{Name: " Auditor ", Description: "Looks.", Permissions: rbac.Permissions{rbac.Audit: access(rbac.All, rbac.None)}}
	made, is, err := ada.EnsureRole(ctx, wanted)
	require.NoError(t, err)
	require.True(t, is)
	require.Equal(t, "Auditor", made.Name)
	require.Equal(t, wanted.Permissions, made.Permissions)
	stored, err := c.W.Role(ctx, made.ID)
	require.NoError(t, err)
	require.Equal(t, stored, made)
	unchanged(t, c.Store, "", func() {
		for name, want := range map[string]rbac.Role{"AUDITOR": made, "ｃlerk": c.Role("Clerk"), "administrator": c.Role("Administrator")} {
			got, is, err := ada.EnsureRole(ctx, rbac.Role{Name: name, Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.All)}})
			require.NoError(t, err)
			require.False(t, is)
			require.Equal(t, want, got)
		}
		for name, test := range map[string]struct {
			actor string
			role  rbac.Role
			want  error
		}{
			"more than they hold":           {"max", rbac.Role{Name: "New", Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.All)}}, rbac.ErrEscalation},
			"who may not":                   {"cleo", rbac.Role{Name: "Clerk"}, rbac.ErrDenied},
			"no name":                       {"ada", rbac.Role{}, rbac.ErrInvalid},
			"an id":                         {"ada", rbac.Role{ID: made.ID, Name: "Auditor"}, rbac.ErrInvalid},
			"a system role":                 {"ada", rbac.Role{Name: "New", System: true}, rbac.ErrProtectedRole},
			"a system role, that a role is": {"ada", rbac.Role{Name: "Clerk", System: true}, rbac.ErrProtectedRole},
		} {
			got, is, err := c.W.As(test.actor).EnsureRole(ctx, test.role)
			require.ErrorIs(t, err, test.want, name)
			require.False(t, is, name)
			require.Equal(t, rbac.Role{}, got, name)
		}
	})
	c.Check(t)
}

// SetUp fills a workspace once, and its roles may list each other by name.
func TestSetUp(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), fault.New(rbac.NewMemStore())
	az := openOn(t, store, rbac.WithSystemRoles(rbac.Role{ID: "Guest", Name: "Visitor"}))
	acme := az.For("acme")
	roles := []rbac.Role{
		{Name: " Agent ", Permissions: rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.None)}},
		{Name: "Guest", Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}},
		{Name: "Lead", Assigns: []rbac.RoleID{"Guest", "Agent"}},
	}
	made, err := acme.System("sign-up").SetUp(ctx, roles, "ada", "ada")
	require.NoError(t, err)
	require.True(t, made)
	allows(t, acme, "ada")
	require.Equal(t, []rbac.RoleID{"Guest", "Agent"}, roles[2].Assigns, "the list is the caller's")
	agent, err := acme.RoleByName(ctx, "agent")
	require.NoError(t, err)
	lead, err := acme.RoleByName(ctx, "lead")
	require.NoError(t, err)
	require.ElementsMatch(t, []rbac.RoleID{agent.ID, "Guest"}, lead.Assigns, "the id of a system role is itself")
	require.Len(t, eventsOf(t, acme, rbac.EventQuery{}), 4)
	checkInvariants(t, store, "acme", "Guest")

	unchanged(t, store, "acme", func() {
		made, err = acme.System("sign-up").SetUp(ctx, roles, "eve")
		require.NoError(t, err)
		require.False(t, made)
		made, err = acme.As("ada").SetUp(ctx, roles, "eve")
		require.NoError(t, err)
		require.False(t, made)
	})
	require.NoError(t, acme.System("test").Assign(ctx, rbac.Administrator, "bob"))
	require.NoError(t, acme.As("bob").Remove(ctx, "ada"))
	made, err = acme.System("sign-up").SetUp(ctx, roles, "ada")
	require.NoError(t, err)
	require.False(t, made, "who was removed does not come back")
}

func TestSetUpIsRefused(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	az := openOn(t, store)
	role := rbac.Role{Name: "Agent"}
	for name, test := range map[string]struct {
		admin *rbac.Admin
		roles []rbac.Role
		users []string
		want  error
	}{
		"no administrators":     {az.System("test"), []rbac.Role{role}, nil, rbac.ErrInvalid},
		"a member":              {az.As("ada"), nil, []string{"ada"}, rbac.ErrDenied},
		"the same name twice":   {az.System("test"), []rbac.Role{role, {Name: "AGENT"}}, []string{"ada"}, rbac.ErrNameTaken},
		"a system role's name":  {az.System("test"), []rbac.Role{role, {Name: "administrator"}}, []string{"ada"}, rbac.ErrProtectedRole},
		"a list of later roles": {az.System("test"), []rbac.Role{{Name: "Lead", Assigns: []rbac.RoleID{"Agent"}}, role}, []string{"ada"}, rbac.ErrRoleNotFound},
		"no reason":             {az.System(""), nil, []string{"ada"}, rbac.ErrInvalid},
	} {
		unchanged(t, store, "", func() {
			made, err := test.admin.SetUp(ctx, test.roles, test.users...)
			require.ErrorIs(t, err, test.want, name)
			require.False(t, made, name)
		})
	}
	var invalid *rbac.ValidationError
	_, err := az.System("test").SetUp(ctx, []rbac.Role{role, {Name: "\n", Version: 1}}, "", "ada")
	require.ErrorAs(t, err, &invalid)
	var fields []string
	for _, f := range invalid.Fields {
		fields = append(fields, f.Field)
	}
	require.Equal(t, []string{"administrators[0]", "roles[1].version", "roles[1].name"}, fields)
}

// A refusal in a set-up is one, of SetUp.
func TestSetUpTellsOfOneRefusal(t *testing.T) {
	t.Parallel()
	var told []rbac.Refusal
	az := openOn(t, rbac.NewMemStore(), rbac.WithRefusalObserver(func(_ context.Context, r rbac.Refusal) { told = append(told, r) }))
	_, err := az.System("test").SetUp(t.Context(), []rbac.Role{{Name: "A"}, {Name: "a"}}, "ada")
	require.ErrorIs(t, err, rbac.ErrNameTaken)
	require.Len(t, told, 1)
	require.Equal(t, "SetUp", told[0].Method)
	require.Equal(t, []string{"ada"}, told[0].Users)
}
