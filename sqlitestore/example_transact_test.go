package sqlitestore_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/sqlitestore"
)

// The account and the membership are written together, or neither is, and the
// next check sees it.
func ExampleStore_Transact() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, "app.db"))
	if err != nil {
		panic(err)
	}
	defer store.Close()
	az, err := rbac.Open(ctx, store)
	if err != nil {
		panic(err)
	}
	defer az.Close()

	acme := az.For("acme")
	err = store.Transact(ctx, acme, func(tx *sql.Tx, in *rbac.Transaction) error {
		if _, err := tx.ExecContext(ctx, "CREATE TABLE users (id TEXT PRIMARY KEY)"); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO users VALUES ('ada')"); err != nil {
			return err
		}
		return in.System("sign-up").Add(ctx, rbac.Administrator, "ada")
	})
	fmt.Println(err, acme.Can(ctx, "ada", rbac.Users, rbac.Manage))
	// Output: <nil> true
}
