package rbac_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/storetest"
)

// A draft reads as a transaction that has written the same. That is what a Store
// promises of a Tx, so storetest judges it.
func TestDraft(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) rbac.Store { return draftingStore{rbac.NewMemStore()} })
}

// draftingStore is a MemStore whose Updates read from a draft, over what was
// committed before. What is written goes to both.
type draftingStore struct{ *rbac.MemStore }

func (s draftingStore) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	return s.MemStore.Update(ctx, workspace, func(tx rbac.Tx) error {
		return s.View(ctx, workspace, func(before rbac.Reader) error {
			return fn(draftingTx{rbac.NewDraft(before), tx})
		})
	})
}

// draftingTx is a draft that writes to a transaction, too.
type draftingTx struct {
	rbac.Tx
	written rbac.Tx
}

func (tx draftingTx) PutRole(role rbac.Role) error {
	return errors.Join(tx.written.PutRole(role), tx.Tx.PutRole(role))
}

func (tx draftingTx) DeleteRole(id rbac.RoleID) error {
	return errors.Join(tx.written.DeleteRole(id), tx.Tx.DeleteRole(id))
}

func (tx draftingTx) PutMembers(members ...rbac.Member) error {
	return errors.Join(tx.written.PutMembers(members...), tx.Tx.PutMembers(members...))
}

func (tx draftingTx) DeleteMembers(users ...string) error {
	return errors.Join(tx.written.DeleteMembers(users...), tx.Tx.DeleteMembers(users...))
}

func (tx draftingTx) AppendEvents(events ...rbac.Event) error {
	return errors.Join(tx.written.AppendEvents(events...), tx.Tx.AppendEvents(events...))
}

func (tx draftingTx) Clear() error { return errors.Join(tx.written.Clear(), tx.Tx.Clear()) }

// Whatever is committed and then written, each query finds in a draft what it
// finds in a transaction.
func TestDraftFindsWhatATransactionFinds(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	some := func(from ...string) string { return from[r.IntN(len(from))] }
	write := func(tx rbac.Tx) {
		user, role := some("a", "b", "c", "d", "e", "f"), rbac.RoleID(some("r", "s", "t"))
		switch r.IntN(5) {
		case 0:
			require.NoError(t, tx.PutRole(rbac.Role{ID: role, Name: some("One", "Two"), Permissions: rbac.Permissions{}}))
		case 1:
			require.NoError(t, tx.DeleteRole(role))
		case 2:
			require.NoError(t, tx.DeleteMembers(user))
		case 3:
			at, err := tx.Revision()
			require.NoError(t, err)
			require.NoError(t, tx.AppendEvents(rbac.Event{Seq: at.Seq + 1, Kind: rbac.MemberRemoved, Time: time.Unix(1, 0), MemberBefore: &rbac.Member{User: user, Role: role}}))
		default:
			require.NoError(t, tx.PutMembers(rbac.Member{User: user, Role: role, Team: some("", "x", "y"), Suspended: r.IntN(2) == 0}))
		}
	}
	for range long.Scale(2000) {
		store := rbac.NewMemStore()
		update(t, store, "", func(tx rbac.Tx) error {
			for range r.IntN(12) {
				write(tx)
			}
			return nil
		})
		err := draftingStore{store}.Update(t.Context(), "", func(tx rbac.Tx) error {
			for range r.IntN(12) {
				write(tx)
				draft, written := tx.(draftingTx).Tx, tx.(draftingTx).written
				members := rbac.MemberQuery{
					Role: rbac.RoleID(some("", "r", "s")), Team: some("", "", "x"), State: rbac.MemberState(r.IntN(3)), After: some("", "", "b", "d"), Limit: r.IntN(4),
				}
				if r.IntN(3) == 0 {
					members.Users = []string{some("f", "c"), some("a", "c"), "e"}
				}
				events := rbac.EventQuery{After: r.Int64N(3), Before: r.Int64N(5), Newest: r.IntN(2) == 0, Limit: r.IntN(3), User: some("", "", "a")}
				require.Equal(t, text(workspacetest.All(t, written.Members(members))), text(workspacetest.All(t, draft.Members(members))), "%+v", members)
				require.Equal(t, text(workspacetest.All(t, written.Events(events))), text(workspacetest.All(t, draft.Events(events))), "%+v", events)
				require.Equal(t, text(workspacetest.From(t, written)), text(workspacetest.From(t, draft)))
			}
			return nil
		})
		require.NoError(t, err)
	}
}

// What is given to a draft and what it gives belong to the caller.
func TestDraftSharesNothing(t *testing.T) {
	t.Parallel()
	store := rbac.NewMemStore()
	require.NoError(t, store.View(t.Context(), "", func(before rbac.Reader) error {
		tx := rbac.NewDraft(before)
		role := rbac.Role{ID: "r", Name: "R", Permissions: rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.None)}, Assigns: []rbac.RoleID{"s"}}
		event := rbac.Event{Seq: 1, Kind: rbac.RoleCreated, RoleAfter: &rbac.Role{ID: "r", Name: "R"}}
		require.NoError(t, tx.PutRole(role))
		require.NoError(t, tx.AppendEvents(event))
		want := text(workspacetest.From(t, tx))
		role.Permissions[rbac.Audit], role.Assigns[0], event.RoleAfter.Name = access(rbac.All, rbac.All), "x", "x"
		for range 2 {
			require.Equal(t, want, text(workspacetest.From(t, tx)))
			one, err := tx.Role("r")
			require.NoError(t, err)
			for _, given := range append(workspacetest.All(t, tx.Roles()), one) {
				given.Permissions[rbac.Audit], given.Assigns[0] = access(rbac.All, rbac.All), "x"
			}
			workspacetest.All(t, tx.Events(rbac.EventQuery{}))[0].RoleAfter.Name = "x"
		}
		return nil
	}))
}
