package pgstore

import (
	"fmt"
	"strings"

	"github.com/areagate/rbac"
)

// statements are the texts of all SQL that a Store runs, with the names of its
// schema. $1 is the workspace, except in revisions, settle and restore, and where all
// workspaces are asked for. The
// test of the indexes explains each of them.
//
// None compares a column with an array, or joins it with one freely: what the
// planner makes of that depends on how large it thinks the table is, and may
// look through the array for each row. An array is unnested, and each element
// finds its row in a subquery with a LIMIT, which cannot become a join.
type statements struct {
	settle     string // takes a lock_timeout only, and returns what restore takes
	restore    string
	workspaces string // the table
	revision   string
	lock       string
	create     string
	revisions  string
	clear      []string // in this order

	role       string
	roles      string
	putRole    string
	deleteRole string

	member       string
	table        string // of the members: see selectMembers
	holders      string
	putMembers   string
	deleteMember string

	log          string // the table of events: see selectEvents
	spanOfTimes  string
	insertEvents string
	moveRevision string

	notify  string // takes the workspace only
	channel string
}

const (
	selectMember = "SELECT user_id, role, suspended, team, updated_at FROM "
	selectEvent  = "SELECT seq, hash, document::text FROM "
)

// How long to wait for a lock where nobody has set a lock_timeout. The library
// tries again ten times, but not in the caller's transaction.
const (
	lockTimeout   = "5s"
	lockTimeoutTx = "50s"
)

// settings are those of a transaction before settle.
type settings struct{ lockTimeout, seqScan, bitmapScan string }

// begin returns a batch that begins with settle.
func (s *statements) begin(lockTimeout string, before *settings) (b batch) {
	b.query(func(scan scan) error {
		var set [3]string
		return scan(&before.lockTimeout, &before.seqScan, &before.bitmapScan, &set[0], &set[1], &set[2])
	}, s.settle, lockTimeout)
	return b
}

func newStatements(o options) statements {
	workspaces, roles, members, events := o.table("workspaces"), o.table("roles"), o.table("members"), o.table("events")
	const roleColumns = "id, name, description, permissions::text, assigns, version, created_at, updated_at"
	return statements{
		// A plan without an index may be cached while a table is small, and
		// outlive that; so may one that finds all rows of a key to sort them,
		// where the index has them in order. A lock_timeout that somebody has
		// set is kept.
		settle: "SELECT current_setting('lock_timeout'), current_setting('enable_seqscan'), current_setting('enable_bitmapscan')," +
			" set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)," +
			" set_config('lock_timeout', CASE current_setting('lock_timeout') WHEN '0' THEN $1 ELSE current_setting('lock_timeout') END, true)",
		restore: "SELECT set_config('lock_timeout', $1, true), set_config('enable_seqscan', $2, true), set_config('enable_bitmapscan', $3, true)",

		workspaces: workspaces,
		revision:   "SELECT revision, hash FROM " + workspaces + " WHERE id = $1",
		lock:       "SELECT revision, hash FROM " + workspaces + " WHERE id = $1 FOR UPDATE",
		create:     "INSERT INTO " + workspaces + " (id) VALUES ($1) ON CONFLICT DO NOTHING",
		revisions: "SELECT w.* FROM unnest($1::text[]) AS u (id)" +
			" CROSS JOIN LATERAL (SELECT id, revision, hash FROM " + workspaces + " WHERE id = u.id LIMIT 1) AS w",

		clear: []string{
			"DELETE FROM " + roles + " WHERE workspace = $1",
			"DELETE FROM " + members + " WHERE workspace = $1",
			"DELETE FROM " + events + " WHERE workspace = $1",
			"DELETE FROM " + workspaces + " WHERE id = $1",
		},

		role:  "SELECT " + roleColumns + " FROM " + roles + " WHERE workspace = $1 AND id = $2",
		roles: "SELECT " + roleColumns + " FROM " + roles + " WHERE workspace = $1 AND id > $2 ORDER BY id LIMIT $3",
		putRole: "INSERT INTO " + roles + " (workspace, id, name, description, permissions, assigns, version, created_at, updated_at)" +
			" VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8, $9)" +
			" ON CONFLICT (workspace, id) DO UPDATE SET name = EXCLUDED.name, description = EXCLUDED.description," +
			" permissions = EXCLUDED.permissions, assigns = EXCLUDED.assigns, version = EXCLUDED.version," +
			" created_at = EXCLUDED.created_at, updated_at = EXCLUDED.updated_at",
		deleteRole: "DELETE FROM " + roles + " WHERE workspace = $1 AND id = $2",

		member:  selectMember + members + " WHERE workspace = $1 AND user_id = $2",
		table:   members,
		holders: "SELECT role, count(*) FROM " + members + " WHERE workspace = $1 GROUP BY role",
		putMembers: "INSERT INTO " + members + " (workspace, user_id, role, suspended, team, updated_at)" +
			" SELECT $1, m.* FROM unnest($2::text[], $3::text[], $4::boolean[], $5::text[], $6::timestamptz[]) AS m" +
			" ON CONFLICT (workspace, user_id) DO UPDATE SET role = EXCLUDED.role," +
			" suspended = EXCLUDED.suspended, team = EXCLUDED.team, updated_at = EXCLUDED.updated_at",
		deleteMember: "DELETE FROM " + members + " WHERE workspace = $1 AND user_id = $2",

		log: events,
		// The first and the last of the blocks with an event of these times.
		spanOfTimes: "SELECT min(b.block), max(b.block) FROM generate_series($2::bigint / 1024," +
			" (SELECT seq FROM " + events + " WHERE workspace = $1 AND seq <= $3 ORDER BY seq DESC LIMIT 1) / 1024) AS b (block)" +
			" CROSS JOIN LATERAL (SELECT FROM " + events + " WHERE ARRAY[workspace, " + blockOf + "::text] = ARRAY[$1::text, b.block::text]" +
			" AND " + eventTime + " >= $4 AND " + eventTime + " < $5 LIMIT 1) AS e",
		insertEvents: "INSERT INTO " + events + " (workspace, seq, hash, document)" +
			" SELECT $1, e.seq, e.hash, e.document::jsonb FROM unnest($2::bigint[], $3::bytea[], $4::text[]) AS e (seq, hash, document)",
		moveRevision: "UPDATE " + workspaces + " SET revision = $2, hash = $3 WHERE id = $1",

		// PostgreSQL sends it at the commit, and equal ones of a transaction once.
		notify:  "SELECT pg_notify($1, $2)",
		channel: o.channel(),
	}
}

// selectWorkspaces returns the statement for a page of workspaces, and the
// arguments. Those of a user are found as holders are: see selectMembers.
func (s *statements) selectWorkspaces(q rbac.WorkspaceQuery) (string, []any) {
	const mostRows = 100
	limit := q.Limit
	if limit < 1 || limit > mostRows {
		limit = mostRows
	}
	behind, after := ">=", ""
	if q.After != nil {
		behind, after = ">", *q.After
	}
	if q.User == "" {
		return "SELECT id FROM " + s.workspaces + " WHERE id " + behind + " $1 AND revision > 0 ORDER BY id LIMIT $2", []any{after, limit}
	}
	return "SELECT workspace FROM " + s.table + " WHERE (user_id, workspace) " + behind + " ($1, $2) AND user_id <= $1" +
		" ORDER BY user_id, workspace LIMIT $3", []any{q.User, after, limit}
}

// selectMembers returns the statement for a query, whose arguments follow the
// workspace, and the arguments. Conditions are in the text, rather than
// switched by arguments, so that the planner can choose the index of each.
func (s *statements) selectMembers(workspace string, q rbac.MemberQuery) (string, []any) {
	args := []any{workspace}
	var b strings.Builder
	where := func(condition string, arg any) {
		args = append(args, arg)
		fmt.Fprintf(&b, condition, len(args))
	}
	if q.Users != nil {
		where("SELECT m.* FROM unnest($%d::text[]) AS u (id) CROSS JOIN LATERAL (", q.Users)
	}
	b.WriteString(selectMember + s.table)
	order, after, role := " ORDER BY user_id", q.After != "", q.Role != ""
	switch {
	case q.Users != nil:
		b.WriteString(" WHERE workspace = $1 AND user_id = u.id")
		if q.Team != "" {
			where(" AND team = $%d", q.Team)
		}
	case q.Team != "":
		where(" WHERE ARRAY[workspace, team] = ARRAY[$1::text, $%d::text] AND team <> ''", q.Team)
	case role:
		// As good as role = $2 AND user_id > $3, but in the order of one index
		// only: the planner would walk through all members for a role that it
		// takes for the role of most.
		args = append(args, string(q.Role), q.After)
		b.WriteString(" WHERE workspace = $1 AND (role, user_id) > ($2, $3) AND role <= $2")
		order, after, role = " ORDER BY role, user_id", false, false
	default:
		b.WriteString(" WHERE workspace = $1")
	}
	if after {
		where(" AND user_id > $%d", q.After)
	}
	if role {
		where(" AND role = $%d", string(q.Role))
	}
	switch q.State {
	case rbac.ActiveOnly:
		b.WriteString(" AND NOT suspended")
	case rbac.SuspendedOnly:
		b.WriteString(" AND suspended")
	}
	if q.Users != nil {
		b.WriteString(" LIMIT 1) AS m")
	}
	b.WriteString(order)
	if q.Limit > 0 {
		where(" LIMIT $%d", q.Limit)
	}
	return b.String(), args
}
