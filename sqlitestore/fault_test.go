package sqlitestore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/areagate/rbac"
)

var errDisk = errors.New("the disk failed")

// faultConnector opens connections whose COMMIT fails when it is told to:
// before or after it took place.
type faultConnector struct {
	driver.Connector
	before, after atomic.Bool
}

func (c *faultConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	return &faultConn{conn, c}, err
}

type faultConn struct {
	driver.Conn
	faults *faultConnector
}

func (c *faultConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if query == `COMMIT` && c.faults.before.Load() {
		return nil, errDisk
	}
	result, err := c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
	if query == `COMMIT` && err == nil && c.faults.after.Load() {
		return nil, errDisk
	}
	return result, err
}

func (c *faultConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func TestScenario07_OutcomeUnknown(t *testing.T) {
	ctx := t.Context()
	base, err := sqlite.NewConnector("file:" + tempFile(t) + "?_pragma=journal_mode(WAL)")
	require.NoError(t, err)
	faults := &faultConnector{Connector: base}
	db := sql.OpenDB(faults)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	// The library asks again before the next check, and by the poll if that fails.
	az := authorizer(t, withoutNotify{overHandle(t, db)}, rbac.WithMaxStaleness(500*time.Millisecond))
	system := az.System("test")
	require.NoError(t, system.Assign(ctx, rbac.Administrator, "ann"))
	require.True(t, az.Can(ctx, "ann", rbac.Deals, rbac.Read))

	for user, committed := range map[string]bool{"bob": false, "eve": true} {
		fault := &faults.before
		if committed {
			fault = &faults.after
		}
		fault.Store(true)
		err = system.Assign(ctx, rbac.Administrator, user)
		fault.Store(false)
		require.ErrorIs(t, err, rbac.ErrOutcomeUnknown)
		require.ErrorIs(t, err, errDisk)
		require.Eventually(t, func() bool { return az.Can(ctx, "ann", rbac.Deals, rbac.Read) }, 10*time.Second, time.Millisecond)
		require.Equal(t, committed, az.Can(ctx, user, rbac.Deals, rbac.Read))
		require.NoError(t, az.VerifyEvents(ctx))
	}
	require.NoError(t, system.Assign(ctx, rbac.Administrator, "joe"))
	require.Equal(t, 3, events(t, az.Workspace))
}
