package histories_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbactest"
)

// TestRandomSchedules drives one instance with readings, polls, changes of its
// own and of another instance that begin, end and fail in random order:
//
//   - a check behind a change of one's own it agrees with the store, or is unavailable (P1);
//   - what a check rests on was not replaced longer ago than the maximum staleness (P2);
//   - it returns within its context and the maximum staleness, and after Close at once;
//   - with all faults gone it answers again, and Close leaves nothing behind.
//
// RBAC_SEED is a seed to try.
func TestRandomSchedules(t *testing.T) {
	t.Parallel()
	for range long.Scale(400) {
		seed := rand.Uint64()
		if given, err := strconv.ParseUint(os.Getenv("RBAC_SEED"), 10, 64); err == nil {
			seed = given
		}
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newSchedule(t, seed).run(t) })
		})
	}
}

const scheduleStaleness = time.Second

// schedule is one run.
type schedule struct {
	seed  uint64
	store *scheduledStore
	az    *rbac.Authorizer // on store
	other *rbac.Authorizer // on the store behind
	end   time.Time
	work  sync.WaitGroup
}

func newSchedule(t *testing.T, seed uint64) *schedule {
	random := rand.New(rand.NewPCG(seed, 0))
	behind := &committedStore{Store: rbac.NewMemStore(), commits: map[string][]time.Time{}}
	store := &scheduledStore{committedStore: behind, random: random, bad: random.IntN(60), slowest: time.Millisecond << random.IntN(12)}
	s := &schedule{seed: seed, store: store, end: time.Now().Add(20 * time.Second)}
	s.other = workspacetest.Open(t, behind)
	for _, id := range []string{"", "a", "b", "c"} {
		workspacetest.Assign(t, s.other.For(id), rbac.Administrator, "root")
	}
	s.az = workspacetest.Open(t, store, rbac.WithMaxStaleness(scheduleStaleness),
		rbac.WithPollInterval(time.Duration(50+random.IntN(400))*time.Millisecond),
		rbac.WithIdleTime(time.Duration(1+random.IntN(4000))*time.Millisecond))
	store.wild.Store(true)
	return s
}

func (s *schedule) run(t *testing.T) {
	for i := range 6 {
		s.play(i, func(random *rand.Rand) { s.change(t, random, fmt.Sprint("user", i)) })
	}
	for i := range 3 {
		s.play(10+i, func(random *rand.Rand) { s.changeElsewhere(t, random, fmt.Sprint("other", i)) })
	}
	for i := range 8 {
		s.play(20+i, func(random *rand.Rand) { s.look(t, random) })
	}
	for i := range 2 {
		s.play(40+i, func(random *rand.Rand) { s.live(t, random, fmt.Sprint("gone", i)) })
	}
	s.work.Wait()
	s.store.wild.Store(false)
	time.Sleep(time.Minute + 10*time.Second) // what blocks is given up after a minute
	for _, id := range []string{"", "a", "b", "c"} {
		s.check(t, s.az.For(id), t.Context(), "root", func(d rbac.Decision, err error) {
			require.NoError(t, err)
			require.True(t, d.Allowed)
		})
		workspacetest.CheckInvariants(t, s.store.Store, id)
	}
	s.close(t)
}

// close closes amid checks of what is in memory and what is not.
func (s *schedule) close(t *testing.T) {
	s.store.wild.Store(true)
	s.end = time.Now().Add(2 * scheduleStaleness)
	for i := range 8 {
		s.play(30+i, func(random *rand.Rand) { s.look(t, random) })
	}
	time.Sleep(scheduleStaleness / 3)
	require.NoError(t, s.az.Close())
	for _, id := range []string{"", "a", "none"} {
		began := time.Now()
		require.ErrorIs(t, s.az.For(id).Authorize(t.Context(), "root", rbac.Users, rbac.Manage), rbac.ErrClosed)
		require.Zero(t, time.Since(began))
	}
	s.work.Wait()
}

// play repeats what somebody does, until the end.
func (s *schedule) play(who int, do func(*rand.Rand)) {
	s.work.Go(func() {
		random := rand.New(rand.NewPCG(s.seed, uint64(who)+1))
		for time.Now().Before(s.end) {
			do(random)
			time.Sleep(time.Duration(random.Int64N(1 << (10 + random.IntN(20)))))
		}
	})
}

func (s *schedule) workspace(random *rand.Rand, az *rbac.Authorizer) *rbac.Workspace {
	if random.IntN(4) == 0 {
		return az.For(fmt.Sprint("new", random.IntN(60))) // which may not exist
	}
	return az.For([]string{"", "a", "b", "c"}[random.IntN(4)])
}

// change makes a change of one's own, of a user whom nobody else changes, and
// looks at what shows. Now and then the other instance was faster.
func (s *schedule) change(t *testing.T, random *rand.Rand, user string) {
	w := s.workspace(random, s.az)
	kind, ahead := random.IntN(4), random.IntN(4) == 0
	if ahead {
		_ = changing(t.Context(), s.other.For(w.ID()), kind, user)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience(random))
	defer cancel()
	err := changing(ctx, w, kind, user)
	if err != nil && (ahead || !errors.Is(err, rbac.ErrOutcomeUnknown)) {
		return // not made, so that what shows may be from before
	}
	truth := s.other.For(w.ID())
	require.NoError(t, truth.Sync(t.Context()))
	for range 2 {
		s.check(t, w, t.Context(), user, func(d rbac.Decision, unavailable error) {
			if unavailable == nil {
				require.Equal(t, truth.Can(t.Context(), user, rbac.Users, rbac.Manage), d.Allowed,
					"%q of %q behind change %d, which returned %v, at event %d: %v", user, w.ID(), kind, err, d.Revision, d)
			}
		})
	}
}

func changing(ctx context.Context, w *rbac.Workspace, kind int, user string) error {
	admin := w.System("test")
	if kind == 0 {
		return admin.Assign(ctx, rbac.Administrator, user)
	}
	return []func(context.Context, ...string) error{admin.Remove, admin.Suspend, admin.Reinstate}[kind-1](ctx, user)
}

// changeElsewhere makes a change through the other instance.
func (s *schedule) changeElsewhere(t *testing.T, random *rand.Rand, user string) {
	err := changing(t.Context(), s.workspace(random, s.other), random.IntN(4), user)
	require.Contains(t, []error{nil, rbac.ErrMemberNotFound, rbac.ErrLastAdministrator}, errors.Unwrap(err))
}

// live changes a workspace that nobody else changes, deletes it and begins it
// anew, here and elsewhere, and looks at what shows behind a change of one's
// own, while others look.
func (s *schedule) live(t *testing.T, random *rand.Rand, id string) {
	w, truth := s.az.For(id), s.other.For(id)
	var looking sync.WaitGroup
	for range random.IntN(3) {
		looking.Go(func() { _ = w.Can(t.Context(), "root", rbac.Users, rbac.Manage) })
	}
	for range random.IntN(3) {
		_ = living(t.Context(), truth, random.IntN(6), fmt.Sprint("user", random.IntN(3)))
	}
	err := living(t.Context(), w, random.IntN(6), fmt.Sprint("user", random.IntN(3)))
	if err == nil || errors.Is(err, rbac.ErrOutcomeUnknown) {
		require.NoError(t, truth.Sync(t.Context()))
		for _, user := range []string{"root", "user0", "user1", "user2"} {
			s.check(t, w, t.Context(), user, func(d rbac.Decision, unavailable error) {
				if unavailable == nil {
					require.Equal(t, truth.Can(t.Context(), user, rbac.Users, rbac.Manage), d.Allowed,
						"%q of %q, which returned %v, at event %d: %v", user, id, err, d.Revision, d)
				}
			})
		}
	}
	looking.Wait()
}

func living(ctx context.Context, w *rbac.Workspace, kind int, user string) error {
	if kind < 4 {
		return changing(ctx, w, kind%2, user)
	}
	if kind == 4 {
		return w.System("test").Assign(ctx, rbac.Administrator, "root", user)
	}
	return w.System("test").DeleteWorkspace(ctx)
}

// look asks about what is there and what is not.
func (s *schedule) look(t *testing.T, random *rand.Rand) {
	w := s.workspace(random, s.az)
	ctx, cancel := context.WithTimeout(t.Context(), patience(random))
	defer cancel()
	if random.IntN(10) == 0 {
		_ = w.Sync(ctx)
	}
	s.check(t, w, ctx, fmt.Sprint("other", random.IntN(3)), func(rbac.Decision, error) {})
}

// patience is how long somebody waits.
func patience(random *rand.Rand) time.Duration {
	return time.Duration(random.Int64N(int64(2 * scheduleStaleness)))
}

// check makes a check, and requires of it what holds of each.
func (s *schedule) check(t *testing.T, w *rbac.Workspace, ctx context.Context, user string, then func(rbac.Decision, error)) {
	began := time.Now()
	d, err := w.Explain(ctx, user, rbac.Users, rbac.Manage)
	most := scheduleStaleness
	if deadline, ok := ctx.Deadline(); ok {
		most = min(most, max(deadline.Sub(began), 0))
	}
	require.LessOrEqual(t, time.Since(began), most, "%q was asked about with seed %d", w.ID(), s.seed)
	if err != nil {
		require.ErrorIs(t, err, rbac.ErrUnavailable)
	} else if replaced, ok := s.store.replaced(w.ID(), d.Revision); ok {
		require.LessOrEqual(t, time.Since(replaced), scheduleStaleness, "%q answers from revision %d", w.ID(), d.Revision)
	}
	then(d, err)
}

// committedStore notes when each event was committed.
type committedStore struct {
	rbac.Store

	mu      sync.Mutex
	commits map[string][]time.Time
}

// Update notes the commit while the transaction, which is serial, goes on.
func (s *committedStore) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	return s.Store.Update(ctx, workspace, func(tx rbac.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		at, err := tx.Revision()
		s.mu.Lock()
		defer s.mu.Unlock()
		if at.Seq == 0 {
			delete(s.commits, workspace) // it was deleted
		}
		for int64(len(s.commits[workspace])) < at.Seq {
			s.commits[workspace] = append(s.commits[workspace], time.Now())
		}
		return err
	})
}

// replaced returns when a revision was replaced by the next, if it was.
func (s *committedStore) replaced(workspace string, revision int64) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.commits[workspace]; revision < int64(len(at)) {
		return at[revision], true
	}
	return time.Time{}, false
}

// scheduledStore begins, ends and fails when it likes.
type scheduledStore struct {
	*committedStore
	bad     int           // of a hundred calls
	slowest time.Duration // call
	wild    atomic.Bool

	mu     sync.Mutex
	random *rand.Rand
}

func (s *scheduledStore) next(faults []rbactest.Fault) (before, after time.Duration, drawn rbactest.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.wild.Load() {
		return 0, 0, fault.Behaves
	}
	drawn = fault.Behaves
	if s.random.IntN(100) < s.bad {
		drawn = faults[s.random.IntN(len(faults))]
	}
	lag := func() time.Duration { return max(0, time.Duration(s.random.Int64N(int64(2*s.slowest)))-s.slowest) }
	return lag(), lag(), drawn
}

func (s *scheduledStore) call(ctx context.Context, faults []rbactest.Fault, call func(end error) error) error {
	before, after, drawn := s.next(faults)
	defer time.Sleep(after) // whatever its context says
	if err := fault.Pause(ctx, before); err != nil {
		return err
	}
	return drawn(ctx, call)
}

var (
	readingFaults = []rbactest.Fault{fault.Fails(fault.Err), fault.Panics, fault.Blocks, fault.Skips, fault.Twice, fault.RollsBack(rbac.ErrContention), exits}
	pollFaults    = []rbactest.Fault{fault.Fails(fault.Err), fault.Panics, fault.Blocks}
	changeFaults  = []rbactest.Fault{fault.Fails(fault.Err), fault.Panics, fault.RollsBack(fault.Err), fault.RollsBack(rbac.ErrContention), fault.Loses(true), fault.Loses(true), fault.Loses(false)}
)

func (s *scheduledStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return s.call(ctx, readingFaults, func(end error) error {
		return s.Store.View(ctx, workspace, func(r rbac.Reader) error { return errors.Join(fn(r), end) })
	})
}

func (s *scheduledStore) Revisions(ctx context.Context, workspaces []string) (found map[string]rbac.Revision, err error) {
	err = s.call(ctx, pollFaults, func(error) (err error) {
		found, err = s.Store.Revisions(ctx, workspaces)
		return err
	})
	return found, err
}

func (s *scheduledStore) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	return s.call(ctx, changeFaults, func(end error) error {
		return s.committedStore.Update(ctx, workspace, func(tx rbac.Tx) error {
			return cmp.Or(fn(tx), end)
		})
	})
}

// exits ends the goroutine, as a fake does that fails its test.
func exits(context.Context, func(error) error) error { runtime.Goexit(); return nil }
