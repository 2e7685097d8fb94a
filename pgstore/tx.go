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
// settings are the same afterwards. An Update or a View that fails, by its
// function or by the database, rolls back its own part, by a savepoint, and
// leaves the rest of the transaction as it was. A View reads what the transaction sees, which is one
// snapshot at REPEATABLE READ; at READ COMMITTED, call it inside an Update to
// keep writers out. Any isolation level is safe: at the stricter ones an Update
// may return [rbac.ErrContention], whereupon the caller begins anew.
//
// What Tx returns is valid as long as tx, and used by one goroutine at a time.
// It knows all workspaces.
func (s *Store) Tx(tx pgx.Tx) rbac.Store { return txStore{viaPgx{tx}, &s.sql} }

type txStore struct {
	on  asker
	sql *statements
}

var _ rbac.Store = txStore{}

// View implements [rbac.Store].
func (s txStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	if err := admit(ctx, workspace); err != nil {
		return err
	}
	return s.savepoint(ctx, func(b batch) (keep bool, err error) {
		var at head
		b.query(at.scan, s.sql.revision, workspace)
		if err := s.on.ask(ctx, b); err != nil {
			return false, failed(ctx, "view", err)
		}
		return true, newReader(ctx, s.sql, s.on, workspace, at.revision).lend(fn)
	})
}

// Update implements [rbac.Store].
func (s txStore) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	if err := admit(ctx, workspace); err != nil {
		return err
	}
	return s.savepoint(ctx, func(b batch) (keep bool, err error) {
		var at head
		b.query(at.scan, s.sql.lock, workspace)
		if err := s.on.ask(ctx, b); err != nil {
			return false, lockFailed(ctx, workspace, err)
		}
		made := !at.found
		if made {
			if at, err = lock(ctx, s.sql, s.on, workspace); err != nil {
				return false, err
			}
		}
		w := newWriter(newReader(ctx, s.sql, s.on, workspace, at.revision))
		err = w.lend(fn)
		return w.wrote || !made, err // the row that was made for the lock goes if it is not needed
	})
}

// Revisions implements [rbac.Store].
func (s txStore) Revisions(ctx context.Context, workspaces []string) (found map[string]rbac.Revision, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = s.savepoint(ctx, func(b batch) (keep bool, err error) {
		found, err = revisions(ctx, s.sql, s.on, b, workspaces)
		return true, err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Workspaces implements [rbac.Store].
func (s txStore) Workspaces(ctx context.Context, q rbac.WorkspaceQuery) (found []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = s.savepoint(ctx, func(b batch) (keep bool, err error) {
		found, err = workspaces(ctx, s.sql, s.on, b, q)
		return true, err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// savepoint calls fn with a batch to begin with. What fn does is taken back
// unless it is to be kept, and the settings of the transaction are afterwards
// what they were.
func (s txStore) savepoint(ctx context.Context, fn func(b batch) (keep bool, err error)) error {
	if err := s.do(ctx, "SAVEPOINT rbac"); err != nil {
		return failed(ctx, "savepoint", err)
	}
	released := false
	defer func() {
		if !released {
			s.takeBack(ctx)
		}
	}()
	var before settings // which come back with the savepoint if it is taken back
	keep, err := fn(s.sql.begin(lockTimeoutTx, &before))
	if err != nil || !keep {
		return err
	}
	var b batch
	b.exec(s.sql.restore, before.lockTimeout, before.seqScan, before.bitmapScan)
	b.exec("RELEASE SAVEPOINT rbac")
	if err := s.on.ask(ctx, b); err != nil {
		return failed(ctx, "release the savepoint", err)
	}
	released = true
	return nil
}

// takeBack rolls back to the savepoint. If that fails, the transaction or the
// connection is broken, so that nothing of it can be committed.
func (s txStore) takeBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	// Not in one batch: nothing else is prepared in a transaction that failed.
	if s.do(ctx, "ROLLBACK TO SAVEPOINT rbac") == nil {
		_ = s.do(ctx, "RELEASE SAVEPOINT rbac")
	}
}

func (s txStore) do(ctx context.Context, sql string) error {
	return s.on.ask(ctx, batch{{sql: sql}})
}
