package oracle_test

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
	do     string // create, update, delete, assign, suspend, reinstate, remove, replace
	system bool
	actor  string // of As
	reason string // of System

	// Whether the actor is a key of the user's, of AsSubject, and its limit.
	limited bool
	most    oraclePerms

	role  string // the role's key; with replace the old one
	with  string
	users []string

	// The role to be saved.
	name, description string
	perms             oraclePerms
	version           int64
	marked            bool // as a system role
}

// oracleResult is what must come of an oracleOp.
type oracleResult struct {
	err     error          // the rule that refuses, nil for none
	missing []oraclePerms  // with ErrEscalation: one of these is what is missing, nothing for a role that is not known
	changes []oracleChange // one for each event, in no order
	role    string         // the key of the role that was saved
}

type oracleChange struct {
	kind rbac.EventKind
	key  string // of the role, or the user
}

// oracleOrder is rule A13.
var oracleOrder = []error{
	rbac.ErrInvalid, rbac.ErrDenied, rbac.ErrRoleNotFound, rbac.ErrMemberNotFound, rbac.ErrProtectedRole,
	rbac.ErrSelf, rbac.ErrConflict, rbac.ErrEscalation, rbac.ErrNameTaken, rbac.ErrRoleInUse,
	rbac.ErrLastAdministrator,
}

// oracleTrial is an oracleOp being judged: every rule that refuses is noted,
// and the first in the order of A13 answers.
type oracleTrial struct {
	*oracleProgram
	before, next *oracleState
	op           oracleOp
	refused      map[error]bool
	oracleResult
}

// after returns the state after an op, and what must come of it. A refused op
// and one that changes nothing leave the state as it is.
func (p *oracleProgram) after(s *oracleState, op oracleOp) (*oracleState, oracleResult) {
	t := &oracleTrial{oracleProgram: p, before: s, next: s.clone(), op: op, refused: map[error]bool{}}
	t.judge()
	if s.activeAdministrators() > 0 && t.next.activeAdministrators() == 0 {
		t.refused[rbac.ErrLastAdministrator] = true // A6
	}
	if len(t.missing) > 0 {
		t.refused[rbac.ErrEscalation] = true // A2, A3
	}
	for _, rule := range oracleOrder {
		if t.refused[rule] {
			return s, oracleResult{err: rule, missing: t.missing}
		}
	}
	if len(t.changes) == 0 {
		return s, t.oracleResult // A12
	}
	t.next.seq += int64(len(t.changes)) // V1
	return t.next, t.oracleResult
}

func (t *oracleTrial) judge() {
	if !t.wellFormed() {
		t.refused[rbac.ErrInvalid] = true
		return
	}
	if !t.op.system {
		scope, _ := t.reach(t.before, t.op.actor, "users", 2)
		if t.op.limited {
			scope = t.limited(scope, t.op.most, "users", 2)
		}
		if scope != 2 {
			t.refused[rbac.ErrDenied] = true // A1
			return
		}
	}
	switch t.op.do {
	case "create":
		t.create()
	case "update":
		t.update()
	case "delete":
		t.delete()
	case "assign":
		t.assign()
	case "suspend", "reinstate", "remove":
		t.touch()
	case "replace":
		t.replace()
	default:
		panic("the oracle does not know " + t.op.do)
	}
}

func (t *oracleTrial) change(kind rbac.EventKind, key string) {
	t.changes = append(t.changes, oracleChange{kind, key})
}

// holdsEverything reports whether the actor is the application or an
// Administrator in person.
func (t *oracleTrial) holdsEverything() bool {
	return t.op.system || t.before.members[t.op.actor].role == "administrator" && !t.op.limited
}

// needs notes what the actor must hold for permissions as they are stored (A2,
// A3). What the actor holds is what they can use.
func (t *oracleTrial) needs(stored ...oraclePerms) {
	if t.holdsEverything() {
		return
	}
	role, _ := t.oracleProgram.role(t.before, t.before.members[t.op.actor].role)
	held := t.shown(role.perms)
	if t.op.limited {
		held = t.key(held, t.op.most)
	}
	all := oraclePerms{}
	for _, p := range stored {
		for area, m := range p.beyond(held) {
			all[area] = oracleAccess{max(all[area].read, m.read), max(all[area].manage, m.manage)}
		}
	}
	if len(all) > 0 {
		t.missing = append(t.missing, all)
	}
}

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

func (t *oracleTrial) create() {
	t.refused[rbac.ErrProtectedRole] = t.op.marked
	t.named("")
	t.needs(t.op.perms)
	t.next.made++
	t.oracleResult.role = fmt.Sprintf("k%d", t.next.made)
	t.next.roles[t.oracleResult.role] = oracleRole{strings.TrimSpace(t.op.name), t.op.description, t.op.perms.granted(), 1}
	t.change(rbac.RoleCreated, t.oracleResult.role)
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
	if _, system := t.oracleProgram.system[t.op.role]; system || t.op.marked {
		t.refused[rbac.ErrProtectedRole] = true
	}
	t.named(t.op.role)
	if t.op.version != before.version {
		t.refused[rbac.ErrConflict] = true
	}
	// What the program does not know, or cannot mean anything, is not the
	// caller's to change, unless they write something else over it (E6, E7).
	after := before
	after.name, after.description = strings.TrimSpace(t.op.name), t.op.description
	after.perms = t.op.perms.granted()
	shown := t.shown(before.perms)
	for area, a := range before.perms {
		written := after.perms[area]
		if written.read == shown[area].read {
			written.read = a.read
		}
		if written.manage == shown[area].manage {
			written.manage = a.manage
		}
		after.perms[area] = written
	}
	after.perms = after.perms.granted()
	t.needs(before.perms, after.perms)
	t.oracleResult.role = t.op.role
	if after.name != before.name || after.description != before.description || !maps.Equal(after.perms, before.perms.granted()) {
		after.version++
		t.next.roles[t.op.role] = after
		t.change(rbac.RoleUpdated, t.op.role)
	}
}

func (t *oracleTrial) delete() {
	role, ok := t.find(t.op.role)
	if !ok {
		return
	}
	if _, system := t.oracleProgram.system[t.op.role]; system {
		t.refused[rbac.ErrProtectedRole] = true
	}
	t.needs(role.perms)
	if len(t.before.holders(t.op.role)) > 0 {
		t.refused[rbac.ErrRoleInUse] = true // A7
	}
	delete(t.next.roles, t.op.role)
	t.change(rbac.RoleDeleted, t.op.role)
}

// others applies the rules about the members who are touched: A4, and A3.
func (t *oracleTrial) others(users []string) {
	for _, user := range users {
		if !t.op.system && user == t.op.actor {
			t.refused[rbac.ErrSelf] = true
		}
		if member, ok := t.before.members[user]; ok {
			if role, ok := t.oracleProgram.role(t.before, member.role); ok {
				t.needs(role.perms)
			} else if !t.holdsEverything() {
				t.missing = append(t.missing, oraclePerms{}) // nobody can tell
			}
		}
	}
}

func (t *oracleTrial) assign() {
	role, ok := t.find(t.op.role)
	users := oracleSet(t.op.users)
	if !ok || len(users) == 0 {
		return
	}
	t.needs(role.perms)
	t.others(users)
	for _, user := range users {
		t.give(user, t.op.role)
	}
}

// give gives a role to a user, who stays suspended if they are.
func (t *oracleTrial) give(user, role string) {
	member, was := t.before.members[user]
	if was && member.role == role {
		return
	}
	member.role = role
	t.next.members[user] = member
	t.change(rbac.MemberAssigned, user)
}

func (t *oracleTrial) touch() {
	users := oracleSet(t.op.users)
	for _, user := range users {
		if _, ok := t.before.members[user]; !ok {
			t.refused[rbac.ErrMemberNotFound] = true
		}
	}
	t.others(users)
	for _, user := range users {
		member := t.before.members[user]
		switch {
		case t.op.do == "remove":
			delete(t.next.members, user)
			t.change(rbac.MemberRemoved, user)
		case t.op.do == "suspend" && !member.suspended:
			member.suspended = true
			t.next.members[user] = member
			t.change(rbac.MemberSuspended, user)
		case t.op.do == "reinstate" && member.suspended:
			member.suspended = false
			t.next.members[user] = member
			t.change(rbac.MemberReinstated, user)
		}
	}
}

func (t *oracleTrial) replace() {
	with, ok := t.find(t.op.with)
	holders := t.before.holders(t.op.role)
	if len(holders) == 0 {
		t.find(t.op.role) // nobody is touched, but the role must be one
		return
	}
	if !ok {
		return
	}
	t.needs(with.perms)
	t.others(holders)
	for _, user := range holders {
		t.give(user, t.op.with)
	}
}

// Input (A10, A15, E6).

func (t *oracleTrial) wellFormed() bool {
	op := t.op
	if op.system && (strings.TrimSpace(op.reason) == "" || !oracleGoodText(op.reason, 500)) {
		return false
	}
	for _, user := range op.users {
		if !oracleGoodID(user) {
			return false
		}
	}
	switch op.do {
	case "create":
		return op.role == "" && op.version == 0 && t.goodRole()
	case "update":
		return oracleGoodID(op.role) && op.perms != nil && t.goodRole()
	case "delete", "assign":
		return oracleGoodID(op.role)
	case "replace":
		return oracleGoodID(op.role) && oracleGoodID(op.with)
	}
	return true
}

func (t *oracleTrial) goodRole() bool {
	for area, a := range t.op.perms {
		owned, known := t.owned[area]
		if !known || a.read > 2 || a.manage > 2 || !owned && (a.read == 1 || a.manage == 1) {
			return false
		}
	}
	return oracleGoodName(t.op.name) && oracleGoodText(t.op.description, 500)
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
	names := [...]string{"none", "own", "all"}
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
