package rbactest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/areagate/rbac"
)

// MutateOption configures [Mutate].
type MutateOption func(*mutator)

type mutator struct {
	areas     []rbac.AreaInfo
	teams     bool
	unchecked []*unchecked
}

// unchecked is what Unchecked was given.
type unchecked struct {
	reason string
	area   rbac.Area
	action rbac.Action
	scopes []rbac.Scope
	used   bool
}

// MutateAreas sets the whole catalogue of areas, as [rbac.WithAreas] does.
//
// Defaults to [rbac.DefaultAreas].
func MutateAreas(areas ...rbac.AreaInfo) MutateOption {
	areas = slices.Clone(areas)
	return func(m *mutator) { m.areas = areas }
}

// MutateTeams makes [rbac.Team] one of the scopes, as [rbac.WithTeams] does.
//
// Defaults to no teams.
func MutateTeams() MutateOption {
	return func(m *mutator) { m.teams = true }
}

// Unchecked accepts, for a reason, that no check notices when a permission is
// changed to one of these scopes; without scopes, to any. Once checks notice
// all such changes, Mutate fails: the exception is not needed any more.
func Unchecked(reason string, area rbac.Area, action rbac.Action, scopes ...rbac.Scope) MutateOption {
	scopes = slices.Clone(scopes)
	return func(m *mutator) {
		m.unchecked = append(m.unchecked, &unchecked{reason, area, action, scopes, false})
	}
}

// newMutator returns what is wrong with the arguments of Mutate, if anything.
func newMutator(role rbac.Role, options []MutateOption) (m *mutator, problem string) {
	m = &mutator{areas: rbac.DefaultAreas()}
	for i, option := range options {
		if option == nil {
			return nil, fmt.Sprintf("option %d is nil", i+1)
		}
		option(m)
	}
	known := map[rbac.Area]rbac.AreaInfo{}
	for _, info := range m.areas {
		known[info.Area] = info
	}
	for _, area := range slices.Sorted(maps.Keys(role.Permissions)) {
		info, ok := known[area]
		access := role.Permissions[area]
		switch {
		case !ok:
			return nil, fmt.Sprintf("the role %q has permissions for %q, which is not among the areas; use MutateAreas", role.Name, area)
		}
		for _, action := range []rbac.Action{rbac.Read, rbac.Manage} {
			switch scope := access.Scope(action); {
			case info.Only != 0 && action != info.Only && scope != rbac.None:
				return nil, fmt.Sprintf("the role %q may %s %q, where there is nothing to %s", role.Name, action, area, action)
			case !info.Owned && (scope == rbac.Own || scope == rbac.Team):
				return nil, fmt.Sprintf("the role %q has the scope %s in %q, whose records have no owners", role.Name, scope, area)
			case scope == rbac.Team && !m.teams:
				return nil, fmt.Sprintf("the role %q has the scope team in %q; use MutateTeams", role.Name, area)
			}
		}
	}
	for _, u := range m.unchecked {
		if strings.TrimSpace(u.reason) == "" {
			return nil, fmt.Sprintf("Unchecked of %s %s gives no reason", u.action, u.area)
		}
		if _, ok := known[u.area]; !ok {
			return nil, fmt.Sprintf("Unchecked(%q, …) is about %q, which is not among the areas", u.reason, u.area)
		}
	}
	return m, ""
}

// cloneRole returns a copy that shares nothing with role.
func cloneRole(role rbac.Role) rbac.Role {
	permissions := rbac.Permissions{}
	maps.Copy(permissions, role.Permissions)
	role.Permissions = permissions
	role.Assigns = slices.Clone(role.Assigns)
	return role
}
