package sqlitestore

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"

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
	codeBusy         = 5
	codeLocked       = 6
	codeReadOnly     = 8
	codeInput        = 10 // and output
	codeCorrupt      = 11
	codeFull         = 13
	codeCannotOpen   = 14
	codeNotADatabase = 26
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

// place is where a Store is, for its errors: the path of the file, or one of
// these.
type place string

const (
	handle   place = "the handle's database" // before it was asked
	inMemory place = "a database in memory"
)

// failure is an error of the database, with the place and what to do.
type failure struct {
	doing string
	place place
	err   error
}

func (f *failure) Error() string {
	cause := f.err
	if named, ok := cause.(*fs.PathError); ok {
		cause = named.Err
	}
	text := fmt.Sprintf("sqlitestore: %s %s: %v", f.doing, f.place, cause)
	if what := advice(f.err); what != "" {
		text += ": " + what
	}
	return text
}
func (f *failure) Unwrap() error { return f.err }

// failed turns an error of the database into one of the store contract:
// ErrContention if another transaction was in the way. One that names the
// place already stays as it is.
func (p place) failed(doing string, err error) error {
	var named *failure
	switch {
	case err == nil || errors.As(err, &named):
		return err
	case isBusy(err):
		err = fmt.Errorf("%w: %w", rbac.ErrContention, err)
	}
	return &failure{doing, p, err}
}

const letIn = "see that the file's folder exists, and let the process read and write both"

// useIn is what to do about a wait that may be one for the caller itself.
const useIn = "if the caller has a transaction open on this database, use Workspace.In"

// waitError is a wait that came to an end. It is [rbac.ErrContention], or the
// error of the context that ended it.
type waitError struct {
	err    error
	wanted string
}

func (e *waitError) Error() string { return fmt.Sprintf("%v, waiting for %s", e.err, e.wanted) }
func (e *waitError) Unwrap() error { return e.err }

// advice says what to do about an error of the database.
func advice(err error) string {
	var wait *waitError
	switch {
	case errors.As(err, &wait):
		return useIn
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return letIn
	case errors.Is(err, sql.ErrTxDone):
		return "the transaction has ended: begin another"
	case errors.Is(err, sql.ErrConnDone), strings.Contains(err.Error(), "database is closed"):
		return "close an Authorizer before its Store, and a Store before its handle; open them anew to go on"
	}
	switch code(err) {
	case codeBusy, codeLocked:
		return "somebody else holds the lock of the writers; " + useIn
	case codeReadOnly:
		return "let the process write the file and its folder, and open it without mode=ro, immutable and query_only"
	case codeInput:
		return "see that the disk and its file system are well"
	case codeCorrupt:
		return "the file is damaged: stop all processes and restore a backup"
	case codeFull:
		return "free space on the disk, or raise max_page_count"
	case codeCannotOpen:
		return letIn
	case codeNotADatabase:
		return "the file is not one of SQLite, or is damaged: give another path, or restore a backup"
	}
	return ""
}
