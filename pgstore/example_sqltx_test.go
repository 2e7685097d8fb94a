package pgstore_test

import (
	"context"
	"database/sql"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
)

// An application on database/sql makes a user and their membership, or neither:
// the workspace joins its transaction, and the next check sees the member.
func ExampleStore_SQLTx() {
	signUp := func(ctx context.Context, db *sql.DB, store *pgstore.Store, acme *rbac.Workspace, id string) error {
		var tx *sql.Tx
		run := func(ctx context.Context, work func(rbac.Store) error) (err error) {
			if tx, err = db.BeginTx(ctx, nil); err != nil {
				return err
			}
			defer tx.Rollback()
			if err := work(store.SQLTx(tx)); err != nil {
				return err
			}
			return tx.Commit()
		}
		return acme.Transact(ctx, run, func(joined *rbac.Transaction) error {
			if _, err := tx.ExecContext(ctx, "INSERT INTO users (id) VALUES ($1)", id); err != nil {
				return err
			}
			return joined.System("sign-up").Assign(ctx, "viewer", id)
		})
	}
	_ = signUp
}
