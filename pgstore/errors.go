package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/areagate/rbac"
)

// SchemaError is the error of [New] and [Migrate], wrapped, when the tables are
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

// SQLSTATE codes, from appendix A of PostgreSQL's documentation.
const (
	codeSerializationFailure = "40001"
	codeDeadlock             = "40P01"
	codeLockNotAvailable     = "55P03" // lock_timeout
	codeUndefinedTable       = "42P01"
	codeInvalidSchema        = "3F000"
	codeResolutionUnknown    = "08007"
	codeCompletionUnknown    = "40003"
	codeNoTransaction        = "25P01"
	codeUndefinedParameter   = "42P02"
)

// sqlState returns the code of an error of the server, whatever the driver.
func sqlState(err error) string {
	var server interface{ SQLState() string }
	if errors.As(err, &server) {
		return server.SQLState()
	}
	return ""
}

// failed turns an error of the database into one of the store contract: the
// context's if the context is done, ErrContention if another transaction was
// in the way.
func failed(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if done := ctx.Err(); done != nil && !errors.Is(err, done) {
		return fmt.Errorf("pgstore: %s: %w: %w", what, done, err)
	}
	switch sqlState(err) {
	case codeSerializationFailure, codeDeadlock, codeLockNotAvailable:
		return fmt.Errorf("pgstore: %s: %w: %w", what, rbac.ErrContention, err)
	}
	return fmt.Errorf("pgstore: %s: %w", what, err)
}

// lockFailed is failed for the lock of a workspace, with what is likely if it
// was waited for too long.
func lockFailed(ctx context.Context, workspace string, err error) error {
	what := fmt.Sprintf("lock workspace %q", workspace)
	if ctx.Err() != nil || sqlState(err) == codeLockNotAvailable {
		what += ", which another transaction may hold (one of the caller's own must be passed with Workspace.In)"
	}
	return failed(ctx, what, err)
}

// commitFailed is failed for COMMIT, where contact may be lost after the
// commit took place.
func commitFailed(ctx context.Context, err error) error {
	const what = "commit"
	if err == nil {
		return nil
	}
	if errors.Is(err, pgx.ErrTxCommitRollback) || errors.Is(err, pgx.ErrTxClosed) {
		return failed(ctx, what, err) // it was rolled back, or never asked for
	}
	// Don't ask pgconn.SafeToRetry: it says yes to the "conn closed" that is
	// left of a connection that broke after COMMIT was sent.
	var server *pgconn.PgError
	if errors.As(err, &server) && server.SeverityUnlocalized == "ERROR" &&
		server.Code != codeResolutionUnknown && server.Code != codeCompletionUnknown {
		return failed(ctx, what, err) // past the point of no return, PostgreSQL reports no mere ERROR
	}
	if done := ctx.Err(); done != nil && !errors.Is(err, done) {
		return fmt.Errorf("pgstore: %s: %w: %w: %w", what, rbac.ErrOutcomeUnknown, done, err)
	}
	return fmt.Errorf("pgstore: %s: %w: %w", what, rbac.ErrOutcomeUnknown, err)
}

// unstorable is the error for a text that PostgreSQL cannot store. The library
// refuses such texts before a store sees them.
func unstorable(what, text string) error {
	return fmt.Errorf("pgstore: %s %q cannot be stored: PostgreSQL takes neither NUL nor invalid UTF-8", what, text)
}
