package scenarios_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbactest"
)

// A store that cannot be reached at Open is an error.
func TestScenario09_StoreUnreachableAtOpen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		wrong rbactest.Fault
		cause error
	}{
		{"it fails", fault.Fails(errBoom), errBoom},
		{"it panics", fault.Panics, nil},
		{"it blocks until the deadline", fault.Blocks, context.DeadlineExceeded},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := fault.New(rbac.NewMemStore())
				store.Set(test.wrong, opRevisions)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				az, err := rbac.Open(ctx, store, quiet)
				require.Nil(t, az)
				require.ErrorIs(t, err, rbac.ErrUnavailable)
				if test.cause != nil {
					require.ErrorIs(t, err, test.cause)
				}
				require.Equal(t, 1, store.Total(), "Open asks one question")
			})
		})
	}
	t.Run("the context is done", func(t *testing.T) {
		store := fault.New(rbac.NewMemStore())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := rbac.Open(ctx, store, quiet)
		require.ErrorIs(t, err, rbac.ErrUnavailable)
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, store.Total())
	})
	t.Run("there is none", func(t *testing.T) {
		_, err := rbac.Open(t.Context(), nil)
		require.ErrorIs(t, err, rbac.ErrInvalid)
	})
	t.Run("it can be reached", func(t *testing.T) {
		store := fault.New(rbac.NewMemStore())
		openOn(t, store)
		require.Equal(t, 1, store.Total(), "Open asks one question")
	})
}

// No check is answered from nothing: a workspace that cannot be loaded is no
// empty workspace.
func TestScenario09_NothingIsAnsweredFromNothing(t *testing.T) {
	t.Parallel()
	inner := rbac.NewMemStore()
	store := fault.New(inner)
	assign(t, openOn(t, inner).Workspace, rbac.Administrator, "ann")
	az := openOn(t, store)
	store.SetAll(fault.Fails(errBoom))
	refusesAll(t, az.Workspace, "ann", errBoom)
	refusesAll(t, az.For("acme"), "nobody", errBoom)
	store.SetAll(nil)
	allows(t, az.Workspace, "ann")
}

// A store that becomes unreachable: the snapshot serves until MaxStaleness,
// then checks fail closed, and service resumes by itself.
func TestScenario10_StoreUnreachableLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store, log := t.Context(), fault.New(rbac.NewMemStore()), &workspacetest.Log{}
		az := openOn(t, store, log.Option())
		assign(t, az.Workspace, rbac.Administrator, "ann")
		allows(t, az.Workspace, "ann") // loaded now

		store.SetAll(fault.Fails(errBoom))
		for range 9 {
			time.Sleep(time.Second)
			allows(t, az.Workspace, "ann")
			require.ErrorIs(t, az.As("ann").Assign(ctx, rbac.Administrator, "bob"), errBoom, "changes need the store")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		refusesAll(t, az.Workspace, "ann", errBoom)
		require.Len(t, log.Containing("ERROR", "out of service", "boom"), 1)
		time.Sleep(10*time.Minute + time.Second) // between two polls
		refusesAll(t, az.Workspace, "ann", errBoom)

		store.SetAll(nil)
		store.ResetCalls()
		time.Sleep(2 * time.Second) // a poll; nobody asks
		synctest.Wait()
		require.Equal(t, 1, store.Calls(opRevisions))
		store.ResetCalls()
		allows(t, az.Workspace, "ann")
		require.Zero(t, store.Total(), "it was in service before anybody asked")
		require.False(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage))
	})
}

// How long it serves counts from the question, not from a late answer.
func TestScenario10_LateAnswersGainNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		op    rbactest.Op
		until time.Duration // since the first question
	}{"of the load": {opView, 10 * time.Second}, "of the poll": {opRevisions, 12 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := fault.New(rbac.NewMemStore())
				az := openOn(t, store)
				assign(t, az.Workspace, rbac.Administrator, "ann")
				time.Sleep(2 * time.Second) // polls are at even seconds
				synctest.Wait()
				store.Set(fault.First(1, fault.Late(1500*time.Millisecond)), test.op)
				began := time.Now()
				allows(t, az.Workspace, "ann")
				time.Sleep(test.until - 10*time.Second + 1900*time.Millisecond - time.Since(began))
				store.SetAll(fault.Fails(errBoom))
				time.Sleep(test.until - 1 - time.Since(began))
				synctest.Wait()
				allows(t, az.Workspace, "ann")
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				refusesAll(t, az.Workspace, "ann", errBoom)
			})
		})
	}
}

// A flood of notifications is coalesced: while one reading runs, one more is
// queued, however many come.
func TestScenario13_FloodOfNotifications(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const reading = 10 * time.Millisecond
		store := fault.NewNotifier(rbac.NewMemStore())
		az := openOn(t, store)
		assign(t, az.Workspace, rbac.Administrator, "ann")
		acme := az.For("acme")
		assign(t, acme, rbac.Administrator, "ann")
		allows(t, az.Workspace, "ann")
		allows(t, acme, "ann")
		synctest.Wait()

		store.Set(fault.Slow(reading), opView)
		store.ResetCalls()
		store.Hint("acme")
		synctest.Wait() // it reads
		var floods sync.WaitGroup
		for range 100 {
			floods.Go(func() {
				for range 1000 {
					store.Hint("acme", "acme", "never written", "acme")
				}
			})
		}
		floods.Wait()
		time.Sleep(10 * reading)
		require.Equal(t, 2, store.Calls(opView), "400,000 hints during a reading, and one more reading follows")
		require.Zero(t, store.Calls(opRevisions))

		// Over time, the cost is bounded by how long a reading takes.
		store.ResetCalls()
		for range 1000 {
			store.Hint("acme")
			time.Sleep(reading / 100)
		}
		time.Sleep(2 * reading)
		require.LessOrEqual(t, store.Calls(opView), 12)
		allows(t, acme, "ann")

		// Hints about everything become one poll, and no reading.
		store.Set(nil, opView)
		store.Set(fault.Slow(reading), opRevisions)
		store.ResetCalls()
		for range 100_000 {
			store.Hint()
		}
		time.Sleep(10 * reading)
		require.LessOrEqual(t, store.Calls(opRevisions), 2)
		require.Zero(t, store.Calls(opView))
	})
}
