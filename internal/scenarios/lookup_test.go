package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
)

// A row that cannot be read is an error to who asks for it, and is in nobody's way;
// a store that returns another row than was asked for is found out.
func TestScenario91_RowsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), fault.New(rbac.NewMemStore())
	az := openOn(t, store, quiet)
	assign(t, az.Workspace, rbac.Administrator, "ann")
	roles, members := malformedRows()
	update(t, store, "", func(tx rbac.Tx) error {
		for _, role := range roles {
			if err := tx.PutRole(role); err != nil {
				return err
			}
		}
		return tx.PutMembers(append(members, rbac.Member{User: "vic", Role: "viewer"})...)
	})
	viewer := addRole(t, az.Workspace, "Viewer", nil)
	require.NoError(t, store.Update(ctx, "", func(tx rbac.Tx) error {
		in := az.In(rbac.TxStore("", tx))
		for _, id := range []rbac.RoleID{"nine", "three", "unnamed", "blank", "longname", "control", "odd"} {
			for _, find := range []func() (rbac.Role, error){
				func() (rbac.Role, error) { return az.Role(ctx, id) },
				func() (rbac.Role, error) { return in.Role(ctx, id) },
			} {
				role, err := find()
				require.ErrorIs(t, err, rbac.ErrMalformed, id)
				require.Equal(t, rbac.Role{}, role)
			}
		}
		for _, name := range []string{"Nine", "Three", "Odd area"} {
			_, err := in.RoleByName(ctx, name)
			require.ErrorIs(t, err, rbac.ErrRoleNotFound, name)
		}
		role, err := in.RoleByName(ctx, "viewer")
		require.NoError(t, err)
		require.Equal(t, viewer, role)
		for _, user := range []string{"norole", "blankrole", "longrole"} {
			member, err := in.Member(ctx, user)
			require.ErrorIs(t, err, rbac.ErrMalformed, user)
			require.Equal(t, rbac.Member{}, member)
		}
		member, err := in.Member(ctx, "held-control")
		require.NoError(t, err, "the row of the member can be read")
		require.Equal(t, rbac.Member{User: "held-control", Role: "control"}, member, "the name of the role cannot")
		return nil
	}))

	store.SetRows(&fault.Rows{
		Role:   func(role rbac.Role) (rbac.Role, error) { role.ID = "another"; return role, nil },
		Member: func(m rbac.Member) (rbac.Member, error) { m.User = "another"; return m, nil },
	})
	_, err := az.Role(ctx, viewer.ID)
	require.ErrorContains(t, err, `returned role "another"`)
	_, err = az.Member(ctx, "ann")
	require.ErrorContains(t, err, `returned member "another"`)
}
