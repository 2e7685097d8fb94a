package rbac_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

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
