package sqlitestore_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// BenchmarkChange measures one durable change, from the call to its return.
func BenchmarkChange(b *testing.B) {
	az := authorizer(b, open(b, tempFile(b)))
	for i := 0; b.Loop(); i++ {
		require.NoError(b, az.System("bench").Assign(b.Context(), rbac.Administrator, fmt.Sprint("user", i)))
	}
}

// BenchmarkAssign10000 measures the assignment of 10,000 users in one call.
func BenchmarkAssign10000(b *testing.B) {
	az := authorizer(b, open(b, tempFile(b)))
	users := make([]string, 10_000)
	for i := range users {
		users[i] = fmt.Sprintf("user%09d", i)
	}
	for i := 0; b.Loop(); i++ {
		require.NoError(b, az.For(fmt.Sprint(i)).System("bench").Assign(b.Context(), rbac.Administrator, users...))
	}
}

// BenchmarkRevisions10000 measures one poll for 10,000 loaded workspaces.
func BenchmarkRevisions10000(b *testing.B) {
	path := tempFile(b)
	store := open(b, path)
	sqlExec(b, path, `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
		INSERT INTO rbac_workspaces SELECT printf('workspace-%09d', i), 1, randomblob(32) FROM n`)
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = fmt.Sprintf("workspace-%09d", i)
	}
	for b.Loop() {
		found, err := store.Revisions(b.Context(), ids)
		require.NoError(b, err)
		require.Len(b, found, len(ids))
	}
}

// TestLoad measures the load of a large workspace. Run it by hand, with
// SQLITESTORE_TEST_LOAD=1000000 in the environment.
func TestLoad(t *testing.T) {
	n := 20_000
	if given := os.Getenv("SQLITESTORE_TEST_LOAD"); given != "" {
		_, err := fmt.Sscan(given, &n)
		require.NoError(t, err)
	}
	store := open(t, tempFile(t))
	members := make([]rbac.Member, n)
	for i := range members {
		members[i] = rbac.Member{User: fmt.Sprintf("user%09d", i), Role: rbac.Administrator}
	}
	began := time.Now()
	require.NoError(t, store.Update(t.Context(), "w", func(tx rbac.Tx) error { return tx.PutMembers(members...) }))
	t.Logf("put %d members in %v", n, time.Since(began))
	last := members[n-1].User
	members = nil
	runtime.GC()
	az := authorizer(t, store, rbac.WithMaxStaleness(time.Minute))
	began = time.Now()
	require.True(t, az.For("w").Can(t.Context(), last, rbac.Deals, rbac.Read))
	var m runtime.MemStats
	took := time.Since(began)
	runtime.ReadMemStats(&m)
	t.Logf("loaded %d members in %v; heap from the system %d MiB", n, took, m.HeapSys>>20)
}
