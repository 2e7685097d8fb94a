package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/areagate/rbac"
)

// Tx returns a Store that works inside the caller's own transaction, for
// [rbac.Admin.In]: what it writes is committed, and announced, if and when the
// caller commits. The transaction may be of another pool, on the same database.
//
//	tx, err := pool.Begin(ctx)
//	…
//	defer tx.Rollback(ctx)
//	_, err = tx.Exec(ctx, "INSERT INTO users …")
//	…
//	err = az.System("sign-up").In(store.Tx(tx)).Assign(ctx, role, user)
//	…
//	err = tx.Commit(ctx)
//
// The first Update of a workspace locks its row until the transaction ends:
// other writers of the workspace wait so long. An Update whose function fails
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
func (s txStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	if err := admit(ctx, workspace); err != nil {
		return err
	}
	var revision rbac.Revision
	if err := scanRevision(&revision, nil)(s.tx.QueryRow(ctx, s.sql.revision, workspace)); err != nil {
		return failed(ctx, "view", err)
	}
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
	var at locked
	if err := scanRevision(&at.revision, &at.found)(savepoint.QueryRow(ctx, s.sql.lock, workspace)); err != nil {
		return failed(ctx, "lock the workspace", err)
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
	return failed(ctx, "release the savepoint", savepoint.Commit(ctx))
}

// Revisions implements [rbac.Store].
func (s txStore) Revisions(ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
	return revisions(ctx, s.sql, s.tx, workspaces)
}
