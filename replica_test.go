package rbac_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/following"
)

// P2 to the nanosecond: a snapshot is served until it is MaxStaleness old,
// counted from when the store was asked for what confirmed it.
func TestP2_StalenessBoundary(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, f *following.Following) // leaves the store broken
		until   time.Duration                              // since the load
	}{
		{"since the load", func(_ *testing.T, f *following.Following) {}, 10 * time.Second},
		{"since the last poll that was answered", func(_ *testing.T, f *following.Following) {
			time.Sleep(4 * time.Second)
			synctest.Wait()
		}, 14 * time.Second},
		{"since a slow poll was asked, not since it was answered", func(_ *testing.T, f *following.Following) {
			time.Sleep(time.Second)
			f.Store.Set(func(ctx context.Context, call func(error) error) error {
				f.Store.Set(fault.Fails(errBoom), opRevisions)
				return fault.Late(3*time.Second)(ctx, call)
			}, opRevisions)
			time.Sleep(4 * time.Second) // asked at 2 s, answered at 5 s
			synctest.Wait()
		}, 12 * time.Second},
		{"since Sync asked, not since it was answered", func(t *testing.T, f *following.Following) {
			f.Store.Set(fault.Fails(errBoom), opRevisions)
			f.Store.Set(fault.Late(3*time.Second), opView)
			time.Sleep(time.Second)
			require.NoError(t, f.AZ.Sync(t.Context()))
		}, 11 * time.Second},
		{"since another's change was read", func(t *testing.T, f *following.Following) {
			assign(t, f.Other.Workspace, rbac.Administrator, "cy")
			time.Sleep(2 * time.Second)
			synctest.Wait()
			allows(t, f.AZ.Workspace, "cy")
		}, 12 * time.Second},
		{"since an own change began, not since it was committed", func(t *testing.T, f *following.Following) {
			f.Store.Set(fault.Fails(errBoom), opRevisions)
			f.Store.Set(fault.Late(3*time.Second), opUpdate)
			time.Sleep(time.Second)
			assign(t, f.AZ.Workspace, rbac.Administrator, "cy")
		}, 11 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := following.New(t)
				test.prepare(t, f)
				f.Store.SetAll(fault.Fails(errBoom))
				time.Sleep(test.until - 1 - f.After())
				synctest.Wait()
				allows(t, f.AZ.Workspace, "ann")
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				refusesAll(t, f.AZ.Workspace, "ann", errBoom)
				require.Equal(t, test.until, f.After())
			})
		})
	}
}

// P2 for another MaxStaleness, and for a revoke that nothing tells about: it
// takes effect within it, whatever goes wrong.
func TestP2_RevokeTakesEffectInTime(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(f *following.Following){
		"polls work":         func(*following.Following) {},
		"polls are slow":     func(f *following.Following) { f.Store.Set(fault.Late(700*time.Millisecond), opRevisions) },
		"polls fail":         func(f *following.Following) { f.Store.Set(fault.Fails(errBoom), opRevisions) },
		"polls block":        func(f *following.Following) { f.Store.Set(fault.Blocks, opRevisions) },
		"polls are wrong":    func(f *following.Following) { f.Store.Set(fault.Skips, opRevisions) },
		"readings fail":      func(f *following.Following) { f.Store.Set(fault.Fails(errBoom), opView) },
		"readings are slow":  func(f *following.Following) { f.Store.Set(fault.Late(900*time.Millisecond), opView) },
		"readings block":     func(f *following.Following) { f.Store.Set(fault.Blocks, opView) },
		"nothing works":      func(f *following.Following) { f.Store.SetAll(fault.Fails(errBoom)) },
		"everything blocks":  func(f *following.Following) { f.Store.SetAll(fault.Blocks) },
		"every second fails": func(f *following.Following) { f.Store.SetAll(fault.EverySecond(fault.Fails(errBoom))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := following.New(t, rbac.WithMaxStaleness(2*time.Second))
				prepare(f)
				time.Sleep(1100 * time.Millisecond)
				f.RemoveBob(t)
				revoked := time.Now()
				for time.Since(revoked) < 10*time.Second {
					can := f.Can()
					synctest.Wait()
					if can && time.Since(revoked) > 2*time.Second {
						t.Fatalf("granted %v after the revoke", time.Since(revoked))
					}
					time.Sleep(50 * time.Millisecond)
				}
				f.Store.SetAll(nil)
				time.Sleep(time.Minute + time.Second)
				require.False(t, f.Can())
				allows(t, f.AZ.Workspace, "ann")
			})
		})
	}
}

// Nor does a denial rest on data that is too old: what was read of an empty
// workspace long ago is no answer.
func TestP2_OldEmptinessIsNoAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		acme := f.AZ.For("acme")
		f.Store.Set(fault.First(1, fault.Late(12*time.Second)), opView)
		go acme.Can(t.Context(), "ann", rbac.Users, rbac.Manage)
		time.Sleep(time.Second)
		assign(t, f.Other.For("acme"), rbac.Administrator, "ann")
		time.Sleep(10500 * time.Millisecond)
		err := acme.Authorize(t.Context(), "ann", rbac.Users, rbac.Manage)
		require.NotErrorIs(t, err, rbac.ErrDenied, "denied after 12 seconds by what was read before")
	})
}

// A workspace that is asked about all through a long outage is not idle: it
// keeps failing fast, and comes back by itself.
func TestLongOutageIsNotIdleness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		f.Store.SetAll(fault.Blocks)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for f.After() < time.Hour {
			began := time.Now()
			require.False(t, f.Can())
			require.Zero(t, time.Since(began), "%v into the outage", f.After())
			time.Sleep(10 * time.Second)
		}
		f.Store.SetAll(nil)
		time.Sleep(7 * time.Second)
		synctest.Wait()
		f.Store.ResetCalls()
		allows(t, f.AZ.Workspace, "ann")
		require.Zero(t, f.Store.Calls(opView))
	})
}

// Service resumes by itself, also when the workspace changed meanwhile.
func TestServiceResumesByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		f.Store.SetAll(fault.Fails(errBoom))
		time.Sleep(time.Minute)
		f.RemoveBob(t)
		refusesAll(t, f.AZ.Workspace, "ann", errBoom)
		f.Store.SetAll(nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		f.Store.ResetCalls()
		allows(t, f.AZ.Workspace, "ann")
		require.False(t, f.Can())
		require.Zero(t, f.Store.Total(), "it was read before anybody asked")

		// A reading alone fails, while polls are answered.
		f.Store.Set(fault.Fails(errBoom), opView)
		assign(t, f.Other.Workspace, rbac.Administrator, "cy")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		refusesAll(t, f.AZ.Workspace, "ann", errBoom)
		f.Store.Set(nil, opView)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		allows(t, f.AZ.Workspace, "cy")
	})
}

// Sync: what is read begins at or after the call.
func TestSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := following.New(t)
		f.RemoveBob(t)
		require.True(t, f.Can())
		require.NoError(t, f.AZ.Sync(ctx))
		require.False(t, f.Can())
		require.Equal(t, 1, f.Store.Calls(opView))
		require.NoError(t, f.AZ.Sync(ctx), "when there is nothing new")

		// A reading that began before is not enough: another follows it, one
		// for all who call meanwhile.
		f.Store.ResetCalls()
		f.Store.Set(fault.Fails(errBoom), opRevisions) // no poll comes in between
		f.Store.Set(fault.Late(time.Second), opView)
		go func() { _ = f.AZ.Sync(ctx) }()
		synctest.Wait()
		time.Sleep(500 * time.Millisecond)
		assign(t, f.Other.Workspace, rbac.Administrator, "cy")
		var syncs sync.WaitGroup
		began := time.Now()
		for range 100 {
			syncs.Go(func() {
				if err := f.AZ.Sync(ctx); err != nil {
					t.Errorf("Sync: %v", err)
				}
				if !f.AZ.Can(ctx, "cy", rbac.Users, rbac.Manage) {
					t.Error("Sync returned before the change was read")
				}
			})
		}
		syncs.Wait()
		require.Equal(t, 1500*time.Millisecond, time.Since(began), "half of the first reading, and the second")
		require.Equal(t, 2, f.Store.Calls(opView))

		// Failures.
		f.Store.Set(fault.Fails(errBoom), opView)
		err := f.AZ.Sync(ctx)
		require.ErrorIs(t, err, rbac.ErrUnavailable)
		require.ErrorIs(t, err, errBoom)
		allows(t, f.AZ.Workspace, "ann") // what is known is not too old
		f.Store.Set(fault.Blocks, opView)
		began = time.Now()
		brief, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		require.ErrorIs(t, f.AZ.Sync(brief), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
		require.ErrorIs(t, f.AZ.Sync(ctx), rbac.ErrUnavailable)
		require.Equal(t, 11*time.Second, time.Since(began), "no longer than MaxStaleness")
		f.Store.Set(nil, opView)

		require.NoError(t, f.AZ.For("never written").Sync(ctx))
	})
}

// Sync of a workspace that was not loaded loads it.
func TestSyncLoads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		assign(t, f.Other.For("acme"), rbac.Administrator, "ann")
		acme := f.AZ.For("acme")
		require.NoError(t, acme.Sync(t.Context()))
		f.Store.ResetCalls()
		allows(t, acme, "ann")
		require.Zero(t, f.Store.Total())
	})
}

// E9: a loaded workspace answers from memory, whatever the context. One that
// is not loaded is read once for all who ask.
func TestE9_ChecksOfALoadedWorkspace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		require.True(t, f.AZ.Can(cancelled, "ann", rbac.Users, rbac.Manage))
		require.NoError(t, f.AZ.Authorize(cancelled, "ann", rbac.Users, rbac.Manage))
		require.Zero(t, f.Store.Total())

		assign(t, f.Other.For("acme"), rbac.Administrator, "ann")
		f.Store.Set(fault.Slow(time.Second), opView)
		var crowd sync.WaitGroup
		for range 100 {
			crowd.Go(func() { allows(t, f.AZ.For("acme"), "ann") })
		}
		crowd.Wait()
		require.Equal(t, 1, f.Store.Calls(opView))
	})
}

// An answer of the poll that an own change has overtaken is let go of: it is
// no reason to read the workspace.
func TestPollThatWasOvertaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		f.Store.Set(fault.Late(3*time.Second), opRevisions)
		time.Sleep(3 * time.Second) // asked at 2 s, answered at 5 s
		assign(t, f.AZ.Workspace, rbac.Administrator, "cy")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		require.Zero(t, f.Store.Calls(opView))
	})
}
