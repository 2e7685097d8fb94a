package pgstore_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/storetest"
)

// txPerCall is a Store that does everything by way of Tx, in a transaction for
// each call.
type txPerCall struct {
	pool  *pgxpool.Pool
	store *pgstore.Store
	level pgx.TxIsoLevel // of Updates
}

func (s txPerCall) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		return s.store.Tx(tx).View(ctx, workspace, fn)
	})
}

func (s txPerCall) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: s.level}, func(tx pgx.Tx) error {
		return s.store.Tx(tx).Update(ctx, workspace, fn)
	})
}

func (s txPerCall) Revisions(ctx context.Context, workspaces []string) (found map[string]rbac.Revision, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		found, err = s.store.Tx(tx).Revisions(ctx, workspaces)
		return err
	})
	return found, err
}

func TestTxStore(t *testing.T) {
	if !long.Enabled() {
		t.Skip("the contract a second time: only with RBAC_LONG=1")
	}
	t.Parallel()
	storetest.Run(t, func(t *testing.T) rbac.Store {
		d := newDatabase(t)
		return txPerCall{d.pool, d.store, pgx.ReadCommitted}
	})
}

// TestTxSignUp is the case that Tx is for: the application's row and the
// member, both or neither.
func TestTxSignUp(t *testing.T) {
	t.Parallel()
	for _, level := range []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable} {
		t.Run(string(level), func(t *testing.T) {
			ctx, d := t.Context(), newDatabase(t)
			d.exec("CREATE TABLE users (id text PRIMARY KEY)")
			users := pgx.Identifier{d.schema, "users"}.Sanitize()
			in := d.instance(setup{})
			w := in.For("w")
			signUp := func(user string, after func(pgx.Tx, *rbac.Admin) error) error {
				return pgx.BeginTxFunc(ctx, in.pool, pgx.TxOptions{IsoLevel: level}, func(tx pgx.Tx) error {
					if _, err := tx.Exec(ctx, "INSERT INTO "+users+" VALUES ($1)", user); err != nil {
						return err
					}
					admin := w.In(in.store.Tx(tx)).System("sign-up")
					if err := admin.Assign(ctx, rbac.Administrator, user); err != nil {
						return err
					}
					return after(tx, admin)
				})
			}
			wrong := errors.New("the card was declined")
			nothing := func(pgx.Tx, *rbac.Admin) error { return nil }
			require.ErrorIs(t, signUp("ann", func(pgx.Tx, *rbac.Admin) error { return wrong }), wrong)
			require.Zero(t, d.number("SELECT count(*) FROM users"))
			require.Zero(t, d.number("SELECT count(*) FROM workspaces"))
			require.NoError(t, signUp("ann", nothing))
			require.NoError(t, w.Sync(ctx))
			require.True(t, can(w, "ann"))
			require.Error(t, signUp("ann", nothing), "the application's own constraint")

			// A rule that refuses leaves the rest of the transaction as it is.
			require.NoError(t, signUp("bob", func(tx pgx.Tx, admin *rbac.Admin) error {
				require.ErrorIs(t, admin.Assign(ctx, "missing", "eve"), rbac.ErrRoleNotFound)
				require.NoError(t, admin.Suspend(ctx, "ann"))
				require.ErrorIs(t, admin.Remove(ctx, "bob"), rbac.ErrLastAdministrator)
				_, err := tx.Exec(ctx, "INSERT INTO "+users+" VALUES ('more')")
				return err
			}))
			require.Equal(t, 3, d.number("SELECT count(*) FROM users"))
			checkInvariants(t, in.store, "w")
		})
	}
}

// TestTxFailureLeavesTheRest shows what the savepoint is for: not only a rule's
// refusal, but also an error of the database, does not spoil the caller's
// transaction.
func TestTxFailureLeavesTheRest(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	tx, err := d.pool.Begin(ctx)
	require.NoError(t, err)
	defer tx.Rollback(ctx)
	store := d.store.Tx(tx)
	fails := func(tx rbac.Tx) error {
		if err := tx.PutMembers(rbac.Member{User: "bob", Role: "sales"}); err != nil {
			return err
		}
		return tx.PutMembers(rbac.Member{User: "eve"}) // refused by a constraint
	}
	require.ErrorContains(t, store.Update(ctx, "w", fails), "members_role")
	require.Error(t, store.Update(ctx, "w", func(tx rbac.Tx) error {
		_ = fails(tx)
		return nil
	}), "an error that was ignored")
	require.Panics(t, func() {
		_ = store.Update(ctx, "w", func(tx rbac.Tx) error {
			require.NoError(t, tx.PutMembers(rbac.Member{User: "bob", Role: "sales"}))
			panic("?")
		})
	})
	require.NoError(t, store.Update(ctx, "v", func(rbac.Tx) error { return nil }))
	require.NoError(t, store.Update(ctx, "w", func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "ann", Role: "sales"}) }))
	require.NoError(t, tx.Commit(ctx))
	require.Equal(t, 1, d.number("SELECT count(*) FROM members"))
	require.Equal(t, 1, d.number("SELECT count(*) FROM workspaces"))
}

// A function that hides the error of a write must not get the rest committed.
func TestFailedWriteIsNotCommitted(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	ann := rbac.Member{User: "ann", Role: "sales"}
	for name, write := range map[string]func(rbac.Tx) error{
		"event 7 was appended where event 1 belongs": func(tx rbac.Tx) error { return tx.AppendEvents(rbac.Event{Seq: 7}) },
		`a member's text "a\x00" cannot be stored`:   func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "a\x00", Role: "sales"}) },
		`a role's text "a\x00" cannot be stored`:     func(tx rbac.Tx) error { return tx.PutRole(rbac.Role{ID: "a\x00"}) },
	} {
		err := d.store.Update(ctx, "w", func(tx rbac.Tx) error {
			require.NoError(t, tx.PutMembers(ann))
			require.Error(t, write(tx))
			return nil
		})
		require.ErrorContains(t, err, name)
	}
	require.Zero(t, d.number("SELECT count(*) FROM workspaces"))
}
