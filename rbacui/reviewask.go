package rbacui

import (
	"cmp"
	"errors"
	"html/template"
	"slices"
	"strings"

	"github.com/areagate/rbac"
)

const (
	mostWhoRoles     = 50 // that allow something
	holdersPerPage   = 25 // people who can do something
	mostPeopleListed = 10 // found by a name
)

// askForm is the two questions, as they were asked.
type askForm struct {
	Action rbac.Action
	Area   rbac.AreaInfo
	Areas  []rbac.AreaInfo
	Person string // what was written
}

// Manage reports whether managing is asked about.
func (a askForm) Manage() bool { return a.Action == rbac.Manage }

// Link is the address of the question, and of a place on its page.
func (a askForm) Link(place string, pairs ...string) string {
	return link("review", append([]string{"action", a.Action.String(), "area", string(a.Area.Area)}, pairs...)...) + place
}

func (q *request) askForm() askForm {
	a := askForm{Action: rbac.Read, Area: q.areas[0], Areas: q.areas, Person: strings.TrimSpace(q.value("person"))}
	if q.value("action") == rbac.Manage.String() {
		a.Action = rbac.Manage
	}
	for _, info := range q.areas {
		if string(info.Area) == q.value("area") {
			a.Area = info
		}
	}
	if only := a.Area.Only; only != 0 {
		a.Action = only
	}
	return a
}

// whoCan answers who can do something: the roles that allow it, and a page of the
// people who hold one.
type whoCan struct {
	Say    template.HTML
	Roles  []whoRole
	Rest   int // more roles
	People []whoPerson
	Next   string
	First  string // the first page, from another
}

type whoRole struct {
	Name, Link string
	Scope      scopeView
	Held       int
	far        rbac.Scope
}

type whoPerson struct {
	named
	Role  string
	Scope scopeView
}

// whoCan reads one page of people, by role and then by id: what it reads does not grow
// with the members.
func (q *request) whoCan(a askForm, m model) (*whoCan, error) {
	w := &whoCan{}
	fromRole, after := rbac.RoleID(q.value("from")), q.value("after")
	if fromRole != "" {
		w.First = a.Link("#who-can")
	}
	var ids []string
	var members []whoPerson
	started, total := fromRole == "", 0
	for _, role := range m.Roles {
		scope := role.Permissions.Scope(a.Area.Area, a.Action)
		if scope == rbac.None {
			continue
		}
		held := m.Held[role.ID]
		total += held
		if len(w.Roles) == mostWhoRoles {
			w.Rest++
		} else {
			w.Roles = append(w.Roles, whoRole{role.Name, link("members", "role", string(role.ID)), q.scope(scope), held, scope})
		}
		query := rbac.MemberQuery{Role: role.ID, State: rbac.ActiveOnly, Limit: holdersPerPage + 1 - len(members)}
		if !started && role.ID == fromRole {
			started, query.After = true, after
		}
		if !started || held == 0 || w.Next != "" {
			continue
		}
		for member, err := range q.workspace.Members(q.ctx, query) {
			if err != nil {
				return nil, err
			}
			if len(members) == holdersPerPage {
				w.Next = a.Link("#who-can", "from", string(role.ID), "after", query.After)
				break
			}
			query.After = member.User
			ids, members = append(ids, member.User), append(members, whoPerson{Role: role.Name, Scope: q.scope(scope)})
		}
	}
	for i, p := range q.people(ids...) {
		members[i].named = p
	}
	w.People = members
	slices.SortStableFunc(w.Roles, func(x, y whoRole) int { return cmp.Compare(y.far, x.far) })
	w.Say = q.th("People who hold a role that can %s: %s.", q.does(a.Area, a.Action), strong(q.countPeople(total)))
	return w, nil
}

// whyNot answers whether somebody can do something, and why or why not.
type whyNot struct {
	Found  []whyPerson // whom the text may mean, if it means several
	More   bool
	Person *named
	Say    template.HTML
	Who    string // who can
}

type whyPerson struct {
	named
	Ask string
}

func (q *request) whyNot(a askForm, roles []rbac.Role) (*whyNot, error) {
	w := &whyNot{Who: a.Link("#who-can")}
	user, found, more := q.whom(a.Person)
	if len(found) > 1 {
		w.More = more
		for _, p := range found {
			w.Found = append(w.Found, whyPerson{p, a.Link("#why", "person", p.User)})
		}
		return w, nil
	}
	d, err := q.workspace.Explain(q.ctx, user, a.Area.Area, a.Action)
	if errors.Is(err, rbac.ErrInvalid) {
		d, err = rbac.Decision{Area: a.Area.Area, Action: a.Action, Reason: rbac.ReasonNotMember}, nil
	}
	if err != nil {
		return nil, err
	}
	person := q.people(user)[0]
	w.Person, w.Say = &person, q.because(d)
	return w, nil
}

// whom returns the user that a text means: an id, or the only one whom the directory
// finds by it, or several of whom somebody has to choose one.
func (q *request) whom(text string) (user string, found []named, more bool) {
	if q.directory == nil || text == "" || usersRead(q) != nil {
		return text, nil, false
	}
	if known := q.people(text); known[0].Name != "" {
		return text, nil, false
	}
	found, more = q.search(text)
	switch {
	case len(found) == 0:
		return text, nil, false
	case len(found) == 1 && !more:
		return found[0].User, nil, false
	case len(found) > mostPeopleListed:
		found, more = found[:mostPeopleListed], true
	}
	return "", found, more
}
