package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/sqlitestore"
)

//go:embed schema.sql
var schema string

// database holds the CRM's tables and those of rbac. Queries are the same on
// SQLite and PostgreSQL: both take $1 for a parameter.
type database struct {
	*sql.DB
	store rbac.Store

	// transact runs fn in one transaction, which is committed if fn returns nil.
	// What fn writes and what it changes in the workspace happen together, or
	// neither does. Then the next check sees the change.
	transact func(ctx context.Context, w *rbac.Workspace, fn func(transaction) error) error

	// places is how a condition writes arguments whose number it does not know.
	// SQLite takes each ? for the argument behind the one of the last $1 or ?.
	places rbac.Placeholders

	lock  string // the statement that makes transactions of seed wait for each other
	close func() error
}

func (d *database) exec(ctx context.Context, query string, args ...any) error {
	_, err := d.ExecContext(ctx, query, args...)
	return err
}

// transaction is one of the CRM's tables and of rbac's.
type transaction interface {
	exec(ctx context.Context, query string, args ...any) error
	number(ctx context.Context, query string, args ...any) (n int64, err error)
	access() *rbac.Transaction // the workspace inside it
}

// openSQLite opens the file crm.db in a folder.
func openSQLite(ctx context.Context, dir string) (*database, error) {
	path, err := filepath.Abs(filepath.Join(dir, "crm.db"))
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite itself would let others read it
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	location := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "_txlock=immediate" +
		"&_pragma=busy_timeout(30000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"}
	db, err := sql.Open("sqlite", location.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	if err := refuseOlder(ctx, db, path, "remove that file, or keep everything in another folder"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := sqlitestore.Migrate(ctx, db, sqlitestore.WithBusyTimeout(30*time.Second)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	store, err := sqlitestore.New(ctx, db, sqlitestore.WithBusyTimeout(30*time.Second))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	transact := func(ctx context.Context, w *rbac.Workspace, fn func(transaction) error) error {
		return store.Transact(ctx, w, func(tx *sql.Tx, in *rbac.Transaction) error { return fn(sqliteTx{tx, in}) })
	}
	return &database{db, store, transact, rbac.Question, "SELECT 1", db.Close}, nil
}

type sqliteTx struct {
	tx *sql.Tx
	in *rbac.Transaction
}

func (t sqliteTx) access() *rbac.Transaction { return t.in }

func (t sqliteTx) exec(ctx context.Context, query string, args ...any) error {
	_, err := t.tx.ExecContext(ctx, query, args...)
	return err
}

func (t sqliteTx) number(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = t.tx.QueryRowContext(ctx, query, args...).Scan(&n)
	return n, err
}

// openPostgres opens the database of a URL.
func openPostgres(ctx context.Context, location string) (*database, error) {
	config, err := pgxpool.ParseConfig(location)
	if err != nil {
		return nil, fmt.Errorf("-postgres: %w", err) // without the password
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDBFromPool(pool)
	closeAll := func() error {
		defer pool.Close()
		return db.Close()
	}
	if err := refuseOlder(ctx, db, "the database", "use another, empty one"); err != nil {
		return nil, errors.Join(err, closeAll())
	}
	if err := pgstore.Migrate(ctx, pool); err != nil {
		return nil, errors.Join(err, closeAll())
	}
	store, err := pgstore.New(ctx, pool)
	if err != nil {
		return nil, errors.Join(err, closeAll())
	}
	transact := func(ctx context.Context, w *rbac.Workspace, fn func(transaction) error) error {
		return store.Transact(ctx, w, func(tx pgx.Tx, in *rbac.Transaction) error { return fn(postgresTx{tx, in}) })
	}
	return &database{db, store, transact, rbac.Dollar, "SELECT pg_advisory_xact_lock(20260105)", closeAll}, nil
}

type postgresTx struct {
	tx pgx.Tx
	in *rbac.Transaction
}

func (t postgresTx) access() *rbac.Transaction { return t.in }

func (t postgresTx) exec(ctx context.Context, query string, args ...any) error {
	_, err := t.tx.Exec(ctx, query, args...)
	return err
}

func (t postgresTx) number(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = t.tx.QueryRow(ctx, query, args...).Scan(&n)
	return n, err
}

// refuseOlder returns an error if a database is that of a CRM that served one company
// only. Nothing has been changed in it then.
func refuseOlder(ctx context.Context, db *sql.DB, where, instead string) error {
	var n int64
	if db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sessions").Scan(&n) != nil {
		return nil // it has no tables of any CRM yet, or what comes next fails
	}
	if err := db.QueryRowContext(ctx, "SELECT COUNT(company) FROM sessions").Scan(&n); err != nil {
		return fmt.Errorf("%s was made by an older CRM, and is not migrated: %s (%w)", where, instead, err)
	}
	return nil
}

// collect returns what scan makes of each row of a query.
func collect[T any](ctx context.Context, db *database, query string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []T{} // an empty list is [] in JSON, not null
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, rows.Err()
}
