package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/areagate/rbac"
)

// named applies A5 and A8 to the name of a role that is to be saved.
func (t *oracleTrial) named(key string) {
	for _, other := range t.oracleProgram.system {
		if oracleFold(other.name) == oracleFold(t.op.name) {
			t.refused[rbac.ErrProtectedRole] = true
		}
	}
	for otherKey, other := range t.before.roles {
		if otherKey != key && oracleFold(other.name) == oracleFold(t.op.name) {
			t.refused[rbac.ErrNameTaken] = true
		}
	}
}

// listed applies D1 to the list of a role that is to be saved.
func (t *oracleTrial) listed(key string, before []string) {
	for _, added := range oracleSet(t.op.assigns) {
		if slices.Contains(before, added) {
			continue
		}
		if _, ok := t.find(added); ok && (added == key || !t.holes.lists && t.administers(t.before, added)) {
			t.refused[rbac.ErrProtectedRole] = true
		}
		if !t.holdsEverything() && !t.holes.anybody {
			t.escalate(nil, added)
		}
	}
}

func (t *oracleTrial) create() {
	t.refused[rbac.ErrProtectedRole] = t.op.marked
	t.named("")
	t.listed("", nil)
	role := oracleRole{strings.TrimSpace(t.op.name), t.op.description, t.op.perms.granted(), oracleSet(t.op.assigns), 1}
	t.covers(role)
	t.next.made++
	t.saved = fmt.Sprintf("k%d", t.next.made)
	t.next.roles[t.saved] = role
	t.change(rbac.RoleCreated, t.saved)
}

// ensure creates a role unless there is one of its name.
func (t *oracleTrial) ensure() {
	for _, roles := range []map[string]oracleRole{t.before.roles, t.oracleProgram.system} {
		for key, role := range roles {
			if oracleFold(role.name) == oracleFold(t.op.name) {
				t.refused[rbac.ErrProtectedRole] = t.op.marked
				t.saved = key // a system role, if one has the name of a stored one
			}
		}
	}
	if t.saved == "" {
		t.create()
	}
}

// find looks a role up, and notes it if there is none.
func (t *oracleTrial) find(key string) (oracleRole, bool) {
	role, ok := t.oracleProgram.role(t.before, key)
	if !ok {
		t.refused[rbac.ErrRoleNotFound] = true
	}
	return role, ok
}

func (t *oracleTrial) update() {
	before, ok := t.find(t.op.role)
	if !ok {
		return
	}
	for area := range t.op.perms {
		// What the program does not know can be taken out by its name, where
		// it is: for that the role must be looked at.
		_, known := t.areas[area]
		if _, stored := t.through(before.perms)[area]; !known && !stored {
			t.refused[rbac.ErrInvalid] = true
		}
	}
	if _, system := t.oracleProgram.system[t.op.role]; system || t.op.marked {
		t.refused[rbac.ErrProtectedRole] = true
	}
	t.named(t.op.role)
	t.listed(t.op.role, before.assigns)
	if t.op.version != before.version {
		t.refused[rbac.ErrConflict] = true
	}
	after := before
	after.name, after.description, after.assigns = strings.TrimSpace(t.op.name), t.op.description, oracleSet(t.op.assigns)
	after.perms = t.merged(before.perms)
	t.covers(before)
	t.covers(after)
	t.saved = t.op.role
	if after.name != before.name || after.description != before.description ||
		!maps.Equal(after.perms, t.through(before.perms).granted()) || !slices.Equal(after.assigns, before.assigns) {
		after.version++
		t.next.roles[t.op.role] = after
		t.change(rbac.RoleUpdated, t.op.role)
	}
}

// merged returns what the op writes over stored permissions. What the program
// does not know, or means something else by, is not the caller's to change,
// unless they write something else over it than what it shows as (E6, E7), or
// name an area that the program does not know.
func (t *oracleTrial) merged(stored oraclePerms) oraclePerms {
	after, shown := oraclePerms{}, t.shown(stored)
	maps.Copy(after, t.op.perms)
	for area, a := range t.through(stored) {
		_, known := t.areas[area]
		if _, named := t.op.perms[area]; named && !known {
			continue
		}
		written := after[area]
		if written.read == shown[area].read {
			written.read = a.read
		}
		if written.manage == shown[area].manage {
			written.manage = a.manage
		}
		after[area] = written
	}
	return after.granted()
}

func (t *oracleTrial) delete() {
	role, ok := t.find(t.op.role)
	if !ok {
		return
	}
	if _, system := t.oracleProgram.system[t.op.role]; system {
		t.refused[rbac.ErrProtectedRole] = true
	}
	t.covers(role)
	for _, roles := range []map[string]oracleRole{t.before.roles, t.oracleProgram.system} {
		for key, other := range roles {
			if key != t.op.role && slices.Contains(other.assigns, t.op.role) {
				t.listing = append(t.listing, key)
			}
		}
	}
	slices.Sort(t.listing)
	if len(t.before.holders(t.op.role)) > 0 || len(t.listing) > 0 {
		t.refused[rbac.ErrRoleInUse] = true // A7
	}
	delete(t.next.roles, t.op.role)
	t.change(rbac.RoleDeleted, t.op.role)
}
