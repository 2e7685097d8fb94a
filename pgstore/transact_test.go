package pgstore_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// accounts is an application that has a table of users beside the library's. Its
// instance hears of nothing.
type accounts struct {
	*instance
	d     *database
	table string
}

func newAccounts(t *testing.T, s setup) *accounts {
	t.Helper()
	d := newDatabase(t)
	d.exec("CREATE TABLE users (id text PRIMARY KEY)")
	s.deaf, s.options = true, append(quiet(), rbac.WithSystemRoles(rbac.Role{ID: "viewer", Name: "Viewer", Permissions: deals(rbac.All)}))
	a := &accounts{d.instance(s), d, pgx.Identifier{d.schema, "users"}.Sanitize()}
	assign(t, a.Workspace, rbac.Administrator, "ann")
	require.True(t, can(a.Workspace, "ann"))
	return a
}

func (a *accounts) users() int { return a.d.number("SELECT count(*) FROM users") }

// signUp writes a row of users and makes them a member, and then does what the
// test wants.
func (a *accounts) signUp(ctx context.Context, user string, then func(pgx.Tx, *rbac.Transaction) error) error {
	return a.store.Transact(ctx, a.Workspace, func(tx pgx.Tx, w *rbac.Transaction) error {
		if _, err := tx.Exec(ctx, "INSERT INTO "+a.table+" VALUES ($1)", user); err != nil {
			return err
		}
		if err := w.System("sign-up").Add(ctx, "viewer", user); err != nil {
			return err
		}
		return then(tx, w)
	})
}

func nothing(pgx.Tx, *rbac.Transaction) error { return nil }

// The application's row and the member, both or neither, at every isolation level
// that the pool may have by default; and the next check sees it.
func TestScenario90_Transact(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"read committed", "repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			a := newAccounts(t, setup{pool: func(c *pgxpool.Config) {
				c.ConnConfig.RuntimeParams["default_transaction_isolation"] = level
				c.MaxConns = 4
			}})
			require.NoError(t, a.signUp(ctx, "bob", func(_ pgx.Tx, w *rbac.Transaction) error {
				require.False(t, can(a.Workspace, "bob"), "not committed yet")
				require.ErrorIs(t, w.As("ann").Remove(ctx, "ann"), rbac.ErrSelf)
				member, err := w.Member(ctx, "bob")
				require.Equal(t, "Viewer", member.RoleName)
				return err
			}))
			require.True(t, can(a.Workspace, "bob"))
			require.Equal(t, 1, a.users())

			declined := errors.New("the card was declined")
			require.ErrorIs(t, a.signUp(ctx, "eve", func(pgx.Tx, *rbac.Transaction) error { return declined }), declined)
			require.Error(t, a.signUp(ctx, "bob", nothing), "the application's own constraint")
			require.PanicsWithValue(t, "declined", func() {
				_ = a.signUp(ctx, "eve", func(pgx.Tx, *rbac.Transaction) error { panic("declined") })
			})
			ended, cancel := context.WithCancel(ctx)
			require.ErrorIs(t, a.signUp(ended, "eve", func(pgx.Tx, *rbac.Transaction) error { cancel(); return ended.Err() }), context.Canceled)
			require.Error(t, a.signUp(ctx, "eve", func(tx pgx.Tx, _ *rbac.Transaction) error {
				_, err := tx.Exec(ctx, "SELECT 1/0")
				require.Error(t, err)
				return nil // PostgreSQL has given the transaction up
			}))
			require.Equal(t, 1, a.users())
			require.False(t, can(a.Workspace, "eve"))
			for range 5 {
				require.NoError(t, a.store.Transact(ctx, a.Workspace, nothing), "no connection is left in use")
			}
			require.Zero(t, a.pool.Stat().AcquiredConns())
			checkInvariants(t, a.store, "", "viewer")
		})
	}
}

// What the application takes back by a savepoint does not show, and what it
// commits by itself does.
func TestScenario90_TheApplicationEndsItItself(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), newAccounts(t, setup{})
	require.NoError(t, a.signUp(ctx, "bob", func(tx pgx.Tx, w *rbac.Transaction) error {
		savepoint, err := tx.Begin(ctx)
		require.NoError(t, err)
		require.NoError(t, w.System("test").Assign(ctx, rbac.Administrator, "eve"))
		return savepoint.Rollback(ctx)
	}))
	require.True(t, can(a.Workspace, "bob"))
	require.False(t, can(a.Workspace, "eve"))

	err := a.signUp(ctx, "joe", func(tx pgx.Tx, _ *rbac.Transaction) error { return tx.Commit(ctx) })
	require.ErrorIs(t, err, pgx.ErrTxClosed)
	require.True(t, can(a.Workspace, "joe"), "it was committed, whatever the error says")
	err = a.signUp(ctx, "kim", func(tx pgx.Tx, _ *rbac.Transaction) error { return tx.Rollback(ctx) })
	require.ErrorIs(t, err, pgx.ErrTxClosed)
	require.False(t, can(a.Workspace, "kim"))
	checkInvariants(t, a.store, "", "viewer")
}

// Contact is lost after the COMMIT was sent: the outcome is reported as unknown,
// and the next check asks the store.
func TestScenario90_OutcomeUnknown(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	in := d.instance(setup{url: p.url(d.url), deaf: true, options: quiet()})
	assign(t, in.Workspace, rbac.Administrator, "ann", "bob")
	require.True(t, can(in.Workspace, "bob"))
	p.set(func() { p.inspect = func(b []byte) bool { return bytes.Contains(b, []byte("commit\x00")) } })
	err := in.store.Transact(ctx, in.Workspace, func(_ pgx.Tx, w *rbac.Transaction) error { return w.As("ann").Remove(ctx, "bob") })
	require.ErrorIs(t, err, rbac.ErrOutcomeUnknown)
	p.restore()
	require.Equal(t, 1, d.number("SELECT count(*) FROM members"), "it was made")
	require.False(t, can(in.Workspace, "bob"), "the next check after an unknown outcome")
	require.True(t, can(in.Workspace, "ann"))
	checkInvariants(t, in.store, "")
}

// Two transactions meet: one waits for the other, at a stricter level it is
// contention, and neither is run again.
func TestScenario90_TransactionsMeet(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	a := newAccounts(t, setup{pool: func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["default_transaction_isolation"] = "repeatable read"
	}})
	calls := 0
	require.ErrorIs(t, a.store.Transact(ctx, a.Workspace, func(tx pgx.Tx, w *rbac.Transaction) error {
		calls++
		if _, err := w.Member(ctx, "ann"); err != nil { // takes the snapshot
			return err
		}
		require.NoError(t, a.System("meanwhile").Add(ctx, "viewer", "bob"))
		return w.System("sign-up").Add(ctx, "viewer", "eve")
	}), rbac.ErrContention)
	require.Equal(t, 1, calls)
	require.True(t, can(a.Workspace, "bob"))
	require.False(t, can(a.Workspace, "eve"))
}

// Who changes the workspace beside the Transaction waits for themselves, and not
// for ever.
func TestScenario90_BesideTheTransaction(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	a := newAccounts(t, setup{})
	require.NoError(t, a.signUp(ctx, "bob", func(_ pgx.Tx, w *rbac.Transaction) error {
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		err := a.System("sign-up").Add(short, "viewer", "eve")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "one of the caller's own must be passed with Workspace.In")
		return w.System("sign-up").Add(ctx, "viewer", "joe")
	}))
	require.True(t, can(a.Workspace, "bob") && can(a.Workspace, "joe") && !can(a.Workspace, "eve"))
}

// An action on an account that Authorize has let through in a transaction is on
// who they were: nobody is promoted until it is committed.
func TestScenario97_NobodyIsPromotedMeanwhile(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	a := newAccounts(t, setup{pool: func(c *pgxpool.Config) { c.MaxConns = 4 }})
	require.NoError(t, a.signUp(ctx, "bob", nothing))
	promote := func() error {
		soon, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		return a.System("test").Assign(soon, rbac.Administrator, "bob")
	}
	require.NoError(t, a.store.Transact(ctx, a.Workspace, func(tx pgx.Tx, w *rbac.Transaction) error {
		require.NoError(t, w.As("ann").Authorize(ctx, "bob"))
		require.ErrorIs(t, promote(), context.DeadlineExceeded)
		_, err := tx.Exec(ctx, "DELETE FROM "+a.table+" WHERE id = 'bob'")
		return err
	}))
	require.NoError(t, a.System("test").Assign(ctx, rbac.Administrator, "bob"))
	require.NoError(t, a.store.Transact(ctx, a.For("other"), func(_ pgx.Tx, w *rbac.Transaction) error {
		require.ErrorIs(t, w.As("ann").Authorize(ctx, "bob"), rbac.ErrDenied)
		return nil
	}))
	require.Equal(t, 1, a.d.number("SELECT count(*) FROM workspaces"), "that nobody has written is not there")
}
