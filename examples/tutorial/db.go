package main

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/sqlitestore"
)

// The rows of a workspace end with its row in workspaces.
const schema = `
CREATE TABLE IF NOT EXISTS people (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS workspaces (id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
	hash        TEXT PRIMARY KEY,
	person      TEXT NOT NULL REFERENCES people (id),
	workspace   TEXT REFERENCES workspaces (id) ON DELETE CASCADE, -- of a key; NULL for a session
	permissions TEXT NOT NULL DEFAULT '{}'                         -- the limit of a key
);
CREATE TABLE IF NOT EXISTS tickets (
	id        TEXT PRIMARY KEY,
	workspace TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
	owner     TEXT NOT NULL REFERENCES people (id),
	title     TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS tickets_owner ON tickets (workspace, owner, id);`

// database is our tables and the library's, in one database.
type database struct {
	*sql.DB
	store rbac.Store
	holes rbac.Placeholders
	write func(context.Context, *rbac.Workspace, func(tx, *rbac.Transaction) error) error
	close func()
}

// tx is what our statements need of a transaction, whose types differ.
type tx struct {
	exec func(query string, args ...any) error
	row  func(query string, args ...any) row
}

type row = interface{ Scan(...any) error }

// open opens sqlite:PATH or postgres://…. An error does not repeat the name,
// which may hold a password.
func open(ctx context.Context, name string) (*database, error) {
	path, isFile := strings.CutPrefix(name, "sqlite:")
	switch {
	case isFile && path != "":
		return openSQLite(ctx, path)
	case strings.HasPrefix(name, "postgres://"):
		return openPostgreSQL(ctx, name)
	}
	return nil, errors.New("-store: want sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE")
}

func openSQLite(ctx context.Context, path string) (*database, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(5000)"+
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	var store *sqlitestore.Store
	if _, err = db.ExecContext(ctx, schema); err == nil {
		if err = sqlitestore.Migrate(ctx, db); err == nil {
			store, err = sqlitestore.New(ctx, db)
		}
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	write := func(ctx context.Context, w *rbac.Workspace, fn func(tx, *rbac.Transaction) error) error {
		return store.Transact(ctx, w, func(t *sql.Tx, in *rbac.Transaction) error {
			return fn(tx{
				exec: func(query string, args ...any) error { _, err := t.ExecContext(ctx, query, args...); return err },
				row:  func(query string, args ...any) row { return t.QueryRowContext(ctx, query, args...) },
			}, in)
		})
	}
	return &database{DB: db, store: store, holes: rbac.Question, write: write, close: func() { db.Close() }}, nil
}

func openPostgreSQL(ctx context.Context, url string) (*database, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	var store *pgstore.Store
	if _, err = pool.Exec(ctx, schema); err == nil {
		if err = pgstore.Migrate(ctx, pool); err == nil {
			store, err = pgstore.New(ctx, pool)
		}
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	write := func(ctx context.Context, w *rbac.Workspace, fn func(tx, *rbac.Transaction) error) error {
		return store.Transact(ctx, w, func(t pgx.Tx, in *rbac.Transaction) error {
			return fn(tx{
				exec: func(query string, args ...any) error { _, err := t.Exec(ctx, query, args...); return err },
				row:  func(query string, args ...any) row { return t.QueryRow(ctx, query, args...) },
			}, in)
		})
	}
	db := stdlib.OpenDBFromPool(pool)
	return &database{DB: db, store: store, holes: rbac.Dollar, write: write, close: func() { db.Close(); pool.Close() }}, nil
}
