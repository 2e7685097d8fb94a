package pgstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) rbac.Store {
		t.Parallel()
		return newStore(t)
	})
}

// TestStoreInEveryExecMode shows that the Store does not depend on prepared
// statements, which some poolers do not know.
func TestStoreInEveryExecMode(t *testing.T) {
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			if !long.Enabled() {
				t.Skip("the contract eight times more: only with RBAC_LONG=1")
			}
			inMode := func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode }
			storetest.Run(t, func(t *testing.T) rbac.Store { return newStore(t, inMode) })
			storetest.Run(t, func(t *testing.T) rbac.Store {
				store, pool := newStoreAndPool(t, inMode)
				return txPerCall{transactions(t, pool, store)["database/sql"]}
			})
		})
	}
}
