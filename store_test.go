package rbac_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// A transaction of one workspace is refused for another.
func TestInAnotherWorkspace(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	az := openOn(t, store)
	unchanged(t, store, "acme", func() {
		require.NoError(t, store.Update(ctx, "acme", func(tx rbac.Tx) error {
			in := rbac.TxStore("acme", tx)
			for _, workspace := range []string{"", "Acme", "other"} {
				err := az.For(workspace).In(in).System("test").Assign(ctx, rbac.Administrator, "ada")
				require.ErrorContains(t, err, "acme")
				_, err = az.For(workspace).In(in).System("test").Preview(ctx, nil)
				require.ErrorContains(t, err, "acme")
			}
			found, err := in.Revisions(ctx, []string{"acme"})
			require.NoError(t, err)
			require.Equal(t, map[string]rbac.Revision{"acme": {}}, found)
			_, err = in.Revisions(ctx, []string{"acme", "other"})
			require.Error(t, err)
			cancelled, cancel := context.WithCancel(ctx)
			cancel()
			_, err = in.Revisions(cancelled, []string{"acme"})
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, in.View(cancelled, "acme", nil), context.Canceled)
			require.ErrorIs(t, in.Update(cancelled, "acme", nil), context.Canceled)
			return nil
		}))
	})
	ended := rbac.TxStore("acme", nil)
	require.NoError(t, store.Update(ctx, "acme", func(tx rbac.Tx) error {
		ended = rbac.TxStore("acme", tx)
		return nil
	}))
	require.Error(t, az.For("acme").In(ended).System("test").Assign(ctx, rbac.Administrator, "ada"), "after the transaction")
	_, err := ended.Revisions(ctx, []string{"acme"})
	require.Error(t, err)
	require.Panics(t, func() { az.In(nil) }, "a wiring mistake")
}
