package pgstore

import (
	"fmt"
	"strings"

	"github.com/areagate/rbac"
)

// statements are the texts of all SQL that a Store runs, with the names of its
// schema. $1 is the workspace, except in revisions. The test of the indexes
// explains each of them.
type statements struct {
	workspaces string // the table

	revision  string
	lock      string
	create    string
	revisions string

	role       string
	roles      string
	putRole    string
	deleteRole string

	member        string
	members       string // without the end: see membersWhere
	putMembers    string
	deleteMembers string

	events       string
	newestEvents string
	insertEvents string
	moveRevision string

	notify  string // takes the workspace only
	channel string
}

func newStatements(o options) statements {
	workspaces, roles, members, events := o.table("workspaces"), o.table("roles"), o.table("members"), o.table("events")
	const roleColumns = "id, name, description, permissions::text, version, created_at, updated_at"
	return statements{
		workspaces: workspaces,

		revision:  "SELECT revision, hash FROM " + workspaces + " WHERE id = $1",
		lock:      "SELECT revision, hash FROM " + workspaces + " WHERE id = $1 FOR UPDATE",
		create:    "INSERT INTO " + workspaces + " (id) VALUES ($1) ON CONFLICT DO NOTHING",
		revisions: "SELECT id, revision, hash FROM " + workspaces + " WHERE id = ANY($1::text[])",

		role:  "SELECT " + roleColumns + " FROM " + roles + " WHERE workspace = $1 AND id = $2",
		roles: "SELECT " + roleColumns + " FROM " + roles + " WHERE workspace = $1 AND id > $2 ORDER BY id LIMIT $3",
		putRole: "INSERT INTO " + roles + " (workspace, id, name, description, permissions, version, created_at, updated_at)" +
			" VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8)" +
			" ON CONFLICT (workspace, id) DO UPDATE SET name = EXCLUDED.name, description = EXCLUDED.description," +
			" permissions = EXCLUDED.permissions, version = EXCLUDED.version," +
			" created_at = EXCLUDED.created_at, updated_at = EXCLUDED.updated_at",
		deleteRole: "DELETE FROM " + roles + " WHERE workspace = $1 AND id = $2",

		member:  "SELECT user_id, role, suspended, updated_at FROM " + members + " WHERE workspace = $1 AND user_id = $2",
		members: "SELECT user_id, role, suspended, updated_at FROM " + members + " WHERE workspace = $1",
		putMembers: "INSERT INTO " + members + " (workspace, user_id, role, suspended, updated_at)" +
			" SELECT $1, m.* FROM unnest($2::text[], $3::text[], $4::boolean[], $5::timestamptz[]) AS m" +
			" ON CONFLICT (workspace, user_id) DO UPDATE SET role = EXCLUDED.role," +
			" suspended = EXCLUDED.suspended, updated_at = EXCLUDED.updated_at",
		deleteMembers: "DELETE FROM " + members + " WHERE workspace = $1 AND user_id = ANY($2::text[])",

		events:       "SELECT seq, hash, document::text FROM " + events + " WHERE workspace = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4",
		newestEvents: "SELECT seq, hash, document::text FROM " + events + " WHERE workspace = $1 AND seq > $2 AND seq <= $3 ORDER BY seq DESC LIMIT $4",
		insertEvents: "INSERT INTO " + events + " (workspace, seq, hash, document)" +
			" SELECT $1, e.seq, e.hash, e.document::jsonb FROM unnest($2::bigint[], $3::bytea[], $4::text[]) AS e (seq, hash, document)",
		moveRevision: "UPDATE " + workspaces + " SET revision = $2, hash = $3 WHERE id = $1",

		// PostgreSQL sends it at the commit, and equal ones of a transaction once.
		notify:  "SELECT pg_notify($1, $2)",
		channel: o.channel(),
	}
}

// selectMembers returns the statement for a query, whose arguments follow the
// workspace, and the arguments. Conditions are in the text, rather than
// switched by arguments, so that the planner can choose the index of each.
func (s *statements) selectMembers(workspace string, q rbac.MemberQuery) (string, []any) {
	args := []any{workspace}
	var b strings.Builder
	b.WriteString(s.members)
	where := func(condition string, arg any) {
		args = append(args, arg)
		fmt.Fprintf(&b, condition, len(args))
	}
	if q.Users != nil {
		where(" AND user_id = ANY($%d::text[])", q.Users)
	}
	if q.After != "" {
		where(" AND user_id > $%d", q.After)
	}
	if q.Role != "" {
		where(" AND role = $%d", string(q.Role))
	}
	switch q.State {
	case rbac.ActiveOnly:
		b.WriteString(" AND NOT suspended")
	case rbac.SuspendedOnly:
		b.WriteString(" AND suspended")
	}
	b.WriteString(" ORDER BY user_id")
	if q.Limit > 0 {
		where(" LIMIT $%d", q.Limit)
	}
	return b.String(), args
}
