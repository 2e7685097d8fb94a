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
// The file is the library's own, so Open brings its tables to the version of
// this program, as [Migrate] does. It returns a *[SchemaError], wrapped, if they
// are newer. A file that can only be read is an error, too. The context bounds
// only Open itself.
//
// The file must be on a local disk; the README says why. Close the Store.
func Open(ctx context.Context, path string, opts ...Option) (*Store, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, path, o)
	if err != nil {
		return nil, place(path).failed("open", err)
	}
	return s, nil
}

func open(ctx context.Context, path string, o options) (*Store, error) {
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
	s := newStore(nil, o)
	s.place, s.path, s.file, s.owned = place(path), path, file, true
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
	if err = s.useWAL(ctx); err == nil {
		err = s.migrate(ctx)
	}
	if err == nil {
		err = s.checkWritable(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
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

// Close closes what [Open] opened. It waits for transactions that are under
// way. A Store from [New] has nothing to close.
func (s *Store) Close() error {
	if !s.owned {
		return nil
	}
	return errors.Join(s.read.Close(), s.write.Close())
}
