package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// Where LISTEN hears nothing, Notify says so, and polling carries on.
func TestScenario14_ListenerThatHearsNothing(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	elsewhere := func(ctx context.Context) (*pgx.Conn, error) { // another database of the server
		config, err := pgx.ParseConfig(d.url)
		if err != nil {
			return nil, err
		}
		config.Database = "template1"
		return pgx.ConnectConfig(ctx, config)
	}
	one := d.instance(setup{})
	two := d.instance(setup{options: brisk(), store: []pgstore.Option{pgstore.WithListenConn(elsewhere)}})
	assign(t, one.Workspace, rbac.Administrator, "ann", "bob")
	soon(t, 20*time.Second, "the poll brings the assignment", func() bool { return can(two.Workspace, "bob") })
	require.NoError(t, one.As("ann").Remove(ctx, "bob"))
	soon(t, 20*time.Second, "the poll brings the revoke", func() bool { return !can(two.Workspace, "bob") })
	store := open(t, d.pool, d.schema, pgstore.WithListenConn(elsewhere), pgstore.WithListenTimeout(100*time.Millisecond))
	require.ErrorIs(t, store.Notify(ctx, func(...string) { t.Error("it never listened") }), pgstore.ErrNotListening)

	// The session that listened is not the one behind the connection any more.
	var session *pgx.Conn
	store = open(t, d.pool, d.schema, pgstore.WithListenTimeout(2*time.Second), // the server answers within
		pgstore.WithListenConn(func(ctx context.Context) (conn *pgx.Conn, err error) {
			session, err = pgx.Connect(ctx, d.url)
			return session, err
		}))
	err := store.Notify(ctx, func(...string) {
		_, err := session.Exec(ctx, "UNLISTEN *") // before Notify waits
		require.NoError(t, err)
	})
	require.ErrorIs(t, err, pgstore.ErrNotListening)
}

// A short listen timeout is about silence. It leaves time to connect, because
// without a connection there are only polls.
func TestListenTimeoutLeavesTimeToConnect(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	for timeout, least := range map[time.Duration]time.Duration{time.Millisecond: 4 * time.Second, time.Minute: 50 * time.Second} {
		var left time.Duration
		store := open(t, d.pool, d.schema, pgstore.WithListenTimeout(timeout),
			pgstore.WithListenConn(func(ctx context.Context) (*pgx.Conn, error) {
				deadline, _ := ctx.Deadline()
				left = time.Until(deadline)
				return nil, errors.New("no connection")
			}))
		require.ErrorContains(t, store.Notify(ctx, func(...string) {}), "no connection")
		require.Greater(t, left, least)
		require.LessOrEqual(t, left, max(timeout, 5*time.Second))
	}
}

// modesBehindAPooler are those that need no session of their own.
var modesBehindAPooler = []pgx.QueryExecMode{
	pgx.QueryExecModeExec, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeSimpleProtocol,
}

// Behind a PgBouncer in transaction mode, with fewer sessions than clients,
// everything works but LISTEN: Notify says so, and polling carries on.
func TestScenario14_PgBouncer(t *testing.T) {
	t.Parallel()
	modes := modesBehindAPooler
	if !long.Enabled() {
		modes = modes[:1]
	}
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			pooled, version := pgtest.PgBouncer(t, d.url, "transaction", 2)
			t.Logf("%s", version)
			testPooled(t, d, setup{url: pooled, options: brisk(), pool: func(c *pgxpool.Config) {
				c.ConnConfig.DefaultQueryExecMode = mode
			}})
		})
	}
}

func testPooled(t *testing.T, d *database, behind setup) {
	ctx := t.Context()
	instances := []*instance{d.instance(behind), d.instance(behind), d.instance(behind)}
	one, two, three := instances[0].For("w"), instances[1].For("w"), instances[2].For("w")
	direct := d.instance(setup{options: quiet()}).For("w")
	require.NoError(t, pgstore.Migrate(ctx, instances[0].pool, pgstore.WithSchema(d.schema)), "there is nothing to create")

	// Many changes at once, from all instances, in several workspaces.
	assign(t, one, rbac.Administrator, "ann", "bob")
	var changes []func() error
	for i, in := range instances {
		for j := range 4 {
			changes = append(changes, func() error {
				for k := range 25 {
					w := in.For(fmt.Sprint("w", k%3))
					if err := w.System("test").Assign(ctx, rbac.Administrator, fmt.Sprintf("user-%d-%d-%d", i, j, k)); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	require.NoError(t, errors.Join(together(changes...)...))
	require.Equal(t, 300, d.number("SELECT count(*) FROM events WHERE workspace <> 'w'"))

	// The application's own transaction, and the races of scenario 1.
	require.NoError(t, pgx.BeginFunc(ctx, instances[0].pool, func(tx pgx.Tx) error {
		in := instances[0].store.Tx(tx)
		require.ErrorIs(t, one.In(in).System("test").Assign(ctx, "missing", "eve"), rbac.ErrRoleNotFound)
		return one.In(in).System("test").Assign(ctx, rbac.Administrator, "eve")
	}))
	require.NoError(t, one.System("test").Remove(ctx, "eve"))
	viewer := addRole(t, one, "Viewer", nil)
	for race := range 30 {
		assign(t, one, rbac.Administrator, "ann", "bob")
		require.NoError(t, one.System("race").Reinstate(ctx, "ann", "bob"))
		way := workspacetest.Farewells(ctx, viewer.ID)[race%3]
		errs := together(
			func() error { return way(one.As("ann"), "bob") },
			func() error { return way(two.As("bob"), "ann") },
		)
		require.True(t, (errs[0] == nil) != (errs[1] == nil), "%v", errs)
		require.ErrorIs(t, errors.Join(errs...), rbac.ErrDenied)
		require.Len(t, administrators(t, one), 1)
	}

	// A revoke arrives: by polls behind PgBouncer, and by a notification, which
	// goes out through it, at an instance that would not poll for half an hour.
	all := append([]*rbac.Workspace{direct}, one, two, three)
	for round := range 3 {
		from := []*rbac.Workspace{direct, one, two}[round]
		for _, want := range []bool{true, false} {
			if want {
				assign(t, from, rbac.Administrator, "carl")
			} else {
				require.NoError(t, from.System("test").Remove(ctx, "carl"))
			}
			for _, w := range all { // 0.1 s is the poll interval
				soon(t, 20*time.Second, "the change arrives", func() bool { return can(w, "carl") == want })
			}
		}
	}

	// Notify says so, each time, whether the sessions are in use or not.
	stop := make(chan struct{})
	var busy sync.WaitGroup
	for round := range 6 {
		if round == 3 {
			busy.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						_ = three.Sync(ctx)
					}
				}
			})
		}
		store := open(t, instances[0].pool, d.schema, pgstore.WithListenTimeout(200*time.Millisecond))
		require.ErrorIs(t, store.Notify(ctx, func(...string) { t.Error("it never listened") }), pgstore.ErrNotListening)
	}
	close(stop)
	busy.Wait()

	// By WithListenConn the listener by-passes it.
	behind.options = quiet()
	behind.store = []pgstore.Option{pgstore.WithListenConn(func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, d.url) })}
	hearing := d.instance(behind).For("w")
	hints := workspacetest.Listen(t, open(t, instances[0].pool, d.schema, behind.store...))
	require.False(t, can(hearing, "zoe"))
	assign(t, direct, rbac.Administrator, "zoe")
	soon(t, 20*time.Second, "the notification arrives", func() bool { return can(hearing, "zoe") })
	soon(t, 20*time.Second, "the notification arrives", func() bool { return len(hints()) > 0 })
	require.Equal(t, []string{"w"}, hints())
	for _, id := range []string{"w", "w0", "w1", "w2"} {
		checkInvariants(t, instances[2].store, id)
	}
}

// With prepared statements, which PgBouncer does not know before version 1.21,
// a call fails or works; it is never wrong.
func TestScenario14_PreparedStatementsBehindPgBouncer(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	pooled, version := pgtest.PgBouncer(t, d.url, "transaction", 2)
	var mu sync.Mutex
	acknowledged, failed := []string{}, 0
	var changes []func() error
	for i := range 3 {
		store, err := pgstore.New(ctx, pgtest.Pool(t, pooled), pgstore.WithSchema(d.schema))
		if err != nil { // it is noticed at once
			failed++
			continue
		}
		w := workspacetest.Open(t, workspacetest.Deaf(store)).For("w")
		for j := range 4 {
			changes = append(changes, func() error {
				for k := range 20 {
					user := fmt.Sprintf("user-%d-%d-%d", i, j, k)
					err := w.System("test").Assign(ctx, rbac.Administrator, user)
					mu.Lock()
					if err == nil {
						acknowledged = append(acknowledged, user)
					} else {
						failed++
					}
					mu.Unlock()
				}
				return nil
			})
		}
	}
	together(changes...)
	t.Logf("%s: %d changes were acknowledged, %d calls failed", version, len(acknowledged), failed)
	w := d.instance(setup{}).For("w")
	assign(t, w, rbac.Administrator, "ann")
	for _, user := range acknowledged {
		require.True(t, can(w, user), user)
	}
	require.Equal(t, len(acknowledged)+1, d.number("SELECT count(*) FROM members"))
	checkInvariants(t, d.Store(), "w")
}

// In session mode LISTEN works, on a session that is the listener's.
func TestScenario14_PgBouncerInSessionMode(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pooled, _ := pgtest.PgBouncer(t, d.url, "session", 20)
	one, two := d.instance(setup{}), d.instance(setup{url: pooled, options: quiet()})
	hints := workspacetest.Listen(t, two.store)
	require.False(t, can(two.For("w"), "ann"))
	assign(t, one.For("w"), rbac.Administrator, "ann")
	soon(t, 20*time.Second, "the notification arrives", func() bool { return can(two.For("w"), "ann") && len(hints()) > 0 })
	require.Equal(t, []string{"w"}, hints())
}
