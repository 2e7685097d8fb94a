package pgstore_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/scenarios"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/pgstore"
)

// viaSQL is a database whose application has its transactions from
// database/sql.
type viaSQL struct {
	*database
	transact transact
}

func (d viaSQL) Transaction(ctx context.Context, _ string, fn func(in rbac.Store) error) error {
	return d.transact(ctx, "", func(tx appTx) error { return fn(tx.store) })
}

// The scenarios with a transaction of the application. Those of pgx are in
// TestScenarios.
func TestSQLTxScenarios(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Scenario02_LastAdministratorStays", "Scenario04_TwoEditsFromOneVersion", "Scenario15_RolledBackChange", "Scenario16_ReadYourOwnChange",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			scenarios.RunOne(t, name, viaSQL{d, transactions(t, d.pool, d.store)["database/sql"]})
		})
	}
}

// What the application wrote and what the library wrote are rolled back
// together. Nobody hears of it, and another instance answers as before.
func TestScenario106_RollbackTakesBoth(t *testing.T) {
	t.Parallel()
	eachDriver(t, func(t *testing.T, d *database, transact transact) {
		ctx := t.Context()
		d.exec("CREATE TABLE users (id text PRIMARY KEY)")
		w, other := d.instance(setup{options: quiet()}).For("w"), d.instance(setup{options: quiet()}).For("w")
		hints := workspacetest.Listen(t, d.store)
		signUp := func(user string, end error) error {
			return transact(ctx, "", func(tx appTx) error {
				if err := tx.exec("INSERT INTO "+pgx.Identifier{d.schema, "users"}.Sanitize()+" VALUES ($1)", user); err != nil {
					return err
				}
				if err := w.In(tx.store).System("sign-up").Assign(ctx, rbac.Administrator, user); err != nil {
					return err
				}
				return end
			})
		}
		require.ErrorIs(t, signUp("ann", context.Canceled), context.Canceled)
		for _, table := range []string{"users", "workspaces", "members", "events"} {
			require.Zero(t, d.number("SELECT count(*) FROM "+table), table)
		}
		require.NoError(t, other.Sync(ctx))
		require.False(t, can(other, "ann"))

		require.NoError(t, signUp("bob", nil))
		workspacetest.Soon(t, 30*time.Second, "the commit is heard of", func() bool { return len(hints()) > 0 })
		require.Equal(t, []string{"w"}, hints(), "the rollback was not announced")
		for _, table := range []string{"users", "workspaces", "members", "events"} {
			require.Equal(t, 1, d.number("SELECT count(*) FROM "+table), table)
		}
		require.NoError(t, other.Sync(ctx))
		require.True(t, can(other, "bob"))
		checkInvariants(t, d.store, "w")
	})
}

// Where the transaction belongs somebody gives the handle, on which each
// statement would commit by itself, or a connection without a transaction.
func TestScenario107_ForgottenTransaction(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	db := stdlib.OpenDBFromPool(d.pool)
	defer db.Close()
	conn, err := db.Conn(ctx)
	require.NoError(t, err)
	defer conn.Close()
	w := d.instance(setup{}).For("w")
	assign(t, w, rbac.Administrator, "ann")
	never := func() { t.Error("the function ran outside a transaction") }
	for name, on := range map[string]pgstore.SQLTx{"a *sql.DB": db, "a *sql.Conn": conn} {
		store := d.store.SQLTx(on)
		_, revisions := store.Revisions(ctx, []string{"w"})
		for _, err := range []error{
			w.In(store).System("test").Assign(ctx, rbac.Administrator, "bob"),
			store.Update(ctx, "w", func(rbac.Tx) error { never(); return nil }),
			store.View(ctx, "w", func(rbac.Reader) error { never(); return nil }),
			revisions,
		} {
			require.ErrorContains(t, err, "pgstore: savepoint: SQLTx was given "+name+" that is in no transaction")
		}
	}
	require.Equal(t, 1, d.number("SELECT count(*) FROM members"))
	require.Panics(t, func() { d.store.SQLTx(nil) }, "a wiring mistake")

	// A transaction that was begun by hand is one.
	for _, begin := range []string{"BEGIN", "COMMIT"} {
		_, err := conn.ExecContext(ctx, begin)
		require.NoError(t, err)
		if begin == "BEGIN" {
			require.NoError(t, w.In(d.store.SQLTx(conn)).System("test").Assign(ctx, rbac.Administrator, "bob"))
		}
	}
	require.Equal(t, 2, d.number("SELECT count(*) FROM members"))
}

// After its end a transaction gives errors, whoever ended it.
func TestSQLTxThatHasEnded(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	db := stdlib.OpenDBFromPool(d.pool)
	defer db.Close()
	ctx, cancel := context.WithCancel(t.Context())
	tx, err := db.BeginTx(ctx, nil)
	require.NoError(t, err)
	store := d.store.SQLTx(tx)
	err = store.Update(ctx, "w", func(in rbac.Tx) error {
		require.NoError(t, in.PutMembers(rbac.Member{User: "ann", Role: "sales"}))
		cancel()
		return in.PutMembers(rbac.Member{User: "bob", Role: "sales"})
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Error(t, tx.Commit(), "database/sql rolls back what a context ends")
	_ = tx.Rollback() // if it has not come to that yet
	err = store.Update(t.Context(), "w", func(rbac.Tx) error { return nil })
	require.ErrorIs(t, err, sql.ErrTxDone)
	require.Zero(t, d.number("SELECT count(*) FROM members"))
}

// noArguments formats statements itself, and gives the driver none of the
// arguments, as bun does with its own transactions.
type noArguments struct{ *sql.Tx }

func (tx noArguments) ExecContext(ctx context.Context, query string, _ ...any) (sql.Result, error) {
	return tx.Tx.ExecContext(ctx, query)
}

func (tx noArguments) QueryContext(ctx context.Context, query string, _ ...any) (*sql.Rows, error) {
	return tx.Tx.QueryContext(ctx, query)
}

func TestSQLTxThatLosesArguments(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	db := stdlib.OpenDBFromPool(d.pool)
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	require.NoError(t, err)
	defer tx.Rollback()
	err = d.store.SQLTx(noArguments{tx}).View(ctx, "w", func(rbac.Reader) error { return nil })
	require.ErrorContains(t, err, "pgstore: view: SQLTx was given a pgstore_test.noArguments that does not pass arguments on")
	require.NoError(t, d.store.SQLTx(tx).View(ctx, "w", func(rbac.Reader) error { return nil }), "the transaction can go on")
}
