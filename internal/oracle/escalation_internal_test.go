package oracle

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/areagate/rbac/internal/long"
)

// The search for escalation asks the oracle alone: could people who act
// together get further than each of them was let? It tries every sequence of
// changes by a coalition in tiny workspaces, and random ones in larger. What
// it must never find:
//
//   - Somebody of the coalition reaches records that none of them reached, or
//     could let others reach by a list, when they began.
//   - Who may not manage users touches somebody outside their list, makes an
//     administrator or a delegate, or changes a role.
//
// An outsider may strengthen a role meanwhile. What the coalition holds then,
// and what the lists that it did not write hand out then, was given.

// escalation is a workspace with a coalition in it.
type escalation struct {
	*oracleProgram
	name      string
	start     *oracleState
	coalition []string // members, and a friend who may join
	users     []string // everybody, members or not
	teams     []string
}

// escalationNode is a state that the coalition can reach.
type escalationNode struct {
	state    *oracleState
	given    escalationGiven
	outsider bool // who strengthens a role once
	trail    []string
}

// escalationGiven is what a coalition was given, by area and action.
type escalationGiven map[escalationRight]escalationReach

type escalationRight struct {
	area   string
	action int
}

type escalationReach struct {
	scope  int             // the most that one of them holds or may give
	teams  bool            // a list gives team: to anybody, in any team
	owners map[string]bool // whose records one of them reaches through their team
}

func (r escalationReach) String() string {
	return fmt.Sprint(r.scope, r.teams, slices.Sorted(maps.Keys(r.owners)))
}

func escalationProgram() *oracleProgram {
	p := &oracleProgram{teams: true, areas: map[string]oracleArea{
		"users": {owned: true}, "deals": {owned: true}, "notes": {owned: true},
	}}
	p.system = map[string]oracleRole{"administrator": {name: "Administrator", perms: p.everything()}}
	return p
}

// newEscalation generates a workspace with so many roles and members.
func newEscalation(seed uint64, number, roles, members int) *escalation {
	r := rand.New(rand.NewPCG(seed, uint64(number)))
	w := &escalation{
		oracleProgram: escalationProgram(),
		name:          fmt.Sprintf("RBAC_SEED=%d, workspace %d of %d roles and %d members", seed, number, roles, members),
		start:         newOracleState(),
		teams:         []string{"", "east", "west"},
	}
	for w.start.made < roles {
		w.start.made++
		role := oracleRole{name: fmt.Sprintf("Role %d", w.start.made), perms: oraclePerms{}, version: 1}
		role.perms["deals"] = oracleAccess{max(0, r.IntN(6)-2), max(0, r.IntN(8)-4)}
		role.perms["notes"] = oracleAccess{max(0, r.IntN(7)-3), 0}
		if r.IntN(3) == 0 {
			role.perms["users"] = oracleAccess{0, 3}
		}
		role.perms = role.perms.granted()
		for i := range roles {
			if r.IntN(2*roles) == 0 && i+1 != w.start.made {
				role.assigns = append(role.assigns, fmt.Sprintf("k%d", i+1))
			}
		}
		w.start.roles[fmt.Sprintf("k%d", w.start.made)] = role
	}
	for i := range members {
		user := string(rune('a' + i))
		m := oracleMember{role: fmt.Sprintf("k%d", 1+r.IntN(roles)), suspended: r.IntN(8) == 0, team: w.teams[r.IntN(3)]}
		if in := r.IntN(3) > 0; in && len(w.coalition) < max(2, members/2) {
			w.coalition = append(w.coalition, user)
		} else if r.IntN(3) == 0 {
			m.role = "administrator"
		}
		w.start.members[user], w.users = m, append(w.users, user)
	}
	w.coalition, w.users = append(w.coalition, "friend"), append(w.users, "friend")
	return w
}

// beginning is the state before anybody did anything.
func (w *escalation) beginning() escalationNode {
	n := escalationNode{state: w.start, given: escalationGiven{}}
	w.give(n.given, w.start)
	return n
}

// pool returns the roles that a list lets its holders give.
func (w *escalation) pool(s *oracleState, list []string) []string {
	var keys []string
	for _, key := range list {
		role, ok := s.roles[key]
		if ok && role.perms["users"].manage < 3 && len(role.assigns) == 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// give adds what the coalition has in a state to what it was given.
func (w *escalation) give(given escalationGiven, s *oracleState) {
	touched := w.touched(s)
	for _, user := range w.coalition {
		member, ok := s.members[user]
		if !ok || member.suspended {
			continue
		}
		pool := w.pool(s, w.start.roles[member.role].assigns)
		for _, right := range escalationRights() {
			reach := given[right]
			reach.owners = maps.Clone(reach.owners)
			if reach.owners == nil {
				reach.owners = map[string]bool{}
			}
			scope, _ := w.scope(s, user, right.area, right.action)
			reach.scope = max(reach.scope, scope)
			if scope == 2 {
				for _, owner := range w.users {
					// A delegate may take into their team whom one of them can touch.
					role := s.members[owner].role
					theirs := w.delegate(s, member.role) && !w.manages(s, user) && (role == "" || touched[role])
					if member.team != "" && theirs || member.team != "" && s.members[owner].team == member.team {
						reach.owners[owner] = true
					}
				}
			}
			for _, key := range pool {
				scope := s.roles[key].perms[right.area].scope(right.action)
				reach.scope, reach.teams = max(reach.scope, scope), reach.teams || scope >= 2
			}
			given[right] = reach
		}
	}
}

func (w *escalation) manages(s *oracleState, user string) bool {
	scope, _ := w.scope(s, user, "users", 2)
	return scope == 3
}

// touched returns the roles whose holders one of the coalition can touch: those
// of lists, and those that a user manager covers.
func (w *escalation) touched(s *oracleState) map[string]bool {
	touched := map[string]bool{}
	for _, user := range w.coalition {
		if m := s.members[user]; !m.suspended {
			for _, key := range w.pool(s, w.start.roles[m.role].assigns) {
				touched[key] = true
			}
		}
	}
	for key := range s.roles {
		if w.covered(s, key) {
			touched[key] = true
		}
	}
	return touched
}

// delegate reports whether a role's list gives something, or will once a user
// manager of the coalition makes a role in it administer nothing.
func (w *escalation) delegate(s *oracleState, role string) bool {
	list := w.start.roles[role].assigns
	return len(w.pool(s, list)) > 0 || slices.ContainsFunc(list, func(key string) bool { return w.covered(s, key) })
}

// covered reports whether a user manager of the coalition covers a role.
func (w *escalation) covered(s *oracleState, key string) bool {
	return slices.ContainsFunc(w.coalition, func(user string) bool {
		held := func(right escalationRight) int {
			scope, _ := w.scope(s, user, right.area, right.action)
			return scope
		}
		for _, key := range append([]string{key}, s.roles[key].assigns...) {
			for _, right := range escalationRights() {
				scope := s.roles[key].perms[right.area].scope(right.action)
				if key == "administrator" || scope > held(right) || scope == 2 && held(right) == 2 {
					return false
				}
			}
		}
		return w.manages(s, user)
	})
}

func escalationRights() []escalationRight {
	return []escalationRight{{"users", 2}, {"deals", 1}, {"deals", 2}, {"notes", 1}}
}

// ops returns what a user can try.
func (w *escalation) ops(s *oracleState, actor string) []oracleOp {
	var ops []oracleOp
	try := func(op oracleOp) {
		op.actor = actor
		ops = append(ops, op)
	}
	keys := slices.Sorted(maps.Keys(s.roles))
	for i, user := range w.users {
		for _, key := range append(keys, "administrator") {
			try(oracleOp{do: "assign", role: key, users: []string{user}})
		}
		for _, do := range []string{"suspend", "reinstate", "remove"} {
			try(oracleOp{do: do, users: []string{user}})
		}
		for _, team := range w.teams {
			try(oracleOp{do: "team", team: team, users: []string{user}})
			for _, other := range w.users[:i] {
				try(oracleOp{do: "team", team: team, users: []string{user, other}})
			}
		}
	}
	if !w.manages(s, actor) {
		return ops // A1, which random histories compare
	}
	role := s.roles[s.members[actor].role]
	name := fmt.Sprintf("Role %d", s.made+1)
	perms := []oraclePerms{{}, role.perms, {"deals": {2, 0}}, {"deals": {3, 0}}, {"notes": {3, 0}}, {"users": {0, 3}}}
	for _, p := range perms {
		try(oracleOp{do: "create", name: name, perms: p})
	}
	for _, key := range keys {
		before := s.roles[key]
		save := oracleOp{
			do: "update", role: key, name: before.name, version: before.version,
			perms: before.perms, assigns: before.assigns,
		}
		for _, p := range perms[1:] {
			op := save
			op.perms = before.perms.union(p)
			try(op)
		}
		op := save
		op.perms = oraclePerms{}
		try(op)
		for _, listed := range keys {
			op := save
			op.assigns = append(slices.Clone(before.assigns), listed)
			try(op)
			try(oracleOp{do: "create", name: name, perms: before.perms, assigns: []string{listed}})
		}
		if len(before.assigns) > 0 {
			op.perms, op.assigns = before.perms, nil
			try(op)
		}
		try(oracleOp{do: "delete", role: key})
		for _, with := range keys {
			try(oracleOp{do: "replace", role: key, with: with})
		}
	}
	return ops
}

// outside returns what an outsider may do to roles.
func (w *escalation) outside(s *oracleState) []oracleOp {
	var ops []oracleOp
	for _, key := range slices.Sorted(maps.Keys(s.roles)) {
		role := s.roles[key]
		for _, more := range []oraclePerms{{"deals": {3, 0}}, {"users": {0, 3}}} {
			ops = append(ops, oracleOp{
				do: "update", system: true, reason: "outside", role: key, name: role.name, version: role.version,
				perms: role.perms.union(more), assigns: role.assigns,
			})
		}
	}
	return ops
}

// take returns the node after an op, and what is wrong with it. There is none
// after an op that is refused or changes nothing.
func (w *escalation) take(n escalationNode, op oracleOp) (next escalationNode, changed bool, wrong string) {
	state, result := w.after(n.state, op)
	if len(result.changes) == 0 {
		return n, false, ""
	}
	h := &history{}
	next = escalationNode{state, n.given, n.outsider || op.system, append(slices.Clip(n.trail), h.describe(op))}
	if op.system {
		next.given = maps.Clone(n.given)
		w.give(next.given, state)
	} else {
		wrong = w.overstepped(n.state, state, op.actor)
	}
	if wrong == "" {
		wrong = w.escalated(next)
	}
	if wrong != "" {
		wrong = fmt.Sprintf("%s: coalition %q: %s\nfrom %v\n%s\nto %v", w.name, w.coalition, wrong, w.start, strings.Join(next.trail, "\n"), state)
	}
	return next, true, wrong
}

// escalated reports who of the coalition reaches what none of them was given.
func (w *escalation) escalated(n escalationNode) string {
	for _, user := range w.coalition {
		for _, right := range escalationRights() {
			scope, _ := w.scope(n.state, user, right.area, right.action)
			given := n.given[right]
			if given.scope == 3 {
				continue
			}
			if scope == 3 || scope > 0 && given.scope == 0 {
				return fmt.Sprintf("%s has %d for %v, given %v", user, scope, right, given)
			}
			for _, owner := range w.oracleProgram.reach(n.state, user, scope).owners {
				if owner != user && !given.teams && !given.owners[owner] {
					return fmt.Sprintf("%s reaches what %s owns for %v, given %v", user, owner, right, given)
				}
			}
		}
	}
	return ""
}

// overstepped reports what a delegate did who may not manage users, and may
// not do.
func (w *escalation) overstepped(before, after *oracleState, actor string) string {
	if w.manages(before, actor) {
		return ""
	}
	same := func(a, b oracleRole) bool { return a.version == b.version }
	if !maps.EqualFunc(before.roles, after.roles, same) {
		return actor + ", a delegate, changed a role"
	}
	pool := w.pool(before, before.roles[before.members[actor].role].assigns)
	for _, user := range w.users {
		was, is := before.members[user], after.members[user]
		if was == is {
			continue
		}
		for _, role := range []string{was.role, is.role} {
			if user == actor || role != "" && !slices.Contains(pool, role) {
				return fmt.Sprintf("%s, a delegate for %q, changed %s from %v to %v", actor, pool, user, was, is)
			}
		}
	}
	return ""
}

// search tries every sequence of at most so many changes, and returns the
// first that must not be.
func (w *escalation) search(depth int) (wrong string) {
	nodes := []escalationNode{w.beginning()}
	seen := map[string]bool{}
	for range depth {
		var next []escalationNode
		for _, n := range nodes {
			var ops []oracleOp
			for _, actor := range w.coalition {
				if m, ok := n.state.members[actor]; ok && !m.suspended {
					ops = append(ops, w.ops(n.state, actor)...)
				}
			}
			if !n.outsider {
				ops = append(ops, w.outside(n.state)...)
			}
			for _, op := range ops {
				after, changed, wrong := w.take(n, op)
				if wrong != "" {
					return wrong
				}
				if !changed {
					continue
				}
				if key := after.key(); !seen[key] {
					seen[key] = true
					next = append(next, after)
				}
			}
		}
		nodes = next
	}
	return ""
}

// key is equal for nodes from which the same can come.
func (n escalationNode) key() string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(n.state.roles)) {
		role := n.state.roles[key]
		fmt.Fprint(&b, key, role.perms, role.assigns)
	}
	fmt.Fprint(&b, n.state.members, n.outsider)
	if n.outsider {
		fmt.Fprint(&b, n.given)
	}
	return b.String()
}

// walk tries one sequence of changes at random.
func (w *escalation) walk(r *rand.Rand, length int) (wrong string) {
	n := w.beginning()
	for range length {
		actor := w.coalition[r.IntN(len(w.coalition))]
		ops := w.ops(n.state, actor)
		if !n.outsider && r.IntN(length) == 0 {
			ops = w.outside(n.state)
		}
		for range 20 {
			next, changed, wrong := w.take(n, ops[r.IntN(len(ops))])
			if wrong != "" {
				return wrong
			}
			if changed {
				n = next
				break
			}
		}
	}
	return ""
}

// Nobody gets further than they were let.
func TestNothingEscalates(t *testing.T) {
	t.Parallel()
	seed := testSeed(t)
	for i := range long.Scale(400) {
		depth := 2
		if i%20 == 0 {
			depth = 3
		}
		if wrong := newEscalation(seed, i, 4, 3).search(depth); wrong != "" {
			t.Fatal(wrong)
		}
	}
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range long.Scale(4000) {
		if wrong := newEscalation(seed, i, 3+i%4, 3+i%5).walk(r, 12); wrong != "" {
			t.Fatal(wrong)
		}
	}
}

// The search finds what each of these rules is for: without it somebody
// escalates in a workspace where nobody does with it.
func TestSearchFindsWhatRulesPrevent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		holes     oracleHoles
		workspace int // where it shows
		depth     int
	}{
		{"moving somebody into a team gives nothing (T4)", oracleHoles{moves: true}, 2, 2},
		{"team is given from team (T4)", oracleHoles{teamGives: true}, 19, 1},
		{"a user manager's own team will do (T4)", oracleHoles{managers: true}, 50, 1},
		{"a listed role administers (D1)", oracleHoles{lists: true}, 0, 1},
		{"who covers a role lists it (D1)", oracleHoles{anybody: true}, 57, 3},
		{"the list of a role is not compared (D3)", oracleHoles{delegation: true}, 108, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newEscalation(1, test.workspace, 4, 3)
			if wrong := w.search(test.depth); wrong != "" {
				t.Fatal(wrong)
			}
			w.holes = test.holes
			wrong := w.search(test.depth)
			if wrong == "" {
				t.Fatal("nothing was found")
			}
			t.Log(wrong)
		})
	}
}
