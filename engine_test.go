package rbac_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/following"
	"github.com/areagate/rbac/internal/heap"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbactest"
)

// Without notifications the poll brings a change, within the poll interval.
func TestP2_PollBringsAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		time.Sleep(300 * time.Millisecond)
		f.RemoveBob(t)
		time.Sleep(1700*time.Millisecond - 1)
		require.True(t, f.Can())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.False(t, f.Can())
		require.Equal(t, 1, f.Store.Calls(opRevisions))
		require.Equal(t, 1, f.Store.Calls(opView))
	})
}

// The poll is one round trip for all loaded workspaces, and reads only those
// that changed.
func TestPollIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		want := []string{""}
		var kept []*rbac.Workspace
		for i := range 50 {
			id := fmt.Sprint("w", i)
			assign(t, f.Other.For(id), rbac.Administrator, "ann")
			w := f.AZ.For(id)
			if i%2 == 0 {
				allows(t, w, "ann")
				want = append(want, id)
			}
			kept = append(kept, w)
		}
		f.Store.ResetCalls()
		require.NoError(t, f.Other.For("w4").As("ann").Assign(t.Context(), rbac.Administrator, "new"))
		require.NoError(t, f.Other.For("w5").As("ann").Assign(t.Context(), rbac.Administrator, "new")) // not loaded
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, f.Store.Calls(opRevisions))
		require.ElementsMatch(t, want, f.LastAsked())
		require.Equal(t, 1, f.Store.Calls(opView))
		allows(t, kept[4], "new")
		require.Equal(t, 1, f.Store.Calls(opView))
		runtime.KeepAlive(kept)
	})
}

// A poll that is not answered is given up in time for another: one lost poll
// denies nobody.
func TestOneLostPollDeniesNobody(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]rbactest.Fault{"fails": fault.Fails(errBoom), "blocks": fault.Blocks, "panics": fault.Panics} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := following.New(t, rbac.WithPollInterval(5*time.Second)) // the longest
				f.Store.Set(fault.First(1, wrong), opRevisions)
				for f.After() < time.Minute {
					allows(t, f.AZ.Workspace, "ann")
					time.Sleep(250 * time.Millisecond)
					synctest.Wait()
				}
				require.NotEmpty(t, f.Log.Containing("WARN", "cannot be asked for revisions"))
			})
		})
	}
}

// P3: a notification makes it a matter of no time at all.
func TestP3_NotificationBringsAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), rbac.NewMemStore()
		store := fault.NewNotifier(inner)
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
		f := following.New(t)
		held := f.AZ.For("held")
		for range 1000 {
			f.Store.Hint("held", "unknown", "a\x00b", strings.Repeat("x", 1<<16))
		}
		synctest.Wait()
		require.Zero(t, f.Store.Total())
		require.Equal(t, "held", held.ID())
	})
}

// A connection that ends loses notifications for good: when listening begins
// again, everything is compared at once.
func TestListeningAgainComparesRevisions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t, rbac.WithMaxStaleness(time.Hour)) // polls every 12 minutes
		f.RemoveBob(t)
		require.True(t, f.Can())
		f.Store.Hint() // what a Notifier does once it listens
		synctest.Wait()
		require.False(t, f.Can())
		require.Zero(t, f.After())
		require.Equal(t, 1, f.Store.Calls(opRevisions))
		require.Equal(t, 1, f.Store.Calls(opView))
	})
}

// The follower goes on when Notify returns errors: it listens again, after a
// pause that doubles up to the poll interval, and says so.
func TestNotifyIsCalledAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, log := fault.NewNotifier(rbac.NewMemStore()), &workspacetest.Log{}
		store.Set(fault.Fails(errBoom), opNotify)
		openOn(t, store, log.Option())
		time.Sleep(time.Second)
		soon := store.Calls(opNotify)
		require.GreaterOrEqual(t, soon, 4)
		require.LessOrEqual(t, soon, 8)
		time.Sleep(time.Minute)
		later := store.Calls(opNotify) - soon
		require.GreaterOrEqual(t, later, 29)
		require.LessOrEqual(t, later, 62)
		require.GreaterOrEqual(t, len(log.Containing("WARN", "notifications ended", "boom")), soon+later-1)

		// After listening for a while the first pause is short again.
		store.Set(func(ctx context.Context, _ func(error) error) error {
			if err := fault.Pause(ctx, 10*time.Second); err != nil {
				return err
			}
			return errBoom
		}, opNotify)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		store.ResetCalls()
		time.Sleep(101 * time.Second)
		require.GreaterOrEqual(t, store.Calls(opNotify), 9)
	})
}

// A store that is no Notifier is polled, and that is all.
func TestStoreWithoutNotifications(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := fault.New(rbac.NewMemStore())
		az := openOn(t, store)
		assign(t, az.Workspace, rbac.Administrator, "ann")
		allows(t, az.Workspace, "ann")
		time.Sleep(time.Minute)
		require.Zero(t, store.Calls(opNotify))
		allows(t, az.Workspace, "ann")
	})
}

// A workspace that nobody asks about is dropped after the idle time, and is
// loaded again by the next check; one that is asked about, in whatever way,
// stays.
func TestIdleWorkspacesAreDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := following.New(t, rbac.WithIdleTime(time.Minute))
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
			assign(t, f.Other.For(id), rbac.Administrator, "ann")
			workspaces = append(workspaces, f.AZ.For(id))
			allows(t, f.AZ.For(id), "ann")
		}
		for range 20 {
			time.Sleep(30 * time.Second)
			for id, ask := range asks {
				require.NoError(t, ask(f.AZ.For(id)))
			}
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.ElementsMatch(t, []string{"Can", "CanRecord", "Subject", "Explain", "stranger"}, f.LastAsked())
		f.Store.ResetCalls()
		for _, w := range workspaces {
			allows(t, w, "ann")
		}
		require.Equal(t, 2, f.Store.Calls(opView), "idle and reviewed are loaded again")
		allows(t, f.AZ.Workspace, "ann")
		time.Sleep(time.Minute + 4*time.Second)
		synctest.Wait()
		f.Store.ResetCalls()
		time.Sleep(time.Minute)
		require.Zero(t, f.Store.Total(), "when all are idle the store is left alone")
	})
}

// A change of a workspace that is not loaded does not load it.
func TestChangesDoNotLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := fault.New(rbac.NewMemStore())
		az := openOn(t, store)
		for i := range 100 {
			assign(t, az.For(fmt.Sprint("w", i)), rbac.Administrator, "ann")
		}
		require.Zero(t, store.Calls(opView))
		time.Sleep(time.Minute)
		require.Zero(t, store.Calls(opRevisions)-1, "no poll but the question of Open")
	})
}

// For returns the same handle while somebody holds it, or while the workspace
// is in memory.
func TestForReturnsTheSameHandle(t *testing.T) {
	t.Parallel()
	az := openOn(t, rbac.NewMemStore())
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
		f := following.New(t)
		assign(t, f.Other.For("loaded"), rbac.Administrator, "ann")
		passing, loaded := weakHandle(t, f.AZ, "passing", false), weakHandle(t, f.AZ, "loaded", true)
		require.True(t, collected(passing))
		require.False(t, collected(loaded))
		require.Same(t, loaded.Value(), f.AZ.For("loaded"))
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		require.True(t, collected(loaded))
		allows(t, f.AZ.For("loaded"), "ann") // a new one
	})
}

// Workspaces that were never written take no memory, however many are asked
// about.
func TestUnwrittenWorkspacesTakeNoMemory(t *testing.T) {
	az := openOn(t, rbac.NewMemStore())
	askAboutUnwritten(t, az, 0, 1000)
	before := heap.InUse()
	n := long.Scale(100_000)
	askAboutUnwritten(t, az, 1000, 1000+n)
	require.Less(t, heap.InUse()-before, int64(1<<20), "%d workspaces would take much more", n)
}

// Nor are they polled.
func TestUnwrittenWorkspacesAreNotPolled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		askAboutUnwritten(t, f.AZ, 0, 1000)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{""}, f.LastAsked())
	})
}

// askAboutUnwritten asks about workspaces that nobody wrote, by their numbers,
// from more goroutines than there are places to read in.
func askAboutUnwritten(t *testing.T, az *rbac.Authorizer, from, to int) {
	var crowd sync.WaitGroup
	defer crowd.Wait()
	for start := range 20 {
		crowd.Go(func() {
			for i := from + start; i < to; i += 20 {
				w := az.For(fmt.Sprint("nobody-ever-wrote-this-workspace-", i))
				if w.Can(t.Context(), "ann", rbac.Deals, rbac.Read) {
					t.Error("allowed")
				}
				d, err := w.Explain(t.Context(), "ann", rbac.Deals, rbac.Read)
				if err != nil || d.Reason != rbac.ReasonNotMember {
					t.Error(d, err)
				}
			}
		})
	}
}

// A store that ends the goroutine in which it is polled, as a fake does that
// fails its test, is polled again.
func TestPollGoesOnWhenTheStoreEndsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		f.Store.Set(fault.First(3, func(context.Context, func(error) error) error { runtime.Goexit(); return nil }), opRevisions)
		f.RemoveBob(t)
		time.Sleep(8 * time.Second)
		synctest.Wait()
		require.False(t, f.Can())
		time.Sleep(time.Minute)
		allows(t, f.AZ.Workspace, "ann")
	})
}

// P3: a hint during a reading, which may have begun before the change, is
// followed by another reading.
func TestP3_HintDuringAReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		f.Store.Set(fault.Fails(errBoom), opRevisions)
		f.Store.Set(fault.Late(time.Second), opView)
		f.Store.Hint("")
		synctest.Wait() // it has read
		f.RemoveBob(t)
		f.Store.Hint("")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.False(t, f.Can())
		require.Equal(t, 2, f.Store.Calls(opView))
	})
}

// P4: a history that is as long and differs is no continuation, whoever
// notices. It is reported, and the workspace is loaded whole.
func TestP4_AnotherHistory(t *testing.T) {
	t.Parallel()
	for name, notice := range map[string]func(t *testing.T, f *following.Following){
		"by the poll": func(*testing.T, *following.Following) { time.Sleep(2 * time.Second); synctest.Wait() },
		"by Sync":     func(t *testing.T, f *following.Following) { require.NoError(t, f.AZ.Sync(t.Context())) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, restored := following.New(t), rbac.NewMemStore()
				assign(t, openOn(t, restored).Workspace, rbac.Administrator, "ann", "cy")
				f.Store.Replace(restored)
				notice(t, f)
				allows(t, f.AZ.Workspace, "cy")
				require.False(t, f.Can())
				require.Len(t, f.Log.Containing("WARN", "loaded anew", "history is not a continuation"), 1)
			})
		})
	}
}
