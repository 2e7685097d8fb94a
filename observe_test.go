package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
)

// An observer sees every decision that a check makes, once, and cannot change
// it.
func TestObserverSeesEveryDecision(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "request")
	var seen []rbac.Decision
	store := fault.New(rbac.NewMemStore())
	az := openOn(t, store, rbac.WithObserver(func(ctx context.Context, d rbac.Decision) {
		if ctx.Value(key{}) != "request" {
			t.Error("the observer gets the request's context")
		}
		seen = append(seen, d)
		d.Allowed = true
	}))
	own := addRole(t, az.Workspace, "Own", rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.All)})
	assign(t, az.Workspace, own.ID, "vic")
	s, err := az.Subject(ctx, "vic")
	require.NoError(t, err)
	require.Empty(t, seen, "resolving decides nothing")
	for name, test := range map[string]struct {
		check   func() bool
		allowed bool
		reason  rbac.Reason
	}{
		"Can":                {func() bool { return az.Can(ctx, "vic", rbac.Deals, rbac.Read) }, false, rbac.ReasonOwnOnly},
		"Can, granted":       {func() bool { return az.Can(ctx, "vic", rbac.Deals, rbac.Manage) }, true, rbac.ReasonGranted},
		"CanRecord":          {func() bool { return az.CanRecord(ctx, "vic", rbac.Deals, rbac.Read, "vic") }, true, rbac.ReasonOwnRecord},
		"CanRecord, another": {func() bool { return az.CanRecord(ctx, "vic", rbac.Deals, rbac.Read, "eve") }, false, rbac.ReasonNotOwner},
		"Scope": {func() bool {
			scope, _ := az.Scope(ctx, "vic", rbac.Deals, rbac.Manage)
			return scope == rbac.All
		}, true, rbac.ReasonGranted},
		"Authorize":          {func() bool { return az.Authorize(ctx, "eve", rbac.Deals, rbac.Read) == nil }, false, rbac.ReasonNotMember},
		"Subject.Can":        {func() bool { return s.Can(rbac.Deals, rbac.Manage) }, true, rbac.ReasonGranted},
		"Subject.CanRecord":  {func() bool { return s.CanRecord(rbac.Deals, rbac.Read, "vic") }, true, rbac.ReasonOwnRecord},
		"Subject.Scope":      {func() bool { return s.Scope(rbac.Tasks, rbac.Read) != rbac.None }, false, rbac.ReasonNotGranted},
		"Subject.Authorize":  {func() bool { return s.Authorize("x", rbac.Read) == nil }, false, rbac.ReasonUnknownArea},
		"Subject.Limit":      {func() bool { return s.Limit(nil).Can(rbac.Deals, rbac.Manage) }, false, rbac.ReasonLimited},
		"a check that fails": {func() bool { return az.For("bad").Can(ctx, "vic", rbac.Deals, rbac.Read) }, false, rbac.ReasonUnavailable},
	} {
		store.Set(fault.Fails(errBoom), opView, opRevisions) // also when it is first asked what exists
		seen = nil
		require.Equal(t, test.allowed, test.check(), name)
		require.Len(t, seen, 1, name)
		require.Equal(t, test.allowed, seen[0].Allowed, name)
		require.Equal(t, test.reason, seen[0].Reason, name)
	}
	store.SetAll(nil)
	require.False(t, errors.Is(az.Sync(ctx), rbac.ErrUnavailable))
	checkInvariants(t, store, "")
}

// An observer that panics, or ends its goroutine, does so to the check.
func TestObserverPanicsInTheCheck(t *testing.T) {
	t.Parallel()
	az := openOn(t, rbac.NewMemStore(), rbac.WithObserver(func(_ context.Context, d rbac.Decision) {
		if d.User == "exit" {
			panic(errors.New(d.User))
		}
		panic(d.User)
	}))
	require.PanicsWithValue(t, "ann", func() { az.Can(t.Context(), "ann", rbac.Deals, rbac.Read) })
	require.PanicsWithValue(t, "ann", func() { az.Can(context.Background(), "ann", rbac.Deals, rbac.Read) })
	require.PanicsWithError(t, "exit", func() { az.Can(t.Context(), "exit", rbac.Deals, rbac.Read) })
}

// Refused changes leave no event. Whoever wants to know of them is told.
func TestRefusalObserver(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var told []string
	az := openOn(t, rbac.NewMemStore(), rbac.WithRefusalObserver(func(_ context.Context, r rbac.Refusal) {
		require.ErrorIs(t, r.Err, r.Rule)
		told = append(told, fmt.Sprintf("%s %q %s %q %v: %v", r.Workspace, r.Actor, r.Method, r.Role, r.Users, r.Rule))
	}))
	w := az.For("acme")
	assign(t, w, rbac.Administrator, "ann")
	viewer := addRole(t, w, "Viewer", nil)
	assign(t, w, viewer.ID, "vic")
	_ = w.As("vic").Assign(ctx, rbac.Administrator, "x", "y")
	_ = w.As("ann").Remove(ctx, "ann")
	_ = w.System("test").Suspend(ctx, "ann")
	_ = w.As("ann").DeleteRole(ctx, viewer.ID)
	_, _ = w.As("ann").CreateRole(ctx, rbac.Role{Name: "viewer"})
	_ = w.As("ann").Suspend(ctx, "")
	_ = w.As("ann").ReplaceRole(ctx, "gone", viewer.ID)
	_ = w.As("ann").Suspend(ctx, "vic") // not refused
	_, err := planOf(ctx, w.As("ann"), rbac.Role{Name: "viewer"})
	require.NoError(t, err) // a plan is no attempt
	require.Equal(t, []string{
		`acme "vic" Assign "administrator" [x y]: rbac: denied`,
		`acme "ann" Remove "" [ann]: rbac: nobody changes their own membership`,
		`acme "" Suspend "" [ann]: rbac: the last active administrator must stay`,
		fmt.Sprintf(`acme "ann" DeleteRole %q []: rbac: role is in use`, viewer.ID),
		`acme "ann" CreateRole "" []: rbac: role name is taken`,
		`acme "ann" Suspend "" []: rbac: invalid input`,
		`acme "ann" ReplaceRole "gone" []: rbac: role not found`,
	}, told)
}

// An observer that does not return holds a check no longer than its context
// allows (E9), and a moment.
func TestE9_ObserverThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		time.AfterFunc(time.Minute, func() { close(release) })
		az := openOn(t, rbac.NewMemStore(), rbac.WithObserver(func(context.Context, rbac.Decision) { <-release }))
		assign(t, az.Workspace, rbac.Administrator, "ann")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.True(t, az.Can(ctx, "ann", rbac.Deals, rbac.Read))
		require.Equal(t, time.Second+10*time.Millisecond, time.Since(began))
		<-release
	})
}
