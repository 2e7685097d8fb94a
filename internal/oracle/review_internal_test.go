package oracle

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
)

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
