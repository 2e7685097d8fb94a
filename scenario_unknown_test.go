package rbac_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// Scopes beyond All are None in everything that permissions answer, and no
// way to more than was given.
func TestScenario50_ScopesThatDoNotExist(t *testing.T) {
	t.Parallel()
	all := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.All)}
	own := rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.Own)}
	for n := 3; n <= 255; n++ {
		scope := rbac.Scope(n)
		p := rbac.Permissions{rbac.Deals: access(scope, scope)}
		half := rbac.Permissions{rbac.Deals: access(scope, rbac.Own)}
		require.False(t, p.Can(rbac.Deals, rbac.Read))
		require.Equal(t, rbac.None, p.Scope(rbac.Deals, rbac.Manage))
		require.Equal(t, rbac.None, p[rbac.Deals].Scope(rbac.Read))
		require.False(t, p.Covers(own), "%d", n)
		require.True(t, rbac.Permissions(nil).Covers(p))
		require.Equal(t, own, p.Missing(own))
		require.Empty(t, all.Missing(p))
		require.Empty(t, p.Missing(p))
		require.Empty(t, p.Union(p))
		require.Equal(t, all, p.Union(all))
		require.Equal(t, all, all.Union(p))
		require.Empty(t, p.Intersect(all))
		require.Empty(t, all.Intersect(p))
		require.Empty(t, p.Intersect(p))
		require.Equal(t, rbac.Permissions{rbac.Deals: access(rbac.None, rbac.Own)}, half.Intersect(all))
		require.Equal(t, rbac.Permissions{rbac.Deals: access(rbac.None, rbac.Own)}, half.Union(nil))

		// It is still said that they do not exist.
		_, err := p.MarshalJSON()
		require.ErrorIs(t, err, rbac.ErrInvalid)
		_, err = half.MarshalText()
		require.ErrorIs(t, err, rbac.ErrInvalid)
	}
	ctx, az := t.Context(), openOn(t, newStore(t))
	_, err := az.System("test").CreateRole(ctx, rbac.Role{Name: "New", Permissions: rbac.Permissions{rbac.Deals: access(3, rbac.All), rbac.Audit: access(rbac.All, 255)}})
	require.Equal(t, []string{"permissions.audit.manage", "permissions.deals.read"}, fields(t, err))
}
