package scenarios_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/following"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbactest"
)

// logFunc is a slog.Handler.
type logFunc func(slog.Record)

func (f logFunc) Enabled(context.Context, slog.Level) bool { return true }

func (f logFunc) WithAttrs([]slog.Attr) slog.Handler { return f }

func (f logFunc) WithGroup(string) slog.Handler { return f }

func (f logFunc) Handle(_ context.Context, r slog.Record) error { f(r); return nil }

func (f logFunc) Option() rbac.Option { return rbac.WithLogger(slog.New(f)) }

// within requires a check to return while its context lasts, or a moment
// later.
func within(t *testing.T, d time.Duration, check func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	began := time.Now()
	check(ctx)
	require.LessOrEqual(t, time.Since(began), d+100*time.Millisecond, "the check outlived its context")
}

// A log that blocks for ever: another instance's revoke takes effect within
// the maximum staleness, checks return within their context, and Close ends
// all that is the library's.
func TestScenario51_LogBlocksForEver(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(f *following.Following){
		"nothing fails":    func(*following.Following) {},
		"readings fail":    func(f *following.Following) { f.Store.Set(fault.Fails(errBoom), opView) },
		"polls fail":       func(f *following.Following) { f.Store.Set(fault.Fails(errBoom), opRevisions) },
		"everything fails": func(f *following.Following) { f.Store.SetAll(fault.Fails(errBoom)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				f := following.New(t, logFunc(func(slog.Record) { <-release }).Option())
				prepare(f)
				f.RemoveBob(t)
				revoked := time.Now()
				for time.Since(revoked) < 30*time.Second {
					within(t, time.Second, func(ctx context.Context) {
						if f.AZ.Can(ctx, "bob", rbac.Users, rbac.Manage) && time.Since(revoked) > 10*time.Second {
							t.Fatalf("granted %v after the revoke", time.Since(revoked))
						}
					})
					within(t, time.Second, func(ctx context.Context) { f.AZ.For("cold").Can(ctx, "bob", rbac.Users, rbac.Manage) })
					time.Sleep(500 * time.Millisecond)
				}
				f.Store.SetAll(nil)
				time.Sleep(5 * time.Second)
				allows(t, f.AZ.Workspace, "ann")
				require.False(t, f.Can())
				require.NoError(t, f.AZ.Close())
			})
		})
	}
}

// What a stuck log has no room for is lost, and the log is told how much once
// it goes on.
func TestScenario51_StuckLogIsToldWhatItLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		log := &workspacetest.Log{}
		f := following.New(t, logFunc(func(r slog.Record) { <-release; _ = log.Handle(t.Context(), r) }).Option())
		f.Store.Set(fault.Fails(errBoom), opView, opRevisions) // also when it is first asked what exists
		for i := range 1500 {
			require.ErrorIs(t, f.AZ.For(fmt.Sprint("w", i)).Authorize(t.Context(), "ann", rbac.Users, rbac.Manage), errBoom)
		}
		close(release)
		synctest.Wait()
		require.Len(t, log.Containing("cannot be read"), 1001, "the one that was being written, and the queue")
		require.Len(t, log.Containing("reports were lost", "reports=499"), 1)
	})
}

// An observer that blocks for ever.
func TestScenario51_ObserverBlocksForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		f := following.New(t)
		stuck := openOn(t, f.Store, rbac.WithObserver(func(context.Context, rbac.Decision) { <-release }))
		within(t, time.Second, func(ctx context.Context) {
			require.True(t, stuck.Can(ctx, "bob", rbac.Users, rbac.Manage), "it answers all the same")
		})
		f.RemoveBob(t)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for range 2000 { // more than are told at a time
			within(t, 10*time.Millisecond, func(ctx context.Context) {
				require.False(t, stuck.Can(ctx, "bob", rbac.Users, rbac.Manage))
			})
		}
		for name, check := range map[string]func(ctx context.Context) bool{
			"CanRecord": func(ctx context.Context) bool {
				return stuck.CanRecord(ctx, "ann", rbac.Deals, rbac.Read, "zoe")
			},
			"Authorize": func(ctx context.Context) bool { return stuck.Authorize(ctx, "ann", rbac.Deals, rbac.Read) == nil },
			"Subject": func(ctx context.Context) bool {
				s, err := stuck.Subject(ctx, "ann")
				return err == nil && s.Can(rbac.Deals, rbac.Read)
			},
		} {
			within(t, time.Second, func(ctx context.Context) { require.True(t, check(ctx), name) })
		}
		require.NoError(t, stuck.Close())
	})
}

// A store that blocks for ever, and does not look at its context either.
func TestScenario51_StoreBlocksForEver(t *testing.T) {
	t.Parallel()
	for name, ops := range map[string][]rbactest.Op{
		"View": {opView}, "Revisions": {opRevisions}, "all": {opView, opUpdate, opRevisions},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				f := following.New(t)
				for _, o := range ops {
					f.Store.Set(fault.Stuck(release), o)
				}
				f.RemoveBob(t)
				revoked := time.Now()
				for time.Since(revoked) < 30*time.Second {
					within(t, time.Second, func(ctx context.Context) {
						if f.AZ.Can(ctx, "bob", rbac.Users, rbac.Manage) && time.Since(revoked) > 10*time.Second {
							t.Fatalf("granted %v after the revoke", time.Since(revoked))
						}
					})
					time.Sleep(500 * time.Millisecond)
				}
				close(release) // Close waits for a store that does not look at its context
				f.Store.SetAll(nil)
				require.NoError(t, f.AZ.Close())
			})
		})
	}
}

// A log handler and an observer that ask the Authorizer themselves.
func TestScenario52_LogAsksCan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var az atomic.Pointer[rbac.Authorizer]
		var asked, observed atomic.Int64
		ask := func(ctx context.Context) {
			if az := az.Load(); az != nil {
				az.Can(ctx, "ann", rbac.Users, rbac.Manage)
				_ = az.Sync(ctx)
				az.For("another").Can(ctx, "ann", rbac.Users, rbac.Manage)
			}
		}
		type asking struct{}
		f := following.New(t,
			logFunc(func(slog.Record) { ask(t.Context()); asked.Add(1) }).Option(),
			rbac.WithObserver(func(ctx context.Context, _ rbac.Decision) {
				if observed.Add(1); ctx.Value(asking{}) == nil {
					ask(context.WithValue(ctx, asking{}, true))
				}
			}))
		az.Store(f.AZ)
		f.Store.Set(fault.Fails(errBoom), opView)
		f.RemoveBob(t)
		time.Sleep(11 * time.Second)
		within(t, time.Minute, func(ctx context.Context) {
			require.False(t, f.AZ.Can(ctx, "bob", rbac.Users, rbac.Manage))
		})
		f.Store.SetAll(nil)
		time.Sleep(3 * time.Second)
		within(t, time.Minute, func(ctx context.Context) {
			require.NoError(t, f.AZ.Authorize(ctx, "ann", rbac.Users, rbac.Manage))
		})
		require.NotZero(t, asked.Load())
		require.NotZero(t, observed.Load())
	})
}

// Two own changes: the first is committed and its answer is late; the second
// is answered, and the reading that it needs fails. When the first answer
// comes, what it brings lacks the second change, and must not be served.
func TestScenario53_LateAnswerOfAnEarlierChange(t *testing.T) {
	t.Parallel()
	for name, outcome := range map[string]error{"committed": nil, "outcome unknown": rbac.ErrOutcomeUnknown} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				f := following.New(t)
				f.Store.Set(fault.Fails(errBoom), opRevisions)
				answer := make(chan struct{})
				f.Store.Set(func(ctx context.Context, call func(error) error) error {
					f.Store.Set(func(_ context.Context, call func(error) error) error {
						return errors.Join(call(nil), outcome)
					}, opUpdate)
					err := call(nil)
					<-answer
					return err
				}, opUpdate)
				first := make(chan error)
				go func() { first <- f.AZ.As("ann").Assign(ctx, rbac.Administrator, "cy") }()
				synctest.Wait()
				f.Store.Set(fault.Fails(errBoom), opView)
				require.ErrorIs(t, f.AZ.As("ann").Remove(ctx, "bob"), outcome)
				require.False(t, f.Can())
				close(answer)
				require.NoError(t, <-first)
				for range 100 {
					require.False(t, f.Can(), "allowed by what the first change brought")
					time.Sleep(100 * time.Millisecond)
				}
				f.Store.SetAll(nil)
				time.Sleep(3 * time.Second)
				require.False(t, f.Can())
				allows(t, f.AZ.Workspace, "cy")
			})
		})
	}
}

// 250,000 checks after own changes, from eight writers of one workspace, with
// a quarter of the readings failing: each sees the change, or is unavailable.
func TestScenario53_ChecksAfterOwnChanges(t *testing.T) {
	t.Parallel()
	ctx, inner := t.Context(), rbac.NewMemStore()
	store := fault.NewNotifier(inner)
	az := openOn(t, store, rbac.WithPollInterval(time.Millisecond))
	viewer := addRole(t, az.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
	assign(t, az.Workspace, rbac.Administrator, "ann")
	quarter := func(ctx context.Context, call func(error) error) error {
		if rand.N(4) == 0 {
			return errBoom
		}
		return call(nil)
	}
	store.Set(quarter, opView)
	store.Set(func(_ context.Context, call func(error) error) error {
		err := call(nil)
		if rand.N(50) == 0 {
			time.Sleep(time.Duration(rand.N(int64(time.Millisecond)))) // a late answer
		}
		return err
	}, opUpdate)
	const writers, checks = 8, 5
	var answered, unavailable, wrong atomic.Int64
	var work sync.WaitGroup
	for i := range writers {
		work.Go(func() {
			user := fmt.Sprint("user", i)
			expect := func(member bool) {
				for range checks {
					err := az.Authorize(ctx, user, rbac.Deals, rbac.Read)
					switch {
					case errors.Is(err, rbac.ErrUnavailable):
						unavailable.Add(1)
					case (err == nil) != member:
						wrong.Add(1)
					default:
						answered.Add(1)
					}
				}
			}
			for range long.Scale(250_000) / writers / checks / 2 {
				if err := az.As("ann").Assign(ctx, viewer.ID, user); err != nil {
					t.Errorf("Assign: %v", err)
				}
				expect(true)
				if err := az.As("ann").Remove(ctx, user); err != nil {
					t.Errorf("Remove: %v", err)
				}
				expect(false)
			}
		})
	}
	work.Wait()
	t.Logf("%d answered, %d unavailable, %d wrong", answered.Load(), unavailable.Load(), wrong.Load())
	require.Zero(t, wrong.Load())
	require.Greater(t, answered.Load(), unavailable.Load()/10)
	store.SetAll(nil)
	checkInvariants(t, inner, "")
}

// The text of a store's error is the store's code, which may take its time,
// or ask something itself: never under a lock.
func TestScenario52_ErrorAsksCan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		asked := 0
		err := textFunc(func() string {
			if asked++; asked == 1 {
				f.AZ.Can(context.Background(), "ann", rbac.Users, rbac.Manage)
			}
			return "boom"
		})
		f.Store.SetAll(fault.Fails(errBoom))
		time.Sleep(11 * time.Second)
		synctest.Wait()
		f.Store.SetAll(fault.Fails(err))
		time.Sleep(3 * time.Second)
		synctest.Wait()
		asked = 0
		refused := f.AZ.Authorize(t.Context(), "ann", rbac.Users, rbac.Manage)
		require.ErrorIs(t, refused, rbac.ErrUnavailable)
		require.True(t, errors.As(refused, new(textFunc)))
		require.Greater(t, asked, 0)
	})
}

type textFunc func() string

func (f textFunc) Error() string { return f() }
