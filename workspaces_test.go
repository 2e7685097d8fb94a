package rbac_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

// More workspaces than the store gives in one page are all listed, once each and in
// byte order, and the loop may change what it likes.
func TestWorkspaces(t *testing.T) {
	t.Parallel()
	ctx, az := t.Context(), workspacetest.Open(t, rbac.NewMemStore())
	var all, anns []string
	for i := range 250 {
		id := fmt.Sprintf("w%03d", i)
		all = append(all, id)
		workspacetest.Assign(t, az.For(id), rbac.Administrator, "root")
		if i%2 == 0 {
			anns = append(anns, id)
			workspacetest.Assign(t, az.For(id), rbac.Administrator, "ann")
		}
	}
	list := func(q rbac.WorkspaceQuery) (ids []string) {
		for id, err := range az.Workspaces(ctx, q) {
			require.NoError(t, err)
			ids = append(ids, id)
		}
		return ids
	}
	after := "w100"
	require.Equal(t, all, list(rbac.WorkspaceQuery{}))
	require.Equal(t, anns, list(rbac.WorkspaceQuery{User: "ann"}))
	require.Equal(t, all[101:221], list(rbac.WorkspaceQuery{After: &after, Limit: 120}))
	require.Empty(t, list(rbac.WorkspaceQuery{User: "nobody"}))

	for id, err := range az.Workspaces(ctx, rbac.WorkspaceQuery{User: "ann"}) {
		require.NoError(t, err)
		require.NoError(t, az.For(id).System("off-boarding").Remove(ctx, "ann"))
	}
	require.Empty(t, list(rbac.WorkspaceQuery{User: "ann"}))
	require.Equal(t, all, list(rbac.WorkspaceQuery{}))

	for _, err := range az.Workspaces(ctx, rbac.WorkspaceQuery{User: "\xff"}) {
		require.ErrorIs(t, err, rbac.ErrInvalid)
	}
}
