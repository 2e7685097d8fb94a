package pgstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/areagate/rbac"
)

// SQLTx is a transaction of database/sql: a *sql.Tx, a *sqlx.Tx, the ConnPool of
// a transaction of GORM, or a *sql.Conn on which the caller has begun one.
type SQLTx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// SQLTx is like [Store.Tx] for a transaction of database/sql, which may be of
// any handle on the same database.
//
//	tx, err := db.BeginTx(ctx, nil)
//	…
//	defer tx.Rollback()
//	_, err = tx.ExecContext(ctx, "INSERT INTO users …")
//	…
//	err = az.In(store.SQLTx(tx)).System("sign-up").Assign(ctx, role, user)
//	…
//	err = tx.Commit()
//
// [rbac.Workspace.Transact] in place of In lets the next check see the change.
//
// The driver is that of pgx, package stdlib, or lib/pq. Statements and their
// arguments have to reach it as they are. Those of a bun.Tx do not, which is
// refused: give the *sql.Tx in it. What is in no transaction, as a *sql.DB, is
// refused too: by every method, before anything is read or written. A nil tx
// panics.
//
// Everything else is as with [Store.Tx], but each statement is a round trip.
func (s *Store) SQLTx(tx SQLTx) rbac.Store {
	if tx == nil {
		panic("pgstore: SQLTx of nil")
	}
	return txStore{viaSQL{tx}, &s.sql}
}

// viaSQL asks by way of database/sql.
type viaSQL struct{ on SQLTx }

func (v viaSQL) ask(ctx context.Context, b batch) error {
	for _, s := range b {
		if err := v.run(ctx, s); err != nil {
			return v.explain(s, err)
		}
	}
	return nil
}

func (v viaSQL) run(ctx context.Context, s statement) error {
	types := pgtype.NewMap()
	args, err := asText(types, s.args)
	if err != nil {
		return err
	}
	if s.row == nil {
		_, err := v.on.ExecContext(ctx, s.sql, args...)
		return err
	}
	rows, err := v.on.QueryContext(ctx, s.sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return eachRow(rows, func(scan scan) error {
		return s.row(func(into ...any) error { return scan(fromText(types, into)...) })
	})
}

// explain says what is wrong if a statement failed because it was not given a
// transaction, or without its arguments.
func (v viaSQL) explain(s statement, err error) error {
	code := sqlState(err)
	switch {
	case code == codeNoTransaction:
		return fmt.Errorf("SQLTx was given a %T that is in no transaction: %w", v.on, err)
	case code == codeUndefinedParameter, // says the server, and the drivers:
		len(s.args) > 0 && strings.Contains(err.Error(), fmt.Sprintf("expected %d arguments, got 0", len(s.args))):
		return fmt.Errorf("SQLTx was given a %T that does not pass arguments on, as the *sql.Tx in it would: %w", v.on, err)
	}
	return err
}

// asText returns arguments with the text of PostgreSQL in place of slices,
// which every driver takes.
func asText(types *pgtype.Map, args []any) ([]any, error) {
	args = slices.Clone(args)
	for i, arg := range args {
		switch arg.(type) {
		case []string, []bool, []int64, []time.Time, [][]byte:
			array, _ := types.TypeForValue(arg)
			text, err := types.Encode(array.OID, pgtype.TextFormatCode, arg, nil)
			if err != nil {
				return nil, err
			}
			args[i] = string(text)
		}
	}
	return args, nil
}

// fromText returns where to scan values to, with scanners of the text of
// PostgreSQL for slices, which no driver gives.
func fromText(types *pgtype.Map, into []any) []any {
	for i, variable := range into {
		if list, ok := variable.(*[]string); ok {
			into = slices.Clone(into)
			into[i] = types.SQLScanner(list)
		}
	}
	return into
}
