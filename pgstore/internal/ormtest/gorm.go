// Package ormtest has the recipe for an application with GORM, and tests that
// what the README of pgstore says of database/sql is so, with GORM, ent, sqlx,
// bun and lib/pq. It is a module of its own, so that nobody else downloads them.
package ormtest

import (
	"context"

	"gorm.io/gorm"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
)

// User is a row of the application.
type User struct {
	ID    string `gorm:"primaryKey"`
	Email string `gorm:"unique"`
}

// App is an application with GORM.
type App struct {
	db    *gorm.DB
	az    *rbac.Authorizer
	store *pgstore.Store
}

// SignUp makes a user and their membership, or neither.
func (app *App) SignUp(ctx context.Context, workspace string, user User) error {
	return app.transact(ctx, workspace, func(tx *gorm.DB, w *rbac.Transaction) error {
		if err := tx.Create(&user).Error; err != nil {
			return err
		}
		return w.System("sign-up").Assign(ctx, "viewer", user.ID)
	})
}

// transact runs fn in a transaction of GORM that the workspace has joined.
func (app *App) transact(ctx context.Context, workspace string, fn func(*gorm.DB, *rbac.Transaction) error) error {
	var tx *gorm.DB
	run := func(ctx context.Context, work func(rbac.Store) error) error {
		return app.db.WithContext(ctx).Transaction(func(begun *gorm.DB) error {
			tx = begun
			return work(app.store.SQLTx(tx.Statement.ConnPool)) // that of the transaction, not of app.db
		})
	}
	return app.az.For(workspace).Transact(ctx, run, func(w *rbac.Transaction) error { return fn(tx, w) })
}
