package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// mostUnderWay is how many readings the library has under way at most.
const mostUnderWay = 8

// farStore is a Store on four connections to a server that is a millisecond
// away. It counts the transactions that run or wait for a connection.
type farStore struct {
	*pgstore.Store

	mu            sync.Mutex
	running, most int
}

func (s *farStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	defer s.count()()
	return s.Store.View(ctx, workspace, fn)
}

func (s *farStore) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	defer s.count()()
	return s.Store.Update(ctx, workspace, fn)
}

func (s *farStore) count() (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running++
	s.most = max(s.most, s.running)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running--
	}
}

// peak returns how many transactions were under way at most, and how many are.
func (s *farStore) peak() (most, now int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most, s.running
}

// floodStaleness is the maximum staleness: the default in the long form, or else less,
// so that who is out of service shows soon.
var floodStaleness = map[bool]time.Duration{false: 3 * time.Second, true: 10 * time.Second}[long.Enabled()]

// farInstance opens an Authorizer on a farStore. The server is near until far
// is called.
func (d *database) farInstance() (az *rbac.Authorizer, store *farStore, far func()) {
	d.Helper()
	p := newProxy(d, d.url)
	pool := pgtest.Pool(d, p.url(d.url), func(c *pgxpool.Config) { c.MaxConns = 4; c.MinConns = 4 })
	store = &farStore{Store: open(d, pool, d.schema)}
	store.KeepSpare(time.Second)
	az = workspacetest.Open(d, store, rbac.WithMaxStaleness(floodStaleness), rbac.WithIdleTime(time.Hour))
	return az, store, func() {
		soon(d, 20*time.Second, "the pool is full", func() bool { return pool.Stat().IdleConns() == 4 })
		store.mu.Lock()
		store.most = store.running
		store.mu.Unlock()
		p.set(func() { p.delay = time.Millisecond })
	}
}

// inService reports whether a check is answered from memory: nothing else
// answers one whose context is done.
func inService(w *rbac.Workspace, user string) bool {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	return w.Can(done, user, rbac.Deals, rbac.Read)
}

// watch looks all the time whether a workspace is in service. stop ends that
// and returns for how long it was not.
func watch(w *rbac.Workspace) (stop func() (out time.Duration)) {
	ended, total := make(chan struct{}), make(chan time.Duration)
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		var out time.Duration
		for last := time.Now(); ; {
			select {
			case <-ended:
				total <- out
				return
			case <-tick.C:
			}
			now := time.Now()
			if !inService(w, "ann") {
				out += now.Sub(last)
			}
			last = now
		}
	}()
	return func() time.Duration { close(ended); return <-total }
}

// cold asks for workspaces that are not in memory, one after the other. It
// returns the longest time that one took, and the first error.
func cold(az *rbac.Authorizer, turns <-chan string) (slowest time.Duration, err error) {
	for id := range turns {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		began := time.Now()
		failed := az.For(id).Authorize(ctx, "ann", rbac.Deals, rbac.Read)
		slowest = max(slowest, time.Since(began))
		cancel()
		if err == nil && failed != nil {
			err = fmt.Errorf("%s: %w", id, failed)
		}
	}
	return slowest, err
}

// inParallel calls a function with 0 to n-1, eight at a time.
func inParallel(n int, fn func(i int) error) error {
	var workers sync.WaitGroup
	var next atomic.Int64
	errs := make([]error, 8)
	for worker := range errs {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[worker] == nil; i = int(next.Add(1)) - 1 {
				errs[worker] = fn(i)
			}
		})
	}
	workers.Wait()
	return errors.Join(errs...)
}

// Checks of workspaces that do not exist pour in, more than the pool could
// read: what is loaded stays in service, what exists is answered soon, few
// readings are under way, and nothing is left of it.
func TestScenario54_FloodOfUnknownWorkspaces(t *testing.T) {
	ticks, each := 160, 20
	if long.Enabled() {
		ticks, each = 1000, 37
	}
	const colds = 8
	ctx, d := t.Context(), newDatabase(t)
	app := workspacetest.Open(t, workspacetest.Deaf(open(t, d.pool, d.schema)))
	assign(t, app.For("loaded"), rbac.Administrator, "ann")
	for i := range colds {
		assign(t, app.For(fmt.Sprint("cold", i)), rbac.Administrator, "ann")
	}
	az, store, far := d.farInstance()
	loaded := az.For("loaded")
	require.True(t, can(loaded, "ann"))
	far()

	before := runtime.NumGoroutine()
	stop := watch(loaded)
	turns, asked := make(chan string, colds), make(chan struct{})
	var slowest time.Duration
	var missed error
	go func() { defer close(asked); slowest, missed = cold(az, turns) }()

	var flood sync.WaitGroup
	var callers, unanswered atomic.Int64
	goroutines := 0 // those of the library at most
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := range ticks {
		<-tick.C
		for j := range each {
			callers.Add(1)
			flood.Go(func() {
				defer callers.Add(-1)
				ctx, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				err := az.For(fmt.Sprintf("x%d.%d", i, j)).Authorize(ctx, "ann", rbac.Deals, rbac.Read)
				if errors.Is(err, rbac.ErrUnavailable) {
					unanswered.Add(1)
				}
			})
		}
		all := runtime.NumGoroutine()
		goroutines = max(goroutines, all-int(callers.Load())-before-2)
		if (i+1)%(ticks/colds) == 0 && i/(ticks/colds) < colds {
			turns <- fmt.Sprint("cold", i/(ticks/colds))
		}
	}
	flood.Wait()
	close(turns)
	<-asked
	out := stop()
	most, _ := store.peak()
	t.Logf("%d checks, %d of them unanswered after 1 s; at most %d transactions and %d goroutines; out of service for %v; slowest cold answer %v",
		ticks*each, unanswered.Load(), most, goroutines, out, slowest)
	require.LessOrEqual(t, most, mostUnderWay)
	require.Less(t, goroutines, 100, "goroutines of the library")
	require.Zero(t, out, "out of service")
	require.NoError(t, missed, "what exists is answered")
	soon(t, 10*time.Second, "no transaction is left", func() bool { _, now := store.peak(); return now == 0 })
	soon(t, 20*time.Second, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
	require.True(t, inService(loaded, "ann"))
}

// A job changes very many loaded workspaces: one that it does not touch stays
// in service, what is not loaded is answered soon, few readings are under way,
// and what has changed shows within the maximum staleness.
func TestScenario55_MassChange(t *testing.T) {
	n := 100
	if long.Enabled() {
		n = 20_000
	}
	const colds = 8
	ctx, d := t.Context(), newDatabase(t)
	job := workspacetest.Open(t, open(t, pgtest.Pool(t, d.url), d.schema))
	id := func(i int) string { return fmt.Sprint("w", i) }
	assign(t, job.For("loaded"), rbac.Administrator, "ann")
	for i := range colds {
		assign(t, job.For(fmt.Sprint("cold", i)), rbac.Administrator, "ann")
	}
	require.NoError(t, inParallel(n, func(i int) error {
		return job.For(id(i)).System("test").Assign(ctx, rbac.Administrator, "ann", "bob")
	}))
	az, store, far := d.farInstance()
	loaded := az.For("loaded")
	require.True(t, can(loaded, "ann"))
	require.NoError(t, inParallel(n, func(i int) error {
		return az.For(id(i)).Authorize(ctx, "bob", rbac.Deals, rbac.Read)
	}))
	far()

	stop := watch(loaded)
	turns, asked := make(chan string, colds), make(chan struct{})
	var slowest time.Duration
	var missed error
	go func() { defer close(asked); slowest, missed = cold(az, turns) }()

	type change struct {
		w  *rbac.Workspace
		at time.Time
	}
	changes, stale := make(chan change, n), make(chan []string)
	go func() {
		var late []string
		for c := range changes {
			time.Sleep(time.Until(c.at.Add(floodStaleness + time.Second))) // a second for a machine that is busy
			if inService(c.w, "bob") {
				late = append(late, c.w.ID())
			}
		}
		stale <- late
	}()
	began := time.Now()
	var made atomic.Int64
	err := inParallel(n, func(i int) error {
		err := job.For(id(i)).As("ann").Remove(ctx, "bob")
		changes <- change{az.For(id(i)), time.Now()}
		if m := int(made.Add(1)); m%(n/colds) == 0 && m/(n/colds) <= colds {
			turns <- fmt.Sprint("cold", m/(n/colds)-1)
		}
		return err
	})
	close(changes)
	close(turns)
	require.NoError(t, err)
	took := time.Since(began)
	<-asked
	behind := inParallel(n, func(i int) error { // most are still to be read
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		return az.For(id(i)).Authorize(ctx, "ann", rbac.Deals, rbac.Read)
	})
	all := time.Since(began) - took
	late := <-stale
	out := stop()
	most, _ := store.peak()
	t.Logf("%d changes in %v; at most %d transactions; out of service for %v; slowest cold answer %v; all answered %v after the last change",
		n, took, most, out, slowest, all)
	require.LessOrEqual(t, most, mostUnderWay)
	require.Zero(t, out, "out of service")
	require.NoError(t, missed, "what exists is answered")
	require.NoError(t, behind, "what has changed is answered")
	require.Empty(t, late, "changes that do not show")
}
