package rbachttp_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// openSalesTeam opens an Authorizer with three members. Ada is an
// Administrator. Bob holds the role Sales. Cleo holds it too and is suspended.
func openSalesTeam(ctx context.Context, opts ...rbac.Option) *rbac.Authorizer {
	az, err := rbac.Open(ctx, rbac.NewMemStore(), opts...)
	if err != nil {
		panic(err)
	}
	app := az.System("seed")
	sales, err := app.CreateRole(ctx, rbac.Role{
		Name: "Sales",
		Permissions: rbac.Permissions{
			rbac.Contacts: {Read: rbac.All, Manage: rbac.All},
			rbac.Deals:    {Read: rbac.Own, Manage: rbac.Own},
		},
	})
	if err != nil {
		panic(err)
	}
	if err := errors.Join(
		app.Assign(ctx, rbac.Administrator, "ada"),
		app.Assign(ctx, sales.ID, "bob", "cleo"),
		app.Suspend(ctx, "cleo"),
	); err != nil {
		panic(err)
	}
	return az
}

// bySession stands for the application's own way to find out who calls.
func bySession(r *http.Request) (rbachttp.Caller, error) {
	return rbachttp.User(r.Header.Get("Session")), nil
}

// show makes a request as somebody and prints the answer.
func show(h http.Handler, session, method, target string) {
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("Session", session)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(strings.TrimSpace(fmt.Sprintf("%s %s %s: %d %s", cmp.Or(session, "nobody"), method, target, w.Code, w.Body)))
}

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, text) }
}

var healthz, audit, createDeal = say("ok"), say("the audit log"), say("created")

// listDeals shows the deals that the caller may see.
func listDeals(w http.ResponseWriter, r *http.Request) {
	reach := rbachttp.Reach(r.Context(), rbac.Deals, rbac.Read)
	if reach.All {
		_, _ = io.WriteString(w, "all deals")
		return
	}
	_, _ = io.WriteString(w, "the deals of "+strings.Join(reach.Owners, ", "))
}

// A service in a few lines: every route says what it asks for, and what is
// not registered does not exist.
func Example() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	guard := rbachttp.New(az, bySession)
	mux := guard.Mux()
	mux.HandleFunc("GET /healthz", rbachttp.Public("load balancers ask"), healthz)
	mux.HandleFunc("GET /audit", rbachttp.Needs(rbac.Audit, rbac.Read), audit)
	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), listDeals)
	mux.Handle("GET /me/permissions", rbachttp.SignedIn(), guard.Permissions())

	show(mux, "", "GET", "/healthz")
	show(mux, "ada", "GET", "/deals")
	show(mux, "bob", "GET", "/deals")
	show(mux, "bob", "GET", "/audit")
	show(mux, "", "GET", "/audit")
	show(mux, "ada", "GET", "/debug/pprof")
	// Output:
	// nobody GET /healthz: 200 ok
	// ada GET /deals: 200 all deals
	// bob GET /deals: 200 the deals of bob
	// bob GET /audit: 403 {"type":"about:blank","title":"Forbidden","status":403,"code":"denied"}
	// nobody GET /audit: 401 {"type":"about:blank","title":"Unauthorized","status":401,"code":"unauthenticated"}
	// ada GET /debug/pprof: 404 {"type":"about:blank","title":"Not Found","status":404,"code":"not-found"}
}
