package rbac_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
	"github.com/areagate/rbac/internal/fault"
)

// Plan says what saving would do, and does nothing.
func TestPlan(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	ada := c.W.As("ada")
	clerk := c.Role("Clerk")
	edited := clerk
	edited.Name = " Clerks "
	edited.Permissions = rbac.Permissions{
		rbac.Contacts: access(rbac.Own, rbac.All), rbac.Deals: access(rbac.Own, rbac.None), rbac.Tasks: {},
	}
	var plan, created rbac.Plan
	unchanged(t, c.Store, "", func() {
		var err error
		plan, err = planOf(ctx, ada, edited)
		require.NoError(t, err)
		created, err = planOf(ctx, ada, rbac.Role{Name: " New ", Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}})
		require.NoError(t, err)
	})
	require.Equal(t, &clerk, plan.Before)
	require.Equal(t, "Clerks", plan.Role.Name)
	require.Equal(t, rbac.Permissions{rbac.Contacts: access(rbac.None, rbac.All), rbac.Deals: access(rbac.Own, rbac.None)}, plan.Gained)
	require.Equal(t, rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.None)}, plan.Lost)
	require.Equal(t, 2, plan.Members, "a suspended one included")
	require.NoError(t, plan.Refused)
	require.Equal(t, `role "Clerks", 2 members: gains contacts: manage all; deals: read own; loses contacts: read all`, plan.String())

	require.Nil(t, created.Before)
	require.Zero(t, created.Members)
	require.Equal(t, `role "New", 0 members: gains deals: read all; loses nothing`, created.String())

	// The plan can be carried out, once.
	role, err := ada.UpdateRole(ctx, plan.Role)
	require.NoError(t, err)
	require.Equal(t, "Clerks", role.Name)
	_, err = ada.UpdateRole(ctx, plan.Role)
	require.ErrorIs(t, err, rbac.ErrConflict)
	role, err = ada.CreateRole(ctx, created.Role)
	require.NoError(t, err)
	require.Equal(t, "New", role.Name)
	c.Check(t)
}

// The plan of an edit that takes away what is stored for an area that the
// program does not know takes it away, too, when it is carried out.
func TestPlanTakesAnAreaAway(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	update(t, c.Store, "", func(tx rbac.Tx) error {
		return tx.PutRole(rbac.Role{ID: "old", Name: "Old", Version: 1, Permissions: rbac.Permissions{"gone": {Read: rbac.All}, "legacy": {Read: rbac.All}}})
	})
	plan, err := planOf(ctx, c.W.As("ada"), rbac.Role{ID: "old", Name: "Old", Version: 1, Permissions: rbac.Permissions{"gone": {}, rbac.Tasks: {}}})
	require.NoError(t, err)
	require.Empty(t, plan.Gained)
	require.Empty(t, plan.Lost, "which nobody has here")
	_, err = c.W.As("ada").UpdateRole(ctx, plan.Role)
	require.NoError(t, err)
	require.NoError(t, c.Store.View(ctx, "", func(r rbac.Reader) error {
		role, err := r.Role("old")
		require.Equal(t, rbac.Permissions{"legacy": {Read: rbac.All}}, role.Permissions)
		return err
	}))
}

// What a rule would refuse is in the plan; what the store does not tell is an error.
func TestPlanRefused(t *testing.T) {
	t.Parallel()
	dealsAll := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}
	for _, test := range []struct {
		name    string
		actor   string
		role    func(c *company.Company) rbac.Role
		refused error // in the plan
		unknown bool  // the role is not in it
	}{
		{"nothing refuses", "max", func(c *company.Company) rbac.Role { return c.Role("Clerk") }, nil, false},
		{"a system role", "ada", func(c *company.Company) rbac.Role { return c.Role("Administrator") }, rbac.ErrProtectedRole, false},
		{"its name", "ada", func(c *company.Company) rbac.Role { return rbac.Role{Name: "administrator"} }, rbac.ErrProtectedRole, false},
		{"another version", "ada", func(c *company.Company) rbac.Role {
			r := c.Role("Clerk")
			r.Version++
			return r
		}, rbac.ErrConflict, false},
		{"more than one holds", "max", func(*company.Company) rbac.Role { return rbac.Role{Name: "New", Permissions: dealsAll} }, rbac.ErrEscalation, false},
		{"a role that holds more", "max", func(c *company.Company) rbac.Role { return c.Role("Seller") }, rbac.ErrEscalation, false},
		{"a name that is taken", "ada", func(*company.Company) rbac.Role { return rbac.Role{Name: "CLERK"} }, rbac.ErrNameTaken, false},
		{"bad input", "ada", func(*company.Company) rbac.Role { return rbac.Role{} }, rbac.ErrInvalid, true},
		{"who may not", "cleo", func(*company.Company) rbac.Role { return rbac.Role{Name: "New"} }, rbac.ErrDenied, true},
		{"no such role", "ada", func(*company.Company) rbac.Role { return rbac.Role{ID: "gone", Name: "New", Permissions: dealsAll} }, rbac.ErrRoleNotFound, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
			role := test.role(c)
			unchanged(t, c.Store, "", func() {
				plan, err := planOf(ctx, c.W.As(test.actor), role)
				require.NoError(t, err)
				if test.refused == nil {
					require.NoError(t, plan.Refused)
					return
				}
				require.ErrorIs(t, plan.Refused, test.refused)
				require.True(t, strings.HasSuffix(plan.String(), "refused: "+plan.Refused.Error()))
				require.Empty(t, plan.Events)
				require.Empty(t, plan.Effects)
				require.Equal(t, test.unknown, plan.Role.Name == "", "a role that was found is in the plan")
				if role.ID == "" {
					_, err = c.W.As(test.actor).CreateRole(ctx, role)
				} else {
					_, err = c.W.As(test.actor).UpdateRole(ctx, role)
				}
				require.Equal(t, plan.Refused, err, "the plan says what saving would say")
			})
		})
	}
	t.Run("the store fails", func(t *testing.T) {
		t.Parallel()
		store := fault.New(rbac.NewMemStore())
		az := openOn(t, store)
		role := addRole(t, az.Workspace, "Clerk", nil)
		store.Set(fault.Fails(errBoom), opView)
		_, err := planOf(t.Context(), az.System("test"), role)
		require.ErrorIs(t, err, errBoom)
		store.Set(nil, opView)
		store.SetRows(&fault.Rows{Members: fault.Broken[rbac.Member](0)})
		more := role
		more.Permissions = dealsAll // somebody would gain something
		_, err = planOf(t.Context(), az.System("test"), more)
		require.ErrorIs(t, err, errBoom)
		store.SetRows(&fault.Rows{Roles: fault.Broken[rbac.Role](0)})
		_, err = planOf(t.Context(), az.System("test"), rbac.Role{Name: "New"})
		require.ErrorIs(t, err, errBoom)
	})
}

// The plan of an edit names the roles whose holders may hand the role out,
// before and after, and what its own list is.
func TestPlanOfLists(t *testing.T) {
	t.Parallel()
	l, ctx := newListWorld(t), t.Context()
	lists := slices.Sorted(slices.Values(l.ids("Help desk", "Steward")))
	sales := l.stored(t, "Sales")
	sales.Permissions = reads(rbac.Own)
	plan, err := planOf(ctx, l.w.As("ada"), sales)
	require.NoError(t, err)
	require.Equal(t, lists, plan.AssignedBefore)
	require.Equal(t, lists, plan.AssignedAfter)
	require.Equal(t, fmt.Sprintf(`role "Sales", 1 member: gains nothing; loses deals: read all; handed out by holders of %q, %q`, lists[0], lists[1]), plan.String())

	sales.Permissions[rbac.Users] = access(rbac.None, rbac.All)
	plan, err = planOf(ctx, l.w.As("ada"), sales)
	require.NoError(t, err)
	require.Equal(t, lists, plan.AssignedBefore)
	require.Empty(t, plan.AssignedAfter, "it would administer")

	desk := l.stored(t, "Help desk")
	desk.Assigns = l.ids("Sales", "Clerk", "Sales")
	plan, err = planOf(ctx, l.w.As("ada"), desk)
	require.NoError(t, err)
	require.Equal(t, slices.Sorted(slices.Values(l.ids("Sales", "Clerk"))), plan.Role.Assigns)
	require.Contains(t, plan.String(), "; may hand out ")
	unchanged(t, l.store, "", func() {
		plan, err := planOf(ctx, l.w.As("max"), desk)
		require.NoError(t, err)
		require.ErrorIs(t, plan.Refused, rbac.ErrEscalation)
	})
	saved, err := l.w.As("ada").UpdateRole(ctx, plan.Role)
	require.NoError(t, err)
	require.Equal(t, plan.Role.Assigns, saved.Assigns)
}
