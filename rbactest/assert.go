package rbactest

import (
	"context"
	"fmt"
	"testing"

	"github.com/areagate/rbac"
)

// Resolver gives the subjects that the assertions ask: an [rbac.Workspace], an
// [rbac.Authorizer], a [Workspace], or an application's own way from a user,
// or an API key, to a subject.
type Resolver interface {
	Subject(ctx context.Context, user string) (rbac.Subject, error)
}

// Allowed checks that a user may act on everything in an area. If not, or if
// no safe answer exists, the test fails with the decision's sentence. It
// reports whether the check passed.
func Allowed(t testing.TB, w Resolver, user string, area rbac.Area, action rbac.Action) bool {
	t.Helper()
	return expect(t, w, user, true, func(s rbac.Subject) (bool, fmt.Stringer) {
		d := s.Explain(area, action)
		return d.Allowed, d
	})
}

// Denied checks that a user may not act on everything in an area: their role
// does not reach it, or reaches own records only. If they may, or if no safe
// answer exists, the test fails: not being able to decide is no denial. It
// reports whether the check passed.
func Denied(t testing.TB, w Resolver, user string, area rbac.Area, action rbac.Action) bool {
	t.Helper()
	return expect(t, w, user, false, func(s rbac.Subject) (bool, fmt.Stringer) {
		d := s.Explain(area, action)
		return d.Allowed, d
	})
}

// AllowedRecord is [Allowed] for a record with these owners.
func AllowedRecord(t testing.TB, w Resolver, user string, area rbac.Area, action rbac.Action, owners ...string) bool {
	t.Helper()
	return expect(t, w, user, true, func(s rbac.Subject) (bool, fmt.Stringer) {
		return explainRecord(s, area, action, owners)
	})
}

// DeniedRecord is [Denied] for a record with these owners.
func DeniedRecord(t testing.TB, w Resolver, user string, area rbac.Area, action rbac.Action, owners ...string) bool {
	t.Helper()
	return expect(t, w, user, false, func(s rbac.Subject) (bool, fmt.Stringer) {
		return explainRecord(s, area, action, owners)
	})
}

// HasScope checks how far an action reaches for a user. It fails, too, if no
// safe answer exists. It reports whether the check passed.
func HasScope(t testing.TB, w Resolver, user string, area rbac.Area, action rbac.Action, want rbac.Scope) bool {
	t.Helper()
	s, err := w.Subject(t.Context(), user)
	if err != nil {
		t.Errorf("want scope %s for %q: %v", want, user, err)
		return false
	}
	if got := s.Scope(area, action); got != want {
		t.Errorf("want scope %s, got %s: %v", want, got, s.Explain(area, action))
		return false
	}
	return true
}

// expect resolves the user once, so that the answer and its sentence are of
// one moment.
func expect(t testing.TB, w Resolver, user string, want bool, ask func(rbac.Subject) (bool, fmt.Stringer)) bool {
	t.Helper()
	wanted := "denied"
	if want {
		wanted = "allowed"
	}
	s, err := w.Subject(t.Context(), user)
	if err != nil {
		t.Errorf("want %s for %q: %v", wanted, user, err)
		return false
	}
	got, why := ask(s)
	if got != want {
		t.Errorf("want %s: %v", wanted, why)
	}
	return got == want
}

// recordDecision is a decision about a record.
type recordDecision struct {
	rbac.Decision
	owners []string
}

// String returns the decision's sentence and, where they matter, the owners.
func (d recordDecision) String() string {
	if d.Scope != rbac.Own {
		return d.Decision.String()
	}
	return fmt.Sprintf("%v (owners %q)", d.Decision, d.owners)
}

// explainRecord decides about a record as the application does, and says why.
func explainRecord(s rbac.Subject, area rbac.Area, action rbac.Action, owners []string) (bool, fmt.Stringer) {
	d := recordDecision{s.Explain(area, action), owners}
	d.Allowed = s.CanRecord(area, action, owners...)
	if d.Scope == rbac.Own {
		d.Reason = rbac.ReasonNotOwner
		if d.Allowed {
			d.Reason = rbac.ReasonOwnRecord
		}
	}
	return d.Allowed, d
}
