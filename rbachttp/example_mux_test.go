package rbachttp_test

import (
	"context"
	"fmt"
	"os"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// newDealsMux is the mux of the examples about tables.
func newDealsMux(guard *rbachttp.Guard) *rbachttp.Mux {
	mux := guard.Mux()
	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), listDeals)
	mux.HandleFunc("POST /deals", rbachttp.Needs(rbac.Deals, rbac.Manage), createDeal)
	mux.HandleFunc("GET /audit", rbachttp.Needs(rbac.Audit, rbac.Read), audit)
	mux.HandleFunc("GET /healthz", rbachttp.Public("load balancers ask"), healthz)
	mux.Handle("GET /me/permissions", rbachttp.SignedIn(), guard.Permissions())
	return mux
}

// A route that asks for nothing, or for what cannot be, is a mistake that is found when the program
// starts.
func ExampleMux() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()
	guard := rbachttp.New(az, bySession)

	mux := guard.Mux()
	try := func(need func() rbachttp.Requirement) {
		defer func() { fmt.Println(recover()) }()
		mux.HandleFunc("GET /export", need(), listDeals)
	}
	try(func() rbachttp.Requirement { return rbachttp.Requirement{} })
	try(func() rbachttp.Requirement { return rbachttp.Public("") })
	try(func() rbachttp.Requirement { return rbachttp.AllOf() })
	try(func() rbachttp.Requirement { return rbachttp.Needs("dea1s", rbac.Read) })
	try(func() rbachttp.Requirement { return rbachttp.NeedsScope(rbac.Audit, rbac.Read) })

	show(mux, "ada", "GET", "/export")
	// Output:
	// rbachttp: zero Requirement
	// rbachttp: Public without a reason
	// rbachttp: AllOf of no requirements
	// rbachttp: the Authorizer has no area "dea1s"
	// rbachttp: NeedsScope of "audit", whose records have no owners: use Needs
	// ada GET /export: 404 {"type":"about:blank","title":"Not Found","status":404,"code":"not-found"}
}

// The table of routes is the attack surface of the service.
func ExampleRoutes_Table() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()
	mux := newDealsMux(rbachttp.New(az, bySession))

	if err := mux.Routes().Table().WriteText(os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// Method  Path             Requirement
	// ------  ---------------  --------------------------
	// GET     /audit           audit: read all
	// GET     /deals           deals: read own or more
	// POST    /deals           deals: manage all
	// GET     /healthz         public: load balancers ask
	// GET     /me/permissions  signed in
}

// The table of routes and roles says who gets past which guard. Kept as a
// golden file, it shows a change of access in a pull request.
func ExampleRoutes_Access() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()
	mux := newDealsMux(rbachttp.New(az, bySession))

	roles, err := az.Roles(ctx)
	if err != nil {
		panic(err)
	}
	if err := mux.Routes().Access(roles).Table().WriteMarkdown(os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// | Method | Path | \(nobody\) | \(no member\) | Administrator | Sales |
	// | --- | --- | --- | --- | --- | --- |
	// | GET | /audit | no | no | yes | no |
	// | GET | /deals | no | no | yes | own |
	// | POST | /deals | no | no | yes | no |
	// | GET | /healthz | yes | yes | yes | yes |
	// | GET | /me/permissions | no | yes | yes | yes |
}
