package pgstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// A workspace whose row cannot be made, or not be seen, is an error, and not a
// loop for as long as the context allows.
func TestRowThatCannotBeMade(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]string{
		"a trigger swallows it": `
			CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
			CREATE TRIGGER swallow BEFORE INSERT ON workspaces FOR EACH ROW EXECUTE FUNCTION swallow()`,
		"a policy hides it": `
			ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY;
			CREATE POLICY makes ON workspaces FOR INSERT WITH CHECK (true);
			CREATE POLICY sees ON workspaces FOR SELECT USING (id <> 'w');
			INSERT INTO workspaces VALUES ('w')`,
		"no policy lets it be locked": `
			ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY;
			CREATE POLICY makes ON workspaces FOR INSERT WITH CHECK (true);
			CREATE POLICY sees ON workspaces FOR SELECT USING (true)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			d := newDatabase(t)
			for sql := range strings.SplitSeq(refuse, ";\n") {
				d.exec(sql)
			}
			pool := d.ordinary()
			store := open(t, pool, d.schema)
			never := func(rbac.Tx) error {
				t.Error("the function ran without the lock")
				return nil
			}
			check := func(err error) {
				t.Helper()
				require.ErrorContains(t, err, `pgstore: the row of workspace "w" cannot be made and locked`)
				require.ErrorContains(t, err, "row-level security on "+pgx.Identifier{d.schema, "workspaces"}.Sanitize())
				require.NotErrorIs(t, err, rbac.ErrContention, "to try again does not help")
			}
			check(store.Update(ctx, "w", never))
			for _, transact := range transactions(t, pool, store) {
				check(transact(ctx, "", func(tx appTx) error { return tx.store.Update(ctx, "w", never) }))
			}
		})
	}
}

// ordinary returns a pool of a user who may do what the README grants, and
// whom policies concern.
func (d *database) ordinary() *pgxpool.Pool {
	d.Helper()
	role := pgx.Identifier{d.schema + " app"}.Sanitize()
	schema := pgx.Identifier{d.schema}.Sanitize()
	d.exec("CREATE ROLE " + role)
	d.Cleanup(func() {
		require.NoError(d, d.tryExec("DROP OWNED BY "+role))
		require.NoError(d, d.tryExec("DROP ROLE "+role))
	})
	d.exec("GRANT USAGE ON SCHEMA " + schema + " TO " + role)
	d.exec("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + schema + " TO " + role)
	return pgtest.Pool(d, d.url, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["role"] = d.schema + " app" })
}

// Whoever forgets In inside their own transaction waits for themselves: not for
// ever, and the error says so.
func TestScenario107_ForgottenIn(t *testing.T) {
	t.Parallel()
	undone := errors.New("undone")
	inside := func(ctx context.Context, in *instance, driver string, then func()) {
		t.Helper()
		require.ErrorIs(t, transactions(t, in.pool, in.store)[driver](ctx, "", func(tx appTx) error {
			// The server may not have heard yet that one before gave up.
			require.NoError(t, tx.exec("SET LOCAL lock_timeout = '1min'"))
			require.NoError(t, in.For("w").In(tx.store).System("test").Assign(ctx, rbac.Administrator, "ann"))
			then()
			return undone
		}), undone)
	}
	says := func(t *testing.T, err, is error) {
		t.Helper()
		require.ErrorIs(t, err, is)
		require.ErrorContains(t, err, `lock workspace "w", which another transaction may hold (one of the caller's own must be passed with Workspace.In)`)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	d := newDatabase(t)

	// Once, as long as a try takes if nobody has set a lock_timeout.
	in := d.instance(setup{})
	inside(ctx, in, "pgx", func() {
		began := time.Now()
		says(t, in.store.Update(ctx, "w", func(rbac.Tx) error { return nil }), rbac.ErrContention)
		require.GreaterOrEqual(t, time.Since(began), 5*time.Second)
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		says(t, in.For("w").System("test").Assign(short, rbac.Administrator, "bob"), context.DeadlineExceeded)
	})

	// All tries, with an application's own lock_timeout.
	in = d.instance(setup{pool: func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["lock_timeout"] = "20ms" }})
	for driver, transact := range transactions(t, in.pool, in.store) {
		inside(ctx, in, driver, func() {
			says(t, in.For("w").System("test").Assign(ctx, rbac.Administrator, "bob"), rbac.ErrContention)

			// A second transaction is not the first one. It can go on.
			require.NoError(t, transact(ctx, "", func(second appTx) error {
				admin := in.For("w").In(second.store).System("test")
				says(t, admin.Assign(ctx, rbac.Administrator, "bob"), rbac.ErrContention)
				return second.exec("SELECT")
			}))
		})
	}
	require.Zero(t, d.number("SELECT count(*) FROM members"))
	checkInvariants(t, in.store, "w")
}

// A caller's transaction has the settings that it had.
func TestTxKeepsSettings(t *testing.T) {
	t.Parallel()
	eachDriver(t, testTxKeepsSettings)
}

func testTxKeepsSettings(t *testing.T, d *database, transact transact) {
	ctx := t.Context()
	failure := errors.New("no")
	for _, own := range []string{"0", "7s"} {
		require.NoError(t, transact(ctx, "", func(tx appTx) error {
			require.NoError(t, tx.exec("SELECT set_config('lock_timeout', $1, true)", own))
			settings := func() []string {
				t.Helper()
				var lockTimeout, seqScan, bitmapScan string
				require.NoError(t, tx.row("SELECT current_setting('lock_timeout'), current_setting('enable_seqscan'), current_setting('enable_bitmapscan')", &lockTimeout, &seqScan, &bitmapScan))
				return []string{lockTimeout, seqScan, bitmapScan}
			}
			same := func() {
				t.Helper()
				require.Equal(t, []string{own, "on", "on"}, settings())
			}
			bound := own
			if own == "0" {
				bound = "50s"
			}
			for _, result := range []error{nil, failure} {
				require.ErrorIs(t, tx.store.Update(ctx, "w", func(rbac.Tx) error {
					require.Equal(t, []string{bound, "off", "off"}, settings())
					return result
				}), result)
				same()
				require.ErrorIs(t, tx.store.Update(ctx, "w", func(tx rbac.Tx) error {
					require.NoError(t, tx.PutMembers(rbac.Member{User: "ann", Role: rbac.Administrator}))
					return result
				}), result)
				same()
				require.ErrorIs(t, tx.store.View(ctx, "w", func(rbac.Reader) error { return result }), result)
				same()
				require.Panics(t, func() { _ = tx.store.View(ctx, "w", func(rbac.Reader) error { panic("no") }) })
				same()
				ended, end := context.WithCancel(ctx)
				require.ErrorIs(t, tx.store.View(ended, "w", func(rbac.Reader) error { end(); return nil }), context.Canceled)
				same()
				_, err := tx.store.Revisions(ctx, []string{"w"})
				require.NoError(t, err)
				same()
			}
			return nil
		}))
	}
	require.NoError(t, d.store.View(ctx, "w", func(rbac.Reader) error { return nil }))
	require.NoError(t, d.store.Update(ctx, "w", func(rbac.Tx) error { return nil }))
	_, err := d.store.Revisions(ctx, []string{"w"})
	require.NoError(t, err)
	for _, conn := range d.pool.AcquireAllIdle(ctx) {
		defer conn.Release()
		var lockTimeout, seqScan, bitmapScan string
		require.NoError(t, conn.QueryRow(ctx, "SELECT current_setting('lock_timeout'), current_setting('enable_seqscan'), current_setting('enable_bitmapscan')").Scan(&lockTimeout, &seqScan, &bitmapScan))
		require.Equal(t, []string{"0", "on", "on"}, []string{lockTimeout, seqScan, bitmapScan}, "a session of the pool")
	}
}
