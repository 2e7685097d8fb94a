package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/following"
	"github.com/areagate/rbac/internal/heap"
	"github.com/areagate/rbac/internal/long"
)

// manages is met by whoever manages users.
func manages(s rbac.Subject) error { return s.Authorize(rbac.Users, rbac.Manage) }

// stream begins a stream that lasts while a user meets something.
func stream(t *testing.T, w *rbac.Workspace, user string, meets func(rbac.Subject) error) context.Context {
	t.Helper()
	s, err := w.Subject(t.Context(), user)
	require.NoError(t, err)
	ctx, cancel := s.While(t.Context(), meets)
	t.Cleanup(cancel)
	return ctx
}

// P5: a stream ends within the maximum staleness of the change that takes the
// right away, whoever makes it, and at once if this Authorizer hears of it.
func TestP5_StreamEndsWithTheRight(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		take   func(t *testing.T, f *following.Following) error
		within time.Duration
		bob    bool // whether it takes anything from him
	}{
		"removed here":      {func(t *testing.T, f *following.Following) error { return f.AZ.As("ann").Remove(t.Context(), "bob") }, 0, true},
		"removed elsewhere": {func(t *testing.T, f *following.Following) error { return f.Other.As("ann").Remove(t.Context(), "bob") }, 2 * time.Second, true},
		"suspended here":    {func(t *testing.T, f *following.Following) error { return f.AZ.As("ann").Suspend(t.Context(), "bob") }, 0, true},
		"suspended elsewhere, and synced": {func(t *testing.T, f *following.Following) error {
			return errors.Join(f.Other.As("ann").Suspend(t.Context(), "bob"), f.AZ.Sync(t.Context()))
		}, 0, true},
		"somebody else removed": {func(t *testing.T, f *following.Following) error { return f.Other.As("ann").Remove(t.Context(), "cy") }, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := following.New(t)
				assign(t, f.AZ.Workspace, rbac.Administrator, "cy")
				bob := stream(t, f.AZ.Workspace, "bob", manages)
				ann := stream(t, f.AZ.Workspace, "ann", manages)
				require.NoError(t, bob.Err())
				require.NoError(t, test.take(t, f))
				time.Sleep(test.within)
				synctest.Wait()
				require.NoError(t, ann.Err())
				if test.bob {
					require.ErrorIs(t, bob.Err(), context.Canceled)
					var denied *rbac.DeniedError
					require.ErrorAs(t, context.Cause(bob), &denied)
					require.Equal(t, "bob", denied.Decision.User)
				}
				time.Sleep(time.Hour)
				require.Equal(t, !test.bob, bob.Err() == nil)
				require.NoError(t, ann.Err())
			})
		})
	}
}

// Where freshness cannot be confirmed, a stream ends as checks do, to the
// nanosecond: also while meets is stuck, and where an own change of unknown outcome
// has taken the workspace out of service before. One that is confirmed again in
// time lasts.
func TestScenario103_StreamWhenTheStoreGoesAway(t *testing.T) {
	t.Parallel()
	unknown := func(t *testing.T, f *following.Following) {
		f.Store.Set(fault.Loses(true), opUpdate)
		require.ErrorIs(t, f.AZ.System("test").Assign(t.Context(), rbac.Administrator, "cy"), rbac.ErrOutcomeUnknown)
	}
	for name, test := range map[string]struct {
		wrong func(t *testing.T, f *following.Following)
		stuck bool
		lasts bool
	}{
		"nothing works":     {wrong: func(_ *testing.T, f *following.Following) { f.Store.SetAll(fault.Fails(errBoom)) }},
		"everything blocks": {wrong: func(_ *testing.T, f *following.Following) { f.Store.SetAll(fault.Blocks) }},
		"polls block":       {wrong: func(_ *testing.T, f *following.Following) { f.Store.Set(fault.Blocks, opRevisions) }},
		"while meets is stuck": {wrong: func(t *testing.T, f *following.Following) {
			f.Store.SetAll(fault.Fails(errBoom))
		}, stuck: true},
		"after an unknown outcome": {wrong: func(t *testing.T, f *following.Following) {
			f.Store.Set(fault.Fails(errBoom), opView, opRevisions)
			unknown(t, f)
			require.False(t, f.AZ.Can(t.Context(), "ann", rbac.Users, rbac.Manage), "out of service at once")
		}},
		"an unknown outcome that is cleared up": {wrong: unknown, lasts: true},
		"a poll that fails": {wrong: func(_ *testing.T, f *following.Following) {
			f.Store.Set(fault.First(3, fault.Fails(errBoom)), opRevisions)
		}, lasts: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := following.New(t)
				release := make(chan struct{})
				asked := 0
				ctx := stream(t, f.AZ.Workspace, "ann", func(s rbac.Subject) error {
					if asked++; test.stuck && asked > 1 {
						<-release
					}
					return manages(s)
				})
				if test.stuck {
					assign(t, f.AZ.Workspace, rbac.Administrator, "cy") // meets is asked again
					synctest.Wait()
					require.Equal(t, 2, asked)
				}
				test.wrong(t, f)
				time.Sleep(10*time.Second - 1 - f.After())
				synctest.Wait()
				require.NoError(t, ctx.Err())
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if test.lasts {
					require.NoError(t, ctx.Err())
					time.Sleep(time.Hour)
					require.NoError(t, ctx.Err())
					return
				}
				require.Error(t, ctx.Err())
				require.ErrorIs(t, context.Cause(ctx), rbac.ErrUnavailable)
				close(release)
				f.Store.SetAll(nil)
				time.Sleep(time.Minute)
				require.Error(t, ctx.Err(), "what ended does not begin again")
			})
		})
	}
}

// P5: a key's limit stays, whatever its owner is given, and decisions are
// observed as those of the Subject are.
func TestP5_StreamKeepsTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		viewer := addRole(t, f.AZ.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
		assign(t, f.AZ.Workspace, viewer.ID, "vic")
		vic, err := f.AZ.Subject(t.Context(), "vic")
		require.NoError(t, err)
		observed := 0
		vic = vic.Limit(rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.All)}).Observe(func(rbac.Decision) { observed++ })
		var seen []string
		key, cancel := vic.While(t.Context(), func(s rbac.Subject) error {
			require.True(t, s.Limited())
			require.True(t, s.Of(f.AZ.Workspace))
			seen = append(seen, s.Permissions().String())
			if s.Scope(rbac.Deals, rbac.Read) == rbac.None {
				return errBoom
			}
			return nil
		})
		defer cancel()
		assign(t, f.AZ.Workspace, rbac.Administrator, "vic")
		synctest.Wait()
		require.NoError(t, key.Err())
		require.NoError(t, f.AZ.As("ann").Suspend(t.Context(), "vic"))
		synctest.Wait()
		require.ErrorIs(t, context.Cause(key), errBoom)
		require.Equal(t, []string{"deals: read own", "deals: read own, manage all", "no access"}, seen)
		require.Equal(t, 3, observed)

		denied, cancel := vic.While(t.Context(), manages)
		defer cancel()
		require.ErrorIs(t, context.Cause(denied), rbac.ErrDenied, "not met at once")
	})
}

// P5: there is nobody whom nothing is known of.
func TestP5_StreamsOfNobody(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), fault.New(rbac.NewMemStore())
	az := openOn(t, store)
	assign(t, az.For("acme"), rbac.Administrator, "ann")
	everybody := func(rbac.Subject) error { return nil }
	ended := func(s rbac.Subject, meets func(rbac.Subject) error, want error) {
		t.Helper()
		ctx, cancel := s.While(ctx, meets)
		defer cancel()
		require.Error(t, ctx.Err())
		require.ErrorIs(t, context.Cause(ctx), want)
	}
	of := func(workspace, user string) rbac.Subject {
		s, err := az.For(workspace).Subject(ctx, user)
		require.NoError(t, err)
		return s
	}
	ended(rbac.Subject{}, everybody, rbac.ErrDenied)
	ended(of("nowhere", "ann"), everybody, rbac.ErrDenied)
	ended(of("\xff", "ann"), everybody, rbac.ErrDenied)
	ended(of("acme", "eve"), manages, rbac.ErrDenied)
	ended(of("acme", "ann"), nil, rbac.ErrUnavailable)
	ended(of("acme", "ann"), func(rbac.Subject) error { panic("meets") }, rbac.ErrUnavailable)

	// A test that fails in meets ends its goroutine.
	asked := 0
	exits := stream(t, az.For("acme"), "ann", func(rbac.Subject) error {
		if asked++; asked > 1 {
			runtime.Goexit()
		}
		return nil
	})
	require.NoError(t, exits.Err())
	assign(t, az.For("acme"), rbac.Administrator, "bob")
	<-exits.Done()
	require.ErrorIs(t, context.Cause(exits), rbac.ErrUnavailable)

	// Of a workspace that is not in service, a stream begins as a check is made.
	ann := of("acme", "ann")
	store.SetAll(fault.Fails(errBoom))
	require.ErrorIs(t, az.For("acme").Sync(ctx), errBoom)
	require.NoError(t, az.Close())
	ended(ann, everybody, rbac.ErrClosed)
}

// P5: a stream ends with its parent, its CancelFunc, its Authorizer and its
// workspace, and says which.
func TestP5_StreamEndsWithWhatItStandsOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := fault.New(rbac.NewMemStore())
		az, err := rbac.Open(t.Context(), store, quiet)
		require.NoError(t, err)
		acme := az.For("acme")
		assign(t, acme, rbac.Administrator, "ann")
		assign(t, az.Workspace, rbac.Administrator, "ann")
		ann, err := acme.Subject(t.Context(), "ann")
		require.NoError(t, err)

		parent, end := context.WithCancelCause(t.Context())
		child, cancel := ann.While(parent, manages)
		defer cancel()
		end(errBoom)
		require.Equal(t, errBoom, context.Cause(child))

		called, cancel := ann.While(t.Context(), manages)
		cancel()
		require.Equal(t, context.Canceled, context.Cause(called))

		gone := stream(t, acme, "ann", func(rbac.Subject) error { return nil })
		home := stream(t, az.Workspace, "ann", manages)
		store.Replace(rbac.NewMemStore())
		assign(t, az.Workspace, rbac.Administrator, "ann", "bob")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.ErrorIs(t, context.Cause(gone), rbac.ErrDenied, "the workspace is not there any more")
		require.NoError(t, home.Err())

		require.NoError(t, az.Close())
		require.ErrorIs(t, context.Cause(home), rbac.ErrClosed)
		require.ErrorIs(t, context.Cause(home), rbac.ErrUnavailable)
	})
}

// A workspace with a stream stays in memory, and is followed, without a check. It
// goes the idle time after the stream has ended.
func TestStreamKeepsItsWorkspaceInMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t, rbac.WithIdleTime(time.Minute))
		s, err := f.AZ.Subject(t.Context(), "bob")
		require.NoError(t, err)
		asked := 0
		ctx, cancel := s.While(t.Context(), func(s rbac.Subject) error {
			asked++
			return manages(s)
		})
		time.Sleep(time.Hour)
		synctest.Wait()
		require.NoError(t, ctx.Err())
		require.Equal(t, 1, asked, "nothing has changed")
		require.Zero(t, f.Store.Calls(opView))
		cancel()
		f.Store.ResetCalls()
		time.Sleep(59 * time.Second)
		require.NotZero(t, f.Store.Calls(opRevisions))
		time.Sleep(3 * time.Second)
		f.Store.ResetCalls()
		time.Sleep(time.Hour)
		require.Zero(t, f.Store.Calls(opRevisions))
	})
}

// While nothing changes a stream is some memory, and no goroutine. An old one
// holds on to no old snapshot.
func TestScenario104_StreamsCostNothing(t *testing.T) { // not parallel: it counts goroutines
	ctx, store := t.Context(), rbac.NewMemStore()
	az := openOn(t, store)
	users := newUsers(2000)
	assign(t, az.Workspace, rbac.Administrator, append(users, "ann")...)
	before, inUse := runtime.NumGoroutine(), heap.InUse()
	var streams []context.Context
	for i := range 400 {
		ann, err := az.Subject(ctx, "ann")
		require.NoError(t, err)
		ctx, cancel := ann.While(rbac.NewContext(ctx, ann), manages)
		defer cancel()
		streams = append(streams, ctx)
		assign(t, az.Workspace, rbac.Administrator, fmt.Sprint("new", i)) // a snapshot of more than 2,000 members for each stream
	}
	for runtime.NumGoroutine() > before { // those that judged the last change end
		runtime.Gosched()
	}
	require.Less(t, heap.InUse()-inUse, int64(8<<20))
	for _, ctx := range streams {
		require.NoError(t, ctx.Err())
	}
}

// Streams begin and end while the workspace changes and the Authorizer is closed:
// none is left, whoever ends it, and none lasts beyond the right.
func TestScenario104_StreamsUnderLoad(t *testing.T) {
	t.Parallel()
	for range long.Scale(30) {
		az, err := rbac.Open(t.Context(), rbac.NewMemStore(), quiet)
		require.NoError(t, err)
		w := az.For("acme")
		assign(t, w, rbac.Administrator, "ann", "bob")
		var work sync.WaitGroup
		var lasting atomic.Int64
		for i := range 8 {
			work.Go(func() {
				for n := range 40 {
					s, err := w.Subject(t.Context(), "bob")
					if err != nil {
						return
					}
					ctx, cancel := s.While(t.Context(), manages)
					lasting.Add(1)
					context.AfterFunc(ctx, func() { lasting.Add(-1) })
					if (n+i)%2 == 0 {
						cancel()
					}
				}
			})
		}
		work.Go(func() {
			for n := range 20 {
				if n%2 == 0 {
					_ = w.As("ann").Suspend(t.Context(), "bob")
				} else {
					_ = w.As("ann").Reinstate(t.Context(), "bob")
				}
			}
			_ = w.As("ann").Suspend(t.Context(), "bob")
		})
		work.Wait()
		for lasting.Load() > 0 {
			runtime.Gosched()
		}
		work.Go(func() {
			s, _ := w.Subject(t.Context(), "ann")
			for range 100 {
				ctx, cancel := s.While(t.Context(), manages)
				defer cancel()
				lasting.Add(1)
				context.AfterFunc(ctx, func() { lasting.Add(-1) })
			}
		})
		require.NoError(t, az.Close())
		work.Wait()
		for lasting.Load() > 0 {
			runtime.Gosched()
		}
	}
}
