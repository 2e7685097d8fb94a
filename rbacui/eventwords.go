package rbacui

import (
	"cmp"
	"html/template"
	"maps"
	"slices"

	"github.com/areagate/rbac"
)

// sayer says what events say: one function makes all sentences about them.
type sayer struct {
	*request
	known map[string]named
	roles map[rbac.RoleID]string // that are there now
	page  string                 // whose page it is: who is not set off there
}

// sayer returns what says some events, with the names of their people, asked for at
// once.
func (q *request) sayer(events ...rbac.Event) *sayer {
	s := &sayer{request: q, known: map[string]named{}}
	var users []string
	for _, e := range events {
		users = append(users, e.Actor)
		for _, m := range []*rbac.Member{e.MemberBefore, e.MemberAfter} {
			if m != nil {
				users = append(users, m.User)
			}
		}
	}
	slices.Sort(users)
	users = slices.DeleteFunc(slices.Compact(users), func(user string) bool { return user == "" })
	for _, p := range q.people(users...) {
		s.known[p.User] = p
	}
	return s
}

func (s *sayer) person(user string) template.HTML {
	p, ok := s.known[user]
	switch {
	case !ok:
		return strong(user)
	case user == s.page:
		return p.HTML()
	}
	return "<b>" + p.HTML() + "</b>"
}

// by is who made a change.
func (s *sayer) by(e rbac.Event) template.HTML {
	if e.Actor == "" {
		return "<b>" + s.th("The application") + "</b>"
	}
	return s.person(e.Actor)
}

// role is the name of a role, as it was then if that was recorded.
func (s *sayer) role(m *rbac.Member) template.HTML { return strong(s.called(m)) }

func (s *sayer) called(m *rbac.Member) string {
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

// sentence says what a change did. What was before is said of one person, not of
// several.
func (s *sayer) sentence(change ...record) template.HTML {
	e, alone := change[0].Event, len(change) == 1
	who, whom := s.by(e), s.whom(change)
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
	case after == nil && alone:
		return s.th("%s removed %s, before: %s.", who, whom, s.role(before))
	case after == nil:
		return s.th("%s removed %s.", who, whom)
	case before == nil:
		return s.th("%s admitted %s as %s.", who, whom, s.role(after))
	case before.User != after.User:
		return s.th("%s changed the id %s to %s.", who, bdi(before.User), strong(after.User))
	case before.Role != after.Role && alone:
		return s.th("%s gave %s the role %s, before: %s.", who, whom, s.role(after), bdi(s.called(before)))
	case before.Role != after.Role:
		return s.th("%s gave %s the role %s.", who, whom, s.role(after))
	case after.Suspended && !before.Suspended:
		return s.th("%s suspended %s.", who, whom)
	case before.Suspended && !after.Suspended:
		return s.th("%s reinstated %s.", who, whom)
	case before.Team != after.Team && after.Team == "":
		return s.th("%s took %s out of the team %s.", who, whom, strong(before.Team))
	case before.Team != after.Team && before.Team != "" && alone:
		return s.th("%s moved %s into the team %s, before: %s.", who, whom, strong(after.Team), bdi(before.Team))
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

// changedRight is a right that reaches further in one state of a role than in another.
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
