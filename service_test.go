package rbac_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// A first load that takes longer than a check may wait: those who wait are
// refused in time, and those who ask again find it loaded, and fresh.
func TestSlowFirstLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		assign(t, f.other.For("large"), rbac.Administrator, "ann", "bob")
		large := f.az.For("large")
		f.store.set(opView, first(1, lagging(30*time.Second)))
		began := time.Now()
		err := large.Authorize(t.Context(), "ann", rbac.Users, rbac.Manage)
		require.ErrorIs(t, err, rbac.ErrUnavailable)
		require.ErrorContains(t, err, "10s")
		require.Equal(t, 10*time.Second, time.Since(began))
		require.NoError(t, f.other.For("large").As("ann").Remove(t.Context(), "bob")) // since it was read
		time.Sleep(21 * time.Second)
		synctest.Wait()
		f.store.reset()
		allows(t, large, "ann")
		require.False(t, large.Can(t.Context(), "bob", rbac.Users, rbac.Manage))
		require.Zero(t, f.store.calls(opView), "loaded, though nobody waited")
	})
}

// A store that always takes long to read a workspace is not read without end:
// after a few attempts to be quicker what was read is taken, if it is not too
// old, and the poll confirms it.
func TestSlowReadingsEnd(t *testing.T) {
	t.Parallel()
	for _, takes := range []time.Duration{6 * time.Second, 11 * time.Second} {
		t.Run(takes.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFollowing(t)
				f.store.set(opView, lagging(takes))
				require.ErrorIs(t, f.az.Sync(t.Context()), rbac.ErrUnavailable)
				for f.after() < 2*time.Minute {
					synctest.Wait()
					allows(t, f.az.Workspace, "ann")
					time.Sleep(time.Second)
				}
				require.Equal(t, 3, f.store.calls(opView))
				// Nor is an empty workspace.
				f.store.reset()
				empty := f.az.For("empty")
				require.False(t, empty.Can(t.Context(), "ann", rbac.Users, rbac.Manage))
				time.Sleep(2 * time.Minute)
				require.Equal(t, 3, f.store.calls(opView))
			})
		})
	}
}

// While a workspace is out of service, checks fail at once: a crowd of them
// would not help the store to recover. The poll finds out when it has.
func TestFailFastWhileOutOfService(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]behaviour{"fails": failing(errBoom), "blocks": blocking} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFollowing(t)
				f.store.setAll(fault)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				f.store.reset()
				began := time.Now()
				for range 1000 {
					refusesAll(t, f.az.Workspace, "ann", nil)
				}
				require.Zero(t, time.Since(began))
				require.Zero(t, f.store.total())
				f.store.setAll(nil)
				time.Sleep(7 * time.Second) // a poll that blocks gives up after 5
				synctest.Wait()
				allows(t, f.az.Workspace, "ann")
				require.Zero(t, f.store.calls(opView), "nothing had changed: nothing was read")
			})
		})
	}
}

// A workspace that is asked about all through a long outage is not idle: it
// keeps failing fast, and comes back by itself.
func TestLongOutageIsNotIdleness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		f.store.setAll(blocking)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for f.after() < time.Hour {
			began := time.Now()
			require.False(t, f.can(t))
			require.Zero(t, time.Since(began), "%v into the outage", f.after())
			time.Sleep(10 * time.Second)
		}
		f.store.setAll(nil)
		time.Sleep(7 * time.Second)
		synctest.Wait()
		f.store.reset()
		allows(t, f.az.Workspace, "ann")
		require.Zero(t, f.store.calls(opView))
	})
}

// Service resumes by itself, also when the workspace changed meanwhile.
func TestServiceResumesByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		f.store.setAll(failing(errBoom))
		time.Sleep(time.Minute)
		f.removeBob(t)
		refusesAll(t, f.az.Workspace, "ann", errBoom)
		f.store.setAll(nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		f.store.reset()
		allows(t, f.az.Workspace, "ann")
		require.False(t, f.can(t))
		require.Zero(t, f.store.total(), "it was read before anybody asked")

		// A reading alone fails, while polls are answered.
		f.store.set(opView, failing(errBoom))
		assign(t, f.other.Workspace, rbac.Administrator, "cy")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		refusesAll(t, f.az.Workspace, "ann", errBoom)
		f.store.set(opView, nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		allows(t, f.az.Workspace, "cy")
	})
}

// Sync: what is read begins at or after the call.
func TestSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := newFollowing(t)
		f.removeBob(t)
		require.True(t, f.can(t))
		require.NoError(t, f.az.Sync(ctx))
		require.False(t, f.can(t))
		require.Equal(t, 1, f.store.calls(opView))
		require.NoError(t, f.az.Sync(ctx), "when there is nothing new")

		// A reading that began before is not enough: another follows it, one
		// for all who call meanwhile.
		f.store.reset()
		f.store.set(opRevisions, failing(errBoom)) // no poll comes in between
		f.store.set(opView, lagging(time.Second))
		go func() { _ = f.az.Sync(ctx) }()
		synctest.Wait()
		time.Sleep(500 * time.Millisecond)
		assign(t, f.other.Workspace, rbac.Administrator, "cy")
		var syncs sync.WaitGroup
		began := time.Now()
		for range 100 {
			syncs.Go(func() {
				if err := f.az.Sync(ctx); err != nil {
					t.Errorf("Sync: %v", err)
				}
				if !f.az.Can(ctx, "cy", rbac.Users, rbac.Manage) {
					t.Error("Sync returned before the change was read")
				}
			})
		}
		syncs.Wait()
		require.Equal(t, 1500*time.Millisecond, time.Since(began), "half of the first reading, and the second")
		require.Equal(t, 2, f.store.calls(opView))

		// Failures.
		f.store.set(opView, failing(errBoom))
		err := f.az.Sync(ctx)
		require.ErrorIs(t, err, rbac.ErrUnavailable)
		require.ErrorIs(t, err, errBoom)
		allows(t, f.az.Workspace, "ann") // what is known is not too old
		f.store.set(opView, blocking)
		began = time.Now()
		brief, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		require.ErrorIs(t, f.az.Sync(brief), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
		require.ErrorIs(t, f.az.Sync(ctx), rbac.ErrUnavailable)
		require.Equal(t, 11*time.Second, time.Since(began), "no longer than MaxStaleness")
		f.store.set(opView, nil)

		require.NoError(t, f.az.For("never written").Sync(ctx))
	})
}

// Sync of a workspace that was not loaded loads it.
func TestSyncLoads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		assign(t, f.other.For("acme"), rbac.Administrator, "ann")
		acme := f.az.For("acme")
		require.NoError(t, acme.Sync(t.Context()))
		f.store.reset()
		allows(t, acme, "ann")
		require.Zero(t, f.store.total())
	})
}
