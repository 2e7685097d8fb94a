package rbachttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// A key is less than its owner, whatever its table says.
func TestKey(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
	all := "contacts: read all, manage all; deals: read all, manage all; audit: read all"
	for _, test := range []struct {
		user, limit string
		need        rbachttp.Requirement
		want        int
	}{
		{"ada", all, rbachttp.Needs(rbac.Audit, rbac.Read), 200},
		{"sal", all, rbachttp.Needs(rbac.Audit, rbac.Read), 403},
		{"sal", all, rbachttp.Needs(rbac.Contacts, rbac.Read), 200},
		{"sal", all, rbachttp.Needs(rbac.Contacts, rbac.Manage), 403},
		{"ada", "deals: read all", rbachttp.Needs(rbac.Contacts, rbac.Read), 403},
		{"ada", "deals: read own", rbachttp.Needs(rbac.Deals, rbac.Read), 403},
		{"ada", "deals: read own", rbachttp.NeedsScope(rbac.Deals, rbac.Read), 200},
		{"ada", "no access", rbachttp.NeedsScope(rbac.Deals, rbac.Read), 403},
		{"ada", "no access", rbachttp.Member(), 200},
		{"pat", all, rbachttp.Member(), 403},
		{"pat", all, rbachttp.Needs(rbac.Contacts, rbac.Read), 403},
	} {
		h := guard.Require(test.need)(helloHandler)
		require.Equal(t, test.want, record(h, "GET", "/", test.user, "Test-Limit: "+test.limit).Code, "%s with %q: %v", test.user, test.limit, test.need)
	}

	for name, test := range map[string]struct {
		caller rbachttp.Caller
		want   string
	}{
		"none":          {rbachttp.User("sal"), salesPermissions.String()},
		"nil":           {rbachttp.User("sal").Key("", nil), "no access"},
		"nil, and more": {rbachttp.User("sal").Key("", nil).Key("", salesPermissions), "no access"},
		"more, and nil": {rbachttp.User("sal").Key("", salesPermissions).Key("", nil), "no access"},
		"two": {rbachttp.User("sal").Key("", rbac.Permissions{rbac.Deals: {Read: rbac.All}, rbac.Tasks: {Read: rbac.All}}).
			Key("", rbac.Permissions{rbac.Deals: {Read: rbac.Own, Manage: rbac.All}}), "deals: read own"},
		"elsewhere": {rbachttp.User("bo").Key("bolt", rbac.Permissions{rbac.API: {Read: rbac.All}}), "api: read all"},
		"before In": {rbachttp.User("bo").Key("bolt", rbac.Permissions{rbac.API: {Read: rbac.All}}).In("bolt"), "api: read all"},
		"after In":  {rbachttp.User("bo").In("bolt").Key("bolt", rbac.Permissions{rbac.API: {Read: rbac.All}}), "api: read all"},
	} {
		identify := func(*http.Request) (rbachttp.Caller, error) { return test.caller, nil }
		h := rbachttp.New(az.Authorizer, identify).Require(rbachttp.SignedIn())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, _ := rbac.FromContext(r.Context())
			_, _ = io.WriteString(w, s.Permissions().String())
		}))
		require.Equal(t, test.want, record(h, "GET", "/", "").Body.String(), name)
	}
}

// A panic of Identify is not for the guard to judge: it goes on, and the
// handler is not reached.
func TestIdentifyThatPanics(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	reached := false
	guard := rbachttp.New(az.Authorizer, func(*http.Request) (rbachttp.Caller, error) { panic("identify") })
	h := guard.Require(rbachttp.SignedIn())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	require.PanicsWithValue(t, "identify", func() { record(h, "GET", "/", "ada") })
	server := serve(t, h)
	_, err := server.Client().Get(server.URL)
	require.Error(t, err)
	require.False(t, reached)
}

// An error beside a caller is an error, and an error that is a denial is no
// denial.
func TestIdentifyErrorsAreUnavailable(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	for _, err := range []error{errors.New("x"), rbac.ErrDenied, rbac.ErrInvalid, context.Canceled} {
		guard := rbachttp.New(az.Authorizer, func(*http.Request) (rbachttp.Caller, error) { return rbachttp.User("ada"), err }, rbachttp.WithLogger(quiet))
		require.Equal(t, 503, record(guard.Require(rbachttp.SignedIn())(helloHandler), "GET", "/", "").Code)
	}
}

// Nothing in a request makes the guard panic, or lets it through.
func TestHostileIdentities(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	ids := []string{" ", "\x00", "\xff\xfe", "ada\x00", "ada\n", strings.Repeat("a", 1<<16), "'; DROP TABLE members; --", "\u202eada", "Ada"}
	for _, id := range ids {
		for _, workspace := range ids {
			for name, caller := range map[string]rbachttp.Caller{
				"user":               rbachttp.User(id),
				"in a workspace":     rbachttp.User("ada").In(workspace),
				"user and workspace": rbachttp.User(id).In(workspace),
				"key":                rbachttp.User(id).Key("", rbac.Permissions{rbac.Area(id): {Read: 200, Manage: rbac.All}}),
			} {
				guard := rbachttp.New(az.Authorizer, func(*http.Request) (rbachttp.Caller, error) { return caller, nil }, rbachttp.WithLogger(quiet), rbachttp.WithMissingPermissionsInBody())
				for want, need := range map[int]rbachttp.Requirement{403: rbachttp.Needs(rbac.Audit, rbac.Read), 200: rbachttp.SignedIn()} {
					require.Equal(t, want, record(guard.Require(need)(helloHandler), "GET", "/", "").Code, "%s: %.20q in %.20q", name, id, workspace)
				}
				require.Equal(t, 200, record(guard.Permissions(), "GET", "/", "").Code)
			}
		}
	}
	// A limit with what no Scope is gives no more than the role.
	for _, scope := range []rbac.Scope{rbac.All + 1, 200, 255} {
		guard := rbachttp.New(az.Authorizer, func(*http.Request) (rbachttp.Caller, error) {
			return rbachttp.User("ada").Key("", rbac.Permissions{rbac.Audit: {Read: scope}}), nil
		}, rbachttp.WithLogger(quiet))
		require.Equal(t, 403, record(guard.Require(rbachttp.Needs(rbac.Audit, rbac.Read))(helloHandler), "GET", "/", "").Code, fmt.Sprint(scope))
	}
}
