package rbac_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

// Several changes are one: all of them, or none if a rule refuses one.
func TestTogether(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := rbac.NewMemStore()
	az := workspacetest.Open(t, store)
	workspacetest.Assign(t, az.Workspace, rbac.Administrator, "ann")
	old := workspacetest.AddRole(t, az.Workspace, "Night shift", rbac.Permissions{rbac.Deals: {Read: rbac.All}})
	other := workspacetest.AddRole(t, az.Workspace, "Day shift", rbac.Permissions{rbac.Tasks: {Read: rbac.All}})
	workspacetest.Assign(t, az.Workspace, old.ID, "bob")
	move := func(a *rbac.Admin) error {
		if err := a.ReplaceRole(ctx, old.ID, other.ID); err != nil {
			return err
		}
		return a.DeleteRole(ctx, old.ID)
	}

	before := revisionOf(t, store)
	err := az.As("ann").Together(ctx, func(a *rbac.Admin) error {
		require.NoError(t, move(a))
		return a.Remove(ctx, "ann")
	})
	require.ErrorIs(t, err, rbac.ErrSelf)
	require.Equal(t, before, revisionOf(t, store), "the others went with it")
	require.True(t, az.Can(ctx, "bob", rbac.Deals, rbac.Read))

	plan, err := az.As("ann").Preview(ctx, func(a *rbac.Admin) error { return a.Together(ctx, move) })
	require.NoError(t, err)
	require.NoError(t, plan.Refused)
	require.Len(t, plan.Events, 2)
	require.Equal(t, before, revisionOf(t, store), "a preview writes nothing")

	var kept *rbac.Admin
	require.NoError(t, az.As("ann").Together(ctx, func(a *rbac.Admin) error {
		kept = a
		return move(a)
	}))
	require.False(t, az.Can(ctx, "bob", rbac.Deals, rbac.Read), "the next check sees it")
	require.True(t, az.Can(ctx, "bob", rbac.Tasks, rbac.Read))
	require.Equal(t, before+2, revisionOf(t, store))
	require.Error(t, kept.Suspend(ctx, "bob"), "its transaction is over")
}

func revisionOf(t *testing.T, store rbac.Store) int64 {
	t.Helper()
	revisions, err := store.Revisions(t.Context(), []string{""})
	require.NoError(t, err)
	return revisions[""].Seq
}

// A change that a rule refuses is taken back whole, wherever it is a part of more:
// who goes on after the refusal commits nothing of it.
func TestTogetherKeepsNothingOfARefusal(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	seller := rbac.Role{Name: "Seller", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}}}
	for name, attempt := range map[string]func(*rbac.Admin) error{
		"a set-up whose second role has a name that is taken": func(a *rbac.Admin) error {
			_, err := a.SetUp(ctx, []rbac.Role{seller, {Name: "seller", Permissions: seller.Permissions}}, "ann")
			return err
		},
		"a part of several changes": func(a *rbac.Admin) error {
			return a.Together(ctx, func(a *rbac.Admin) error {
				if _, err := a.CreateRole(ctx, seller); err != nil {
					return err
				}
				_, err := a.CreateRole(ctx, seller)
				return err
			})
		},
	} {
		store := rbac.NewMemStore()
		az := workspacetest.Open(t, store)
		goOn := func(a *rbac.Admin) error {
			require.ErrorIs(t, attempt(a), rbac.ErrNameTaken, name)
			return a.Assign(ctx, rbac.Administrator, "bob")
		}
		plan, err := az.System("test").Preview(ctx, goOn)
		require.NoError(t, err)
		require.Len(t, plan.Events, 1, name)
		require.NoError(t, az.System("test").Together(ctx, goOn))
		require.EqualValues(t, 1, revisionOf(t, store), name)
		_, err = az.RoleByName(ctx, "Seller")
		require.ErrorIs(t, err, rbac.ErrRoleNotFound, name)
	}
}

// A store that panics, and one that calls the function again.
func TestTogetherOnABrokenStore(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), &brokenUpdates{Store: rbac.NewMemStore()}
	az := workspacetest.Open(t, store)
	calls := 0
	change := func(a *rbac.Admin) error {
		calls++
		return a.Assign(ctx, rbac.Administrator, "ann")
	}
	store.again = true
	require.Error(t, az.System("test").Together(ctx, change))
	require.Equal(t, 1, calls)
	store.again, store.panics = false, true
	require.ErrorContains(t, az.System("test").Together(ctx, change), "the store panicked")
	store.panics = false
	require.PanicsWithValue(t, "theirs", func() {
		_ = az.System("test").Together(ctx, func(*rbac.Admin) error { panic("theirs") })
	})
}

type brokenUpdates struct {
	rbac.Store
	again, panics bool
}

func (s *brokenUpdates) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	if s.panics {
		panic("broken")
	}
	return s.Store.Update(ctx, workspace, func(tx rbac.Tx) error {
		if err := fn(tx); err != nil || !s.again {
			return err
		}
		return fn(tx)
	})
}
