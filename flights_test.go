package rbac_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/following"
	"github.com/areagate/rbac/rbactest"
)

// A stream of own changes does not keep a workspace from being loaded: an
// import of users, made one by one on an instance that has just started.
func TestOwnChangesDoNotStarveALoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := rbac.NewMemStore()
		assign(t, openOn(t, inner).Workspace, rbac.Administrator, "ann")
		store := fault.New(inner)
		store.Set(fault.Late(50*time.Millisecond), opView)
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
		f := following.New(t)
		assign(t, f.Other.For("acme"), rbac.Administrator, "ann")
		f.Store.Set(fault.Late(100*time.Millisecond), opView)
		stop := make(chan struct{})
		var importing sync.WaitGroup
		for i, az := range []*rbac.Authorizer{f.AZ, f.Other} {
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
		err := f.AZ.For("acme").Authorize(t.Context(), "ann", rbac.Users, rbac.Manage)
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
		on    rbactest.Fault // of the Update that removes bob
		views int
	}{
		{"committed", nil, 1},
		{"outcome unknown, committed", fault.Loses(true), 2},
		{"outcome unknown, not committed", fault.Loses(false), 2},
		{"rolled back", fault.RollsBack(errBoom), 2},
		{"committed, and another instance was between", nil, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, f := t.Context(), following.New(t)
				assign(t, f.Other.For("acme"), rbac.Administrator, "ann", "bob")
				acme := f.AZ.For("acme")
				f.Store.Set(fault.Late(time.Second), opView)
				answers := make(chan error, 1)
				go func() { answers <- acme.Authorize(ctx, "ann", rbac.Users, rbac.Manage) }()
				time.Sleep(300 * time.Millisecond)
				assign(t, acme, rbac.Administrator, "cy")
				f.Store.Set(test.on, opUpdate)
				if strings.Contains(test.name, "another instance") {
					assign(t, f.Other.For("acme"), rbac.Administrator, "eve")
				}
				_ = acme.As("ann").Remove(ctx, "bob")
				f.Store.Set(nil, opUpdate)
				assign(t, acme, rbac.Administrator, "dan")
				require.Equal(t, 300*time.Millisecond, f.After(), "a change does not wait for a load")
				require.NoError(t, <-answers)
				require.Equal(t, test.views, f.Store.Calls(opView))
				allows(t, acme, "cy")
				allows(t, acme, "dan")
				gone := !strings.Contains(test.name, "not committed") && !strings.Contains(test.name, "rolled back")
				require.Equal(t, !gone, acme.Can(ctx, "bob", rbac.Users, rbac.Manage))
				require.Equal(t, test.views, f.Store.Calls(opView))
				require.NoError(t, acme.VerifyEvents(ctx))
				checkInvariants(t, f.Inner, "acme")
			})
		})
	}
}

// A first load that takes longer than a check may wait: those who wait are
// refused in time, and those who ask again find it loaded, and fresh.
func TestSlowFirstLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		assign(t, f.Other.For("large"), rbac.Administrator, "ann", "bob")
		large := f.AZ.For("large")
		f.Store.Set(fault.First(1, fault.Late(30*time.Second)), opView)
		began := time.Now()
		err := large.Authorize(t.Context(), "ann", rbac.Users, rbac.Manage)
		require.ErrorIs(t, err, rbac.ErrUnavailable)
		require.ErrorContains(t, err, "10s")
		require.Equal(t, 10*time.Second, time.Since(began))
		require.NoError(t, f.Other.For("large").As("ann").Remove(t.Context(), "bob")) // since it was read
		time.Sleep(21 * time.Second)
		synctest.Wait()
		f.Store.ResetCalls()
		allows(t, large, "ann")
		require.False(t, large.Can(t.Context(), "bob", rbac.Users, rbac.Manage))
		require.Zero(t, f.Store.Calls(opView), "loaded, though nobody waited")
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
				f := following.New(t)
				f.Store.Set(fault.Late(takes), opView)
				require.ErrorIs(t, f.AZ.Sync(t.Context()), rbac.ErrUnavailable)
				for f.After() < 2*time.Minute {
					synctest.Wait()
					allows(t, f.AZ.Workspace, "ann")
					time.Sleep(time.Second)
				}
				require.Equal(t, 3, f.Store.Calls(opView))
				// Nor is an empty workspace.
				f.Store.ResetCalls()
				f.Store.Set(fault.Fails(errBoom), opRevisions) // which could answer it
				empty := f.AZ.For("empty")
				require.False(t, empty.Can(t.Context(), "ann", rbac.Users, rbac.Manage))
				time.Sleep(2 * time.Minute)
				require.Equal(t, 3, f.Store.Calls(opView))
			})
		})
	}
}

// While a workspace is out of service, checks fail at once: a crowd of them
// would not help the store to recover. The poll finds out when it has.
func TestFailFastWhileOutOfService(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]rbactest.Fault{"fails": fault.Fails(errBoom), "blocks": fault.Blocks} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := following.New(t)
				f.Store.SetAll(wrong)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				f.Store.ResetCalls()
				began := time.Now()
				for range 1000 {
					refusesAll(t, f.AZ.Workspace, "ann", nil)
				}
				require.Zero(t, time.Since(began))
				require.Zero(t, f.Store.Total())
				f.Store.SetAll(nil)
				time.Sleep(7 * time.Second) // a poll that blocks gives up after 5
				synctest.Wait()
				allows(t, f.AZ.Workspace, "ann")
				require.Zero(t, f.Store.Calls(opView), "nothing had changed: nothing was read")
			})
		})
	}
}

// A store that ends the goroutine which asks it, as a fake does that calls
// testing.T.FailNow, is a store that fails: whoever waits gets an error, and
// the workspace is served when the store behaves again.
func TestStoreEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := fault.New(rbac.NewMemStore())
		az := openOn(t, store)
		assign(t, az.Workspace, rbac.Administrator, "ann")
		release := make(chan struct{})
		store.Set(func(context.Context, func(error) error) error {
			<-release
			runtime.Goexit()
			return nil
		}, opView)
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

		store.Set(nil, opView)
		allows(t, az.Workspace, "ann")
	})
}

// The first change of a workspace comes while the store is asked whether that
// exists. The workspace then is the change and nothing else, with the system
// roles that every workspace has.
func TestFirstOwnChangeDuringTheQuestionWhatExists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store := t.Context(), fault.New(rbac.NewMemStore())
		az := openOn(t, store)
		busyWithCold(t, az, store)
		store.Set(fault.Late(time.Second), opRevisions)
		acme, answer := az.For("acme"), make(chan error)
		go func() { answer <- acme.Authorize(ctx, "ann", rbac.Users, rbac.Manage) }()
		synctest.Wait() // the question has begun
		require.NoError(t, acme.System("sign-up").Assign(ctx, rbac.Administrator, "ann"))
		require.NoError(t, <-answer)
		allows(t, acme, "ann")
	})
}

// busyWithCold takes the places for workspaces that may not exist, so that the
// store is asked about the next one.
func busyWithCold(t *testing.T, az *rbac.Authorizer, store fault.Store) {
	store.Set(fault.Blocks, opView)
	store.Set(fault.Fails(errBoom), opRevisions) // which could answer them
	for i := range 2 {
		go az.For(fmt.Sprint("busy", i)).Can(t.Context(), "ann", rbac.Users, rbac.Manage)
	}
	synctest.Wait()
	store.Set(nil, opView, opRevisions)
}

// P2 for the answer that a workspace does not exist, of a store that answers
// later than it may.
func TestP2_OldAnswerThatNothingExists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), rbac.NewMemStore()
		store := fault.New(inner)
		az, other := openOn(t, store), openOn(t, inner)
		busyWithCold(t, az, store)
		store.Set(func(_ context.Context, call func(error) error) error {
			err := call(nil)
			time.Sleep(12 * time.Second) // whatever its context says
			return err
		}, opRevisions)
		acme := az.For("acme")
		go acme.Can(ctx, "ann", rbac.Users, rbac.Manage)
		time.Sleep(time.Second)
		assign(t, other.For("acme"), rbac.Administrator, "ann")
		time.Sleep(10500 * time.Millisecond)
		err := acme.Authorize(ctx, "ann", rbac.Users, rbac.Manage)
		require.NotErrorIs(t, err, rbac.ErrDenied, "denied after 12 seconds by what was known before")
	})
}

// A flight whose reading fails at once, as soon as it is known that its
// workspace exists, ends once. The log is stuck, so that those who report are
// in their places when the next workspace is asked about.
func TestReadingFailsAsSoonAsAWorkspaceExists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner, log := rbac.NewMemStore(), &stuckLog{release: make(chan struct{})}
		defer close(log.release)
		other, store := openOn(t, inner), fault.New(inner)
		store.Set(fault.Fails(errBoom), opView)
		az := openOn(t, store, rbac.WithLogger(slog.New(log)))
		const workspaces = 1000
		for i := range workspaces {
			assign(t, other.For(fmt.Sprint("w", i)), rbac.Administrator, "ann")
		}
		for i := range workspaces {
			require.ErrorIs(t, az.For(fmt.Sprint("w", i)).Authorize(t.Context(), "ann", rbac.Users, rbac.Manage), errBoom)
		}
	})
}

// As long as there is a place, a workspace is loaded by its first check, and the
// store is not asked before whether it exists.
func TestQuestionWhatExistsIsForWhenPlacesAreTaken(t *testing.T) {
	t.Parallel()
	store := fault.New(rbac.NewMemStore())
	az := openOn(t, store)
	store.ResetCalls()
	for i := range 2_000 {
		require.False(t, az.For(fmt.Sprint("w", i)).Can(t.Context(), "ann", rbac.Deals, rbac.Read))
	}
	require.Equal(t, 2_000, store.Calls(opView))
}

// P2: at most four readings follow changes at a time, and one that somebody
// waits for does not queue behind them.
func TestP2_ReadingsHavePlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		var workspaces []*rbac.Workspace
		for i := range 20 {
			id := fmt.Sprint("w", i)
			assign(t, f.Other.For(id), rbac.Administrator, "ann")
			workspaces = append(workspaces, f.AZ.For(id))
			allows(t, workspaces[i], "ann")
		}
		assign(t, f.Other.For("cold"), rbac.Administrator, "ann")
		synctest.Wait()
		var mu sync.Mutex
		reading, most := 0, 0
		count := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			reading += by
			most = max(most, reading)
		}
		f.Store.Set(func(ctx context.Context, call func(error) error) error {
			count(1)
			defer count(-1)
			return fault.Slow(time.Second)(ctx, call)
		}, opView)
		for _, w := range workspaces {
			assign(t, f.Other.For(w.ID()), rbac.Administrator, "bob")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait() // the poll has found them
		began := time.Now()
		allows(t, f.AZ.For("cold"), "ann")
		require.Equal(t, time.Second, time.Since(began))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		for _, w := range workspaces {
			allows(t, w, "bob")
		}
		require.Equal(t, 5, most, "four, and the one that was waited for")
	})
}
