package sqlitestore_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
	"github.com/areagate/rbac/sqlitestore"
)

func TestStore(t *testing.T) {
	t.Run("Open", func(t *testing.T) {
		rbactest.TestStore(t, func(t *testing.T) rbac.Store { return open(t, tempFile(t)) })
	})
	t.Run("New with a write-ahead log", func(t *testing.T) {
		rbactest.TestStore(t, func(t *testing.T) rbac.Store {
			return overHandle(t, handle(t, tempFile(t), "_pragma=busy_timeout(60000)&_pragma=journal_mode(WAL)"))
		})
	})
	t.Run("New with one connection in memory", func(t *testing.T) {
		rbactest.TestStore(t, func(t *testing.T) rbac.Store {
			db, err := sql.Open("sqlite", ":memory:")
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, db.Close()) })
			db.SetMaxOpenConns(1)
			return overHandle(t, db)
		})
	})
	// Each View and Update in a transaction of its own, that of a caller.
	t.Run("Tx", func(t *testing.T) {
		rbactest.TestStore(t, func(t *testing.T) rbac.Store {
			path := tempFile(t)
			open(t, path)
			return inTx{handle(t, path, "_txlock=immediate&_pragma=busy_timeout(100)"), handle(t, path, "_pragma=busy_timeout(100)")}
		})
	})
}

// inTx is a Store that makes every call through Tx, as Admin.In does.
type inTx struct{ write, read *sql.DB }

func (s inTx) within(ctx context.Context, db *sql.DB, fn func(rbac.Store) error) error {
	tx, err := db.BeginTx(ctx, nil)
	var busy *sqlite.Error
	if errors.As(err, &busy) && busy.Code() == sqlite3.SQLITE_BUSY {
		return rbac.ErrContention
	}
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := fn(sqlitestore.Tx(tx)); err != nil {
		return err
	}
	return tx.Commit()
}

func (s inTx) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return s.within(ctx, s.read, func(in rbac.Store) error { return in.View(ctx, workspace, fn) })
}

func (s inTx) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	return s.within(ctx, s.write, func(in rbac.Store) error { return in.Update(ctx, workspace, fn) })
}

func (s inTx) Revisions(ctx context.Context, workspaces []string) (found map[string]rbac.Revision, err error) {
	err = s.within(ctx, s.read, func(in rbac.Store) error {
		found, err = in.Revisions(ctx, workspaces)
		return err
	})
	return found, err
}

func tempFile(t testing.TB) string { return filepath.Join(t.TempDir(), "rbac.db") }

// open opens a file for the duration of a test.
func open(t testing.TB, path string, opts ...sqlitestore.Option) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(path, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// handle opens a file as an application does that has tables of its own.
func handle(t testing.TB, path, query string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?"+query)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func overHandle(t testing.TB, db *sql.DB) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.New(db)
	require.NoError(t, err)
	return s
}

// authorizer opens an Authorizer for the duration of a test.
func authorizer(t testing.TB, store rbac.Store, opts ...rbac.Option) *rbac.Authorizer {
	t.Helper()
	az, err := rbac.Open(t.Context(), store, append([]rbac.Option{rbac.WithLogger(slog.New(slog.DiscardHandler))}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, az.Close()) })
	return az
}
