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
		for _, test := range []struct{ changes, events, loads int }{{1, 1, 0}, {50, 50, 0}, {51, 1, 1}, {1500, 1, 1}} {
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
