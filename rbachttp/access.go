package rbachttp

import (
	"maps"
	"slices"

	"github.com/areagate/rbac"
)

// Access is a table of routes and roles: who gets past the guard of which
// route.
type Access struct {
	Routes Routes      // the rows
	Roles  []rbac.Role // the columns, behind two for those who have no role
}

// Access returns the table for some roles, those of [rbac.Workspace.Roles] for
// instance. Administrators hold the areas that are in their role.
func (rs Routes) Access(roles []rbac.Role) Access {
	columns := slices.Clone(roles)
	for i := range columns {
		columns[i].Permissions = maps.Clone(columns[i].Permissions)
	}
	return Access{slices.Clone(rs), columns}
}

// Table returns the rows with their heading. The first columns are the method,
// the path, somebody who is not signed in and somebody who is signed in and
// no member. A cell is "yes", "own" or "team" if the role gets through with own
// records or those of a team only, or "no".
func (a Access) Table() rbac.Table {
	heading := []string{"Method", "Path", "(nobody)", "(no member)"}
	for _, role := range a.Roles {
		heading = append(heading, role.Name)
	}
	rows := rbac.Table{heading}
	for _, route := range a.Routes {
		need := route.Requirement
		row := []string{route.method(), route.Path, reachText(need.reach(holder{})), reachText(need.reach(holder{user: true}))}
		for _, role := range a.Roles {
			row = append(row, reachText(need.reach(holder{user: true, member: true, permissions: role.Permissions})))
		}
		rows = append(rows, row)
	}
	return rows
}

func reachText(s rbac.Scope) string {
	switch s {
	case rbac.All:
		return "yes"
	case rbac.Own, rbac.Team:
		return s.String()
	}
	return "no"
}
