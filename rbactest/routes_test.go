package rbactest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
	"github.com/areagate/rbac/rbactest"
)

var routeAreas = []rbac.AreaInfo{
	{Area: rbac.Users},
	{Area: rbac.Deals, Owned: true},
	{Area: "export", Only: rbac.Manage},
}

func routesThatNeed(needs ...rbachttp.Requirement) (routes rbachttp.Routes) {
	for _, need := range needs {
		routes = append(routes, rbachttp.Route{Path: "/", Requirement: need})
	}
	return routes
}

func TestUnasked(t *testing.T) {
	t.Parallel()
	users := rbachttp.AllOf(rbachttp.Needs(rbac.Users, rbac.Read), rbachttp.AnyOf(rbachttp.Member(), rbachttp.Needs(rbac.Users, rbac.Manage)))
	deals := rbachttp.NeedsScope(rbac.Deals, rbac.Read)
	export := rbachttp.Needs("export", rbac.Manage)
	nothing := []rbachttp.Requirement{rbachttp.SignedIn(), rbachttp.Member(), rbachttp.Public("test")}
	for name, test := range map[string]struct {
		except rbac.Permissions
		needs  []rbachttp.Requirement
		want   []string
	}{
		"all are asked for":    {rbac.Permissions{rbac.Deals: {Manage: rbac.Own}}, []rbachttp.Requirement{users, deals, export}, nil},
		"one is not":           {nil, []rbachttp.Requirement{users, deals, export}, []string{"no route asks to manage deals"}},
		"one action is enough": {rbac.Permissions{rbac.Users: {Manage: rbac.All, Read: rbac.All}}, []rbachttp.Requirement{deals, rbachttp.Needs(rbac.Deals, rbac.Manage)}, []string{"no route asks to manage export"}},
		"nothing is asked for": {nil, nothing, []string{
			"no route asks to read users", "no route asks to manage users", "no route asks to read deals", "no route asks to manage deals", "no route asks to manage export",
		}},
		"an exception that is asked for": {rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.All}}, []rbachttp.Requirement{users, deals, export}, []string{
			"a route asks to read deals, which is among the exceptions",
		}},
		"exceptions that are not there": {rbac.Permissions{rbac.Deals: {Manage: rbac.All}, "export": {Read: rbac.All}, "deal": {Read: rbac.Own}}, []rbachttp.Requirement{users, deals, export}, []string{
			"the exceptions have what the catalogue has not: deal: read own; export: read all",
		}},
	} {
		r := &recorder{TB: t}
		require.Equal(t, test.want == nil, rbactest.Unasked(r, routeAreas, test.except, routesThatNeed(test.needs[:1]...), routesThatNeed(test.needs[1:]...)), name)
		require.Equal(t, test.want, r.said, name)
	}
}

// A router that knows no guards: some routes are open to nobody, by mistake.
func TestClosed(t *testing.T) {
	t.Parallel()
	w := rbactest.New(t, rbactest.Member("ada", "Administrator"))
	guard := rbachttp.New(w.Authorizer, func(r *http.Request) (rbachttp.Caller, error) { return rbachttp.User(r.Header.Get("User")), nil })
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") })
	var asked []string
	mux := http.NewServeMux()
	mux.Handle("/closed/", guard.Require(rbachttp.Member())(hello))
	mux.Handle("/open/", hello)
	mux.HandleFunc("/panics/", func(http.ResponseWriter, *http.Request) { panic("nobody") })
	mux.HandleFunc("/stream/", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		<-r.Context().Done()
	})
	mux.HandleFunc("/flush/", func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, http.NewResponseController(w).Flush())
		<-r.Context().Done()
	})
	mux.HandleFunc("/forbidden/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.Host+r.URL.Path)
		mux.ServeHTTP(w, r)
	})
	for _, test := range []struct {
		route string
		asks  string // the first
		want  string // the first
	}{
		{"GET /closed/{id}", "GET example.com/closed/1", ""},
		{"GET /nowhere", "GET example.com/nowhere", ""},
		{"PUT /forbidden/:id/x", "PUT example.com/forbidden/1/x", ""},
		{"post /closed/{id:[0-9]{3}}/x-{name}/*", "POST example.com/closed/1/x-1/1", ""},
		{"GET  example.org/closed/{path...}", "GET example.org/closed/1", ""},
		{"GET /closed/{$}", "GET example.com/closed/", ""},
		{"GET /closed/*path", "GET example.com/closed/1", ""},
		{"GET /closed/static*", "GET example.com/closed/static1", ""},
		{"GET /closed/job:cancel", "GET example.com/closed/job:cancel", ""},
		{"/closed/", "GET example.com/closed/", ""},
		{"GET /open/{id}", "GET example.com/open/1", "GET /open/{id}: as nobody, GET /open/1 answers 200"},
		{"any /open/", "GET example.com/open/", "any /open/: as nobody, GET /open/ answers 200"},
		{"GET /panics/", "GET example.com/panics/", "GET /panics/: as nobody, GET /panics/ panics: nobody"},
		{"GET /stream/", "GET example.com/stream/", "GET /stream/: as nobody, GET /stream/ answers 200"},
		{"GET /flush/", "GET example.com/flush/", "GET /flush/: as nobody, GET /flush/ answers 200"},
		{"GET", "", `"GET" is not a method and a path`},
	} {
		asked = nil
		r := &recorder{TB: t}
		require.Equal(t, test.want == "", rbactest.Closed(r, h, "GET /closed/", test.route), test.route)
		if test.asks != "" {
			require.Equal(t, test.asks, asked[1])
		}
		if strings.HasPrefix(test.route, "any ") || strings.HasPrefix(test.route, "/") {
			require.Len(t, asked, 8, "every method")
		}
		if test.want == "" {
			require.Empty(t, r.said, test.route)
		} else {
			require.Equal(t, test.want, r.said[0])
		}
	}
	r := &recorder{TB: t}
	require.False(t, rbactest.Closed(r, h), "a list that came out empty shows nothing")
	require.Equal(t, []string{"no routes were given"}, r.said)
}
