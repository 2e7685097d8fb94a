package scenarios_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

// unserialisedStore runs the transactions of a workspace side by side, each on
// the state before it, the last writer winning: a database under READ
// COMMITTED or REPEATABLE READ and a store without a lock. Transactions meet
// at the barrier before they commit.
type unserialisedStore struct {
	rbac.Store
	barrier func()
}

func (s unserialisedStore) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	var writes []func(rbac.Tx) error
	err := s.View(ctx, workspace, func(r rbac.Reader) error {
		return fn(laterTx{r, &writes})
	})
	s.barrier()
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, workspace, func(tx rbac.Tx) error {
		for _, write := range writes {
			if err := write(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// laterTx notes its writes.
type laterTx struct {
	rbac.Reader
	writes *[]func(rbac.Tx) error
}

func (t laterTx) later(write func(rbac.Tx) error) error {
	*t.writes = append(*t.writes, write)
	return nil
}

func (t laterTx) PutRole(r rbac.Role) error {
	return t.later(func(tx rbac.Tx) error { return tx.PutRole(r) })
}

func (t laterTx) DeleteRole(id rbac.RoleID) error {
	return t.later(func(tx rbac.Tx) error { return tx.DeleteRole(id) })
}

func (t laterTx) PutMembers(m ...rbac.Member) error {
	return t.later(func(tx rbac.Tx) error { return tx.PutMembers(m...) })
}

func (t laterTx) DeleteMembers(users ...string) error {
	return t.later(func(tx rbac.Tx) error { return tx.DeleteMembers(users...) })
}

func (t laterTx) AppendEvents(events ...rbac.Event) error {
	return t.later(func(tx rbac.Tx) error {
		at, err := tx.Revision()
		for i := range events {
			events[i].Seq = at.Seq + int64(i) + 1
		}
		return errors.Join(err, tx.AppendEvents(events...))
	})
}

func (t laterTx) Clear() error { return t.later(rbac.Tx.Clear) }

// The same race on a store that does not keep the contract, to show that the
// test above would notice: both succeed, and nobody is left.
func TestScenario01_WithoutSerialUpdatesNobodyIsLeft(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	var meeting sync.WaitGroup
	unserialised := unserialisedStore{store, func() { meeting.Done(); meeting.Wait() }}
	one, two := openOn(t, unserialised), openOn(t, unserialised)
	app := openOn(t, store)
	viewer := addRole(t, app.Workspace, "Viewer", nil)
	for race, way := range workspacetest.Farewells(ctx, viewer.ID) {
		assign(t, app.Workspace, rbac.Administrator, "ann", "bob")
		meeting.Add(2)
		errs := workspacetest.Together(
			func() error { return way(one.As("ann"), "bob") },
			func() error { return way(two.As("bob"), "ann") },
		)
		require.NoError(t, errs[0])
		require.NoError(t, errs[1])
		require.Empty(t, workspacetest.Administrators(t, app.Workspace), "race %d", race)
		update(t, store, "", func(tx rbac.Tx) error { return tx.DeleteMembers("ann", "bob") })
	}
}
