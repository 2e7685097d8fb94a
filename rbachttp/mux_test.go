package rbachttp_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

func TestMux(t *testing.T) {
	t.Parallel()
	mux, _ := newMux(t)
	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), echo)
	mux.HandleFunc("GET /deals/{id}", rbachttp.NeedsScope(rbac.Deals, rbac.Read), echo)
	mux.Handle("POST /deals", rbachttp.Needs(rbac.Deals, rbac.Manage), http.HandlerFunc(echo))
	mux.HandleFunc("/any", rbachttp.Needs(rbac.Audit, rbac.Read), echo)
	mux.HandleFunc("GET /files/{rest...}", rbachttp.Member(), echo)
	mux.HandleFunc("/tree/", rbachttp.Member(), echo)
	mux.HandleFunc("GET example.com/deals", rbachttp.Public("another host"), echo)
	mux.HandleFunc("GET /healthz", rbachttp.Public("load balancers ask"), echo)
	server := serve(t, mux)
	for _, test := range []struct {
		method, path, user string
		status             int
		body               string // of a 200
	}{
		{"GET", "/deals", "", 401, ""},
		{"GET", "/deals", "sal", 200, "GET /deals id= rest="},
		{"GET", "/deals?x=%2e%2e", "sal", 200, "GET /deals id= rest="},
		{"GET", "/deals", "gus", 403, ""},
		{"GET", "/deals/7", "sal", 200, "GET /deals/{id} id=7 rest="},
		{"GET", "/deals/7", "eve", 403, ""},
		{"POST", "/deals", "ada", 200, "POST /deals id= rest="},
		{"POST", "/deals", "sal", 403, ""},
		{"GET", "/any", "ada", 200, "/any id= rest="},
		{"BREW", "/any", "ada", 200, "/any id= rest="},
		{"BREW", "/any", "sal", 403, ""},
		{"BREW", "/any", "", 401, ""},
		{"GET", "/files/a/b", "gus", 200, "GET /files/{rest...} id= rest=a/b"},
		{"GET", "/files/a/b", "pat", 403, ""},
		{"GET", "/tree/a/b", "gus", 200, "/tree/ id= rest="},
		{"GET", "/tree", "", 307, ""},
		{"GET", "/tree", "ada", 307, ""},
		{"GET", "/healthz", "", 200, "GET /healthz id= rest="},
		{"HEAD", "/healthz", "", 200, ""},
	} {
		got := ask(t, server, test.method, test.path, test.user)
		require.Equal(t, test.status, redirect(got.status), "%s %s by %q", test.method, test.path, test.user)
		if test.status == 200 {
			require.Equal(t, test.body, got.body, "%s %s by %q", test.method, test.path, test.user)
		}
	}
	require.Equal(t, "GET example.com/deals id= rest=", record(mux, "GET", "http://example.com/deals", "").Body.String())
}

// What is not registered gets one answer, whoever asks; and nobody is asked
// who they are.
func TestUnknownRoutes(t *testing.T) {
	t.Parallel()
	asked := false
	guard := rbachttp.New(newTeam(t).Authorizer, func(r *http.Request) (rbachttp.Caller, error) {
		asked = true
		return identify(r)
	}, rbachttp.WithLogger(quiet))
	mux := guard.Mux()
	mux.HandleFunc("GET /deals", rbachttp.Needs(rbac.Deals, rbac.Read), echo)
	mux.HandleFunc("PUT /deals", rbachttp.Needs(rbac.Deals, rbac.Manage), echo)
	mux.HandleFunc("GET /deals/{id}", rbachttp.Needs(rbac.Deals, rbac.Read), echo)
	server := serve(t, mux)

	notFound := `{"type":"about:blank","title":"Not Found","status":404,"code":"not-found"}` + "\n"
	notAllowed := `{"type":"about:blank","title":"Method Not Allowed","status":405,"code":"method-not-allowed"}` + "\n"
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
		body         string
	}{
		{"GET", "/", 404, "", notFound},
		{"GET", "/x", 404, "", notFound},
		{"GET", "/Deals", 404, "", notFound},
		{"GET", "/deals/", 404, "", notFound},
		{"GET", "/deals/7/x", 404, "", notFound},
		{"OPTIONS", "/x", 404, "", notFound},
		{"HEAD", "/x", 404, "", ""},
		{"POST", "/deals", 405, "GET, HEAD, PUT", notAllowed},
		{"OPTIONS", "/deals", 405, "GET, HEAD, PUT", notAllowed},
		{"DELETE", "/deals/7", 405, "GET, HEAD", notAllowed},
	} {
		for _, user := range everybody {
			got := ask(t, server, test.method, test.path, user)
			require.Equal(t, test.status, got.status, "%s %s", test.method, test.path)
			require.Equal(t, test.body, got.body, "%s %s", test.method, test.path)
			require.Equal(t, test.allow, got.header.Get("Allow"), "%s %s", test.method, test.path)
			require.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
			require.Equal(t, "no-store", got.header.Get("Cache-Control"))
		}
	}
	require.False(t, asked)

	// NotFound is the same answer.
	other := serve(t, http.HandlerFunc(guard.NotFound))
	unknown, mine := ask(t, server, "GET", "/x", "ada"), ask(t, other, "GET", "/", "ada")
	unknown.header.Del("Date")
	mine.header.Del("Date")
	require.Equal(t, unknown, mine)
}

// A mux without routes, and muxes with a route for everything.
func TestMuxWithoutUnknownRoutes(t *testing.T) {
	t.Parallel()
	empty, _ := newMux(t)
	require.Equal(t, 404, record(empty, "GET", "/", "ada").Code)

	for _, pattern := range []string{"/", "/{rest...}"} {
		mux, _ := newMux(t)
		mux.HandleFunc(pattern, rbachttp.Member(), echo)
		mux.HandleFunc("GET /deals", rbachttp.Needs(rbac.Deals, rbac.Read), echo)
		require.Equal(t, 200, record(mux, "GET", "/x/y", "gus").Code, pattern)
		require.Equal(t, 403, record(mux, "GET", "/x", "eve").Code, pattern)
		require.Equal(t, 401, record(mux, "OPTIONS", "/x", "").Code, pattern)
		require.Equal(t, 403, record(mux, "GET", "/deals", "gus").Code, pattern)
		require.Equal(t, 200, record(mux, "POST", "/deals", "gus").Code, pattern, "the route for everything has it")
	}

	mux, _ := newMux(t) // for everything that is a GET
	mux.HandleFunc("GET /{rest...}", rbachttp.Member(), echo)
	require.Equal(t, "GET /{rest...} id= rest=x/y", record(mux, "GET", "/x/y", "gus").Body.String())
	require.Equal(t, 405, record(mux, "POST", "/x/y", "gus").Code)
	mux, _ = newMux(t) // for everything of a host
	mux.HandleFunc("example.com/", rbachttp.Member(), echo)
	require.Equal(t, 200, record(mux, "GET", "http://example.com/x", "gus").Code)
	require.Equal(t, 404, record(mux, "GET", "http://example.org/x", "gus").Code)
}

// Routes are there before the first request, so that the table of them is
// complete.
func TestMuxIsSealed(t *testing.T) {
	t.Parallel()
	mux, _ := newMux(t)
	mux.HandleFunc("GET /a", rbachttp.Member(), echo)
	record(mux, "GET", "/b", "")
	require.PanicsWithValue(t, "rbachttp: Handle of GET /b after the first request: Routes would not have shown it", func() {
		mux.HandleFunc("GET /b", rbachttp.Member(), echo)
	})
	require.Len(t, mux.Routes(), 1)
	require.Equal(t, 404, record(mux, "GET", "/b", "ada").Code)
}

// ServeMux takes blanks before a path, and so does the mux.
func TestPatternsWithBlanks(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{" /", "\t/", " \t /", " /{rest...}"} {
		mux, _ := newMux(t)
		mux.HandleFunc(pattern, rbachttp.Member(), hello)
		mux.HandleFunc("GET \t /deals", rbachttp.Needs(rbac.Deals, rbac.Read), hello)
		require.Equal(t, 200, record(mux, "GET", "/x", "gus").Code, "%q", pattern)
		require.Equal(t, 403, record(mux, "GET", "/x", "eve").Code, "%q", pattern)
		require.Equal(t, 403, record(mux, "GET", "/deals", "gus").Code, "%q", pattern)
		require.Equal(t, 403, record(mux, "GET", "/x%2F..%2Fdeals", "gus").Code, "%q", pattern)
		require.Contains(t, mux.Routes(), rbachttp.Route{Pattern: pattern, Path: strings.TrimLeft(pattern, " \t"), Requirement: rbachttp.Member()})
	}
	mux, _ := newMux(t)
	mux.HandleFunc("GET  /", rbachttp.Member(), hello)
	mux.HandleFunc(" example.com/", rbachttp.Member(), hello)
	require.Equal(t, 200, record(mux, "GET", "http://crm.example/x", "gus").Code)
	require.Equal(t, 405, record(mux, "POST", "http://crm.example/x", "gus").Code)
	require.Equal(t, 200, record(mux, "POST", "http://example.com/x", "gus").Code)
}

// A route that is registered twice names both lines of the application.
func TestConflictsNameTheCallers(t *testing.T) {
	t.Parallel()
	mux, _ := newMux(t)
	need := rbachttp.Member()
	_, file, line, ok := runtime.Caller(0)
	require.True(t, ok)
	mux.HandleFunc("GET /first", need, echo)
	mux.Handle("GET /deals/{id}", need, helloHandler)
	panics := func(register func()) (message string) {
		defer func() { message = recover().(string) }()
		register()
		return ""
	}
	for _, test := range []struct {
		pattern string
		second  func(pattern string)
		line    int // after the one above
		want    string
	}{
		{"GET /first", func(p string) { mux.Handle(p, need, helloHandler) }, 16, `conflicts with pattern "GET /first" (registered at FILE:3):` + "\nGET /first matches the same requests as GET /first"},
		{"GET  /first", func(p string) { mux.HandleFunc(p, need, echo) }, 17, `conflicts with pattern "GET /first" (registered at FILE:3):` + "\nGET  /first matches the same requests as GET /first"},
		{"GET /{x}/7", func(p string) { mux.HandleFunc(p, need, echo) }, 18, `conflicts with pattern "GET /deals/{id}" (registered at FILE:4):` + "\n"},
	} {
		message := panics(func() { test.second(test.pattern) })
		for n := range 30 {
			message = strings.ReplaceAll(message, fmt.Sprintf("%s:%d)", file, line+n), fmt.Sprintf("FILE:%d)", n+1))
		}
		require.Contains(t, message, fmt.Sprintf("rbachttp: pattern %q (registered at FILE:%d) ", test.pattern, test.line)+test.want)
	}
	require.Contains(t, panics(func() { mux.HandleFunc("GET /{", need, echo) }), `rbachttp: parsing "GET /{": `)
	require.Len(t, mux.Routes(), 2)
}

// A mistake in the wiring panics when it is made, and says what it is.
func TestWiringMistakes(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	mux, guard := newMux(t)
	needs := rbachttp.Needs(rbac.Deals, rbac.Read)
	mux.HandleFunc("GET /taken", needs, echo)
	var nilHandler http.Handler
	var nilFunc http.HandlerFunc
	for _, test := range []struct {
		want string
		do   func()
	}{
		{"rbachttp: nil Authorizer", func() { rbachttp.New(nil, identify) }},
		{"rbachttp: nil Workspace", func() { rbachttp.NewForWorkspace(nil, identify) }},
		{"rbachttp: nil Identify", func() { rbachttp.New(az.Authorizer, nil) }},
		{"rbachttp: nil Identify", func() { rbachttp.NewForWorkspace(az.Workspace, nil) }},
		{"rbachttp: nil Option", func() { rbachttp.New(az.Authorizer, identify, nil) }},
		{"rbachttp: WithLogger(nil)", func() { rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(nil)) }},
		{"rbachttp: WithAnswer(nil)", func() { rbachttp.New(az.Authorizer, identify, rbachttp.WithAnswer(nil)) }},
		{"rbachttp: WithUnusedScope(nil)", func() { rbachttp.New(az.Authorizer, identify, rbachttp.WithUnusedScope(nil)) }},
		{"rbachttp: WithRetryAfter must be greater than 0", func() { rbachttp.New(az.Authorizer, identify, rbachttp.WithRetryAfter(0)) }},
		{"rbachttp: WithRetryAfter must be greater than 0", func() { rbachttp.New(az.Authorizer, identify, rbachttp.WithRetryAfter(-1)) }},
		{`rbachttp: "app.example.com" is no origin, as https://app.example.com`, func() { rbachttp.New(az.Authorizer, identify, rbachttp.WithTrustedOrigins("app.example.com")) }},
		{"rbachttp: WithChallenge without a challenge", func() { rbachttp.New(az.Authorizer, identify, rbachttp.WithChallenge()) }},
		{`rbachttp: malformed challenge " "`, func() { rbachttp.New(az.Authorizer, identify, rbachttp.WithChallenge("Basic", " ")) }},
		{`rbachttp: malformed challenge "a\r\nb: c"`, func() { rbachttp.New(az.Authorizer, identify, rbachttp.WithChallenge("a\r\nb: c")) }},

		{"rbachttp: Needs of the empty area", func() { rbachttp.Needs("", rbac.Read) }},
		{"rbachttp: NeedsScope of the empty area", func() { rbachttp.NeedsScope("", rbac.Read) }},
		{`rbachttp: Needs of "deals": Action(0) is neither rbac.Read nor rbac.Manage`, func() { rbachttp.Needs(rbac.Deals, 0) }},
		{`rbachttp: NeedsScope of "deals": Action(3) is neither rbac.Read nor rbac.Manage`, func() { rbachttp.NeedsScope(rbac.Deals, 3) }},
		{"rbachttp: AllOf of no requirements", func() { rbachttp.AllOf() }},
		{"rbachttp: AnyOf of no requirements", func() { rbachttp.AnyOf() }},
		{"rbachttp: AllOf of a zero Requirement", func() { rbachttp.AllOf(needs, rbachttp.Requirement{}) }},
		{"rbachttp: AnyOf of a zero Requirement", func() { rbachttp.AnyOf(rbachttp.Requirement{}) }},
		{"rbachttp: AllOf of Public, which stands alone", func() { rbachttp.AllOf(rbachttp.Public("test")) }},
		{"rbachttp: AnyOf of Public, which stands alone", func() { rbachttp.AnyOf(needs, rbachttp.Public("test")) }},
		{"rbachttp: Public without a reason", func() { rbachttp.Public("") }},
		{"rbachttp: Public without a reason", func() { rbachttp.Public(" \t\n") }},

		{"rbachttp: zero Requirement", func() { guard.Require(rbachttp.Requirement{}) }},
		{`rbachttp: the Authorizer has no area "invoices"`, func() { guard.Require(rbachttp.Needs("invoices", rbac.Read)) }},
		{`rbachttp: the Authorizer has no area "invoices"`, func() {
			guard.Require(rbachttp.AllOf(needs, rbachttp.AnyOf(needs, rbachttp.NeedsScope("invoices", rbac.Read))))
		}},
		{`rbachttp: NeedsScope of "audit", whose records have no owners: use Needs`, func() { guard.Require(rbachttp.NeedsScope(rbac.Audit, rbac.Read)) }},
		{"rbachttp: nil handler", func() { guard.Require(needs)(nil) }},
		{"rbachttp: nil handler", func() { guard.Require(needs)(nilHandler) }},
		{"rbachttp: nil handler", func() { guard.Require(needs)(nilFunc) }},
		{"rbachttp: nil handler", func() { guard.Require(rbachttp.Public("test"))(nil) }},
		{"rbachttp: nil handler", func() { mux.Handle("GET /nil", needs, nil) }},
		{"rbachttp: nil handler", func() { mux.HandleFunc("GET /nil", needs, nil) }},
		{"rbachttp: zero Requirement", func() { mux.HandleFunc("GET /zero", rbachttp.Requirement{}, echo) }},
		{`rbachttp: the Authorizer has no area "invoices"`, func() { mux.HandleFunc("GET /i", rbachttp.Needs("invoices", rbac.Read), echo) }},
	} {
		require.PanicsWithValue(t, test.want, test.do)
	}
	for _, pattern := range []string{"", "GET", "GET x", "/a b", "GET /{", "GET /{a}/{a}", "GET /taken", "GET /{x...}/y", "G{T /x"} {
		require.Panics(t, func() { mux.HandleFunc(pattern, needs, echo) }, "%q", pattern)
	}
	require.Len(t, mux.Routes(), 1, "what panicked was not registered")

	// After all of this the mux still serves.
	require.Equal(t, 200, record(mux, "GET", "/taken", "ada").Code)
}

// A mux works below other handlers that change the request's URL.
func TestMuxBelowStripPrefix(t *testing.T) {
	t.Parallel()
	mux, _ := newMux(t)
	mux.HandleFunc("GET /deals/{id}", rbachttp.NeedsScope(rbac.Deals, rbac.Read), echo)
	outer := http.NewServeMux()
	outer.Handle("/api/", http.StripPrefix("/api", mux))
	for user, want := range map[string]int{"": 401, "sal": 200, "gus": 403} {
		require.Equal(t, want, record(outer, "GET", "/api/deals/7", user).Code, user)
	}
	require.Equal(t, 404, record(outer, "GET", "/api/x", "sal").Code)
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/api/deals/7", nil)
	r.Header.Set("Test-User", "sal")
	outer.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	require.NoError(t, err)
	require.Equal(t, "GET /deals/{id} id=7 rest=", string(body))
}

// A mux, its guard and its routes can be used by several goroutines, from the
// first request on.
func TestMuxIsConcurrent(t *testing.T) {
	t.Parallel()
	mux, guard := newMux(t)
	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), echo)
	mux.HandleFunc("GET /leak", rbachttp.NeedsScope(rbac.Deals, rbac.Read), func(http.ResponseWriter, *http.Request) {})
	mux.Handle("GET /me", rbachttp.SignedIn(), guard.Permissions())
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			user := everybody[i%len(everybody)]
			for _, path := range []string{"/deals", "/leak", "/me", "/unknown"} {
				record(mux, "GET", path, user)
				record(mux, "POST", path, user)
			}
			mux.Routes().Access(nil).Table()
		})
	}
	wait.Wait()
}
