package rbac_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
)

// Rows that nobody can have meant grant nothing, wherever they are read: in a
// check, in a change, in a review.
func TestMalformedRowsGrantNothing(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	assign(t, openOn(t, store).Workspace, rbac.Administrator, "ann")
	update(t, store, "", func(tx rbac.Tx) error {
		require.NoError(t, tx.PutRole(rbac.Role{ID: "odd", Name: "Odd", Permissions: rbac.Permissions{rbac.Users: access(rbac.All, 4)}}))
		require.NoError(t, tx.PutRole(rbac.Role{ID: "unnamed", Permissions: rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)}}))
		return tx.PutMembers(
			rbac.Member{User: "holds odd", Role: "odd"}, rbac.Member{User: "holds unnamed", Role: "unnamed"},
			rbac.Member{User: "nul\x00", Role: rbac.Administrator}, rbac.Member{User: "no role"},
		)
	})
	az := openOn(t, store)
	for _, user := range []string{"holds odd", "holds unnamed", "nul\x00", "no role"} {
		require.False(t, az.Can(ctx, user, rbac.Users, rbac.Read), "%q", user)
		require.ErrorIs(t, az.As(user).Assign(ctx, rbac.Administrator, "new"), rbac.ErrDenied, "%q", user)
	}
	allows(t, az.Workspace, "ann")
	roles, err := az.Roles(ctx)
	require.NoError(t, err)
	require.Len(t, roles, 1, "Administrator")
	require.ErrorIs(t, az.System("test").Remove(ctx, "ann"), rbac.ErrLastAdministrator, "the other is none")
}

// A stored row with the id of a system role is not that role (A5).
func TestSystemRolesAreNotRead(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	support := rbac.WithSystemRoles(rbac.Role{ID: "support", Name: "Support", Permissions: rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.None)}})
	assign(t, openOn(t, store, support).Workspace, "support", "sue")
	update(t, store, "", func(tx rbac.Tx) error {
		return tx.PutRole(rbac.Role{ID: "support", Name: "Forged", Permissions: rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)}})
	})
	az := openOn(t, store, support)
	require.False(t, az.Can(ctx, "sue", rbac.Users, rbac.Manage))
	require.True(t, az.CanRecord(ctx, "sue", rbac.Deals, rbac.Read, "sue"))
	require.ErrorIs(t, az.As("sue").Assign(ctx, "support", "new"), rbac.ErrDenied)
}

// What the store returns in place of what it was asked for is not used.
func TestAnotherRowThanAskedFor(t *testing.T) {
	t.Parallel()
	store := fault.New(rbac.NewMemStore())
	az := openOn(t, store)
	manager := addRole(t, az.Workspace, "Manager", rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)})
	assign(t, az.Workspace, manager.ID, "max")
	for want, rows := range map[string]*fault.Rows{
		"returned member": {Member: func(m rbac.Member) (rbac.Member, error) { m.User = "ann"; return m, nil }},
		"returned role":   {Role: func(r rbac.Role) (rbac.Role, error) { r.ID = "other"; return r, nil }},
	} {
		store.SetRows(rows)
		require.ErrorContains(t, az.As("max").Assign(t.Context(), manager.ID, "new"), want)
	}
}

// P4: what was read without the newest event does not stand for its revision.
// It is read again with each poll until the event is there.
func TestP4_RowsWithoutTheNewestEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := fault.New(rbac.NewMemStore())
		az := openOn(t, store)
		assign(t, az.Workspace, rbac.Administrator, "ann")
		store.SetRows(&fault.Rows{Events: fault.Cut[rbac.Event](0)})
		allows(t, az.Workspace, "ann")
		synctest.Wait()
		store.ResetCalls()
		for range 3 {
			time.Sleep(2 * time.Second)
		}
		synctest.Wait()
		require.Equal(t, 3, store.Calls(opView))
		store.SetRows(nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Equal(t, 4, store.Calls(opView))
	})
}
