package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// asker runs statements: a connection, pool or transaction of pgx, or a
// transaction of database/sql. Whatever a Store does in a transaction goes
// through it, so that it does the same in both.
type asker interface {
	// ask runs a batch up to the first statement that fails, in one round trip
	// if the driver can.
	ask(ctx context.Context, b batch) error
}

// batch is a list of statements.
type batch []statement

// statement is an SQL text with what it takes and gives. An argument is a
// text, a number, a bool, a time, bytes, or a slice of them. Values are
// scanned to variables of these types.
type statement struct {
	sql  string
	args []any
	row  func(scan scan) error // called for each row; nil if there are none of interest
}

// scan stores the values of a row in variables.
type scan = func(into ...any) error

func (b *batch) exec(sql string, args ...any) {
	*b = append(*b, statement{sql: sql, args: args})
}

func (b *batch) query(row func(scan) error, sql string, args ...any) {
	*b = append(*b, statement{sql, args, row})
}

// pgxConn is a pool, a connection or a transaction of pgx.
type pgxConn interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// viaPgx asks by way of pgx.
type viaPgx struct{ on pgxConn }

func (v viaPgx) ask(ctx context.Context, b batch) error {
	switch {
	case len(b) > 1:
		var queued pgx.Batch
		b.queue(&queued)
		return v.on.SendBatch(ctx, &queued).Close()
	case b[0].row == nil:
		_, err := v.on.Exec(ctx, b[0].sql, b[0].args...)
		return err
	}
	rows, err := v.on.Query(ctx, b[0].sql, b[0].args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return eachRow(rows, b[0].row)
}

// queue adds the statements to a batch of pgx.
func (b batch) queue(to *pgx.Batch) {
	for _, s := range b {
		queued := to.Queue(s.sql, s.args...)
		if s.row != nil {
			queued.Query(func(rows pgx.Rows) error { return eachRow(rows, s.row) })
		}
	}
}

func eachRow(rows interface {
	Next() bool
	Scan(into ...any) error
	Err() error
}, row func(scan) error) error {
	scan := rows.Scan
	for rows.Next() {
		if err := row(scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
