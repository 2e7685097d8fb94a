package rbac_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
)

// System roles come first, as they were given, without versions and times,
// and Administrator has All on every area of the catalogue (E5).
func TestSystemRoles(t *testing.T) {
	t.Parallel()
	az := openOn(t, rbac.NewMemStore(), company.Billing(), rbac.WithSystemRoles(
		rbac.Role{ID: "z", Name: " Zed ", Description: "Last.", CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(1, 0)},
		rbac.Role{ID: "a", Name: "Alpha", Permissions: rbac.Permissions{rbac.Deals: {}, rbac.Tasks: access(rbac.Own, rbac.None)}},
	), rbac.WithSystemRoles(rbac.Role{ID: "m", Name: "Mid", System: true}))
	addRole(t, az.Workspace, "Aaa", nil)
	roles, err := az.Roles(t.Context())
	require.NoError(t, err)
	require.Len(t, roles, 5)
	require.Equal(t, rbac.Administrator, roles[0].ID)
	require.Len(t, roles[0].Permissions, 9)
	for area, a := range roles[0].Permissions {
		require.Equal(t, access(rbac.All, rbac.All), a, "%s", area)
	}
	require.Equal(t, rbac.Role{ID: "z", Name: "Zed", Description: "Last.", System: true, Permissions: rbac.Permissions{}}, roles[1])
	require.Equal(t, rbac.Role{ID: "a", Name: "Alpha", System: true, Permissions: rbac.Permissions{rbac.Tasks: access(rbac.Own, rbac.None)}}, roles[2])
	require.Equal(t, rbac.RoleID("m"), roles[3].ID)
	require.Equal(t, "Aaa", roles[4].Name)
	require.Equal(t, []bool{true, true, true, true, false}, []bool{roles[0].System, roles[1].System, roles[2].System, roles[3].System, roles[4].System})
}
