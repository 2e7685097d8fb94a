package rbac_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
)

// E7: areas that storage holds and this program does not know survive an edit
// by this program, and do not show in the roles that it returns.
func TestUpdateRoleKeepsAreasOfAnotherProgram(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	old, newer := openOn(t, store), openOn(t, store, company.Billing())
	mixed := rbac.Permissions{"billing": access(rbac.All, rbac.All), rbac.Deals: access(rbac.All, rbac.None)}
	role := addRole(t, newer.Workspace, "Mixed", mixed)
	assign(t, newer.Workspace, role.ID, "vic")
	require.NoError(t, old.Sync(ctx))

	roles, err := old.Roles(ctx)
	require.NoError(t, err)
	shown := roles[1]
	require.Equal(t, rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}, shown.Permissions)
	require.False(t, old.Can(ctx, "vic", "billing", rbac.Read))
	shown.Permissions = rbac.Permissions{rbac.Tasks: access(rbac.All, rbac.None)}
	shown, err = old.System("test").UpdateRole(ctx, shown)
	require.NoError(t, err)
	require.Equal(t, rbac.Permissions{rbac.Tasks: access(rbac.All, rbac.None)}, shown.Permissions)
	_, err = old.System("test").UpdateRole(ctx, rbac.Role{
		ID: shown.ID, Name: shown.Name, Version: shown.Version, Permissions: rbac.Permissions{"billing": access(rbac.All, rbac.All)},
	})
	require.Equal(t, []string{"permissions.billing"}, fields(t, err))

	require.NoError(t, newer.Sync(ctx))
	require.True(t, newer.Can(ctx, "vic", "billing", rbac.Manage))
	require.True(t, newer.Can(ctx, "vic", rbac.Tasks, rbac.Read))
	require.False(t, newer.Can(ctx, "vic", rbac.Deals, rbac.Read))
	checkInvariants(t, store, "")
}

func TestA15_NewRoles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
		ada := c.W.As("ada")
		time.Sleep(time.Minute + 1500*time.Nanosecond)
		now := time.Now().UTC().Truncate(time.Microsecond)
		given := rbac.Role{
			Name: "  New ", Description: " As it is. ", CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(2, 0),
			Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None), rbac.Tasks: {}},
		}
		role, err := ada.CreateRole(ctx, given)
		require.NoError(t, err)
		require.NotEmpty(t, role.ID)
		require.Equal(t, rbac.Role{
			ID: role.ID, Name: "New", Description: " As it is. ", Version: 1, CreatedAt: now, UpdatedAt: now,
			Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)},
		}, role)

		// What was given and what came back belong to the caller.
		given.Permissions[rbac.Users] = access(rbac.All, rbac.All)
		role.Permissions[rbac.Users] = access(rbac.All, rbac.All)
		require.NoError(t, ada.Assign(ctx, role.ID, "new"))
		require.False(t, c.W.Can(ctx, "new", rbac.Users, rbac.Manage))
		delete(role.Permissions, rbac.Users)

		// Each stored edit adds 1, and changes UpdatedAt alone.
		for version := int64(2); version < 5; version++ {
			time.Sleep(time.Second)
			role.Description = fmt.Sprint("Version ", version)
			want := role
			want.Version, want.UpdatedAt = version, time.Now().UTC().Truncate(time.Microsecond)
			role.CreatedAt = time.Unix(1, 0) // is not taken
			role, err = ada.UpdateRole(ctx, role)
			require.NoError(t, err)
			require.Equal(t, want, role)
		}

		for name, test := range map[string]struct {
			role rbac.Role
			want []string
		}{
			"an id":      {rbac.Role{ID: "mine", Name: "Other"}, []string{"id"}},
			"a version":  {rbac.Role{Name: "Other", Version: 1}, []string{"version"}},
			"a negative": {rbac.Role{Name: "Other", Version: -1}, []string{"version"}},
			"both":       {rbac.Role{ID: "mine", Name: "", Version: 1}, []string{"id", "version", "name"}},
		} {
			_, err := ada.CreateRole(ctx, test.role)
			require.Equal(t, test.want, fields(t, err), name)
		}
		_, err = ada.CreateRole(ctx, rbac.Role{Name: "Other", System: true})
		require.ErrorIs(t, err, rbac.ErrProtectedRole)
		c.Check(t)
	})
}
