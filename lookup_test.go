package rbac_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/workspacetest"
)

// One role and one member, by what they are called; inside a transaction with
// what it has written.
func TestLookUps(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	clerk := c.Role("Clerk")
	role, err := c.W.Role(ctx, clerk.ID)
	require.NoError(t, err)
	require.Equal(t, clerk, role)
	for _, name := range []string{"Clerk", " CLERK ", "ｃlerk"} {
		role, err = c.W.RoleByName(ctx, name)
		require.NoError(t, err)
		require.Equal(t, clerk, role)
	}
	for _, find := range []func() (rbac.Role, error){
		func() (rbac.Role, error) { return c.W.Role(ctx, rbac.Administrator) },
		func() (rbac.Role, error) { return c.W.RoleByName(ctx, "ADMINISTRATOR") },
	} {
		role, err = find()
		require.NoError(t, err)
		require.Equal(t, c.Role("Administrator"), role)
		role.Permissions[rbac.Users] = rbac.Access{} // it is the caller's
	}
	allows(t, c.W, "ada")

	member, err := c.W.Member(ctx, "cody")
	require.NoError(t, err)
	want := c.Member("cody")
	want.RoleName = "Clerk"
	require.Equal(t, want, member)
	require.True(t, member.Suspended)

	require.NoError(t, c.W.Transact(ctx, within(c.Store, ""), func(tx *rbac.Transaction) error {
		made, err := tx.As("ada").CreateRole(ctx, rbac.Role{Name: "New"})
		require.NoError(t, err)
		require.NoError(t, tx.As("ada").Assign(ctx, made.ID, "new"))
		role, err := tx.Role(ctx, made.ID)
		require.NoError(t, err)
		require.Equal(t, made, role)
		role, err = tx.RoleByName(ctx, "new")
		require.NoError(t, err)
		require.Equal(t, made, role)
		member, err := tx.Member(ctx, "new")
		require.NoError(t, err)
		require.Equal(t, "New", member.RoleName)
		return nil
	}))
}

// What is not there, and what cannot be asked for, outside and inside a
// transaction.
func TestLookUpsOfNothing(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), fault.New(rbac.NewMemStore())
	az := openOn(t, store)
	assign(t, az.Workspace, rbac.Administrator, "ada")
	in := az.In(rbac.Store(store))
	for name, test := range map[string]struct {
		find func() []error
		want error
	}{
		"no role": {func() []error {
			_, err1 := az.Role(ctx, "gone")
			_, err2 := in.Role(ctx, "gone")
			return []error{err1, err2}
		}, &rbac.RefusalError{Rule: rbac.ErrRoleNotFound, Role: "gone"}},
		"no role of a name": {func() []error {
			_, err1 := az.RoleByName(ctx, " Gone ")
			_, err2 := in.RoleByName(ctx, " Gone ")
			return []error{err1, err2}
		}, &rbac.RefusalError{Rule: rbac.ErrRoleNotFound, RoleName: "Gone"}},
		"no member": {func() []error {
			_, err1 := az.Member(ctx, "nobody")
			_, err2 := in.Member(ctx, "nobody")
			return []error{err1, err2}
		}, &rbac.RefusalError{Rule: rbac.ErrMemberNotFound, Users: []string{"nobody"}}},
	} {
		for _, err := range test.find() {
			require.Equal(t, test.want, err, name)
		}
	}
	store.ResetCalls()
	for _, bad := range []string{"", " ", "a\x00", strings.Repeat("a", 256)} {
		_, err1 := az.Role(ctx, rbac.RoleID(bad))
		_, err2 := in.RoleByName(ctx, bad)
		_, err3 := az.Member(ctx, bad)
		for _, err := range []error{err1, err2, err3} {
			require.ErrorIs(t, err, rbac.ErrInvalid)
		}
	}
	require.Zero(t, store.Total(), "the store is not asked")

	store.Set(fault.First(1, fault.RollsBack(rbac.ErrContention)), opView)
	_, err := az.Member(ctx, "ada")
	require.NoError(t, err, "it is asked again")
	store.Set(fault.First(1, fault.RollsBack(rbac.ErrContention)), opView)
	_, err = in.Member(ctx, "ada")
	require.ErrorIs(t, err, rbac.ErrContention, "a transaction of the caller's is not")
	store.Set(fault.Fails(errBoom), opView)
	_, err = az.Role(ctx, rbac.Administrator)
	require.ErrorIs(t, err, errBoom)

	require.NoError(t, az.Close())
	_, err1 := az.Role(ctx, rbac.Administrator)
	_, err2 := in.Member(ctx, "ada")
	require.ErrorIs(t, errors.Join(err1), rbac.ErrClosed)
	require.ErrorIs(t, errors.Join(err2), rbac.ErrClosed)
}

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
