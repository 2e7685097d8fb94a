// Package pgstore keeps workspaces in PostgreSQL 13 or newer: an [rbac.Store]
// and [rbac.Notifier] on a pgx pool.
//
//	pool, err := pgxpool.New(ctx, url)
//	…
//	err = pgstore.Migrate(ctx, pool) // or when deploying, with more rights
//	…
//	store, err := pgstore.New(ctx, pool)
//	…
//	az, err := rbac.Open(ctx, store)
//
// The README of the module tells what rights the application needs, and what
// to know about poolers.
package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/areagate/rbac"
)

// Store is an [rbac.Store] and an [rbac.Notifier] on a pool of connections. All
// methods are safe for concurrent use.
//
// An Update is one transaction at READ COMMITTED that first locks the
// workspace's row, so that writers of one workspace are serial and those of
// others do not wait. A View is one at REPEATABLE READ, read only, which never
// waits for writers. An Update waits up to 5 seconds for a lock, or as long as
// the lock_timeout that the connection has, if it has one; it is
// [rbac.ErrContention] then, and the library tries again. Each holds one connection of the pool while it runs, so
// code that asks the store from inside one needs a second.
type Store struct {
	pool    *pgxpool.Pool
	options options
	sql     statements
	spare   spare
}

var (
	_ rbac.Store    = (*Store)(nil)
	_ rbac.Notifier = (*Store)(nil)
)

// New returns a Store on a pool, which stays the caller's to close. It asks
// for the version of the tables, and returns a *[SchemaError], wrapped, if
// they are missing, or older or newer than this program. The context bounds only New
// itself.
func New(ctx context.Context, pool *pgxpool.Pool, opts ...Option) (*Store, error) {
	if pool == nil {
		return nil, errors.New("pgstore: the pool is nil")
	}
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	if err := checkDatabase(ctx, pool); err != nil {
		return nil, err
	}
	found, err := schemaVersion(ctx, pool, o)
	if err != nil {
		return nil, err
	}
	if known := len(migrationFiles()); found != known {
		return nil, o.schemaError(found, known)
	}
	return newStore(pool, o), nil
}

func newStore(pool *pgxpool.Pool, o options) *Store {
	return &Store{pool: pool, options: o, sql: newStatements(o), spare: newSpare()}
}

// checkDatabase refuses databases that cannot keep the contract.
func checkDatabase(ctx context.Context, db querier) error {
	var encoding string
	if err := db.QueryRow(ctx, "SELECT current_setting('server_encoding')").Scan(&encoding); err != nil {
		return failed(ctx, "read the encoding", err)
	}
	if encoding != "UTF8" {
		return fmt.Errorf("pgstore: the database's encoding is %s: it must be UTF8", encoding)
	}
	return nil
}

// View implements [rbac.Store].
func (s *Store) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	if err := admit(ctx, workspace); err != nil {
		return err
	}
	var at head
	b := s.sql.begin(lockTimeout, new(settings))
	b.query(at.scan, s.sql.revision, workspace)
	tx, err := s.begin(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, b)
	if err != nil {
		return failed(ctx, "begin", err)
	}
	defer rollback(ctx, tx)
	return newReader(ctx, &s.sql, viaPgx{tx}, workspace, at.revision).lend(fn)
}

// Update implements [rbac.Store]. A panic in fn reaches the caller.
func (s *Store) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	if err := admit(ctx, workspace); err != nil {
		return err
	}
	var at head
	b := s.sql.begin(lockTimeout, new(settings))
	b.query(at.scan, s.sql.lock, workspace)
	tx, err := s.begin(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, b)
	if err != nil {
		return lockFailed(ctx, workspace, err)
	}
	defer rollback(ctx, tx)
	if !at.found {
		if at, err = lock(ctx, &s.sql, viaPgx{tx}, workspace); err != nil {
			return err
		}
	}
	w := newWriter(newReader(ctx, &s.sql, viaPgx{tx}, workspace, at.revision))
	if err := w.lend(fn); err != nil || !w.wrote {
		return err
	}
	return commit(ctx, tx)
}

// Revisions implements [rbac.Store]. If all connections of the pool are in use,
// or it gives none within a quarter of the time, it asks on one of its own,
// made with the pool's configuration, so that an application that uses up the
// pool does not take its checks out of service. If it cannot have one it waits
// for the pool.
func (s *Store) Revisions(ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	conn, none := s.acquireSoon(ctx)
	if none == nil {
		defer conn.Release()
		return s.revisions(ctx, conn, workspaces)
	}
	if none != errUsedUp && none != errLate {
		return nil, failed(ctx, "revisions", none)
	}
	found, beside := s.revisionsBeside(ctx, workspaces)
	if beside == nil {
		return found, nil
	}
	found, err := s.revisions(ctx, s.pool, workspaces)
	if err != nil {
		return nil, fmt.Errorf("%w (%v, and beside it: %v)", err, none, beside)
	}
	return found, nil
}

func (s *Store) revisions(ctx context.Context, on pgxConn, workspaces []string) (map[string]rbac.Revision, error) {
	return revisions(ctx, &s.sql, viaPgx{on}, s.sql.begin(lockTimeout, new(settings)), workspaces)
}

// Workspaces implements [rbac.Store].
func (s *Store) Workspaces(ctx context.Context, q rbac.WorkspaceQuery) ([]string, error) {
	return workspaces(ctx, &s.sql, viaPgx{s.pool}, s.sql.begin(lockTimeout, new(settings)), q)
}

// begin begins a transaction with a batch, which saves a round trip.
func (s *Store) begin(ctx context.Context, opts pgx.TxOptions, b batch) (pgx.Tx, error) {
	var queued pgx.Batch
	queued.BeginTx(opts)
	b.queue(&queued)
	results := s.pool.SendBatch(ctx, &queued)
	tx := results.Tx()
	if err := results.Close(); err != nil {
		if tx != nil {
			rollback(ctx, tx)
		}
		return nil, err
	}
	return tx, nil
}

// admit refuses calls that the database need not be asked about.
func admit(ctx context.Context, workspace string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !storable(workspace) {
		return unstorable("the workspace id", workspace)
	}
	return nil
}

// afterwards is how long ending a transaction or a connection may take once
// its context is done.
const afterwards = time.Second

// closeConn closes a connection, whether the context is done or not.
func closeConn(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	_ = conn.Close(ctx)
}

// commit commits. If the context ends meanwhile it waits for the answer a
// moment longer, because to cancel a COMMIT is to lose its outcome.
func commit(ctx context.Context, tx pgx.Tx) error {
	if tx.Conn().IsClosed() { // so that COMMIT cannot be sent
		return failed(ctx, "commit", pgconn.ErrConnClosed)
	}
	waiting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-waiting.Done():
		case <-time.After(afterwards):
			cancel()
		}
	})
	defer stop()
	return commitFailed(ctx, tx.Commit(waiting))
}

// rollback rolls back, unless the transaction has ended. If that fails, pgx
// closes the connection, and the server rolls back.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	_ = tx.Rollback(ctx)
}

// head is the newest event of a workspace, as its row says.
type head struct {
	revision rbac.Revision
	found    bool // there is a row
}

// scan reads the row.
func (h *head) scan(scan scan) error {
	var hash []byte
	if err := scan(&h.revision.Seq, &hash); err != nil {
		return err
	}
	if len(hash) != len(h.revision.Hash) {
		return fmt.Errorf("the workspace's hash has %d bytes", len(hash))
	}
	copy(h.revision.Hash[:], hash)
	h.found = true
	return nil
}

// lock locks the row of a workspace, and makes it first if it is missing. A
// row that is made is only kept if something is written: see Update.
func lock(ctx context.Context, sql *statements, on asker, workspace string) (head, error) {
	const tries = 10
	for range tries {
		var at head
		var b batch
		b.exec(sql.create, workspace)
		b.query(at.scan, sql.lock, workspace)
		if err := on.ask(ctx, b); err != nil {
			return head{}, lockFailed(ctx, workspace, err)
		}
		if at.found {
			return at, nil
		}
		// Somebody may have deleted the row between the two statements.
	}
	return head{}, fmt.Errorf("pgstore: the row of workspace %q cannot be made and locked: it was not there after each of %d inserts;"+
		" look for triggers, rules and row-level security on %s", workspace, tries, sql.workspaces)
}
