package sqlitestore_test

import (
	"bufio"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/histories"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/oracle"
	"github.com/areagate/rbac/sqlitestore"
)

// childLocks takes the lock of the writers at one line of its input, however
// long it has to wait, and releases it at the next.
func childLocks(path string) error {
	db, err := sql.Open("sqlite", fmt.Sprintf("file:%s?_txlock=immediate&_pragma=busy_timeout(%d)", path, math.MaxInt32))
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		fmt.Println("locked")
		lines.Scan()
		if err := tx.Rollback(); err != nil {
			return err
		}
		fmt.Println("released")
	}
	return db.Close()
}

// TestRandomHistories is that of internal/oracle, on this store.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	oracle.RandomHistories(t, long.Scale(200), func(t testing.TB) rbac.Store { return open(t, tempFile(t)) })
}

// TestScenario31_RandomHistories lets several actors change one file through
// three instances, while another process holds the lock of the writers, shortly
// and for longer than they wait, connections are closed under way, the disk is
// full, and the database read-only.
func TestScenario31_RandomHistories(t *testing.T) {
	t.Parallel()
	histories.RandomHistories(t, func(t *testing.T) (histories.History, func(histories.Outcome)) {
		f := newFile(t)
		db, faults := faultyHandle(t, f.path)
		impatient := sqlitestore.WithBusyTimeout(10 * time.Millisecond)
		shared, err := sqlitestore.New(t.Context(), db, impatient)
		require.NoError(t, err)
		var ended, contended atomic.Int64
		h := histories.History{
			Instances: []rbac.Store{shared, shared, open(t, f.path, impatient)},
			Check:     f.Store(),
			Ended: func(err error) {
				ended.Add(1)
				if errors.Is(err, rbac.ErrContention) {
					contended.Add(1)
				}
			},
		}
		// until waits for what must come to pass before so many changes have ended.
		until := func(what string, holds func() bool) {
			const most = 2000
			for from := ended.Load(); !holds() && !t.Failed(); time.Sleep(time.Millisecond) {
				if ended.Load()-from > most {
					t.Errorf("not within %d changes: %s", most, what)
				}
			}
		}
		other := start(t, "locks", f.path)
		h.Faults = func(random *rand.Rand) {
			list := faultsOfAFile()
			for range 3 {
				for _, i := range random.Perm(len(list)) {
					if list[i].locked {
						other.tell("lock")
					}
					var hit atomic.Bool
					faults.set(list[i].around(func() { hit.Store(true) }))
					until(list[i].name, hit.Load)
					faults.set(nil)
					if list[i].locked {
						other.tell("release")
					}
				}
			}
			from := contended.Load()
			other.tell("lock")
			until("somebody has waited too long", func() bool { return contended.Load() > from })
			other.tell("release")
		}
		return h, func(outcome histories.Outcome) {
			codes := map[int]int{}
			for _, err := range outcome.Refused {
				codes[resultCode(err)]++
			}
			t.Logf("refused: %d who waited too long, %d by a full disk, %d by a read-only database",
				contended.Load(), codes[sqlite3.SQLITE_FULL], codes[sqlite3.SQLITE_READONLY])
			require.Positive(t, contended.Load())
			require.Positive(t, codes[sqlite3.SQLITE_FULL])
			require.Positive(t, codes[sqlite3.SQLITE_READONLY])
			require.Positive(t, outcome.Unknown)
			integrity(t, f.path)
		}
	})
}

// faultOfAFile is set until it has hit.
type faultOfAFile struct {
	name   string
	around func(hit func()) sqlFault
	locked bool // while another process holds the lock of the writers
}

func faultsOfAFile() []faultOfAFile {
	// A pragma makes the changes of a transaction fail with a result code.
	pragma := func(set, heal string, code int) func(hit func()) sqlFault {
		return func(hit func()) sqlFault {
			return func(c *faultConn, query string, call func() error) error {
				if query == `BEGIN IMMEDIATE` {
					c.heal = heal
					if err := c.exec(set); err != nil {
						return err
					}
				}
				err := call()
				if resultCode(err) == code {
					hit()
				}
				return err
			}
		}
	}
	// closed closes the connection before or behind a statement of an Update, or
	// of a View.
	closed := func(writes bool, prefix string, before bool) func(hit func()) sqlFault {
		return func(hit func()) sqlFault {
			return func(c *faultConn, query string, call func() error) error {
				if c.writes != writes || !strings.HasPrefix(query, prefix) {
					return call()
				}
				if !before {
					_ = call()
				}
				_ = c.Close()
				hit()
				return driver.ErrBadConn
			}
		}
	}
	return []faultOfAFile{
		{"another process writes", pragma(`PRAGMA user_version`, `PRAGMA user_version`, sqlite3.SQLITE_BUSY), true},
		{"the disk is full", pragma(`PRAGMA max_page_count = 1`, `PRAGMA max_page_count = 4294967294`, sqlite3.SQLITE_FULL), false},
		{"the database is read-only", pragma(`PRAGMA query_only = 1`, `PRAGMA query_only = 0`, sqlite3.SQLITE_READONLY), false},
		{"closed at the beginning", closed(true, `BEGIN IMMEDIATE`, false), false},
		{"closed in a change", closed(true, `INSERT INTO rbac_events`, false), false},
		{"closed before the commit", closed(true, `COMMIT`, true), false},
		{"closed after the commit", closed(true, `COMMIT`, false), false},
		{"closed in a change that reads", closed(true, `SELECT id, name`, true), false},
		{"closed in a reading", closed(false, `SELECT id, name`, true), false},
		{"closed at the end of a reading", closed(false, `COMMIT`, true), false},
	}
}

// resultCode returns the primary result code of SQLite, 0 for other errors.
func resultCode(err error) int {
	var coded *sqlite.Error
	if errors.As(err, &coded) {
		return coded.Code() & 0xff
	}
	return 0
}
