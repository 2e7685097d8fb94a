package rbachttp_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// A limit that was put behind one guard holds at every guard further in that
// resolves the same caller, whoever is between.
func TestLimitReachesGuardsFurtherIn(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	as := func(user string) *rbachttp.Guard {
		return rbachttp.New(az.Authorizer, func(*http.Request) (rbachttp.Caller, error) { return rbachttp.User(user), nil }, rbachttp.WithLogger(quiet))
	}
	require.NoError(t, az.System("test").Assign(t.Context(), rbac.Administrator, "amy"))
	in := func(user string) func(http.Handler) http.Handler { return as(user).Require(rbachttp.SignedIn()) }
	limit := func(areas ...rbac.Area) func(http.Handler) http.Handler {
		most := rbac.Permissions{}
		for _, area := range areas {
			most[area] = rbac.Access{Read: rbac.All}
		}
		return between(func(_ context.Context, s rbac.Subject) rbac.Subject { return s.Limit(most) })
	}
	looks := func(user string) func(http.Handler) http.Handler {
		return as(user).Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))
	}
	same := as("ada").Require(rbachttp.Member())
	type chain []func(http.Handler) http.Handler
	for _, test := range []struct {
		name string
		chain
		want string // what the innermost caller may do
	}{
		{"none", chain{in("ada"), in("amy"), in("ada")}, administrator(t, az).String()},
		{"the next guard", chain{in("ada"), limit(rbac.Audit), in("ada")}, "audit: read all"},
		{"the one after it", chain{in("ada"), limit(rbac.Audit), in("ada"), in("ada")}, "audit: read all"},
		{"behind somebody else", chain{in("ada"), limit(rbac.Audit), in("amy"), in("ada")}, "audit: read all"},
		{"behind two others", chain{in("ada"), limit(rbac.Audit), in("amy"), in("bob"), in("ada"), in("ada")}, "audit: read all"},
		{"of both", chain{in("ada"), limit(rbac.Audit, rbac.API), in("amy"), in("ada"), limit(rbac.API, rbac.Users), in("amy"), in("ada")}, "api: read all"},
		{"of the other", chain{in("ada"), limit(rbac.Audit), in("amy"), limit(rbac.API), in("ada"), in("amy")}, "api: read all"},
		{"of the other only", chain{in("ada"), in("amy"), limit(rbac.API), in("ada")}, administrator(t, az).String()},
		{"behind one guard twice", chain{same, limit(rbac.Audit), same, same, in("ada")}, "audit: read all"},
		{"with looks", chain{looks("ada"), limit(rbac.Deals), in("amy"), looks("ada"), in("ada")}, "deals: read all"},
	} {
		var got string
		var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = subjectOf(r).Permissions().String()
			rbachttp.Scope(r.Context(), rbac.Deals, rbac.Read)
		})
		for i := len(test.chain) - 1; i >= 0; i-- {
			h = test.chain[i](h)
		}
		require.Equal(t, 200, record(h, "GET", "/", "").Code, test.name)
		require.Equal(t, test.want, got, test.name)
	}
}

func administrator(t *testing.T, az *team) rbac.Permissions {
	t.Helper()
	s, err := az.Subject(t.Context(), "ada")
	require.NoError(t, err)
	return s.Permissions()
}
