package rbac_test

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// refusesAll checks that every kind of check fails closed, with an error that
// is ErrUnavailable and wraps the cause, and is not taken for a denial.
func refusesAll(t testing.TB, w *rbac.Workspace, user string, cause error) {
	t.Helper()
	ctx := t.Context()
	require.False(t, w.Can(ctx, user, rbac.Users, rbac.Manage))
	require.False(t, w.CanRecord(ctx, user, rbac.Users, rbac.Manage, user))
	scope, err1 := w.Scope(ctx, user, rbac.Users, rbac.Manage)
	require.Equal(t, rbac.None, scope)
	err2 := w.Authorize(ctx, user, rbac.Users, rbac.Manage)
	d, err3 := w.Explain(ctx, user, rbac.Users, rbac.Manage)
	require.Equal(t, rbac.Decision{
		Workspace: w.ID(), User: user, Area: rbac.Users, Action: rbac.Manage, Reason: rbac.ReasonUnavailable,
	}, d)
	s, err4 := w.Subject(ctx, user)
	require.False(t, s.Can(rbac.Users, rbac.Manage))
	require.Empty(t, s.Permissions())
	for _, err := range []error{err1, err2, err3, err4} {
		require.ErrorIs(t, err, rbac.ErrUnavailable)
		require.NotErrorIs(t, err, rbac.ErrDenied)
		if cause != nil {
			require.ErrorIs(t, err, cause)
		}
	}
}

// allows checks that a user may do everything.
func allows(t testing.TB, w *rbac.Workspace, user string) {
	t.Helper()
	require.NoError(t, w.Authorize(t.Context(), user, rbac.Users, rbac.Manage))
	require.True(t, w.Can(t.Context(), user, rbac.Users, rbac.Manage))
}

// quiet is a logger for what is expected to go wrong.
var quiet = rbac.WithLogger(slog.New(slog.DiscardHandler))

// A store that cannot be reached at Open is an error.
func TestScenario09_StoreUnreachableAtOpen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault behaviour
		cause error
	}{
		{"it fails", failing(errBoom), errBoom},
		{"it panics", panicking, nil},
		{"it blocks until the deadline", blocking, context.DeadlineExceeded},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newFaultStore(newStore(t))
				store.set(opRevisions, test.fault)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				az, err := rbac.Open(ctx, store, quiet)
				require.Nil(t, az)
				require.ErrorIs(t, err, rbac.ErrUnavailable)
				if test.cause != nil {
					require.ErrorIs(t, err, test.cause)
				}
				require.Equal(t, 1, store.total(), "Open asks one question")
			})
		})
	}
	t.Run("the context is done", func(t *testing.T) {
		store := newFaultStore(newStore(t))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := rbac.Open(ctx, store, quiet)
		require.ErrorIs(t, err, rbac.ErrUnavailable)
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, store.total())
	})
	t.Run("there is none", func(t *testing.T) {
		_, err := rbac.Open(t.Context(), nil)
		require.ErrorIs(t, err, rbac.ErrInvalid)
	})
	t.Run("it can be reached", func(t *testing.T) {
		store := newFaultStore(newStore(t))
		openOn(t, store)
		require.Equal(t, 1, store.total(), "Open asks one question")
	})
}

// No check is answered from nothing: a workspace that cannot be loaded is no
// empty workspace.
func TestScenario09_NothingIsAnsweredFromNothing(t *testing.T) {
	t.Parallel()
	inner := newStore(t)
	store := newFaultStore(inner)
	assign(t, openOn(t, inner).Workspace, rbac.Administrator, "ann")
	az := openOn(t, store)
	store.setAll(failing(errBoom))
	refusesAll(t, az.Workspace, "ann", errBoom)
	refusesAll(t, az.For("acme"), "nobody", errBoom)
	store.setAll(nil)
	allows(t, az.Workspace, "ann")
}

// A store that becomes unreachable: the snapshot serves until MaxStaleness,
// then checks fail closed, and service resumes by itself.
func TestScenario10_StoreUnreachableLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store, log := t.Context(), newFaultStore(newStore(t)), &record{}
		az := openOn(t, store, log.option())
		assign(t, az.Workspace, rbac.Administrator, "ann")
		allows(t, az.Workspace, "ann") // loaded now

		store.setAll(failing(errBoom))
		for range 9 {
			time.Sleep(time.Second)
			allows(t, az.Workspace, "ann")
			require.ErrorIs(t, az.As("ann").Assign(ctx, rbac.Administrator, "bob"), errBoom, "changes need the store")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		refusesAll(t, az.Workspace, "ann", errBoom)
		require.Len(t, log.containing("ERROR", "out of service", "boom"), 1)
		time.Sleep(10*time.Minute + time.Second) // between two polls
		refusesAll(t, az.Workspace, "ann", errBoom)

		store.setAll(nil)
		store.reset()
		time.Sleep(2 * time.Second) // a poll; nobody asks
		synctest.Wait()
		require.Equal(t, 1, store.calls(opRevisions))
		store.reset()
		allows(t, az.Workspace, "ann")
		require.Zero(t, store.total(), "it was in service before anybody asked")
		require.False(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage))
	})
}

// A store that ends the goroutine which asks it, as a fake does that calls
// testing.T.FailNow, is a store that fails: whoever waits gets an error, and
// the workspace is served when the store behaves again.
func TestStoreEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFaultStore(newStore(t))
		az := openOn(t, store)
		assign(t, az.Workspace, rbac.Administrator, "ann")
		release := make(chan struct{})
		store.set(opView, func(context.Context, func(error) error) error {
			<-release
			runtime.Goexit()
			return nil
		})
		var first, queued error
		var waiting sync.WaitGroup
		waiting.Go(func() { first = az.Authorize(t.Context(), "ann", rbac.Users, rbac.Manage) })
		synctest.Wait() // it reads
		waiting.Go(func() { queued = az.Sync(t.Context()) })
		synctest.Wait()
		began := time.Now()
		close(release)
		waiting.Wait()
		require.ErrorIs(t, first, rbac.ErrUnavailable)
		require.ErrorIs(t, queued, rbac.ErrUnavailable)
		require.Zero(t, time.Since(began), "nobody waits for what will not come")

		store.set(opView, nil)
		allows(t, az.Workspace, "ann")
	})
}

// A flood of notifications is coalesced: while one reading runs, one more is
// queued, however many come.
func TestScenario13_FloodOfNotifications(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const reading = 10 * time.Millisecond
		store := notifyStore{newFaultStore(newStore(t))}
		az := openOn(t, store)
		assign(t, az.Workspace, rbac.Administrator, "ann")
		acme := az.For("acme")
		assign(t, acme, rbac.Administrator, "ann")
		allows(t, az.Workspace, "ann")
		allows(t, acme, "ann")
		synctest.Wait()

		store.set(opView, slow(reading))
		store.reset()
		var floods sync.WaitGroup
		for range 100 {
			floods.Go(func() {
				for range 1000 {
					store.notify("acme", "acme", "never written", "acme")
				}
			})
		}
		floods.Wait()
		time.Sleep(10 * reading)
		require.Equal(t, 2, store.calls(opView), "400,000 hints at one moment: the reading that began with the first, and one after it")
		require.Zero(t, store.calls(opRevisions))

		// Over time, the cost is bounded by how long a reading takes.
		store.reset()
		for range 1000 {
			store.notify("acme")
			time.Sleep(reading / 100)
		}
		time.Sleep(2 * reading)
		require.LessOrEqual(t, store.calls(opView), 12)
		allows(t, acme, "ann")

		// Hints about everything become one poll, and no reading.
		store.set(opView, nil)
		store.set(opRevisions, slow(reading))
		store.reset()
		for range 100_000 {
			store.notify()
		}
		time.Sleep(10 * reading)
		require.LessOrEqual(t, store.calls(opRevisions), 2)
		require.Zero(t, store.calls(opView))
	})
}
