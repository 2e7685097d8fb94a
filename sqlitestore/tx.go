package sqlitestore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/areagate/rbac"
)

// Tx returns a Store that works inside the caller's own transaction, for
// [rbac.Workspace.In]: what the caller writes and what the library writes commit
// together, or neither does. The transaction may be of another handle, on the
// same database.
//
//	tx, err := db.BeginTx(ctx, nil)
//	…
//	defer tx.Rollback()
//	_, err = tx.ExecContext(ctx, "INSERT INTO users …")
//	…
//	err = az.In(store.Tx(tx)).System("sign-up").Assign(ctx, role, user)
//	…
//	err = tx.Commit()
//
// The transaction should have begun IMMEDIATE, as those of a handle do that was
// opened with "_txlock=immediate". See [Store.TxConn] for others. The first Update takes the lock of the writers before it reads, so that no
// rule is decided on old rows however the transaction began. But in a
// deferred one that has read, this fails with [rbac.ErrContention] if somebody
// else has committed since, at once and whatever the busy timeout, and the
// caller has to begin anew.
//
// Each Update is a savepoint: one that fails takes back its own writes, and
// what the caller wrote before stays.
//
// What Tx returns is valid as long as tx, and used by one goroutine at a time.
// It knows all workspaces. A statement runs to its end whatever the
// context; between statements the context counts. The busy timeout is that of
// the caller's connection.
func (s *Store) Tx(tx *sql.Tx) rbac.Store { return txStore{tx, s.place} }

// TxConn is like [Store.Tx] for a connection on which the caller has begun a
// transaction by hand: with "BEGIN IMMEDIATE", where the handle begins
// others. On a connection that is in no transaction each Update commits by
// itself.
func (s *Store) TxConn(conn *sql.Conn) rbac.Store { return txStore{conn, s.place} }

type txStore struct {
	on    querier
	place place
}

var _ rbac.Store = txStore{}

// View implements [rbac.Store].
func (s txStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return s.savepoint(ctx, func() error {
		return newReader(ctx, s.on, s.place, workspace).lend(fn)
	})
}

// Update implements [rbac.Store].
func (s txStore) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	return s.savepoint(ctx, func() error {
		if err := exec(ctx, s.on, takeLock); err != nil {
			return s.place.failed("lock", err)
		}
		return newWriter(newReader(ctx, s.on, s.place, workspace)).lend(fn)
	})
}

// Revisions implements [rbac.Store].
func (s txStore) Revisions(ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found, err := revisions(ctx, s.on, workspaces)
	return found, s.place.failed("read revisions from", err)
}

// Workspaces implements [rbac.Store].
func (s txStore) Workspaces(ctx context.Context, q rbac.WorkspaceQuery) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found, err := workspaces(ctx, s.on, q)
	return found, s.place.failed("read workspaces from", err)
}

// savepoint runs fn so that its writes are taken back if it fails, panics or
// ends its goroutine, or if the context is done.
func (s txStore) savepoint(ctx context.Context, fn func() error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := exec(ctx, s.on, `SAVEPOINT rbac`); err != nil {
		return s.place.failed("make a savepoint in", err)
	}
	open := true
	defer func() {
		if open {
			err = errors.Join(err, s.takeBack())
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := exec(ctx, s.on, `RELEASE rbac`); err != nil {
		return s.place.failed("release the savepoint in", err)
	}
	open = false
	return nil
}

func (s txStore) takeBack() error {
	for _, text := range []string{`ROLLBACK TO rbac`, `RELEASE rbac`} {
		if err := exec(context.Background(), s.on, text); err != nil {
			return s.place.failed("take back a part of the transaction, which is to be rolled back, in", err)
		}
	}
	return nil
}
