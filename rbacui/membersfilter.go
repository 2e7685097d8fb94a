package rbacui

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/areagate/rbac"
)

const mostTrail = 8 // keys of pages before

// memberFilter is what the address selects.
type memberFilter struct {
	Query, Team, State string
	Role               rbac.RoleID
}

func (q *request) memberFilter() memberFilter {
	f := memberFilter{
		Query: strings.TrimSpace(q.value("q")), Team: strings.TrimSpace(q.value("team")),
		State: q.value("state"), Role: rbac.RoleID(q.value("role")),
	}
	if !q.teams {
		f.Team = ""
	}
	return f
}

func (f memberFilter) query() rbac.MemberQuery {
	states := map[string]rbac.MemberState{"active": rbac.ActiveOnly, "suspended": rbac.SuspendedOnly}
	return rbac.MemberQuery{Team: f.Team, State: states[f.State]}
}

// link leads to a page of what is selected. The trail is the keys of the pages
// before, since a page knows only what follows.
func (f memberFilter) link(after string, trail []string) string {
	return link("members", "q", f.Query, "role", string(f.Role), "team", f.Team, "state", f.State,
		"after", after, "trail", strings.Join(trail, "\n"))
}

// found is a page of what was looked for.
type found struct {
	members   []rbac.Member
	next      bool    // there is a page behind
	strangers []named // who was found and is no member
	more      bool    // the directory knows more
}

// selected returns the page behind a user of the members that a filter selects. It
// reads as many rows as it shows, or as the directory found, however many there are.
func (q *request) selected(d desk, f memberFilter, after string) (found, error) {
	roles := []rbac.RoleID{f.Role}
	switch {
	case f.Role != "" && !d.sees(f.Role):
		return found{}, nil
	case f.Role == "" && !d.all:
		roles = d.given()
	}
	query := f.query()
	if f.Query != "" && q.directory != nil {
		if people, more := q.search(f.Query); !q.nameless {
			return q.among(roles, query, people, more, f.Query, after)
		}
	}
	query.After, query.Limit = after, membersPerPage+1
	if f.Query == "" {
		members, err := q.ofRoles(roles, query)
		return cut(members), err
	}
	// Without names, ids are found by how they begin.
	var members []rbac.Member
	if after == "" {
		exact, _, err := q.known(roles, f.query(), []string{f.Query})
		if err != nil {
			return found{}, err
		}
		members = exact
	}
	query.After = max(after, f.Query)
	behind, err := q.ofRoles(roles, query)
	var invalid *rbac.ValidationError
	if err != nil && !errors.As(err, &invalid) {
		return found{}, err
	}
	for _, member := range behind {
		if strings.HasPrefix(member.User, f.Query) {
			members = append(members, member)
		}
	}
	return cut(members), nil
}

// cut makes a page of what may be more than one.
func cut(members []rbac.Member) found {
	if len(members) > membersPerPage {
		return found{members: members[:membersPerPage], next: true}
	}
	return found{members: members}
}

// among returns the page behind a user of the people who are members, in the order
// of the directory, and on the first page who is no member.
func (q *request) among(roles []rbac.RoleID, query rbac.MemberQuery, people []named, more bool, exact, after string) (found, error) {
	var users []string
	for _, p := range people {
		users = append(users, p.User)
	}
	if !slices.Contains(users, exact) {
		users = append(users, exact)
	}
	members, _, err := q.known(roles, query, users)
	if err != nil {
		return found{}, err
	}
	slices.SortStableFunc(members, func(a, b rbac.Member) int {
		return cmp.Compare(slices.Index(users, a.User), slices.Index(users, b.User))
	})
	behind := 1 + slices.IndexFunc(members, func(m rbac.Member) bool { return m.User == after })
	page := cut(members[behind:])
	page.more = more
	if after != "" {
		return page, nil
	}
	page.strangers, err = q.strangers(people)
	return page, err
}

// ofRoles returns members of some roles, in the byte order of their ids.
func (q *request) ofRoles(roles []rbac.RoleID, query rbac.MemberQuery) ([]rbac.Member, error) {
	var members []rbac.Member
	for _, query.Role = range roles {
		for member, err := range q.workspace.Members(q.ctx, query) {
			if err != nil {
				return nil, err
			}
			members = append(members, member)
		}
	}
	slices.SortFunc(members, func(a, b rbac.Member) int { return cmp.Compare(a.User, b.User) })
	members = slices.CompactFunc(members, func(a, b rbac.Member) bool { return a.User == b.User })
	if query.Limit > 0 && len(members) > query.Limit {
		members = members[:query.Limit]
	}
	return members, nil
}

// known is ofRoles for some users, and returns those whose ids can be asked for: a
// directory may have others.
func (q *request) known(roles []rbac.RoleID, query rbac.MemberQuery, users []string) ([]rbac.Member, []string, error) {
	query.Users = append([]string{}, users...)
	members, err := q.ofRoles(roles, query)
	var invalid *rbac.ValidationError
	if errors.As(err, &invalid) {
		bad := map[int]bool{}
		for _, f := range invalid.Fields {
			var i int
			if _, err := fmt.Sscanf(f.Field, "users[%d]", &i); err == nil {
				bad[i] = true
			}
		}
		query.Users = query.Users[:0]
		for i, user := range users {
			if !bad[i] {
				query.Users = append(query.Users, user)
			}
		}
		members, err = q.ofRoles(roles, query)
	}
	return members, query.Users, err
}
