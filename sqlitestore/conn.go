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
	"strings"
	"time"

	"github.com/areagate/rbac"
)

// querier is what *sql.Conn and *sql.Tx have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
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
	taken, err := s.take(ctx, db)
	if err != nil {
		return nil, s.place.failed("connect to", err)
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
		return nil, errors.Join(s.place.failed("connect to", err), taken.Close())
	}
	return c, nil
}

// patience is how long a Store waits for what it holds itself: its line of
// Updates, which wait for others up to the busy timeout, and its connections.
func (s *Store) patience() time.Duration { return s.options.busyTimeout + time.Second }

// take waits for a connection of a handle.
func (s *Store) take(ctx context.Context, db *sql.DB) (*sql.Conn, error) {
	short, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	var c *sql.Conn
	err := s.patiently(short, func() (err error) { // a new one may meet others who recover the log
		c, err = db.Conn(short)
		return err
	})
	var others *waitError
	if err == nil || short.Err() == nil || !errors.Is(err, short.Err()) || errors.As(err, &others) {
		return c, err
	}
	reason := ctx.Err()
	if reason == nil {
		reason = rbac.ErrContention
	}
	return nil, &waitError{reason, "a connection, all of which are in use"}
}

// takeTurn waits in line for the Updates of s that came before. It gives up if
// one of them takes too long: it may be waiting for this one.
func (s *Store) takeTurn(ctx context.Context) error {
	const wanted = "another Update of the same Store"
	for {
		at := s.turns.Load()
		timer := time.NewTimer(s.patience())
		select {
		case s.turn <- struct{}{}:
			timer.Stop()
			s.turns.Add(1)
			return nil
		case <-ctx.Done():
			timer.Stop()
			return &waitError{ctx.Err(), wanted}
		case <-timer.C:
			if s.turns.Load() == at {
				return &waitError{rbac.ErrContention, wanted}
			}
		}
	}
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
		return fmt.Errorf("%w: %s: open the store again", ErrFileReplaced, s.path)
	}
	return s.place.failed("look at", err)
}

// steps are how a transaction begins and ends.
type steps struct {
	begin, commit func() error
	rollback      func()
}

// by returns the steps of a transaction on a connection that begins like this.
func (c *conn) by(ctx context.Context, begin func(context.Context, *sql.Conn) error) steps {
	return steps{
		begin:    func() error { return begin(ctx, c.Conn) },
		commit:   func() error { return exec(ctx, c.Conn, `COMMIT`) },
		rollback: func() { rollback(c.Conn) },
	}
}

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
	err := exec(ctx, c, takeSnapshot)
	if err != nil {
		rollback(c)
	}
	return err
}

// transaction runs fn in a transaction, which is rolled back if fn fails,
// panics or ends its goroutine, or if the context is done.
func (s *Store) transaction(ctx context.Context, steps steps, fn func() error) error {
	if err := s.patiently(ctx, steps.begin); err != nil {
		return s.place.failed("begin a transaction on", err)
	}
	open := true
	defer func() {
		if open {
			steps.rollback()
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
	err := s.patiently(ctx, steps.commit)
	switch {
	case err == nil:
		open = false
		return nil
	case isBusy(err), ctx.Err() != nil && errors.Is(err, ctx.Err()), code(err) == codeFull:
		return s.place.failed("commit to", err)
	}
	// After a failed write to the disk, it may have reached it or not.
	return s.place.failed("commit to", fmt.Errorf("%w: %w", rbac.ErrOutcomeUnknown, err))
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
	deadline := time.Now().Add(s.options.busyTimeout)
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
			return &waitError{ctx.Err(), "others: " + err.Error()}
		}
	}
}
