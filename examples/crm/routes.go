package main

import (
	"fmt"
	"net/http"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// route is a pattern, what it asks of its caller, and what answers.
type route struct {
	pattern string
	need    rbachttp.Requirement
	handler http.Handler
}

// routes are all routes there are.
func (s *server) routes() []route {
	var (
		public   = rbachttp.Public
		signedIn = rbachttp.SignedIn()
		needs    = rbachttp.Needs
		scoped   = rbachttp.NeedsScope
	)
	routes := []route{
		{"GET /healthz", public("load balancers ask"), s.handle(s.health)},
		{"POST /demo/sign-in", public("a demo: everybody is whom they say"), s.handle(s.signIn)},

		// Pages for a browser. Those of the demo are for trying the CRM out only.
		{"GET /{$}", public("where one begins"), s.handle(s.begin)},
		{"GET /assets/{file}", public("style sheets"), s.handle(s.style)},
		{"POST /demo/session", public("a demo: everybody is whom they say"), s.handle(s.switchTo)},
		{"GET /app/{$}", signedIn, s.handle(s.home)},
		{"POST /app/sign-out", signedIn, s.handle(s.signOutPage)},
		{"GET /app/teams", scoped(rbac.Users, rbac.Read), s.handle(s.teams)},
		{"GET /app/api-keys", needs(rbac.API, rbac.Read), s.handle(s.keysPage)},
		{"POST /app/api-keys", needs(rbac.API, rbac.Manage), s.handle(s.makeKeyPage)},
		{"POST /app/api-keys/{id}/delete", needs(rbac.API, rbac.Manage), s.handle(s.deleteKeyPage)},
		{"GET " + accessPath, signedIn, s.access}, // which asks for more itself
		{"POST " + accessPath, public("it asks itself, and gives nobody their form back"), s.access},

		{"GET /me", signedIn, s.handle(s.me)},
		{"GET /me/permissions", signedIn, s.guard.Permissions()},
		{"DELETE /me/session", signedIn, s.handle(s.signOut)},

		// Roles, members and reviews are the library's. What the CRM does beside a
		// change has a pattern of its own, which is more specific.
		{"/admin/", signedIn, http.StripPrefix("/admin", s.admin)},
		{"POST /admin/members/remove", rbachttp.Member(), s.handle(s.removeMembers)},
		{"POST /admin/members/rename", rbachttp.Member(), s.handle(s.keepIDs)},
		{"GET /admin/matrix.csv", needs(rbac.Users, rbac.Read), s.handle(s.exportMatrix)},
		{"GET /admin/events/verification", needs(rbac.Audit, rbac.Read), s.handle(s.verify)},

		{"GET /users", scoped(rbac.Users, rbac.Read), s.handle(s.listUsers)},
		// Who manages users invites and, into a role of their list, a delegate: the
		// library judges.
		{"POST /users", rbachttp.Member(), s.handle(s.invite)},
		{"DELETE /users/{user}/sessions", rbachttp.Member(), s.handle(s.endSessions)},

		{"GET /api-keys", needs(rbac.API, rbac.Read), s.handle(s.listKeys)},
		{"POST /api-keys", needs(rbac.API, rbac.Manage), s.handle(s.createKey)},
		{"DELETE /api-keys/{id}", needs(rbac.API, rbac.Manage), s.handle(s.deleteKey)},

		{"GET /contacts/export", rbachttp.AllOf(needs(exports, rbac.Read), scoped(rbac.Contacts, rbac.Read)), s.handle(s.exportContacts)},
		{"GET /deals/summary", scoped(rbac.Deals, rbac.Read), s.handle(s.summarizeDeals)},
		{"GET /organizations/{id}/deals", rbachttp.AllOf(scoped(rbac.Organizations, rbac.Read), scoped(rbac.Deals, rbac.Read)), s.handle(s.dealsOfOrganization)},
		{"GET /search", rbachttp.AnyOf(scoped(rbac.Contacts, rbac.Read), scoped(rbac.Organizations, rbac.Read), scoped(rbac.Deals, rbac.Read)), s.handle(s.search)},
	}
	for _, k := range kinds {
		all, one := fmt.Sprintf("/%s", k.area), fmt.Sprintf("/%s/{id}", k.area)
		read, manage := scoped(k.area, rbac.Read), scoped(k.area, rbac.Manage)
		routes = append(routes,
			route{"GET /app" + all, read, s.handle(s.listPage(k))},
			route{"GET /demo/beside" + all, public("a demo: everybody is whom they say"), s.handle(s.beside(k))},
			route{"GET " + all, read, s.handle(s.list(k))},
			route{"POST " + all, manage, s.handle(s.create(k))},
			route{"GET " + one, read, s.handle(s.get(k))},
			route{"PUT " + one, manage, s.handle(s.update(k))},
			route{"DELETE " + one, manage, s.handle(s.remove(k))},
			route{"PUT " + one + "/owner", needs(k.area, rbac.Manage), s.handle(s.transfer(k))},
		)
	}
	return routes
}
