package pgstore_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// The same races without the lock, to show that the test above would notice:
// both succeed and nobody is left, at READ COMMITTED and at REPEATABLE READ.
func TestScenario01_WithoutTheLockNobodyIsLeft(t *testing.T) {
	t.Parallel()
	for _, level := range []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead} {
		t.Run(string(level), func(t *testing.T) {
			ctx, d := t.Context(), newDatabase(t)
			app := d.instance(setup{})
			var meeting sync.WaitGroup // both have read before one writes
			var instances []*rbac.Authorizer
			for range 2 {
				store := pgstore.Unlocked(d.pool, d.schema, level, func() { meeting.Done(); meeting.Wait() })
				instances = append(instances, workspacetest.Open(t, workspacetest.Deaf(store)))
			}
			viewer := addRole(t, app.Workspace, "Viewer", nil)
			ways := workspacetest.Farewells(ctx, viewer.ID)
			for race := range scaled(100) {
				assign(t, app.Workspace, rbac.Administrator, "ann", "bob")
				require.NoError(t, app.System("race").Reinstate(ctx, "ann", "bob"))
				require.Len(t, administrators(t, app.Workspace), 2)
				meeting.Add(2)
				for _, err := range together(
					func() error { return ways[race%3](instances[0].As("ann"), "bob") },
					func() error { return ways[race%3](instances[1].As("bob"), "ann") },
				) {
					require.NoError(t, err)
				}
				require.Empty(t, administrators(t, app.Workspace), "race %d", race)
			}
		})
	}
}

// Writers of one workspace wait for each other, writers of others do not wait
// for them, and readers wait for nobody.
func TestOnlyWritersOfOneWorkspaceWait(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{pool: func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["lock_timeout"] = "10min" }})
	for _, w := range []string{"a", "b"} {
		assign(t, in.For(w), rbac.Administrator, "ann")
	}
	entered, release := make(chan struct{}), make(chan struct{})
	end := sync.OnceFunc(func() { close(release) })
	defer end() // or the pool could not be closed
	first := make(chan error, 1)
	go func() {
		first <- in.store.Update(ctx, "a", func(tx rbac.Tx) error {
			close(entered)
			<-release
			return tx.PutMembers(rbac.Member{User: "x", Role: "r"})
		})
	}()
	<-entered
	second := make(chan error, 1)
	go func() { second <- in.For("a").System("test").Assign(ctx, rbac.Administrator, "bob") }()
	for range 100 {
		assign(t, in.For("b"), rbac.Administrator, "bob")
		require.NoError(t, in.For("b").System("test").Remove(ctx, "bob"))
		assign(t, in.For("new"), rbac.Administrator, "ann")
		require.Len(t, administrators(t, in.For("a")), 1)
	}
	select {
	case err := <-second:
		t.Fatalf("a writer of the same workspace did not wait: %v", err)
	default:
	}
	end()
	require.NoError(t, <-first)
	require.NoError(t, <-second)
	require.Len(t, administrators(t, in.For("a")), 2)
}

// The same through a slow network: readings take longer than the time between
// own changes, and no check ever sees the state before the last change.
func TestScenario06_SlowNetwork(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	other := d.instance(setup{deaf: true, options: quiet()})
	slow := open(t, pgtest.Pool(t, p.url(d.url)), d.schema)
	// Readings go through the proxy, changes do not.
	store := readElsewhere{d.Store(), "w", slow}
	w := workspacetest.Open(t, store, quiet()...).For("w")
	assign(t, w, rbac.Administrator, "ann", "eve")
	require.True(t, can(w, "ann"))
	p.set(func() { p.delay = 10 * time.Millisecond })
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !done.Load() {
			_ = w.Sync(ctx)
		}
	})
	for i := range max(scaled(40), 10) {
		assign(t, w, rbac.Administrator, "bob")
		require.True(t, can(w, "bob"), "round %d", i)
		if i%4 == 0 { // somebody else's, so that the reading brings something
			assign(t, other.For("w"), rbac.Administrator, "eve")
			require.NoError(t, other.For("w").System("test").Remove(ctx, "eve"))
		}
		time.Sleep(time.Duration(20+rand.IntN(40)) * time.Millisecond) // a reading finds bob
		require.NoError(t, w.As("ann").Remove(ctx, "bob"))
		for began := time.Now(); time.Since(began) < 50*time.Millisecond; time.Sleep(100 * time.Microsecond) {
			require.False(t, can(w, "bob"), "round %d", i)
		}
	}
	done.Store(true)
	wg.Wait()
	checkInvariants(t, store.Store, "w")
}

// readElsewhere is a store whose Views of one workspace are another's.
type readElsewhere struct {
	rbac.Store
	workspace string
	views     rbac.Store
}

func (s readElsewhere) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	if workspace == s.workspace {
		return s.views.View(ctx, workspace, fn)
	}
	return s.Store.View(ctx, workspace, fn)
}

// A writer that waits too long, or loses a deadlock, is tried again, and in
// the end an error; nothing is half applied.
func TestScenario07_ContentionIsRetried(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{pool: func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["lock_timeout"] = "20ms" }})
	assign(t, in.Workspace, rbac.Administrator, "ann")
	held := func() (release func()) {
		t.Helper()
		tx, err := d.pool.Begin(ctx)
		require.NoError(t, err)
		_, err = tx.Exec(ctx, "SELECT FROM "+pgx.Identifier{d.schema, "workspaces"}.Sanitize()+" FOR UPDATE")
		require.NoError(t, err)
		return func() { require.NoError(t, tx.Rollback(context.Background())) }
	}
	release := held()
	before, assigned := in.queries.begins.Load(), make(chan error, 1)
	go func() { assigned <- in.As("ann").Assign(ctx, rbac.Administrator, "bob") }()
	soon(t, 20*time.Second, "it is tried again", func() bool { return in.queries.begins.Load() >= before+3 })
	release()
	require.NoError(t, <-assigned)

	release = held()
	require.ErrorIs(t, in.As("ann").Assign(ctx, rbac.Administrator, "eve"), rbac.ErrContention)
	release()
	require.Len(t, administrators(t, in.Workspace), 2)
	checkInvariants(t, in.store, "")
}

func TestScenario07_DeadlockIsContention(t *testing.T) {
	t.Parallel()
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
				store := in.store.Tx(tx)
				if err := in.For(first).In(store).System("test").Assign(ctx, rbac.Administrator, "bob"); err != nil {
					return err
				}
				meeting.Done()
				meeting.Wait()
				return in.For(second).In(store).System("test").Assign(ctx, rbac.Administrator, "eve")
			})
		}
	}
	errs := together(cross("a", "b"), cross("b", "a"))
	require.True(t, (errs[0] == nil) != (errs[1] == nil), "%v", errs)
	require.ErrorIs(t, errors.Join(errs...), rbac.ErrContention)
	require.Equal(t, 4, d.number("SELECT count(*) FROM members"), "one of the transactions, whole")
	checkInvariants(t, in.store, "a")
	checkInvariants(t, in.store, "b")
}

// Contact is lost after the COMMIT was sent: the outcome is reported as
// unknown, and the next check asks the store.
func TestScenario07_UnknownOutcome(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	d := newDatabase(t)
	p := newProxy(t, d.url)
	in := d.instance(setup{url: p.url(d.url), deaf: true, options: quiet()})
	assign(t, in.Workspace, rbac.Administrator, "ann")
	for _, stall := range []time.Duration{10 * time.Millisecond, time.Hour} {
		ctx, cancel := context.WithCancel(t.Context())
		var restored *time.Timer
		p.set(func() {
			p.inspect = func(b []byte) bool {
				if bytes.Contains(b, []byte("commit\x00")) {
					p.stall()
					cancel()
					restored = time.AfterFunc(stall, p.restore)
				}
				return false
			}
		})
		began := time.Now()
		err := in.store.Update(ctx, "", func(tx rbac.Tx) error { return tx.PutRole(rbac.Role{ID: "r", Name: "R"}) })
		require.Less(t, time.Since(began), 20*time.Second)
		if stall < time.Second {
			require.NoError(t, err, "the answer came soon after the context had ended")
		} else {
			require.ErrorIs(t, err, rbac.ErrOutcomeUnknown)
			require.ErrorIs(t, err, context.Canceled)
		}
		restored.Stop()
		p.restore()
		cancel()
	}
}

// A connection is killed in the middle of a change: an error, and nothing is
// written.
func TestScenario07_ConnectionLostBeforeCommit(t *testing.T) {
	t.Parallel()
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
	checkInvariants(t, d.Store(), "") // the pool holds broken connections
}
