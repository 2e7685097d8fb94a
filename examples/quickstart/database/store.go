package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/sqlitestore"
)

// opener opens a store, and returns what closes it again.
type opener func(context.Context) (store rbac.Store, closeStore func(), err error)

// storeNamed returns the opener of what -store names. An error does not repeat
// the name, which may hold a password.
func storeNamed(name string) (opener, error) {
	path, isFile := strings.CutPrefix(name, "sqlite:")
	switch {
	case isFile && path != "":
		return sqliteFile(path), nil
	case strings.HasPrefix(name, "postgres://"), strings.HasPrefix(name, "postgresql://"):
		config, err := pgxpool.ParseConfig(name)
		if err != nil {
			return nil, fmt.Errorf("-store: %w", err)
		}
		return postgres(config), nil
	}
	return nil, errors.New("-store: want sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE")
}

func sqliteFile(path string) opener {
	return func(ctx context.Context) (rbac.Store, func(), error) {
		store, err := sqlitestore.Open(ctx, path)
		if err != nil {
			return nil, nil, err
		}
		return store, func() { _ = store.Close() }, nil // all that was acknowledged is on the disk
	}
}

func postgres(config *pgxpool.Config) opener {
	return func(ctx context.Context) (rbac.Store, func(), error) {
		pool, err := pgxpool.NewWithConfig(ctx, config)
		if err != nil {
			return nil, nil, err
		}
		if err := pgstore.Migrate(ctx, pool); err != nil {
			pool.Close()
			return nil, nil, err
		}
		store, err := pgstore.New(ctx, pool)
		if err != nil {
			pool.Close()
			return nil, nil, err
		}
		return store, pool.Close, nil
	}
}
