package pgstore_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac/pgstore"
)

// planNode is a node of a plan, as EXPLAIN (FORMAT JSON) tells it.
type planNode struct {
	Type     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Cond     string     `json:"Index Cond"`
	Filter   string     `json:"Filter"`
	Join     string     `json:"Join Filter"`
	Plans    []planNode `json:"Plans"`
}

// requireByIndex fails unless each table below n is found by all of the keys.
func (n planNode) requireByIndex(t testing.TB, plan string, keys []string) {
	t.Helper()
	require.NotContains(t, n.Type, "Seq Scan", plan)
	require.NotContains(t, []string{"Hash Join", "Merge Join"}, n.Type, plan)
	require.Empty(t, n.Join, "a nested loop without an index:\n%s", plan)
	require.NotContains(t, n.Filter, "ANY", "the array is looked through for each row:\n%s", plan)
	if slices.Contains([]string{"Index Scan", "Index Only Scan", "Bitmap Index Scan"}, n.Type) {
		for _, key := range keys {
			require.Contains(t, n.Cond, "("+key+" =", plan)
		}
	}
	for _, below := range n.Plans {
		below.requireByIndex(t, plan, keys)
	}
}

// TestPlansDoNotDependOnStatistics explains what a session keeps for any
// arguments, planned while a table had some size, and analysed or not. The
// table may be a thousand times as large when it is run.
func TestPlansDoNotDependOnStatistics(t *testing.T) {
	t.Parallel()
	keys := map[string][]string{
		"lock":                    {"id"},
		"revisions":               {"id"},
		"member":                  {"workspace", "user_id"},
		"members: users":          {"workspace", "user_id"},
		"members: users, holders": {"workspace", "user_id"},
		"deleteMember":            {"workspace", "user_id"},
	}
	for _, analysed := range []bool{false, true} {
		for _, n := range []int{0, 1, 30, 1000, 5000, 100_000} {
			t.Run(fmt.Sprintf("%d members, analysed: %t", n, analysed), func(t *testing.T) {
				t.Parallel()
				ctx, d := t.Context(), newDatabase(t)
				for _, table := range []string{"workspaces", "members"} {
					d.exec("ALTER TABLE " + table + " SET (autovacuum_enabled = off)")
				}
				d.exec("INSERT INTO workspaces SELECT 'w' || i FROM generate_series(1, 1 + $1::int / 5) i", n)
				d.exec("INSERT INTO members SELECT 'w1', 'user' || i, 'role', false, now() FROM generate_series(1, $1::int) i", n)
				if analysed {
					d.exec("ANALYZE workspaces, members")
				}
				tx, err := d.pool.Begin(ctx)
				require.NoError(t, err)
				defer tx.Rollback(ctx)
				_, err = tx.Exec(ctx, pgstore.Settle(d.schema))
				require.NoError(t, err)
				_, err = tx.Exec(ctx, "SET LOCAL plan_cache_mode = force_generic_plan")
				require.NoError(t, err)
				seen := 0
				for i, statement := range pgstore.Statements(d.schema, "w1", "user1", "role") {
					by := keys[statement.Name]
					if by == nil {
						continue
					}
					seen++
					_, err := tx.Conn().Prepare(ctx, fmt.Sprint("s", i), statement.SQL)
					require.NoError(t, err)
					var places []string
					for n := range statement.Args {
						places = append(places, fmt.Sprint("$", n+1))
					}
					var plan string
					args := append([]any{pgx.QueryExecModeSimpleProtocol}, statement.Args...)
					require.NoError(t, tx.QueryRow(ctx, fmt.Sprintf("EXPLAIN (FORMAT JSON) EXECUTE s%d(%s)", i, strings.Join(places, ", ")), args...).Scan(&plan))
					var root []struct{ Plan planNode }
					require.NoError(t, json.Unmarshal([]byte(plan), &root))
					root[0].Plan.requireByIndex(t, statement.Name+"\n"+plan, by)
				}
				require.Equal(t, len(keys), seen)
			})
		}
	}
}
