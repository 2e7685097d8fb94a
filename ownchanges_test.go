package rbac_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/following"
	"github.com/areagate/rbac/internal/heap"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/rbactest"
)

// P1: whoever made a change sees it in the next check, on instances that
// change one workspace at the same time.
func TestP1_OwnChangesShowAtOnceUnderConcurrency(t *testing.T) {
	t.Parallel()
	ctx, inner := t.Context(), rbac.NewMemStore()
	instances := []*rbac.Authorizer{openOn(t, inner), openOn(t, fault.New(inner))} // with notifications, and without
	viewer := addRole(t, instances[0].Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
	assign(t, instances[0].Workspace, rbac.Administrator, "ann")
	var workers sync.WaitGroup
	for i := range 8 {
		workers.Go(func() {
			az, user := instances[i%2], fmt.Sprint("user", i)
			for range long.Scale(200) {
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
		f := following.New(t)
		f.RemoveBob(t)
		require.True(t, f.Can())
		f.Store.Set(fault.Slow(time.Second), opView)
		began := time.Now()
		assign(t, f.AZ.Workspace, rbac.Administrator, "cy")
		require.Equal(t, time.Second, time.Since(began), "the change waits for the store to be read")
		require.False(t, f.Can())
		allows(t, f.AZ.Workspace, "cy")
		require.Equal(t, time.Second, time.Since(began))
	})
}

// P1 when the snapshot is behind and the store cannot be read: the change is
// made, and no check is answered from before it.
func TestP1_NothingIsServedFromBeforeAnOwnChange(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]rbactest.Fault{"fails": fault.Fails(errBoom), "blocks": fault.Blocks, "is slow": fault.Slow(11 * time.Second)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := following.New(t)
				assign(t, f.Other.Workspace, rbac.Administrator, "cy")
				f.Store.Set(wrong, opView)
				f.Store.Set(fault.Fails(errBoom), opRevisions)
				require.NoError(t, f.AZ.As("ann").Remove(t.Context(), "bob"))
				_, err := f.AZ.Explain(t.Context(), "bob", rbac.Users, rbac.Manage)
				if name != "is slow" {
					require.ErrorIs(t, err, rbac.ErrUnavailable)
				}
				require.False(t, f.Can())
				f.Store.SetAll(nil)
				time.Sleep(90 * time.Second)
				require.False(t, f.Can())
				allows(t, f.AZ.Workspace, "cy")
			})
		})
	}
}

// P1 against a poll that was asked before an own change and is answered after
// it: what it says was true then.
func TestP1_AnEarlierPollDoesNotConfirmWhatAnOwnChangeReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		f.Store.Set(fault.Late(3*time.Second), opRevisions)
		time.Sleep(3 * time.Second) // asked at 2 s, answered at 5 s
		assign(t, f.Other.Workspace, rbac.Administrator, "cy")
		f.Store.Set(fault.Fails(errBoom), opView)
		require.NoError(t, f.AZ.As("ann").Remove(t.Context(), "bob"))
		for f.After() < 7*time.Second {
			_, err := f.AZ.Explain(t.Context(), "bob", rbac.Users, rbac.Manage)
			require.ErrorIs(t, err, rbac.ErrUnavailable, "after %v", f.After())
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
		f := following.New(t)
		f.Store.Set(fault.Fails(errBoom), opRevisions)
		f.Store.Set(fault.Late(11*time.Second), opUpdate)
		require.NoError(t, f.AZ.As("ann").Remove(t.Context(), "bob"))
		require.False(t, f.Can())
		require.Equal(t, 1, f.Store.Calls(opView))
		allows(t, f.AZ.Workspace, "ann")
	})
}

// Events of own changes that came during a reading are let go of after it.
func TestOwnEventsAreLetGoOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, follower := t.Context(), fault.New(rbac.NewMemStore())
		az := openOn(t, follower, rbac.WithMaxStaleness(time.Hour))
		assign(t, az.Workspace, rbac.Administrator, "ann")
		allows(t, az.Workspace, "ann")
		n := long.Scale(50_000)
		before := heap.InUse()
		func() {
			users := make([]string, n)
			for i := range users {
				users[i] = fmt.Sprint("user-", i)
			}
			release, synced := make(chan struct{}), make(chan error)
			follower.Set(fault.Stuck(release), opView)
			go func() { synced <- az.Sync(ctx) }()
			synctest.Wait() // it reads
			assign(t, az.Workspace, rbac.Administrator, users...)
			require.NoError(t, az.System("test").Remove(ctx, users...))
			close(release)
			require.NoError(t, <-synced)
			follower.Set(nil, opView)
		}()
		follower.Replace(rbac.NewMemStore())
		synctest.Wait() // no reading and no fold holds anything any more
		require.Less(t, heap.InUse()-before, int64(1<<20+n*50), "after %d members have come and gone", n)
		allows(t, az.Workspace, "ann")
	})
}

// Nor do changes on two instances at once take the workspace out of service.
func TestChangesOnTwoInstancesDoNotStarveChecks(t *testing.T) {
	t.Parallel()
	for name, reading := range map[string]rbactest.Fault{"slow": fault.Slow(40 * time.Millisecond), "late": fault.Late(40 * time.Millisecond)} {
		for _, notified := range []bool{true, false} {
			t.Run(fmt.Sprintf("readings are %s, notified %t", name, notified), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := following.New(t)
					if notified {
						f.Store.Set(nil, opNotify)
					}
					f.Store.Set(reading, opView)
					stop := make(chan struct{})
					var importing sync.WaitGroup
					for i := range 8 {
						az := []*rbac.Authorizer{f.AZ, f.Other}[i%2]
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
					for f.After() < 30*time.Second && failed == nil {
						began := time.Now()
						failed = f.AZ.Authorize(t.Context(), "ann", rbac.Users, rbac.Manage)
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

// P1 for a change that had nothing to do, because another instance was faster:
// it returned nil, so what it asked for holds in the next check.
func TestP1_ChangeThatFoundNothingToDo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reading rbactest.Fault // of the check behind it
		answer  bool
	}{
		"readings work": {nil, true},
		"readings fail": {fault.Fails(errBoom), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, f := t.Context(), following.New(t)
				require.NoError(t, f.Other.As("ann").Suspend(ctx, "bob"))
				f.Store.Set(test.reading, opView)
				require.NoError(t, f.AZ.As("ann").Suspend(ctx, "bob"))
				require.False(t, f.Can(), "allowed after Suspend had returned nil")
				require.Equal(t, test.answer, f.AZ.Can(ctx, "ann", rbac.Users, rbac.Manage))
			})
		})
	}
}

// Changes that have nothing to do, one after the other, neither read the store
// each time nor keep the poll from confirming what is known.
func TestChangesWithNothingToDoDoNotStarveThePoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, f := t.Context(), following.New(t)
		f.Store.Set(fault.Late(10*time.Millisecond), opRevisions)
		for f.After() < 30*time.Second {
			require.NoError(t, f.AZ.As("ann").Assign(ctx, rbac.Administrator, "bob"))
			require.True(t, f.Can())
			time.Sleep(3 * time.Millisecond)
		}
		require.Zero(t, f.Store.Calls(opView))
	})
}

// P1 on a restored backup, whose numbers are behind those that are known: a
// reading of the lost history that ends after the change is not served.
func TestP1_ChangeOfARestoredBackup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, f, restored := t.Context(), following.New(t), rbac.NewMemStore()
		contentsOf(t, f.Inner, "").Write(t, restored, "")
		assign(t, f.AZ.Workspace, rbac.Administrator, "cy", "dan")
		f.Store.Set(fault.Fails(errBoom), opRevisions)
		f.Store.Set(fault.Late(time.Second), opView)
		go func() { _ = f.AZ.Sync(ctx) }()
		synctest.Wait() // it has read
		f.Store.Replace(restored)
		f.Store.Set(fault.Fails(errBoom), opView)
		require.NoError(t, f.AZ.As("ann").Remove(ctx, "bob"))
		require.False(t, f.Can(), "allowed by what was read before")
	})
}

// A slow reading that began before a change of one's own does not take it back,
// although a poll has confirmed the change meanwhile.
func TestP1_SlowReadingTakesNothingBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		allows(t, f.AZ.Workspace, "bob")
		f.Store.Set(fault.Late(3*time.Second), opView)
		var reading sync.WaitGroup
		reading.Go(func() { _ = f.AZ.Sync(t.Context()) })
		synctest.Wait()
		require.NoError(t, f.AZ.System("test").Remove(t.Context(), "bob"))
		for began := time.Now(); time.Since(began) < 5*time.Second; time.Sleep(10 * time.Millisecond) {
			require.False(t, f.AZ.Can(t.Context(), "bob", rbac.Users, rbac.Manage), "after %v", time.Since(began))
		}
		reading.Wait()
	})
}
