package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/areagate/rbac"
)

// oracleOp is one call of an Admin's method.
type oracleOp struct {
	do      string // create, ensure, update, delete, add, assign, suspend, reinstate, remove, replace, team, rename
	system  bool
	actor   string // of As
	reason  string // of System
	because string
	via     string

	// Whether the actor is a key of the user's, of AsSubject, and its limit.
	limited bool
	most    oraclePerms

	role  string // the role's key; with replace the old one
	with  string
	team  string
	users []string // with rename the old id and the new

	// The role to be saved.
	name, description string
	perms             oraclePerms
	assigns           []string
	version           int64
	marked            bool // as a system role
}

// recorded is the reason that events carry.
func (op oracleOp) recorded() string {
	if op.because != "" {
		return op.because
	}
	return op.reason
}

// oracleResult is what must come of an oracleOp.
type oracleResult struct {
	err     error          // the rule that refuses, nil for none
	missing oraclePerms    // with ErrEscalation
	roles   []string       // with ErrEscalation and ErrRoleInUse: the roles that it names, in order
	users   []string       // with ErrAdministrator: the users that it names, in order
	changes []oracleChange // one for each event, in no order
	role    string         // the key of the role that was saved
}

type oracleChange struct {
	kind rbac.EventKind
	key  string // of the role, or the user
}

// oracleOrder is rule A13.
var oracleOrder = []error{
	rbac.ErrInvalid, rbac.ErrDenied, rbac.ErrRoleNotFound, rbac.ErrMemberNotFound, rbac.ErrMemberExists, rbac.ErrProtectedRole,
	rbac.ErrSelf, rbac.ErrAdministrator, rbac.ErrConflict, rbac.ErrEscalation, rbac.ErrNameTaken, rbac.ErrRoleInUse,
	rbac.ErrLastAdministrator,
}

// oracleTrial is an oracleOp being judged: every rule that refuses is noted,
// and the first in the order of A13 answers.
type oracleTrial struct {
	*oracleProgram
	before, next *oracleState
	op           oracleOp
	refused      map[error]bool
	missing      oraclePerms     // of all that escalates, united
	beyond       map[string]bool // the roles that are not the actor's to give
	listing      []string        // the roles that list one to be deleted
	demoted      []string        // the Administrators among many who would get another role
	changes      []oracleChange
	saved        string

	held oraclePerms // what the actor can use
	list []string    // the roles of the actor's list that give something
}

// after returns the state after an op, and what must come of it. A refused op
// and one that changes nothing leave the state as it is.
func (p *oracleProgram) after(s *oracleState, op oracleOp) (*oracleState, oracleResult) {
	t := &oracleTrial{
		oracleProgram: p, before: s, next: s.clone(), op: op,
		refused: map[error]bool{}, missing: oraclePerms{}, beyond: map[string]bool{},
	}
	t.judge()
	if s.activeAdministrators() > 0 && t.next.activeAdministrators() == 0 {
		t.refused[rbac.ErrLastAdministrator] = true // A6
	}
	for _, rule := range oracleOrder {
		if !t.refused[rule] {
			continue
		}
		result := oracleResult{err: rule}
		switch rule {
		case rbac.ErrEscalation:
			result.missing, result.roles = t.missing, slices.Sorted(maps.Keys(t.beyond))
		case rbac.ErrRoleInUse:
			result.roles = t.listing
		case rbac.ErrAdministrator:
			result.users = t.demoted
		}
		return s, result
	}
	if len(t.changes) == 0 {
		return s, oracleResult{role: t.saved} // A12
	}
	t.next.seq += int64(len(t.changes)) // V1
	return t.next, oracleResult{changes: t.changes, role: t.saved}
}

func (t *oracleTrial) judge() {
	if !t.wellFormed() {
		t.refused[rbac.ErrInvalid] = true
		return
	}
	t.held, t.list = t.actor()
	membership := !slices.Contains([]string{"create", "ensure", "update", "delete"}, t.op.do)
	if !t.op.system && !t.manages() && !(membership && len(t.list) > 0) {
		t.refused[rbac.ErrDenied] = true // A1, D2
		return
	}
	switch t.op.do {
	case "create":
		t.create()
	case "ensure":
		t.ensure()
	case "update":
		t.update()
	case "delete":
		t.delete()
	case "add":
		t.add()
	case "assign":
		t.assign()
	case "suspend", "reinstate", "remove":
		t.touch()
	case "replace":
		t.replace()
	case "team":
		t.setTeam()
	case "rename":
		t.rename(t.op.users[0], t.op.users[1])
	default:
		panic("the oracle does not know " + t.op.do)
	}
}

func (t *oracleTrial) change(kind rbac.EventKind, key string) {
	t.changes = append(t.changes, oracleChange{kind, key})
}

// Rights.

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

// Roles.

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

// Members.

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

// Input (A10, A15, E6).

func (t *oracleTrial) wellFormed() bool {
	op := t.op
	reason := op.recorded()
	if (op.system || reason != "") && (strings.TrimSpace(reason) == "" || !oracleGoodText(reason, 500)) || !oracleGoodText(op.via, 200) {
		return false
	}
	for _, user := range op.users {
		if !oracleGoodID(user) {
			return false
		}
	}
	switch op.do {
	case "create", "ensure":
		return op.role == "" && op.version == 0 && t.goodRole()
	case "update":
		return oracleGoodID(op.role) && op.perms != nil && t.goodRole()
	case "add":
		return oracleGoodID(op.role) && len(op.users) > 0
	case "delete", "assign":
		return oracleGoodID(op.role)
	case "replace":
		return oracleGoodID(op.role) && oracleGoodID(op.with)
	case "team":
		return t.teams && (op.team == "" || oracleGoodID(op.team))
	}
	return true
}

func (t *oracleTrial) goodRole() bool {
	for area, a := range t.op.perms {
		if a != (oracleAccess{t.counts(area, 1, a.read), t.counts(area, 2, a.manage)}) || a.read > 3 || a.manage > 3 {
			return false
		}
		if _, known := t.areas[area]; !known && t.op.do != "update" {
			return false
		}
	}
	for _, key := range t.op.assigns {
		if !oracleGoodID(key) {
			return false
		}
	}
	return len(oracleSet(t.op.assigns)) <= 100 && oracleGoodName(t.op.name) && oracleGoodText(t.op.description, 500)
}

// oracleGoodName reports whether a name is one, and something in it shows.
func oracleGoodName(name string) bool {
	shows := strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsSpace(r) && !unicode.In(r, unicode.M, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point)
	})
	blank := strings.ContainsFunc(name, func(r rune) bool {
		return unicode.Is(unicode.Noncharacter_Code_Point, r) || strings.ContainsRune("\u2800\U0001d159", r)
	})
	return shows && !blank && oracleGoodText(name, 80)
}

func oracleGoodID(id string) bool {
	return strings.TrimSpace(id) != "" && len(id) <= 255 && oracleGoodText(id, 255)
}

// oracleGoodText reports whether a text is valid, not too long, and free of
// what controls its reader: control characters, line separators, reordering.
func oracleGoodText(text string, most int) bool {
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > most {
		return false
	}
	for _, r := range text {
		if unicode.IsControl(r) || strings.ContainsRune("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", r) {
			return false
		}
	}
	return true
}

// oracleSameNames are names that are not ASCII and the same as another. The
// oracle knows no more of Unicode than this: give it no other.
var oracleSameNames = map[string]string{
	"Se\u0301lection":                     "sélection",
	"S\u00c9LECTION":                      "sélection",
	"s\u00e9lection":                      "sélection",
	"Straße":                              "strasse",
	"\u3000Sales\u00a0team":               "sales team",
	"\uff33\uff41\uff4c\uff45\uff53 team": "sales team",
	"Sales\u00ad team":                    "sales team",
	"\uff21dministrator":                  "administrator",
	"Admin\u200bistrator":                 "administrator",
	"\u0405ales team":                     "a Cyrillic letter that looks like S",
	"營業":                                  "營業",
	strings.Repeat("é", 80):               strings.Repeat("é", 80),
	strings.Repeat("É", 80):               strings.Repeat("é", 80),
	strings.Repeat("e\u0301", 40):         strings.Repeat("é", 40),
}

// oracleFold returns what equal names have in common.
func oracleFold(name string) string {
	if same, ok := oracleSameNames[name]; ok {
		return same
	}
	return strings.ToLower(strings.Join(strings.Fields(name), " "))
}

// oracleSet returns users once each, in order.
func oracleSet(users []string) []string {
	set := map[string]bool{}
	for _, user := range users {
		set[user] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// Between the oracle's data and the library's.

func (p oraclePerms) library() rbac.Permissions {
	if p == nil {
		return nil
	}
	out := rbac.Permissions{}
	for area, a := range p {
		out[rbac.Area(area)] = rbac.Access{Read: rbac.Scope(a.read), Manage: rbac.Scope(a.manage)}
	}
	return out
}

// libraryIDs returns ids of roles that the library did not make, as it has them.
func libraryIDs(keys []string) []rbac.RoleID {
	var ids []rbac.RoleID
	for _, key := range keys {
		ids = append(ids, rbac.RoleID(key))
	}
	return ids
}

// oraclePermsOf returns a library's permissions, without the areas that grant
// nothing.
func oraclePermsOf(p rbac.Permissions) oraclePerms {
	out := oraclePerms{}
	for area, a := range p {
		out[string(area)] = oracleAccess{int(a.Read), int(a.Manage)}
	}
	return out.granted()
}

func (p oraclePerms) String() string {
	names := [...]string{"none", "own", "team", "all"}
	name := func(s int) string {
		if s < len(names) {
			return names[s]
		}
		return fmt.Sprint(s)
	}
	var parts []string
	for _, area := range slices.Sorted(maps.Keys(p)) {
		parts = append(parts, fmt.Sprintf("%s %s/%s", area, name(p[area].read), name(p[area].manage)))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
