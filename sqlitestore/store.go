package sqlitestore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/areagate/rbac"
)

// Store is an [rbac.Store] and an [rbac.Notifier] in SQLite. Get one from
// [Open] or [New]. All methods are safe for concurrent use.
//
// Updates are serial in a file: a Store lets its own wait in line, and waits
// up to the busy timeout for those of other processes. Views read a snapshot
// and wait for nobody.
type Store struct {
	read, write *sql.DB // the same handle with New
	owned       bool    // opened by Open

	path string      // of the file, with Open
	file fs.FileInfo // its identity

	busyTimeout    time.Duration
	notifyInterval time.Duration

	turn chan struct{} // holds an element while an Update of this Store runs

	mu        sync.Mutex
	committed chan struct{} // closed, and replaced, after each commit
}

var (
	_ rbac.Store    = (*Store)(nil)
	_ rbac.Notifier = (*Store)(nil)
)

// View implements [rbac.Store].
func (s *Store) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	c, err := s.conn(ctx, s.read)
	if err != nil {
		return err
	}
	defer c.Close()
	return s.transaction(ctx, c.Conn, beginSnapshot, func() error {
		r := &reader{ctx: ctx, on: c.Conn, workspace: workspace}
		defer r.end()
		return fn(r)
	})
}

// Update implements [rbac.Store]. Commits are as durable as the connection's
// synchronous pragma makes them: with [Open] they survive a power failure. A
// panic in fn reaches the caller.
//
// An Update inside an Update of the same Store waits for itself, until its
// context is done.
func (s *Store) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	c, err := s.conn(ctx, s.write)
	if err != nil {
		return err
	}
	defer c.Close()
	wrote := false
	err = s.transaction(ctx, c.Conn, beginImmediate, func() error {
		t := newWriter(ctx, c.Conn, workspace)
		defer t.end()
		if err := fn(t); err != nil {
			return err
		}
		wrote = t.wrote
		return t.fault
	})
	if err == nil && wrote {
		s.tell()
	}
	return err
}

// Revisions implements [rbac.Store].
func (s *Store) Revisions(ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
	c, err := s.conn(ctx, s.read)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var found map[string]rbac.Revision
	err = s.patiently(ctx, func() (err error) {
		found, err = revisions(ctx, c.Conn, workspaces)
		return err
	})
	return found, stored(err)
}

// querier is what *sql.Conn and *sql.Tx have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// batch is how many values one statement takes. The driver's time to bind
// them grows with their square.
const batch = 256

func revisions(ctx context.Context, on querier, workspaces []string) (map[string]rbac.Revision, error) {
	found := map[string]rbac.Revision{}
	for some := range slices.Chunk(workspaces, batch) {
		err := query(ctx, on, `SELECT id, revision, hash FROM rbac_workspaces WHERE id IN (`+marks(len(some))+`)`, values(some),
			func(rows *sql.Rows) error {
				var id string
				var revision rbac.Revision
				if err := rows.Scan(&id, &revision.Seq, scanHash{&revision.Hash}); err != nil {
					return err
				}
				found[id] = revision
				return nil
			})
		if err != nil {
			return nil, err
		}
	}
	return found, ctx.Err()
}

// marks returns "?,?,?".
func marks(n int) string {
	return strings.TrimSuffix(strings.Repeat("?,", n), ",")
}

func values[V any](list []V) []any {
	args := make([]any, len(list))
	for i, v := range list {
		args[i] = v
	}
	return args
}

// query calls scan for each row of a result.
//
// A statement runs to its end, whatever the context: an interrupted one may
// take the whole transaction with it. Statements are short, and between them
// the context counts.
func query(ctx context.Context, on querier, text string, args []any, scan func(*sql.Rows) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rows, err := on.QueryContext(context.WithoutCancel(ctx), text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

func exec(ctx context.Context, on querier, text string, args ...any) error {
	_, err := on.ExecContext(context.WithoutCancel(ctx), text, args...)
	return err
}

// conn is a connection in use. Close gives it back as it was.
type conn struct {
	*sql.Conn
	busyTimeout int64 // the caller's setting, in milliseconds
}

// conn takes a connection of a handle.
func (s *Store) conn(ctx context.Context, db *sql.DB) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.intact(); err != nil {
		return nil, err
	}
	taken, err := db.Conn(ctx)
	if err != nil {
		return nil, stored(err)
	}
	c := &conn{Conn: taken}
	if s.owned {
		return c, nil
	}
	// The driver would wait for locks without looking at the context.
	err = c.QueryRowContext(context.WithoutCancel(ctx), `PRAGMA busy_timeout`).Scan(&c.busyTimeout)
	if err == nil && c.busyTimeout != 0 {
		err = exec(ctx, c.Conn, `PRAGMA busy_timeout = 0`)
	}
	if err != nil {
		return nil, errors.Join(stored(err), taken.Close())
	}
	return c, nil
}

func (c *conn) Close() error {
	if c.busyTimeout != 0 {
		_ = exec(context.Background(), c.Conn, fmt.Sprintf(`PRAGMA busy_timeout = %d`, c.busyTimeout))
	}
	return c.Conn.Close()
}

// intact returns [ErrFileReplaced] if the file that was opened is not the one
// that others find.
func (s *Store) intact() error {
	if s.file == nil {
		return nil
	}
	now, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, s.file) {
		return ErrFileReplaced
	}
	return err
}

// begin starts a transaction on a connection.
type begin func(context.Context, *sql.Conn) error

// beginImmediate takes the lock of the writers at once. A deferred
// transaction would read first and ask for the lock with its first write: if
// another has committed in between, that fails, however long one waits.
func beginImmediate(ctx context.Context, c *sql.Conn) error {
	return exec(ctx, c, `BEGIN IMMEDIATE`)
}

// beginSnapshot begins to read. The snapshot of a transaction is that of its
// first read, and not of its BEGIN.
func beginSnapshot(ctx context.Context, c *sql.Conn) error {
	if err := exec(ctx, c, `BEGIN DEFERRED`); err != nil {
		return err
	}
	err := exec(ctx, c, `SELECT 1 FROM rbac_workspaces LIMIT 1`)
	if err != nil {
		rollback(c)
	}
	return err
}

// transaction runs fn in a transaction, which is rolled back if fn fails,
// panics or ends its goroutine, or if the context is done.
func (s *Store) transaction(ctx context.Context, c *sql.Conn, begin begin, fn func() error) error {
	if err := s.patiently(ctx, func() error { return begin(ctx, c) }); err != nil {
		return stored(err)
	}
	open := true
	defer func() {
		if open {
			rollback(c)
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// With a write-ahead log the commit of who holds the lock is not busy; but
	// that is for SQLite to say.
	err := s.patiently(ctx, func() error { return exec(ctx, c, `COMMIT`) })
	switch {
	case err == nil:
		open = false
		return nil
	case isBusy(err):
		return stored(err)
	case ctx.Err() != nil && errors.Is(err, ctx.Err()), code(err) == codeFull:
		return err
	}
	// After a failed write to the disk, it may have reached it or not.
	return fmt.Errorf("%w: %w", rbac.ErrOutcomeUnknown, err)
}

// rollback ends a transaction. If that fails the connection is thrown away,
// which ends it too.
func rollback(c *sql.Conn) {
	err := exec(context.Background(), c, `ROLLBACK`)
	if err == nil || errors.Is(err, sql.ErrConnDone) || strings.Contains(err.Error(), "no transaction is active") {
		return // SQLite itself has rolled back after some errors
	}
	_ = c.Raw(func(any) error { return driver.ErrBadConn })
}

// patiently tries until the database is not busy, for up to the busy timeout.
// The waiting of SQLite itself would not look at the context.
func (s *Store) patiently(ctx context.Context, try func() error) error {
	const longest = 16 * time.Millisecond
	deadline := time.Now().Add(s.busyTimeout)
	for pause := 250 * time.Microsecond; ; pause = min(2*pause, longest) {
		err := try()
		if !isBusy(err) || time.Until(deadline) <= 0 {
			return err
		}
		timer := time.NewTimer(pause/2 + rand.N(pause/2))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
