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

		readUsers   = needs(rbac.Users, rbac.Read)
		manageUsers = needs(rbac.Users, rbac.Manage)
	)
	routes := []route{
		{"GET /healthz", public("load balancers ask"), s.handle(s.health)},
		{"POST /demo/sign-in", public("a demo: everybody is whom they say"), s.handle(s.signIn)},

		{"GET /me", signedIn, s.handle(s.me)},
		{"GET /me/permissions", signedIn, s.guard.Permissions()},
		{"DELETE /me/session", signedIn, s.handle(s.signOut)},

		{"GET /users", scoped(rbac.Users, rbac.Read), s.handle(s.listUsers)},
		{"GET /users/{user}", scoped(rbac.Users, rbac.Read), s.handle(s.getUser)},
		// Members are changed by who manages users and, those of their list, by
		// delegates: the library judges.
		{"POST /users", rbachttp.Member(), s.handle(s.invite)},
		{"DELETE /users/{user}", rbachttp.Member(), s.handle(s.removeUser)},
		{"PUT /users/{user}/role", rbachttp.Member(), s.handle(s.assign)},
		{"PUT /users/{user}/team", rbachttp.Member(), s.handle(s.setTeam)},
		{"POST /users/{user}/suspend", rbachttp.Member(), s.handle(s.suspend)},
		{"POST /users/{user}/reinstate", rbachttp.Member(), s.handle(s.reinstate)},
		{"DELETE /users/{user}/sessions", rbachttp.Member(), s.handle(s.endSessions)},

		{"GET /roles", readUsers, s.handle(s.listRoles)},
		{"POST /roles", manageUsers, s.handle(s.createRole)},
		{"POST /roles/plan", manageUsers, s.handle(s.planRole)},
		{"GET /roles/{role}", readUsers, s.handle(s.getRole)},
		{"PUT /roles/{role}", manageUsers, s.handle(s.updateRole)},
		{"DELETE /roles/{role}", manageUsers, s.handle(s.deleteRole)},

		{"GET /review/matrix", readUsers, s.handle(s.matrix)},
		{"GET /review/findings", readUsers, s.handle(s.findings)},
		{"GET /review/who-can", readUsers, s.handle(s.whoCan)},

		{"GET /api-keys", needs(rbac.API, rbac.Read), s.handle(s.listKeys)},
		{"POST /api-keys", needs(rbac.API, rbac.Manage), s.handle(s.createKey)},
		{"DELETE /api-keys/{id}", needs(rbac.API, rbac.Manage), s.handle(s.deleteKey)},

		{"GET /audit/events", needs(rbac.Audit, rbac.Read), s.handle(s.events)},
		{"GET /audit/verification", needs(rbac.Audit, rbac.Read), s.handle(s.verify)},

		{"GET /contacts/export", rbachttp.AllOf(needs(exports, rbac.Read), scoped(rbac.Contacts, rbac.Read)), s.handle(s.exportContacts)},
		{"GET /deals/summary", scoped(rbac.Deals, rbac.Read), s.handle(s.summarizeDeals)},
		{"GET /organizations/{id}/deals", rbachttp.AllOf(scoped(rbac.Organizations, rbac.Read), scoped(rbac.Deals, rbac.Read)), s.handle(s.dealsOfOrganization)},
		{"GET /search", rbachttp.AnyOf(scoped(rbac.Contacts, rbac.Read), scoped(rbac.Organizations, rbac.Read), scoped(rbac.Deals, rbac.Read)), s.handle(s.search)},
	}
	for _, k := range kinds {
		all, one := fmt.Sprintf("/%s", k.area), fmt.Sprintf("/%s/{id}", k.area)
		read, manage := scoped(k.area, rbac.Read), scoped(k.area, rbac.Manage)
		routes = append(routes,
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
