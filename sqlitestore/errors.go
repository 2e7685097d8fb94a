package sqlitestore

import (
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

// SchemaError is the error of [New], [Open] and [Migrate], wrapped, when the tables are
// not those of this program. Nothing was changed.
type SchemaError struct {
	Found int // the version of the tables; 0 if there are none
	Known int // the newest version that this program knows
}

func (e *SchemaError) Error() string {
	switch {
	case e.Found > e.Known:
		return fmt.Sprintf("the tables have version %d, and this program knows versions up to %d: run a newer program", e.Found, e.Known)
	case e.Found == 0:
		return "there are no tables of this library: run Migrate"
	}
	return fmt.Sprintf("the tables have version %d, and this program needs version %d: run Migrate", e.Found, e.Known)
}

// ErrFileReplaced is returned by a [Store] from [Open] when there is another
// file, or none, where it opened its own: what it reads would not change any
// more, and what it writes would be lost. Open the store again.
var ErrFileReplaced = errors.New("sqlitestore: the database file was replaced or removed while it was open")

var errEnded = errors.New("sqlitestore: a Reader or Tx was used after its function had returned")

// Result codes of SQLite, without their extensions.
const (
	codeBusy   = 5
	codeLocked = 6
	codeFull   = 13
)

// code returns the primary result code of an error of SQLite, 0 for others.
func code(err error) int {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return coded.Code() & 0xff
	}
	return 0
}

// isBusy reports whether a statement lost against another connection.
func isBusy(err error) bool {
	c := code(err)
	return c == codeBusy || c == codeLocked
}

// failed turns an error of the database into one of the store contract:
// ErrContention if another transaction was in the way.
func failed(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case isBusy(err):
		return fmt.Errorf("sqlitestore: %s: %w: %w", what, rbac.ErrContention, err)
	}
	return fmt.Errorf("sqlitestore: %s: %w", what, err)
}
