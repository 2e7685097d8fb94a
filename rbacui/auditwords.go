package rbacui

import (
	"cmp"
	"encoding/hex"
	"html/template"
	"slices"
	"strconv"
	"time"

	"github.com/areagate/rbac"
)

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
	l.Actor, l.Say = s.known[e.Actor], s.sentence(change...)
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
	if user := about(e); user != "" && len(change) == 1 && usersRead(s.request) == nil && e.MemberAfter != nil {
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
	if usersRead(s.request) != nil {
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
	add(s.th("Role"), func(m *rbac.Member) template.HTML { return bdi(s.called(m)) })
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
	state := bdi(s.called(m))
	if m.Team != "" {
		state = s.th("%s, team %s", state, bdi(m.Team))
	}
	if m.Suspended {
		state = s.th("%s, suspended", state)
	}
	return state
}
