// Package rbachttp guards net/http handlers with package rbac.
//
// A [Guard] knows how to find out who makes a request. Its [Guard.Require] is
// middleware in the standard shape, so that it works with net/http, chi and
// anything else. A [Mux] is an [http.ServeMux] on which no handler can be
// registered without a [Requirement], and which writes the list of its routes
// as a table.
//
//	guard := rbachttp.New(az, identify)
//	mux := guard.Mux()
//	mux.HandleFunc("GET /healthz", rbachttp.Public("load balancers ask"), healthz)
//	mux.HandleFunc("GET /audit", rbachttp.Needs(rbac.Audit, rbac.Read), audit)
//	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), listDeals)
//	mux.Handle("GET /me/permissions", rbachttp.SignedIn(), guard.Permissions())
//
// Nobody gets past a guard by default. Without an identity the answer is 401,
// for a user who does not meet the requirement it is 403, and when no safe
// answer exists it is 503. The method of a request makes no difference to the
// guard: a HEAD, OPTIONS or CONNECT request needs what the route needs.
//
// [Guard.Admin] is a JSON API with which a front end administers roles and
// members.
//
// Mistakes in the wiring panic when the handler is made; nothing in a request
// does.
package rbachttp
