package oracle

import (
	"slices"

	"github.com/areagate/rbac"
)

// actor returns what the actor of an op can use, and the roles of their list
// that give something (D4, D5).
func (t *oracleTrial) actor() (held oraclePerms, list []string) {
	member, ok := t.before.member(t.op.actor)
	if t.op.system || !ok || member.suspended {
		return oraclePerms{}, nil
	}
	role, _ := t.oracleProgram.role(t.before, member.role)
	held = t.shown(role.perms)
	if t.op.limited {
		return t.key(held, t.op.most), nil
	}
	return held, t.given(t.before, role)
}

// given returns the roles of a role's list that it gives (D4).
func (p *oracleProgram) given(s *oracleState, role oracleRole) []string {
	var list []string
	for _, key := range role.assigns {
		if _, ok := p.role(s, key); ok && (p.holes.lists || !p.administers(s, key)) {
			list = append(list, key)
		}
	}
	return list
}

// administers reports whether a role is Administrator, manages users or has a
// list (D1).
func (p *oracleProgram) administers(s *oracleState, key string) bool {
	role, _ := p.role(s, key)
	return key == "administrator" || p.through(role.perms)["users"].manage == 3 || len(role.assigns) > 0
}

// manages reports whether the actor has Manage All on Users.
func (t *oracleTrial) manages() bool { return t.held["users"].manage == 3 }

// holdsEverything reports whether the actor is the application or an
// Administrator in person.
func (t *oracleTrial) holdsEverything() bool {
	return t.op.system || t.before.members[t.op.actor].role == "administrator" && !t.op.limited
}

// escalate notes that roles are not the actor's to give, and what is missing.
func (t *oracleTrial) escalate(missing oraclePerms, roles ...string) {
	t.refused[rbac.ErrEscalation] = true
	t.missing = t.missing.union(missing)
	for _, role := range roles {
		t.beyond[role] = true
	}
}

// lacks returns what the actor lacks to give permissions as they are stored:
// all where they have team (A2, A3, T4).
func (t *oracleTrial) lacks(stored oraclePerms) oraclePerms {
	needed := func(scope int) int {
		if scope == 2 && !t.holes.teamGives {
			return 3
		}
		return scope
	}
	want := oraclePerms{}
	for area, a := range t.through(stored) {
		want[area] = oracleAccess{needed(a.read), needed(a.manage)}
	}
	return want.beyond(t.held)
}

// uncovered returns what the actor lacks of a role, and the roles of its list
// that they cannot give (D3).
func (t *oracleTrial) uncovered(role oracleRole) (missing oraclePerms, listed []string) {
	missing = t.lacks(role.perms)
	for _, key := range role.assigns {
		other, known := t.oracleProgram.role(t.before, key)
		if slices.Contains(t.list, key) || t.holes.delegation {
			continue
		}
		if lacks := t.lacks(other.perms); !known || len(lacks) > 0 {
			missing, listed = missing.union(lacks), append(listed, key)
		}
	}
	return missing, listed
}

// covers asks that the actor covers a role that is changed (A2, A3, D3).
func (t *oracleTrial) covers(role oracleRole) {
	missing, listed := t.uncovered(role)
	if !t.holdsEverything() && (len(missing) > 0 || len(listed) > 0) {
		t.escalate(missing, listed...)
	}
}

// hands asks that the actor may give and take a role (D2).
func (t *oracleTrial) hands(key string) {
	role, known := t.oracleProgram.role(t.before, key)
	if t.holdsEverything() || slices.Contains(t.list, key) {
		return
	}
	if !known {
		t.escalate(nil, key) // nobody can tell
		return
	}
	missing, listed := t.uncovered(role)
	if !t.manages() {
		missing = missing.union(oraclePerms{"users": {0, 3}})
	}
	if len(missing) > 0 || len(listed) > 0 {
		t.escalate(missing, append(listed, key)...)
	}
}
