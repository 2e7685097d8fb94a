package sqlitestore

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// Every question of the library finds its rows through an index and in order.
func TestQueryPlans(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "rbac.db"))
	require.NoError(t, err)
	defer s.Close()
	r := &reader{ctx: context.Background(), workspace: "w"}
	role := rbac.MemberQuery{Role: "administrator", State: rbac.ActiveOnly}
	one := r.selectMembers(rbac.MemberQuery{}, "")
	one.and(`user IN (?, ?)`, "a", "b")
	event := r.selection(selectEvents)
	event.and(`seq > ?`, 1)
	for _, c := range []struct {
		selection *selection
		want      string
	}{
		{r.selection(selectRoles).ordered(`id`, 10), "rbac_roles USING PRIMARY KEY (workspace=?)"},
		{r.selectMembers(rbac.MemberQuery{}, "").ordered(`user`, 10), "rbac_members USING PRIMARY KEY (workspace=?)"},
		{r.selectMembers(rbac.MemberQuery{}, "a").ordered(`user`, 10), "rbac_members USING PRIMARY KEY (workspace=? AND user>?)"},
		{r.selectMembers(role, "").ordered(`user`, 10), "rbac_members USING INDEX rbac_members_role (workspace=? AND role=?)"},
		{r.selectMembers(role, "a").ordered(`user`, 10), "rbac_members USING INDEX rbac_members_role (workspace=? AND role=? AND user>?)"},
		{one.ordered(`user`, 10), "rbac_members USING PRIMARY KEY (workspace=? AND user=?)"},
		{event.ordered(`seq`, 10), "rbac_events USING INDEX sqlite_autoindex_rbac_events_1 (workspace=? AND seq>?)"},
		{event.ordered(`seq DESC`, 10), "rbac_events USING INDEX sqlite_autoindex_rbac_events_1 (workspace=? AND seq>?)"},
		{&selection{selectRevisions + list(2), []any{"a", "b"}}, "rbac_workspaces USING PRIMARY KEY (id=?)"},
		{&selection{selectChanged, []any{1, 2, 10}}, "rbac_events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
	} {
		rows, err := s.read.Query(`EXPLAIN QUERY PLAN `+c.selection.text, c.selection.args...)
		require.NoError(t, err)
		var plan []string
		for rows.Next() {
			var detail string
			var ignored int
			require.NoError(t, rows.Scan(&ignored, &ignored, &ignored, &detail))
			plan = append(plan, detail)
		}
		require.NoError(t, rows.Close())
		text := strings.Join(plan, "; ")
		require.Contains(t, text, "SEARCH "+c.want, c.selection.text)
		require.NotContains(t, strings.ReplaceAll(text, "TEMP B-TREE FOR DISTINCT", ""), "TEMP B-TREE", fmt.Sprint("sorted: ", c.selection.text))
		require.NotContains(t, text, "SCAN", c.selection.text)
	}
}
