package rbachttp_test

import (
	"context"
	"fmt"
	"net/http"

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

// A list endpoint asks which records the caller reaches and filters by the answer.
func ExampleNeedsScope() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()
	guard := rbachttp.New(az, bySession)

	list := func(w http.ResponseWriter, r *http.Request) {
		args := []any{"open"}
		query := "SELECT id, title FROM deals WHERE state = $1 AND " +
			rbachttp.Reach(r.Context(), rbac.Deals, rbac.Read).Where(rbac.Dollar, "owner", &args)
		fmt.Fprint(w, query, " ", args)
	}
	h := guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))(http.HandlerFunc(list))

	show(h, "ada", "GET", "/deals")
	show(h, "bob", "GET", "/deals")
	// Output:
	// ada GET /deals: 200 SELECT id, title FROM deals WHERE state = $1 AND TRUE [open]
	// bob GET /deals: 200 SELECT id, title FROM deals WHERE state = $1 AND owner = $2 [open bob]
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
	// GET /forgetful did not look at the scope: deals: read own or more
	// bob GET /forgetful: 200 all deals
}

// printer stands for a *testing.T.
type printer struct{}

func (printer) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
