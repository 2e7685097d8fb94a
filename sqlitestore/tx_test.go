package sqlitestore_test

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// TestTxSignUp is the case that Tx is for: the application's row and the
// member, both or neither.
func TestTxSignUp(t *testing.T) {
	ctx := t.Context()
	path := tempFile(t)
	db := handle(t, path, "_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	_, err := db.Exec(`CREATE TABLE users (id TEXT)`)
	require.NoError(t, err)
	store := overHandle(t, db)
	az := authorizer(t, store)
	require.NoError(t, az.System("test").Assign(ctx, rbac.Administrator, "ann"))
	signUp := func(user string, end func(*sql.Tx) error) {
		tx, err := db.BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = tx.Exec(`INSERT INTO users VALUES (?)`, user)
		require.NoError(t, err)
		require.NoError(t, az.In(store.Tx(tx)).System("sign-up").Assign(ctx, rbac.Administrator, user))
		require.False(t, az.Can(ctx, user, rbac.Deals, rbac.Read), "not committed yet")
		require.NoError(t, end(tx))
		require.NoError(t, az.Sync(ctx))
	}
	users := func() (n int) {
		require.NoError(t, db.QueryRow(`SELECT count(*) FROM users`).Scan(&n))
		return n
	}
	signUp("eve", (*sql.Tx).Rollback)
	require.False(t, az.Can(ctx, "eve", rbac.Deals, rbac.Read))
	require.Zero(t, users())

	signUp("bob", (*sql.Tx).Commit)
	require.True(t, az.Can(ctx, "bob", rbac.Deals, rbac.Read))
	require.Equal(t, 1, users())
	require.Equal(t, 2, events(t, az.Workspace))
}

func TestTxTakesBackItsOwnWritesOnly(t *testing.T) {
	ctx := t.Context()
	path := tempFile(t)
	store := open(t, path)
	az := authorizer(t, store, viewer)
	db := handle(t, path, "_txlock=immediate&_pragma=busy_timeout(5000)")
	tx, err := db.BeginTx(ctx, nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	in := store.Tx(tx)
	admin := az.In(in).System("test")
	require.NoError(t, admin.Assign(ctx, rbac.Administrator, "ann"))
	require.ErrorIs(t, admin.Remove(ctx, "ann"), rbac.ErrLastAdministrator)
	failure := errors.New("failure")
	put := func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "eve", Role: rbac.Administrator}) }
	require.ErrorIs(t, in.Update(ctx, "", func(tx rbac.Tx) error { return errors.Join(put(tx), failure) }), failure)
	require.PanicsWithValue(t, "failure", func() {
		_ = in.Update(ctx, "", func(tx rbac.Tx) error {
			require.NoError(t, put(tx))
			panic("failure")
		})
	})
	require.NoError(t, admin.Assign(ctx, "viewer", "bob"))
	require.NoError(t, az.For("other").In(in).System("test").Assign(ctx, "viewer", "kim"))
	require.NoError(t, tx.Commit())
	require.NoError(t, az.Sync(ctx))
	for user, want := range map[string]bool{"ann": true, "bob": true, "eve": false} {
		require.Equal(t, want, az.Can(ctx, user, rbac.Deals, rbac.Read), user)
	}
	require.True(t, az.For("other").Can(ctx, "kim", rbac.Deals, rbac.Read))
	require.Equal(t, 2, events(t, az.Workspace))
	require.Error(t, admin.Assign(ctx, "viewer", "joe"), "the transaction is over")
}

func TestTxOnAConnection(t *testing.T) {
	ctx := t.Context()
	path := tempFile(t)
	store := open(t, path)
	az := authorizer(t, store, viewer)
	c, err := handle(t, path, "_pragma=busy_timeout(5000)").Conn(ctx)
	require.NoError(t, err)
	defer c.Close()
	admin := az.In(store.TxConn(c)).System("test")
	require.NoError(t, admin.Assign(ctx, rbac.Administrator, "ann"), "in no transaction it commits by itself")
	_, err = c.ExecContext(ctx, `BEGIN IMMEDIATE`)
	require.NoError(t, err)
	require.NoError(t, admin.Assign(ctx, "viewer", "bob"))
	_, err = c.ExecContext(ctx, `ROLLBACK`)
	require.NoError(t, err)
	require.Equal(t, 1, events(t, az.Workspace))
}

func TestNewLeavesTheHandleAsItIs(t *testing.T) {
	ctx := t.Context()
	db := handle(t, tempFile(t), "_pragma=busy_timeout(1234)&_pragma=journal_mode(WAL)")
	db.SetMaxOpenConns(1)
	store := overHandle(t, db)
	az := authorizer(t, store)
	require.NoError(t, az.System("test").Assign(ctx, rbac.Administrator, "ann"))
	require.NoError(t, store.Close())
	var timeout int
	require.NoError(t, db.QueryRow(`PRAGMA busy_timeout`).Scan(&timeout))
	require.Equal(t, 1234, timeout)
}

// A function that hides the error of a write must not get the rest committed.
func TestFailedWriteIsNotCommitted(t *testing.T) {
	ctx := t.Context()
	store := open(t, tempFile(t))
	err := store.Update(ctx, "", func(tx rbac.Tx) error {
		require.NoError(t, tx.PutMembers(rbac.Member{User: "ann", Role: "a"}))
		require.Error(t, tx.AppendEvents(rbac.Event{Seq: 7}))
		return nil
	})
	require.ErrorContains(t, err, "event 7 was appended where event 1 belongs")
	require.NoError(t, store.View(ctx, "", func(r rbac.Reader) error {
		_, err := r.Member("ann")
		require.ErrorIs(t, err, rbac.ErrMemberNotFound)
		return nil
	}))
	var kept rbac.Reader
	require.NoError(t, store.View(ctx, "", func(r rbac.Reader) error { kept = r; return nil }))
	_, err = kept.Revision()
	require.Error(t, err, "a Reader is invalid once its function has returned")
}
