package sqlitestore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"
)

var errDisk = errors.New("the disk failed")

// faultyHandle opens a file through a driver that fails as it is told.
func faultyHandle(t testing.TB, path string) (*sql.DB, *faults) {
	t.Helper()
	connector, err := sqlite.NewConnector("file:" + path + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	require.NoError(t, err)
	f := &faults{Connector: connector}
	db := sql.OpenDB(f)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db, f
}

// sqlFault is what is wrong around a statement.
type sqlFault func(c *faultConn, query string, call func() error) error

// faults opens connections that have a fault, while one is set.
type faults struct {
	driver.Connector
	fault atomic.Pointer[sqlFault]
}

// set sets the fault. Nil heals.
func (f *faults) set(around sqlFault) {
	if around == nil {
		f.fault.Store(nil)
		return
	}
	f.fault.Store(&around)
}

func (f *faults) around(c *faultConn, query string, call func() error) (err error) {
	if c.closed {
		return driver.ErrBadConn
	}
	if strings.HasPrefix(query, `BEGIN`) {
		c.writes = query == `BEGIN IMMEDIATE`
	}
	if around := f.fault.Load(); around != nil {
		err = (*around)(c, query, call)
	} else {
		err = call()
	}
	if c.heal != "" && !c.closed && (query == `COMMIT` || query == `ROLLBACK` || query == `BEGIN IMMEDIATE` && err != nil) {
		err = errors.Join(err, c.exec(c.heal))
		c.heal = ""
	}
	return err
}

func (f *faults) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := f.Connector.Connect(ctx)
	return &faultConn{Conn: conn, faults: f}, err
}

type faultConn struct {
	driver.Conn
	faults *faults
	closed bool
	writes bool   // its newest transaction is an Update
	heal   string // to be run behind the transaction
}

// exec runs a statement beneath all faults.
func (c *faultConn) exec(query string) error {
	_, err := c.Conn.(driver.ExecerContext).ExecContext(context.Background(), query, nil)
	return err
}

// BeginTx begins a transaction of database/sql. Its commit is a COMMIT to faults.
func (c *faultConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
	return faultTx{tx, c}, err
}

type faultTx struct {
	driver.Tx
	conn *faultConn
}

func (t faultTx) Commit() error { return t.conn.faults.around(t.conn, `COMMIT`, t.Tx.Commit) }

// Close closes the connection, which may happen under way.
func (c *faultConn) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	return c.Conn.Close()
}

func (c *faultConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Result, err error) {
	err = c.faults.around(c, query, func() (err error) {
		result, err = c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
		return err
	})
	return result, err
}

func (c *faultConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = c.faults.around(c, query, func() (err error) {
		rows, err = c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
		return err
	})
	return rows, err
}
