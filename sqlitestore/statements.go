package sqlitestore

import (
	"strconv"
	"strings"

	"github.com/areagate/rbac"
)

// The texts of all SQL on the tables. The first ? is the workspace, except
// where there is none.
const (
	selectRevision   = `SELECT revision, hash FROM rbac_workspaces WHERE id = ?`
	selectRevisions  = `SELECT id, revision, hash FROM rbac_workspaces WHERE id IN ` // and a list
	selectWorkspaces = `SELECT id FROM rbac_workspaces WHERE revision > 0`
	selectOfUser     = `SELECT workspace FROM rbac_members INDEXED BY rbac_members_user WHERE user = ?`
	createWorkspace  = `INSERT INTO rbac_workspaces (id, revision, hash) VALUES (?, 0, zeroblob(32)) ON CONFLICT DO NOTHING`
	moveRevision     = `UPDATE rbac_workspaces SET revision = ?2, hash = ?3 WHERE id = ?1`

	selectRoles = `SELECT id, name, description, permissions, assigns, version, created_at, updated_at FROM rbac_roles WHERE workspace = ?`
	putRole     = `INSERT INTO rbac_roles (workspace, id, name, description, permissions, assigns, version, created_at, updated_at)` +
		` VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)` +
		` ON CONFLICT DO UPDATE SET name = excluded.name, description = excluded.description, permissions = excluded.permissions,` +
		` assigns = excluded.assigns, version = excluded.version, created_at = excluded.created_at, updated_at = excluded.updated_at`
	deleteRole = `DELETE FROM rbac_roles WHERE workspace = ? AND id = ?`

	selectMembers = `SELECT user, role, team, suspended, updated_at FROM rbac_members WHERE workspace = ?`
	selectHolders = `SELECT user, role, team, suspended, updated_at FROM rbac_members INDEXED BY rbac_members_role WHERE workspace = ?`
	selectTeam    = `SELECT user, role, team, suspended, updated_at FROM rbac_members INDEXED BY rbac_members_team WHERE workspace = ?`
	insertMembers = `INSERT INTO rbac_members (workspace, user, role, team, suspended, updated_at) VALUES ` // and lists
	orReplace     = ` ON CONFLICT DO UPDATE SET role = excluded.role, team = excluded.team, suspended = excluded.suspended,` +
		` updated_at = excluded.updated_at`
	countHolders  = `SELECT role, count(*) FROM rbac_members INDEXED BY rbac_members_role WHERE workspace = ? GROUP BY role`
	deleteMembers = `DELETE FROM rbac_members WHERE workspace = ? AND user IN ` // and a list

	selectEvents  = `SELECT seq, body, hash FROM rbac_events WHERE workspace = ?`
	selectNumbers = `SELECT seq FROM rbac_events INDEXED BY ` // and an index
	selectSpan    = `SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM rbac_events INDEXED BY rbac_events_time WHERE workspace = ?`
	insertEvents  = `INSERT INTO rbac_events (workspace, seq, body, hash) VALUES ` // and lists

	// Of all workspaces.
	selectNewest  = `SELECT (SELECT coalesce(max(id), 0) FROM rbac_events), (SELECT times FROM rbac_cleared)`
	countClear    = `UPDATE rbac_cleared SET times = times + 1`
	selectChanged = `SELECT DISTINCT workspace FROM rbac_events WHERE id > ? AND id <= ? LIMIT ?`

	// Any read takes a snapshot, and any write the lock of the writers.
	takeSnapshot = `SELECT 1 FROM rbac_workspaces LIMIT 1`
	takeLock     = `DELETE FROM rbac_workspaces WHERE false`

	selectTables  = `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'rbac_schema'`
	selectVersion = `SELECT coalesce(max(version), 0) FROM rbac_schema`
)

// clearWorkspace deletes a workspace, in this order.
var clearWorkspace = []string{
	`DELETE FROM rbac_roles WHERE workspace = ?`,
	`DELETE FROM rbac_members WHERE workspace = ?`,
	`DELETE FROM rbac_events WHERE workspace = ?`,
	`DELETE FROM rbac_workspaces WHERE id = ?`,
}

// batch is how many values one statement takes. The driver's time to bind
// them grows with their square.
const batch = 256

// list returns "(?,?,?)".
func list(n int) string {
	return "(" + strings.TrimSuffix(strings.Repeat("?,", n), ",") + ")"
}

func values[V any](all []V) []any {
	args := make([]any, len(all))
	for i, v := range all {
		args[i] = v
	}
	return args
}

// selection is a SELECT in the making.
type selection struct {
	text string
	args []any
}

func (r *reader) selection(text string) *selection {
	return &selection{text, []any{r.workspace}}
}

func (s *selection) and(condition string, args ...any) {
	s.text += ` AND ` + condition
	s.args = append(s.args, args...)
}

func (s *selection) ordered(by string, limit int) *selection {
	return &selection{s.text + ` ORDER BY ` + by + ` LIMIT ` + strconv.Itoa(limit), s.args}
}

// workspacesOf returns the statement of a query.
func workspacesOf(q rbac.WorkspaceQuery) *selection {
	const mostRows = 100
	limit := q.Limit
	if limit < 1 || limit > mostRows {
		limit = mostRows
	}
	behind, after := ` >= ?`, ""
	if q.After != nil {
		behind, after = ` > ?`, *q.After
	}
	s, id := &selection{text: selectWorkspaces}, `id`
	if q.User != "" {
		s, id = &selection{selectOfUser, []any{q.User}}, `workspace`
	}
	s.and(id+behind, after)
	return s.ordered(id, limit)
}

func (r *reader) selectMembers(q rbac.MemberQuery, after string) *selection {
	s := r.selection(selectMembers)
	// SQLite would search all members in order for the few who are selected.
	switch {
	case q.Users != nil:
	case q.Team != "":
		s = r.selection(selectTeam)
	case q.Role != "":
		s = r.selection(selectHolders)
	}
	if q.Role != "" {
		s.and(`role = ?`, string(q.Role))
	}
	if q.Team != "" {
		s.and(`team = ? AND team <> ''`, q.Team) // the index has no members without a team
	}
	switch q.State {
	case rbac.ActiveOnly:
		s.and(`suspended = 0`)
	case rbac.SuspendedOnly:
		s.and(`suspended <> 0`)
	}
	if after != "" {
		s.and(`user > ?`, after)
	}
	return s
}
