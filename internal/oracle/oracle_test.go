package oracle_test

import (
	"maps"
	"slices"

	"github.com/areagate/rbac"
)

// The oracle is the rules of docs/guarantees.md a second time, written to be obviously
// right: plain maps, copied whole with every change, and every rule asked
// every time. It takes constants from the library, and nothing that computes.
//
// Scopes are 0 none, 1 own, 2 all; actions are 1 read, 2 manage. Roles go by
// keys of the oracle's own, since the library's ids are random.

type oracleAccess struct{ read, manage int }

type oraclePerms map[string]oracleAccess

type oracleRole struct {
	name, description string
	perms             oraclePerms // as stored
	version           int64
}

type oracleMember struct {
	role      string
	suspended bool
}

// oracleState is what a workspace holds. It is never changed, only replaced.
type oracleState struct {
	roles   map[string]oracleRole // the stored ones
	members map[string]oracleMember
	seq     int64 // events so far
	made    int   // roles created so far
}

// oracleProgram is what one version of an application knows.
type oracleProgram struct {
	owned  map[string]bool       // every area, and whether its records have owners
	system map[string]oracleRole // the system roles
}

// newOracleProgram returns a program with the built-in areas and more.
func newOracleProgram(more map[string]bool, system map[string]oracleRole) *oracleProgram {
	owned := map[string]bool{
		"contacts": true, "organizations": true, "deals": true, "services": true, "tasks": true,
		"users": true, "api": false, "audit": false,
	}
	maps.Copy(owned, more)
	everything := oraclePerms{}
	for area := range owned {
		everything[area] = oracleAccess{2, 2}
	}
	p := &oracleProgram{owned, maps.Clone(system)}
	if p.system == nil {
		p.system = map[string]oracleRole{}
	}
	p.system["administrator"] = oracleRole{name: "Administrator", perms: everything}
	return p
}

// options are those with which Open makes an Authorizer of the program.
func (p *oracleProgram) options() []rbac.Option {
	areas := rbac.DefaultAreas()
	builtIn := len(areas)
	for i := range areas {
		areas[i].Owned = p.owned[string(areas[i].Area)]
	}
	for _, name := range slices.Sorted(maps.Keys(p.owned)) {
		if !slices.ContainsFunc(areas[:builtIn], func(a rbac.AreaInfo) bool { return string(a.Area) == name }) {
			areas = append(areas, rbac.AreaInfo{Area: rbac.Area(name), Owned: p.owned[name]})
		}
	}
	options := []rbac.Option{rbac.WithAreas(areas...)}
	for _, id := range slices.Sorted(maps.Keys(p.system)) {
		if id != "administrator" {
			r := p.system[id]
			options = append(options, rbac.WithSystemRoles(rbac.Role{
				ID: rbac.RoleID(id), Name: r.name, Description: r.description, Permissions: r.perms.library(),
			}))
		}
	}
	return options
}

func newOracleState() *oracleState {
	return &oracleState{roles: map[string]oracleRole{}, members: map[string]oracleMember{}}
}

func (s *oracleState) clone() *oracleState {
	return &oracleState{maps.Clone(s.roles), maps.Clone(s.members), s.seq, s.made}
}

func (s *oracleState) activeAdministrators() int {
	n := 0
	for _, m := range s.members {
		if m.role == "administrator" && !m.suspended {
			n++
		}
	}
	return n
}

// holders returns who holds a role, in order.
func (s *oracleState) holders(role string) []string {
	var users []string
	for user, m := range s.members {
		if m.role == role {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return users
}

// Evaluation.

func (a oracleAccess) scope(action int) int {
	if action == 1 {
		return a.read
	}
	return a.manage
}

// role returns a role that can be used: the program's definition of a system
// role whatever is stored, and a stored role if it can be read.
func (p *oracleProgram) role(s *oracleState, key string) (oracleRole, bool) {
	if role, ok := p.system[key]; ok {
		return role, true
	}
	role, ok := s.roles[key]
	if !ok || !oracleGoodName(role.name) || !oracleGoodID(key) {
		return oracleRole{}, false
	}
	for _, a := range role.perms {
		if a.read > 2 || a.manage > 2 {
			return oracleRole{}, false
		}
	}
	return role, true
}

// member returns a member whose row can be read.
func (s *oracleState) member(user string) (oracleMember, bool) {
	m, ok := s.members[user]
	if !ok || !oracleGoodID(user) || !oracleGoodID(m.role) {
		return oracleMember{}, false
	}
	return m, true
}

// reach answers Scope and the reason of Explain (E1, E2, E5, E6, E7).
func (p *oracleProgram) reach(s *oracleState, user, area string, action int) (int, rbac.Reason) {
	owned, known := p.owned[area]
	if !known {
		return 0, rbac.ReasonUnknownArea
	}
	if action != 1 && action != 2 {
		return 0, rbac.ReasonInvalidAction
	}
	member, ok := s.member(user)
	if !ok {
		return 0, rbac.ReasonNotMember
	}
	if member.suspended {
		return 0, rbac.ReasonSuspended
	}
	role, ok := p.role(s, member.role)
	if !ok {
		return 0, rbac.ReasonRoleGone
	}
	switch scope := role.perms[area].scope(action); {
	case scope == 2:
		return 2, rbac.ReasonGranted
	case scope == 1 && owned:
		return 1, rbac.ReasonOwnOnly
	}
	return 0, rbac.ReasonNotGranted
}

// record answers CanRecord, with its reason (E3).
func (p *oracleProgram) record(s *oracleState, user, area string, action int, owners []string) (bool, rbac.Reason) {
	scope, why := p.reach(s, user, area, action)
	if scope != 1 {
		return scope == 2, why
	}
	if user != "" && slices.Contains(owners, user) {
		return true, rbac.ReasonOwnRecord
	}
	return false, rbac.ReasonNotOwner
}

// key is what a limit leaves of permissions that are shown.
func (p *oracleProgram) key(held, most oraclePerms) oraclePerms {
	out := oraclePerms{}
	for area, a := range held {
		out[area] = oracleAccess{p.limited(a.read, most, area, 1), p.limited(a.manage, most, area, 2)}
	}
	return out.granted()
}

// limited answers Scope for a subject that was limited: the smaller of both,
// where it means something.
func (p *oracleProgram) limited(scope int, most oraclePerms, area string, action int) int {
	allowed := most[area].scope(action)
	if allowed > 2 {
		allowed = 0
	}
	if scope > allowed {
		scope = allowed
	}
	if scope == 1 && !p.owned[area] {
		scope = 0
	}
	return scope
}

// shown is what stored permissions amount to: own means nothing where records
// have no owners (E6), and nothing means anything in areas that the program
// does not know (E7).
func (p *oracleProgram) shown(stored oraclePerms) oraclePerms {
	out := oraclePerms{}
	for area, a := range stored {
		owned, known := p.owned[area]
		if !owned && a.read == 1 {
			a.read = 0
		}
		if !owned && a.manage == 1 {
			a.manage = 0
		}
		if known && a != (oracleAccess{}) {
			out[area] = a
		}
	}
	return out
}

// beyond returns what want has and have has not.
func (want oraclePerms) beyond(have oraclePerms) oraclePerms {
	out := oraclePerms{}
	for area, a := range want {
		var m oracleAccess
		if a.read > have[area].read {
			m.read = a.read
		}
		if a.manage > have[area].manage {
			m.manage = a.manage
		}
		if m != (oracleAccess{}) {
			out[area] = m
		}
	}
	return out
}

// granted is p without the areas that grant nothing.
func (p oraclePerms) granted() oraclePerms {
	out := maps.Clone(p)
	maps.DeleteFunc(out, func(_ string, a oracleAccess) bool { return a == oracleAccess{} })
	return out
}

// Administration.
