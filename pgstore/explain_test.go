package pgstore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac/pgstore"
)

// TestEveryStatementUsesAnIndex explains all statements on a workspace with
// 100,000 members and events, beside 20,000 small ones, with the plans that
// PostgreSQL makes for given arguments and for any. The short form has 5,000.
func TestEveryStatementUsesAnIndex(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	small := strings.NewReplacer("20000)", fmt.Sprint(max(scaled(20000), 5000), ")"), "100000) i", fmt.Sprint(max(scaled(100000), 20000), ") i"))
	for _, sql := range []string{
		"INSERT INTO workspaces SELECT 'w' || i, 5 FROM generate_series(1, 20000) i",
		"INSERT INTO workspaces VALUES ('big', 100000)",
		"INSERT INTO roles SELECT w.id, 'role' || r, 'Role ' || r, '', '{}', 1, now(), now() FROM workspaces w, generate_series(1, CASE w.id WHEN 'big' THEN 1000 ELSE 5 END) r",
		"INSERT INTO members SELECT 'big', 'user' || i, 'role' || i % 20, i % 50 = 0, now(), 'team' || i % 1000 FROM generate_series(1, 100000) i",
		"INSERT INTO members SELECT w.id, 'user' || i, 'role' || i % 20, false, now() FROM workspaces w, generate_series(1, 5) i WHERE w.id <> 'big'",
		"INSERT INTO events " + someEvents("'big'", "generate_series(1, 100000) i"),
		"INSERT INTO events " + someEvents("w.id", "workspaces w, generate_series(1, 5) i WHERE w.id <> 'big'"),
		"ANALYZE workspaces, roles, members, events",
	} {
		d.exec(small.Replace(sql))
	}
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, d.url)
	require.NoError(t, err)
	defer conn.Close(ctx)
	for _, workspace := range []string{"big", "w1"} {
		for i, statement := range pgstore.Statements(d.schema, workspace, "user500", "role5", "team5") {
			for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
				if workspace == "big" && strings.HasPrefix(statement.Name, "whole") {
					continue // half of the table: see TestPlansDoNotDependOnStatistics
				}
				t.Run(fmt.Sprint(workspace, "/", statement.Name, "/", mode), func(t *testing.T) {
					name := fmt.Sprint("s", i, workspace)
					_, err := conn.Exec(ctx, "SET enable_bitmapscan = off; SET plan_cache_mode = "+mode)
					require.NoError(t, err)
					_, err = conn.Prepare(ctx, name, statement.SQL)
					require.NoError(t, err)
					var places []string
					for n := range statement.Args {
						places = append(places, fmt.Sprint("$", n+1))
					}
					args := append([]any{pgx.QueryExecModeSimpleProtocol}, statement.Args...)
					rows, err := conn.Query(ctx, "EXPLAIN (ANALYZE, TIMING off) EXECUTE "+name+"("+strings.Join(places, ", ")+")", args...)
					if strings.Contains(statement.SQL, "DELETE") || strings.Contains(statement.SQL, "UPDATE ") && !strings.Contains(statement.SQL, "FOR UPDATE") {
						rows.Close()
						rows, err = conn.Query(ctx, "EXPLAIN EXECUTE "+name+"("+strings.Join(places, ", ")+")", args...)
					}
					require.NoError(t, err)
					lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
					require.NoError(t, err)
					plan := strings.Join(lines, "\n")
					require.NotContains(t, plan, "Seq Scan", plan)
					require.Regexp(t, "Index (Only )?Scan", plan)
					if strings.Contains(statement.Name, "page") || strings.HasPrefix(statement.Name, "events") {
						require.NotRegexp(t, "Sort  \\(", plan, "a page is read in the order of the index:\n%s", plan)
					}
				})
			}
		}
	}
}

// someEvents returns a query for rows of events, in a workspace, one for each i
// of a source.
func someEvents(workspace, source string) string {
	return "SELECT " + workspace + `, i, decode(repeat('01', 32), 'hex'), jsonb_build_object(
		'seq', i, 'kind', CASE WHEN i % 1000 = 7 THEN 'role.deleted' ELSE 'member.assigned' END,
		'time', to_char(timestamptz '2026-03-01' + i * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'actor', 'user' || i % 3 * 500,
		'memberBefore', jsonb_build_object('user', 'user' || i % 1000, 'role', 'role' || i % 7),
		'memberAfter', jsonb_build_object('user', 'user' || i % 1000, 'role', 'role' || i % 20)) FROM ` + source
}
