package rbactest_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
	"github.com/areagate/rbac/rbactest"
)

// Which area and action no route asks for: managing deals was forgotten. Jobs
// export, so that is an exception.
func ExampleUnasked() {
	t := &printer{} // yours is a *testing.T
	defer t.end()

	w := rbactest.New(t, rbactest.Options(rbac.WithAreas(salesAreas...)))
	mux := rbachttp.New(w.Authorizer, identify).Mux()
	mux.HandleFunc("GET /users", rbachttp.Needs(rbac.Users, rbac.Read), hello)
	mux.HandleFunc("PUT /users/{id}", rbachttp.Needs(rbac.Users, rbac.Manage), hello)
	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), hello)

	rbactest.Unasked(t, w.Areas(), rbac.Permissions{"export": {Manage: rbac.All}}, mux.Routes())
	// Output:
	// no route asks to manage deals
}

// A router that does not know guards has a route without one.
func ExampleClosed() {
	t := &printer{} // yours is a *testing.T
	defer t.end()

	w := rbactest.New(t)
	guard := rbachttp.New(w.Authorizer, identify)
	router := http.NewServeMux()
	router.Handle("GET /deals", guard.Require(rbachttp.Member())(http.HandlerFunc(hello)))
	router.HandleFunc("GET /deals/{id}", hello)

	rbactest.Closed(t, router, "GET /deals", "GET /deals/{id}")
	// Output:
	// GET /deals/{id}: as nobody, GET /deals/1 answers 200
}

var salesAreas = []rbac.AreaInfo{{Area: rbac.Users}, {Area: rbac.Deals, Owned: true}, {Area: "export", Only: rbac.Manage}}

// newMux and newRouter are those of an application.
func newMux(az *rbac.Authorizer) *rbachttp.Mux {
	mux := rbachttp.New(az, identify).Mux()
	mux.HandleFunc("GET /users", rbachttp.Needs(rbac.Users, rbac.Read), hello)
	mux.HandleFunc("PUT /users/{id}", rbachttp.Needs(rbac.Users, rbac.Manage), hello)
	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), hello)
	mux.HandleFunc("PUT /deals/{id}", rbachttp.NeedsScope(rbac.Deals, rbac.Manage), hello)
	return mux
}

func newRouter(az *rbac.Authorizer) http.Handler {
	router := http.NewServeMux()
	router.Handle("/", rbachttp.New(az, identify).Require(rbachttp.Member())(http.HandlerFunc(hello)))
	return router
}

func TestEveryAreaIsAskedFor(t *testing.T) {
	w := rbactest.New(t, rbactest.Options(rbac.WithAreas(salesAreas...)))
	jobs := rbac.Permissions{"export": {Manage: rbac.All}} // asks the nightly export
	rbactest.Unasked(t, w.Areas(), jobs, newMux(w.Authorizer).Routes())
}

func TestNobodyGetsIn(t *testing.T) {
	w := rbactest.New(t)
	rbactest.Closed(t, newRouter(w.Authorizer), "GET /deals", "POST /deals/{id}")
}

func identify(r *http.Request) (rbachttp.Caller, error) {
	return rbachttp.User(r.Header.Get("User")), nil // yours asks the session
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }
