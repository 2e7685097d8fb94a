package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// Option configures a [Store].
type Option func(*Store)

// WithBusyTimeout sets how long a transaction waits for one of another
// process, before it is [rbac.ErrContention] and the library tries again.
// Transactions of the same Store wait for each other in line, for as long as
// their contexts allow.
//
// Defaults to 5 seconds. Must not be negative.
func WithBusyTimeout(d time.Duration) Option {
	return func(s *Store) { s.busyTimeout = d }
}

// WithNotifyInterval sets how often [Store.Notify] looks for commits of other
// processes, which takes some microseconds.
//
// Defaults to 50 milliseconds. Must be greater than 0.
func WithNotifyInterval(d time.Duration) Option {
	return func(s *Store) { s.notifyInterval = d }
}

// readers bounds the connections that read a file at the same time.
const readers = 16

// Open opens a database file, and creates it, readable and writable by its
// owner only, if it does not exist; its folder must. The files that SQLite
// keeps beside it, whose names end in -wal and -shm, get the permissions of
// the file itself. Those of an existing file stay as they are.
//
// Commits are durable: what was acknowledged survives a crash of the process,
// the system and the machine.
//
// Tables that are missing are created, in one transaction. If they are newer
// than the program, the error is a *[NewerSchemaError].
//
// The file must be on a local disk; the README says why. Close the Store.
func Open(path string, opts ...Option) (*Store, error) {
	s, err := open(path, opts)
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: open %s: %w", path, err)
	}
	return s, nil
}

func open(path string, opts []Option) (*Store, error) {
	if path == "" || strings.Contains(path, ":memory:") || strings.HasPrefix(path, "file:") {
		return nil, errors.New("not the path of a file: use New for a handle that you opened yourself, or rbac.NewMemStore")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	file, err := createFile(path)
	if err != nil {
		return nil, err
	}
	s, err := newStore(opts)
	if err != nil {
		return nil, err
	}
	s.path, s.file, s.owned = path, file, true
	if s.write, err = sql.Open("sqlite", dsn(path)); err != nil {
		return nil, err
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = sql.Open("sqlite", dsn(path, "query_only(1)")); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(4)
	s.read.SetConnMaxIdleTime(time.Minute)
	ctx := context.Background()
	if err = s.useWAL(ctx); err == nil {
		err = s.migrate(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// New returns a Store that works with a handle of the driver
// modernc.org/sqlite. Tables that are missing are created, as by [Open], in
// the database that the handle is for; their names begin with rbac_.
//
// What Open sets up is the caller's here: foreign keys, durability and the
// permissions of the file. A file must have a write-ahead log already
// ("PRAGMA journal_mode = WAL"): without it readers and writers shut each other
// out. A View holds one connection and an Update another: with a handle
// limited to one connection, do not use the Store inside a loop over one of
// its iterators.
//
// Close of the Store leaves the handle open.
func New(db *sql.DB, opts ...Option) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlitestore: the handle is nil")
	}
	s, err := newStore(opts)
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	s.read, s.write = db, db
	ctx := context.Background()
	if err = s.checkHandle(ctx); err == nil {
		err = s.migrate(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	return s, nil
}

// checkHandle refuses databases that cannot keep the contract.
func (s *Store) checkHandle(ctx context.Context) error {
	var encoding, mode string
	err := s.patiently(ctx, func() error {
		return errors.Join(
			s.read.QueryRowContext(ctx, `PRAGMA encoding`).Scan(&encoding),
			s.read.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&mode),
		)
	})
	switch {
	case err != nil:
		return err
	case encoding != "UTF-8":
		return fmt.Errorf("the database's encoding is %s, which does not compare ids byte for byte: it must be UTF-8", encoding)
	case mode != "wal" && mode != "memory":
		return fmt.Errorf("the database's journal mode is %s: it must be wal", mode)
	}
	return nil
}

func newStore(opts []Option) (*Store, error) {
	s := &Store{
		busyTimeout:    5 * time.Second,
		notifyInterval: 50 * time.Millisecond,
		turn:           make(chan struct{}, 1),
		committed:      make(chan struct{}),
	}
	for _, option := range opts {
		if option == nil {
			return nil, errors.New("an option is nil")
		}
		option(s)
	}
	if s.busyTimeout < 0 {
		return nil, errors.New("the busy timeout must not be negative")
	}
	if s.notifyInterval <= 0 {
		return nil, errors.New("the notify interval must be greater than 0")
	}
	return s, nil
}

// Close closes what [Open] opened. It waits for transactions that are under
// way. A Store from [New] has nothing to close.
func (s *Store) Close() error {
	if !s.owned {
		return nil
	}
	return errors.Join(s.read.Close(), s.write.Close())
}

// createFile creates the file if it does not exist, and returns its identity.
// SQLite would create it readable by everybody whom the umask admits.
//
// Don't open a file that exists: closing it again would drop all locks that
// this process has on it, also those of another Store, which is how POSIX
// locks work. For the same reason nobody else may come in between.
func createFile(path string) (fs.FileInfo, error) {
	creating.Lock()
	defer creating.Unlock()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = f.Close()
	} else if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	return info, err
}

var creating sync.Mutex

// dsn returns the data source name of a file. Statements do not wait for a
// lock by themselves: patiently does, and looks at the context meanwhile.
func dsn(path string, pragmas ...string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	query := url.Values{"_pragma": append([]string{
		"busy_timeout(0)",
		"foreign_keys(1)",
		"synchronous(FULL)",
		"trusted_schema(0)",
		"journal_size_limit(67108864)",
	}, pragmas...)}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode()
}

// useWAL switches the file to the write-ahead log, where it stays.
func (s *Store) useWAL(ctx context.Context) error {
	var mode string
	err := s.patiently(ctx, func() error {
		return s.write.QueryRowContext(ctx, `PRAGMA journal_mode = WAL`).Scan(&mode)
	})
	if err == nil && mode != "wal" {
		err = fmt.Errorf("the file cannot have a write-ahead log; its journal mode is %s", mode)
	}
	return err
}
