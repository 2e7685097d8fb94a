package ormtest

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/storetest"
)

// openGORM opens GORM as its documents say, on the pool of the store.
func openGORM(t testing.TB, d *database, prepare bool) *gorm.DB {
	t.Helper()
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: d.db}), &gorm.Config{
		PrepareStmt: prepare,
		Logger:      logger.New(log.New(io.Discard, "", 0), logger.Config{}),
	})
	require.NoError(t, err)
	return db
}

// eachGORM runs a test with GORM, and with its cache of prepared statements.
func eachGORM(t *testing.T, run func(t *testing.T, prepare bool)) {
	for name, prepare := range map[string]bool{"as it is": false, "PrepareStmt": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, prepare)
		})
	}
}

func newApp(t *testing.T, prepare bool) (*App, *database) {
	d := newDatabase(t)
	app := &App{openGORM(t, d, prepare), d.authorizer(t), d.store}
	require.NoError(t, app.db.AutoMigrate(&User{}))
	return app, d
}

// What GORM wrote and what the library wrote are committed together, and seen by
// the next check; or rolled back together, whoever fails.
func TestScenario106_GORM(t *testing.T) {
	t.Parallel()
	eachGORM(t, func(t *testing.T, prepare bool) {
		ctx := t.Context()
		app, d := newApp(t, prepare)
		w := app.az.For("acme")
		reads := func(user string) bool { return w.Can(ctx, user, rbac.Users, rbac.Read) }
		require.False(t, reads("ann"))
		require.NoError(t, app.SignUp(ctx, "acme", User{"ann", "ann@example.com"}))
		require.True(t, reads("ann"), "without Sync")

		require.ErrorContains(t, app.SignUp(ctx, "acme", User{"bob", "ann@example.com"}), "duplicate key", "the application's constraint")
		require.ErrorIs(t, app.SignUp(ctx, "acme", User{" ", "blank@example.com"}), rbac.ErrInvalid, "the library's rule")
		declined := errors.New("the card was declined")
		require.ErrorIs(t, app.transact(ctx, "acme", func(tx *gorm.DB, w *rbac.Transaction) error {
			if err := tx.Create(&User{"bob", "bob@example.com"}).Error; err != nil {
				return err
			}
			if err := w.System("sign-up").Assign(ctx, "viewer", "bob"); err != nil {
				return err
			}
			return declined
		}), declined)
		require.False(t, reads("bob"))
		for _, table := range []string{"users", "members", "events"} {
			require.Equal(t, 1, d.count(t, table), table)
		}

		// A rule that refuses, and an error of the application's that it handles
		// with a transaction inside, leave the rest as it is.
		require.NoError(t, app.transact(ctx, "acme", func(tx *gorm.DB, w *rbac.Transaction) error {
			require.NoError(t, tx.Create(&User{"bob", "bob@example.com"}).Error)
			require.ErrorIs(t, w.System("sign-up").Assign(ctx, "missing", "bob"), rbac.ErrRoleNotFound)
			require.Error(t, tx.Transaction(func(inner *gorm.DB) error {
				require.NoError(t, w.System("sign-up").Assign(ctx, "viewer", "eve"))
				return inner.Create(&User{"bob", "again@example.com"}).Error
			}))
			return w.System("sign-up").Assign(ctx, "viewer", "bob")
		}))
		require.True(t, reads("bob"))
		require.False(t, reads("eve"), "the inner transaction was rolled back")
		require.Equal(t, 2, d.count(t, "members"))
		require.NoError(t, app.az.For("acme").VerifyEvents(ctx))
	})
}

// The ConnPool of a *gorm.DB outside a transaction is the pool of connections.
func TestScenario107_GORMWithoutItsTransaction(t *testing.T) {
	t.Parallel()
	eachGORM(t, func(t *testing.T, prepare bool) {
		ctx := t.Context()
		app, d := newApp(t, prepare)
		require.NoError(t, app.db.Transaction(func(*gorm.DB) error {
			err := app.az.For("acme").In(app.store.SQLTx(app.db.Statement.ConnPool)).System("sign-up").Assign(ctx, "viewer", "ann")
			require.ErrorContains(t, err, "that is in no transaction")
			return nil
		}))
		require.Zero(t, d.count(t, "members"))
	})
}

// As it is, GORM gives the *sql.Tx, on which pgstore runs the contract itself.
func TestStoreByGORM(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) rbac.Store {
		d := newDatabase(t)
		db := openGORM(t, d, true)
		return txPerCall{d.store, func(ctx context.Context, opts *sql.TxOptions, fn func(pgstore.SQLTx) error) error {
			return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return fn(tx.Statement.ConnPool) }, opts)
		}}
	})
}

// The README shows the recipe as it is tested.
func TestReadmeShowsTheRecipe(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	source, err := os.ReadFile("gorm.go")
	require.NoError(t, err)
	_, recipe, found := strings.Cut(string(source), "// SignUp makes")
	require.True(t, found)
	require.Contains(t, string(readme), "```go\n// SignUp makes"+recipe+"```\n")
}
