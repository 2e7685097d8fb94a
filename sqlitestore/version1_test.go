package sqlitestore_test

import (
	"context"
	"database/sql"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/sqlitestore"
)

// version1 returns a file with the tables of version 1 and what the library
// wrote to them then.
func version1(t testing.TB) string {
	t.Helper()
	dump, err := os.ReadFile("testdata/version1.sql")
	require.NoError(t, err)
	path := tempFile(t)
	sqlExec(t, path, string(dump))
	return path
}

// version1Rows returns all rows of the tables of version 1, with its columns.
func version1Rows(t testing.TB, path string) (rows []string) {
	t.Helper()
	db := handle(t, path, "")
	for table, columns := range map[string]string{
		"rbac_workspaces": "id, revision, hash",
		"rbac_roles":      "workspace, id, name, description, permissions, system, version, created_at, updated_at",
		"rbac_members":    "workspace, user, role, suspended, updated_at",
		"rbac_events":     "id, workspace, seq, body, hash",
	} {
		quoted := "quote(" + strings.ReplaceAll(columns, ", ", ") || ' ' || quote(") + ")"
		rows = append(rows, texts(t, db, `SELECT '`+table+` ' || `+quoted+` FROM `+table)...)
	}
	return rows
}

// texts returns the values of a SELECT of one column.
func texts(t testing.TB, db *sql.DB, query string, args ...any) (found []string) {
	t.Helper()
	rows, err := db.Query(query, args...)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var text string
		require.NoError(t, rows.Scan(&text))
		found = append(found, text)
	}
	require.NoError(t, rows.Err())
	return found
}

func TestMigrateFromVersion1(t *testing.T) {
	ctx, path := t.Context(), version1(t)
	before := version1Rows(t, path)
	store := open(t, path)
	require.ElementsMatch(t, before, version1Rows(t, path))
	integrity(t, path)

	az := authorizer(t, store, viewer, rbac.WithTeams())
	for workspace, newest := range map[string]int{"acme": 25, "": 2} {
		require.Equal(t, newest, events(t, az.For(workspace)))
		now := workspacetest.Read(t, store, workspace)
		for _, e := range now.Events {
			require.Zero(t, e.Form)
		}
		for _, m := range now.Members {
			require.Empty(t, m.Team)
		}
		for _, r := range now.Roles {
			require.Empty(t, r.Assigns)
		}
		checkFilters(t, store, workspace)
	}

	w := az.For("acme")
	sales := roleNamed(t, w, "Sales people")
	lead, err := w.As("ann").CreateRole(ctx, rbac.Role{
		Name: "Team lead", Permissions: workspacetest.ReadsDeals(rbac.Team), Assigns: []rbac.RoleID{sales.ID},
	})
	require.NoError(t, err)
	require.NoError(t, w.As("ann").Assign(ctx, lead.ID, "max"))
	require.NoError(t, w.As("ann").SetTeam(ctx, "north", "max", "bob", "eve"))
	require.True(t, w.CanRecord(ctx, "max", rbac.Deals, rbac.Read, "eve"))
	require.NoError(t, w.As("max").Via("help desk").Assign(ctx, sales.ID, "new"))
	require.Equal(t, 31, events(t, w))
	checkInvariants(t, store, "acme", rbac.Administrator, "viewer")
	checkFilters(t, store, "acme")
}

// A row or an event that cannot be read keeps nobody from the others.
func TestMigrateMalformedRows(t *testing.T) {
	ctx, path := t.Context(), version1(t)
	_, err := handle(t, path, "_pragma=ignore_check_constraints(1)").Exec(`
		DROP TRIGGER rbac_events_stay;
		UPDATE rbac_members SET suspended = 2 WHERE user = 'bob';
		UPDATE rbac_events SET body = '{"kind":' WHERE workspace = 'acme' AND seq = 9`)
	require.NoError(t, err)
	store := open(t, path)
	w := authorizer(t, store, viewer).For("acme")
	require.True(t, w.Can(ctx, "tom", rbac.Deals, rbac.Read))
	require.False(t, w.Can(ctx, "bob", rbac.Deals, rbac.Read))
	var tampered *rbac.TamperedError
	require.ErrorAs(t, w.VerifyEvents(ctx), &tampered)
	require.EqualValues(t, 9, tampered.Seq)
	require.Len(t, workspacetest.Events(t, w, rbac.EventQuery{User: "kim"}), 4, "those of others are found")
	require.ErrorContains(t, store.Update(ctx, "acme", func(tx rbac.Tx) error {
		return tx.PutMembers(rbac.Member{User: "ann", Role: rbac.Administrator, Team: strings.Repeat("t", 256)})
	}), "CHECK constraint failed", "the checks are on again")
}

func TestMigrateFromVersion1RollsBackWhole(t *testing.T) {
	path := version1(t)
	db := handle(t, path, "_pragma=journal_mode(WAL)")
	db.SetMaxOpenConns(1)
	_, err := db.Exec(`ALTER TABLE rbac_roles ADD COLUMN assigns TEXT`) // in the way
	require.NoError(t, err)
	require.ErrorContains(t, sqlitestore.Migrate(t.Context(), db), "0002_teams.sql")
	require.Equal(t, []string{"1"}, texts(t, db, `SELECT version FROM rbac_schema`))
	require.Empty(t, texts(t, db, `SELECT name FROM pragma_table_info('rbac_members') WHERE name = 'team'`))
	_, err = db.Exec(`UPDATE rbac_members SET suspended = 2`)
	require.ErrorContains(t, err, "CHECK constraint failed", "the handle's checks are as they were")
}

func roleNamed(t testing.TB, w *rbac.Workspace, name string) rbac.Role {
	t.Helper()
	roles, err := w.Roles(context.Background())
	require.NoError(t, err)
	for _, role := range roles {
		if role.Name == name {
			return role
		}
	}
	t.Fatalf("there is no role %q", name)
	return rbac.Role{}
}

// The statements of a program of version 1, as they are in commit 71393f5.
const (
	selectRevision1  = `SELECT revision, hash FROM rbac_workspaces WHERE id = ?`
	selectRevisions1 = `SELECT id, revision, hash FROM rbac_workspaces WHERE id IN `
	createWorkspace1 = `INSERT INTO rbac_workspaces (id, revision, hash) VALUES (?, 0, zeroblob(32)) ON CONFLICT DO NOTHING`
	moveRevision1    = `UPDATE rbac_workspaces SET revision = ?2, hash = ?3 WHERE id = ?1`

	selectRoles1 = `SELECT id, name, description, permissions, version, created_at, updated_at FROM rbac_roles WHERE workspace = ?`
	putRole1     = `INSERT INTO rbac_roles (workspace, id, name, description, permissions, version, created_at, updated_at)` +
		` VALUES (?, ?, ?, ?, ?, ?, ?, ?)` +
		` ON CONFLICT DO UPDATE SET name = excluded.name, description = excluded.description, permissions = excluded.permissions,` +
		` version = excluded.version, created_at = excluded.created_at, updated_at = excluded.updated_at`
	deleteRole1 = `DELETE FROM rbac_roles WHERE workspace = ? AND id = ?`

	selectMembers1 = `SELECT user, role, suspended, updated_at FROM rbac_members WHERE workspace = ?`
	selectHolders1 = `SELECT user, role, suspended, updated_at FROM rbac_members INDEXED BY rbac_members_role WHERE workspace = ?`
	insertMembers1 = `INSERT INTO rbac_members (workspace, user, role, suspended, updated_at) VALUES `
	orReplace1     = ` ON CONFLICT DO UPDATE SET role = excluded.role, suspended = excluded.suspended, updated_at = excluded.updated_at`
	deleteMembers1 = `DELETE FROM rbac_members WHERE workspace = ? AND user IN `

	selectEvents1 = `SELECT seq, body, hash FROM rbac_events WHERE workspace = ?`
	insertEvents1 = `INSERT INTO rbac_events (workspace, seq, body, hash) VALUES `

	selectNewestEvent1 = `SELECT coalesce(max(id), 0) FROM rbac_events`
	selectChanged1     = `SELECT DISTINCT workspace FROM rbac_events WHERE id > ? AND id <= ? LIMIT ?`

	takeSnapshot1 = `SELECT 1 FROM rbac_workspaces LIMIT 1`
	takeLock1     = `DELETE FROM rbac_workspaces WHERE false`

	selectTables1  = `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'rbac_schema'`
	selectVersion1 = `SELECT coalesce(max(version), 0) FROM rbac_schema`
)

// program1 is a program of version 1 that was running when the tables were
// migrated.
type program1 struct {
	testing.TB
	db *sql.DB
}

// reads returns how many rows a statement finds.
func (p program1) reads(statement string, args ...any) (n int) {
	p.Helper()
	rows, err := p.db.Query(statement, args...)
	require.NoError(p, err, statement)
	defer rows.Close()
	for rows.Next() {
		n++
	}
	require.NoError(p, rows.Err())
	return n
}

// change makes the changes of events of the first form, and writes the events.
func (p program1) change(workspace string, events ...rbac.Event) {
	p.Helper()
	tx, err := p.db.Begin()
	require.NoError(p, err)
	exec := func(statement string, args ...any) {
		p.Helper()
		_, err := tx.Exec(statement, args...)
		require.NoError(p, err, statement)
	}
	exec(takeLock1)
	exec(createWorkspace1, workspace)
	var at rbac.Revision
	var hash []byte
	require.NoError(p, tx.QueryRow(selectRevision1, workspace).Scan(&at.Seq, &hash))
	at.Hash = [32]byte(hash)
	for _, e := range events {
		e.Seq, e.Time, e.Actor = at.Seq+1, time.Now().UTC().Truncate(time.Microsecond), "ann"
		switch {
		case e.RoleAfter != nil:
			r := e.RoleAfter
			permissions, err := r.Permissions.MarshalJSON()
			require.NoError(p, err)
			exec(putRole1, workspace, string(r.ID), r.Name, r.Description, string(permissions), r.Version, r.CreatedAt.UnixMicro(), e.Time.UnixMicro())
		case e.RoleBefore != nil:
			exec(deleteRole1, workspace, string(e.RoleBefore.ID))
		case e.MemberAfter != nil:
			m := e.MemberAfter
			exec(insertMembers1+`(?,?,?,?,?)`+orReplace1, workspace, m.User, string(m.Role), 0, e.Time.UnixMicro())
		case e.MemberBefore != nil:
			exec(deleteMembers1+`(?)`, workspace, e.MemberBefore.User)
		}
		body, err := e.MarshalJSON()
		require.NoError(p, err)
		e.Hash = workspacetest.Hash(p, workspace, at, e)
		exec(insertEvents1+`(?,?,?,?)`, workspace, e.Seq, string(body), e.Hash[:])
		at = e.Revision()
	}
	exec(moveRevision1, workspace, at.Seq, at.Hash[:])
	require.NoError(p, tx.Commit())
}

// TestProgramOfVersion1BesideThisOne lets a program that knows no teams and no
// lists go on after the migration, as in a rolling update. It keeps what it
// does not know, but for who is removed and added again, who is in no team
// then; and its events do not tell of teams and lists.
func TestProgramOfVersion1BesideThisOne(t *testing.T) {
	ctx, path := t.Context(), version1(t)
	old := program1{t, handle(t, path, "_txlock=immediate&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)")}
	require.Equal(t, 1, old.reads(takeSnapshot1), "it runs before the migration")
	store := open(t, path)
	opts := append(quiet(), viewer, rbac.WithTeams())
	w := authorizer(t, deaf(store), opts...).For("acme")
	support := roleNamed(t, w, "Support")
	lead, err := w.As("ann").CreateRole(ctx, rbac.Role{
		Name: "Team lead", Permissions: workspacetest.ReadsDeals(rbac.Team), Assigns: []rbac.RoleID{support.ID},
	})
	require.NoError(t, err)
	require.NoError(t, w.As("ann").Assign(ctx, lead.ID, "max"))
	require.NoError(t, w.As("ann").SetTeam(ctx, "north", "max", "bob", "zoë"))

	// reach checks whose records max sees: in who follows the events, and in who
	// loads the tables.
	reach := func(owners ...string) {
		t.Helper()
		require.NoError(t, w.Sync(ctx))
		for _, w := range []*rbac.Workspace{w, authorizer(t, deaf(store), opts...).For("acme")} {
			s, err := w.Subject(ctx, "max")
			require.NoError(t, err)
			assert.Equal(t, rbac.Reach{Owners: owners, Team: "north"}, s.Reach(rbac.Deals, rbac.Read))
			require.NoError(t, w.VerifyEvents(ctx))
		}
		checkFilters(t, store, "acme")
	}
	reach("bob", "max", "zoë")

	member := func(user string, role rbac.RoleID) *rbac.Member { return &rbac.Member{User: user, Role: role} }
	bob, zoë, eve := member("bob", "viewer"), member("zoë", "viewer"), member("eve", "viewer")
	old.change("acme",
		rbac.Event{Kind: rbac.MemberAssigned, MemberBefore: member("bob", roleNamed(t, w, "Sales people").ID), MemberAfter: bob},
		rbac.Event{Kind: rbac.MemberAssigned, MemberAfter: eve},
	)
	reach("bob", "max", "zoë")
	old.change("acme",
		rbac.Event{Kind: rbac.MemberRemoved, MemberBefore: zoë},
		rbac.Event{Kind: rbac.MemberAssigned, MemberAfter: zoë},
	)
	reach("bob", "max")

	// A role that it changes keeps its list; one that it makes has none.
	edited, made := lead, rbac.Role{ID: "old", Name: "Old", Version: 1}
	edited.Name, edited.Assigns, edited.Version = "Lead of a team", nil, 2
	old.change("acme",
		rbac.Event{Kind: rbac.RoleUpdated, RoleBefore: &edited, RoleAfter: &edited},
		rbac.Event{Kind: rbac.RoleCreated, RoleAfter: &made},
	)
	require.Equal(t, []rbac.RoleID{support.ID}, roleNamed(t, w, "Lead of a team").Assigns)
	require.Empty(t, roleNamed(t, w, "Old").Assigns)
	reach("bob", "max")
	require.NoError(t, w.As("max").Assign(ctx, support.ID, "new"), "the list gives what it gave")
	require.Error(t, w.As("max").Assign(ctx, "old", "new"))
	old.change("acme", rbac.Event{Kind: rbac.RoleDeleted, RoleBefore: &made})
	reach("bob", "max")

	members, newest := len(texts(t, old.db, `SELECT user FROM rbac_members WHERE workspace = 'acme'`)), events(t, w)
	for _, c := range []struct {
		rows      int
		statement string
		args      []any
	}{
		{2, selectRevisions1 + `(?,?)`, []any{"acme", ""}},
		{4, selectRoles1, []any{"acme"}},
		{members, selectMembers1 + ` ORDER BY user LIMIT 1000`, []any{"acme"}},
		{4, selectHolders1 + ` AND role = ? ORDER BY user LIMIT 1000`, []any{"acme", "viewer"}},
		{newest, selectEvents1 + ` AND seq > ? ORDER BY seq DESC LIMIT 1000`, []any{"acme", 0}},
		{2, selectChanged1, []any{0, 1000, 10}},
	} {
		assert.Equal(t, c.rows, old.reads(c.statement, c.args...), c.statement)
	}
	for statement, want := range map[string]int{selectNewestEvent1: newest + 2, selectTables1: 1, selectVersion1: 3} {
		var got int
		require.NoError(t, old.db.QueryRow(statement).Scan(&got))
		require.Equal(t, want, got, statement)
	}
	integrity(t, path)
}
