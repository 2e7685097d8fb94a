package rbac_test

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
)

// logFunc is a slog.Handler.
type logFunc func(slog.Record)

func (f logFunc) Enabled(context.Context, slog.Level) bool      { return true }
func (f logFunc) WithAttrs([]slog.Attr) slog.Handler            { return f }
func (f logFunc) WithGroup(string) slog.Handler                 { return f }
func (f logFunc) Handle(_ context.Context, r slog.Record) error { f(r); return nil }

func (f logFunc) option() rbac.Option { return rbac.WithLogger(slog.New(f)) }

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
	for name, prepare := range map[string]func(f *following){
		"nothing fails":    func(*following) {},
		"readings fail":    func(f *following) { f.store.set(opView, failing(errBoom)) },
		"polls fail":       func(f *following) { f.store.set(opRevisions, failing(errBoom)) },
		"everything fails": func(f *following) { f.store.setAll(failing(errBoom)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				f := newFollowing(t, logFunc(func(slog.Record) { <-release }).option())
				prepare(f)
				f.removeBob(t)
				revoked := time.Now()
				for time.Since(revoked) < 30*time.Second {
					within(t, time.Second, func(ctx context.Context) {
						if f.az.Can(ctx, "bob", rbac.Users, rbac.Manage) && time.Since(revoked) > 10*time.Second {
							t.Fatalf("granted %v after the revoke", time.Since(revoked))
						}
					})
					within(t, time.Second, func(ctx context.Context) { f.az.For("cold").Can(ctx, "bob", rbac.Users, rbac.Manage) })
					time.Sleep(500 * time.Millisecond)
				}
				f.store.setAll(nil)
				time.Sleep(5 * time.Second)
				allows(t, f.az.Workspace, "ann")
				require.False(t, f.can(t))
				require.NoError(t, f.az.Close())
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
		log := &record{}
		f := newFollowing(t, logFunc(func(r slog.Record) { <-release; _ = log.Handle(t.Context(), r) }).option())
		f.store.set(opView, failing(errBoom))
		for i := range 1500 {
			require.ErrorIs(t, f.az.For(fmt.Sprint("w", i)).Authorize(t.Context(), "ann", rbac.Users, rbac.Manage), errBoom)
		}
		close(release)
		synctest.Wait()
		require.Len(t, log.containing("cannot be read"), 1001, "the one that was being written, and the queue")
		require.Len(t, log.containing("reports were lost", "reports=499"), 1)
	})
}

// An observer that blocks for ever.
func TestScenario51_ObserverBlocksForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		f := newFollowing(t)
		stuck := openOn(t, f.store, rbac.WithObserver(func(context.Context, rbac.Decision) { <-release }))
		within(t, time.Second, func(ctx context.Context) {
			require.True(t, stuck.Can(ctx, "bob", rbac.Users, rbac.Manage), "it answers all the same")
		})
		f.removeBob(t)
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

// An observer that panics, or ends its goroutine, does so to the check.
func TestObserverPanicsInTheCheck(t *testing.T) {
	t.Parallel()
	az := openOn(t, newStore(t), rbac.WithObserver(func(_ context.Context, d rbac.Decision) {
		if d.User == "exit" {
			panic(errors.New(d.User))
		}
		panic(d.User)
	}))
	require.PanicsWithValue(t, "ann", func() { az.Can(t.Context(), "ann", rbac.Deals, rbac.Read) })
	require.PanicsWithValue(t, "ann", func() { az.Can(context.Background(), "ann", rbac.Deals, rbac.Read) })
	require.PanicsWithError(t, "exit", func() { az.Can(t.Context(), "exit", rbac.Deals, rbac.Read) })
}

// A store that blocks for ever, and does not look at its context either.
func TestScenario51_StoreBlocksForEver(t *testing.T) {
	t.Parallel()
	for name, ops := range map[string][]op{
		"View": {opView}, "Revisions": {opRevisions}, "all": {opView, opUpdate, opRevisions},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				f := newFollowing(t)
				for _, o := range ops {
					f.store.set(o, stuck(release))
				}
				f.removeBob(t)
				revoked := time.Now()
				for time.Since(revoked) < 30*time.Second {
					within(t, time.Second, func(ctx context.Context) {
						if f.az.Can(ctx, "bob", rbac.Users, rbac.Manage) && time.Since(revoked) > 10*time.Second {
							t.Fatalf("granted %v after the revoke", time.Since(revoked))
						}
					})
					time.Sleep(500 * time.Millisecond)
				}
				close(release) // Close waits for a store that does not look at its context
				f.store.setAll(nil)
				require.NoError(t, f.az.Close())
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
		f := newFollowing(t,
			logFunc(func(slog.Record) { ask(t.Context()); asked.Add(1) }).option(),
			rbac.WithObserver(func(ctx context.Context, _ rbac.Decision) {
				if observed.Add(1); ctx.Value(asking{}) == nil {
					ask(context.WithValue(ctx, asking{}, true))
				}
			}))
		az.Store(f.az)
		f.store.set(opView, failing(errBoom))
		f.removeBob(t)
		time.Sleep(11 * time.Second)
		within(t, time.Minute, func(ctx context.Context) {
			require.False(t, f.az.Can(ctx, "bob", rbac.Users, rbac.Manage))
		})
		f.store.setAll(nil)
		time.Sleep(3 * time.Second)
		within(t, time.Minute, func(ctx context.Context) {
			require.NoError(t, f.az.Authorize(ctx, "ann", rbac.Users, rbac.Manage))
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
				f := newFollowing(t)
				f.store.set(opRevisions, failing(errBoom))
				answer := make(chan struct{})
				f.store.set(opUpdate, func(ctx context.Context, call func(error) error) error {
					f.store.set(opUpdate, func(_ context.Context, call func(error) error) error {
						return errors.Join(call(nil), outcome)
					})
					err := call(nil)
					<-answer
					return err
				})
				first := make(chan error)
				go func() { first <- f.az.As("ann").Assign(ctx, rbac.Administrator, "cy") }()
				synctest.Wait()
				f.store.set(opView, failing(errBoom))
				require.ErrorIs(t, f.az.As("ann").Remove(ctx, "bob"), outcome)
				require.False(t, f.can(t))
				close(answer)
				require.NoError(t, <-first)
				for range 100 {
					require.False(t, f.can(t), "allowed by what the first change brought")
					time.Sleep(100 * time.Millisecond)
				}
				f.store.setAll(nil)
				time.Sleep(3 * time.Second)
				require.False(t, f.can(t))
				allows(t, f.az.Workspace, "cy")
			})
		})
	}
}

// 250,000 checks after own changes, from eight writers of one workspace, with
// a quarter of the readings failing: each sees the change, or is unavailable.
func TestScenario53_ChecksAfterOwnChanges(t *testing.T) {
	t.Parallel()
	ctx, inner := t.Context(), newStore(t)
	store := notifyStore{newFaultStore(inner)}
	az := openOn(t, store, rbac.WithPollInterval(time.Millisecond))
	viewer := addRole(t, az.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
	assign(t, az.Workspace, rbac.Administrator, "ann")
	quarter := func(ctx context.Context, call func(error) error) error {
		if rand.N(4) == 0 {
			return errBoom
		}
		return call(nil)
	}
	store.set(opView, quarter)
	store.set(opUpdate, func(_ context.Context, call func(error) error) error {
		err := call(nil)
		if rand.N(50) == 0 {
			time.Sleep(time.Duration(rand.N(int64(time.Millisecond)))) // a late answer
		}
		return err
	})
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
			for range scaled(250_000) / writers / checks / 2 {
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
	store.setAll(nil)
	checkInvariants(t, inner, "")
}
