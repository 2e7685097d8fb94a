package rbachttp

import (
	_ "embed"
	"errors"
	"log/slog"
	"net/http"

	"github.com/areagate/rbac"
)

// Admin returns the administration of a workspace as a JSON API, for a front
// end that is not written in Go: roles, members, their changes and what these
// would do, reviews, events and the catalogue. It can be mounted anywhere, also
// on a [Mux]:
//
//	mux.Handle("/admin/", rbachttp.SignedIn(), http.StripPrefix("/admin", guard.Admin()))
//
// GET /openapi.json describes it whole. The workspace is that of the caller. What
// reads needs Read on [rbac.Users], and for events Read on [rbac.Audit], or
// Manage on Users in a catalogue without. Whoever reads a part of the users only
// gets those members. An edit of a role needs Manage on Users and a change of
// members a member, and then the rules decide: it is one of
// [rbac.Workspace.AsSubject], with the query parameter reason as what Because is
// given.
//
// An edit of a role takes the ETag with which the role was read as If-Match:
// without one it is 428, and 412 if somebody else was faster. Bodies are
// application/json of up to 256 KiB and 1,000 users, in which every key is known
// and there once; query parameters are no others than those documented. Pages have
// at most 1,000 items. A browser that another site makes send a change is refused, see
// [WithTrustedOrigins].
//
// What needs a transaction of the application's own, such as ending sessions with
// a membership, goes before it on the outer mux, under a pattern that is more
// specific: "POST /admin/members/remove". The Routes of that mux have one line for
// all of Admin; its own have them one by one. docs/http.md has what each is for.
func (g *Guard) Admin() *Mux {
	mux := g.Mux()
	for _, route := range g.adminRoutes() {
		mux.HandleFunc(route.pattern, route.need, g.serveAdmin(route))
	}
	return mux
}

// adminRoute is a route of Admin.
type adminRoute struct {
	pattern string
	need    Requirement
	query   string // the parameters that it takes; a star marks those that may be there more than once
	handle  func(*adminCall) error
}

func (g *Guard) adminRoutes() []adminRoute {
	users, audit := g.reads(rbac.Users), g.reads(rbac.Audit)
	manage, member := Needs(rbac.Users, rbac.Manage), Member() // delegates change members
	members := users
	if g.areas[rbac.Users].Owned && users.action == rbac.Read {
		members = NeedsScope(rbac.Users, rbac.Read)
	}
	const page = "after limit"
	return []adminRoute{
		{"GET /openapi.json", SignedIn(), "", (*adminCall).openAPI},
		{"GET /permissions", SignedIn(), "", (*adminCall).permissions},
		{"GET /areas", member, "", (*adminCall).listAreas},

		{"GET /roles", users, "", (*adminCall).listRoles},
		{"GET /roles/{role}", users, "", (*adminCall).getRole},
		{"POST /roles", manage, reason, (*adminCall).createRole},
		{"PUT /roles/{role}", manage, reason, (*adminCall).updateRole},
		{"DELETE /roles/{role}", manage, reason, (*adminCall).deleteRole},
		{"POST /roles/{role}/replace", member, reason, (*adminCall).replaceRole},

		{"GET /members", members, page + " user* role team state", (*adminCall).listMembers},
		{"GET /members/{user}", members, "", (*adminCall).getMember},
		{"POST /members/add", member, reason, change[addition]},
		{"POST /members/assign", member, reason, change[assignment]},
		{"POST /members/suspend", member, reason, change[suspension]},
		{"POST /members/reinstate", member, reason, change[reinstatement]},
		{"POST /members/remove", member, reason, change[removal]},
		{"POST /members/team", member, reason, change[move]},
		{"POST /members/rename", member, reason, change[renaming]},

		{"POST /preview", member, reason, (*adminCall).preview},
		{"GET /choices", member, "user*", (*adminCall).choices},

		{"GET /matrix", users, "", (*adminCall).matrix},
		{"GET /who-can", users, page + " area action", (*adminCall).whoCan},
		{"GET /explain", users, "user area action", (*adminCall).explain},
		{"GET /findings", users, "", (*adminCall).findings},
		{"GET /events", audit, page + " order kind* role user actor since until", (*adminCall).events},
	}
}

// reads returns what reading in an area needs, whatever the catalogue has.
func (g *Guard) reads(area rbac.Area) Requirement {
	if info, known := g.areas[area]; known && info.Only != rbac.Manage {
		return Needs(area, rbac.Read)
	}
	return Needs(rbac.Users, rbac.Manage)
}

// adminCall is a request to Admin.
type adminCall struct {
	guard     *Guard
	w         http.ResponseWriter
	r         *http.Request
	workspace *rbac.Workspace
	subject   rbac.Subject
	query     query
}

func (g *Guard) serveAdmin(route adminRoute) http.HandlerFunc {
	takes := parametersOf(route.query)
	return func(w http.ResponseWriter, r *http.Request) {
		if g.options.crossOrigin.Check(r) != nil {
			g.denyCrossOrigin(w, r)
			return
		}
		subject, _ := rbac.FromContext(r.Context())
		c := &adminCall{guard: g, w: w, r: r, workspace: innermost(r.Context()).workspace, subject: subject}
		err := c.query.parse(r.URL.RawQuery, takes)
		if err == nil {
			err = route.handle(c)
		}
		var answer problemError
		switch {
		case errors.As(err, &answer):
			g.WriteProblem(w, r, Problem(answer))
		case err != nil:
			g.WriteError(w, r, err)
		}
	}
}

// problemError is an answer that is no success, as an error.
type problemError Problem

func (p problemError) Error() string { return p.Code }

// denyCrossOrigin answers what another site makes the caller's browser send.
func (g *Guard) denyCrossOrigin(w http.ResponseWriter, r *http.Request) {
	g.options.log(r, slog.LevelInfo, "rbachttp: refused a change that another site sent")
	g.WriteProblem(w, r, problemCrossOrigin)
}

//go:embed openapi.json
var openAPI []byte

func (c *adminCall) openAPI() error {
	writeBody(c.w, c.r, http.StatusOK, "application/json", openAPI)
	return nil
}

func (c *adminCall) permissions() error {
	c.guard.servePermissions(c.w, c.r)
	return nil
}
