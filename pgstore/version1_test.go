package pgstore_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// newVersion1 returns a database of version 1, restored from a dump.
func newVersion1(t testing.TB) *database {
	t.Helper()
	ctx, d := t.Context(), &database{TB: t, url: pgtest.URL(t), schema: pgtest.Schema(t)}
	d.pool = pgtest.Pool(t, d.url)
	dump, err := os.ReadFile("testdata/version1.sql")
	require.NoError(t, err)
	schema := pgx.Identifier{d.schema}.Sanitize()
	sql := strings.NewReplacer("CREATE SCHEMA rbac;", "CREATE SCHEMA "+schema+";", " rbac.", " "+schema+".").Replace(string(dump))
	conn, err := pgx.Connect(ctx, d.url)
	require.NoError(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	return d
}

// texts returns the rows of a query, as text.
func (d *database) texts(sql string) []string {
	d.Helper()
	rows, err := d.pool.Query(d.Context(), strings.ReplaceAll(sql, "rbac.", pgx.Identifier{d.schema}.Sanitize()+"."))
	require.NoError(d, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(d, err)
	return list
}

// TestMigrateFromVersion1 migrates a database that a program of version 1 wrote.
func TestMigrateFromVersion1(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newVersion1(t)
	var wrong *pgstore.SchemaError
	_, err := pgstore.New(ctx, d.pool, pgstore.WithSchema(d.schema))
	require.ErrorAs(t, err, &wrong)
	require.ErrorContains(t, err, "the tables have version 1, and this program needs version 3: run Migrate")

	rows := func() (all []string) {
		for _, sql := range []string{
			"SELECT (id, revision, hash)::text FROM rbac.workspaces ORDER BY id",
			"SELECT (workspace, id, name, description, permissions, version, created_at, updated_at)::text FROM rbac.roles ORDER BY workspace, id",
			"SELECT (workspace, user_id, role, suspended, updated_at)::text FROM rbac.members ORDER BY workspace, user_id",
			"SELECT (workspace, seq, hash, document)::text FROM rbac.events ORDER BY workspace, seq",
		} {
			all = append(all, d.texts(sql)...)
		}
		return all
	}
	before := rows()
	require.Len(t, before, 3+3*3+3*8+3*23)
	migrate(t, d.pool, d.schema)
	require.Equal(t, before, rows())

	store := d.Store()
	az := workspacetest.Open(t, store, rbac.WithTeams())
	for _, id := range []string{"", "acme", "Büro 東京"} {
		w := az.For(id)
		checkInvariants(t, store, id)
		require.True(t, w.Can(ctx, "bob", rbac.Contacts, rbac.Read))
		require.False(t, w.Can(ctx, "eve", rbac.Contacts, rbac.Read), "suspended")
		members := workspacetest.All(t, w.Members(ctx, rbac.MemberQuery{}))
		require.Len(t, members, 8)
		for _, m := range members {
			require.Empty(t, m.Team)
		}

		// The filters find the events that were there.
		all := workspacetest.Events(t, w, rbac.EventQuery{})
		kinds := map[rbac.EventKind]int{}
		for _, e := range all {
			require.Zero(t, e.Form)
			kinds[e.Kind]++
		}
		require.Len(t, kinds, 7, "all kinds of version 1")
		for kind, n := range kinds {
			require.Len(t, workspacetest.Events(t, w, rbac.EventQuery{Kinds: []rbac.EventKind{kind}}), n, kind)
		}
		require.Len(t, workspacetest.Events(t, w, rbac.EventQuery{User: "joe"}), 4)
		require.Len(t, workspacetest.Events(t, w, rbac.EventQuery{Actor: "lea"}), 3)
		lead := members[6].Role
		require.Len(t, workspacetest.Events(t, w, rbac.EventQuery{Role: lead}), 2)
		edited := workspacetest.Events(t, w, rbac.EventQuery{Kinds: []rbac.EventKind{rbac.RoleUpdated}})[0]
		require.Equal(t, all[:edited.Seq-1], workspacetest.Events(t, w, rbac.EventQuery{Until: edited.Time}))
		require.Equal(t, all[edited.Seq-1:], workspacetest.Events(t, w, rbac.EventQuery{Since: edited.Time}))

		// Changes go on.
		help, err := w.As("ann").CreateRole(ctx, rbac.Role{Name: "Help desk", Permissions: rbac.Permissions{}, Assigns: []rbac.RoleID{members[2].Role}})
		require.NoError(t, err)
		assign(t, w, help.ID, "hank")
		require.NoError(t, w.As("ann").SetTeam(ctx, "north", "bob", "eve"))
		require.NoError(t, w.As("hank").Assign(ctx, members[2].Role, "new"))
		require.NoError(t, w.As("ann").Remove(ctx, "eve"))
		require.Equal(t, all, workspacetest.Events(t, w, rbac.EventQuery{Before: all[len(all)-1].Seq + 1}))
		checkInvariants(t, store, id)
	}
}

// The statements of a program of version 1, as they are at commit 71393f5.
var version1 = map[string]string{
	"lock": "SELECT revision, hash FROM rbac.workspaces WHERE id = $1 FOR UPDATE",
	"role": "SELECT id, name, description, permissions::text, version, created_at, updated_at FROM rbac.roles WHERE workspace = $1 AND id = $2",
	"putRole": "INSERT INTO rbac.roles (workspace, id, name, description, permissions, version, created_at, updated_at)" +
		" VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8)" +
		" ON CONFLICT (workspace, id) DO UPDATE SET name = EXCLUDED.name, description = EXCLUDED.description," +
		" permissions = EXCLUDED.permissions, version = EXCLUDED.version," +
		" created_at = EXCLUDED.created_at, updated_at = EXCLUDED.updated_at",
	"deleteRole": "DELETE FROM rbac.roles WHERE workspace = $1 AND id = $2",
	"members": "SELECT m.* FROM unnest($2::text[]) AS u (id) CROSS JOIN LATERAL (SELECT user_id, role, suspended, updated_at FROM rbac.members" +
		" WHERE workspace = $1 AND user_id = u.id LIMIT 1) AS m ORDER BY user_id",
	"putMembers": "INSERT INTO rbac.members (workspace, user_id, role, suspended, updated_at)" +
		" SELECT $1, m.* FROM unnest($2::text[], $3::text[], $4::boolean[], $5::timestamptz[]) AS m" +
		" ON CONFLICT (workspace, user_id) DO UPDATE SET role = EXCLUDED.role," +
		" suspended = EXCLUDED.suspended, updated_at = EXCLUDED.updated_at",
	"deleteMember": "DELETE FROM rbac.members WHERE workspace = $1 AND user_id = $2",
	"newestEvents": "SELECT seq, hash, document::text FROM rbac.events WHERE workspace = $1 AND seq > $2 AND seq <= $3 ORDER BY seq DESC LIMIT $4",
	"insertEvents": "INSERT INTO rbac.events (workspace, seq, hash, document)" +
		" SELECT $1, e.seq, e.hash, e.document::jsonb FROM unnest($2::bigint[], $3::bytea[], $4::text[]) AS e (seq, hash, document)",
	"moveRevision": "UPDATE rbac.workspaces SET revision = $2, hash = $3 WHERE id = $1",
}

// old changes a workspace as a program of version 1 does: the rows of an event,
// and the event.
func (d *database) old(workspace string, events ...rbac.Event) {
	d.Helper()
	ctx := d.Context()
	require.NoError(d, pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		run := func(name string, args ...any) {
			d.Helper()
			sql := strings.ReplaceAll(version1[name], "rbac.", pgx.Identifier{d.schema}.Sanitize()+".")
			_, err := tx.Exec(ctx, sql, append([]any{workspace}, args...)...)
			require.NoError(d, err, name)
		}
		var at rbac.Revision
		var hash []byte
		sql := strings.ReplaceAll(version1["lock"], "rbac.", pgx.Identifier{d.schema}.Sanitize()+".")
		require.NoError(d, tx.QueryRow(ctx, sql, workspace).Scan(&at.Seq, &hash))
		copy(at.Hash[:], hash)
		var numbers []int64
		var hashes [][]byte
		var documents []string
		for _, e := range events {
			e.Seq, e.Time, e.Actor = at.Seq+1, time.Now().UTC().Truncate(time.Microsecond), "ann"
			switch {
			case e.RoleAfter != nil:
				r := e.RoleAfter
				run("role", string(r.ID))
				permissions, err := json.Marshal(r.Permissions)
				require.NoError(d, err)
				run("putRole", string(r.ID), r.Name, r.Description, string(permissions), r.Version, r.CreatedAt, r.UpdatedAt)
			case e.RoleBefore != nil:
				run("deleteRole", string(e.RoleBefore.ID))
			case e.MemberAfter != nil:
				m := e.MemberAfter
				run("members", []string{m.User})
				run("putMembers", []string{m.User}, []string{string(m.Role)}, []bool{m.Suspended}, []time.Time{e.Time})
			default:
				run("deleteMember", e.MemberBefore.User)
			}
			document, err := json.Marshal(e)
			require.NoError(d, err)
			e.Hash = workspacetest.Hash(d, workspace, at, e)
			at = e.Revision()
			numbers, hashes, documents = append(numbers, at.Seq), append(hashes, bytes.Clone(at.Hash[:])), append(documents, string(document))
		}
		run("insertEvents", numbers, hashes, documents)
		run("moveRevision", at.Seq, at.Hash[:])
		run("newestEvents", 0, at.Seq, 1)
		return nil
	}))
}

// TestProgramOfVersion1BesideThisOne lets a program of version 1, which goes on after the
// migration, change what it does not know: it keeps teams and lists, and says
// nothing of them in its events.
func TestProgramOfVersion1BesideThisOne(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	open := func() *rbac.Workspace {
		t.Helper()
		return workspacetest.Open(t, d.Store(), append(quiet(), rbac.WithTeams())...).For("w")
	}
	w := open()
	team := addRole(t, w, "Team", deals(rbac.Team))
	sales := addRole(t, w, "Sales", deals(rbac.Own))
	help, err := w.System("set-up").CreateRole(ctx, rbac.Role{Name: "Help desk", Permissions: rbac.Permissions{}, Assigns: []rbac.RoleID{sales.ID}})
	require.NoError(t, err)
	assign(t, w, rbac.Administrator, "ann")
	assign(t, w, team.ID, "tom")
	assign(t, w, sales.ID, "bob", "eve")
	assign(t, w, help.ID, "hank")
	require.NoError(t, w.System("set-up").SetTeam(ctx, "north", "tom", "bob", "eve"))
	require.Equal(t, []string{"bob", "eve", "tom"}, reach(t, w, "tom").Owners)

	member := func(user string, role rbac.RoleID, suspended bool) *rbac.Member {
		return &rbac.Member{User: user, Role: role, Suspended: suspended}
	}
	// stored checks what is stored of a member, and that an instance that has
	// followed the change, and one that loads, know it.
	stored := func(user, team string, owners ...string) {
		t.Helper()
		require.NoError(t, w.Sync(ctx))
		for _, w := range []*rbac.Workspace{w, open()} {
			found := workspacetest.All(t, w.Members(ctx, rbac.MemberQuery{Users: []string{user}}))
			require.Len(t, found, 1)
			require.Equal(t, team, found[0].Team)
			require.Equal(t, owners, reach(t, w, "tom").Owners)
		}
	}

	d.old("w", rbac.Event{Kind: rbac.MemberSuspended, MemberBefore: member("bob", sales.ID, false), MemberAfter: member("bob", sales.ID, true)})
	stored("bob", "north", "bob", "eve", "tom")
	d.old("w", rbac.Event{Kind: rbac.MemberAssigned, MemberBefore: member("eve", sales.ID, false), MemberAfter: member("eve", help.ID, false)})
	stored("eve", "north", "bob", "eve", "tom")
	d.old("w", rbac.Event{Kind: rbac.MemberAssigned, MemberAfter: member("new", sales.ID, false)})
	stored("new", "", "bob", "eve", "tom")
	d.old("w", // removed and added again, in two changes that arrive together
		rbac.Event{Kind: rbac.MemberRemoved, MemberBefore: member("eve", help.ID, false)},
		rbac.Event{Kind: rbac.MemberAssigned, MemberAfter: member("eve", sales.ID, false)})
	stored("eve", "", "bob", "tom")

	// An edit keeps the list, which the event does not have.
	before, after := help, help
	before.Assigns, after.Assigns = nil, nil
	after.Name, after.Version = "First line", 2
	d.old("w", rbac.Event{Kind: rbac.RoleUpdated, RoleBefore: &before, RoleAfter: &after})
	for _, w := range []*rbac.Workspace{w, open()} {
		require.NoError(t, w.Sync(ctx))
		roles, err := w.Roles(ctx)
		require.NoError(t, err)
		i := slices.IndexFunc(roles, func(r rbac.Role) bool { return r.ID == help.ID })
		require.Equal(t, "First line", roles[i].Name)
		require.Equal(t, []rbac.RoleID{sales.ID}, roles[i].Assigns)
	}
	require.NoError(t, w.As("hank").Assign(ctx, sales.ID, "newer"))

	// A program of version 1 deletes a role that is listed: its id gives nothing.
	for _, user := range []string{"bob", "eve", "new", "newer"} {
		assign(t, w, team.ID, user)
	}
	d.old("w", rbac.Event{Kind: rbac.RoleDeleted, RoleBefore: &sales})
	require.NoError(t, w.Sync(ctx))
	require.ErrorIs(t, w.As("hank").Assign(ctx, sales.ID, "last"), rbac.ErrDenied)

	require.NoError(t, w.VerifyEvents(ctx))
	forms := map[int64]int{}
	for _, e := range workspacetest.Events(t, w, rbac.EventQuery{}) {
		forms[e.Form]++
	}
	require.Equal(t, 7, forms[0])
	require.Positive(t, forms[2])
	require.Len(t, workspacetest.Events(t, w, rbac.EventQuery{User: "eve"}), 6, "of both forms")
	require.Len(t, workspacetest.Events(t, w, rbac.EventQuery{Role: help.ID, Newest: true}), 5)
}

func reach(t testing.TB, w *rbac.Workspace, user string) rbac.Reach {
	t.Helper()
	s, err := w.Subject(t.Context(), user)
	require.NoError(t, err)
	return s.Reach(rbac.Deals, rbac.Read)
}
