package rbactest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/trial"
)

// Mutate finds the permissions of a role that no check looks at. It calls
// check with the role as it is, which must pass, and then with each permission
// changed in turn to each other scope that it could have, and with each role
// in its list left out. A change under which check still passes fails the test:
// what the role may do there could change, and nobody would notice.
//
// check makes what it needs from the role it is given, and tests it as the
// team's tests do. Its t is its own: every method works, what it logs is
// dropped, and what it sets up ends with it. A check that panics has noticed,
// one that skips itself has not. Checks run one after the other, in the order
// of the areas and then of the list; at the end, check must pass once more with
// the role as it is.
//
// Mutate returns the changes that it reported.
func Mutate(t testing.TB, role rbac.Role, check func(t testing.TB, role rbac.Role), options ...MutateOption) []Mutation {
	t.Helper()
	m, problem := newMutator(role, options)
	if problem != "" {
		t.Fatalf("rbactest.Mutate: %s", problem)
	}
	try := func(name string, role rbac.Role) *trial.T {
		return trial.Run(t, name, func(t testing.TB) { check(t, role) })
	}
	if original := try("unchanged", cloneRole(role)); original.Failed() || original.Skipped() {
		t.Fatalf("rbactest.Mutate: the check does not pass with the role %q as it is:\n%s", role.Name, original.Said())
	}
	var survivors []Mutation
	noticed, mutations := 0, m.mutations(role)
	for _, mutation := range mutations {
		switch {
		case try(mutation.String(), mutation.apply(role)).Failed():
			noticed++
		case !m.accepts(mutation):
			survivors = append(survivors, mutation)
		}
	}
	// A check that a first run makes fail would seem to notice everything.
	if again := try("unchanged again", cloneRole(role)); again.Failed() || again.Skipped() {
		t.Fatalf("rbactest.Mutate: the check does not pass a second time with the role %q as it is, so its failures say nothing:\n%s", role.Name, again.Said())
	}
	for _, mutation := range survivors {
		t.Errorf("no check notices when the role %q has %v", role.Name, mutation)
	}
	for _, u := range m.unchecked {
		if !u.used {
			t.Errorf("Unchecked(%q, …) is not needed: there is no such change of %s %s that no check notices", u.reason, u.action, u.area)
		}
	}
	t.Logf("rbactest.Mutate: %d of %d changes of the role %q are noticed", noticed, len(mutations), role.Name)
	return survivors
}

// mutations returns all changes of one permission to a scope that the library
// would store, and of the list by one role.
func (m *mutator) mutations(role rbac.Role) []Mutation {
	var all []Mutation
	for _, info := range m.areas {
		for _, action := range []rbac.Action{rbac.Read, rbac.Manage} {
			from := role.Permissions.Scope(info.Area, action)
			for _, to := range m.scopes(info, action) {
				if to != from {
					all = append(all, Mutation{Area: info.Area, Action: action, From: from, To: to})
				}
			}
		}
	}
	for _, id := range role.Assigns {
		all = append(all, Mutation{Unlisted: id})
	}
	return all
}

// scopes returns the scopes that an action can have in an area.
func (m *mutator) scopes(info rbac.AreaInfo, action rbac.Action) []rbac.Scope {
	scopes := []rbac.Scope{rbac.None}
	if info.Only != 0 && action != info.Only {
		return scopes
	}
	if info.Owned {
		scopes = append(scopes, rbac.Own)
		if m.teams {
			scopes = append(scopes, rbac.Team)
		}
	}
	return append(scopes, rbac.All)
}

// accepts reports whether a change is one that may go unnoticed.
func (m *mutator) accepts(mutation Mutation) bool {
	accepted := false
	for _, u := range m.unchecked {
		if u.area == mutation.Area && u.action == mutation.Action && (len(u.scopes) == 0 || slices.Contains(u.scopes, mutation.To)) {
			u.used, accepted = true, true
		}
	}
	return accepted
}

// Mutation is a change of one permission of a role, or of its list.
type Mutation struct {
	Area     rbac.Area
	Action   rbac.Action
	From, To rbac.Scope

	Unlisted rbac.RoleID // left out of the list, if not empty; then nothing else changes
}

// String returns "deals: manage all instead of own", or "a list without sales".
func (m Mutation) String() string {
	if m.Unlisted != "" {
		return "a list without " + string(m.Unlisted)
	}
	return fmt.Sprintf("%s: %s %s instead of %s", m.Area, m.Action, m.To, m.From)
}

// apply returns a copy of a role with the change.
func (m Mutation) apply(role rbac.Role) rbac.Role {
	role = cloneRole(role)
	if m.Unlisted != "" {
		role.Assigns = slices.DeleteFunc(role.Assigns, func(id rbac.RoleID) bool { return id == m.Unlisted })
		return role
	}
	access := role.Permissions[m.Area]
	if m.Action == rbac.Read {
		access.Read = m.To
	} else {
		access.Manage = m.To
	}
	role.Permissions[m.Area] = access
	return role
}
