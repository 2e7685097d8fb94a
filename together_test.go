package rbac_test

import (
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
