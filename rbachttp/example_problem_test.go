package rbachttp_test

import (
	"context"
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

// Errors of package rbac become answers. Nothing internal is in them.
func ExampleGuard_WriteError() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()
	guard := rbachttp.New(az, bySession, rbachttp.WithLogger(slog.New(slog.DiscardHandler)))

	save := func(w http.ResponseWriter, r *http.Request) {
		subject, _ := rbac.FromContext(r.Context())
		var role rbac.Role
		if err := role.UnmarshalText([]byte(r.FormValue("role"))); err != nil {
			guard.WriteError(w, r, err)
			return
		}
		role.ID, role.Version = rbac.RoleID(r.PathValue("id")), 1
		if _, err := az.AsSubject(subject).UpdateRole(r.Context(), role); err != nil {
			guard.WriteError(w, r, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
	mux := guard.Mux()
	mux.HandleFunc("PUT /roles/{id}", rbachttp.Needs(rbac.Users, rbac.Manage), save)

	show(mux, "ada", "PUT", "/roles/gone?role=Support+(no+access)")
	show(mux, "ada", "PUT", "/roles/administrator?role=Root+(no+access)")
	show(mux, "ada", "PUT", "/roles/gone?role=+(no+access)")
	// Output:
	// ada PUT /roles/gone?role=Support+(no+access): 404 {"type":"about:blank","title":"Not Found","status":404,"code":"role-not-found","detail":"There is no such role."}
	// ada PUT /roles/administrator?role=Root+(no+access): 409 {"type":"about:blank","title":"Conflict","status":409,"code":"protected-role","detail":"System roles cannot be changed, and no list has a role that administers."}
	// ada PUT /roles/gone?role=+(no+access): 422 {"type":"about:blank","title":"Unprocessable Entity","status":422,"code":"invalid","fields":[{"field":"name","problem":"is empty"}]}
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
