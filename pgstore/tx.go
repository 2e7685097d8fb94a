package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/areagate/rbac"
)

// Tx returns a Store that works inside the caller's own transaction, for
// [rbac.Workspace.In]: what it writes is committed, and announced, if and when the
// caller commits. The transaction may be of another pool, on the same database.
//
//	tx, err := pool.Begin(ctx)
//	…
//	defer tx.Rollback(ctx)
//	_, err = tx.Exec(ctx, "INSERT INTO users …")
//	…
//	err = az.In(store.Tx(tx)).System("sign-up").Assign(ctx, role, user)
//	…
//	err = tx.Commit(ctx)
//
// The first Update of a workspace locks its row until the transaction ends:
// other writers of the workspace wait so long. So does the same code if it
// changes the workspace outside the transaction: it waits for itself, until
// that is [rbac.ErrContention]. In the transaction an Update waits up to 50
// seconds for a lock, or as long as its lock_timeout, if it has one; its
// settings are the same afterwards. An Update whose function fails
// rolls back its own part, by a savepoint, and leaves the rest of the
// transaction as it was. A View reads what the transaction sees, which is one
// snapshot at REPEATABLE READ; at READ COMMITTED, call it inside an Update to
// keep writers out. Any isolation level is safe: at the stricter ones an Update
// may return [rbac.ErrContention], whereupon the caller begins anew.
//
// What Tx returns is valid as long as tx, and used by one goroutine at a time.
// It knows all workspaces.
func (s *Store) Tx(tx pgx.Tx) rbac.Store { return txStore{tx, &s.sql} }

type txStore struct {
	tx  pgx.Tx
	sql *statements
}

var _ rbac.Store = txStore{}

// View implements [rbac.Store].
func (s txStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) (err error) {
	if err := admit(ctx, workspace); err != nil {
		return err
	}
	var revision rbac.Revision
	var b pgx.Batch
	var before settings
	s.sql.queueSettle(&b, lockTimeoutTx, &before)
	b.Queue(s.sql.revision, workspace).QueryRow(scanRevision(&revision, nil))
	if err := s.tx.SendBatch(ctx, &b).Close(); err != nil {
		return failed(ctx, "view", err)
	}
	defer func() {
		if restored := restore(ctx, s.sql, s.tx, before); err == nil {
			err = restored
		}
	}()
	return newReader(ctx, s.sql, s.tx, workspace, revision).lend(fn)
}

// Update implements [rbac.Store].
func (s txStore) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	if err := admit(ctx, workspace); err != nil {
		return err
	}
	savepoint, err := s.tx.Begin(ctx)
	if err != nil {
		return failed(ctx, "savepoint", err)
	}
	defer rollback(ctx, savepoint)
	var b pgx.Batch
	var before settings // come back with the savepoint if it fails
	s.sql.queueSettle(&b, lockTimeoutTx, &before)
	var at locked
	b.Queue(s.sql.lock, workspace).QueryRow(scanRevision(&at.revision, &at.found))
	if err := savepoint.SendBatch(ctx, &b).Close(); err != nil {
		return lockFailed(ctx, workspace, err)
	}
	made := !at.found
	if made {
		if at, err = lock(ctx, s.sql, savepoint, workspace); err != nil {
			return err
		}
	}
	w := newWriter(newReader(ctx, s.sql, savepoint, workspace, at.revision))
	if err := w.lend(fn); err != nil {
		return err
	}
	if made && !w.wrote {
		return nil // the row that was made for the lock goes with the savepoint
	}
	if err := restore(ctx, s.sql, savepoint, before); err != nil {
		return err
	}
	return failed(ctx, "release the savepoint", savepoint.Commit(ctx))
}

// Revisions implements [rbac.Store].
func (s txStore) Revisions(ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
	var b pgx.Batch
	var before settings
	s.sql.queueSettle(&b, lockTimeoutTx, &before)
	found, err := revisions(ctx, s.sql, s.tx, &b, workspaces)
	if err == nil {
		err = restore(ctx, s.sql, s.tx, before)
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// restore undoes settle in the caller's transaction.
func restore(ctx context.Context, sql *statements, tx pgx.Tx, before settings) error {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), afterwards)
		defer cancel()
	}
	_, err := tx.Exec(ctx, sql.restore, before.lockTimeout, before.seqScan, before.bitmapScan)
	return failed(ctx, "restore the settings", err)
}
