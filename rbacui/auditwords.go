package rbacui

import (
	"cmp"
	"encoding/hex"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/areagate/rbac"
)

// sayer says what events say.
type sayer struct {
	*request
	known   map[string]named
	roles   map[rbac.RoleID]string // that are there now
	mayOpen bool                   // the pages of roles and members
}

func (s *sayer) person(user string) template.HTML {
	p, ok := s.known[user]
	if !ok {
		return strong(user)
	}
	return template.HTML("<b>" + string(p.HTML()) + "</b>")
}

// role is the name of a role, as it was then if that was recorded.
func (s *sayer) role(m *rbac.Member) template.HTML { return strong(s.roleName(m)) }

func (s *sayer) roleName(m *rbac.Member) string {
	return cmp.Or(m.RoleName, s.roles[m.Role], string(m.Role))
}

// whom are the people of a change in its sentence.
func (s *sayer) whom(change []record) template.HTML {
	first := s.person(about(change[0].Event))
	switch n := len(change); n {
	case 1:
		return first
	case 2:
		return s.th("%s and %s", first, s.person(about(change[1].Event)))
	default:
		return s.th("%s and %s others", first, n-1)
	}
}

// line says one change.
func (s *sayer) line(change []record) auditLine {
	newest, oldest := change[0], change[len(change)-1]
	l := auditLine{
		ID: "e-" + strconv.FormatInt(newest.Seq, 10), At: newest.Time, Program: newest.Actor == "",
		Numbers: s.t("no. %s", newest.Seq),
	}
	if len(change) > 1 {
		l.Numbers = s.t("no. %s–%s", oldest.Seq, newest.Seq)
	}
	if newest.unreadable {
		l.Program = true
		l.Say = s.th("What stands at this number cannot be read. Whoever runs the application can look at its row.")
		return l
	}
	e := newest.Event
	who := s.th("The application")
	if !l.Program {
		l.Actor, who = s.known[e.Actor], s.person(e.Actor)
	} else {
		who = template.HTML("<b>" + string(who) + "</b>")
	}
	l.Say = s.sentence(who, change)
	if e.Reason != "" {
		l.Say = s.th("%s Reason: “%s”.", l.Say, bdi(e.Reason))
	}
	switch {
	case e.RoleBefore != nil || e.RoleAfter != nil:
		l.Rows = s.roleRows(e.RoleBefore, e.RoleAfter)
		s.restore(&l, e)
	case len(change) == 1:
		l.Rows = s.memberRows(e.MemberBefore, e.MemberAfter)
	default:
		l.People = true
		for _, r := range change[:min(len(change), mostInLine)] {
			before, after := s.state(r.MemberBefore), s.state(r.MemberAfter)
			l.Rows = append(l.Rows, auditRow{s.person(about(r.Event)), before, after})
		}
		l.Rest = len(change) - len(l.Rows)
	}
	if user := about(e); user != "" && len(change) == 1 && s.mayOpen && e.MemberAfter != nil {
		l.Open, l.Label = link("member", "user", user), s.t("Open the member")
	}
	l.Facts = s.facts(e)
	return l
}

// facts are what machines and auditors want to know of an event.
func (s *sayer) facts(e rbac.Event) []fact {
	facts := []fact{
		{s.t("Kind"), string(e.Kind)}, {s.t("Time"), e.Time.UTC().Format(time.RFC3339Nano)},
		{s.t("Changed by"), e.Actor}, {s.t("Through"), e.Via}, {s.t("Hash"), hex.EncodeToString(e.Hash[:])},
	}
	if e.Limited {
		facts = append(facts, fact{s.t("Rights"), s.t("of a key or session that may do less than the person")})
	}
	return slices.DeleteFunc(facts, func(f fact) bool { return f.Value == "" })
}

// restore leads to a form with what was before. It saves nothing.
func (s *sayer) restore(l *auditLine, e rbac.Event) {
	if !s.mayOpen {
		return
	}
	if e.RoleAfter != nil {
		if id := string(e.RoleAfter.ID); s.roles[e.RoleAfter.ID] != "" {
			l.Open, l.Label = link("role", "id", id), s.t("Open the role")
			if e.RoleBefore != nil && s.manages() {
				l.Restore = link("role", "id", id, "restore", strconv.FormatInt(e.Seq, 10))
				l.Hint = s.th("Opens the role with these choices. You see the plan before anything is saved.")
			}
		}
		return
	}
	if s.manages() {
		l.Restore = link("role-new", "restore", strconv.FormatInt(e.Seq, 10))
		l.Hint = s.th("Opens a new role with these choices. Nobody holds it until you assign it.")
	}
}

// sentence says what a change did.
func (s *sayer) sentence(who template.HTML, change []record) template.HTML {
	e, whom := change[0].Event, s.whom(change)
	before, after := e.MemberBefore, e.MemberAfter
	switch {
	case e.RoleAfter != nil && e.RoleBefore == nil:
		rights := s.n(len(s.changedRights(nil, e.RoleAfter)), "1 right", "%s rights")
		return s.th("%s created the role %s, with %s.", who, strong(e.RoleAfter.Name), rights)
	case e.RoleAfter == nil && e.RoleBefore != nil:
		return s.th("%s deleted the role %s.", who, strong(e.RoleBefore.Name))
	case e.RoleAfter != nil:
		return s.updated(who, e.RoleBefore, e.RoleAfter)
	case before == nil && after == nil:
		return s.th("%s made a change of the kind %s.", who, strong(string(e.Kind)))
	case after == nil:
		return s.th("%s removed %s.", who, whom)
	case before == nil:
		return s.th("%s admitted %s as %s.", who, whom, s.role(after))
	case before.User != after.User:
		return s.th("%s changed the id %s to %s.", who, strong(before.User), strong(after.User))
	case before.Role != after.Role:
		return s.th("%s gave %s the role %s.", who, whom, s.role(after))
	case after.Suspended && !before.Suspended:
		return s.th("%s suspended %s.", who, whom)
	case before.Suspended && !after.Suspended:
		return s.th("%s reinstated %s.", who, whom)
	case before.Team != after.Team && after.Team == "":
		return s.th("%s took %s out of the team %s.", who, whom, strong(before.Team))
	case before.Team != after.Team:
		return s.th("%s moved %s into the team %s.", who, whom, strong(after.Team))
	}
	return s.th("%s made a change of the kind %s.", who, strong(string(e.Kind)))
}

// updated says what was changed of a role.
func (s *sayer) updated(who template.HTML, before, after *rbac.Role) template.HTML {
	name := strong(after.Name)
	rights := len(s.changedRights(before, after))
	var what []string
	if before.Description != after.Description {
		what = append(what, s.t("its description"))
	}
	if !slices.Equal(before.Assigns, after.Assigns) {
		what = append(what, s.t("the roles it may assign"))
	}
	if rights > 0 {
		what = append(what, s.n(rights, "1 right", "%s rights"))
	}
	switch {
	case before.Name != after.Name && len(what) == 0:
		return s.th("%s renamed the role %s to %s.", who, strong(before.Name), name)
	case before.Name != after.Name:
		return s.th("%s renamed the role %s to %s, and changed %s.", who, strong(before.Name), name, s.list(what))
	case len(what) == 0:
		return s.th("%s saved the role %s.", who, name)
	}
	return s.th("%s changed the role %s: %s.", who, name, s.list(what))
}

// right is one right that a role has in one state and not in the other.
type changedRight struct {
	label         string
	before, after rbac.Scope
}

// changedRights returns how the stored rights of a role differ, by the catalogue and
// then by the names of areas that this program does not know.
func (u *ui) changedRights(before, after *rbac.Role) []changedRight {
	stored := func(r *rbac.Role) rbac.Permissions {
		if r == nil {
			return nil
		}
		return r.Permissions
	}
	was, is := stored(before), stored(after)
	var changed []changedRight
	add := func(area rbac.Area, label string) {
		for _, action := range []rbac.Action{rbac.Read, rbac.Manage} {
			if b, a := was[area].Scope(action), is[area].Scope(action); b != a {
				changed = append(changed, changedRight{u.right(label, action), b, a})
			}
		}
	}
	known := map[rbac.Area]bool{}
	for _, info := range u.areas {
		known[info.Area] = true
		add(info.Area, info.Label)
	}
	unknown := map[rbac.Area]bool{}
	for _, p := range []rbac.Permissions{was, is} {
		for area := range p {
			if !known[area] {
				unknown[area] = true
			}
		}
	}
	for _, area := range slices.Sorted(maps.Keys(unknown)) {
		add(area, string(area))
	}
	return changed
}

func (s *sayer) scopeHTML(scope rbac.Scope) template.HTML {
	v := s.scope(scope)
	return template.HTML(`<span class="scope" data-scope="` + v.Value + `">` + template.HTMLEscapeString(v.Word) + `</span>`)
}

func muted(text string) template.HTML {
	return template.HTML(`<span class="muted">` + template.HTMLEscapeString(text) + `</span>`)
}

// roleRows are what changed of a role, row by row.
func (s *sayer) roleRows(before, after *rbac.Role) []auditRow {
	var rows []auditRow
	text := func(what template.HTML, of func(*rbac.Role) string) {
		say := func(r *rbac.Role) template.HTML {
			switch {
			case r == nil && after == nil:
				return muted(s.t("gone"))
			case r == nil:
				return muted(s.t("not there"))
			case of(r) == "":
				return muted(s.t("empty"))
			}
			return bdi(of(r))
		}
		if before == nil && of(after) != "" || after == nil && of(before) != "" || before != nil && after != nil && of(before) != of(after) {
			rows = append(rows, auditRow{what, say(before), say(after)})
		}
	}
	text(s.th("Name"), func(r *rbac.Role) string { return r.Name })
	text(s.th("Description"), func(r *rbac.Role) string { return r.Description })
	for _, c := range s.changedRights(before, after) {
		rows = append(rows, auditRow{bdi(c.label), s.scopeHTML(c.before), s.scopeHTML(c.after)})
	}
	list := func(r *rbac.Role) []rbac.RoleID {
		if r == nil {
			return nil
		}
		return r.Assigns
	}
	yes, no := s.th("yes"), s.th("no")
	for _, id := range list(before) {
		if !slices.Contains(list(after), id) {
			rows = append(rows, auditRow{s.th("May assign: %s", bdi(cmp.Or(s.roles[id], string(id)))), yes, no})
		}
	}
	for _, id := range list(after) {
		if !slices.Contains(list(before), id) {
			rows = append(rows, auditRow{s.th("May assign: %s", bdi(cmp.Or(s.roles[id], string(id)))), no, yes})
		}
	}
	return rows
}

// memberRows are what changed of a member.
func (s *sayer) memberRows(before, after *rbac.Member) []auditRow {
	var rows []auditRow
	add := func(what template.HTML, of func(*rbac.Member) template.HTML) {
		say := func(m *rbac.Member) template.HTML {
			if m == nil {
				return muted(s.t("not a member"))
			}
			return of(m)
		}
		if b, a := say(before), say(after); b != a {
			rows = append(rows, auditRow{what, b, a})
		}
	}
	add(s.th("Id"), func(m *rbac.Member) template.HTML { return bdi(m.User) })
	add(s.th("Role"), func(m *rbac.Member) template.HTML { return bdi(s.roleName(m)) })
	add(s.th("Team"), s.team)
	add(s.th("State"), s.suspended)
	if before == nil || after == nil { // who comes or goes has one row for each thing they have
		only := cmp.Or(before, after)
		rows = slices.DeleteFunc(rows, func(r auditRow) bool {
			return r.What == s.th("Id") || r.What == s.th("Team") && only.Team == "" || r.What == s.th("State") && !only.Suspended
		})
	}
	return rows
}

func (s *sayer) team(m *rbac.Member) template.HTML {
	if m.Team == "" {
		return muted(s.t("none"))
	}
	return bdi(m.Team)
}

func (s *sayer) suspended(m *rbac.Member) template.HTML {
	if m.Suspended {
		return s.th("Suspended")
	}
	return s.th("Active")
}

// state is all of a member in one cell.
func (s *sayer) state(m *rbac.Member) template.HTML {
	if m == nil {
		return muted(s.t("not a member"))
	}
	state := bdi(s.roleName(m))
	if m.Team != "" {
		state = s.th("%s, team %s", state, bdi(m.Team))
	}
	if m.Suspended {
		state = s.th("%s, suspended", state)
	}
	return state
}
