package pgstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// quiet are options with which only a notification makes an instance look.
func quiet() []rbac.Option {
	return []rbac.Option{rbac.WithMaxStaleness(time.Minute), rbac.WithPollInterval(30 * time.Second)}
}

// brisk are options with which the poll makes it look soon.
func brisk() []rbac.Option {
	return []rbac.Option{rbac.WithMaxStaleness(time.Second), rbac.WithPollInterval(100 * time.Millisecond)}
}

func deals(scope rbac.Scope) rbac.Permissions { return rbac.Permissions{rbac.Deals: {Read: scope}} }

// The last active administrator stays, whatever the path, and nothing is
// written.
func TestScenario02_LastAdministratorStays(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{})
	boss := addRole(t, in.Workspace, "Boss", rbac.Permissions{rbac.Users: {Read: rbac.All, Manage: rbac.All}})
	assign(t, in.Workspace, rbac.Administrator, "ann", "eve")
	require.NoError(t, in.System("test").Suspend(ctx, "eve"))
	before := d.number("SELECT revision FROM workspaces")
	ways := farewells(ctx, boss.ID)
	ways = append(ways, func(a *rbac.Admin, _ string) error { return a.ReplaceRole(ctx, rbac.Administrator, boss.ID) })
	for _, way := range ways {
		require.ErrorIs(t, way(in.System("test"), "ann"), rbac.ErrLastAdministrator)
		require.ErrorIs(t, pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
			return way(in.System("test").In(pgstore.Tx(tx, pgstore.WithSchema(d.schema))), "ann")
		}), rbac.ErrLastAdministrator)
	}
	require.Equal(t, before, d.number("SELECT revision FROM workspaces"))
	checkInvariants(t, in.store, "")
}

// Many checks while roles change elsewhere: every answer is right for the
// revision before or after, never a mixture.
func TestScenario05_ChecksDuringChanges(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	one, two := d.instance(setup{}), d.instance(setup{})
	assign(t, one.Workspace, rbac.Administrator, "ann")
	role := addRole(t, one.Workspace, "Turning", rbac.Permissions{rbac.Deals: {Read: rbac.All}})
	assign(t, one.Workspace, role.ID, "bob")
	var done atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for !done.Load() {
				subject, err := two.Subject(ctx, "bob")
				if err != nil {
					t.Error(err)
					return
				}
				if subject.Can(rbac.Deals, rbac.Read) == subject.Can(rbac.Tasks, rbac.Read) {
					t.Error("a mixture of two revisions")
					return
				}
			}
		})
	}
	for i := range scaled(300) {
		role.Permissions = rbac.Permissions{[]rbac.Area{rbac.Tasks, rbac.Deals}[i%2]: {Read: rbac.All}}
		var err error
		role, err = one.As("ann").UpdateRole(ctx, role)
		require.NoError(t, err)
	}
	soon(t, 5*time.Second, "the other instance sees the last change", func() bool {
		return two.Can(ctx, "bob", rbac.Deals, rbac.Read) == one.Can(ctx, "bob", rbac.Deals, rbac.Read)
	})
	done.Store(true)
	wg.Wait()
	checkInvariants(t, one.store, "")
}

// A writer that waits too long, or loses a deadlock, is tried again, and in
// the end an error; nothing is half applied.
func TestScenario07_ContentionIsRetried(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{pool: func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["lock_timeout"] = "20ms" }})
	assign(t, in.Workspace, rbac.Administrator, "ann")
	held := func(release <-chan time.Time) {
		t.Helper()
		tx, err := d.pool.Begin(ctx)
		require.NoError(t, err)
		_, err = tx.Exec(ctx, "SELECT FROM "+pgx.Identifier{d.schema, "workspaces"}.Sanitize()+" FOR UPDATE")
		require.NoError(t, err)
		go func() {
			<-release
			_ = tx.Rollback(context.Background())
		}()
	}
	held(time.After(200 * time.Millisecond))
	require.NoError(t, in.As("ann").Assign(ctx, rbac.Administrator, "bob"))

	forever := make(chan time.Time)
	held(forever)
	require.ErrorIs(t, in.As("ann").Assign(ctx, rbac.Administrator, "eve"), rbac.ErrContention)
	close(forever)
	require.Len(t, administrators(t, in.Workspace), 2)
	checkInvariants(t, in.store, "")
}

func TestScenario07_DeadlockIsContention(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{pool: func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["deadlock_timeout"] = "10ms" }})
	for _, w := range []string{"a", "b"} {
		assign(t, in.For(w), rbac.Administrator, "ann")
	}
	var meeting sync.WaitGroup
	meeting.Add(2)
	cross := func(first, second string) func() error {
		return func() error {
			return pgx.BeginFunc(ctx, in.pool, func(tx pgx.Tx) error {
				store := pgstore.Tx(tx, pgstore.WithSchema(d.schema))
				if err := in.For(first).System("test").In(store).Assign(ctx, rbac.Administrator, "bob"); err != nil {
					return err
				}
				meeting.Done()
				meeting.Wait()
				return in.For(second).System("test").In(store).Assign(ctx, rbac.Administrator, "eve")
			})
		}
	}
	errs := together(cross("a", "b"), cross("b", "a"))
	require.True(t, (errs[0] == nil) != (errs[1] == nil), "%v", errs)
	require.ErrorIs(t, errors.Join(errs...), rbac.ErrContention)
	require.Equal(t, 4, d.number("SELECT count(*) FROM members"), "one of the transactions, whole")
	checkInvariants(t, in.store, "a", "b")
}

// Contact is lost after the COMMIT was sent: the outcome is reported as
// unknown, and the next check asks the store.
func TestScenario07_UnknownOutcome(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	in := d.instance(setup{url: p.url(d.url), deaf: true, options: quiet()})
	assign(t, in.Workspace, rbac.Administrator, "ann")
	role := addRole(t, in.Workspace, "Sales", deals(rbac.All))
	require.False(t, can(in.Workspace, "bob"))
	p.set(func() { p.inspect = func(b []byte) bool { return bytes.Contains(b, []byte("commit\x00")) } })
	err := in.As("ann").Assign(ctx, role.ID, "bob")
	require.ErrorIs(t, err, rbac.ErrOutcomeUnknown)
	require.NotErrorIs(t, err, rbac.ErrContention)
	p.restore()
	require.Equal(t, 1, d.number("SELECT count(*) FROM members WHERE user_id = 'bob'"), "it was made")
	require.True(t, can(in.Workspace, "bob"), "the next check after an unknown outcome")
	checkInvariants(t, in.store, "")
}

// A COMMIT that waits for too long ends with its context, and its outcome is
// unknown, which is an error of the context too.
func TestScenario07_CommitOutlivesItsContext(t *testing.T) {
	d := newDatabase(t)
	p := newProxy(t, d.url)
	in := d.instance(setup{url: p.url(d.url), deaf: true, options: quiet()})
	assign(t, in.Workspace, rbac.Administrator, "ann")
	for _, stall := range []time.Duration{200 * time.Millisecond, 10 * time.Second} {
		ctx, cancel := context.WithCancel(t.Context())
		p.set(func() {
			p.inspect = func(b []byte) bool {
				if bytes.Contains(b, []byte("commit\x00")) {
					p.stall()
					cancel()
					time.AfterFunc(stall, p.restore)
				}
				return false
			}
		})
		began := time.Now()
		err := in.store.Update(ctx, "", func(tx rbac.Tx) error { return tx.PutRole(rbac.Role{ID: "r", Name: "R"}) })
		require.Less(t, time.Since(began), 3*time.Second)
		if stall < time.Second {
			require.NoError(t, err, "the answer came soon after the context had ended")
		} else {
			require.ErrorIs(t, err, rbac.ErrOutcomeUnknown)
			require.ErrorIs(t, err, context.Canceled)
		}
		p.restore()
		cancel()
	}
}

// A connection is killed in the middle of a change: an error, and nothing is
// written.
func TestScenario07_ConnectionLostBeforeCommit(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	in := d.instance(setup{url: p.url(d.url)})
	assign(t, in.Workspace, rbac.Administrator, "ann")
	err := in.store.Update(ctx, "", func(tx rbac.Tx) error {
		if err := tx.PutMembers(rbac.Member{User: "bob", Role: "sales"}); err != nil {
			return err
		}
		p.breakAll()
		return tx.PutMembers(rbac.Member{User: "eve", Role: "sales"})
	})
	require.Error(t, err)
	require.NotErrorIs(t, err, rbac.ErrOutcomeUnknown)
	require.Equal(t, 1, d.number("SELECT count(*) FROM members"))
	checkInvariants(t, in.store, "")
}

// PostgreSQL cannot be reached at the start: an error.
func TestScenario09_StoreUnreachableAtOpen(t *testing.T) {
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
		require.Less(t, time.Since(began), 2*time.Second, name)
		cancel()
		p.restore()
	}
}

// PostgreSQL cannot be reached later: the snapshot serves until MaxStaleness,
// then checks are ErrUnavailable, and service resumes by itself.
func TestScenario10_StoreUnreachableLater(t *testing.T) {
	for _, name := range []string{"cut", "stalled"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, d := context.Background(), newDatabase(t)
			p := newProxy(t, d.url)
			in := d.instance(setup{url: p.url(d.url), options: brisk(), store: []pgstore.Option{pgstore.WithListenTimeout(200 * time.Millisecond)}})
			assign(t, in.Workspace, rbac.Administrator, "ann")
			require.True(t, can(in.Workspace, "ann"))
			began := time.Now()
			if name == "cut" {
				p.cut()
			} else {
				p.stall()
			}
			for time.Since(began) < 700*time.Millisecond {
				require.True(t, can(in.Workspace, "ann"), "after %v", time.Since(began))
				time.Sleep(10 * time.Millisecond)
			}
			took := soon(t, 2*time.Second, "checks fail closed", func() bool { return !can(in.Workspace, "ann") })
			require.Less(t, 700*time.Millisecond+took, 1300*time.Millisecond)
			require.ErrorIs(t, in.Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrUnavailable)
			p.restore()
			soon(t, 5*time.Second, "service resumes", func() bool { return can(in.Workspace, "ann") })
		})
	}
}

// The listening connection drops while a revoke commits: the notification is
// lost for good. When the instance listens again, it compares and follows,
// long before the poll.
func TestScenario11_ListenerDropsWhileRevokeCommits(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	through := p.url(d.url)
	one := d.instance(setup{})
	two := d.instance(setup{options: quiet(), store: []pgstore.Option{
		pgstore.WithListenConn(func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, through) }),
	}})
	assign(t, one.Workspace, rbac.Administrator, "ann", "bob")
	lost := 0
	for range 5 {
		assign(t, one.Workspace, rbac.Administrator, "bob")
		require.NoError(t, two.Sync(ctx))
		require.True(t, can(two.Workspace, "bob"))
		time.Sleep(50 * time.Millisecond) // the hint of the assignment is dealt with
		p.cut()
		require.NoError(t, one.As("ann").Remove(ctx, "bob"))
		time.Sleep(20 * time.Millisecond)
		if can(two.Workspace, "bob") { // else that hint was late, and found the revoke
			lost++
		}
		p.restore()
		soon(t, 5*time.Second, "the revoke arrives after listening again", func() bool { return !can(two.Workspace, "bob") })
	}
	require.Positive(t, lost, "notifications that were lost")
}

// The poll is the guarantee: with no notification at all, a revoke takes effect
// within the poll interval.
func TestScenario11_PollWithoutListener(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	one := d.instance(setup{})
	two := d.instance(setup{options: brisk(), store: []pgstore.Option{
		pgstore.WithListenConn(func(context.Context) (*pgx.Conn, error) { return nil, errors.New("no connection") }),
	}})
	assign(t, one.Workspace, rbac.Administrator, "ann", "bob")
	soon(t, time.Second, "the poll brings the assignment", func() bool { return can(two.Workspace, "bob") })
	require.NoError(t, one.As("ann").Remove(ctx, "bob"))
	took := soon(t, 2*time.Second, "the poll brings the revoke", func() bool { return !can(two.Workspace, "bob") })
	require.Less(t, took, time.Second)
}

// A half-open connection is noticed by a deadline.
func TestScenario12_HalfOpenListener(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	store := open(t, pgtest.Pool(t, p.url(d.url)), d.schema, pgstore.WithListenTimeout(150*time.Millisecond))
	listening, ended := make(chan struct{}, 10), make(chan error, 1)
	go func() { ended <- store.Notify(ctx, func(...string) { listening <- struct{}{} }) }()
	<-listening
	time.Sleep(500 * time.Millisecond) // silence alone is no reason to end
	select {
	case err := <-ended:
		t.Fatalf("Notify ended without a reason: %v", err)
	default:
	}
	p.stall()
	began := time.Now()
	require.ErrorContains(t, <-ended, "no answer within 150ms")
	require.Less(t, time.Since(began), time.Second+500*time.Millisecond)
	require.ErrorIs(t, store.Notify(ctx, func(...string) {}), context.DeadlineExceeded, "connecting has a deadline too")
	p.restore()

	stopped, cancel := context.WithCancel(ctx)
	go func() { ended <- store.Notify(stopped, func(...string) { listening <- struct{}{} }) }()
	<-listening
	p.stall()
	cancel()
	began = time.Now()
	require.ErrorIs(t, <-ended, context.Canceled, "ending does not wait for the other side")
	require.Less(t, time.Since(began), 2*time.Second)
}

// A flood of notifications is coalesced.
func TestScenario13_FloodOfNotifications(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	one := d.instance(setup{})
	two := d.instance(setup{url: p.url(d.url), options: quiet(), store: []pgstore.Option{
		pgstore.WithListenConn(func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, d.url) }),
	}})
	assign(t, one.Workspace, rbac.Administrator, "ann", "bob")
	require.True(t, can(two.Workspace, "ann"))
	p.set(func() { p.delay = 10 * time.Millisecond }) // a reading takes a moment
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
	took := time.Since(began)
	require.NoError(t, one.As("ann").Remove(ctx, "bob"))
	soon(t, 5*time.Second, "the revoke arrives behind the flood", func() bool { return !can(two.Workspace, "bob") })
	asked := two.queries.n.Load() - before
	t.Logf("%d notifications in %v made %d statements", flood, took, asked)
	require.Less(t, asked, took.Milliseconds()/10+20)
	require.Less(t, asked, int64(flood/2))
}

// Behind a pooler in transaction mode LISTEN hears nothing: polling carries
// on, and Notify says so when it can tell.
func TestScenario14_PoolerInTransactionMode(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	one := d.instance(setup{})
	two := d.instance(setup{options: brisk(), store: []pgstore.Option{
		// Another database of the server: LISTEN works, and nothing arrives.
		pgstore.WithListenConn(func(ctx context.Context) (*pgx.Conn, error) {
			config, err := pgx.ParseConfig(d.url)
			if err != nil {
				return nil, err
			}
			config.Database = "template1"
			return pgx.ConnectConfig(ctx, config)
		}),
	}})
	assign(t, one.Workspace, rbac.Administrator, "ann", "bob")
	soon(t, time.Second, "the poll brings the assignment", func() bool { return can(two.Workspace, "bob") })
	require.NoError(t, one.As("ann").Remove(ctx, "bob"))
	soon(t, time.Second, "the poll brings the revoke", func() bool { return !can(two.Workspace, "bob") })

	// The session behind the connection is not the one that listened.
	var session *pgx.Conn
	store := open(t, d.pool, d.schema, pgstore.WithListenTimeout(100*time.Millisecond),
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

// A change that is rolled back, also by the caller of In: no notification,
// and the snapshot is as it was.
func TestScenario15_RolledBackChange(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{options: quiet()})
	w := in.For("w")
	assign(t, w, rbac.Administrator, "ann")
	require.True(t, can(w, "ann"))
	var mu sync.Mutex
	var hints []string
	listening := make(chan struct{})
	notify, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_ = in.store.Notify(notify, func(workspaces ...string) {
			mu.Lock()
			defer mu.Unlock()
			if hints = append(hints, workspaces...); len(workspaces) == 0 {
				close(listening)
			}
		})
	}()
	<-listening
	tx, err := d.pool.Begin(ctx)
	require.NoError(t, err)
	admin := w.As("ann").In(pgstore.Tx(tx, pgstore.WithSchema(d.schema)))
	require.NoError(t, admin.Assign(ctx, rbac.Administrator, "bob"))
	require.NoError(t, admin.Suspend(ctx, "bob"))
	require.False(t, can(w, "bob"))
	require.NoError(t, tx.Rollback(ctx))
	require.ErrorIs(t, w.As("ann").Suspend(ctx, "bob"), rbac.ErrMemberNotFound)

	tx, err = d.pool.Begin(ctx)
	require.NoError(t, err)
	admin = in.For("v").System("test").In(pgstore.Tx(tx, pgstore.WithSchema(d.schema)))
	require.NoError(t, admin.Assign(ctx, rbac.Administrator, "ann"))
	require.NoError(t, admin.Assign(ctx, rbac.Administrator, "bob"))
	require.NoError(t, tx.Commit(ctx))
	soon(t, 5*time.Second, "the commit is announced", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(hints) > 0
	})
	time.Sleep(50 * time.Millisecond)
	mu.Lock()
	require.Equal(t, []string{"v"}, hints, "once for a transaction that commits, never for one that does not")
	mu.Unlock()
	require.False(t, can(w, "bob"))
	require.True(t, can(in.For("v"), "bob"))
	checkInvariants(t, in.store, "w", "v")
}

// Whoever makes a change sees it at once; Sync makes another instance do so.
func TestScenario16_ReadYourOwnChange(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	one := d.instance(setup{deaf: true, options: quiet()})
	two := d.instance(setup{deaf: true, options: quiet()})
	assign(t, one.Workspace, rbac.Administrator, "ann")
	require.True(t, can(two.Workspace, "ann"))
	for range 50 {
		assign(t, one.Workspace, rbac.Administrator, "bob")
		require.True(t, can(one.Workspace, "bob"))
		require.False(t, can(two.Workspace, "bob"))
		require.NoError(t, two.Sync(ctx))
		require.True(t, can(two.Workspace, "bob"))
		require.NoError(t, two.As("ann").Remove(ctx, "bob"))
		require.False(t, can(two.Workspace, "bob"))
		require.NoError(t, one.Sync(ctx))
		require.False(t, can(one.Workspace, "bob"))
	}
}

// A backup is restored under running instances: they notice by the hash, even
// if the numbers are the same, and reload whole.
func TestScenario17_RestoredBackup(t *testing.T) {
	for _, more := range []int{0, 1, 5} { // changes after the restore
		t.Run(fmt.Sprint(more), func(t *testing.T) {
			d := newDatabase(t)
			instances := []*instance{d.instance(setup{options: brisk()}), d.instance(setup{options: brisk()})}
			one := instances[0]
			assign(t, one.Workspace, rbac.Administrator, "ann", "bob")
			for _, table := range []string{"workspaces", "roles", "members", "events"} {
				d.exec("CREATE TABLE backup_" + table + " AS TABLE " + table)
			}
			assign(t, one.Workspace, rbac.Administrator, "eve")
			for _, in := range instances {
				soon(t, 2*time.Second, "the change arrives", func() bool { return can(in.Workspace, "eve") })
			}
			d.exec("TRUNCATE workspaces, roles, members, events")
			for _, table := range []string{"workspaces", "roles", "members", "events"} {
				d.exec("INSERT INTO " + table + " TABLE backup_" + table)
			}
			third := d.instance(setup{})
			for i := range more {
				assign(t, third.Workspace, rbac.Administrator, fmt.Sprint("user", i))
			}
			for _, in := range instances {
				soon(t, 2*time.Second, "the restore is noticed", func() bool {
					return !can(in.Workspace, "eve") && can(in.Workspace, "bob") && can(in.Workspace, "user0") == (more > 0)
				})
			}
			checkInvariants(t, one.store, "")
		})
	}
}

// A context that is cancelled before or during a call: an error and a denial;
// a load that many share survives one who leaves.
func TestScenario20_CancelledContext(t *testing.T) {
	d := newDatabase(t)
	p := newProxy(t, d.url)
	app := d.instance(setup{})
	assign(t, app.For("w"), rbac.Administrator, "ann")
	in := d.instance(setup{url: p.url(d.url)})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, in.For("w").Authorize(cancelled, "ann", rbac.Deals, rbac.Read), rbac.ErrUnavailable)
	require.ErrorIs(t, in.For("w").System("test").Assign(cancelled, rbac.Administrator, "bob"), context.Canceled)

	p.set(func() { p.delay = 50 * time.Millisecond })
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var patient error
	var wg sync.WaitGroup
	wg.Go(func() { patient = in.For("w").Authorize(t.Context(), "ann", rbac.Deals, rbac.Read) })
	err := in.For("w").Authorize(short, "ann", rbac.Deals, rbac.Read)
	require.ErrorIs(t, err, rbac.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	wg.Wait()
	require.NoError(t, patient)

	short, cancel = context.WithTimeout(t.Context(), 120*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, in.For("w").System("test").Assign(short, rbac.Administrator, "bob"), context.DeadlineExceeded)
	p.restore()
	require.Equal(t, 1, d.number("SELECT count(*) FROM members"))
	checkInvariants(t, in.store, "w")
}

// 10,000 first checks of a workspace at once: one load.
func TestScenario21_ManyFirstChecks(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	assign(t, d.instance(setup{}).For("w"), rbac.Administrator, "ann")
	in := d.instance(setup{deaf: true, options: quiet()})
	before := in.queries.begins.Load()
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for range 10_000 {
		wg.Go(func() {
			if in.For("w").Can(ctx, "ann", rbac.Deals, rbac.Read) {
				allowed.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 10_000, allowed.Load())
	require.EqualValues(t, 1, in.queries.begins.Load()-before, "transactions")
}

// A flood of unknown users asks the store nothing and takes no memory.
func TestScenario22_FloodOfUnknownUsers(t *testing.T) {
	d := newDatabase(t)
	in := d.instance(setup{deaf: true, options: quiet()})
	assign(t, in.Workspace, rbac.Administrator, "ann")
	require.True(t, can(in.Workspace, "ann"))
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	asked, used := in.queries.n.Load(), heap()
	for i := range 100_000 {
		require.False(t, can(in.Workspace, fmt.Sprint("unknown", i)))
	}
	require.Equal(t, asked, in.queries.n.Load())
	require.Less(t, heap(), used+1<<20)
}

// Memory is bounded by members and roles, however many questions are asked.
func TestScenario46_MemoryIsBounded(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{deaf: true, options: quiet()})
	assign(t, in.Workspace, rbac.Administrator, "ann")
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	require.True(t, can(in.Workspace, "ann"))
	used := heap()
	for i := range scaled(2000) { // workspaces that do not exist are asked for, and not kept
		require.False(t, can(in.For(fmt.Sprint("unknown", i)), "ann"))
	}
	for i := range 100_000 {
		_, _ = in.Explain(ctx, "ann", rbac.Area(fmt.Sprint("area", i)), rbac.Read)
		in.CanRecord(ctx, fmt.Sprint("user", i), rbac.Deals, rbac.Manage, fmt.Sprint("owner", i))
	}
	require.Less(t, heap(), used+2<<20)
}

// Close while PostgreSQL is being asked, or does not answer: nothing is left.
func TestScenario24_Close(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	before := runtime.NumGoroutine()
	for _, fault := range []func(){func() {}, func() { p.set(func() { p.delay = 20 * time.Millisecond }) }, p.stall, p.cut} {
		config, err := pgxpool.ParseConfig(p.url(d.url))
		require.NoError(t, err)
		pool, err := pgxpool.NewWithConfig(ctx, config)
		require.NoError(t, err)
		az, err := rbac.Open(ctx, open(t, pool, d.schema), append(brisk(), rbac.WithLogger(slog.New(slog.DiscardHandler)))...)
		require.NoError(t, err)
		fault()
		for i := range 10 {
			go az.For(fmt.Sprint(i)).Can(ctx, "ann", rbac.Deals, rbac.Read)
		}
		time.Sleep(50 * time.Millisecond)
		began := time.Now()
		require.NoError(t, az.Close())
		require.Less(t, time.Since(began), 5*time.Second)
		p.restore()
		p.breakAll()
		pool.Close()
	}
	soon(t, 20*time.Second, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}

// An area or action that does not exist is denied, with the reason.
func TestScenario25_UnknownAreaOrAction(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{})
	assign(t, in.Workspace, rbac.Administrator, "ann")
	// A row of a newer program grants nothing in areas that this one does not know.
	role := addRole(t, in.Workspace, "Newer", deals(rbac.All))
	assign(t, in.Workspace, role.ID, "bob")
	d.exec(`UPDATE roles SET permissions = permissions || '{"invoices": {"read": "all", "manage": "all"}}'`)
	fresh := d.instance(setup{})
	for _, user := range []string{"ann", "bob"} {
		require.True(t, can(fresh.Workspace, user))
		for _, area := range []rbac.Area{"invoices", "", "DEALS"} {
			decision, err := fresh.Explain(ctx, user, area, rbac.Read)
			require.NoError(t, err)
			require.Equal(t, rbac.ReasonUnknownArea, decision.Reason)
			require.False(t, decision.Allowed)
		}
		require.False(t, fresh.Can(ctx, user, rbac.Deals, 7))
	}
	role.Description = "edited by this program"
	_, err := fresh.As("ann").UpdateRole(ctx, role)
	require.NoError(t, err)
	require.Equal(t, 1, d.number(`SELECT count(*) FROM roles WHERE permissions -> 'invoices' ->> 'manage' = 'all'`), "it survives an edit")
}

// Malformed rows grant nothing and are reported; the rest serves.
func TestScenario26_MalformedRows(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{})
	assign(t, in.Workspace, rbac.Administrator, "ann", "zoe")
	good := addRole(t, in.Workspace, "Good", deals(rbac.All))
	assign(t, in.Workspace, good.ID, "bob")
	for i, permissions := range []string{`{"deals": 7}`, `{"deals": {"read": "everything"}}`, `{"deals": {"read": "all", "write": "all"}}`, `{"Deals": {"read": "all"}}`, `{"deals": null}`} {
		d.exec("INSERT INTO roles VALUES ('', $1, $1, '', $2::text::jsonb, 1, now(), now())", fmt.Sprint("bad", i), permissions)
		d.exec("INSERT INTO members VALUES ('', $1, $2, false, now())", fmt.Sprint("holder", i), fmt.Sprint("bad", i))
	}
	d.exec(`INSERT INTO roles VALUES ('', 'nameless', '', '', '{"deals": {"read": "all"}}', 1, now(), now())`)
	d.exec(`INSERT INTO members VALUES ('', E'con\x01trol', 'administrator', false, now()), ('', ' ', 'administrator', false, now()), ('', 'lost', 'no such role', false, now()), ('', 'm', 'nameless', false, now())`)
	fresh := d.instance(setup{})
	for _, user := range []string{"holder0", "holder1", "holder2", "holder3", "holder4", "con\x01trol", " ", "lost", "m"} {
		require.False(t, can(fresh.Workspace, user), "%q", user)
	}
	require.True(t, can(fresh.Workspace, "ann"))
	require.True(t, can(fresh.Workspace, "zoe"))
	require.True(t, can(fresh.Workspace, "bob"))
	findings, err := fresh.Lint(ctx)
	require.NoError(t, err)
	report := fmt.Sprint(findings)
	for _, id := range []string{"bad0", "bad1", "bad2", "bad3", "bad4", "nameless"} {
		require.Contains(t, report, id)
	}
	err = fresh.store.View(ctx, "", func(r rbac.Reader) error {
		_, err := r.Role("bad0")
		return err
	})
	var malformed *rbac.MalformedError
	require.ErrorAs(t, err, &malformed)
	require.Equal(t, "bad0", malformed.ID)
	require.NoError(t, fresh.As("ann").Assign(ctx, good.ID, "carl"), "administration goes on")

	d.exec(`UPDATE events SET document = jsonb_build_object('seq', seq, 'nonsense', true) WHERE seq = 2`)
	var tampered *rbac.TamperedError
	require.ErrorAs(t, fresh.VerifyEvents(ctx), &tampered)
	require.Equal(t, int64(2), tampered.Seq)
	d.exec(`UPDATE events SET document = jsonb_build_object('seq', seq, 'time', now(), 'kind', 'member.assigned') WHERE seq = 2`)
	require.ErrorIs(t, fresh.VerifyEvents(ctx), rbac.ErrTampered)
}

// What PostgreSQL refuses is refused by the library first; a store that is
// given it all the same says so and writes nothing.
func TestScenario27_StrangeIDs(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{})
	assign(t, in.Workspace, rbac.Administrator, "ann")
	for _, user := range []string{"", " ", strings.Repeat("x", 256), "\xff", "a\x00b", "a\x01b"} {
		require.ErrorIs(t, in.System("test").Assign(ctx, rbac.Administrator, user), rbac.ErrInvalid, "%q", user)
		_, err := in.System("test").CreateRole(ctx, rbac.Role{Name: user + "\x00"})
		require.ErrorIs(t, err, rbac.ErrInvalid)
		require.False(t, can(in.Workspace, user))
		require.False(t, in.CanRecord(ctx, user, rbac.Deals, rbac.Read, user))
	}
	for _, bad := range []string{"a\x00b", "\xff"} {
		require.ErrorContains(t, in.store.View(ctx, bad, nil), "cannot be stored")
		require.ErrorContains(t, in.store.Update(ctx, bad, nil), "cannot be stored")
		found, err := in.store.Revisions(ctx, []string{bad})
		require.NoError(t, err)
		require.Empty(t, found)
		require.NoError(t, in.store.Update(ctx, "", func(tx rbac.Tx) error {
			_, err := tx.Role(rbac.RoleID(bad))
			require.ErrorIs(t, err, rbac.ErrRoleNotFound)
			_, err = tx.Member(bad)
			require.ErrorIs(t, err, rbac.ErrMemberNotFound)
			for _, q := range []rbac.MemberQuery{{Role: rbac.RoleID(bad)}, {After: bad}} {
				for _, err := range tx.Members(q) {
					require.ErrorContains(t, err, "cannot be stored")
				}
			}
			for m, err := range tx.Members(rbac.MemberQuery{Users: []string{bad, "ann"}}) {
				require.NoError(t, err)
				require.Equal(t, "ann", m.User)
			}
			require.NoError(t, tx.DeleteRole(rbac.RoleID(bad)))
			require.NoError(t, tx.DeleteMembers(bad))
			member, role := rbac.Member{User: bad, Role: "r"}, rbac.Role{ID: "r", Name: bad}
			require.ErrorContains(t, tx.PutRole(role), "cannot be stored")
			require.ErrorContains(t, tx.PutMembers(member), "cannot be stored")
			for _, e := range []rbac.Event{{Reason: bad}, {MemberAfter: &member}, {RoleBefore: &role}} {
				e.Seq = 2
				require.ErrorContains(t, tx.AppendEvents(e), "cannot be stored")
			}
			require.ErrorContains(t, tx.AppendEvents(rbac.Event{Seq: 7}), "event 7 was appended where event 2 belongs")
			return nil
		}))
	}
	require.Equal(t, 1, d.number("SELECT revision FROM workspaces"))
	checkInvariants(t, in.store, "")
}

// User ids are compared byte for byte; a user who has the id or name of a role
// gets nothing from it; workspaces do not meet.
func TestScenario28_UsersAreComparedByteForByte(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{})
	assign(t, in.Workspace, rbac.Administrator, "Bob", "\u00e9")
	for user, want := range map[string]bool{"Bob": true, "bob": false, "BOB": false, "Bob ": false, "\u00e9": true, "e\u0301": false} {
		require.Equal(t, want, can(in.Workspace, user), "%q", user)
	}
	require.ErrorIs(t, in.System("test").Remove(ctx, "bob"), rbac.ErrMemberNotFound)
}

// Role names that differ only in case, blanks or Unicode form are the same,
// also when several instances create them at the same moment.
func TestScenario29_NamesThatAreTheSame(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	instances := []*instance{d.instance(setup{}), d.instance(setup{}), d.instance(setup{})}
	for round := range scaled(40) {
		names := []string{"Caf\u00e9", " CAFE\u0301", "cafe\u0301"}
		var fns []func() error
		for i, in := range instances {
			fns = append(fns, func() error {
				_, err := in.System("test").CreateRole(ctx, rbac.Role{Name: fmt.Sprint(names[i], round)})
				return err
			})
		}
		taken := 0
		for _, err := range together(fns...) {
			if err != nil {
				require.ErrorIs(t, err, rbac.ErrNameTaken)
				taken++
			}
		}
		require.Equal(t, 2, taken)
	}
}

// An id that is used again inherits nothing.
func TestScenario30_IDsUsedAgain(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in, other := d.instance(setup{}), d.instance(setup{deaf: true, options: quiet()})
	assign(t, in.Workspace, rbac.Administrator, "ann", "bob")
	require.True(t, can(other.Workspace, "bob"))
	require.NoError(t, in.System("test").Suspend(ctx, "bob"))
	require.NoError(t, in.System("test").Remove(ctx, "bob"))
	role := addRole(t, in.Workspace, "Sales", deals(rbac.All))
	require.NoError(t, in.System("test").DeleteRole(ctx, role.ID))
	again := addRole(t, in.Workspace, "Sales", nil)
	require.NotEqual(t, role.ID, again.ID)
	assign(t, in.Workspace, again.ID, "bob")
	require.NoError(t, other.Sync(ctx))
	for _, w := range []*rbac.Workspace{in.Workspace, other.Workspace} {
		d, err := w.Explain(ctx, "bob", rbac.Deals, rbac.Read)
		require.NoError(t, err)
		require.False(t, d.Allowed)
		require.Equal(t, "Sales", d.RoleName, "the suspension is not inherited either")
	}
	checkInvariants(t, in.store, "")
}

// Metacharacters are data, and every random history ends as on MemStore.
func TestScenario31_RandomHistoriesAgreeWithMemStore(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	texts := []string{
		"'; DROP TABLE members; --", `"`, `\`, "%", "_", "$1", "<script>", "=1+1", "a'b", "日本語", "🦊", "{}", "\u00a0x", "null", "O'Neil",
	}
	for round := range scaled(20) {
		id := fmt.Sprint(texts[round%len(texts)], round)
		memory, err := rbac.Open(ctx, rbac.NewMemStore())
		require.NoError(t, err)
		in := d.instance(setup{})
		pairs := []*rbac.Workspace{memory.For(id), in.For(id)}
		names := map[int][]rbac.Role{}
		random := rand.New(rand.NewPCG(1, uint64(round)))
		for i, w := range pairs {
			assign(t, w, rbac.Administrator, texts[:3]...)
			names[i] = []rbac.Role{{ID: rbac.Administrator}, {ID: "missing"}}
		}
		for step := range 60 {
			actor, user, user2 := texts[random.IntN(6)], texts[random.IntN(9)], texts[random.IntN(9)]
			op, which, name, scope := random.IntN(7), random.IntN(8), texts[random.IntN(len(texts))], rbac.Scope(random.IntN(3))
			var results [2]string
			for i, w := range pairs {
				role := names[i][which%len(names[i])]
				admin := w.As(actor)
				var err error
				switch op {
				case 0:
					var made rbac.Role
					made, err = admin.CreateRole(ctx, rbac.Role{Name: name, Description: user, Permissions: rbac.Permissions{rbac.Deals: {Read: scope}, rbac.Users: {Manage: rbac.All}}})
					if err == nil {
						names[i] = append(names[i], made)
					}
				case 1:
					role.Description, role.Permissions = name, deals(scope)
					role, err = admin.UpdateRole(ctx, role)
					if err == nil {
						names[i][which%len(names[i])] = role
					}
				case 2:
					err = admin.DeleteRole(ctx, role.ID)
				case 3:
					err = admin.Suspend(ctx, user, user2)
				case 4:
					err = admin.Remove(ctx, user)
				default:
					err = admin.Assign(ctx, role.ID, user, user2)
				}
				results[i] = class(err)
			}
			require.Equal(t, results[0], results[1], "round %d, step %d: operation %d", round, step, op)
		}
		require.Equal(t, describe(t, pairs[0]), describe(t, pairs[1]), "round %d", round)
		checkInvariants(t, in.store, id)
		require.NoError(t, memory.Close())
	}
}

func class(err error) string {
	for _, rule := range []error{
		rbac.ErrInvalid, rbac.ErrDenied, rbac.ErrRoleNotFound, rbac.ErrMemberNotFound, rbac.ErrProtectedRole, rbac.ErrSelf,
		rbac.ErrConflict, rbac.ErrEscalation, rbac.ErrNameTaken, rbac.ErrRoleInUse, rbac.ErrLastAdministrator,
	} {
		if errors.Is(err, rule) {
			return rule.Error()
		}
	}
	return fmt.Sprint(err)
}

// describe tells everything of a workspace that does not depend on ids that
// the library makes, and on time.
func describe(t testing.TB, w *rbac.Workspace) []string {
	ctx := context.Background()
	roles, err := w.Roles(ctx)
	require.NoError(t, err)
	names := map[rbac.RoleID]string{}
	var lines []string
	for _, role := range roles {
		names[role.ID] = role.Name
		lines = append(lines, fmt.Sprintf("%q %q %v %d", role.Name, role.Description, role.Permissions, role.Version))
	}
	for m, err := range w.Members(ctx, rbac.MemberQuery{}) {
		require.NoError(t, err)
		lines = append(lines, fmt.Sprintf("%q %q %v", m.User, names[m.Role], m.Suspended))
	}
	for e, err := range w.Events(ctx, rbac.EventQuery{}) {
		require.NoError(t, err)
		lines = append(lines, fmt.Sprintf("%d %s %q %q", e.Seq, e.Kind, e.Actor, e.Reason))
	}
	return lines
}

// Nobody gives or touches more than they hold.
func TestScenario33_34_35_Escalation(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{})
	lead := addRole(t, in.Workspace, "Lead", rbac.Permissions{rbac.Users: {Read: rbac.All, Manage: rbac.All}, rbac.Deals: {Read: rbac.Own}})
	strong := addRole(t, in.Workspace, "Strong", deals(rbac.All))
	assign(t, in.Workspace, rbac.Administrator, "ann")
	assign(t, in.Workspace, lead.ID, "lee")
	assign(t, in.Workspace, strong.ID, "sam")
	before := d.number("SELECT revision FROM workspaces")
	admin := in.As("lee")
	_, err := admin.CreateRole(ctx, rbac.Role{Name: "More", Permissions: deals(rbac.All)})
	require.ErrorIs(t, err, rbac.ErrEscalation)
	require.ErrorIs(t, admin.Assign(ctx, strong.ID, "bob"), rbac.ErrEscalation)
	require.ErrorIs(t, admin.Assign(ctx, lead.ID, "lee"), rbac.ErrSelf)
	for _, way := range farewells(ctx, lead.ID) {
		require.ErrorIs(t, way(admin, "sam"), rbac.ErrEscalation)
		require.ErrorIs(t, way(admin, "ann"), rbac.ErrEscalation)
	}
	require.Equal(t, before, d.number("SELECT revision FROM workspaces"))
}

// The actor is demoted by another instance a moment before, and their own does
// not know yet: refused, because rights are read in the transaction.
func TestScenario36_ActorDemotedElsewhere(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	one := d.instance(setup{})
	two := d.instance(setup{deaf: true, options: quiet()})
	viewer := addRole(t, one.Workspace, "Viewer", nil)
	for _, way := range farewells(ctx, viewer.ID) {
		assign(t, one.Workspace, rbac.Administrator, "ann", "bob")
		require.NoError(t, one.System("test").Reinstate(ctx, "bob"))
		require.NoError(t, two.Sync(ctx))
		require.NoError(t, way(one.As("ann"), "bob"))
		require.True(t, can(two.Workspace, "bob"), "the other instance does not know")
		require.ErrorIs(t, two.As("bob").Assign(ctx, rbac.Administrator, "eve"), rbac.ErrDenied)
		require.NoError(t, two.Sync(ctx))
	}
	checkInvariants(t, one.store, "")
}

// A forged row of a system role is ignored.
func TestScenario37_ForgedSystemRole(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	assign(t, d.instance(setup{}).Workspace, rbac.Administrator, "ann")
	d.exec(`INSERT INTO roles VALUES ('', 'administrator', 'Forged', '', '{}', 1, now(), now()), ('', 'viewer', 'Forged too', '', '{"deals": {"read": "all"}}', 1, now(), now())`)
	d.exec(`INSERT INTO members VALUES ('', 'bob', 'viewer', false, now())`)
	in := d.instance(setup{options: []rbac.Option{rbac.WithSystemRoles(rbac.Role{ID: "viewer", Name: "Viewer"})}})
	require.True(t, can(in.Workspace, "ann"))
	require.False(t, can(in.Workspace, "bob"))
	roles, err := in.Roles(ctx)
	require.NoError(t, err)
	require.Len(t, roles, 2)
	require.NotContains(t, fmt.Sprint(roles), "Forged")
}

// An event cannot be written: the change fails too.
func TestScenario43_EventCannotBeWritten(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{})
	assign(t, in.Workspace, rbac.Administrator, "ann")
	d.exec("ALTER TABLE events ADD CONSTRAINT no_more CHECK (seq < 2)")
	require.Error(t, in.As("ann").Assign(ctx, rbac.Administrator, "bob"))
	require.False(t, can(in.Workspace, "bob"))
	require.Equal(t, 1, d.number("SELECT count(*) FROM members"))
	checkInvariants(t, in.store, "")
}

// One workspace's, and one schema's, ids and notifications never show in
// another's.
func TestScenario44_WorkspacesAndSchemasAreApart(t *testing.T) {
	ctx, d, e := t.Context(), newDatabase(t), newDatabase(t)
	in, elsewhere := d.instance(setup{}), e.instance(setup{})
	var mu sync.Mutex
	heard := map[string]bool{}
	listening := make(chan struct{}, 1)
	notify, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_ = in.store.Notify(notify, func(workspaces ...string) {
			mu.Lock()
			defer mu.Unlock()
			for _, w := range workspaces {
				heard[w] = true
			}
			if len(workspaces) == 0 {
				listening <- struct{}{}
			}
		})
	}()
	<-listening
	assign(t, elsewhere.For("elsewhere"), rbac.Administrator, "ann")
	workspaces := []string{"", "a", "A", "a ", "b"}
	for i, id := range workspaces {
		w := in.For(id)
		addRole(t, w, "Same", deals(rbac.All))
		assign(t, w, rbac.Administrator, fmt.Sprint("user", i))
	}
	for i, id := range workspaces {
		for j := range workspaces {
			require.Equal(t, i == j, can(in.For(id), fmt.Sprint("user", j)))
		}
		require.Len(t, administrators(t, in.For(id)), 1)
		require.NoError(t, in.For(id).VerifyEvents(ctx))
	}
	require.False(t, can(in.For("elsewhere"), "ann"))
	soon(t, 5*time.Second, "all are announced", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(heard) >= len(workspaces)
	})
	require.Equal(t, slices.Sorted(slices.Values(workspaces)), slices.Sorted(maps.Keys(heard)))
	checkInvariants(t, in.store, workspaces...)
}

// A user whose id is a role's id or name gets nothing from it.
func TestScenario45_UserNamedLikeARole(t *testing.T) {
	d := newDatabase(t)
	in := d.instance(setup{})
	role := addRole(t, in.Workspace, "Sales", deals(rbac.All))
	empty := addRole(t, in.Workspace, "Empty", nil)
	assign(t, in.Workspace, rbac.Administrator, "ann")
	assign(t, in.Workspace, empty.ID, string(role.ID), "Sales", "administrator")
	fresh := d.instance(setup{})
	for _, user := range []string{string(role.ID), "Sales", "administrator", "Administrator", "Empty"} {
		require.False(t, can(fresh.Workspace, user), user)
	}
}
