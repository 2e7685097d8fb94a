package pgstore_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// planNode is a node of a plan, as EXPLAIN (FORMAT JSON) tells it.
type planNode struct {
	Type     string     `json:"Node Type"`
	Index    string     `json:"Index Name"`
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

// requireInOrder fails unless all tables below n are read through these indexes,
// in their order, from where the first key says.
func (n planNode) requireInOrder(t testing.TB, plan string, indexes []string) {
	t.Helper()
	if n.Relation != "" {
		require.Contains(t, []string{"Index Scan", "Index Only Scan"}, n.Type, plan)
		require.Contains(t, indexes, n.Index, plan)
		first := map[string]string{"workspaces_pkey": "id", "members_by_user": "ROW\\(user_id"}[n.Index]
		require.Regexp(t, `^\(*(ARRAY\[)?`+cmp.Or(first, "workspace"), n.Cond, plan)
	}
	require.NotContains(t, n.Type, "Sort", plan)
	for _, below := range n.Plans {
		below.requireInOrder(t, plan, indexes)
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
		"whole: holders":          {"workspace"},
		"whole: clear roles":      {"workspace"},
		"whole: clear members":    {"workspace"},
		"whole: clear events":     {"workspace"},
		"clear the row":           {"id"},
	}
	indexes := map[string][]string{
		"members: holders":          {"members_by_role"},
		"members: next holders":     {"members_by_role"},
		"members: active holders":   {"members_by_role"},
		"members: team":             {"members_by_team"},
		"members: next of a team":   {"members_by_team"},
		"members: team, holders":    {"members_by_team"},
		"span of times":             {"events_by_time", "events_pkey"},
		"workspaces: page":          {"workspaces_pkey"},
		"workspaces: next page":     {"workspaces_pkey"},
		"events: all":               {"events_pkey"},
		"events: kind":              {"events_by_kind"},
		"events: kinds":             {"events_by_kind"},
		"events: role":              {"events_by_role", "events_by_role_before"},
		"events: user":              {"events_by_user", "events_by_user_before"},
		"events: actor":             {"events_by_actor"},
		"events: times":             {"events_pkey"},
		"events: user, all others":  {"events_by_user", "events_by_user_before"},
		"events: role, all others":  {"events_by_role", "events_by_role_before"},
		"events: actor, all others": {"events_by_actor"},
		"events: kinds, all others": {"events_by_kind"},
	}
	for _, page := range []string{"page", "next page"} {
		indexes["workspaces: of a user, "+page] = []string{"members_by_user"}
	}
	for name, index := range maps.Clone(indexes) {
		if strings.HasPrefix(name, "events") {
			indexes[name+", newest first"] = index
		}
	}
	sizes := []int{0, 30, 5000}
	if long.Enabled() {
		sizes = append(sizes, 1, 1000, 100_000)
	}
	for _, analysed := range []bool{false, true} {
		for _, n := range sizes {
			t.Run(fmt.Sprintf("%d members, analysed: %t", n, analysed), func(t *testing.T) {
				t.Parallel()
				ctx, d := t.Context(), newDatabase(t)
				d.pool = pgtest.Pool(t, d.url) // to prepare statements in
				for _, table := range []string{"workspaces", "members", "events"} {
					d.exec("ALTER TABLE " + table + " SET (autovacuum_enabled = off)")
				}
				d.exec("INSERT INTO workspaces SELECT 'w' || i FROM generate_series(1, 1 + $1::int / 5) i", n)
				d.exec("INSERT INTO members SELECT 'w1', 'user' || i, 'role', false, now(), 'team' FROM generate_series(1, $1::int) i", n)
				// Most workspaces are small, and most events alike.
				d.exec("INSERT INTO events "+someEvents("'w1'", "generate_series(1, $1::int / 10) i"), n)
				d.exec("INSERT INTO events " + someEvents("w.id", "workspaces w, generate_series(1, 2) i WHERE w.id <> 'w1'"))
				if analysed {
					d.exec("ANALYZE workspaces, members, events")
				}
				tx, err := d.pool.Begin(ctx)
				require.NoError(t, err)
				defer tx.Rollback(ctx)
				_, err = tx.Exec(ctx, pgstore.Settle(d.schema))
				require.NoError(t, err)
				_, err = tx.Exec(ctx, "SET LOCAL plan_cache_mode = force_generic_plan")
				require.NoError(t, err)
				seen := 0
				for i, statement := range pgstore.Statements(d.schema, "w1", "user1", "role", "team") {
					by, in := keys[statement.Name], indexes[statement.Name]
					if by == nil && in == nil {
						continue
					}
					seen++
					plan, root := explain(t, tx, fmt.Sprint("s", i), statement)
					if by != nil {
						root.requireByIndex(t, plan, by)
					} else {
						root.requireInOrder(t, plan, in)
					}
				}
				require.Equal(t, len(keys)+len(indexes), seen)
			})
		}
	}
}

// explain returns the plan of a statement for any arguments, as text, too.
func explain(t testing.TB, tx pgx.Tx, name string, statement pgstore.Statement) (string, planNode) {
	t.Helper()
	ctx := t.Context()
	_, err := tx.Conn().Prepare(ctx, name, statement.SQL)
	require.NoError(t, err)
	var places []string
	for n := range statement.Args {
		places = append(places, fmt.Sprint("$", n+1))
	}
	var plan string
	args := append([]any{pgx.QueryExecModeSimpleProtocol}, statement.Args...)
	require.NoError(t, tx.QueryRow(ctx, fmt.Sprintf("EXPLAIN (FORMAT JSON) EXECUTE %s(%s)", name, strings.Join(places, ", ")), args...).Scan(&plan))
	var root []struct{ Plan planNode }
	require.NoError(t, json.Unmarshal([]byte(plan), &root))
	return statement.Name + "\n" + plan, root[0].Plan
}
