package rbachttp_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// raw sends a request as it is written, with the headers that it needs to be
// one, and returns the answer as it comes.
func raw(t *testing.T, server *httptest.Server, requestLine, user string, headers ...string) (status int, text string) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	lines := append([]string{requestLine + " HTTP/1.1", "Host: crm.example", "Connection: close"}, headers...)
	if user != "" {
		lines = append(lines, "Test-User: "+user)
	}
	_, err = io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n")
	require.NoError(t, err)
	answer, err := io.ReadAll(bufio.NewReader(conn))
	require.NoError(t, err)
	fields := strings.Fields(string(answer))
	require.Greater(t, len(fields), 1, "%s: %q", requestLine, answer)
	status, err = strconv.Atoi(fields[1])
	require.NoError(t, err)
	return redirect(status), string(answer)
}

// redirect is the status with which ServeMux leads to a clean path: 301 before
// Go 1.26, 307 since.
func redirect(status int) int {
	if status == http.StatusMovedPermanently {
		return http.StatusTemporaryRedirect
	}
	return status
}

// No method, header or way of writing a path leads around a guard. What is
// about pages, such as cross-site posts, is not of this package.
func TestScenario39_NoWayAroundTheGuard(t *testing.T) {
	t.Parallel()
	var reached atomic.Int64
	secret := func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		_, _ = io.WriteString(w, "SECRET")
	}
	mux, _ := newMux(t)
	admin := rbachttp.Needs(rbac.Users, rbac.Manage)
	mux.HandleFunc("GET /admin/users", admin, secret)
	mux.HandleFunc("DELETE /admin/users/{id}", admin, secret)
	mux.HandleFunc("/any", admin, secret)
	mux.HandleFunc("/tree/", admin, secret)
	mux.HandleFunc("GET /healthz", rbachttp.Public("load balancers ask"), hello)
	mux.HandleFunc("POST /healthz", admin, secret)
	// Below, the whole service once more without a guard, by a handler that
	// decodes: what gets past the mux reaches the secrets.
	below := http.NewServeMux()
	below.HandleFunc("/", hello)
	for _, pattern := range []string{"/admin/users", "/any", "/tree/", "POST /healthz"} {
		below.HandleFunc(pattern, secret)
	}
	mux.Handle("GET /files/{path...}", rbachttp.Member(), decodeAndClean(below))
	server := serve(t, mux)

	for _, test := range []struct {
		request            string
		nobody, sales, ada int
		headers            []string
	}{
		// Methods.
		{"GET /admin/users", 401, 403, 200, nil},
		{"HEAD /admin/users", 401, 403, 200, nil},
		{"OPTIONS /admin/users", 405, 405, 405, nil},
		{"TRACE /admin/users", 405, 405, 405, nil},
		{"get /admin/users", 405, 405, 405, nil},
		{"BREW /admin/users", 405, 405, 405, nil},
		{"HEAD /any", 401, 403, 200, nil},
		{"OPTIONS /any", 401, 403, 200, nil},
		{"TRACE /any", 401, 403, 200, nil},
		{"CONNECT /any", 401, 403, 200, nil},
		{"PROPFIND /any", 401, 403, 200, nil},
		{"OPTIONS /tree/x", 401, 403, 200, nil},
		{"HEAD /healthz", 200, 200, 200, nil},
		{"OPTIONS /healthz", 405, 405, 405, nil},

		// Headers that some frameworks take for the method or the path.
		{"GET /admin/users", 401, 403, 200, []string{"X-HTTP-Method-Override: POST"}},
		{"POST /healthz", 401, 403, 200, []string{"X-HTTP-Method-Override: GET"}},
		{"POST /healthz", 401, 403, 200, []string{"X-HTTP-Method: GET", "X-Method-Override: HEAD"}},
		{"POST /healthz?_method=GET", 401, 403, 200, nil},
		{"GET /healthz", 200, 200, 200, []string{"X-HTTP-Method-Override: POST"}},
		{"GET /admin/users", 401, 403, 200, []string{"X-Original-URL: /healthz", "X-Rewrite-URL: /healthz"}},
		{"GET /healthz", 200, 200, 200, []string{"X-Original-URL: /admin/users", "X-Forwarded-Prefix: /admin"}},
		{"OPTIONS /any", 401, 403, 200, []string{"Origin: https://evil.example", "Access-Control-Request-Method: GET"}},

		// Paths. A redirect leads to the clean path and shows nothing.
		{"GET //admin/users", 307, 307, 307, nil},
		{"GET /./admin/users", 307, 307, 307, nil},
		{"GET /admin//users", 307, 307, 307, nil},
		{"GET /healthz/../admin/users", 307, 307, 307, nil},
		{"GET /files/../admin/users", 307, 307, 307, nil},
		{"GET /files/%2e%2e/admin/users", 401, 403, 200, nil}, // the files to us, and not to whatever is below
		{"GET /%2e/admin/users", 404, 404, 404, nil},
		{"GET /%61dmin/users", 401, 403, 200, nil},
		{"GET /admin%2fusers", 404, 404, 404, nil},
		{"GET /admin%2Fusers", 404, 404, 404, nil},
		{"GET /files/..%2fadmin%2fusers", 401, 403, 200, nil},
		{"GET /files/x%2f..%2f..%2fadmin", 401, 200, 200, nil}, // the files, and no other route
		{"GET /admin/users/", 404, 404, 404, nil},
		{"GET /admin/users%00", 404, 404, 404, nil},
		{"GET /admin/users;x=1", 404, 404, 404, nil},
		{"GET /admin/users.json", 404, 404, 404, nil},
		{"GET /ADMIN/users", 404, 404, 404, nil},
		{"GET /admin/users?../healthz", 401, 403, 200, nil},
		{"GET /admin/users#/healthz", 404, 404, 404, nil},
		{`GET /admin\users`, 404, 404, 404, nil},
		{"GET /tree", 307, 307, 307, nil},
		{"GET /tree/../tree/x", 307, 307, 307, nil},
		{"GET /tree/%2e%2e%2fhealthz", 401, 403, 200, nil},
		{"CONNECT //any", 404, 404, 404, nil},
		{"CONNECT /tree/../any", 401, 403, 200, nil},
		{"CONNECT crm.example:443", 404, 404, 404, nil},

		// Other forms of the request's target.
		{"GET http://crm.example/admin/users", 401, 403, 200, nil},
		{"GET http://other.example/admin/users", 401, 403, 200, nil},
		{"GET http://crm.example//admin/users", 307, 307, 307, nil},
		{"HEAD http://crm.example/any", 401, 403, 200, nil},
		{"GET http://crm.example", 307, 307, 307, nil},
		{"OPTIONS *", 200, 200, 200, nil}, // net/http answers, with nothing
		{"GET *", 400, 400, 400, nil},
		{"GET admin/users", 400, 400, 400, nil},
		{"GET /admin/%zz", 400, 400, 400, nil},
	} {
		for _, by := range []struct {
			user string
			want int
		}{{"", test.nobody}, {"sal", test.sales}, {"ada", test.ada}} {
			reached.Store(0)
			status, text := raw(t, server, test.request, by.user, test.headers...)
			require.Equal(t, by.want, status, "%s by %q", test.request, by.user)
			if by.user != "ada" {
				require.Zero(t, reached.Load(), "%s by %q", test.request, by.user)
				require.NotContains(t, text, "SECRET")
			}
		}
	}
}

// decodeAndClean serves a path as [http.FileServer] and many routers read it.
func decodeAndClean(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.URL = &url.URL{Path: path.Clean(r.URL.Path)}
		next.ServeHTTP(w, r)
	})
}

// Whatever is in a route or a role's name shows as it is and is no formula.
func TestScenario40_RoutesAreNeutralisedInCSV(t *testing.T) {
	t.Parallel()
	mux, _ := newMux(t)
	reasons := []string{"=1+1", "+1", "-1", "@SUM(A1)", "\ttab", "\rreturn", "a,b\n\"c\"", "plain", "=cmd|' /C calc'!A0"}
	for i, reason := range reasons {
		mux.HandleFunc("GET /"+string(rune('a'+i)), rbachttp.Public(reason), echo)
	}
	var out bytes.Buffer
	require.NoError(t, mux.Routes().Table().WriteCSV(&out))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, len(reasons)+1)
	for i, reason := range reasons {
		require.Equal(t, []string{"GET", "/" + string(rune('a'+i)), "public: " + reason}, rows[i+1])
	}

	var roles []rbac.Role
	for _, reason := range reasons {
		roles = append(roles, rbac.Role{Name: reason})
	}
	out.Reset()
	require.NoError(t, mux.Routes().Access(roles).Table().WriteCSV(&out))
	rows, err = csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{
		"Method", "Path", "(nobody)", "(no member)",
		"'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\ttab", "'\rreturn", "a,b\n\"c\"", "plain", "'=cmd|' /C calc'!A0",
	}, rows[0])

	// A route that was not made by a mux, as a cell of its own.
	out.Reset()
	require.NoError(t, rbachttp.Routes{{Method: "=X", Path: "@y", Requirement: rbachttp.Member()}}.Table().WriteCSV(&out))
	require.Equal(t, "Method,Path,Requirement\n'=X,'@y,member\n", out.String())

	// In a terminal and in Markdown nothing acts either.
	text, markdown, _ := texts(t, rbachttp.Routes{{Method: "GET", Path: "/\x1b[31m<b>|", Requirement: rbachttp.Member()}}.Table())
	require.Contains(t, text, "/\uFFFD[31m<b>|")
	require.Contains(t, markdown, `/`+"\uFFFD"+`\[31m&lt;b&gt;\|`)
}

// From outside nobody can tell a user who may not from one who is suspended,
// is in another workspace or does not exist.
func TestScenario41_DenialsLookTheSame(t *testing.T) {
	t.Parallel()
	guard := rbachttp.New(newTeam(t).Authorizer, identify, rbachttp.WithLogger(quiet))
	mux := guard.Mux()
	needs := map[string]rbachttp.Requirement{
		"/needs":  rbachttp.Needs(rbac.Audit, rbac.Read),
		"/scope":  rbachttp.NeedsScope(rbac.Organizations, rbac.Read),
		"/all":    rbachttp.AllOf(rbachttp.SignedIn(), rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.Member()),
		"/any":    rbachttp.AnyOf(rbachttp.Needs(rbac.API, rbac.Read), rbachttp.Needs(rbac.Audit, rbac.Read)),
		"/nested": rbachttp.SignedIn(),
	}
	for path, need := range needs {
		var h http.Handler = helloHandler
		if path == "/nested" {
			h = guard.Require(rbachttp.Needs(rbac.Audit, rbac.Read))(h)
		}
		mux.Handle(path, need, h)
	}
	server := serve(t, mux)
	long := strings.Repeat("x", 4000)
	callers := [][]string{
		{"sal"}, {"gus"}, {"pat"}, {"eve"}, {"bo"}, {"Ada"}, {"administrator"}, {"Administrator"}, {"\xff"}, {long}, {"ada\u200b"},
		{"ada", "Test-Workspace: bolt"}, {"ada", "Test-Workspace: nowhere"}, {"ada", "Test-Workspace: \xff"}, {"ada", "Test-Workspace: " + long},
		{"ada", "Test-Limit: no access"}, {"ada", "Test-Limit: contacts: read all, manage all"},
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST"} {
		answers := map[string]bool{}
		for path := range needs {
			for _, caller := range callers {
				status, text := raw(t, server, method+" "+path, caller[0], caller[1:]...)
				require.Equal(t, 403, status, "%s by %.20q", path, caller)
				answers[withoutDate(text)] = true
			}
			status, _ := raw(t, server, method+" "+path, "ada")
			require.Equal(t, 200, status, "not everybody is denied")
		}
		require.Len(t, answers, 1, "%s", method)
		for text := range answers {
			for _, internal := range []string{"audit", "role", "Sales", "member", "suspend", "user", "rbac", "workspace", "sal"} {
				require.NotContains(t, text, internal)
			}
		}
	}
}

func withoutDate(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "Date: ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// Staff and customers are in one process, with the same ids in the default
// workspace of two Authorizers. Nobody passes for the other.
func TestScenario58_SubjectOfAnotherAuthorizer(t *testing.T) {
	t.Parallel()
	staff, customers := newTeam(t), newTeam(t)
	require.NoError(t, customers.System("test").Assign(t.Context(), rbac.Administrator, "sal")) // Sales among staff
	staffGuard := rbachttp.New(staff.Authorizer, identify, rbachttp.WithLogger(quiet))
	customerGuard := rbachttp.New(customers.Authorizer, identify, rbachttp.WithLogger(quiet))
	audit, member := rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.Member()
	var seen rbac.Subject
	look := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen = subjectOf(r) })

	// Each guard resolves its own caller.
	require.Equal(t, 200, record(staffGuard.Require(member)(customerGuard.Require(audit)(look)), "GET", "/", "sal").Code)
	require.True(t, seen.Of(customers.Workspace))
	require.False(t, seen.Of(staff.Workspace))
	require.Equal(t, 403, record(customerGuard.Require(audit)(staffGuard.Require(audit)(look)), "GET", "/", "sal").Code)
	require.Equal(t, 200, record(customerGuard.Require(audit)(staffGuard.Require(member)(look)), "GET", "/", "sal").Code)
	require.True(t, seen.Of(staff.Workspace))

	// The customer is not the member of staff, so behind the customers' guard
	// the staff's denies.
	for _, need := range []rbachttp.Requirement{audit, member, rbachttp.SignedIn()} {
		h := staffGuard.Require(member)(customerGuard.Require(audit)(staffGuard.Require(need)(look)))
		require.Equal(t, 403, record(h, "GET", "/", "sal").Code, need.String())
	}

	// Nor does a Subject pass that somebody carries over.
	carry := between(func(ctx context.Context, s rbac.Subject) rbac.Subject {
		customer, err := customers.Subject(ctx, s.User())
		require.NoError(t, err)
		return customer
	})
	for _, need := range []rbachttp.Requirement{audit, member, rbachttp.SignedIn()} {
		require.Equal(t, 403, record(staffGuard.Require(member)(carry(staffGuard.Require(need)(look))), "GET", "/", "sal").Code, need.String())
	}
	require.Equal(t, 403, record(carry(staffGuard.Require(audit)(look)), "GET", "/", "sal").Code)
	require.Equal(t, 403, record(staffGuard.Require(member)(carry(customerGuard.Require(member)(look))), "GET", "/", "sal").Code)
}

// Something between two guards takes the Subject out of the context, or puts
// somebody else's there: the inner guard denies, and does not go back to the
// caller that the outer one found.
func TestScenario59_SubjectBetweenGuardsIsNotTheCallers(t *testing.T) {
	t.Parallel()
	az, other := newTeam(t), newTeam(t)
	logger, log := newLog()
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(logger))
	second := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(logger))
	resolve := func(w *rbac.Workspace, user string) func(context.Context, rbac.Subject) rbac.Subject {
		return func(ctx context.Context, _ rbac.Subject) rbac.Subject {
			s, err := w.Subject(ctx, user)
			require.NoError(t, err)
			return s
		}
	}
	contacts, deals := rbac.Permissions{rbac.Contacts: {Read: rbac.All}}, rbac.Permissions{rbac.Deals: {Read: rbac.All}}
	signedIn, member, read := rbachttp.SignedIn(), rbachttp.Member(), rbachttp.Needs(rbac.Contacts, rbac.Read)
	var asked atomic.Int64
	for _, test := range []struct {
		name   string
		change func(context.Context, rbac.Subject) rbac.Subject
		passes []rbachttp.Requirement // of the three, by ada
		found  string                 // who is logged when none passes
	}{
		{"the same", func(_ context.Context, s rbac.Subject) rbac.Subject { return s }, []rbachttp.Requirement{signedIn, member, read}, ""},
		{"resolved again", resolve(az.Workspace, "ada"), []rbachttp.Requirement{signedIn, member, read}, ""},
		{"observed", func(_ context.Context, s rbac.Subject) rbac.Subject {
			return s.Observe(func(rbac.Decision) { asked.Add(1) })
		}, []rbachttp.Requirement{signedIn, member, read}, ""},
		{"limited", func(_ context.Context, s rbac.Subject) rbac.Subject { return s.Limit(contacts) }, []rbachttp.Requirement{signedIn, member, read}, ""},
		{"limited to something else", func(_ context.Context, s rbac.Subject) rbac.Subject { return s.Limit(deals) }, []rbachttp.Requirement{signedIn, member}, ""},
		{"limited to nothing", func(_ context.Context, s rbac.Subject) rbac.Subject { return s.Limit(nil) }, []rbachttp.Requirement{signedIn, member}, ""},
		{"none", func(context.Context, rbac.Subject) rbac.Subject { return rbac.Subject{} }, nil, ""},
		{"of another user", resolve(az.Workspace, "sal"), nil, "sal"},
		{"of somebody unknown", resolve(az.Workspace, "eve"), nil, "eve"},
		{"of another workspace", resolve(az.For("bolt"), "ada"), nil, "ada"},
		{"of another Authorizer", resolve(other.Workspace, "ada"), nil, "ada"},
	} {
		for _, need := range []rbachttp.Requirement{signedIn, member, read} {
			want := 403
			for _, passed := range test.passes {
				if passed.String() == need.String() {
					want = 200
				}
			}
			for name, inner := range map[string]*rbachttp.Guard{"one guard": guard, "two guards of one Authorizer": second} {
				reached := false
				h := guard.Require(signedIn)(between(test.change)(inner.Require(need)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					reached = true
					require.Equal(t, "ada", subjectOf(r).User())
					if need.String() != read.String() && strings.HasPrefix(test.name, "limited") {
						require.False(t, subjectOf(r).Can(rbac.Audit, rbac.Read), "what was limited stays so")
					}
				}))))
				log.take()
				require.Equal(t, want, record(h, "GET", "/", "ada").Code, "%s: %s: %s", name, test.name, need)
				require.Equal(t, want == 200, reached)
				if test.passes == nil {
					require.Contains(t, log.take(), `level=WARN msg="rbachttp: denied: the Subject in the context is not that of the caller" method=GET pattern="" user=ada workspace="" found=`+cmp.Or(test.found, `""`))
				}
			}
		}
	}
	require.NotZero(t, asked.Load(), "the inner guard judged by the Subject that was observed")

	// A limit of the inner guard's own Identify and one that was put between
	// count both.
	limitContacts := between(func(_ context.Context, s rbac.Subject) rbac.Subject { return s.Limit(contacts) })
	for limit, want := range map[string]int{"contacts: read all": 200, "deals: read all": 403} {
		require.Equal(t, want, record(guard.Require(signedIn)(limitContacts(second.Require(read)(helloHandler))), "GET", "/", "ada", "Test-Limit: "+limit).Code, limit)
	}
}

// Identify takes the workspace from the host, and the key from a header. A key
// of one workspace opens nothing of another, though its owner may do everything
// in both: whatever the order of calls, the guard and the route.
func TestScenario101_KeyOfAnotherWorkspace(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	for _, workspace := range []string{"acme", "bolt"} {
		require.NoError(t, az.For(workspace).System("test").Assign(t.Context(), rbac.Administrator, "ada"))
	}
	most := rbac.Permissions{rbac.Audit: {Read: rbac.All}}
	var caller rbachttp.Caller
	identify := func(*http.Request) (rbachttp.Caller, error) { return caller, nil }
	logger, log := newLog()
	options := []rbachttp.Option{rbachttp.WithLogger(logger), rbachttp.WithMissingPermissionsInBody()}
	guards := map[string]*rbachttp.Guard{"any": rbachttp.New(az.Authorizer, identify, options...)}
	workspaces := []string{"", "acme", "bolt", "nowhere"}
	for _, w := range workspaces {
		guards["of "+w] = rbachttp.NewForWorkspace(az.For(w), identify, options...)
	}
	needs := []rbachttp.Requirement{rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.Member(), rbachttp.SignedIn()}
	ada := rbachttp.User("ada")
	try := func(name string, c rbachttp.Caller, home string, others ...string) {
		caller = c
		for of, guard := range guards {
			own, fixed := strings.CutPrefix(of, "of ")
			belongs := (!fixed || own == home) && !slices.ContainsFunc(others, func(other string) bool { return other != home })
			for _, need := range needs {
				var at string
				w := record(guard.Require(need)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					s := subjectOf(r)
					at = s.Workspace()
					require.True(t, s.Limited())
				})), "GET", "/", "")
				logged := log.take()
				switch {
				case belongs && (home != "nowhere" || need.String() == "signed in"):
					require.Equal(t, 200, w.Code, "%s, a guard %s: %v", name, of, need)
					require.Equal(t, home, at)
				case belongs:
					require.Equal(t, 403, w.Code)
				default:
					require.Equal(t, 403, w.Code, "%s, a guard %s: %v", name, of, need)
					require.Equal(t, `{"type":"about:blank","title":"Forbidden","status":403,"code":"denied"}`+"\n", w.Body.String())
					require.Contains(t, logged, `level=WARN msg="rbachttp: denied a caller of another workspace"`)
					require.Contains(t, logged, "key_workspace=")
				}
			}
		}
	}
	for _, home := range workspaces {
		try("without In, "+home, ada.Key(home, most), home)
		for _, other := range workspaces {
			name := fmt.Sprintf("%q in %q", home, other)
			try(name, ada.Key(home, most).In(other), home, other)
			try(name+", in the other order", ada.In(other).Key(home, most), home, other)
			try(name+", moved on", ada.In(other).Key(home, most).In(home), home)
			try(name+", two keys", ada.Key(home, most).Key(other, most), home, other)
			try(name+", two keys and back", ada.Key(home, most).Key(other, most).Key(home, most), home, other)
			try(name+", two keys of two and In", ada.Key(home, most).Key(other, most).In(other), other, home)
		}
	}
}
