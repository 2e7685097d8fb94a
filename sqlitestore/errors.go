package sqlitestore

import (
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

// NewerSchemaError is returned by [Open] and [New] when the tables were made
// by a newer version of this module, which may keep rules in them that this
// version does not know. Nothing was changed. Update the program.
type NewerSchemaError struct {
	Found int // the version of the tables
	Known int // the newest version that this program knows
}

func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("sqlitestore: the tables have version %d, this program knows versions up to %d: update the program", e.Found, e.Known)
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

// stored returns what a Store returns for an error of SQLite.
func stored(err error) error {
	if isBusy(err) {
		return fmt.Errorf("%w: %w", rbac.ErrContention, err)
	}
	return err
}
