package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/areagate/rbac"
)

// Transact runs fn in a transaction of the pool, and commits it if fn returns nil:
// what fn writes with the pgx.Tx and what it changes through the
// [rbac.Transaction] are committed together, or neither is. When Transact returns
// nil, the next check of the workspace's Authorizer sees the change; that is on
// this Store.
//
//	err := store.Transact(ctx, az.For("acme"), func(tx pgx.Tx, acme *rbac.Transaction) error {
//		if _, err := tx.Exec(ctx, "INSERT INTO users …"); err != nil {
//			return err
//		}
//		return acme.System("sign-up").Assign(ctx, role, user)
//	})
//
// The transaction is like one of [Store.Tx]: the first change locks the workspace
// until the commit, so do slow things before. fn is called once: an error that is
// [rbac.ErrContention] is for the caller to begin anew, and with
// [rbac.ErrOutcomeUnknown] it may have been committed or not. A panic in fn rolls
// back and reaches the caller.
func (s *Store) Transact(ctx context.Context, w *rbac.Workspace, fn func(pgx.Tx, *rbac.Transaction) error) error {
	var tx pgx.Tx
	run := func(ctx context.Context, work func(rbac.Store) error) (err error) {
		if tx, err = s.pool.Begin(ctx); err != nil {
			return failed(ctx, "begin", err)
		}
		defer rollback(ctx, tx)
		if err := work(s.Tx(tx)); err != nil {
			return err
		}
		return commit(ctx, tx)
	}
	return w.Transact(ctx, run, func(t *rbac.Transaction) error { return fn(tx, t) })
}
