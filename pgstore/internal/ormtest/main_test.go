package ormtest

import (
	"context"
	"database/sql"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// database is a schema of a test's own.
type database struct {
	schema string
	pool   *pgxpool.Pool
	db     *sql.DB // on the pool, by the driver of pgx
	store  *pgstore.Store
}

func newDatabase(t testing.TB) *database {
	t.Helper()
	ctx := context.Background()
	schema := pgtest.Schema(t)
	pool := pgtest.Pool(t, pgtest.URL(t), func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize()
	})
	require.NoError(t, pgstore.Migrate(ctx, pool, pgstore.WithSchema(schema)))
	store, err := pgstore.New(ctx, pool, pgstore.WithSchema(schema))
	require.NoError(t, err)
	db := stdlib.OpenDBFromPool(pool)
	t.Cleanup(func() { _ = db.Close() })
	return &database{schema, pool, db, store}
}

// authorizer opens an instance in which who holds the role "viewer" reads users.
func (d *database) authorizer(t testing.TB) *rbac.Authorizer {
	t.Helper()
	az, err := rbac.Open(context.Background(), struct{ rbac.Store }{d.store},
		rbac.WithSystemRoles(rbac.Role{ID: "viewer", Name: "Viewer", Permissions: rbac.Permissions{rbac.Users: {Read: rbac.All}}}))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, az.Close()) })
	return az
}

// count counts the rows of a table.
func (d *database) count(t testing.TB, table string) (n int) {
	t.Helper()
	require.NoError(t, d.db.QueryRow("SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// transact runs fn with a transaction, and commits unless fn fails.
type transact func(ctx context.Context, opts *sql.TxOptions, fn func(pgstore.SQLTx) error) error

// onHandle is the transact of a handle of database/sql.
func onHandle(db *sql.DB) transact {
	return func(ctx context.Context, opts *sql.TxOptions, fn func(pgstore.SQLTx) error) error {
		tx, err := db.BeginTx(ctx, opts)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Commit()
	}
}

// txPerCall is a Store that does everything in a transaction of the
// application, one for each call.
type txPerCall struct {
	store    *pgstore.Store
	transact transact
}

func (s txPerCall) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return s.transact(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead}, func(tx pgstore.SQLTx) error {
		return s.store.SQLTx(tx).View(ctx, workspace, fn)
	})
}

func (s txPerCall) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	return s.transact(ctx, &sql.TxOptions{}, func(tx pgstore.SQLTx) error { return s.store.SQLTx(tx).Update(ctx, workspace, fn) })
}

func (s txPerCall) Revisions(ctx context.Context, workspaces []string) (found map[string]rbac.Revision, err error) {
	err = s.transact(ctx, &sql.TxOptions{}, func(tx pgstore.SQLTx) error {
		found, err = s.store.SQLTx(tx).Revisions(ctx, workspaces)
		return err
	})
	return found, err
}

func (s txPerCall) Workspaces(ctx context.Context, q rbac.WorkspaceQuery) (found []string, err error) {
	err = s.transact(ctx, &sql.TxOptions{}, func(tx pgstore.SQLTx) error {
		found, err = s.store.SQLTx(tx).Workspaces(ctx, q)
		return err
	})
	return found, err
}
