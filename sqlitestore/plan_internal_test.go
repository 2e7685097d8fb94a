package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// Every question of the library finds its rows through an index and in order,
// whether SQLite knows how many there are or not.
func TestQueryPlans(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "rbac.db"))
	require.NoError(t, err)
	r := &reader{ctx: context.Background(), workspace: "w"}
	role := rbac.MemberQuery{Role: "administrator", State: rbac.ActiveOnly}
	team := rbac.MemberQuery{Team: "north", Role: "administrator"}
	one := r.selectMembers(rbac.MemberQuery{}, "")
	one.and(`user IN (?, ?)`, "a", "b")
	// events returns the plan of a query through indexes that are merged.
	events := func(indexes ...string) string {
		var plan []string
		for _, index := range indexes {
			plan = append(plan, "SEARCH rbac_events USING INDEX rbac_events_"+index+" (workspace=? AND <expr>=? AND seq>?)")
		}
		return strings.Join(plan, "; ")
	}
	const byNumber = "rbac_events USING INDEX sqlite_autoindex_rbac_events_1 (workspace=? AND seq>?"
	day := rbac.EventQuery{Since: time.Unix(0, 0), Until: time.Unix(86400, 0), Newest: true}
	span := day
	span.After, span.Before = 10, 20
	all := rbac.EventQuery{User: "ann", Role: "sales", Actor: "bob", Kinds: []rbac.EventKind{rbac.RoleCreated}, Since: day.Since, Before: 9}
	many := make([]rbac.EventKind, mostKinds+1)
	for i := range many {
		many[i] = rbac.EventKind(fmt.Sprint("kind", i))
	}
	questions := []struct {
		selection *selection
		want      string
	}{
		{r.selection(selectRoles).ordered(`id`, 10), "rbac_roles USING PRIMARY KEY (workspace=?)"},
		{r.selectMembers(rbac.MemberQuery{}, "").ordered(`user`, 10), "rbac_members USING PRIMARY KEY (workspace=?)"},
		{r.selectMembers(rbac.MemberQuery{}, "a").ordered(`user`, 10), "rbac_members USING PRIMARY KEY (workspace=? AND user>?)"},
		{r.selectMembers(role, "").ordered(`user`, 10), "rbac_members USING INDEX rbac_members_role (workspace=? AND role=?)"},
		{r.selectMembers(role, "a").ordered(`user`, 10), "rbac_members USING INDEX rbac_members_role (workspace=? AND role=? AND user>?)"},
		{r.selectMembers(team, "").ordered(`user`, 10), "rbac_members USING INDEX rbac_members_team (workspace=? AND team=?)"},
		{r.selectMembers(team, "a").ordered(`user`, 10), "rbac_members USING INDEX rbac_members_team (workspace=? AND team=? AND user>?)"},
		{one.ordered(`user`, 10), "rbac_members USING PRIMARY KEY (workspace=? AND user=?)"},

		{r.selectEvents(rbac.EventQuery{}, 10), byNumber + ")"},
		{r.selectEvents(rbac.EventQuery{After: 5, Before: 9, Newest: true}, 10), byNumber + " AND seq<?)"},
		{r.selectEvents(rbac.EventQuery{Kinds: []rbac.EventKind{rbac.RoleCreated}}, 10), events("kind")},
		{r.selectEvents(rbac.EventQuery{Kinds: []rbac.EventKind{rbac.RoleCreated, rbac.RoleDeleted}, Newest: true}, 10), events("kind", "kind")},
		{r.selectEvents(rbac.EventQuery{Kinds: many}, 10), byNumber + ")"},
		{r.selectEvents(rbac.EventQuery{Role: "sales"}, 10), events("role_before", "role_after", "member_role_before", "member_role_after")},
		{r.selectEvents(rbac.EventQuery{Role: "sales", Newest: true}, 10), events("role_before", "role_after", "member_role_before", "member_role_after")},
		{r.selectEvents(rbac.EventQuery{User: "ann"}, 10), events("user_before", "user_after")},
		{r.selectEvents(rbac.EventQuery{User: "ann", Newest: true}, 10), events("user_before", "user_after")},
		{r.selectEvents(rbac.EventQuery{Actor: "ann"}, 10), events("actor")},
		{r.selectEvents(rbac.EventQuery{Actor: "ann", Kinds: many, Newest: true}, 10), events("actor")},
		{r.selectEvents(all, 10), strings.ReplaceAll(events("user_before", "user_after"), ")", " AND seq<?)")},
		{r.selectSpan(day), "rbac_events USING INDEX rbac_events_time (workspace=? AND <expr>>? AND <expr><?)"},
		{r.selectSpan(rbac.EventQuery{Until: day.Until}), "rbac_events USING INDEX rbac_events_time (workspace=? AND <expr><?)"},
		{r.selectEvents(span, 10), byNumber + " AND seq<?)"},
		{r.selectEvents(rbac.EventQuery{Since: day.Since}, 10), byNumber + ")"},

		{&selection{countHolders, []any{"w"}}, "rbac_members USING INDEX rbac_members_role (workspace=?)"},
		{workspacesOf(rbac.WorkspaceQuery{}), "rbac_workspaces USING PRIMARY KEY (id>?)"},
		{workspacesOf(rbac.WorkspaceQuery{User: "ann", After: new(string)}), "rbac_members USING INDEX rbac_members_user (user=? AND workspace>?)"},

		{&selection{selectRevisions + list(2), []any{"a", "b"}}, "rbac_workspaces USING PRIMARY KEY (id=?)"},
		{&selection{selectChanged, []any{1, 2, 10}}, "rbac_events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
	}
	ask := func(t *testing.T) {
		for _, q := range questions {
			text := strings.ReplaceAll(plan(t, s.read, q.selection.text, q.selection.args...), "COVERING INDEX", "INDEX")
			want := q.want
			if !strings.HasPrefix(want, "SEARCH ") {
				want = "SEARCH " + want
			}
			for _, want := range strings.Split(want, "; ") {
				require.Contains(t, text, want, q.selection.text)
			}
			require.NotContains(t, strings.ReplaceAll(text, "TEMP B-TREE FOR DISTINCT", ""), "TEMP B-TREE", fmt.Sprint("sorted: ", q.selection.text))
			require.NotContains(t, text, "SCAN", q.selection.text)
		}
	}
	t.Run("without statistics", ask)
	require.NoError(t, s.Update(t.Context(), "w", func(tx rbac.Tx) error {
		var members []rbac.Member
		var events []rbac.Event
		for i := range 500 {
			m := rbac.Member{User: fmt.Sprint("user", i), Role: "administrator", Team: "north"}
			members = append(members, m)
			events = append(events, rbac.Event{Seq: int64(i) + 1, Time: time.Unix(int64(i), 0), Kind: rbac.MemberMoved, Actor: "ann", MemberBefore: &m, MemberAfter: &m})
		}
		if err := tx.PutMembers(members...); err != nil {
			return err
		}
		return tx.AppendEvents(events...)
	}))
	_, err = s.write.Exec(`ANALYZE`)
	require.NoError(t, err)
	t.Run("with statistics", ask)
	// And whatever the data were like when it counted.
	for _, stats := range []struct{ number, others string }{{"100000 2 1", "100000 100000 100000 1"}, {"100000 100000 1", "100000 1 1 1"}} {
		_, err = s.write.Exec(`DELETE FROM sqlite_stat4; UPDATE sqlite_stat1 SET stat = iif(idx LIKE 'sqlite%', ?, ?) WHERE tbl = 'rbac_events'`, stats.number, stats.others)
		require.NoError(t, err)
		require.NoError(t, s.Close())
		s, err = Open(t.Context(), string(s.place)) // statistics are read with the tables
		require.NoError(t, err)
		t.Run("with statistics of another time", ask)
	}
	require.NoError(t, s.Close())
}

func plan(t *testing.T, db *sql.DB, text string, args ...any) string {
	t.Helper()
	rows, err := db.Query(`EXPLAIN QUERY PLAN `+text, args...)
	require.NoError(t, err, text)
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var detail string
		var ignored int
		require.NoError(t, rows.Scan(&ignored, &ignored, &ignored, &detail))
		plan = append(plan, detail)
	}
	require.NoError(t, rows.Err())
	return strings.Join(plan, "; ")
}
