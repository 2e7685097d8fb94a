package sqlitestore_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/sqlitestore"
)

// accounts is an application that has a table of users beside the library's.
type accounts struct {
	*testing.T
	store *sqlitestore.Store
	db    *sql.DB // the test's own
	az    *rbac.Authorizer
}

// newAccounts opens one on a store of Open, or on a handle as New gets it.
func newAccounts(t *testing.T, query string) *accounts {
	t.Helper()
	path := tempFile(t)
	store := open(t, path)
	if query != "" {
		store = overHandle(t, handle(t, path, query))
	}
	a := &accounts{t, store, handle(t, path, "_pragma=busy_timeout(5000)"), authorizer(t, deaf(store), append(quiet(), viewer)...)}
	_, err := a.db.Exec(`CREATE TABLE users (id TEXT PRIMARY KEY)`)
	require.NoError(t, err)
	require.NoError(t, a.az.System("set-up").Assign(t.Context(), rbac.Administrator, "ann"))
	require.True(t, can(a.az, "ann"))
	return a
}

func can(az *rbac.Authorizer, user string) bool { return workspacetest.Can(az.Workspace, user) }

func (a *accounts) users() (n int) {
	a.Helper()
	require.NoError(a, a.db.QueryRow(`SELECT count(*) FROM users`).Scan(&n))
	return n
}

// signUp writes a row of users and makes them a member, and then does what the
// test wants.
func (a *accounts) signUp(ctx context.Context, user string, then func(*sql.Tx, *rbac.Transaction) error) error {
	return a.store.Transact(ctx, a.az.Workspace, func(tx *sql.Tx, w *rbac.Transaction) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO users VALUES (?)`, user); err != nil {
			return err
		}
		if err := w.System("sign-up").Add(ctx, "viewer", user); err != nil {
			return err
		}
		return then(tx, w)
	})
}

func nothing(*sql.Tx, *rbac.Transaction) error { return nil }

// The application's row and the member, both or neither, on every kind of handle;
// and the next check sees it.
func TestScenario90_Transact(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"a file of the store's own":  "",
		"a handle that is deferred":  "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)",
		"a handle that is immediate": "_txlock=immediate&_pragma=journal_mode(WAL)",
		"a handle that is exclusive": "_txlock=exclusive&_pragma=journal_mode(WAL)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, a := t.Context(), newAccounts(t, query)
			require.NoError(t, a.signUp(ctx, "bob", func(_ *sql.Tx, w *rbac.Transaction) error {
				require.False(t, can(a.az, "bob"), "not committed yet")
				require.ErrorIs(t, w.As("ann").Remove(ctx, "ann"), rbac.ErrSelf)
				member, err := w.Member(ctx, "bob")
				require.Equal(t, "Viewer", member.RoleName)
				return err
			}))
			require.True(t, can(a.az, "bob"))
			require.Equal(t, 1, a.users())

			declined := errors.New("the card was declined")
			require.ErrorIs(t, a.signUp(ctx, "eve", func(*sql.Tx, *rbac.Transaction) error { return declined }), declined)
			require.Error(t, a.signUp(ctx, "bob", nothing), "the application's own constraint")
			require.PanicsWithValue(t, "declined", func() {
				_ = a.signUp(ctx, "eve", func(*sql.Tx, *rbac.Transaction) error { panic("declined") })
			})
			ended, cancel := context.WithCancel(ctx)
			require.ErrorIs(t, a.signUp(ended, "eve", func(*sql.Tx, *rbac.Transaction) error { cancel(); return nil }), context.Canceled)
			require.Equal(t, 1, a.users())
			require.False(t, can(a.az, "eve"))
			require.Equal(t, 2, events(t, a.az.Workspace))
			require.NoError(t, a.signUp(ctx, "eve", nothing), "nothing is left open")
			require.True(t, can(a.az, "eve"))
			checkInvariants(t, a.store, "", "viewer")
		})
	}
}

// Nobody else writes from the beginning on, so that what is read first is still
// true when it is written.
func TestScenario90_BeginsImmediate(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{"open": "", "handle": "_pragma=journal_mode(WAL)"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, a := t.Context(), newAccounts(t, query)
			_, err := a.db.Exec(`PRAGMA busy_timeout = 0`)
			require.NoError(t, err)
			a.db.SetMaxOpenConns(1)
			require.NoError(t, a.store.Transact(ctx, a.az.Workspace, func(tx *sql.Tx, w *rbac.Transaction) error {
				var n int
				require.NoError(t, tx.QueryRowContext(ctx, `SELECT count(*) FROM users`).Scan(&n))
				_, err := a.db.Exec(`INSERT INTO users VALUES ('meanwhile')`)
				require.ErrorContains(t, err, "locked")
				return w.System("sign-up").Add(ctx, "viewer", "bob")
			}))
			require.True(t, can(a.az, "bob"))
		})
	}
}

// What the application takes back by a savepoint does not show, and what it
// commits by itself does.
func TestScenario90_TheApplicationEndsItItself(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), newAccounts(t, "")
	require.NoError(t, a.signUp(ctx, "bob", func(tx *sql.Tx, w *rbac.Transaction) error {
		for _, statement := range []string{`SAVEPOINT mine`, ``, `ROLLBACK TO mine`, `RELEASE mine`} {
			if statement == "" {
				require.NoError(t, w.System("test").Assign(ctx, rbac.Administrator, "eve"))
				continue
			}
			_, err := tx.ExecContext(ctx, statement)
			require.NoError(t, err)
		}
		return nil
	}))
	require.True(t, can(a.az, "bob"))
	require.False(t, can(a.az, "eve"))

	err := a.signUp(ctx, "joe", func(tx *sql.Tx, _ *rbac.Transaction) error { return tx.Commit() })
	require.ErrorIs(t, err, sql.ErrTxDone)
	require.True(t, can(a.az, "joe"), "it was committed, whatever the error says")
	err = a.signUp(ctx, "kim", func(tx *sql.Tx, _ *rbac.Transaction) error { return tx.Rollback() })
	require.ErrorIs(t, err, sql.ErrTxDone)
	require.False(t, can(a.az, "kim"))
	require.NoError(t, a.signUp(ctx, "kim", nothing))
	checkInvariants(t, a.store, "", "viewer")
}

// The disk fails in the middle of a commit, and nobody knows what became of it.
func TestScenario90_OutcomeUnknown(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, faults := faultyHandle(t, tempFile(t))
	store := overHandle(t, db)
	// The library asks again before the next check, and by the poll if that fails.
	az := authorizer(t, deaf(store), rbac.WithMaxStaleness(3*time.Second))
	require.NoError(t, az.System("test").Assign(ctx, rbac.Administrator, "ann", "bob", "eve"))
	for user, committed := range map[string]bool{"bob": false, "eve": true} {
		require.True(t, can(az, user))
		faults.set(func(_ *faultConn, query string, call func() error) error {
			if query != `COMMIT` {
				return call()
			}
			if committed {
				_ = call()
			}
			return errDisk
		})
		err := store.Transact(ctx, az.Workspace, func(_ *sql.Tx, w *rbac.Transaction) error { return w.As("ann").Remove(ctx, user) })
		faults.set(nil)
		require.ErrorIs(t, err, rbac.ErrOutcomeUnknown)
		require.ErrorIs(t, err, errDisk)
		require.Eventually(t, func() bool { return can(az, "ann") }, 10*time.Second, time.Millisecond)
		require.Equal(t, !committed, can(az, user))
	}
	require.NoError(t, az.System("test").Assign(ctx, rbac.Administrator, "joe"), "no transaction is left open")
	require.NoError(t, az.VerifyEvents(ctx))
}

// Who changes the workspace beside the Transaction waits for themselves, and not
// for ever; and so does who begins one inside another.
func TestScenario90_BesideTheTransaction(t *testing.T) {
	for name, wrong := range map[string]func(context.Context, *sqlitestore.Store, *rbac.Workspace) error{
		"a change": func(ctx context.Context, _ *sqlitestore.Store, w *rbac.Workspace) error {
			return w.System("sign-up").Assign(ctx, rbac.Administrator, "eve")
		},
		"a transaction": func(ctx context.Context, store *sqlitestore.Store, w *rbac.Workspace) error {
			return store.Transact(ctx, w, nothing)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, path := t.Context(), tempFile(t)
				store := open(t, path)
				w := authorizer(t, deaf(store)).For("w")
				require.NoError(t, store.Transact(ctx, w, func(_ *sql.Tx, in *rbac.Transaction) error {
					err := wrong(ctx, store, w)
					require.ErrorIs(t, err, rbac.ErrContention)
					says(t, err, path, "use Workspace.In")
					return in.System("sign-up").Assign(ctx, rbac.Administrator, "ann")
				}))
				require.True(t, w.Can(ctx, "ann", rbac.Deals, rbac.Read))
				require.Equal(t, 1, events(t, w))
			})
		})
	}
}
