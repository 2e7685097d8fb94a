package oracle

import (
	"slices"

	"github.com/areagate/rbac"
)

// others applies the rules about the members who are touched: A4, and D2.
func (t *oracleTrial) others(users []string) {
	for _, user := range users {
		if !t.op.system && user == t.op.actor {
			t.refused[rbac.ErrSelf] = true
		}
		if member, ok := t.before.members[user]; ok {
			t.hands(member.role)
		}
	}
}

// known notes users who are no members.
func (t *oracleTrial) known(users []string) {
	for _, user := range users {
		if _, ok := t.before.members[user]; !ok {
			t.refused[rbac.ErrMemberNotFound] = true
		}
	}
}

func (t *oracleTrial) assign() {
	_, ok := t.find(t.op.role)
	users := oracleSet(t.op.users)
	if !ok || len(users) == 0 {
		return
	}
	t.hands(t.op.role)
	t.others(users)
	for _, user := range users {
		if len(users) > 1 && t.op.role != "administrator" && t.before.members[user].role == "administrator" {
			t.refused[rbac.ErrAdministrator] = true // A16
			t.demoted = append(t.demoted, user)
		}
		t.give(user, t.op.role)
	}
}

func (t *oracleTrial) add() {
	_, ok := t.find(t.op.role)
	users := slices.DeleteFunc(oracleSet(t.op.users), func(user string) bool { _, is := t.before.members[user]; return is })
	if !ok || len(users) == 0 {
		return
	}
	t.hands(t.op.role)
	for _, user := range users {
		t.give(user, t.op.role)
	}
}

// give gives a role to a user, who stays suspended and in their team if they
// are.
func (t *oracleTrial) give(user, role string) {
	member, was := t.before.members[user]
	if was && member.role == role {
		return
	}
	member.role = role
	t.put(user, member)
	t.change(rbac.MemberAssigned, user)
}

// put writes the row of a member. A malformed team is none (T5).
func (t *oracleTrial) put(user string, member oracleMember) {
	if !oracleGoodID(member.team) {
		member.team = ""
	}
	t.next.members[user] = member
}

func (t *oracleTrial) touch() {
	users := oracleSet(t.op.users)
	t.known(users)
	t.others(users)
	for _, user := range users {
		member := t.before.members[user]
		switch {
		case t.op.do == "remove":
			delete(t.next.members, user)
			t.change(rbac.MemberRemoved, user)
		case t.op.do == "suspend" && !member.suspended:
			member.suspended = true
			t.put(user, member)
			t.change(rbac.MemberSuspended, user)
		case t.op.do == "reinstate" && member.suspended:
			member.suspended = false
			t.put(user, member)
			t.change(rbac.MemberReinstated, user)
		}
	}
}

func (t *oracleTrial) replace() {
	_, ok := t.find(t.op.with)
	holders := t.before.holders(t.op.role)
	if len(holders) == 0 {
		t.find(t.op.role) // nobody is touched, but the role must be one
		return
	}
	if !ok {
		return
	}
	t.hands(t.op.with)
	t.others(holders)
	for _, user := range holders {
		t.give(user, t.op.with)
	}
}

func (t *oracleTrial) setTeam() {
	users := oracleSet(t.op.users)
	t.known(users)
	t.others(users)
	var moved []string
	for _, user := range users {
		if member, ok := t.before.members[user]; ok && t.before.team(user) != t.op.team {
			moved = append(moved, user)
			member.team = t.op.team
			t.put(user, member)
			t.change(rbac.MemberMoved, user)
		}
	}
	if len(moved) > 0 {
		t.moves(moved, t.op.team)
	}
}

// rename gives a member another id, whose records come into the team.
func (t *oracleTrial) rename(from, to string) {
	t.known([]string{from})
	t.others([]string{from})
	if from == to {
		return
	}
	t.others([]string{to})
	member, ok := t.before.members[from]
	if _, taken := t.before.members[to]; taken {
		t.refused[rbac.ErrMemberExists] = true
	}
	if !ok {
		return
	}
	t.moves([]string{from}, t.before.team(from))
	delete(t.next.members, from)
	t.put(to, member)
	t.change(rbac.MemberRenamed, to)
}

// moves applies T4 to members who move into a team: whoever of them or of the
// team reaches a team's records reaches more.
func (t *oracleTrial) moves(users []string, team string) {
	if team == "" || t.holdsEverything() || t.holes.moves {
		return
	}
	roles := map[string]bool{}
	for _, user := range users {
		roles[t.before.members[user].role] = true
	}
	for user, member := range t.before.members {
		if t.before.team(user) == team {
			roles[member.role] = true
		}
	}
	for key := range roles {
		role, known := t.oracleProgram.role(t.before, key)
		if !known {
			t.escalate(nil, key) // nobody can tell
		}
		for area, a := range t.through(role.perms) {
			if a.read == 2 && !t.mayMove(team, area, 1) {
				t.escalate(oraclePerms{area: {3, 0}})
			}
			if a.manage == 2 && !t.mayMove(team, area, 2) {
				t.escalate(oraclePerms{area: {0, 3}})
			}
		}
	}
}

// mayMove reports whether the actor may widen what a team reaches.
func (t *oracleTrial) mayMove(team, area string, action int) bool {
	held := t.held[area].scope(action)
	if held == 3 {
		return true
	}
	for _, key := range t.list {
		role, _ := t.oracleProgram.role(t.before, key)
		if t.shown(role.perms)[area].scope(action) >= 2 {
			return true
		}
	}
	delegate := len(t.list) > 0 && (!t.manages() || t.holes.managers)
	return delegate && t.before.team(t.op.actor) == team && held == 2
}
