package rbacui

import (
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strconv"

	"github.com/areagate/rbac"
)

// conflictData is what is shown when somebody else saved a role meanwhile.
type conflictData struct {
	title
	Role      rbac.Role // as it is stored
	Base      int64     // the version that was edited
	Known     bool      // that version was found
	Lead      template.HTML
	Theirs    template.HTML // who
	Groups    []mergeGroup
	Hidden    []hidden // what was chosen
	Same      int
	Undecided bool // a row was left without a decision
	Action    string
}

type mergeGroup struct {
	Label template.HTML
	Clash bool
	Rows  []mergeRow
}

type hidden struct{ Name, Value string }

// mergeRow is a part of a role of which there are three states.
type mergeRow struct {
	Key                  string // of the field that says which to keep
	Label                template.HTML
	Before, Theirs, Mine template.HTML
	Keep                 string // "theirs", "mine" or nothing yet
	ByThem, ByMe         bool   // who changed it
}

func (r mergeRow) clash() bool { return r.ByThem && r.ByMe }

// mostVersions bounds how far back the version is looked for that somebody edited.
const mostVersions = 200

// version returns a role as it was in a version, and false if it cannot be found.
func (q *request) version(stored rbac.Role, version int64) (base rbac.Role, last rbac.Event, found bool, err error) {
	behind := stored.Version - version
	if behind < 1 || behind > mostVersions {
		return rbac.Role{}, last, false, nil
	}
	query := rbac.EventQuery{Role: stored.ID, Newest: true, Limit: int(behind), Kinds: []rbac.EventKind{rbac.RoleUpdated}}
	for e, err := range q.workspace.Events(q.ctx, query) {
		if errors.Is(err, rbac.ErrMalformed) {
			return rbac.Role{}, last, false, nil
		}
		if err != nil {
			return rbac.Role{}, last, false, err
		}
		if last.Seq == 0 {
			last = e
		}
		if e.RoleBefore != nil && e.RoleBefore.Version == version {
			base = *e.RoleBefore
			base.Permissions = q.shown(base.Permissions)
			return base, last, true, nil
		}
	}
	return rbac.Role{}, last, false, nil
}

// conflict shows the form again with both changes in it if no row was changed by
// both, and else the page on which one decides.
func (q *request) conflict(mine rbac.Role) error {
	fresh, roles, err := q.find(mine.ID)
	if errors.Is(err, rbac.ErrRoleNotFound) {
		return q.gone()
	}
	if err != nil {
		return err
	}
	base, last, known, err := q.version(fresh, mine.Version)
	if err != nil {
		return err
	}
	rows := q.mergeRows(base, fresh, mine, known, roles)
	if slices.ContainsFunc(rows, mergeRow.clash) {
		return q.showConflict(base, fresh, mine, last, known, rows, false)
	}
	return q.merged(fresh, mine, roles, rows)
}

// merge answers the page on which one decides.
func (q *request) merge(stored rbac.Role, roles []rbac.Role) error {
	version, err := strconv.ParseInt(q.posted("merge"), 10, 64)
	if err != nil {
		version = 0
	}
	base, last, known, err := q.version(stored, version)
	if err != nil {
		return err
	}
	mine := q.draft(stored)
	seen := mine.Version == stored.Version // what is stored is what was decided about
	mine.Version = version
	rows := q.mergeRows(base, stored, mine, known, roles)
	open := false
	for i, row := range rows {
		if keep := q.posted("keep." + row.Key); seen && (keep == "theirs" || keep == "mine") {
			rows[i].Keep = keep
		}
		open = open || rows[i].Keep == "" && row.clash()
	}
	if open {
		return q.showConflict(base, stored, mine, last, known, rows, true)
	}
	return q.merged(stored, mine, roles, rows)
}

// merged shows the form with what was decided, and what saving would do.
func (q *request) merged(stored, mine rbac.Role, roles []rbac.Role, rows []mergeRow) error {
	draft := stored
	draft.Permissions = rbac.Permissions{}.Union(stored.Permissions)
	draft.Assigns = slices.Clone(stored.Assigns)
	for _, row := range rows {
		if row.Keep == "mine" {
			q.take(&draft, mine, row.Key)
		}
	}
	notice := q.th("Somebody else changed this role while you did. Their changes and yours are both in the form below. Nothing is saved yet: look at the plan first.")
	return q.showRole(stored, draft, roles, roleForm{Notice: notice})
}

// take puts one part of a role into another.
func (q *request) take(into *rbac.Role, from rbac.Role, key string) {
	switch key {
	case "name":
		into.Name = from.Name
		return
	case "description":
		into.Description = from.Description
		return
	}
	for _, info := range q.areas {
		for _, action := range actions(info) {
			if key == fieldName(info.Area, action) {
				into.Permissions[info.Area] = with(into.Permissions[info.Area], action, from.Permissions.Scope(info.Area, action))
				return
			}
		}
	}
	id := rbac.RoleID(key[len("assign."):])
	into.Assigns = slices.DeleteFunc(into.Assigns, func(other rbac.RoleID) bool { return other == id })
	if slices.Contains(from.Assigns, id) {
		into.Assigns = append(into.Assigns, id)
		slices.Sort(into.Assigns)
	}
}

// mergeRows compares three states of a role. Without the first, whatever differs is
// for somebody to decide.
func (q *request) mergeRows(base, theirs, mine rbac.Role, known bool, roles []rbac.Role) []mergeRow {
	var rows []mergeRow
	add := func(key string, label template.HTML, before, their, my string, show func(string) template.HTML) {
		row := mergeRow{Key: key, Label: label, ByThem: !known || before != their, ByMe: !known || before != my}
		if their == my || !row.ByThem && !row.ByMe {
			return
		}
		row.Before, row.Theirs, row.Mine = show(before), show(their), show(my)
		switch {
		case row.clash():
		case row.ByMe:
			row.Keep = "mine"
		default:
			row.Keep = "theirs"
		}
		rows = append(rows, row)
	}
	text := func(s string) template.HTML {
		if s == "" {
			return muted(q.t("empty"))
		}
		return bdi(s)
	}
	add("name", q.th("Name"), base.Name, theirs.Name, mine.Name, text)
	add("description", q.th("Description"), base.Description, theirs.Description, mine.Description, text)
	for _, info := range q.areas {
		for _, action := range actions(info) {
			word := func(r rbac.Role) string { return r.Permissions.Scope(info.Area, action).String() }
			add(fieldName(info.Area, action), bdi(q.right(info.Label, action)), word(base), word(theirs), word(mine), q.scopeChip)
		}
	}
	var ids []rbac.RoleID
	for _, r := range []rbac.Role{base, theirs, mine} {
		ids = append(ids, r.Assigns...)
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		word := func(r rbac.Role) string {
			if slices.Contains(r.Assigns, id) {
				return q.t("yes")
			}
			return q.t("no")
		}
		add("assign."+string(id), q.th("May assign: %s", bdi(q.roleNames([]rbac.RoleID{id}, roles)[0])), word(base), word(theirs), word(mine), text)
	}
	return rows
}

func (q *request) scopeChip(value string) template.HTML {
	var s rbac.Scope
	if s.UnmarshalText([]byte(value)) != nil {
		return ""
	}
	return q.scopeHTML(s)
}

func (q *request) showConflict(base, stored, mine rbac.Role, last rbac.Event, known bool, rows []mergeRow, undecided bool) error {
	who := q.th("Somebody")
	if last.Actor != "" && q.mayAudit() {
		who = q.people(last.Actor)[0].HTML()
	}
	d := conflictData{
		title: title{Title: q.t("Two edits of %s", visible(stored.Name)), State: q.t("Not saved")}, Role: stored, Base: mine.Version, Known: known,
		Theirs: who, Undecided: undecided, Action: link("role", "id", string(stored.ID)),
	}
	d.Lead = q.th("%s saved this role on %s, while you had it open. Nothing of yours is stored yet, and nothing of yours is lost.", who, q.moment(stored.UpdatedAt))
	groups := []mergeGroup{
		{Label: q.th("Both changed, differently: decide"), Clash: true},
		{Label: q.th("Only %s changed", who)},
		{Label: q.th("Only you changed")},
	}
	if !known {
		groups[0].Label = q.th("These differ: decide")
	}
	for _, row := range rows {
		switch {
		case row.clash():
			groups[0].Rows = append(groups[0].Rows, row)
		case row.ByThem:
			groups[1].Rows = append(groups[1].Rows, row)
		default:
			groups[2].Rows = append(groups[2].Rows, row)
		}
	}
	for _, group := range groups {
		if len(group.Rows) > 0 {
			d.Groups = append(d.Groups, group)
		}
	}
	d.Hidden = []hidden{{"name", mine.Name}, {"description", mine.Description}, {"assigns", "1"}}
	total := 2
	for _, info := range q.areas {
		for _, action := range actions(info) {
			d.Hidden = append(d.Hidden, hidden{fieldName(info.Area, action), mine.Permissions.Scope(info.Area, action).String()})
			total++
		}
	}
	for _, id := range mine.Assigns {
		d.Hidden = append(d.Hidden, hidden{"assign", string(id)})
	}
	d.Same = max(total-len(rows), 0)
	q.status = http.StatusConflict
	return q.render("conflict.html", "layout", d, nil)
}
