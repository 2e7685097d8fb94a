package oracle

import (
	"maps"
	"slices"

	"github.com/areagate/rbac"
)

// The oracle is the rules of docs/guarantees.md a second time, written to be obviously
// right: plain maps, copied whole with every change, and every rule asked
// every time. It takes constants from the library, and nothing that computes.
//
// Scopes are 0 none, 1 own, 2 team, 3 all; actions are 1 read, 2 manage. Roles
// go by keys of the oracle's own, since the library's ids are random.

type oracleAccess struct{ read, manage int }

type oraclePerms map[string]oracleAccess

type oracleRole struct {
	name, description string
	perms             oraclePerms // as stored
	assigns           []string    // keys, once each and in order
	version           int64
}

type oracleMember struct {
	role      string
	suspended bool
	team      string // as stored
}

// oracleState is what a workspace holds. It is never changed, only replaced.
type oracleState struct {
	roles   map[string]oracleRole // the stored ones
	members map[string]oracleMember
	seq     int64 // events so far
	made    int   // roles created so far
}

type oracleArea struct {
	owned  bool     // its records have owners
	only   int      // the area's one action, 0 for both
	former []string // its former names
}

// oracleProgram is what one version of an application knows.
type oracleProgram struct {
	areas  map[string]oracleArea
	teams  bool                  // opened WithTeams
	system map[string]oracleRole // the system roles
	holes  oracleHoles
}

// oracleHoles are rules that are left out, to see what that opens. The library
// is compared with an oracle that has none.
type oracleHoles struct {
	moves      bool // T4: moving somebody into a team gives nothing
	teamGives  bool // T4: Team may be given from Team
	managers   bool // T4: who manages users and has a list needs no more than Team for their own team
	lists      bool // D1, D4: a listed role may administer
	anybody    bool // D1: whoever covers a role may list it
	delegation bool // D3: the list of a role is not compared
}

// newOracleProgram returns a program with the built-in areas and more.
func newOracleProgram(teams bool, more map[string]oracleArea, system map[string]oracleRole) *oracleProgram {
	areas := map[string]oracleArea{"api": {}, "audit": {}}
	for _, area := range []string{"contacts", "organizations", "deals", "services", "tasks", "users"} {
		areas[area] = oracleArea{owned: true}
	}
	maps.Copy(areas, more)
	p := &oracleProgram{areas: areas, teams: teams, system: map[string]oracleRole{}}
	maps.Copy(p.system, system)
	p.system["administrator"] = oracleRole{name: "Administrator", perms: p.everything()}
	return p
}

// everything is every action that an area has (E5).
func (p *oracleProgram) everything() oraclePerms {
	perms := oraclePerms{}
	for area := range p.areas {
		perms[area] = oracleAccess{p.counts(area, 1, 3), p.counts(area, 2, 3)}
	}
	return perms
}

// options are those with which Open makes an Authorizer of the program.
func (p *oracleProgram) options() []rbac.Option {
	var names []string // the built-in areas, and then the application's own
	infos := map[string]rbac.AreaInfo{}
	for _, info := range rbac.DefaultAreas() {
		names, infos[string(info.Area)] = append(names, string(info.Area)), info
	}
	for _, name := range slices.Sorted(maps.Keys(p.areas)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var areas []rbac.AreaInfo
	for _, name := range names {
		area, known := p.areas[name]
		if !known {
			continue // renamed
		}
		info := infos[name]
		info.Area, info.Owned, info.Only = rbac.Area(name), area.owned, rbac.Action(area.only)
		for _, former := range area.former {
			info.Former = append(info.Former, rbac.Area(former))
		}
		areas = append(areas, info)
	}
	options := []rbac.Option{rbac.WithAreas(areas...)}
	if p.teams {
		options = append(options, rbac.WithTeams())
	}
	var roles []rbac.Role
	for _, id := range slices.Sorted(maps.Keys(p.system)) {
		if id != "administrator" {
			r := p.system[id]
			roles = append(roles, rbac.Role{
				ID: rbac.RoleID(id), Name: r.name, Description: r.description,
				Permissions: r.perms.library(), Assigns: libraryIDs(r.assigns),
			})
		}
	}
	return append(options, rbac.WithSystemRoles(roles...))
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

// team returns the team of a user, empty for none. A malformed one is none (T5).
func (s *oracleState) team(user string) string {
	if m, ok := s.member(user); ok && oracleGoodID(m.team) {
		return m.team
	}
	return ""
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
		if a.read > 3 || a.manage > 3 {
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

// today returns the name by which an area goes: a former name is read as that
// of the area which had it (E11).
func (p *oracleProgram) today(area string) string {
	for name, info := range p.areas {
		if slices.Contains(info.former, area) {
			return name
		}
	}
	return area
}

// through returns permissions by the names that areas have today, with grants
// of one area united (E11). A scope beyond all is none.
func (p *oracleProgram) through(stored oraclePerms) oraclePerms {
	out := oraclePerms{}
	for area, a := range stored {
		if a.read > 3 {
			a.read = 0
		}
		if a.manage > 3 {
			a.manage = 0
		}
		name := p.today(area)
		out[name] = oracleAccess{max(out[name].read, a.read), max(out[name].manage, a.manage)}
	}
	return out
}

// counts returns what a scope amounts to in a check (E6, E7, E10, T1).
func (p *oracleProgram) counts(area string, action, scope int) int {
	info, known := p.areas[area]
	switch {
	case !known:
		return 0
	case info.only != 0 && info.only != action:
		return 0
	case scope == 3:
		return 3
	case !info.owned:
		return 0
	case scope == 2 && !p.teams:
		return 1
	}
	return scope
}

// shown is what stored permissions amount to, by today's names.
func (p *oracleProgram) shown(stored oraclePerms) oraclePerms {
	out := oraclePerms{}
	for area, a := range p.through(stored) {
		out[area] = oracleAccess{p.counts(area, 1, a.read), p.counts(area, 2, a.manage)}
	}
	return out.granted()
}

// scope answers Scope and the reason of Explain (E1, E2, E5, E6, E7, E10).
func (p *oracleProgram) scope(s *oracleState, user, area string, action int) (int, rbac.Reason) {
	info, known := p.areas[area]
	if !known {
		return 0, rbac.ReasonUnknownArea
	}
	if action != 1 && action != 2 {
		return 0, rbac.ReasonInvalidAction
	}
	if info.only != 0 && info.only != action {
		return 0, rbac.ReasonNoSuchAction
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
	switch p.counts(area, action, p.through(role.perms)[area].scope(action)) {
	case 3:
		return 3, rbac.ReasonGranted
	case 2:
		return 2, rbac.ReasonTeamOnly
	case 1:
		return 1, rbac.ReasonOwnOnly
	}
	return 0, rbac.ReasonNotGranted
}

// record answers CanRecord for a scope that reached so far, with its reason
// (E3, T2).
func (p *oracleProgram) record(s *oracleState, user string, scope int, why rbac.Reason, owners []string) (bool, rbac.Reason) {
	if scope != 1 && scope != 2 {
		return scope == 3, why
	}
	for _, owner := range owners {
		if user != "" && owner == user {
			return true, rbac.ReasonOwnRecord
		}
	}
	if scope == 1 {
		return false, rbac.ReasonNotOwner
	}
	for _, owner := range owners {
		if s.team(user) != "" && s.team(owner) == s.team(user) {
			return true, rbac.ReasonTeamRecord
		}
	}
	return false, rbac.ReasonNotTeam
}

// oracleReach is a Reach.
type oracleReach struct {
	all    bool
	owners []string
	team   string
}

// reach answers Reach for a scope (T3).
func (p *oracleProgram) reach(s *oracleState, user string, scope int) oracleReach {
	switch scope {
	case 3:
		return oracleReach{all: true}
	case 2:
		owners := map[string]bool{user: true}
		for other := range s.members {
			if s.team(user) != "" && s.team(other) == s.team(user) {
				owners[other] = true
			}
		}
		return oracleReach{owners: slices.Sorted(maps.Keys(owners)), team: s.team(user)}
	case 1:
		return oracleReach{owners: []string{user}}
	}
	return oracleReach{}
}

func (r oracleReach) equal(other oracleReach) bool {
	return r.all == other.all && r.team == other.team && slices.Equal(r.owners, other.owners)
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
// where it means something. A limit is read through former names, too (E11).
func (p *oracleProgram) limited(scope int, most oraclePerms, area string, action int) int {
	return p.counts(area, action, min(scope, p.through(most)[area].scope(action)))
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

// union returns what p or q has.
func (p oraclePerms) union(q oraclePerms) oraclePerms {
	out := oraclePerms{}
	maps.Copy(out, p)
	for area, a := range q {
		out[area] = oracleAccess{max(out[area].read, a.read), max(out[area].manage, a.manage)}
	}
	return out
}

// granted is p without the areas that grant nothing.
func (p oraclePerms) granted() oraclePerms {
	out := maps.Clone(p)
	maps.DeleteFunc(out, func(_ string, a oracleAccess) bool { return a == oracleAccess{} })
	return out
}
