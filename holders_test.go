package rbac_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

func TestHolders(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := rbac.NewMemStore()
	az := workspacetest.Open(t, store)
	held, err := az.Holders(ctx)
	require.NoError(t, err)
	require.Empty(t, held, "a workspace that was never written")
	sales := workspacetest.AddRole(t, az.Workspace, "Sales", rbac.Permissions{})
	workspacetest.AddRole(t, az.Workspace, "Unused", rbac.Permissions{})
	workspacetest.Assign(t, az.Workspace, rbac.Administrator, "ann")
	workspacetest.Assign(t, az.Workspace, sales.ID, "bob", "cy")
	require.NoError(t, az.As("ann").Suspend(ctx, "cy"))
	want := map[rbac.RoleID]int{rbac.Administrator: 1, sales.ID: 2}
	held, err = az.Holders(ctx)
	require.NoError(t, err)
	require.Equal(t, want, held)

	require.NoError(t, store.Update(ctx, "", func(tx rbac.Tx) error {
		in := az.In(rbac.TxStore("", tx))
		require.NoError(t, in.As("ann").Remove(ctx, "cy"))
		held, err = in.Holders(ctx)
		return err
	}))
	want[sales.ID] = 1
	require.Equal(t, want, held)
	_, err = az.For("\x00").Holders(ctx)
	require.ErrorIs(t, err, rbac.ErrInvalid)
}
