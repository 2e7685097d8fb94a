// Package chi shows the guard of rbachttp in front of routes of
// github.com/go-chi/chi: its middleware is what chi takes, as it is.
//
// A route that is registered without it has no guard. Only the Mux of
// rbachttp denies by default; it can be mounted below a router, too.
package chi

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// NewRouter returns a service with three routes.
func NewRouter(guard *rbachttp.Guard) http.Handler {
	r := chi.NewRouter()
	r.NotFound(guard.NotFound)
	r.With(guard.Require(rbachttp.Needs(rbac.Audit, rbac.Read))).Get("/audit", audit)
	r.Route("/deals", func(r chi.Router) {
		r.Use(guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read)))
		r.Get("/", listDeals)
		r.Get("/{owner}", getDeal)
	})
	return r
}

func audit(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, "the record of all changes")
}

func listDeals(w http.ResponseWriter, r *http.Request) {
	var args []any
	where := rbachttp.Reach(r.Context(), rbac.Deals, rbac.Read).Where(rbac.Dollar, "owner", &args)
	fmt.Fprint(w, "SELECT name FROM deals WHERE ", where, " ", args)
}

func getDeal(w http.ResponseWriter, r *http.Request) {
	owner := chi.URLParam(r, "owner")
	subject, _ := rbac.FromContext(r.Context())
	if !subject.CanRecord(rbac.Deals, rbac.Read, owner) {
		http.NotFound(w, r)
		return
	}
	fmt.Fprintf(w, "a deal of %s", owner)
}
