package pgstore_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// useUp takes all connections of a pool for slow queries, until release is
// called or the test ends.
func useUp(t testing.TB, pool *pgxpool.Pool) (release func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var queries sync.WaitGroup
	for range pool.Config().MaxConns {
		queries.Go(func() { _, _ = pool.Exec(ctx, "SELECT pg_sleep(600)") })
	}
	release = sync.OnceFunc(func() { cancel(); queries.Wait() })
	t.Cleanup(release)
	soon(t, 20*time.Second, "the pool is used up", func() bool { return pool.Stat().AcquiredConns() == pool.Config().MaxConns })
	return release
}

// The application uses up the pool that it shares with the store: what is
// loaded is served on, beyond MaxStaleness; what changes meanwhile is not.
func TestScenario56_PoolIsUsedUp(t *testing.T) {
	t.Parallel()
	for name, deaf := range map[string]bool{"with notifications": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, d := t.Context(), newDatabase(t)
			const staleness, beyond = 5 * time.Second, 6 * time.Second
			app := d.instance(setup{})
			in := d.instance(setup{deaf: deaf, options: []rbac.Option{rbac.WithMaxStaleness(staleness), rbac.WithPollInterval(100 * time.Millisecond)},
				pool: func(c *pgxpool.Config) {
					c.MaxConns = 4
					c.ConnConfig.RuntimeParams["application_name"] = d.schema
				}})
			connections := func() int {
				return d.number("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", d.schema)
			}
			beside := 0 // the listening connection
			if !deaf {
				beside = 1
			}
			same, changed := in.For("same"), in.For("changed")
			for _, w := range []*rbac.Workspace{same, changed} {
				assign(t, app.For(w.ID()), rbac.Administrator, "ann", "bob")
				require.True(t, can(w, "bob"))
			}
			in.store.KeepSpare(time.Second)
			release := useUp(t, in.pool)
			served := func() {
				t.Helper()
				require.NoError(t, same.Authorize(ctx, "ann", rbac.Deals, rbac.Read))
			}
			for began := time.Now(); time.Since(began) < beyond; time.Sleep(time.Millisecond) {
				served()
			}
			soon(t, 20*time.Second, "there is one more than the pool and the listener", func() bool { return connections() == 4+beside+1 })

			// Another instance's change cannot be read, so it ends service.
			require.NoError(t, app.For("changed").As("ann").Remove(ctx, "bob"))
			soon(t, 20*time.Second, "the revoke takes effect", func() bool { served(); return !can(changed, "bob") })
			soon(t, 20*time.Second, "it is out of service", func() bool { served(); return !can(changed, "ann") })

			// The server ends what is idle, as idle_session_timeout does.
			_ = d.tryExec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND state = 'idle'", d.schema)
			again := beyond / 6
			if long.Enabled() {
				again = beyond
			}
			for began := time.Now(); time.Since(began) < again; time.Sleep(time.Millisecond) {
				served()
			}
			release()
			soon(t, 20*time.Second, "service resumes", func() bool { return can(changed, "ann") })
			require.False(t, can(changed, "bob"))
			soon(t, 20*time.Second, "the connection is closed when it is not needed", func() bool {
				return connections() <= int(in.pool.Stat().TotalConns())+beside
			})
			checkInvariants(t, app.store, "same", "changed")
		})
	}
}

// The connection beside the pool is made as the pool makes its own, in every
// mode of execution.
func TestRevisionsBesideThePool(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	assign(t, d.instance(setup{}).For("w"), rbac.Administrator, "ann")
	for _, mode := range append(modesBehindAPooler, pgx.QueryExecModeCacheStatement, pgx.QueryExecModeDescribeExec) {
		t.Run(mode.String(), func(t *testing.T) {
			prepared := map[*pgx.Conn]bool{}
			var mu sync.Mutex
			pool := pgtest.Pool(t, d.url, func(c *pgxpool.Config) {
				c.MaxConns = 1
				c.ConnConfig.DefaultQueryExecMode = mode
				c.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
					mu.Lock()
					defer mu.Unlock()
					prepared[conn] = true
					return nil
				}
			})
			store := open(t, pool, d.schema)
			store.KeepSpare(0)
			useUp(t, pool)
			ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
			defer cancel()
			for range 3 {
				found, err := store.Revisions(ctx, []string{"w", "v"})
				require.NoError(t, err)
				require.Equal(t, int64(1), found["w"].Seq)
			}
			require.GreaterOrEqual(t, len(prepared), 2)
		})
	}
}

// Without a connection beside the pool, Revisions waits for the pool, and
// tells of both if that is in vain.
func TestRevisionsWithoutAConnectionBesideThePool(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	var refused atomic.Int64
	refuse := false
	pool := pgtest.Pool(t, d.url, func(c *pgxpool.Config) {
		c.MaxConns = 1
		c.BeforeConnect = func(context.Context, *pgx.ConnConfig) error {
			if !refuse {
				return nil
			}
			refused.Add(1)
			return errors.New("too many clients")
		}
	})
	store := open(t, pool, d.schema)
	held, err := pool.Acquire(ctx)
	require.NoError(t, err)
	release := sync.OnceFunc(held.Release)
	defer release()
	refuse = true
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	_, err = store.Revisions(short, []string{"w"})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "all connections of the pool were in use, and beside it: connect beside the pool: too many clients")

	answered := make(chan error, 1)
	go func() {
		_, err := store.Revisions(ctx, []string{"w"})
		answered <- err
	}()
	soon(t, 20*time.Second, "it asks", func() bool { return refused.Load() == 2 })
	release()
	require.NoError(t, <-answered)
}

// A connection beside the pool that is half open costs one call with a
// deadline.
func TestRevisionsOnAHalfOpenConnection(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	pool := pgtest.Pool(t, p.url(d.url), func(c *pgxpool.Config) { c.MaxConns = 1 })
	store := open(t, pool, d.schema)
	useUp(t, pool)
	ask := func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		_, err := store.Revisions(ctx, []string{"w"})
		return err
	}
	require.NoError(t, ask(20*time.Second))
	p.stall()
	require.ErrorIs(t, ask(100*time.Millisecond), context.DeadlineExceeded)
	require.ErrorIs(t, ask(100*time.Millisecond), context.DeadlineExceeded, "connecting has a deadline too")
	p.restore()
	require.NoError(t, ask(20*time.Second))
	require.Equal(t, int32(1), pool.Stat().AcquiredConns())
}
