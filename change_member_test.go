package rbac_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
)

func TestA14_SeveralUsersAreOneChange(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"all can be removed", "ada", company.Removing("cleo", "stan"), nil},
		{"one of them is nobody", "ada", company.Removing("cleo", "nobody", "stan"), rbac.ErrMemberNotFound},
		{"all can be suspended", "ada", company.Suspending("cleo", "stan"), nil},
		{"one of them is nobody to suspend", "ada", company.Suspending("cleo", "nobody"), rbac.ErrMemberNotFound},
		{"all can be reinstated", "ada", company.Reinstating("cody", "sid"), nil},
		{"one of them is nobody to reinstate", "ada", company.Reinstating("cody", "nobody"), rbac.ErrMemberNotFound},
		{"all can be assigned", "max", company.Assigning("Unused", "cleo", "new"), nil},
		{"one of them holds more", "max", company.Assigning("Unused", "cleo", "stan", "new"), rbac.ErrEscalation},
		{"one of them is the last", "", company.Removing("cleo", "ada", "abe"), rbac.ErrLastAdministrator},
	})
	t.Run("duplicates count once", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
		before := contentsOf(t, c.Store, "").Revision.Seq
		require.NoError(t, c.W.As("ada").Assign(ctx, c.Role("Unused").ID, "new", "cleo", "new", "cleo", "new"))
		require.NoError(t, c.W.As("ada").Suspend(ctx, "new", "new"))
		require.NoError(t, c.W.As("ada").Reinstate(ctx, "new", "new"))
		require.NoError(t, c.W.As("ada").Remove(ctx, "new", "cleo", "new"))
		require.Equal(t, before+6, contentsOf(t, c.Store, "").Revision.Seq)
		c.Check(t)
	})
	t.Run("of nobody it is none, by whoever may, of a role that exists", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
		unchanged(t, c.Store, "", func() {
			require.NoError(t, c.W.As("ada").Assign(ctx, c.Role("Unused").ID))
			require.ErrorIs(t, c.W.As("ada").Assign(ctx, "gone"), rbac.ErrRoleNotFound)
			require.ErrorIs(t, c.W.As("cleo").Assign(ctx, c.Role("Unused").ID), rbac.ErrDenied)
		})
	})
	t.Run("who is missing is named, at most ten", func(t *testing.T) {
		t.Parallel()
		c := company.New(t, rbac.NewMemStore(), "")
		var users []string
		for i := range 12 {
			users = append(users, fmt.Sprintf("x%02d", 11-i))
		}
		err := c.W.As("ada").Suspend(t.Context(), append(users, "cleo", "x00")...)
		slices.Sort(users)
		require.Equal(t, &rbac.RefusalError{Rule: rbac.ErrMemberNotFound, Users: users[:10]}, err)
	})
	t.Run("Assign keeps a suspension", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
		require.NoError(t, c.W.As("ada").Assign(ctx, rbac.Administrator, "cody", "cleo"))
		require.True(t, c.Member("cody").Suspended)
		require.False(t, c.Member("cleo").Suspended)
		require.False(t, c.W.Can(ctx, "cody", rbac.Deals, rbac.Read))
		require.True(t, c.W.Can(ctx, "cleo", rbac.Deals, rbac.Read))
		c.Check(t)
	})
}

// A member whose row cannot be read can be removed or given a role by an
// Administrator and by the application, and does not keep a role from being
// replaced and deleted.
func TestMalformedMembersCanBeMended(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	az := openOn(t, store)
	assign(t, az.Workspace, rbac.Administrator, "ann")
	manager := addRole(t, az.Workspace, "Manager", rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)})
	clerk := addRole(t, az.Workspace, "Clerk", nil)
	assign(t, az.Workspace, manager.ID, "uma")
	assign(t, az.Workspace, clerk.ID, "joe")
	update(t, store, "", func(tx rbac.Tx) error {
		return tx.PutMembers(
			rbac.Member{User: "bad"}, rbac.Member{User: "worse"}, // without a role
			rbac.Member{User: "\xff", Role: clerk.ID},
		)
	})
	for _, change := range []func(a *rbac.Admin) error{
		func(a *rbac.Admin) error { return a.Remove(ctx, "bad") },
		func(a *rbac.Admin) error { return a.Assign(ctx, clerk.ID, "bad") },
		func(a *rbac.Admin) error { return a.ReplaceRole(ctx, clerk.ID, manager.ID) },
	} {
		require.ErrorIs(t, change(az.As("uma")), rbac.ErrMalformed)
	}
	require.ErrorIs(t, az.As("ann").Suspend(ctx, "bad"), rbac.ErrMalformed)
	require.NoError(t, az.As("ann").Remove(ctx, "bad"))
	require.ErrorIs(t, az.As("ann").Remove(ctx, "bad"), rbac.ErrMemberNotFound)
	require.NoError(t, az.System("repair").Assign(ctx, clerk.ID, "worse"))
	require.NoError(t, az.As("ann").ReplaceRole(ctx, clerk.ID, manager.ID))
	require.ErrorIs(t, az.As("uma").DeleteRole(ctx, clerk.ID), rbac.ErrRoleInUse)
	require.NoError(t, az.As("ann").DeleteRole(ctx, clerk.ID))
	require.NoError(t, az.VerifyEvents(ctx))
	other := openOn(t, store)
	require.NoError(t, other.Sync(ctx))
	d, err := other.Explain(ctx, "worse", rbac.Users, rbac.Read)
	require.NoError(t, err)
	require.Equal(t, manager.ID, d.Role)
}
