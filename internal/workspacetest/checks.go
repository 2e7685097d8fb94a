package workspacetest

import (
	"context"
	"errors"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
)

// Allows checks that a user may do everything.
func Allows(t testing.TB, w *rbac.Workspace, user string) {
	t.Helper()
	assert.NoError(t, w.Authorize(context.Background(), user, rbac.Users, rbac.Manage))
	if !w.Can(context.Background(), user, rbac.Users, rbac.Manage) {
		t.Fatalf("Can denies %q what Authorize allows", user)
	}
}

// RefusesAll checks that every kind of check fails closed, with an error that
// is ErrUnavailable and wraps the cause, and is not taken for a denial.
func RefusesAll(t testing.TB, w *rbac.Workspace, user string, cause error) {
	t.Helper()
	ctx := context.Background()
	if w.Can(ctx, user, rbac.Users, rbac.Manage) || w.CanRecord(ctx, user, rbac.Users, rbac.Manage, user) {
		t.Fatalf("%q is allowed", user)
	}
	scope, err1 := w.Scope(ctx, user, rbac.Users, rbac.Manage)
	err2 := w.Authorize(ctx, user, rbac.Users, rbac.Manage)
	d, err3 := w.Explain(ctx, user, rbac.Users, rbac.Manage)
	s, err4 := w.Subject(ctx, user)
	want := rbac.Decision{Workspace: w.ID(), User: user, Area: rbac.Users, Action: rbac.Manage, Reason: rbac.ReasonUnavailable}
	if scope != rbac.None || d != want || s.Can(rbac.Users, rbac.Manage) || len(s.Permissions()) > 0 {
		t.Fatalf("%q has scope %v, decision %v, permissions %v", user, scope, d, s.Permissions())
	}
	for _, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, rbac.ErrUnavailable) || errors.Is(err, rbac.ErrDenied) || cause != nil && !errors.Is(err, cause) {
			t.Fatalf("got error %v, want ErrUnavailable by %v", err, cause)
		}
	}
}
