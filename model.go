package rbac

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/areagate/rbac/internal/fold"
)

// model is what an Authorizer's options fix at Open: the areas and the system
// roles. It judges what comes from people and what comes from storage.
type model struct {
	*catalogue
	system   []Role // Administrator first, then as they were given
	byID     map[RoleID]Role
	byFolded map[string]RoleID // by folded name
}

func newModel(o options) (*model, error) {
	c, err := newCatalogue(o.areas, o.teams)
	if err != nil {
		return nil, err
	}
	m := &model{catalogue: c, byID: map[RoleID]Role{}, byFolded: map[string]RoleID{}}
	m.addSystemRole(Role{
		ID:          Administrator,
		Name:        "Administrator",
		Description: "May read and manage everything.",
		Permissions: c.everything(),
	})
	var bad problems
	for i, role := range o.systemRoles {
		field := fmt.Sprintf("systemRoles[%d]", i)
		var p problems
		p.check("id", idProblem(string(role.ID)))
		m.roleProblems(&p, role)
		if _, taken := m.byID[role.ID]; taken {
			p.add("id", fmt.Sprintf("%s is taken by another system role", quote(string(role.ID))))
		}
		if _, taken := m.byFolded[fold.Name(role.Name)]; taken {
			p.add("name", fmt.Sprintf("%s is taken by another system role", quote(role.Name)))
		}
		if role.Version != 0 {
			p.add("version", "must be zero: system roles are not stored")
		}
		for j, id := range role.Assigns {
			at := slices.IndexFunc(o.systemRoles, func(r Role) bool { return r.ID == id })
			if at < 0 || m.administers(o.systemRoles[at]) {
				p.check(indexed("assigns", j), fmt.Sprintf("%s is not a system role of this program that administers nothing", quote(string(id))))
			}
		}
		for _, f := range p {
			bad.add(field+"."+f.Field, f.Problem)
		}
		if len(p) == 0 {
			m.addSystemRole(role)
		}
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *model) addSystemRole(role Role) {
	role = role.clone()
	role.Name = trimName(role.Name)
	role.Permissions = role.Permissions.normalised()
	role.Assigns = listed(role.Assigns)
	role.System = true
	role.CreatedAt, role.UpdatedAt = time.Time{}, time.Time{}
	m.system = append(m.system, role)
	m.byID[role.ID] = role
	m.byFolded[fold.Name(role.Name)] = role.ID
}

// roleProblems judges the parts of a role that people write (A10, E6).
func (m *model) roleProblems(bad *problems, role Role) {
	bad.check("name", nameProblem(role.Name))
	bad.check("description", textProblem(role.Description, maxDescription))
	m.scopeProblems(bad, role.Permissions)
	if n := len(listed(role.Assigns)); n > maxAssigns {
		bad.add("assigns", fmt.Sprintf("has %d roles, more than %d", n, maxAssigns))
		return
	}
	for i, id := range role.Assigns {
		bad.check(indexed("assigns", i), idProblem(string(id)))
	}
}

// createProblems judges a role that is to be created (A10, A15).
func (m *model) createProblems(role Role) problems {
	var bad problems
	if role.ID != "" {
		bad.add("id", "must be empty: the library gives new roles their id")
	}
	if role.Version != 0 {
		bad.add("version", "must be 0 for a new role")
	}
	m.roleProblems(&bad, role)
	return bad
}

// updateProblems judges a role that is to be edited (A10).
func (m *model) updateProblems(role Role) problems {
	var bad problems
	bad.check("id", idProblem(string(role.ID)))
	role.Permissions = m.withoutRemoved(role.Permissions)
	m.roleProblems(&bad, role)
	bad.check("permissions", tableProblem(role.Permissions))
	return bad
}

// shown returns a stored role as this program shows it: with what it grants
// here (E6, E7).
func (m *model) shown(role Role) Role {
	role.Permissions, role.Assigns = m.effective(role.Permissions), slices.Clone(role.Assigns)
	return role
}

// administers reports whether a role, as it is stored, may change who may do
// what: no list makes another person one who holds it (D1).
func (m *model) administers(role Role) bool {
	return role.ID == Administrator || len(role.Assigns) > 0 || m.renamed(role.Permissions).Can(Users, Manage)
}

// listed returns a list as it is stored: in byte order, each role once (D1).
// The ids are copies.
func listed(ids []RoleID) []RoleID {
	sorted := slices.Compact(slices.Sorted(slices.Values(ids)))
	for i, id := range sorted {
		sorted[i] = RoleID(strings.Clone(string(id)))
	}
	return sorted
}

// compile turns permissions into the cells of one row.
func (m *model) compile(p Permissions) []Scope {
	cells := make([]Scope, m.width())
	for area, access := range p {
		if cell := m.cells[area]; cell != 0 {
			cells[cell], cells[cell+1] = access.Read, access.Manage
		}
	}
	return cells
}

// malformedRole reports what makes a stored role unfit to grant anything.
func malformedRole(role Role) error {
	var bad problems
	bad.check("id", idProblem(string(role.ID)))
	bad.check("name", nameProblem(role.Name))
	if !utf8.ValidString(role.Description) {
		bad.add("description", notUTF8) // events of the role could not say what it was
	}
	for i, id := range role.Assigns {
		if !utf8.ValidString(string(id)) {
			bad.add(indexed("assigns", i), notUTF8)
		}
	}
	var areas []Area
	for area, a := range role.Permissions {
		if a.Read > All || a.Manage > All {
			areas = append(areas, area)
		}
	}
	slices.Sort(areas)
	for _, area := range areas {
		bad.add(permissionField(area), "has a scope that does not exist")
	}
	if err := bad.err(); err != nil {
		return &MalformedError{"role", string(role.ID), err}
	}
	return nil
}

// teamOf returns a member's team. One whose id is malformed is none (T5).
func teamOf(member Member) string {
	if idProblem(member.Team) != "" {
		return ""
	}
	return member.Team
}

// malformedMember reports what makes a stored member unfit to hold a role.
func malformedMember(member Member) error {
	var bad problems
	bad.check("user", idProblem(member.User))
	bad.check("role", idProblem(string(member.Role)))
	if err := bad.err(); err != nil {
		return &MalformedError{"member", member.User, err}
	}
	return nil
}

// malformed reports what makes the row that an event leaves unfit to grant
// anything.
func (e Event) malformed() error {
	switch {
	case e.RoleAfter != nil:
		return malformedRole(*e.RoleAfter)
	case e.MemberAfter != nil:
		return malformedMember(*e.MemberAfter)
	}
	return nil
}
