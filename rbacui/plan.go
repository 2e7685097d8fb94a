package rbacui

import (
	"html/template"
	"slices"

	"github.com/areagate/rbac"
)

// line is something that is gained or lost.
type line struct {
	What   template.HTML
	Change *scopeChange // nil where there is no scope
}

type scopeChange struct{ Before, After scopeView }

// lines are first what has scopes, then the roles of a list.
type lines []line

// Shown are the lines that a page has: of a long list the first roles.
func (l lines) Shown() lines { return l[:len(l)-l.Beyond()] }

// Beyond is how many roles of a list are not shown.
func (l lines) Beyond() int {
	listed := 0
	for _, line := range l {
		if line.Change == nil {
			listed++
		}
	}
	if listed <= mostRolesNamed+1 {
		return 0
	}
	return listed - mostRolesNamed
}

// difference is what comes and goes.
type difference struct{ Gains, Loses lines }

// Rows is how many rows differ.
func (d difference) Rows() int { return len(d.Gains) + len(d.Loses) }

// difference returns what permissions gain and lose, row by row, in the order of
// the catalogue.
func (u *ui) difference(before, after rbac.Permissions) difference {
	var d difference
	for _, info := range u.areas {
		for _, action := range actions(info) {
			was, is := before.Scope(info.Area, action), after.Scope(info.Area, action)
			if is == was {
				continue
			}
			l := line{bdi(u.right(info.Label, action)), &scopeChange{u.scope(was), u.scope(is)}}
			if is > was {
				d.Gains = append(d.Gains, l)
			} else {
				d.Loses = append(d.Loses, l)
			}
		}
	}
	return d
}

// lists adds what the list of roles to assign gains and loses.
func (d *difference) lists(u *ui, before, after []rbac.RoleID, roles []rbac.Role) {
	only := func(of, than []rbac.RoleID) (lines lines) {
		var ids []rbac.RoleID
		for _, id := range of {
			if !slices.Contains(than, id) {
				ids = append(ids, id)
			}
		}
		for _, name := range u.roleNames(ids, roles) {
			lines = append(lines, line{What: u.th("May assign: %s", bdi(name))})
		}
		return lines
	}
	d.Gains = append(d.Gains, only(after, before)...)
	d.Loses = append(d.Loses, only(before, after)...)
}

// holding is who holds a role.
type holding struct {
	Members   int
	Suspended int  // of them; at most mostSuspended
	Beyond    bool // more than mostSuspended are suspended
	Faces     []named
	Link      string // to them
}

// users are the first who hold it.
func (h holding) users() []string {
	var users []string
	for _, p := range h.Faces {
		users = append(users, p.User)
	}
	return users
}

const (
	mostFaces     = 3
	mostSuspended = 100
)

// holding finds out who holds a role, of which there are so many.
func (q *request) holding(role rbac.RoleID, members int) (holding, error) {
	h := holding{Members: members, Link: link("members", "role", string(role))}
	if members == 0 {
		return h, nil
	}
	var users []string
	for member, err := range q.workspace.Members(q.ctx, rbac.MemberQuery{Role: role, Limit: mostFaces}) {
		if err != nil {
			return h, err
		}
		users = append(users, member.User)
	}
	for _, err := range q.workspace.Members(q.ctx, rbac.MemberQuery{Role: role, State: rbac.SuspendedOnly, Limit: mostSuspended + 1}) {
		if err != nil {
			return h, err
		}
		h.Suspended++
	}
	if h.Suspended > mostSuspended {
		h.Suspended, h.Beyond = mostSuspended, true
	}
	h.Faces = q.people(users...)
	return h, nil
}
