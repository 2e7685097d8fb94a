package pgstore_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/storetest"
)

// appTx is a transaction of the application, and the Store in it.
type appTx struct {
	store rbac.Store
	exec  func(sql string, args ...any) error
	row   func(sql string, into ...any) error
}

// transact runs fn in a transaction, and commits unless fn fails.
type transact func(ctx context.Context, level pgx.TxIsoLevel, fn func(appTx) error) error

// transactions returns how an application makes its transactions on a pool, by
// driver.
func transactions(t testing.TB, pool *pgxpool.Pool, store *pgstore.Store) map[string]transact {
	db := stdlib.OpenDBFromPool(pool)
	t.Cleanup(func() { _ = db.Close() })
	levels := map[pgx.TxIsoLevel]sql.IsolationLevel{
		"": sql.LevelDefault, pgx.ReadCommitted: sql.LevelReadCommitted,
		pgx.RepeatableRead: sql.LevelRepeatableRead, pgx.Serializable: sql.LevelSerializable,
	}
	return map[string]transact{
		"pgx": func(ctx context.Context, level pgx.TxIsoLevel, fn func(appTx) error) error {
			return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: level}, func(tx pgx.Tx) error {
				return fn(appTx{
					store: store.Tx(tx),
					exec:  func(sql string, args ...any) error { _, err := tx.Exec(ctx, sql, args...); return err },
					row:   func(sql string, into ...any) error { return tx.QueryRow(ctx, sql).Scan(into...) },
				})
			})
		},
		"database/sql": func(ctx context.Context, level pgx.TxIsoLevel, fn func(appTx) error) error {
			tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: levels[level]})
			if err != nil {
				return err
			}
			defer tx.Rollback()
			err = fn(appTx{
				store: store.SQLTx(tx),
				exec:  func(sql string, args ...any) error { _, err := tx.ExecContext(ctx, sql, args...); return err },
				row:   func(sql string, into ...any) error { return tx.QueryRowContext(ctx, sql).Scan(into...) },
			})
			if err != nil {
				return err
			}
			return tx.Commit()
		},
	}
}

// eachDriver runs a test with the transactions of each driver.
func eachDriver(t *testing.T, run func(t *testing.T, d *database, transact transact)) {
	for _, driver := range []string{"pgx", "database/sql"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			run(t, d, transactions(t, d.pool, d.store)[driver])
		})
	}
}

// txPerCall is a Store that does everything in a transaction of the
// application, one for each call.
type txPerCall struct{ transact }

func (s txPerCall) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return s.transact(ctx, pgx.RepeatableRead, func(tx appTx) error { return tx.store.View(ctx, workspace, fn) })
}

func (s txPerCall) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	return s.transact(ctx, pgx.ReadCommitted, func(tx appTx) error { return tx.store.Update(ctx, workspace, fn) })
}

func (s txPerCall) Revisions(ctx context.Context, workspaces []string) (found map[string]rbac.Revision, err error) {
	err = s.transact(ctx, "", func(tx appTx) error {
		found, err = tx.store.Revisions(ctx, workspaces)
		return err
	})
	return found, err
}

func (s txPerCall) Workspaces(ctx context.Context, q rbac.WorkspaceQuery) (found []string, err error) {
	err = s.transact(ctx, "", func(tx appTx) error {
		found, err = tx.store.Workspaces(ctx, q)
		return err
	})
	return found, err
}

func TestTxStore(t *testing.T) {
	if !long.Enabled() {
		t.Skip("the contract a second and third time: only with RBAC_LONG=1")
	}
	t.Parallel()
	for _, driver := range []string{"pgx", "database/sql"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) rbac.Store {
				store, pool := newStoreAndPool(t)
				return txPerCall{transactions(t, pool, store)[driver]}
			})
		})
	}
}

// TestTxSignUp is the case that Tx is for: the application's row and the
// member, both or neither.
func TestTxSignUp(t *testing.T) {
	t.Parallel()
	for _, level := range []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable} {
		t.Run(string(level), func(t *testing.T) {
			eachDriver(t, func(t *testing.T, d *database, transact transact) { testTxSignUp(t, d, transact, level) })
		})
	}
}

func testTxSignUp(t *testing.T, d *database, transact transact, level pgx.TxIsoLevel) {
	ctx := t.Context()
	d.exec("CREATE TABLE users (id text PRIMARY KEY)")
	users := pgx.Identifier{d.schema, "users"}.Sanitize()
	in := d.instance(setup{})
	w := in.For("w")
	signUp := func(user string, after func(appTx, *rbac.Admin) error) error {
		return transact(ctx, level, func(tx appTx) error {
			if err := tx.exec("INSERT INTO "+users+" VALUES ($1)", user); err != nil {
				return err
			}
			admin := w.In(tx.store).System("sign-up")
			if err := admin.Assign(ctx, rbac.Administrator, user); err != nil {
				return err
			}
			return after(tx, admin)
		})
	}
	wrong := errors.New("the card was declined")
	nothing := func(appTx, *rbac.Admin) error { return nil }
	require.ErrorIs(t, signUp("ann", func(appTx, *rbac.Admin) error { return wrong }), wrong)
	require.Zero(t, d.number("SELECT count(*) FROM users"))
	require.Zero(t, d.number("SELECT count(*) FROM workspaces"))
	require.NoError(t, signUp("ann", nothing))
	require.NoError(t, w.Sync(ctx))
	require.True(t, can(w, "ann"))
	require.Error(t, signUp("ann", nothing), "the application's own constraint")

	// A rule that refuses leaves the rest of the transaction as it is.
	require.NoError(t, signUp("bob", func(tx appTx, admin *rbac.Admin) error {
		require.ErrorIs(t, admin.Assign(ctx, "missing", "eve"), rbac.ErrRoleNotFound)
		require.NoError(t, admin.Suspend(ctx, "ann"))
		require.ErrorIs(t, admin.Remove(ctx, "bob"), rbac.ErrLastAdministrator)
		return tx.exec("INSERT INTO " + users + " VALUES ('more')")
	}))
	require.Equal(t, 3, d.number("SELECT count(*) FROM users"))
	checkInvariants(t, in.store, "w")
}

// TestTxFailureLeavesTheRest shows what the savepoint is for: not only a rule's
// refusal, but also an error of the database, does not spoil the caller's
// transaction.
func TestTxFailureLeavesTheRest(t *testing.T) {
	t.Parallel()
	eachDriver(t, func(t *testing.T, d *database, transact transact) {
		ctx := t.Context()
		roles := pgx.Identifier{d.schema, "roles"}.Sanitize()
		require.NoError(t, transact(ctx, "", func(tx appTx) error {
			store := tx.store
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

			// A savepoint of the application's is the last one again.
			require.NoError(t, tx.exec("SAVEPOINT rbac"))
			require.NoError(t, store.Update(ctx, "u", func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "ann", Role: "sales"}) }))
			require.Error(t, store.Update(ctx, "w", fails))
			require.NoError(t, tx.exec("ROLLBACK TO SAVEPOINT rbac"))

			// A View whose statement fails: the table is away for a moment.
			require.NoError(t, tx.exec("ALTER TABLE "+roles+" RENAME TO away"))
			require.Error(t, store.View(ctx, "w", func(r rbac.Reader) error { _, err := r.Role("sales"); return err }))
			return tx.exec("ALTER TABLE " + pgx.Identifier{d.schema, "away"}.Sanitize() + " RENAME TO roles")
		}))
		require.Equal(t, 1, d.number("SELECT count(*) FROM members"))
		require.Equal(t, 1, d.number("SELECT count(*) FROM workspaces"))
	})
}

// A reading that fails behind its first row is an error, and not what came
// before.
func TestReadingThatFailsMidway(t *testing.T) {
	t.Parallel()
	eachDriver(t, func(t *testing.T, d *database, transact transact) {
		ctx := t.Context()
		require.NoError(t, d.store.Update(ctx, "w", func(tx rbac.Tx) error {
			return tx.PutMembers(rbac.Member{User: "ann", Role: "sales"}, rbac.Member{User: "bob", Role: "sales"})
		}))
		d.exec("ALTER TABLE members RENAME TO kept")
		d.exec("CREATE VIEW members AS SELECT workspace, user_id, role, 1 / (CASE user_id WHEN 'bob' THEN 0 ELSE 1 END) = 0 AS suspended, updated_at, team FROM kept")
		require.NoError(t, transact(ctx, "", func(tx appTx) error {
			require.Error(t, tx.store.View(ctx, "w", func(r rbac.Reader) error {
				require.ErrorContains(t, workspacetest.FirstError(r.Members(rbac.MemberQuery{})), "division by zero")
				return nil
			}), "an error that was ignored")
			return nil
		}))
	})
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
