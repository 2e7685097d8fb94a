package oracle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
)

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
