package storetest_test

import (
	"context"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/storetest"
)

// memory is a Database in memory, for the tests of the scenarios themselves.
type memory struct{ store *rbac.MemStore }

func (m memory) Store() rbac.Store { return m.store }

func (m memory) Transaction(ctx context.Context, fn func(in rbac.Store) error) error {
	return m.store.Update(ctx, "w", func(tx rbac.Tx) error { return fn(rbac.TxStore("w", tx)) })
}

func TestSuite(t *testing.T) {
	storetest.Scenarios(t, func(testing.TB) storetest.Database { return memory{rbac.NewMemStore()} })
}

func TestRandomHistories(t *testing.T) {
	storetest.RandomHistories(t, func(*testing.T) (storetest.History, func(storetest.Outcome)) {
		store := rbac.NewMemStore()
		return storetest.History{Instances: []rbac.Store{store, store, store}, Check: store}, nil
	})
}
