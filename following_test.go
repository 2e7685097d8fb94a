package rbac_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// following is an instance that follows a store from which notifications do
// not come, and another instance on the store itself. "ann" and "bob" are
// administrators, and the workspace is loaded.
type following struct {
	inner rbac.Store
	store notifyStore
	az    *rbac.Authorizer // on store
	other *rbac.Authorizer // on inner
	log   *record
	began time.Time // when the workspace was loaded
}

func newFollowing(t *testing.T, opts ...rbac.Option) *following {
	t.Helper()
	f := &following{inner: newStore(t), log: &record{}}
	f.other = openOn(t, f.inner)
	assign(t, f.other.Workspace, rbac.Administrator, "ann", "bob")
	f.store = notifyStore{newFaultStore(f.inner)}
	f.store.set(opNotify, blocking)
	f.az = openOn(t, f.store, append([]rbac.Option{f.log.option()}, opts...)...)
	synctest.Wait()
	allows(t, f.az.Workspace, "ann")
	f.began = time.Now()
	f.store.reset()
	return f
}

// after returns how long ago the workspace was loaded.
func (f *following) after() time.Duration { return time.Since(f.began) }

// can asks about bob, whom the other instance removes.
func (f *following) can(t *testing.T) bool {
	return f.az.Can(t.Context(), "bob", rbac.Users, rbac.Manage)
}

func (f *following) removeBob(t *testing.T) {
	t.Helper()
	require.NoError(t, f.other.As("ann").Remove(t.Context(), "bob"))
}

// P2 to the nanosecond: a snapshot is served until it is MaxStaleness old,
// counted from when the store was asked for what confirmed it.
func TestP2_StalenessBoundary(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, f *following) // leaves the store broken
		until   time.Duration                    // since the load
	}{
		{"since the load", func(_ *testing.T, f *following) {}, 10 * time.Second},
		{"since the last poll that was answered", func(_ *testing.T, f *following) {
			time.Sleep(4 * time.Second)
			synctest.Wait()
		}, 14 * time.Second},
		{"since a slow poll was asked, not since it was answered", func(_ *testing.T, f *following) {
			time.Sleep(time.Second)
			f.store.set(opRevisions, func(ctx context.Context, call func(error) error) error {
				f.store.set(opRevisions, failing(errBoom))
				return lagging(3*time.Second)(ctx, call)
			})
			time.Sleep(4 * time.Second) // asked at 2 s, answered at 5 s
			synctest.Wait()
		}, 12 * time.Second},
		{"since Sync asked, not since it was answered", func(t *testing.T, f *following) {
			f.store.set(opRevisions, failing(errBoom))
			f.store.set(opView, lagging(3*time.Second))
			time.Sleep(time.Second)
			require.NoError(t, f.az.Sync(t.Context()))
		}, 11 * time.Second},
		{"since another's change was read", func(t *testing.T, f *following) {
			assign(t, f.other.Workspace, rbac.Administrator, "cy")
			time.Sleep(2 * time.Second)
			synctest.Wait()
			allows(t, f.az.Workspace, "cy")
		}, 12 * time.Second},
		{"since an own change began, not since it was committed", func(t *testing.T, f *following) {
			f.store.set(opRevisions, failing(errBoom))
			f.store.set(opUpdate, lagging(3*time.Second))
			time.Sleep(time.Second)
			assign(t, f.az.Workspace, rbac.Administrator, "cy")
		}, 11 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFollowing(t)
				test.prepare(t, f)
				f.store.setAll(failing(errBoom))
				time.Sleep(test.until - 1 - f.after())
				synctest.Wait()
				allows(t, f.az.Workspace, "ann")
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				refusesAll(t, f.az.Workspace, "ann", errBoom)
				require.Equal(t, test.until, f.after())
			})
		})
	}
}

// P2 for another MaxStaleness, and for a revoke that nothing tells about: it
// takes effect within it, whatever goes wrong.
func TestP2_RevokeTakesEffectInTime(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(f *following){
		"polls work":         func(*following) {},
		"polls are slow":     func(f *following) { f.store.set(opRevisions, lagging(700*time.Millisecond)) },
		"polls fail":         func(f *following) { f.store.set(opRevisions, failing(errBoom)) },
		"polls block":        func(f *following) { f.store.set(opRevisions, blocking) },
		"polls are wrong":    func(f *following) { f.store.set(opRevisions, skipping) },
		"readings fail":      func(f *following) { f.store.set(opView, failing(errBoom)) },
		"readings are slow":  func(f *following) { f.store.set(opView, lagging(900*time.Millisecond)) },
		"readings block":     func(f *following) { f.store.set(opView, blocking) },
		"nothing works":      func(f *following) { f.store.setAll(failing(errBoom)) },
		"everything blocks":  func(f *following) { f.store.setAll(blocking) },
		"every second fails": func(f *following) { f.store.setAll(everySecond(failing(errBoom))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFollowing(t, rbac.WithMaxStaleness(2*time.Second))
				prepare(f)
				time.Sleep(1100 * time.Millisecond)
				f.removeBob(t)
				revoked := time.Now()
				for time.Since(revoked) < 10*time.Second {
					can := f.can(t)
					synctest.Wait()
					if can && time.Since(revoked) > 2*time.Second {
						t.Fatalf("granted %v after the revoke", time.Since(revoked))
					}
					time.Sleep(50 * time.Millisecond)
				}
				f.store.setAll(nil)
				time.Sleep(time.Minute + time.Second)
				require.False(t, f.can(t))
				allows(t, f.az.Workspace, "ann")
			})
		})
	}
}

// everySecond misbehaves every second time.
func everySecond(b behaviour) behaviour {
	var mu sync.Mutex
	n := 0
	return func(ctx context.Context, call func(error) error) error {
		mu.Lock()
		n++
		bad := n%2 == 0
		mu.Unlock()
		if bad {
			return b(ctx, call)
		}
		return call(nil)
	}
}

// Nor does a denial rest on data that is too old: what was read of an empty
// workspace long ago is no answer.
func TestP2_OldEmptinessIsNoAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		acme := f.az.For("acme")
		f.store.set(opView, first(1, lagging(12*time.Second)))
		go acme.Can(t.Context(), "ann", rbac.Users, rbac.Manage)
		time.Sleep(time.Second)
		assign(t, f.other.For("acme"), rbac.Administrator, "ann")
		time.Sleep(10500 * time.Millisecond)
		err := acme.Authorize(t.Context(), "ann", rbac.Users, rbac.Manage)
		require.NotErrorIs(t, err, rbac.ErrDenied, "denied after 12 seconds by what was read before")
	})
}

// Without notifications the poll brings a change, within the poll interval.
func TestP2_PollBringsAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		time.Sleep(300 * time.Millisecond)
		f.removeBob(t)
		time.Sleep(1700*time.Millisecond - 1)
		require.True(t, f.can(t))
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.False(t, f.can(t))
		require.Equal(t, 1, f.store.calls(opRevisions))
		require.Equal(t, 1, f.store.calls(opView))
	})
}

// The poll is one round trip for all loaded workspaces, and reads only those
// that changed.
func TestPollIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		want := []string{""}
		var kept []*rbac.Workspace
		for i := range 50 {
			id := fmt.Sprint("w", i)
			assign(t, f.other.For(id), rbac.Administrator, "ann")
			w := f.az.For(id)
			if i%2 == 0 {
				allows(t, w, "ann")
				want = append(want, id)
			}
			kept = append(kept, w)
		}
		f.store.reset()
		require.NoError(t, f.other.For("w4").As("ann").Assign(t.Context(), rbac.Administrator, "new"))
		require.NoError(t, f.other.For("w5").As("ann").Assign(t.Context(), rbac.Administrator, "new")) // not loaded
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, f.store.calls(opRevisions))
		require.ElementsMatch(t, want, f.store.lastAsked())
		require.Equal(t, 1, f.store.calls(opView))
		allows(t, kept[4], "new")
		require.Equal(t, 1, f.store.calls(opView))
		runtime.KeepAlive(kept)
	})
}

// A poll that is not answered is given up in time for another: one lost poll
// denies nobody.
func TestOneLostPollDeniesNobody(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]behaviour{"fails": failing(errBoom), "blocks": blocking, "panics": panicking} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFollowing(t, rbac.WithPollInterval(5*time.Second)) // the longest
				f.store.set(opRevisions, first(1, fault))
				for f.after() < time.Minute {
					allows(t, f.az.Workspace, "ann")
					time.Sleep(250 * time.Millisecond)
					synctest.Wait()
				}
				require.NotEmpty(t, f.log.containing("WARN", "cannot be asked for revisions"))
			})
		})
	}
}

// P3: a notification makes it a matter of no time at all.
func TestP3_NotificationBringsAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), newStore(t)
		store := notifyStore{newFaultStore(inner)}
		az, other := openOn(t, store, rbac.WithMaxStaleness(time.Hour)), openOn(t, inner)
		assign(t, other.Workspace, rbac.Administrator, "ann", "bob")
		allows(t, az.Workspace, "bob")
		synctest.Wait()
		began := time.Now()
		for range 3 {
			require.NoError(t, other.As("ann").Suspend(ctx, "bob"))
			synctest.Wait()
			require.False(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage))
			require.NoError(t, other.As("ann").Reinstate(ctx, "bob"))
			synctest.Wait()
			require.True(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage))
		}
		require.Zero(t, time.Since(began))
	})
}

// A notification about a workspace that is not loaded, or that nobody ever
// asked about, costs nothing.
func TestHintsAboutWhatIsNotLoadedCostNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		held := f.az.For("held")
		for range 1000 {
			f.store.notify("held", "unknown", "a\x00b", strings.Repeat("x", 1<<16))
		}
		synctest.Wait()
		require.Zero(t, f.store.total())
		require.Equal(t, "held", held.ID())
	})
}

// A connection that ends loses notifications for good: when listening begins
// again, everything is compared at once.
func TestListeningAgainComparesRevisions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t, rbac.WithMaxStaleness(time.Hour)) // polls every 12 minutes
		f.removeBob(t)
		require.True(t, f.can(t))
		f.store.notify() // what a Notifier does once it listens
		synctest.Wait()
		require.False(t, f.can(t))
		require.Zero(t, f.after())
		require.Equal(t, 1, f.store.calls(opRevisions))
		require.Equal(t, 1, f.store.calls(opView))
	})
}

// The follower goes on when Notify returns errors: it listens again, after a
// pause that doubles up to the poll interval, and says so.
func TestNotifyIsCalledAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, log := notifyStore{newFaultStore(newStore(t))}, &record{}
		store.set(opNotify, failing(errBoom))
		openOn(t, store, log.option())
		time.Sleep(time.Second)
		soon := store.calls(opNotify)
		require.GreaterOrEqual(t, soon, 4)
		require.LessOrEqual(t, soon, 8)
		time.Sleep(time.Minute)
		later := store.calls(opNotify) - soon
		require.GreaterOrEqual(t, later, 29)
		require.LessOrEqual(t, later, 62)
		require.GreaterOrEqual(t, len(log.containing("WARN", "notifications ended", "boom")), soon+later-1)

		// After listening for a while the first pause is short again.
		store.set(opNotify, func(ctx context.Context, _ func(error) error) error {
			if err := pause(ctx, 10*time.Second); err != nil {
				return err
			}
			return errBoom
		})
		time.Sleep(30 * time.Second)
		synctest.Wait()
		store.reset()
		time.Sleep(101 * time.Second)
		require.GreaterOrEqual(t, store.calls(opNotify), 9)
	})
}

// A store that is no Notifier is polled, and that is all.
func TestStoreWithoutNotifications(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFaultStore(newStore(t))
		az := openOn(t, store)
		assign(t, az.Workspace, rbac.Administrator, "ann")
		allows(t, az.Workspace, "ann")
		time.Sleep(time.Minute)
		require.Zero(t, store.calls(opNotify))
		allows(t, az.Workspace, "ann")
	})
}

// P1: whoever made a change sees it in the next check, on instances that
// change one workspace at the same time.
func TestP1_OwnChangesShowAtOnceUnderConcurrency(t *testing.T) {
	t.Parallel()
	ctx, inner := t.Context(), newStore(t)
	instances := []*rbac.Authorizer{openOn(t, inner), openOn(t, newFaultStore(inner))} // with notifications, and without
	viewer := addRole(t, instances[0].Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
	assign(t, instances[0].Workspace, rbac.Administrator, "ann")
	var workers sync.WaitGroup
	for i := range 8 {
		workers.Go(func() {
			az, user := instances[i%2], fmt.Sprint("user", i)
			for range scaled(200) {
				if err := az.As("ann").Assign(ctx, viewer.ID, user); err != nil {
					t.Errorf("Assign: %v", err)
				}
				if err := az.Authorize(ctx, user, rbac.Deals, rbac.Read); err != nil {
					t.Errorf("after Assign: %v", err)
				}
				if err := az.As("ann").Remove(ctx, user); err != nil {
					t.Errorf("Remove: %v", err)
				}
				if d, err := az.Explain(ctx, user, rbac.Deals, rbac.Read); d.Allowed || err != nil {
					t.Errorf("after Remove: %v %v", d, err)
				}
			}
		})
	}
	workers.Wait()
	checkInvariants(t, inner, "")
}

// P1 when the snapshot is behind: what the other instance did in between comes
// with it.
func TestP1_OwnChangeBringsTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		f.removeBob(t)
		require.True(t, f.can(t))
		f.store.set(opView, slow(time.Second))
		began := time.Now()
		assign(t, f.az.Workspace, rbac.Administrator, "cy")
		require.Equal(t, time.Second, time.Since(began), "the change waits for the store to be read")
		require.False(t, f.can(t))
		allows(t, f.az.Workspace, "cy")
		require.Equal(t, time.Second, time.Since(began))
	})
}

// P1 when the snapshot is behind and the store cannot be read: the change is
// made, and no check is answered from before it.
func TestP1_NothingIsServedFromBeforeAnOwnChange(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]behaviour{"fails": failing(errBoom), "blocks": blocking, "is slow": slow(11 * time.Second)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFollowing(t)
				assign(t, f.other.Workspace, rbac.Administrator, "cy")
				f.store.set(opView, fault)
				f.store.set(opRevisions, failing(errBoom))
				require.NoError(t, f.az.As("ann").Remove(t.Context(), "bob"))
				_, err := f.az.Explain(t.Context(), "bob", rbac.Users, rbac.Manage)
				if name != "is slow" {
					require.ErrorIs(t, err, rbac.ErrUnavailable)
				}
				require.False(t, f.can(t))
				f.store.setAll(nil)
				time.Sleep(90 * time.Second)
				require.False(t, f.can(t))
				allows(t, f.az.Workspace, "cy")
			})
		})
	}
}

// P1 against a poll that was asked before an own change and is answered after
// it: what it says was true then.
func TestP1_AnEarlierPollDoesNotConfirmWhatAnOwnChangeReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		f.store.set(opRevisions, lagging(3*time.Second))
		time.Sleep(3 * time.Second) // asked at 2 s, answered at 5 s
		assign(t, f.other.Workspace, rbac.Administrator, "cy")
		f.store.set(opView, failing(errBoom))
		require.NoError(t, f.az.As("ann").Remove(t.Context(), "bob"))
		for f.after() < 7*time.Second {
			_, err := f.az.Explain(t.Context(), "bob", rbac.Users, rbac.Manage)
			require.ErrorIs(t, err, rbac.ErrUnavailable, "after %v", f.after())
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
		}
	})
}

// A commit that takes longer than MaxStaleness is as old when it ends: the
// workspace is read before the next check.
func TestP1_SlowCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		f.store.set(opRevisions, failing(errBoom))
		f.store.set(opUpdate, lagging(11*time.Second))
		require.NoError(t, f.az.As("ann").Remove(t.Context(), "bob"))
		require.False(t, f.can(t))
		require.Equal(t, 1, f.store.calls(opView))
		allows(t, f.az.Workspace, "ann")
	})
}

// A stream of own changes does not keep a workspace from being loaded: an
// import of users, made one by one on an instance that has just started.
func TestOwnChangesDoNotStarveALoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := newStore(t)
		assign(t, openOn(t, inner).Workspace, rbac.Administrator, "ann")
		store := newFaultStore(inner)
		store.set(opView, lagging(50*time.Millisecond))
		az := openOn(t, store)
		stop := make(chan struct{})
		var importing sync.WaitGroup
		importing.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
				if err := az.System("import").Assign(t.Context(), rbac.Administrator, fmt.Sprint("user", i)); err != nil {
					t.Error(err)
				}
			}
		})
		time.Sleep(time.Second)
		began := time.Now()
		err := az.Authorize(t.Context(), "ann", rbac.Users, rbac.Manage)
		close(stop)
		importing.Wait()
		require.NoError(t, err, "after %v", time.Since(began))
		require.Less(t, time.Since(began), time.Second)
	})
}

// The same while another instance changes the workspace too, so that what this
// one commits does not continue what it read.
func TestChangesOnTwoInstancesDoNotStarveALoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		assign(t, f.other.For("acme"), rbac.Administrator, "ann")
		f.store.set(opView, lagging(100*time.Millisecond))
		stop := make(chan struct{})
		var importing sync.WaitGroup
		for i, az := range []*rbac.Authorizer{f.az, f.other} {
			importing.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					case <-time.After(time.Duration(10+3*i) * time.Millisecond):
					}
					if err := az.For("acme").System("import").Assign(t.Context(), rbac.Administrator, fmt.Sprintf("user%d-%d", i, n)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		time.Sleep(time.Second)
		began := time.Now()
		err := f.az.For("acme").Authorize(t.Context(), "ann", rbac.Users, rbac.Manage)
		close(stop)
		importing.Wait()
		require.NoError(t, err, "after %v", time.Since(began))
	})
}

// What is committed here while the workspace is read is added to what was
// read: it need not be read again, unless it is not known what became of it.
func TestOwnChangesDuringALoad(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		on    behaviour // of the Update that removes bob
		views int
	}{
		{"committed", nil, 1},
		{"outcome unknown, committed", lost(true), 2},
		{"outcome unknown, not committed", lost(false), 2},
		{"rolled back", rolledBack(errBoom), 2},
		{"committed, and another instance was between", nil, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, f := t.Context(), newFollowing(t)
				assign(t, f.other.For("acme"), rbac.Administrator, "ann", "bob")
				acme := f.az.For("acme")
				f.store.set(opView, lagging(time.Second))
				answers := make(chan error, 1)
				go func() { answers <- acme.Authorize(ctx, "ann", rbac.Users, rbac.Manage) }()
				time.Sleep(300 * time.Millisecond)
				assign(t, acme, rbac.Administrator, "cy")
				f.store.set(opUpdate, test.on)
				if strings.Contains(test.name, "another instance") {
					assign(t, f.other.For("acme"), rbac.Administrator, "eve")
				}
				_ = acme.As("ann").Remove(ctx, "bob")
				f.store.set(opUpdate, nil)
				assign(t, acme, rbac.Administrator, "dan")
				require.Equal(t, 300*time.Millisecond, f.after(), "a change does not wait for a load")
				require.NoError(t, <-answers)
				require.Equal(t, test.views, f.store.calls(opView))
				allows(t, acme, "cy")
				allows(t, acme, "dan")
				gone := !strings.Contains(test.name, "not committed") && !strings.Contains(test.name, "rolled back")
				require.Equal(t, !gone, acme.Can(ctx, "bob", rbac.Users, rbac.Manage))
				require.Equal(t, test.views, f.store.calls(opView))
				require.NoError(t, acme.VerifyEvents(ctx))
				checkInvariants(t, f.inner, "acme")
			})
		})
	}
}

// Events of own changes that came during a reading are let go of after it.
func TestOwnEventsAreLetGoOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, follower := t.Context(), newFaultStore(newStore(t))
		az := openOn(t, follower, rbac.WithMaxStaleness(time.Hour))
		assign(t, az.Workspace, rbac.Administrator, "ann")
		allows(t, az.Workspace, "ann")
		n := scaled(50_000)
		before := heapInUse()
		func() {
			users := make([]string, n)
			for i := range users {
				users[i] = fmt.Sprint("user-", i)
			}
			release, synced := make(chan struct{}), make(chan error)
			follower.set(opView, stuck(release))
			go func() { synced <- az.Sync(ctx) }()
			synctest.Wait() // it reads
			assign(t, az.Workspace, rbac.Administrator, users...)
			require.NoError(t, az.System("test").Remove(ctx, users...))
			close(release)
			require.NoError(t, <-synced)
			follower.set(opView, nil)
		}()
		follower.use(newStore(t))
		synctest.Wait() // no reading and no fold holds anything any more
		require.Less(t, heapInUse()-before, int64(1<<20+n*50), "after %d members have come and gone", n)
		allows(t, az.Workspace, "ann")
	})
}

// Nor do changes on two instances at once take the workspace out of service.
func TestChangesOnTwoInstancesDoNotStarveChecks(t *testing.T) {
	t.Parallel()
	for name, reading := range map[string]behaviour{"slow": slow(40 * time.Millisecond), "late": lagging(40 * time.Millisecond)} {
		for _, notified := range []bool{true, false} {
			t.Run(fmt.Sprintf("readings are %s, notified %t", name, notified), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := newFollowing(t)
					if notified {
						f.store.set(opNotify, nil)
					}
					f.store.set(opView, reading)
					stop := make(chan struct{})
					var importing sync.WaitGroup
					for i := range 8 {
						az := []*rbac.Authorizer{f.az, f.other}[i%2]
						importing.Go(func() {
							for n := 0; ; n++ {
								select {
								case <-stop:
									return
								case <-time.After(time.Duration(9+i) * time.Millisecond):
								}
								if err := az.System("import").Assign(t.Context(), rbac.Administrator, fmt.Sprintf("user%d-%d", i, n)); err != nil {
									t.Error(err)
								}
							}
						})
					}
					longest := time.Duration(0)
					var failed error
					for f.after() < 30*time.Second && failed == nil {
						began := time.Now()
						failed = f.az.Authorize(t.Context(), "ann", rbac.Users, rbac.Manage)
						longest = max(longest, time.Since(began))
						time.Sleep(7 * time.Millisecond)
					}
					close(stop)
					importing.Wait()
					require.NoError(t, failed, "after %v", longest)
					require.Less(t, longest, time.Second)
				})
			})
		}
	}
}

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

// A workspace that nobody asks about is dropped after the idle time, and is
// loaded again by the next check; one that is asked about, in whatever way,
// stays.
func TestIdleWorkspacesAreDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := newFollowing(t, rbac.WithIdleTime(time.Minute))
		asks := map[string]func(w *rbac.Workspace) error{
			"Can":       func(w *rbac.Workspace) error { w.Can(ctx, "ann", rbac.Deals, rbac.Read); return nil },
			"CanRecord": func(w *rbac.Workspace) error { w.CanRecord(ctx, "ann", rbac.Deals, rbac.Read); return nil },
			"Subject":   func(w *rbac.Workspace) error { _, err := w.Subject(ctx, "ann"); return err },
			"Explain":   func(w *rbac.Workspace) error { _, err := w.Explain(ctx, "ann", rbac.Deals, rbac.Read); return err },
			"stranger":  func(w *rbac.Workspace) error { w.Can(ctx, "nobody", rbac.Deals, rbac.Read); return nil },
			"idle":      func(*rbac.Workspace) error { return nil },
			"reviewed":  func(w *rbac.Workspace) error { _, err := w.Roles(ctx); return err },
		}
		var workspaces []*rbac.Workspace
		for id := range asks {
			assign(t, f.other.For(id), rbac.Administrator, "ann")
			workspaces = append(workspaces, f.az.For(id))
			allows(t, f.az.For(id), "ann")
		}
		for range 20 {
			time.Sleep(30 * time.Second)
			for id, ask := range asks {
				require.NoError(t, ask(f.az.For(id)))
			}
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.ElementsMatch(t, []string{"Can", "CanRecord", "Subject", "Explain", "stranger"}, f.store.lastAsked())
		f.store.reset()
		for _, w := range workspaces {
			allows(t, w, "ann")
		}
		require.Equal(t, 2, f.store.calls(opView), "idle and reviewed are loaded again")
		allows(t, f.az.Workspace, "ann")
		time.Sleep(time.Minute + 4*time.Second)
		synctest.Wait()
		f.store.reset()
		time.Sleep(time.Minute)
		require.Zero(t, f.store.total(), "when all are idle the store is left alone")
	})
}

// A change of a workspace that is not loaded does not load it.
func TestChangesDoNotLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFaultStore(newStore(t))
		az := openOn(t, store)
		for i := range 100 {
			assign(t, az.For(fmt.Sprint("w", i)), rbac.Administrator, "ann")
		}
		require.Zero(t, store.calls(opView))
		time.Sleep(time.Minute)
		require.Zero(t, store.calls(opRevisions)-1, "no poll but the question of Open")
	})
}

// For returns the same handle while somebody holds it, or while the workspace
// is in memory.
func TestForReturnsTheSameHandle(t *testing.T) {
	t.Parallel()
	az := openOn(t, newStore(t))
	require.Same(t, az.Workspace, az.For(""))
	require.NotSame(t, az.For("a"), az.For("A"))
	held := az.For("held")
	require.Equal(t, "held", held.ID())
	var users sync.WaitGroup
	for range 8 {
		users.Go(func() {
			for i := range 1000 {
				if az.For("held") != held {
					t.Error("another handle while one is held")
				}
				one := az.For(fmt.Sprint("passing", i%10))
				if az.For(one.ID()) != one {
					t.Error("another handle while one is held")
				}
				runtime.KeepAlive(one)
			}
		})
	}
	for range 5 {
		runtime.GC()
		require.Same(t, held, az.For("held"))
	}
	users.Wait()
	runtime.KeepAlive(held)
}

// weakHandle loads a workspace and lets go of it.
//
//go:noinline
func weakHandle(t *testing.T, az *rbac.Authorizer, id string, load bool) weak.Pointer[rbac.Workspace] {
	w := az.For(id)
	if load {
		allows(t, w, "ann")
	}
	return weak.Make(w)
}

// collected reports whether a handle is garbage by now.
func collected(p weak.Pointer[rbac.Workspace]) bool {
	for range 3 {
		runtime.GC()
	}
	return p.Value() == nil
}

// Handles that nobody holds are collected, those of workspaces in memory when
// they are dropped.
func TestHandlesAreCollected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		assign(t, f.other.For("loaded"), rbac.Administrator, "ann")
		passing, loaded := weakHandle(t, f.az, "passing", false), weakHandle(t, f.az, "loaded", true)
		require.True(t, collected(passing))
		require.False(t, collected(loaded))
		require.Same(t, loaded.Value(), f.az.For("loaded"))
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		require.True(t, collected(loaded))
		allows(t, f.az.For("loaded"), "ann") // a new one
	})
}

// Workspaces that were never written take no memory, however many are asked
// about.
func TestUnwrittenWorkspacesTakeNoMemory(t *testing.T) {
	ctx := t.Context()
	store := newFaultStore(newStore(t))
	az := openOn(t, store)
	ask := func(from, to int) {
		for i := from; i < to; i++ {
			w := az.For(fmt.Sprint("nobody-ever-wrote-this-workspace-", i))
			if w.Can(ctx, "ann", rbac.Deals, rbac.Read) {
				t.Fatal("allowed")
			}
			d, err := w.Explain(ctx, "ann", rbac.Deals, rbac.Read)
			if err != nil || d.Reason != rbac.ReasonNotMember {
				t.Fatal(d, err)
			}
		}
	}
	ask(0, 1000)
	before := heapInUse()
	n := scaled(100_000)
	ask(1000, 1000+n)
	require.Less(t, heapInUse()-before, int64(1<<20), "%d workspaces would take much more", n)
	store.reset()
	synctest.Test(t, func(*testing.T) {}) // nothing of them is polled
	require.Empty(t, store.lastAsked()[1:])
}

// A large workspace, whose changes go to an overlay that is folded now and
// then, gives the same answers as one that was just loaded.
func TestChangesOfALargeWorkspace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), newStore(t)
		az, follower := openOn(t, inner), openOn(t, newFaultStore(inner))
		viewer := addRole(t, az.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
		owner := addRole(t, az.Workspace, "Owner", rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.None)})
		var users []string
		for i := range 5000 {
			users = append(users, fmt.Sprint("user", i))
		}
		assign(t, az.Workspace, rbac.Administrator, "ann")
		assign(t, az.Workspace, viewer.ID, users...)
		require.True(t, az.Can(ctx, "user1", rbac.Deals, rbac.Read))
		require.True(t, follower.Can(ctx, "user1", rbac.Deals, rbac.Read))

		random := rand.New(rand.NewPCG(1, 2))
		var touched []string
		for step := range 40 {
			var some []string
			for range 300 {
				some = append(some, users[random.IntN(len(users))])
			}
			var err error
			switch system := az.System("test"); step % 5 {
			case 0:
				err = system.Assign(ctx, owner.ID, some...)
			case 1:
				err = system.Remove(ctx, present(t, az.Workspace, some)...)
			case 2:
				err = system.Assign(ctx, viewer.ID, some...)
			case 3:
				err = system.Suspend(ctx, present(t, az.Workspace, some)...)
			case 4:
				err = system.Reinstate(ctx, present(t, az.Workspace, some)...)
			}
			require.NoError(t, err)
			touched = append(touched, some...)
			if step%8 == 7 {
				require.NoError(t, follower.Sync(ctx))
				fresh := openOn(t, inner)
				for _, user := range touched[max(0, len(touched)-2000):] {
					want, err := fresh.Explain(ctx, user, rbac.Deals, rbac.Read)
					require.NoError(t, err)
					for _, instance := range []*rbac.Authorizer{az, follower} {
						got, err := instance.Explain(ctx, user, rbac.Deals, rbac.Read)
						require.NoError(t, err)
						require.Equal(t, want, got)
						require.Equal(t, want.Allowed, instance.Can(ctx, user, rbac.Deals, rbac.Read))
						require.Equal(t, want.Scope != rbac.None, instance.CanRecord(ctx, user, rbac.Deals, rbac.Read, user))
					}
				}
				synctest.Wait()
			}
		}
		require.NoError(t, az.VerifyEvents(ctx))
	})
}

// Changes that are made while the overlay is folded are not lost, nor is what
// they undo done again.
func TestChangesDuringAFold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store := t.Context(), newStore(t)
		az := openOn(t, store)
		viewer := addRole(t, az.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
		nothing := addRole(t, az.Workspace, "Nothing", nil)
		var users []string
		for i := range 20_000 {
			users = append(users, fmt.Sprint("user", i))
		}
		update(t, store, "", func(tx rbac.Tx) error {
			var members []rbac.Member
			for _, user := range users {
				members = append(members, rbac.Member{User: user, Role: viewer.ID})
			}
			return tx.PutMembers(members...)
		})
		require.True(t, az.Can(ctx, "user19999", rbac.Deals, rbac.Read))
		for round := range 4 {
			part := users[round*4200:][:4200]
			assign(t, az.Workspace, nothing.ID, part...) // folded from here on
			for i := range 20 {
				assign(t, az.Workspace, viewer.ID, part[i], users[(i+round*4200+10_000)%len(users)])
				require.NoError(t, az.System("test").Remove(ctx, part[100+i]))
				require.NoError(t, az.System("test").Suspend(ctx, part[200+i]))
				assign(t, az.Workspace, nothing.ID, part[i])
			}
			if round%2 == 0 {
				synctest.Wait()
			}
			fresh := openOn(t, store)
			for _, user := range users {
				want, err := fresh.Explain(ctx, user, rbac.Deals, rbac.Read)
				require.NoError(t, err)
				got, err := az.Explain(ctx, user, rbac.Deals, rbac.Read)
				require.NoError(t, err)
				if want != got {
					t.Fatalf("%v, want %v", got, want)
				}
			}
		}
	})
}

// present returns those of the users who are members.
func present(t *testing.T, w *rbac.Workspace, users []string) (members []string) {
	t.Helper()
	for m, err := range w.Members(t.Context(), rbac.MemberQuery{Users: users}) {
		require.NoError(t, err)
		members = append(members, m.User)
	}
	return members
}

// Roles that come and go do not pile up, and do not confuse those that stay:
// the workspace is loaded anew now and then.
func TestRolesThatComeAndGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := newFollowing(t)
		viewer := addRole(t, f.az.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
		assign(t, f.az.Workspace, viewer.ID, "vic")
		for i := range 700 {
			role := addRole(t, f.az.Workspace, "Passing", rbac.Permissions{rbac.Tasks: access(rbac.All, rbac.All)})
			assign(t, f.az.Workspace, role.ID, "pat")
			require.True(t, f.az.Can(ctx, "pat", rbac.Tasks, rbac.Manage))
			require.NoError(t, f.az.System("test").ReplaceRole(ctx, role.ID, viewer.ID))
			require.NoError(t, f.az.System("test").DeleteRole(ctx, role.ID))
			require.False(t, f.az.Can(ctx, "pat", rbac.Tasks, rbac.Manage))
			require.True(t, f.az.Can(ctx, "vic", rbac.Deals, rbac.Read))
			if i%100 == 99 {
				require.NoError(t, f.other.Sync(ctx))
				require.True(t, f.other.Can(ctx, "vic", rbac.Deals, rbac.Read))
				require.False(t, f.other.Can(ctx, "pat", rbac.Tasks, rbac.Manage))
			}
		}
		views := f.store.calls(opView)
		require.GreaterOrEqual(t, views, 2, "loaded anew")
		require.LessOrEqual(t, views, 10, "and not for every change")
	})
}

// Far behind, reading the rows is less than reading the events: the follower
// loads. Close behind it follows, and reads no row.
func TestFollowOrLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := newFollowing(t)
		var mu sync.Mutex
		events, members := 0, 0
		f.store.setRows(&rowFaults{
			events: changed(func(*rbac.Event) { mu.Lock(); events++; mu.Unlock() }),
			members: func(rows rowSeq[rbac.Member]) rowSeq[rbac.Member] {
				mu.Lock()
				members++
				mu.Unlock()
				return rows
			},
		})
		for _, test := range []struct{ changes, events, loads int }{{1, 1, 0}, {900, 900, 0}, {1500, 0, 1}} {
			events, members = 0, 0
			for i := range test.changes {
				act := f.other.As("ann").Suspend
				if i%2 == 1 {
					act = f.other.As("ann").Reinstate
				}
				require.NoError(t, act(ctx, "bob"))
			}
			require.NoError(t, f.az.Sync(ctx))
			require.Equal(t, test.events, events)
			require.Equal(t, test.loads, members)
			require.Equal(t, test.changes%2 == 0, f.can(t))
			require.NoError(t, f.other.As("ann").Reinstate(ctx, "bob"))
			require.NoError(t, f.az.Sync(ctx))
		}
	})
}

// Sync, polls, notifications, own changes, faults and drops in random order on
// three instances: what is answered is never older than MaxStaleness, an own
// change always shows, and revisions never go back.
func TestRandomFollowing(t *testing.T) {
	t.Parallel()
	for range scaled(30) {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, random := t.Context(), rand.New(rand.NewPCG(seed, 0))
				inner := newStore(t)
				type instance struct {
					store notifyStore
					az    *rbac.Authorizer
					least int64 // the revision that the next check must rest on at least
				}
				var instances []*instance
				for range 3 {
					store := notifyStore{newFaultStore(inner)}
					az := openOn(t, store, rbac.WithMaxStaleness(2*time.Second), rbac.WithIdleTime(20*time.Second))
					instances = append(instances, &instance{store, az, 0})
				}
				assign(t, instances[0].az.Workspace, rbac.Administrator, "ann")
				type commit struct {
					revision int64
					at       time.Time
				}
				commits := []commit{{1, time.Now()}}
				faults := []behaviour{
					nil, nil, failing(errBoom), panicking, blocking, slow(300 * time.Millisecond), lagging(300 * time.Millisecond),
					slow(3 * time.Second), lagging(3 * time.Second), everySecond(failing(errBoom)), first(2, rolledBack(rbac.ErrContention)),
				}
				for range 400 {
					in := instances[random.IntN(len(instances))]
					switch random.IntN(6) {
					case 0:
						in.store.set(op(random.IntN(2)*2), faults[random.IntN(len(faults))]) // View or Revisions
					case 1:
						in.store.set(opNotify, []behaviour{nil, failing(errBoom), blocking}[random.IntN(3)])
					case 2:
						user := fmt.Sprint("user", random.IntN(5))
						change := in.az.As("ann").Suspend
						if random.IntN(2) == 0 {
							change = func(ctx context.Context, users ...string) error {
								return in.az.As("ann").Assign(ctx, rbac.Administrator, users...)
							}
						}
						if err := change(ctx, user, user); err != nil {
							require.ErrorIs(t, err, rbac.ErrMemberNotFound)
						}
						if at := contentsOf(t, inner, "").Revision.Seq; at > commits[len(commits)-1].revision {
							commits = append(commits, commit{at, time.Now()})
							in.least = at
						}
					case 3:
						before := contentsOf(t, inner, "").Revision.Seq
						if in.az.Sync(ctx) == nil {
							in.least = max(in.least, before)
						}
					default:
						time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
					}
					for _, in := range instances {
						began := time.Now()
						synctest.Wait()
						d, err := in.az.Explain(ctx, "ann", rbac.Users, rbac.Manage)
						require.LessOrEqual(t, time.Since(began), 2*time.Second)
						if err != nil {
							require.ErrorIs(t, err, rbac.ErrUnavailable)
							continue
						}
						require.GreaterOrEqual(t, d.Revision, in.least)
						in.least = d.Revision
						i, _ := slices.BinarySearchFunc(commits, d.Revision+1, func(c commit, seq int64) int { return int(c.revision - seq) })
						if i < len(commits) {
							age := time.Since(commits[i].at)
							require.LessOrEqual(t, age, 2*time.Second, "an answer of revision %d, which was replaced %v ago", d.Revision, age)
						}
					}
				}
				for _, in := range instances {
					in.store.setAll(nil)
				}
				time.Sleep(2 * time.Minute)
				for _, in := range instances {
					d, err := in.az.Explain(ctx, "ann", rbac.Users, rbac.Manage)
					require.NoError(t, err)
					require.Equal(t, commits[len(commits)-1].revision, d.Revision)
				}
				checkInvariants(t, inner, "")
			})
		})
	}
}
