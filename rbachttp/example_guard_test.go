package rbachttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// Require is middleware in the standard shape. A router such as chi takes it
// as it is: r.With(guard.Require(…)).Get("/audit", audit).
func ExampleGuard_Require() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()
	guard := rbachttp.New(az, bySession)

	mux := http.NewServeMux()
	mux.Handle("GET /audit", guard.Require(rbachttp.Needs(rbac.Audit, rbac.Read))(audit))
	mux.Handle("GET /contacts", guard.Require(rbachttp.Needs(rbac.Contacts, rbac.Read))(say("the contacts")))

	// Middleware of one guard can be nested. Bob is looked up once.
	members := guard.Require(rbachttp.Member())(mux)

	show(members, "ada", "GET", "/audit")
	show(members, "bob", "GET", "/contacts")
	show(members, "cleo", "GET", "/contacts")
	// Output:
	// ada GET /audit: 200 the audit log
	// bob GET /contacts: 200 the contacts
	// cleo GET /contacts: 403 {"type":"about:blank","title":"Forbidden","status":403,"code":"denied"}
}

// A list endpoint asks how far the caller reaches and filters by the answer.
func ExampleNeedsScope() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()
	guard := rbachttp.New(az, bySession)

	list := func(w http.ResponseWriter, r *http.Request) {
		subject, _ := rbac.FromContext(r.Context())
		where, args := "FALSE", []any(nil)
		switch rbachttp.Scope(r.Context(), rbac.Deals, rbac.Read) {
		case rbac.All:
			where = "TRUE"
		case rbac.Own:
			where, args = "owner = $1", []any{subject.User()}
		}
		fmt.Fprint(w, "SELECT id, title FROM deals WHERE ", where, " ", args)
	}
	h := guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))(http.HandlerFunc(list))

	show(h, "ada", "GET", "/deals")
	show(h, "bob", "GET", "/deals")
	// Output:
	// ada GET /deals: 200 SELECT id, title FROM deals WHERE TRUE []
	// bob GET /deals: 200 SELECT id, title FROM deals WHERE owner = $1 [bob]
}

// Requirements are values. They can be combined, named and kept.
func ExampleAnyOf() {
	reviewer := rbachttp.AnyOf(
		rbachttp.Needs(rbac.Audit, rbac.Read),
		rbachttp.AllOf(rbachttp.Needs(rbac.Users, rbac.Read), rbachttp.Needs(rbac.API, rbac.Read)),
	)
	fmt.Println(reviewer)
	// Output: audit: read all, or (users: read all, and api: read all)
}

// A handler that shows a list and never looked at the scope is reported: to
// the log, or to the test that calls it.
func ExampleWithUnusedScope() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	var t printer // *testing.T in a test
	guard := rbachttp.New(az, bySession, rbachttp.WithUnusedScope(func(r *http.Request, need rbachttp.Requirement) {
		t.Errorf("%s %s did not look at the scope: %v", r.Method, r.URL.Path, need)
	}))
	need := rbachttp.NeedsScope(rbac.Deals, rbac.Read)

	show(guard.Require(need)(http.HandlerFunc(listDeals)), "bob", "GET", "/deals")
	show(guard.Require(need)(say("all deals")), "bob", "GET", "/forgetful")
	// Output:
	// bob GET /deals: 200 the deals of bob
	// GET /forgetful did not look at the scope: deals: read own or all
	// bob GET /forgetful: 200 all deals
}

// printer stands for a *testing.T.
type printer struct{}

func (printer) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// Identify tells a bad session, which is nobody, from a session store that is
// down, which is an error.
func ExampleIdentify() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	sessions := map[string]string{"7f3a": "ada"} // yours
	down := false

	identify := func(r *http.Request) (rbachttp.Caller, error) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			return rbachttp.Caller{}, nil // nobody: 401
		}
		if down {
			return rbachttp.Caller{}, errors.New("session store: connection refused") // 503
		}
		return rbachttp.User(sessions[token]), nil // a token that is not known is nobody
	}
	guard := rbachttp.New(az, identify, rbachttp.WithLogger(slog.New(slog.DiscardHandler)))
	h := guard.Require(rbachttp.Needs(rbac.Audit, rbac.Read))(audit)

	status := func(authorization string) int {
		r := httptest.NewRequest(http.MethodGet, "/audit", nil)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	fmt.Println(status("Bearer 7f3a"), status("Bearer expired"), status(""))
	down = true
	fmt.Println(status("Bearer 7f3a"))
	// Output:
	// 200 401 401
	// 503
}

// The workspace comes from the request: here, from the name of the host. A
// user who is no member there is denied.
func ExampleCaller_In() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()
	if err := az.For("acme").System("sign-up").Assign(ctx, rbac.Administrator, "bob"); err != nil {
		panic(err)
	}

	identify := func(r *http.Request) (rbachttp.Caller, error) {
		caller, err := bySession(r)
		workspace, _, _ := strings.Cut(r.Host, ".")
		return caller.In(workspace), err
	}
	guard := rbachttp.New(az, identify)
	h := guard.Require(rbachttp.Needs(rbac.Audit, rbac.Read))(audit)

	show(h, "bob", "GET", "http://acme.example.com/audit")
	show(h, "bob", "GET", "http://bolt.example.com/audit")
	show(h, "ada", "GET", "http://acme.example.com/audit")
	// Output:
	// bob GET http://acme.example.com/audit: 200 the audit log
	// bob GET http://bolt.example.com/audit: 403 {"type":"about:blank","title":"Forbidden","status":403,"code":"denied"}
	// ada GET http://acme.example.com/audit: 403 {"type":"about:blank","title":"Forbidden","status":403,"code":"denied"}
}

// An API key acts as its owner and is limited to its own table.
func ExampleCaller_Limit() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	type apiKey struct {
		owner string
		limit rbac.Permissions
	}
	keys := map[string]apiKey{ // yours; look them up by a hash
		"k-export": {"bob", rbac.Permissions{rbac.Deals: {Read: rbac.All}}},
	}
	identify := func(r *http.Request) (rbachttp.Caller, error) {
		key, ok := keys[r.Header.Get("X-API-Key")]
		if !ok {
			return bySession(r)
		}
		return rbachttp.User(key.owner).Limit(key.limit), nil
	}
	mux := rbachttp.New(az, identify).Mux()
	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), listDeals)
	mux.HandleFunc("POST /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Manage), createDeal)

	for _, method := range []string{http.MethodGet, http.MethodPost} {
		r := httptest.NewRequest(method, "/deals", nil)
		r.Header.Set("X-API-Key", "k-export")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// 200 the deals of bob
	// 403 {"type":"about:blank","title":"Forbidden","status":403,"code":"denied"}
}

// Browsers get a page, programs the problem.
func ExampleWithAnswer() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	answer := func(w http.ResponseWriter, r *http.Request, p rbachttp.Problem) {
		if !strings.Contains(r.Header.Get("Accept"), "text/html") {
			rbachttp.WriteProblem(w, r, p)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(p.Status)
		fmt.Fprintf(w, "<h1>%s</h1>", http.StatusText(p.Status))
	}
	guard := rbachttp.New(az, bySession, rbachttp.WithAnswer(answer))

	r := httptest.NewRequest(http.MethodGet, "/audit", nil)
	r.Header.Set("Session", "bob")
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	guard.Require(rbachttp.Needs(rbac.Audit, rbac.Read))(audit).ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output: 403 <h1>Forbidden</h1>
}

// With this option a front end can say which permission to ask for. The table
// says what would be enough, beyond what the caller holds.
func ExampleWithMissingPermissionsInBody() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	guard := rbachttp.New(az, bySession, rbachttp.WithMissingPermissionsInBody())
	show(guard.Require(rbachttp.Needs(rbac.Audit, rbac.Read))(audit), "bob", "GET", "/audit")
	// Output:
	// bob GET /audit: 403 {"type":"about:blank","title":"Forbidden","status":403,"code":"denied","missing":[{"audit":{"read":"all","manage":"none"}}]}
}

// Denials are logged as Info, with what was missing and why.
func ExampleWithLogger() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "role" { // which change with each run
			return slog.Attr{}
		}
		return a
	}}))
	mux := rbachttp.New(az, bySession, rbachttp.WithLogger(logger)).Mux()
	mux.HandleFunc("GET /audit", rbachttp.Needs(rbac.Audit, rbac.Read), audit)
	r := httptest.NewRequest(http.MethodGet, "/audit", nil)
	r.Header.Set("Session", "bob")
	mux.ServeHTTP(httptest.NewRecorder(), r)
	// Output: level=INFO msg="rbachttp: denied" method=GET pattern="GET /audit" user=bob workspace="" need="audit: read all" area=audit action=read reason="the role does not allow it" revision=5
}

// A front end asks once what its user may do, and from then on whether that is
// still so.
func ExampleGuard_Permissions() {
	ctx := context.Background()
	viewer := rbac.Role{ID: "viewer", Name: "Viewer", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}}}
	az := openSalesTeam(ctx, rbac.WithSystemRoles(viewer))
	defer az.Close()

	guard := rbachttp.New(az, bySession)
	mux := guard.Mux()
	mux.Handle("GET /me/permissions", rbachttp.SignedIn(), guard.Permissions())

	etag := ""
	ask := func() {
		r := httptest.NewRequest(http.MethodGet, "/me/permissions", nil)
		r.Header.Set("Session", "eve")
		r.Header.Set("If-None-Match", etag)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		etag = w.Header().Get("ETag")
		fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Body)))
	}
	ask()
	ask()
	if err := az.As("ada").Assign(ctx, viewer.ID, "eve"); err != nil {
		panic(err)
	}
	ask()
	// Output:
	// 200 {"user":"eve","workspace":"","role":null,"permissions":{}}
	// 304
	// 200 {"user":"eve","workspace":"","role":{"id":"viewer","name":"Viewer"},"permissions":{"deals":{"read":"all","manage":"none"}}}
}

// Errors of package rbac become answers. Nothing internal is in them.
func ExampleGuard_WriteError() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()
	guard := rbachttp.New(az, bySession, rbachttp.WithLogger(slog.New(slog.DiscardHandler)))

	rename := func(w http.ResponseWriter, r *http.Request) {
		subject, _ := rbac.FromContext(r.Context())
		role := rbac.Role{ID: rbac.RoleID(r.PathValue("id")), Name: r.FormValue("name"), Version: 1}
		if _, err := az.AsSubject(subject).UpdateRole(r.Context(), role); err != nil {
			guard.WriteError(w, r, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
	mux := guard.Mux()
	mux.HandleFunc("PUT /roles/{id}", rbachttp.Needs(rbac.Users, rbac.Manage), rename)

	show(mux, "ada", "PUT", "/roles/gone?name=Support")
	show(mux, "ada", "PUT", "/roles/administrator?name=Root")
	show(mux, "ada", "PUT", "/roles/gone?name=")
	// Output:
	// ada PUT /roles/gone?name=Support: 404 {"type":"about:blank","title":"Not Found","status":404,"code":"role-not-found","detail":"There is no such role."}
	// ada PUT /roles/administrator?name=Root: 409 {"type":"about:blank","title":"Conflict","status":409,"code":"protected-role","detail":"System roles cannot be changed."}
	// ada PUT /roles/gone?name=: 422 {"type":"about:blank","title":"Unprocessable Entity","status":422,"code":"invalid","fields":[{"field":"name","problem":"is empty"}]}
}

// A record that is not there and one that the caller may not see get the same
// answer. One that they see and may not change gets 403.
func ExampleGuard_NotFound() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()
	guard := rbachttp.New(az, bySession, rbachttp.WithLogger(slog.New(slog.DiscardHandler)))

	type deal struct{ title, owner string }
	deals := map[string]deal{"1": {"Ten chairs", "bob"}, "2": {"A table", "dan"}} // yours

	deleteDeal := func(w http.ResponseWriter, r *http.Request) {
		subject, _ := rbac.FromContext(r.Context())
		deal, found := deals[r.PathValue("id")]
		switch {
		case !found || !subject.CanRecord(rbac.Deals, rbac.Read, deal.owner):
			guard.NotFound(w, r)
		case !subject.CanRecord(rbac.Deals, rbac.Manage, deal.owner):
			guard.WriteError(w, r, rbac.ErrDenied)
		default:
			_, _ = io.WriteString(w, "deleted "+deal.title)
		}
	}
	mux := guard.Mux()
	mux.HandleFunc("DELETE /deals/{id}", rbachttp.NeedsScope(rbac.Deals, rbac.Manage), deleteDeal)

	show(mux, "bob", "DELETE", "/deals/1")
	show(mux, "bob", "DELETE", "/deals/2") // Dan's
	show(mux, "bob", "DELETE", "/deals/3") // not there
	// Output:
	// bob DELETE /deals/1: 200 deleted Ten chairs
	// bob DELETE /deals/2: 404 {"type":"about:blank","title":"Not Found","status":404,"code":"not-found"}
	// bob DELETE /deals/3: 404 {"type":"about:blank","title":"Not Found","status":404,"code":"not-found"}
}
