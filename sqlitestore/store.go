// Package sqlitestore keeps workspaces in SQLite, in pure Go: an [rbac.Store] and
// [rbac.Notifier] on a file, which any number of processes on one machine may
// share, or on a handle of database/sql.
//
//	store, err := sqlitestore.Open(ctx, path) // a file of the library's own
//	…
//	defer store.Close()
//
// or, in the application's database:
//
//	err = sqlitestore.Migrate(ctx, db) // or when deploying
//	…
//	store, err := sqlitestore.New(ctx, db)
//
// and with either:
//
//	az, err := rbac.Open(ctx, store)
//
// SQLite has one writer at a time in a file: Updates of different workspaces
// wait for each other, for as long as a commit takes. Views wait for nobody.
// The README of the module tells what a file and its processes need.
package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"

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

	place place
	path  string      // of the file, with Open
	file  fs.FileInfo // its identity

	options options

	turn  chan struct{} // holds an element while an Update of this Store runs
	turns atomic.Int64  // how many Updates have had it

	mu        sync.Mutex
	committed chan struct{} // closed, and replaced, after each commit
}

var (
	_ rbac.Store    = (*Store)(nil)
	_ rbac.Notifier = (*Store)(nil)
)

// New returns a Store on a handle of the driver modernc.org/sqlite, which stays
// the caller's to close. It asks for the version of the tables, whose names
// begin with rbac_, and returns a *[SchemaError], wrapped, if they are missing,
// or older or newer than this program. A database that can only be read is an
// error, too. The context bounds only New itself.
//
//	db, err := sql.Open("sqlite", "file:app.db?_txlock=immediate&_pragma=busy_timeout(5000)"+
//		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)")
//
// What [Open] sets up is the caller's here: foreign keys, durability and the
// permissions of the file. A file must have a write-ahead log already
// ("PRAGMA journal_mode = WAL"): without it readers and writers shut each other
// out. A View holds one connection and an Update another: with a handle
// limited to one connection, do not use the Store inside a loop over one of
// its iterators.
func New(ctx context.Context, db *sql.DB, opts ...Option) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlitestore: the handle is nil")
	}
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	s := newStore(db, o)
	err = s.checkDatabase(ctx)
	if err == nil {
		err = s.checkSchema(ctx)
	}
	if err == nil {
		err = s.checkWritable(ctx)
	}
	if err != nil {
		return nil, s.place.failed("use", err)
	}
	return s, nil
}

func newStore(db *sql.DB, o options) *Store {
	return &Store{read: db, write: db, place: handle, options: o, turn: make(chan struct{}, 1), committed: make(chan struct{})}
}

// checkDatabase refuses databases that cannot keep the contract.
func (s *Store) checkDatabase(ctx context.Context) error {
	c, err := s.conn(ctx, s.read)
	if err != nil {
		return err
	}
	defer c.Close()
	var file, encoding, mode string
	err = s.patiently(ctx, func() error {
		return errors.Join(
			c.QueryRowContext(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&file),
			c.QueryRowContext(ctx, `PRAGMA encoding`).Scan(&encoding),
			c.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&mode),
		)
	})
	if err != nil {
		return err
	}
	s.place = inMemory
	if file != "" {
		s.place = place(file)
	}
	switch {
	case encoding != "UTF-8":
		return fmt.Errorf("the database's encoding is %s, which does not compare ids byte for byte: it must be UTF-8", encoding)
	case mode != "wal" && mode != "memory":
		return fmt.Errorf("the database's journal mode is %s: it must be wal", mode)
	}
	return nil
}

// checkWritable refuses a database that can only be read, where a change would
// be the first to find out. BEGIN IMMEDIATE would not: it begins to read there.
func (s *Store) checkWritable(ctx context.Context) error {
	c, err := s.conn(ctx, s.write)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := exec(ctx, c.Conn, takeLock); !isBusy(err) { // who has to wait may write
		return err
	}
	return nil
}

// View implements [rbac.Store].
func (s *Store) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	c, err := s.conn(ctx, s.read)
	if err != nil {
		return err
	}
	defer c.Close()
	return s.transaction(ctx, c.by(ctx, beginSnapshot), func() error {
		return newReader(ctx, c.Conn, s.place, workspace).lend(fn)
	})
}

// Update implements [rbac.Store]. Commits are as durable as the connection's
// synchronous pragma makes them: with [Open] they survive a power failure. A
// panic in fn reaches the caller.
//
// An Update inside an Update of the same Store waits for itself, as one inside
// an open transaction of the caller's own does that is not by [Store.Tx]. Both
// end with [rbac.ErrContention], a second after the busy timeout at the latest.
func (s *Store) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	return s.inTurn(ctx, func(c *conn) error {
		w := newWriter(newReader(ctx, c.Conn, s.place, workspace))
		err := s.transaction(ctx, c.by(ctx, beginImmediate), func() error { return w.lend(fn) })
		if err == nil && w.wrote {
			s.tell()
		}
		return err
	})
}

// inTurn waits in line and lends a connection to write on.
func (s *Store) inTurn(ctx context.Context, fn func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.takeTurn(ctx); err != nil {
		return s.place.failed("write to", err)
	}
	defer func() { <-s.turn }()
	c, err := s.conn(ctx, s.write)
	if err != nil {
		return err
	}
	defer c.Close()
	return fn(c)
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
	return found, s.place.failed("read revisions from", err)
}

func revisions(ctx context.Context, on querier, workspaces []string) (map[string]rbac.Revision, error) {
	found := map[string]rbac.Revision{}
	for some := range slices.Chunk(workspaces, batch) {
		err := query(ctx, on, selectRevisions+list(len(some)), values(some),
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

// Workspaces implements [rbac.Store].
func (s *Store) Workspaces(ctx context.Context, q rbac.WorkspaceQuery) ([]string, error) {
	c, err := s.conn(ctx, s.read)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var found []string
	err = s.patiently(ctx, func() (err error) {
		found, err = workspaces(ctx, c.Conn, q)
		return err
	})
	return found, s.place.failed("read workspaces from", err)
}

func workspaces(ctx context.Context, on querier, q rbac.WorkspaceQuery) ([]string, error) {
	var found []string
	s := workspacesOf(q)
	err := query(ctx, on, s.text, s.args, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		found = append(found, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, ctx.Err()
}
