package rbactest

import (
	"slices"

	"github.com/areagate/rbac"
)

// Setup is one part of what [New] makes.
type Setup func(*setup)

type setup struct {
	id      string
	store   rbac.Store
	areas   []rbac.AreaInfo
	options []rbac.Option
	roles   []rbac.Role
	members []member
	teams   []team
	mistake string // the first
}

type member struct {
	user, role string
	suspended  bool
}

type team struct {
	id    string
	users []string
}

// Role adds a role. Those that its list is to have are named as for [Member]:
// the order in which roles are added does not matter.
func Role(name string, permissions rbac.Permissions, assigns ...rbac.RoleID) Setup {
	assigns = slices.Clone(assigns)
	return func(s *setup) {
		s.roles = append(s.roles, rbac.Role{Name: name, Permissions: permissions, Assigns: assigns})
	}
}

// Member adds a user who holds a role. The role is named by its name, as it
// was given to [Role]; a system role, such as "Administrator", may also be
// named by its id.
func Member(user, role string) Setup {
	return func(s *setup) {
		s.members = append(s.members, member{user: user, role: role})
	}
}

// Suspended adds a member who is suspended. The role is named as for
// [Member].
func Suspended(user, role string) Setup {
	return func(s *setup) {
		s.members = append(s.members, member{user: user, role: role, suspended: true})
	}
}

// Team puts members into a team. The Authorizer is opened with
// [rbac.WithTeams], without which a team means nothing.
func Team(id string, users ...string) Setup {
	users = slices.Clone(users)
	return func(s *setup) { s.teams = append(s.teams, team{id, users}) }
}

// Areas adds areas to [rbac.DefaultAreas]. For a catalogue without those, use
// [Options] with [rbac.WithAreas].
func Areas(areas ...rbac.AreaInfo) Setup {
	areas = slices.Clone(areas)
	return func(s *setup) { s.areas = append(s.areas, areas...) }
}

// Options adds options to those with which the Authorizer is opened.
func Options(options ...rbac.Option) Setup {
	options = slices.Clone(options)
	return func(s *setup) { s.options = append(s.options, options...) }
}

// On sets the store. What is in it already stays. Two workspaces on one store
// are two instances of an application.
//
// Defaults to a fresh [rbac.MemStore].
func On(store rbac.Store) Setup {
	return func(s *setup) {
		if store == nil {
			s.err("On: the store is nil")
		}
		s.store = store
	}
}

// ID sets the id of the workspace.
//
// Defaults to "", the default workspace.
func ID(id string) Setup {
	return func(s *setup) { s.id = id }
}

// err notes a mistake, unless there is an earlier one.
func (s *setup) err(mistake string) {
	if s.mistake == "" {
		s.mistake = mistake
	}
}
