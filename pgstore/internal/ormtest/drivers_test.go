package ormtest

import (
	"context"
	"database/sql"
	"testing"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"
	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
	"github.com/areagate/rbac/storetest"
)

// signUp inserts a user of the application and assigns them a role, in the
// transaction of somebody's.
func signUp(ctx context.Context, d *database, w *rbac.Workspace, tx pgstore.SQLTx, user string) error {
	if _, err := tx.ExecContext(ctx, "INSERT INTO "+pgx.Identifier{d.schema, "users"}.Sanitize()+" VALUES ('"+user+"')"); err != nil {
		return err
	}
	return w.In(d.store.SQLTx(tx)).System("sign-up").Assign(ctx, "viewer", user)
}

// Each of these has a transaction that SQLTx takes, which commits and rolls
// back both.
func TestTransactionsOfOthers(t *testing.T) {
	t.Parallel()
	type ending interface {
		Commit() error
		Rollback() error
	}
	for name, begin := range map[string]func(ctx context.Context, d *database) (pgstore.SQLTx, ending, error){
		"sqlx": func(ctx context.Context, d *database) (pgstore.SQLTx, ending, error) {
			tx, err := sqlx.NewDb(d.db, "pgx").BeginTxx(ctx, nil)
			return tx, tx, err
		},
		"bun": func(ctx context.Context, d *database) (pgstore.SQLTx, ending, error) {
			tx, err := bun.NewDB(d.db, pgdialect.New()).BeginTx(ctx, nil)
			return tx.Tx, tx, err
		},
		// What the Tx of generated code has its ExecContext from, with the
		// feature sql/execquery.
		"ent": func(ctx context.Context, d *database) (pgstore.SQLTx, ending, error) {
			tx, err := entsql.OpenDB("postgres", d.db).Tx(ctx)
			if err != nil {
				return nil, nil, err
			}
			return tx.(pgstore.SQLTx), tx, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, d := t.Context(), newDatabase(t)
			w := d.authorizer(t).For("acme")
			_, err := d.db.ExecContext(ctx, "CREATE TABLE users (id text PRIMARY KEY)")
			require.NoError(t, err)
			for i, end := range []func(ending) error{ending.Rollback, ending.Commit} {
				tx, ends, err := begin(ctx, d)
				require.NoError(t, err)
				require.NoError(t, signUp(ctx, d, w, tx, "ann"))
				require.NoError(t, end(ends))
				require.Equal(t, i, d.count(t, "users"))
				require.Equal(t, i, d.count(t, "members"))
			}
			require.NoError(t, w.Sync(ctx))
			require.True(t, w.Can(ctx, "ann", rbac.Users, rbac.Read))
		})
	}
}

// A bun.Tx puts arguments into the text by itself, where it has a question mark.
func TestBunTxIsRefused(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	tx, err := bun.NewDB(d.db, pgdialect.New()).BeginTx(ctx, nil)
	require.NoError(t, err)
	defer tx.Rollback()
	err = d.authorizer(t).In(d.store.SQLTx(tx)).System("sign-up").Assign(ctx, "viewer", "ann")
	require.ErrorContains(t, err, "SQLTx was given a bun.Tx that does not pass arguments on, as the *sql.Tx in it would")
	require.NoError(t, d.authorizer(t).In(d.store.SQLTx(tx.Tx)).System("sign-up").Assign(ctx, "viewer", "ann"))
	require.NoError(t, tx.Commit())
	require.Equal(t, 1, d.count(t, "members"))
}

// pqHandle is a handle with the driver lib/pq, in a version that takes no
// slices of Go.
func pqHandle(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", pgtest.URL(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestStoreByPq(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) rbac.Store {
		return txPerCall{newDatabase(t).store, onHandle(pqHandle(t))}
	})
}

// Its errors are contention where those of pgx are.
func TestContentionByPq(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	db := pqHandle(t)
	holds := func(rbac.Tx) error {
		return onHandle(db)(ctx, &sql.TxOptions{}, func(tx pgstore.SQLTx) error {
			if _, err := tx.ExecContext(ctx, "SET LOCAL lock_timeout = '10ms'"); err != nil {
				return err
			}
			return d.store.SQLTx(tx).Update(ctx, "w", func(rbac.Tx) error { return nil })
		})
	}
	err := d.store.Update(ctx, "w", holds)
	require.ErrorIs(t, err, rbac.ErrContention)
	require.ErrorContains(t, err, "Workspace.In")
	err = d.store.SQLTx(db).View(ctx, "w", func(rbac.Reader) error { return nil })
	require.ErrorContains(t, err, "SQLTx was given a *sql.DB that is in no transaction")
}
