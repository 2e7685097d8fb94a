package sqlitestore_test

import (
	"bufio"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/storetest"
	"github.com/areagate/rbac/sqlitestore"
)

// childLocks holds the lock of the writers for as long as its input says, line
// by line.
func childLocks(path string) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		length, err := time.ParseDuration(lines.Text())
		if err != nil {
			return err
		}
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		time.Sleep(length)
		if err := tx.Rollback(); err != nil {
			return err
		}
		fmt.Println("released")
	}
	return db.Close()
}

// TestScenario31_RandomHistories lets several actors change one file through
// three instances, while another process holds the lock of the writers, shortly
// and for longer than they wait, connections are closed under way, the disk is
// full, and the database read-only.
func TestScenario31_RandomHistories(t *testing.T) {
	storetest.RandomHistories(t, func(t *testing.T) (storetest.History, func(storetest.Outcome)) {
		f := newFile(t)
		db, faults := faultyHandle(t, f.path)
		shared, err := sqlitestore.New(db, sqlitestore.WithBusyTimeout(10*time.Millisecond))
		require.NoError(t, err)
		h := storetest.History{Instances: []rbac.Store{shared, shared, open(t, f.path)}, Check: f.Store()}
		other := start(t, "locks", f.path)
		h.Faults = func(random *rand.Rand) {
			list := faultsOfAFile(other)
			for range 3 {
				for _, i := range random.Perm(len(list)) {
					if !faults.inflict(list[i].around, list[i].meanwhile) {
						t.Errorf("not once: %s", list[i].name)
					}
				}
			}
			// Ten tries of 10 milliseconds each, in line behind those of the others,
			// and the pauses between them, take up to 2 seconds.
			other.tell("3s")
		}
		return h, func(outcome storetest.Outcome) {
			contended, codes := 0, map[int]int{}
			for _, err := range outcome.Refused {
				if errors.Is(err, rbac.ErrContention) {
					contended++
				}
				codes[resultCode(err)]++
			}
			t.Logf("refused: %d who waited too long, %d by a full disk, %d by a read-only database",
				contended, codes[sqlite3.SQLITE_FULL], codes[sqlite3.SQLITE_READONLY])
			require.Positive(t, contended)
			require.Positive(t, codes[sqlite3.SQLITE_FULL])
			require.Positive(t, codes[sqlite3.SQLITE_READONLY])
			require.Positive(t, outcome.Unknown)
			integrity(t, f.path)
		}
	})
}

// faultOfAFile is set until it has hit, while something is done again and
// again.
type faultOfAFile struct {
	name      string
	around    func(hit func()) fault
	meanwhile func()
}

func faultsOfAFile(other *child) []faultOfAFile {
	wait := func() { time.Sleep(time.Millisecond) }
	// A pragma makes the changes of a transaction fail with a result code.
	pragma := func(set, heal string, code int) func(hit func()) fault {
		return func(hit func()) fault {
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
	closed := func(prefix string, before bool) func(hit func()) fault {
		return func(hit func()) fault {
			return func(c *faultConn, query string, call func() error) error {
				if !strings.HasPrefix(query, prefix) {
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
		{"another process writes", pragma(`PRAGMA user_version`, `PRAGMA user_version`, sqlite3.SQLITE_BUSY), func() { other.tell("5ms") }},
		{"the disk is full", pragma(`PRAGMA max_page_count = 1`, `PRAGMA max_page_count = 4294967294`, sqlite3.SQLITE_FULL), wait},
		{"the database is read-only", pragma(`PRAGMA query_only = 1`, `PRAGMA query_only = 0`, sqlite3.SQLITE_READONLY), wait},
		{"closed at the beginning", closed(`BEGIN IMMEDIATE`, false), wait},
		{"closed in a change", closed(`INSERT INTO rbac_events`, false), wait},
		{"closed before the commit", closed(`COMMIT`, true), wait},
		{"closed after the commit", closed(`COMMIT`, false), wait},
		{"closed in a reading", closed(`SELECT id, name`, true), wait},
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
