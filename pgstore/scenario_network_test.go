package pgstore_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// PostgreSQL cannot be reached at the start: an error.
func TestScenario09_StoreUnreachableAtOpen(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	pool := pgtest.Pool(t, p.url(d.url))
	store := open(t, pool, d.schema)
	for name, fault := range map[string]func(){"cut": p.cut, "stalled": p.stall} {
		fault()
		late, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		began := time.Now()
		_, err := pgstore.New(late, pool, pgstore.WithSchema(d.schema))
		require.Error(t, err, name)
		_, err = rbac.Open(late, store)
		require.ErrorIs(t, err, rbac.ErrUnavailable, name)
		require.Less(t, time.Since(began), 20*time.Second, name)
		cancel()
		p.restore()
	}
}

// PostgreSQL cannot be reached later: the snapshot serves until MaxStaleness,
// then checks are ErrUnavailable, and service resumes by itself. It is tried
// beside no other test, because a busy server is stale, too.
func TestScenario10_StoreUnreachableLater(t *testing.T) {
	for _, name := range []string{"cut", "stalled"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, d := context.Background(), newDatabase(t)
			p := newProxy(t, d.url)
			const staleness = 3 * time.Second
			in := d.instance(setup{url: p.url(d.url), store: []pgstore.Option{pgstore.WithListenTimeout(200 * time.Millisecond)},
				options: []rbac.Option{rbac.WithMaxStaleness(staleness), rbac.WithPollInterval(100 * time.Millisecond)}})
			assign(t, in.Workspace, rbac.Administrator, "ann")
			require.True(t, can(in.Workspace, "ann"))
			if name == "cut" {
				p.cut()
			} else {
				p.stall()
			}
			began, served := time.Now(), time.Duration(0) // served: when the last check was asked that was allowed
			due := make(chan time.Duration, 1)            // when the runtime gets to a timer of the same length
			time.AfterFunc(staleness, func() { due <- time.Since(began) })
			soon(t, 20*time.Second, "checks fail closed", func() bool {
				asked := time.Since(began)
				allowed := can(in.Workspace, "ann")
				if allowed {
					served = asked
				}
				return !allowed
			})
			require.Greater(t, served, staleness/3, "the last poll was shortly before")
			// Two timers of one moment run in any order: TestP2_StalenessBoundary is exact.
			require.Less(t, served, <-due+100*time.Millisecond)
			require.ErrorIs(t, in.Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrUnavailable)
			p.restore()
			soon(t, 20*time.Second, "service resumes", func() bool { return can(in.Workspace, "ann") })
		})
	}
}

// overheard is a Store whose hints the test hears too.
type overheard struct {
	*pgstore.Store
	mu    sync.Mutex
	hints [][]string
}

func (s *overheard) Notify(ctx context.Context, hint func(workspaces ...string)) error {
	return s.Store.Notify(ctx, func(workspaces ...string) {
		s.mu.Lock()
		s.hints = append(s.hints, workspaces)
		s.mu.Unlock()
		hint(workspaces...)
	})
}

// heard returns the hints since it was asked last.
func (s *overheard) heard() [][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	heard := s.hints
	s.hints = nil
	return heard
}

// The listening connection drops while a revoke commits: the notification is
// lost for good. When the instance listens again, it compares and follows,
// long before the poll.
func TestScenario11_ListenerDropsWhileRevokeCommits(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	through := p.url(d.url) + " application_name='" + d.schema + "'"
	listeners := func() int {
		return d.number("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", d.schema)
	}
	one := d.instance(setup{})
	store := &overheard{Store: open(t, pgtest.Pool(t, d.url), d.schema,
		pgstore.WithListenConn(func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, through) }))}
	two := workspacetest.Open(t, store, quiet()...)
	assign(t, one.Workspace, rbac.Administrator, "ann")
	soon(t, 20*time.Second, "the instance listens", func() bool { return len(store.heard()) > 0 })
	for round := range 5 {
		p.cut()
		soon(t, 20*time.Second, "PostgreSQL knows no listener", func() bool { return listeners() == 0 })
		assign(t, one.Workspace, rbac.Administrator, "bob")
		require.NoError(t, two.Sync(ctx))
		require.True(t, can(two.Workspace, "bob"))
		store.heard() // what came before the cut

		require.NoError(t, one.As("ann").Remove(ctx, "bob"))
		require.Empty(t, store.heard(), "round %d: the notification is lost", round)
		p.restore()
		soon(t, 20*time.Second, "the revoke arrives after listening again", func() bool { return !can(two.Workspace, "bob") })
		require.Equal(t, [][]string{nil}, store.heard(), "round %d: it compared, and nobody told it of the workspace", round)
	}
	checkInvariants(t, store, "")
}

// The poll is the guarantee: with no notification at all, a revoke takes effect
// within the poll interval.
func TestScenario11_PollWithoutListener(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	one := d.instance(setup{})
	store := &overheard{Store: open(t, pgtest.Pool(t, d.url), d.schema,
		pgstore.WithListenConn(func(context.Context) (*pgx.Conn, error) { return nil, errors.New("no connection") }))}
	const poll = 100 * time.Millisecond
	two := workspacetest.Open(t, store, rbac.WithPollInterval(poll))
	assign(t, one.Workspace, rbac.Administrator, "ann")
	for range 5 {
		assign(t, one.Workspace, rbac.Administrator, "bob")
		soon(t, 20*time.Second, "the poll brings the assignment", func() bool { return can(two.Workspace, "bob") })
		require.NoError(t, one.As("ann").Remove(ctx, "bob"))
		soon(t, 20*time.Second, "the poll brings the revoke", func() bool { return !can(two.Workspace, "bob") })
		require.True(t, can(two.Workspace, "ann"))
	}
	require.Empty(t, store.heard())
}

// A half-open connection is noticed by a deadline.
func TestScenario12_HalfOpenListener(t *testing.T) {
	t.Parallel()
	const timeout = time.Second
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	store := open(t, pgtest.Pool(t, p.url(d.url)), d.schema, pgstore.WithListenTimeout(timeout))
	listening, ended := make(chan struct{}, 10), make(chan error, 1)
	listen := func(ctx context.Context) {
		t.Helper()
		go func() { ended <- store.Notify(ctx, func(...string) { listening <- struct{}{} }) }()
		select {
		case <-listening:
		case err := <-ended:
			t.Fatal(err)
		}
	}
	listen(ctx)
	asked := make(chan struct{}, 10)
	p.set(func() {
		p.inspect = func(b []byte) bool {
			if bytes.Contains(b, []byte(d.schema+".changes")) { // whether it listens there
				asked <- struct{}{}
			}
			return false
		}
	})
	for range 3 { // silence alone is no reason to end
		select {
		case <-asked:
		case err := <-ended:
			t.Fatalf("Notify ended without a reason: %v", err)
		case <-time.After(20 * time.Second):
			t.Fatal("it did not ask whether the connection is there")
		}
	}
	p.stall()
	began := time.Now()
	require.ErrorContains(t, <-ended, "no answer within 1s")
	require.Less(t, time.Since(began), 20*time.Second)
	require.ErrorIs(t, store.Notify(ctx, func(...string) {}), context.DeadlineExceeded, "connecting has a deadline too")
	p.restore()

	stopped, cancel := context.WithCancel(ctx)
	listen(stopped)
	p.stall()
	cancel()
	began = time.Now()
	require.ErrorIs(t, <-ended, context.Canceled, "ending does not wait for the other side")
	require.Less(t, time.Since(began), 20*time.Second)
}

// A flood of notifications is coalesced.
func TestScenario13_FloodOfNotifications(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	one := d.instance(setup{})
	two := d.instance(setup{url: p.url(d.url), options: quiet(), store: []pgstore.Option{
		pgstore.WithListenConn(func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, d.url) }),
	}})
	assign(t, one.Workspace, rbac.Administrator, "ann", "bob")
	require.True(t, can(two.Workspace, "ann"))
	p.set(func() { p.delay = 50 * time.Millisecond }) // a reading takes a moment
	before := two.queries.n.Load()
	const flood = 2000
	began := time.Now()
	var b pgx.Batch
	for range flood { // each in a transaction of its own
		b.Queue("SELECT pg_notify($1, '')", d.schema+".changes")
	}
	for chunk := range slices.Chunk(b.QueuedQueries, 1) {
		_, err := d.pool.Exec(ctx, chunk[0].SQL, chunk[0].Arguments...)
		require.NoError(t, err)
	}
	require.NoError(t, one.As("ann").Remove(ctx, "bob"))
	soon(t, 20*time.Second, "the revoke arrives behind the flood", func() bool { return !can(two.Workspace, "bob") })
	asked := two.queries.n.Load() - before
	took := time.Since(began)
	t.Logf("%d notifications in %v made %d statements", flood, took, asked)
	require.Less(t, asked, took.Milliseconds()/50+20)
	require.Less(t, asked, int64(flood/2))
}
