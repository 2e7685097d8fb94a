package pgstore_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(envClient) != "" {
		fmt.Fprintln(os.Stderr, "the client fails:", beClient()) // of TestClientIsKilled
		os.Exit(1)
	}
	os.Exit(pgtest.Main(m))
}

// newStore returns a Store on an empty schema.
func newStore(t testing.TB, change ...func(*pgxpool.Config)) *pgstore.Store {
	t.Helper()
	store, _ := newStoreAndPool(t, change...)
	return store
}

func newStoreAndPool(t testing.TB, change ...func(*pgxpool.Config)) (*pgstore.Store, *pgxpool.Pool) {
	t.Helper()
	schema := pgtest.Schema(t)
	pool := pgtest.SharedPool(t)
	if len(change) > 0 {
		pool = pgtest.Pool(t, pgtest.URL(t), change...)
	}
	migrate(t, pool, schema)
	return open(t, pool, schema), pool
}

func migrate(t testing.TB, pool *pgxpool.Pool, schema string) {
	t.Helper()
	if err := pgstore.Migrate(context.Background(), pool, pgstore.WithSchema(schema)); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, pool *pgxpool.Pool, schema string, opts ...pgstore.Option) *pgstore.Store {
	t.Helper()
	store, err := pgstore.New(context.Background(), pool, append(opts, pgstore.WithSchema(schema))...)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
