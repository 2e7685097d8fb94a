package oracle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
)

// evaluation is a generated workspace, as rows in a store and in the oracle.
type evaluation struct {
	testing.TB
	name    string // seed and number, for failures
	ctx     context.Context
	program *oracleProgram
	state   *oracleState
	id      string // of the workspace
	users   []string
	owners  map[string][][]string // by user: see ownerships
	random  *rand.Rand
	az      *rbac.Authorizer
	w       *rbac.Workspace
}

var evaluationAreas = []rbac.Area{
	rbac.Contacts, rbac.Organizations, rbac.Deals, rbac.Services, rbac.Tasks, rbac.Users, rbac.API, rbac.Audit,
	"reports", "tickets", "visits", "exports", "cases", // the application's own
	"claims", // which cases were once
	"legacy", // of another version of the application
	"unheard-of", "", "Contacts", "contacts ", "\xff",
}

var evaluationActions = []rbac.Action{rbac.Read, rbac.Manage, 0, 3, 255}

// newEvaluation generates a workspace and opens an Authorizer on it.
func newEvaluation(t testing.TB, seed uint64, number int, options ...rbac.Option) *evaluation {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, uint64(number)))
	e := &evaluation{
		TB:      t,
		name:    fmt.Sprintf("RBAC_SEED=%d, workspace %d", seed, number),
		ctx:     t.Context(),
		program: evaluationProgram(number%4 < 2),
		state:   newOracleState(),
		id:      []string{"", "acme"}[number%2],
		owners:  map[string][][]string{},
		random:  r,
	}
	e.generateRoles(r)
	e.generateMembers(r)
	e.users = append(slices.Sorted(maps.Keys(e.state.members)),
		"", "nobody", "ADMINISTRATOR-ACTIVE", "administrator", "Auditor", "\xff", "a\x00b", strings.Repeat("u", 300))
	slices.Sort(e.users)
	e.users = slices.Compact(e.users)

	store := rbac.NewMemStore()
	e.write(store)
	az, err := rbac.Open(e.ctx, store, slices.Concat(e.program.options(), options, []rbac.Option{
		rbac.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))), // malformed rows are reported
	})...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = az.Close() })
	e.az, e.w = az, az.For(e.id)
	return e
}

// evaluationProgram knows teams or not, and areas of every kind.
func evaluationProgram(teams bool) *oracleProgram {
	system := map[string]oracleRole{
		"auditor": {name: "Auditor", perms: oraclePerms{"audit": {3, 0}, "contacts": {1, 0}, "tickets": {3, 1}}},
	}
	if teams {
		system["leader"] = oracleRole{name: "Leader", perms: oraclePerms{"contacts": {2, 1}, "cases": {2, 2}, "visits": {2, 0}}, assigns: []string{"auditor"}}
	}
	return newOracleProgram(teams, map[string]oracleArea{
		"reports": {}, "tickets": {owned: true}, "visits": {owned: true, only: 1}, "exports": {only: 2},
		"cases": {owned: true, former: []string{"claims", "affairs"}},
	}, system)
}

// generateRoles makes roles of every kind, among them rows that only a hand or
// another program can have written.
func (e *evaluation) generateRoles(r *rand.Rand) {
	for i := range 3 + r.IntN(4) {
		e.state.roles[fmt.Sprintf("role-%d", i)] = oracleRole{name: fmt.Sprintf("Role %d", i), perms: randomPerms(r, 4), assigns: [][]string{nil, {"auditor", "empty", "gone"}}[r.IntN(2)], version: 1}
	}
	e.state.roles["empty"] = oracleRole{name: "Empty"}
	e.state.roles["malformed"] = oracleRole{name: "Malformed", perms: oraclePerms{"contacts": {3, 3}, "deals": {3, 4 + r.IntN(252)}}}
	e.state.roles["nameless"] = oracleRole{name: " ", perms: oraclePerms{"contacts": {3, 3}}}
	e.state.roles["auditor"] = oracleRole{name: "Forged", perms: oraclePerms{"users": {3, 3}, "contacts": {3, 3}}}
	if r.IntN(2) == 0 {
		e.state.roles["administrator"] = oracleRole{name: "Forged too", perms: oraclePerms{}}
	}
}

// randomPerms gives most areas a scope below most for each action.
func randomPerms(r *rand.Rand, most int) oraclePerms {
	perms := oraclePerms{}
	for _, area := range evaluationAreas[:15] {
		if r.IntN(5) > 0 {
			perms[string(area)] = oracleAccess{r.IntN(most), r.IntN(most)}
		}
	}
	return perms
}

// generateMembers gives each role an active and a suspended member.
func (e *evaluation) generateMembers(r *rand.Rand) {
	for _, role := range append(slices.Sorted(maps.Keys(e.state.roles)), "administrator", "auditor", "leader", "gone", "") {
		team := func() string { return []string{"", "north", "north", "south", "south", " ", "a\x00b"}[r.IntN(7)] }
		e.state.members[role+"-active"] = oracleMember{role, false, team()}
		e.state.members[role+"-suspended"] = oracleMember{role, true, team()}
	}
	if r.IntN(2) == 0 {
		e.state.members[""] = oracleMember{"administrator", false, "north"}
		e.state.members["a\x00b"] = oracleMember{"administrator", false, "south"}
	}
}

// write writes the rows as no Admin would.
func (e *evaluation) write(store rbac.Store) {
	e.Helper()
	err := store.Update(e.ctx, e.id, func(tx rbac.Tx) error {
		for key, role := range e.state.roles {
			if err := tx.PutRole(rbac.Role{
				ID: rbac.RoleID(key), Name: role.name, Permissions: role.perms.library(), Assigns: libraryIDs(role.assigns), Version: 1,
				System: key == "role-1", CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(2, 0),
			}); err != nil {
				return err
			}
		}
		for user, m := range e.state.members {
			if err := tx.PutMembers(rbac.Member{User: user, Role: rbac.RoleID(m.role), Suspended: m.suspended, Team: m.team}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		e.Fatal(err)
	}
}

func (e *evaluation) errorf(format string, args ...any) {
	e.Helper()
	e.Fatalf("%s: %s", e.name, fmt.Sprintf(format, args...))
}

// ownerships returns the owners that a record can have, as far as they matter
// to a user.
func (e *evaluation) ownerships(user string) [][]string {
	if e.owners[user] != nil {
		return e.owners[user]
	}
	owners := [][]string{nil, {}, {user}, {user + "x"}, {"x", user, "y"}, {""}, {"", "x"}, {strings.ToUpper(user)}}
	seen := map[bool]bool{}
	for _, other := range e.users { // one of the user's team, and one who is not
		if same := e.state.team(other) == e.state.team(user); !seen[same] && other != user {
			seen[same] = true
			owners = append(owners, []string{other}, []string{"x", other})
		}
	}
	e.owners[user] = owners
	return owners
}

func TestEvaluationAgreesWithOracle(t *testing.T) {
	t.Parallel()
	seed := testSeed(t)
	for i := range long.Scale(200) {
		e := newEvaluation(t, seed, i)
		for _, user := range e.users {
			for _, area := range evaluationAreas {
				for _, action := range evaluationActions {
					e.checkWorkspace(user, area, action)
				}
			}
			e.checkSubject(user)
		}
		e.checkZeroSubject()
		_ = e.az.Close()
	}
}

// checkWorkspace compares the answers of a Workspace's methods.
func (e *evaluation) checkWorkspace(user string, area rbac.Area, action rbac.Action) {
	e.Helper()
	scope, why := e.program.scope(e.state, user, string(area), int(action))
	question := fmt.Sprintf("(%q, %q, %d)", user, area, action)
	want := e.decision(user, area, action, scope, why)
	if got := e.w.Can(e.ctx, user, area, action); got != want.Allowed {
		e.errorf("Can%s = %v, want %v: %v", question, got, want.Allowed, why)
	}
	if got, err := e.w.Scope(e.ctx, user, area, action); got != want.Scope || err != nil {
		e.errorf("Scope%s = %v, %v, want %v", question, got, err, want.Scope)
	}
	if got, err := e.w.Explain(e.ctx, user, area, action); got != want || err != nil {
		e.errorf("Explain%s = %+v, %v, want %+v", question, got, err, want)
	}
	e.checkDenial("Authorize"+question, e.w.Authorize(e.ctx, user, area, action), want)
	for _, owners := range e.ownerships(user) {
		allowed, _ := e.program.record(e.state, user, scope, why, owners)
		if got := e.w.CanRecord(e.ctx, user, area, action, owners...); got != allowed {
			e.errorf("CanRecord%s, owners %q = %v, want %v", question, owners, got, allowed)
		}
	}
}

// decision is what Explain must return.
func (e *evaluation) decision(user string, area rbac.Area, action rbac.Action, scope int, why rbac.Reason) rbac.Decision {
	d := rbac.Decision{
		Allowed: scope == 3, Workspace: e.id, User: user, Area: area, Action: action,
		Scope: rbac.Scope(scope), Reason: why,
	}
	if member, ok := e.state.member(user); ok {
		d.Role = rbac.RoleID(member.role)
		if role, ok := e.program.role(e.state, member.role); ok {
			d.RoleName = role.name
		}
	}
	return d
}

// checkDenial compares what an Authorize returned with a decision.
func (e *evaluation) checkDenial(call string, err error, want rbac.Decision) {
	e.Helper()
	var denied *rbac.DeniedError
	switch {
	case want.Allowed && err != nil:
		e.errorf("%s = %v, want nil", call, err)
	case want.Allowed:
	case !errors.Is(err, rbac.ErrDenied) || errors.Is(err, rbac.ErrUnavailable) || !errors.As(err, &denied):
		e.errorf("%s = %v, want a *DeniedError", call, err)
	case denied.Decision != want:
		e.errorf("%s: decision %+v, want %+v", call, denied.Decision, want)
	}
}

// checkSubject compares the answers of a Subject, of one that is limited, and
// of one that is limited twice.
func (e *evaluation) checkSubject(user string) {
	e.Helper()
	s, err := e.w.Subject(e.ctx, user)
	if err != nil {
		e.errorf("Subject(%q): %v", user, err)
	}
	member, _ := e.state.member(user)
	if s.User() != user || s.Workspace() != e.id || string(s.Role()) != member.role {
		e.errorf("Subject(%q) is %q with role %q in %q", user, s.User(), s.Role(), s.Workspace())
	}
	first, second := randomPerms(e.random, 5), randomPerms(e.random, 4)
	first["unheard-of"], first["affairs"] = oracleAccess{3, 3}, oracleAccess{1, 2}
	e.checkLimited(s, "")
	limited := s.Limit(first.library())
	e.checkLimited(limited, " limited to "+first.String(), first)
	e.checkLimited(limited.Limit(second.library()), " limited to "+first.String()+" and "+second.String(), first, second)
	e.checkLimited(s.Limit(nil), " limited to nothing", nil)
	e.checkLimited(s, "") // Limit leaves the original as it is
}

// checkLimited compares the answers of a subject, limited by each of limits.
func (e *evaluation) checkLimited(s rbac.Subject, how string, limits ...oraclePerms) {
	e.Helper()
	user, granted := s.User(), oraclePerms{}
	if s.Limited() != (len(limits) > 0) {
		e.errorf("Subject(%q)%s: Limited = %v", user, how, s.Limited())
	}
	for _, area := range evaluationAreas {
		for _, action := range evaluationActions {
			full, why := e.program.scope(e.state, user, string(area), int(action))
			scope := full
			for _, most := range limits {
				scope = e.program.limited(scope, most, string(area), int(action))
			}
			if scope < full {
				why = rbac.ReasonLimited
			}
			e.checkSubjectAnswer(s, how, e.decision(user, area, action, scope, why))
			if a := granted[string(area)]; action == rbac.Read {
				granted[string(area)] = oracleAccess{scope, a.manage}
			} else if action == rbac.Manage {
				granted[string(area)] = oracleAccess{a.read, scope}
			}
		}
	}
	if got := s.Permissions(); !maps.Equal(oraclePermsOf(got), granted.granted()) {
		e.errorf("Subject(%q)%s has %v, want %v", user, how, got, granted.granted())
	}
}

func (e *evaluation) checkSubjectAnswer(s rbac.Subject, how string, want rbac.Decision) {
	e.Helper()
	area, action := want.Area, want.Action
	question := func() string { return fmt.Sprintf("Subject(%q)%s, (%q, %d)", want.User, how, area, action) }
	if got := s.Explain(area, action); got != want {
		e.errorf("%s: Explain = %+v, want %+v", question(), got, want)
	}
	if s.Can(area, action) != want.Allowed || s.Scope(area, action) != want.Scope {
		e.errorf("%s: Can = %v, Scope = %v, want %v, %v", question(), s.Can(area, action), s.Scope(area, action), want.Allowed, want.Scope)
	}
	if err := s.Authorize(area, action); (err == nil) != want.Allowed {
		e.checkDenial(question()+".Authorize", err, want)
	}
	for _, owners := range e.ownerships(want.User) {
		allowed, _ := e.program.record(e.state, want.User, int(want.Scope), want.Reason, owners)
		if got := s.CanRecord(area, action, owners...); got != allowed {
			e.errorf("%s: CanRecord, owners %q = %v, want %v", question(), owners, got, allowed)
		}
	}
	reach := s.Reach(area, action)
	if got, want := (oracleReach{reach.All, reach.Owners, reach.Team}), e.program.reach(e.state, want.User, int(want.Scope)); !got.equal(want) {
		e.errorf("%s: Reach = %+v, want %+v", question(), got, want)
	}
	for _, owner := range e.users {
		if listed := reach.All || slices.Contains(reach.Owners, owner); s.CanRecord(area, action, owner) != listed {
			e.errorf("%s: Reach = %+v, which CanRecord does not say of %q", question(), reach, owner)
		}
	}
}

// checkZeroSubject sees that a Subject that nobody made is denied everything.
func (e *evaluation) checkZeroSubject() {
	e.Helper()
	var zero rbac.Subject
	for _, area := range evaluationAreas {
		for _, action := range evaluationActions {
			if zero.Can(area, action) || zero.CanRecord(area, action, "") || zero.Scope(area, action) != rbac.None ||
				!reflect.DeepEqual(zero.Reach(area, action), rbac.Reach{}) ||
				zero.Limit(rbac.Permissions{area: {Read: rbac.All, Manage: rbac.All}}).Can(area, action) ||
				!errors.Is(zero.Authorize(area, action), rbac.ErrDenied) {
				e.errorf("the zero Subject may %v %q", action, area)
			}
		}
	}
}

// An observer sees the decision of every check, and changes no answer.
func TestObservedEvaluationAgreesWithOracle(t *testing.T) {
	t.Parallel()
	seed := testSeed(t)
	for i := range long.Scale(30) {
		var seen []rbac.Decision
		observer := func(_ context.Context, d rbac.Decision) { seen = append(seen, d) }
		e := newEvaluation(t, seed, i, rbac.WithObserver(observer))
		users := e.users
		if !long.Enabled() {
			users = slices.Clone(users)
			e.random.Shuffle(len(users), func(i, j int) { users[i], users[j] = users[j], users[i] })
			users = users[:8]
		}
		for _, user := range users {
			for _, area := range evaluationAreas {
				for _, action := range evaluationActions {
					seen = nil
					e.checkWorkspace(user, area, action)
					e.checkObserved(user, area, action, seen)
				}
			}
			e.checkSubject(user)
		}
		_ = e.az.Close()
	}
}

// checkObserved compares what was observed of checkWorkspace: four questions
// about everything, and one for each ownership.
func (e *evaluation) checkObserved(user string, area rbac.Area, action rbac.Action, seen []rbac.Decision) {
	e.Helper()
	scope, why := e.program.scope(e.state, user, string(area), int(action))
	decision := e.decision(user, area, action, scope, why)
	want := []rbac.Decision{decision, decision, decision, decision}
	for _, owners := range e.ownerships(user) {
		d := decision
		d.Allowed, d.Reason = e.program.record(e.state, user, scope, why, owners)
		want = append(want, d)
	}
	if !slices.Equal(seen, want) {
		e.errorf("(%q, %q, %d): the observer saw\n%+v, want\n%+v", user, area, action, seen, want)
	}
}

// WhoCan, Matrix, Roles, Members, Scope, Can and Subject agree with each other,
// and with the oracle, on random workspaces.
func TestScenario42_ReviewsAgreeWithChecks(t *testing.T) {
	t.Parallel()
	seed := testSeed(t)
	for i := range long.Scale(200) {
		e := newEvaluation(t, seed, i)
		matrix, err := e.w.Matrix(e.ctx)
		if err != nil {
			e.errorf("Matrix: %v", err)
		}
		e.checkMatrix(matrix)
		members := e.checkMembers()
		for _, area := range evaluationAreas {
			for _, action := range evaluationActions {
				e.checkWhoCan(matrix, members, area, action)
			}
		}
		_ = e.az.Close()
	}
}

// checkMatrix compares the rows with Roles and with the oracle.
func (e *evaluation) checkMatrix(m rbac.Matrix) {
	e.Helper()
	roles, err := e.w.Roles(e.ctx)
	if err != nil {
		e.errorf("Roles: %v", err)
	}
	var want []string
	for key := range e.state.roles {
		if _, readable := e.program.role(e.state, key); readable && e.program.system[key].name == "" {
			want = append(want, key)
		}
	}
	slices.SortFunc(want, func(a, b string) int { // names differ, and differ in ASCII
		return cmp.Compare(strings.ToLower(e.state.roles[a].name), strings.ToLower(e.state.roles[b].name))
	})
	want = append(slices.Sorted(maps.Keys(e.program.system)), want...)
	if len(roles) != len(want) || len(m.Roles) != len(want) {
		e.errorf("Roles has %d, Matrix has %d, want %q", len(roles), len(m.Roles), want)
	}
	for i, key := range want {
		role, _ := e.program.role(e.state, key)
		_, system := e.program.system[key]
		for where, got := range map[string]rbac.Role{"Roles": roles[i], "Matrix": m.Roles[i]} {
			if string(got.ID) != key || got.Name != role.name || got.System != system || !slices.Equal(got.Assigns, libraryIDs(role.assigns)) ||
				!maps.Equal(oraclePermsOf(got.Permissions), e.program.shown(role.perms)) {
				e.errorf("%s has %+v at %d, want %s, %+v", where, got, i, key, role)
			}
		}
	}
	if len(m.Areas) != len(e.program.areas) {
		e.errorf("Matrix has areas %v", m.Areas)
	}
}

// checkMembers compares Members with the oracle.
func (e *evaluation) checkMembers() []rbac.Member {
	e.Helper()
	var members []rbac.Member
	var got, want []string
	for m, err := range e.w.Members(e.ctx, rbac.MemberQuery{}) {
		if err != nil {
			e.errorf("Members: %v", err)
		}
		members = append(members, m)
		if !e.program.teams {
			m.Team = "" // means nothing
		}
		got = append(got, fmt.Sprintf("%q %q %v %q", m.User, m.Role, m.Suspended, m.Team))
	}
	for _, user := range e.users {
		if m, ok := e.state.member(user); ok {
			if m.team = e.state.team(user); !e.program.teams {
				m.team = ""
			}
			want = append(want, fmt.Sprintf("%q %q %v %q", user, m.role, m.suspended, m.team))
		}
	}
	if !slices.Equal(got, want) {
		e.errorf("Members: %v, want %v", got, want)
	}
	if e.program.teams {
		e.checkTeam("north")
	}
	return members
}

// checkTeam compares the Members of a team with the oracle.
func (e *evaluation) checkTeam(team string) {
	e.Helper()
	var got, want []string
	for m, err := range e.w.Members(e.ctx, rbac.MemberQuery{Team: team}) {
		if err != nil {
			e.errorf("Members of team %q: %v", team, err)
		}
		got = append(got, m.User)
	}
	for _, user := range e.users {
		if e.state.team(user) == team {
			want = append(want, user)
		}
	}
	if !slices.Equal(got, want) {
		e.errorf("Members of team %q: %q, want %q", team, got, want)
	}
}

// checkWhoCan compares WhoCan with what Matrix, Scope, Can and Subject say of
// each member.
func (e *evaluation) checkWhoCan(matrix rbac.Matrix, members []rbac.Member, area rbac.Area, action rbac.Action) {
	e.Helper()
	var got []rbac.Holder
	var failed error
	for holder, err := range e.w.WhoCan(e.ctx, area, action) {
		if err != nil {
			failed = err
			continue
		}
		got = append(got, holder)
	}
	exists := (action == rbac.Read || action == rbac.Manage) && e.program.counts(string(area), int(action), 3) == 3
	if exists != (failed == nil) || !exists && !errors.Is(failed, rbac.ErrInvalid) {
		e.errorf("WhoCan(%q, %d): %v", area, action, failed)
	}
	var want []rbac.Holder
	for _, role := range matrix.Roles {
		for _, m := range members {
			if scope := e.scopeOf(m, area, action); m.Role == role.ID && scope != rbac.None {
				want = append(want, rbac.Holder{Member: m, RoleName: role.Name, Scope: scope, Delegate: len(role.Assigns) > 0})
			}
			if m.Role == role.ID && !m.Suspended && role.Permissions.Scope(area, action) != e.scopeOf(m, area, action) {
				e.errorf("%q has %v in the matrix for (%q, %d), but Scope says %v", m.User, role.Permissions, area, action, e.scopeOf(m, area, action))
			}
		}
	}
	if !slices.Equal(got, want) {
		e.errorf("WhoCan(%q, %d) = %v, but Scope says %v", area, action, got, want)
	}
	for _, user := range e.users {
		scope, _ := e.program.scope(e.state, user, string(area), int(action))
		listed := slices.ContainsFunc(got, func(h rbac.Holder) bool {
			return h.Member.User == user && int(h.Scope) == scope
		})
		if listed != (scope > 0) {
			e.errorf("WhoCan(%q, %d) lists %q: %v, but their scope is %d", area, action, user, listed, scope)
		}
	}
}

// scopeOf asks for a member's scope in every way, and sees that all agree.
func (e *evaluation) scopeOf(m rbac.Member, area rbac.Area, action rbac.Action) rbac.Scope {
	e.Helper()
	scope, err := e.w.Scope(e.ctx, m.User, area, action)
	if err != nil {
		e.errorf("Scope(%q): %v", m.User, err)
	}
	s, err := e.w.Subject(e.ctx, m.User)
	if err != nil {
		e.errorf("Subject(%q): %v", m.User, err)
	}
	can, record := e.w.Can(e.ctx, m.User, area, action), e.w.CanRecord(e.ctx, m.User, area, action, m.User)
	if s.Scope(area, action) != scope || s.Permissions().Scope(area, action) != scope ||
		can != (scope == rbac.All) || record != (scope != rbac.None) {
		e.errorf("(%q, %q, %d): Scope %v, Subject %v, Can %v, CanRecord %v", m.User, area, action, scope, s.Scope(area, action), can, record)
	}
	return scope
}
