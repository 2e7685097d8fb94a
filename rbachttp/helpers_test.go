package rbachttp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// The people of the tests, as Identify knows them by the header Test-User.
//
//	ada   Administrator
//	sal   Sales: deals read own, manage own; contacts read all; tasks read all, manage own
//	gus   Guest: no permissions
//	pat   Sales, suspended
//	eve   not a member
//	bo    Administrator of the workspace "bolt" only
//
// Test-Workspace puts the caller into another workspace, Test-Limit limits
// the caller, and Test-Fail makes Identify fail.
var salesPermissions = rbac.Permissions{
	rbac.Contacts: {Read: rbac.All},
	rbac.Deals:    {Read: rbac.Own, Manage: rbac.Own},
	rbac.Tasks:    {Read: rbac.All, Manage: rbac.Own},
}

var errIdentify = errors.New("the session store at db7.internal is down")

func identify(r *http.Request) (rbachttp.Caller, error) {
	if r.Header.Get("Test-Fail") != "" {
		return rbachttp.User("ada"), errIdentify
	}
	caller := rbachttp.User(r.Header.Get("Test-User"))
	if values := r.Header.Values("Test-Workspace"); len(values) > 0 {
		caller = caller.In(values[0])
	}
	if limit := r.Header.Get("Test-Limit"); limit != "" {
		var most rbac.Permissions
		if err := most.UnmarshalText([]byte(limit)); err != nil {
			return rbachttp.Caller{}, err
		}
		caller = caller.Key(r.Header.Get("Test-Workspace"), most)
	}
	return caller, nil
}

// team is an open Authorizer with the people above.
type team struct {
	*rbac.Authorizer
	sales, guest rbac.Role
}

func newTeam(tb testing.TB, opts ...rbac.Option) *team {
	tb.Helper()
	ctx := context.Background()
	az, err := rbac.Open(ctx, rbac.NewMemStore(), opts...)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = az.Close() })
	t := &team{Authorizer: az}
	app := az.System("test")
	t.sales, err = app.CreateRole(ctx, rbac.Role{Name: "Sales", Permissions: salesPermissions})
	require.NoError(tb, err)
	t.guest, err = app.CreateRole(ctx, rbac.Role{Name: "Guest"})
	require.NoError(tb, err)
	require.NoError(tb, app.Assign(ctx, rbac.Administrator, "ada"))
	require.NoError(tb, app.Assign(ctx, t.sales.ID, "sal", "pat"))
	require.NoError(tb, app.Assign(ctx, t.guest.ID, "gus"))
	require.NoError(tb, app.Suspend(ctx, "pat"))
	require.NoError(tb, az.For("bolt").System("test").Assign(ctx, rbac.Administrator, "bo"))
	return t
}

// newTeams is newTeam with a team north: sal, pat, and lea, who reads and manages
// the team's deals.
func newTeams(tb testing.TB, opts ...rbac.Option) *team {
	tb.Helper()
	ctx := context.Background()
	t := newTeam(tb, append(opts, rbac.WithTeams())...)
	app := t.System("test")
	lead, err := app.CreateRole(ctx, rbac.Role{Name: "Lead", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Team, Manage: rbac.Team}}})
	require.NoError(tb, err)
	require.NoError(tb, app.Assign(ctx, lead.ID, "lea"))
	require.NoError(tb, app.SetTeam(ctx, "north", "lea", "sal", "pat"))
	return t
}

// logBuffer is a log that several goroutines write.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was logged since the last time.
func (l *logBuffer) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

func newLog() (*slog.Logger, *logBuffer) {
	buffer := &logBuffer{}
	return slog.New(slog.NewTextHandler(buffer, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})), buffer
}

// quiet is a logger that nobody reads.
var quiet = slog.New(slog.DiscardHandler)

// answer is an HTTP answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// serve starts a server, which ends with the test.
func serve(tb testing.TB, h http.Handler) *httptest.Server {
	tb.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // tests make handlers panic
	server.Start()
	tb.Cleanup(server.Close)
	server.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return server
}

// ask makes a request as a user, nobody if empty. Headers are given as
// "Name: value".
func ask(tb testing.TB, server *httptest.Server, method, path, user string, headers ...string) answer {
	tb.Helper()
	got, err := try(tb.Context(), server, method, path, user, headers...)
	require.NoError(tb, err)
	return got
}

// try is ask for goroutines, which must not end the test.
func try(ctx context.Context, server *httptest.Server, method, path, user string, headers ...string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, server.URL+path, nil)
	if err != nil {
		return answer{}, err
	}
	setHeaders(r, user, headers)
	response, err := server.Client().Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

func setHeaders(r *http.Request, user string, headers []string) {
	if user != "" {
		r.Header.Set("Test-User", user)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
}

// record calls a handler without a server.
func record(h http.Handler, method, target, user string, headers ...string) *httptest.ResponseRecorder {
	return recordBody(h, method, target, user, "", headers...)
}

func recordBody(h http.Handler, method, target, user, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	setHeaders(r, user, headers)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// hello answers "hello" and looks at every scope there is.
func hello(w http.ResponseWriter, r *http.Request) {
	for _, info := range rbac.DefaultAreas() {
		rbachttp.Reach(r.Context(), info.Area, rbac.Read)
		rbachttp.Reach(r.Context(), info.Area, rbac.Manage)
	}
	_, _ = io.WriteString(w, "hello")
}

var helloHandler = http.HandlerFunc(hello)

// everybody are all kinds of callers; nobody is "".
var everybody = []string{"", "ada", "sal", "gus", "pat", "eve", "bo"}

// between changes the Subject between two guards.
func between(change func(context.Context, rbac.Subject) rbac.Subject) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, _ := rbac.FromContext(r.Context())
			next.ServeHTTP(w, r.WithContext(rbac.NewContext(r.Context(), change(r.Context(), s))))
		})
	}
}

// echo answers the pattern and the path values id and rest, and looks at the
// scope of deals.
func echo(w http.ResponseWriter, r *http.Request) {
	rbachttp.Reach(r.Context(), rbac.Deals, rbac.Read)
	fmt.Fprintf(w, "%s id=%s rest=%s", r.Pattern, r.PathValue("id"), r.PathValue("rest"))
}

func newMux(tb testing.TB, opts ...rbachttp.Option) (*rbachttp.Mux, *rbachttp.Guard) {
	tb.Helper()
	guard := rbachttp.New(newTeam(tb).Authorizer, identify, append([]rbachttp.Option{rbachttp.WithLogger(quiet)}, opts...)...)
	return guard.Mux(), guard
}

// texts returns what a table writes.
func texts(t *testing.T, w rbac.Table) (text, markdown, csv string) {
	t.Helper()
	var outs [3]bytes.Buffer
	require.NoError(t, w.WriteText(&outs[0]))
	require.NoError(t, w.WriteMarkdown(&outs[1]))
	require.NoError(t, w.WriteCSV(&outs[2]))
	return outs[0].String(), outs[1].String(), outs[2].String()
}

func newRoutes(t *testing.T) rbachttp.Routes {
	t.Helper()
	mux, guard := newMux(t)
	mux.HandleFunc("POST /deals", rbachttp.Needs(rbac.Deals, rbac.Manage), echo) // not in the order of the table
	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), echo)
	mux.HandleFunc("/deals", rbachttp.AllOf(rbachttp.Member(), rbachttp.AnyOf(rbachttp.NeedsScope(rbac.Deals, rbac.Read), rbachttp.Needs(rbac.Audit, rbac.Read))), echo)
	mux.Handle("GET /me/permissions", rbachttp.SignedIn(), guard.Permissions())
	mux.HandleFunc("GET \t example.com/x", rbachttp.AnyOf(rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.NeedsScope(rbac.Deals, rbac.Read)), echo)
	mux.HandleFunc("GET /healthz", rbachttp.Public("load balancers ask"), echo)
	mux.HandleFunc("GET /board", rbachttp.AllOf(rbachttp.NeedsScope(rbac.Tasks, rbac.Read), rbachttp.NeedsScope(rbac.Deals, rbac.Read)), echo)
	return mux.Routes()
}

// unusedScopes collects what is reported as unused.
type unusedScopes struct {
	mu    sync.Mutex
	needs []string
}

func (u *unusedScopes) report(_ *http.Request, need rbachttp.Requirement) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.needs = append(u.needs, need.String())
}

// take returns what was reported since the last time.
func (u *unusedScopes) take() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	defer func() { u.needs = nil }()
	return u.needs
}

// subjectOf returns the Subject of a request.
func subjectOf(r *http.Request) rbac.Subject {
	s, _ := rbac.FromContext(r.Context())
	return s
}
