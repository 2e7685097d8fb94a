package rbachttp_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// countingIdentify counts how often it is asked.
func countingIdentify(n *atomic.Int64) rbachttp.Identify {
	return func(r *http.Request) (rbachttp.Caller, error) {
		n.Add(1)
		return identify(r)
	}
}

// Nested middleware of one guard asks once who calls, and each requirement
// counts.
func TestNested(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	var asked atomic.Int64
	guard := rbachttp.New(az.Authorizer, countingIdentify(&asked), rbachttp.WithLogger(quiet))
	member := guard.Require(rbachttp.Member())
	contacts := guard.Require(rbachttp.Needs(rbac.Contacts, rbac.Read))
	deals := guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))
	public := guard.Require(rbachttp.Public("test"))
	for _, test := range []struct {
		name  string
		h     http.Handler
		user  string
		want  int
		asked int64
	}{
		{"all met", member(contacts(deals(helloHandler))), "sal", 200, 1},
		{"twice the same", deals(deals(deals(helloHandler))), "sal", 200, 1},
		{"inner denies", member(contacts(helloHandler)), "gus", 403, 1},
		{"outer denies", contacts(member(helloHandler)), "gus", 403, 1},
		{"outer denies, and the inner would too", member(contacts(helloHandler)), "eve", 403, 1},
		{"nobody", member(contacts(helloHandler)), "", 401, 1},
		{"public is not asked", public(public(helloHandler)), "sal", 200, 0},
		{"public outside", public(contacts(helloHandler)), "gus", 403, 1},
		{"public inside", contacts(public(helloHandler)), "gus", 403, 1},
	} {
		asked.Store(0)
		require.Equal(t, test.want, record(test.h, "GET", "/", test.user).Code, test.name)
		require.Equal(t, test.asked, asked.Load(), test.name)
	}
}

// What limits the Subject between two guards also limits the inner one.
func TestNestedLimit(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
	outer := guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))
	limit := between(func(_ context.Context, s rbac.Subject) rbac.Subject {
		return s.Limit(rbac.Permissions{rbac.Deals: {Read: rbac.Own}})
	})
	for _, test := range []struct {
		need rbachttp.Requirement
		want int
	}{
		{rbachttp.Needs(rbac.Deals, rbac.Read), 403},
		{rbachttp.Needs(rbac.Contacts, rbac.Read), 403},
		{rbachttp.NeedsScope(rbac.Deals, rbac.Read), 200},
		{rbachttp.Member(), 200},
	} {
		var seen string
		h := outer(limit(guard.Require(test.need)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, _ := rbac.FromContext(r.Context())
			rbachttp.Reach(r.Context(), rbac.Deals, rbac.Read)
			seen = s.Permissions().String()
		}))))
		require.Equal(t, test.want, record(h, "GET", "/", "ada").Code, test.need.String())
		if test.want == 200 {
			require.Equal(t, "deals: read own", seen, test.need.String())
		}
	}
}

// Another guard within has its own callers. The outer one does not take them
// for its own, nor does it go back to its own behind them.
func TestNestedGuardsOfTwoKinds(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	var asked atomic.Int64
	staff := rbachttp.New(az.Authorizer, countingIdentify(&asked), rbachttp.WithLogger(quiet))
	robot := rbachttp.NewForWorkspace(az.For("bolt"), func(*http.Request) (rbachttp.Caller, error) { return rbachttp.User("bo"), nil }, rbachttp.WithLogger(quiet))
	audit := rbachttp.Needs(rbac.Audit, rbac.Read)
	var seen string
	look := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := rbac.FromContext(r.Context())
		seen = s.User()
	})
	member := rbachttp.Member()

	require.Equal(t, 200, record(staff.Require(member)(robot.Require(audit)(look)), "GET", "/", "sal").Code)
	require.Equal(t, "bo", seen)
	require.Equal(t, int64(1), asked.Load())
	require.Equal(t, 403, record(staff.Require(member)(robot.Require(audit)(staff.Require(audit)(look))), "GET", "/", "sal").Code)
	require.Equal(t, 403, record(staff.Require(member)(robot.Require(audit)(staff.Require(member)(look))), "GET", "/", "sal").Code)
	require.Equal(t, int64(3), asked.Load(), "once for each request")

	// A second guard with the same caller is another matter.
	second := rbachttp.New(az.Authorizer, countingIdentify(&asked), rbachttp.WithLogger(quiet))
	require.Equal(t, 200, record(staff.Require(member)(second.Require(member)(staff.Require(member)(look))), "GET", "/", "sal").Code)
	require.Equal(t, "sal", seen)
	require.Equal(t, int64(5), asked.Load(), "once for each guard")
	require.Equal(t, 403, record(staff.Require(member)(second.Require(member)(staff.Require(audit)(look))), "GET", "/", "sal").Code)

	// What was in the context before the first guard counts for nothing.
	smuggle := between(func(ctx context.Context, _ rbac.Subject) rbac.Subject {
		s, err := az.Subject(ctx, "ada")
		require.NoError(t, err)
		return s
	})
	require.Equal(t, 403, record(smuggle(staff.Require(audit)(look)), "GET", "/", "sal").Code)
	require.Equal(t, 200, record(smuggle(staff.Require(member)(look)), "GET", "/", "sal").Code)
	require.Equal(t, "sal", seen)
}

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
			rbachttp.Reach(r.Context(), rbac.Deals, rbac.Read)
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

// A guard that found a key does not forget it further in: not behind another
// guard, to which the same person is there without, and not for a Subject that
// somebody resolved anew.
func TestKeyIsNotForgottenFurtherIn(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	keys := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
	sessions := rbachttp.New(az.Authorizer, func(*http.Request) (rbachttp.Caller, error) { return rbachttp.User("ada"), nil })
	fresh := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := az.Subject(r.Context(), "ada")
			require.NoError(t, err)
			next.ServeHTTP(w, r.WithContext(rbac.NewContext(r.Context(), s)))
		})
	}
	for name, between := range map[string]func(http.Handler) http.Handler{
		"another guard":   sessions.Require(rbachttp.SignedIn()),
		"resolved anew":   fresh,
		"and both":        func(next http.Handler) http.Handler { return sessions.Require(rbachttp.SignedIn())(fresh(next)) },
		"the other order": func(next http.Handler) http.Handler { return fresh(sessions.Require(rbachttp.SignedIn())(next)) },
	} {
		given := ""
		inner := keys.Require(rbachttp.SignedIn())(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, _ := rbac.FromContext(r.Context())
			given = s.Permissions().String()
		}))
		require.Equal(t, 200, record(keys.Require(rbachttp.SignedIn())(between(inner)), "GET", "/", "ada", "Test-Limit: deals: read all").Code, name)
		require.Equal(t, "deals: read all", given, name)

		needs := keys.Require(rbachttp.Needs(rbac.Audit, rbac.Read))(helloHandler)
		h := keys.Require(rbachttp.SignedIn())(between(needs))
		require.Equal(t, 403, record(h, "GET", "/", "ada", "Test-Limit: deals: read all").Code, name)
		require.Equal(t, 200, record(h, "GET", "/", "ada").Code, name)
	}
}
