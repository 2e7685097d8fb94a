package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/areagate/rbac"
)

// Transact runs fn in a transaction of the Store's own handle, which has begun
// IMMEDIATE, and commits it if fn returns nil: what fn writes with the *sql.Tx and
// what it changes through the [rbac.Transaction] are committed together, or
// neither is. When Transact returns nil, the next check of the workspace's
// Authorizer sees the change; that is on this Store.
//
//	err := store.Transact(ctx, az.For("acme"), func(tx *sql.Tx, acme *rbac.Transaction) error {
//		if _, err := tx.ExecContext(ctx, "INSERT INTO users …"); err != nil {
//			return err
//		}
//		return acme.System("sign-up").Assign(ctx, role, user)
//	})
//
// It waits for its turn as an Update does, and keeps all other writers of the file
// waiting until it ends, so do slow things before. fn is called once: an error
// that is [rbac.ErrContention] is for the caller to begin anew, and with
// [rbac.ErrOutcomeUnknown] it may have been committed or not. A panic in fn rolls
// back and reaches the caller.
func (s *Store) Transact(ctx context.Context, w *rbac.Workspace, fn func(*sql.Tx, *rbac.Transaction) error) error {
	var tx *sql.Tx
	run := func(ctx context.Context, work func(rbac.Store) error) error {
		return s.inTurn(ctx, func(c *conn) error {
			steps := steps{
				begin:    func() (err error) { tx, err = beginTx(ctx, c.Conn); return err },
				commit:   func() error { return tx.Commit() },
				rollback: func() { rollbackTx(c.Conn, tx) },
			}
			err := s.transaction(ctx, steps, func() error { return work(s.Tx(tx)) })
			if err == nil {
				s.tell()
			}
			return err
		})
	}
	return w.Transact(ctx, run, func(t *rbac.Transaction) error { return fn(tx, t) })
}

// beginTx begins IMMEDIATE, whatever the handle does by itself: a deferred
// transaction that writes first takes the lock before it reads.
func beginTx(ctx context.Context, c *sql.Conn) (*sql.Tx, error) {
	tx, err := c.BeginTx(context.WithoutCancel(ctx), nil) // the context must not end a COMMIT
	if err != nil {
		return nil, err
	}
	if err := exec(ctx, tx, takeLock); err != nil {
		rollbackTx(c, tx)
		return nil, err
	}
	return tx, nil
}

// rollbackTx is rollback of a transaction of database/sql, which takes one for
// ended whose commit failed.
func rollbackTx(c *sql.Conn, tx *sql.Tx) {
	_ = tx.Rollback() // first: it gives the connection back
	rollback(c)
}
