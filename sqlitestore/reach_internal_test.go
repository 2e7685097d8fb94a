package sqlitestore

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// TestReachPlans lists the application's own records, beside the tables of the
// library, by what a user's action reaches: through the index on the owner
// wherever that narrows anything, and exactly those that Includes takes.
func TestReachPlans(t *testing.T) {
	ctx := t.Context()
	s, err := Open(ctx, filepath.Join(t.TempDir(), "app.db"))
	require.NoError(t, err)
	defer s.Close()
	az, err := rbac.Open(ctx, s, rbac.WithTeams())
	require.NoError(t, err)
	defer az.Close()
	w := az.For("acme")
	for scope, users := range map[rbac.Scope][]string{
		rbac.None: {"nora"}, rbac.Own: {"olga"}, rbac.Team: {"tim", "tom", "o'neil", "single"}, rbac.All: {"ann"},
	} {
		role, err := w.System("test").CreateRole(ctx, rbac.Role{Name: scope.String(), Permissions: rbac.Permissions{rbac.Deals: {Read: scope}}})
		require.NoError(t, err)
		require.NoError(t, w.System("test").Assign(ctx, role.ID, users...))
	}
	require.NoError(t, w.System("test").SetTeam(ctx, "north", "tim", "tom", "o'neil", "olga"))

	owners := []string{"nora", "olga", "tim", "tom", "o'neil", "single", "ann", "nobody"}
	_, err = s.write.Exec(`CREATE TABLE deals (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, stage INTEGER NOT NULL);
		CREATE INDEX deals_owner ON deals (owner, stage)`)
	require.NoError(t, err)
	for i := range 80 {
		_, err = s.write.Exec(`INSERT INTO deals (owner, stage) VALUES (?, ?)`, owners[i%len(owners)], i/len(owners)%2)
		require.NoError(t, err)
	}
	const team = `SELECT user FROM rbac_members WHERE workspace = 'acme' AND team = ? AND team <> ''`
	const own, joined = "SEARCH deals USING COVERING INDEX deals_owner (owner=? AND stage=?)",
		"SEARCH rbac_members USING COVERING INDEX rbac_members_team (workspace=? AND team=?)"
	for _, c := range []struct {
		user        string
		where, with []string // the plans with Where and with WhereTeam
		records     int
	}{
		{"nora", nil, nil, 0},
		{"olga", []string{own}, []string{own}, 5},
		{"single", []string{own}, []string{own}, 5},
		{"tim", []string{own}, []string{own, joined}, 20},
		{"ann", []string{"SCAN deals"}, []string{"SCAN deals"}, 40},
	} {
		subject, err := w.Subject(ctx, c.user)
		require.NoError(t, err)
		reach := subject.Reach(rbac.Deals, rbac.Read)
		for where, wants := range map[string][]string{"Where": c.where, "WhereTeam": c.with} {
			args := []any{1}
			condition := `stage = ? AND `
			if where == "Where" {
				condition += reach.Where(rbac.Question, "owner", &args)
			} else {
				condition += reach.WhereTeam(rbac.Question, "owner", team, &args)
			}
			text := plan(t, s.read, `SELECT id FROM deals WHERE `+condition, args...)
			for _, want := range wants {
				require.Contains(t, text, want, "%s of %s: %s", where, c.user, condition)
			}
			if len(reach.Owners) > 0 { // with FALSE SQLite looks at no row, whatever the plan says
				require.NotContains(t, text, "SCAN deals", condition)
			}
			listed := map[int64]bool{}
			rows, err := s.read.Query(`SELECT id FROM deals WHERE `+condition, args...)
			require.NoError(t, err)
			for rows.Next() {
				var id int64
				require.NoError(t, rows.Scan(&id))
				listed[id] = true
			}
			require.NoError(t, rows.Close())
			require.Len(t, listed, c.records)
			for i := range 80 {
				owner := owners[i%len(owners)]
				within := i/len(owners)%2 == 1 && reach.Includes(owner)
				require.Equal(t, within, listed[int64(i)+1], "%s of %s, the record of %s", where, c.user, owner)
				require.Equal(t, reach.Includes(owner), subject.CanRecord(rbac.Deals, rbac.Read, owner))
			}
		}
	}
}
