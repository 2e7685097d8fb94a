package pgstore_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/pgstore"
)

// TestReachUsesTheIndex lists the records of an application within reach, of a
// million in the long form, with the plans that a session keeps for any
// arguments.
func TestReachUsesTheIndex(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	n := 100_000
	if long.Enabled() {
		n = 1_000_000
	}
	people := n / 5
	w := workspacetest.Open(t, d.Store(), append(quiet(), rbac.WithTeams())...).For("w")
	own, team := addRole(t, w, "Own", deals(rbac.Own)), addRole(t, w, "Team", deals(rbac.Team))
	assign(t, w, rbac.Administrator, "ann")
	assign(t, w, own.ID, "user7")
	assign(t, w, addRole(t, w, "None", deals(rbac.None)).ID, "nobody")
	assign(t, w, team.ID, "user40", "loner")
	var north []string
	for i := 40; i < 65; i++ {
		north = append(north, fmt.Sprint("user", i))
	}
	assign(t, w, team.ID, north...)
	require.NoError(t, w.System("set-up").SetTeam(ctx, "north", north...))

	d.exec("CREATE TABLE people (id text PRIMARY KEY, team text)")
	d.exec("CREATE INDEX people_team ON people (team)")
	d.exec("INSERT INTO people SELECT 'user' || i, 'team' || i / 25 FROM generate_series(1, $1::int) i", people)
	d.exec("UPDATE people SET team = 'north' WHERE id = ANY ($1)", north)
	d.exec("CREATE TABLE deals (id bigint PRIMARY KEY, owner text, stage text NOT NULL)")
	// Some have no owner, and some one who is not a member.
	d.exec("INSERT INTO deals SELECT i, CASE WHEN i % 100 > 0 THEN 'user' || i % ($2::int + 1) END, 'stage' || i % 4 FROM generate_series(1, $1::int) i", n, people)
	d.exec("CREATE INDEX deals_owner ON deals (owner)")
	d.exec("ANALYZE people, deals")

	tx, err := d.pool.Begin(ctx)
	require.NoError(t, err)
	defer tx.Rollback(ctx)
	_, err = tx.Exec(ctx, "SET LOCAL search_path TO "+pgx.Identifier{d.schema}.Sanitize()+"; SET LOCAL plan_cache_mode = force_generic_plan")
	require.NoError(t, err)

	const inTeam = "SELECT id FROM people WHERE team = ?"
	where := func(r rbac.Reach, args *[]any) string { return r.Where(rbac.Dollar, "owner", args) }
	whereTeam := func(r rbac.Reach, args *[]any) string { return r.WhereTeam(rbac.Dollar, "owner", inTeam, args) }
	for i, test := range []struct {
		user, condition string
		where           func(rbac.Reach, *[]any) string
		index           bool // there are few, and the index finds them
	}{
		{"ann", "TRUE", where, false},
		{"nobody", "FALSE", where, false},
		{"user7", "owner = $2", where, true},
		{"loner", "owner = $2", where, true},
		{"user40", "owner = ANY ($2)", where, true},
		{"ann", "TRUE", whereTeam, false},
		{"user7", "owner = $2", whereTeam, true},
		{"user40", "owner IN (SELECT id FROM people WHERE team = $2)", whereTeam, true},
	} {
		s, err := w.Subject(ctx, test.user)
		require.NoError(t, err)
		args := []any{"stage3"}
		condition := test.where(s.Reach(rbac.Deals, rbac.Read), &args)
		require.Equal(t, test.condition, condition)
		statement := pgstore.Statement{Name: test.user, SQL: "SELECT id, coalesce(owner, '') FROM deals WHERE stage = $1 AND " + condition, Args: args}
		plan, root := explain(t, tx, fmt.Sprint("s", i), statement)
		if test.index {
			root.requireIndexOn(t, plan, "deals", "deals_owner")
		} else if condition == "FALSE" {
			require.NotContains(t, plan, "deals", "nothing is read")
		}

		rows, err := tx.Query(ctx, statement.SQL, statement.Args...)
		require.NoError(t, err)
		listed := map[int64]bool{}
		var id int64
		var owner string
		_, err = pgx.ForEachRow(rows, []any{&id, &owner}, func() error {
			listed[id] = true
			return nil
		})
		require.NoError(t, err)
		rows, err = tx.Query(ctx, "SELECT id, coalesce(owner, '') FROM deals WHERE stage = 'stage3' AND (id <= 1000 OR owner = 'user7' OR owner = ANY ($1))", north)
		require.NoError(t, err)
		reached := 0
		_, err = pgx.ForEachRow(rows, []any{&id, &owner}, func() error {
			can := s.CanRecord(rbac.Deals, rbac.Read, owner)
			require.Equal(t, can, listed[id], "%s and the deal %d of %q", test.user, id, owner)
			if can {
				reached++
			}
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, test.user == "nobody" || test.user == "loner", reached == 0, "%s reaches %d", test.user, reached)
	}

	// One condition for every reach is what not to write.
	plan, _ := explain(t, tx, "one", pgstore.Statement{
		SQL:  "SELECT id FROM deals WHERE stage = $1 AND ($2 OR owner = ANY ($3))",
		Args: []any{"stage3", false, north},
	})
	require.Contains(t, plan, `"Seq Scan"`)
}

// requireIndexOn fails unless a table below n is read through an index.
func (n planNode) requireIndexOn(t testing.TB, plan, table, index string) {
	t.Helper()
	require.Contains(t, plan, `"`+index+`"`)
	if n.Relation == table {
		require.NotContains(t, n.Type, "Seq Scan", plan)
	}
	for _, below := range n.Plans {
		below.requireIndexOn(t, plan, table, index)
	}
}
