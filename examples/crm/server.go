package main

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
	"github.com/areagate/rbac/rbacui"
)

// server is the CRM without its listener.
type server struct {
	db     *database
	az     *rbac.Authorizer
	guard  *rbachttp.Guard
	admin  *rbachttp.Mux // the library's API
	access http.Handler  // the library's role editor
}

func newServer(db *database, az *rbac.Authorizer, options ...rbachttp.Option) *server {
	s := &server{db: db, az: az}
	s.guard = rbachttp.New(az, s.identify, append(options, rbachttp.WithAnswer(s.answer))...)
	s.admin = s.guard.Admin()
	s.access = rbacui.New(az, s.identify, rbacui.WithDirectory(directory{s}), rbacui.WithLayout(s.layout))
	return s
}

// mux returns the routes, each behind its requirement.
func (s *server) mux() *rbachttp.Mux {
	mux := s.guard.Mux()
	for _, route := range s.routes() {
		mux.Handle(route.pattern, route.need, route.handler)
	}
	return mux
}

// surface returns every route there is, those of the library's API one by one.
func (s *server) surface() rbachttp.Routes {
	own := s.mux().Routes()
	all := slices.DeleteFunc(slices.Clone(own), func(route rbachttp.Route) bool { return route.Path == "/admin/" })
	for _, route := range s.admin.Routes() {
		route.Path = "/admin" + route.Path
		route.Pattern = route.Method + " " + route.Path
		if !slices.ContainsFunc(own, func(first rbachttp.Route) bool { return first.Pattern == route.Pattern }) {
			all = append(all, route)
		}
	}
	slices.SortFunc(all, func(a, b rbachttp.Route) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return all
}

// handler returns the whole CRM.
func (s *server) handler() http.Handler { return protect(s.mux()) }

// protect refuses what other sites make a browser send, and keeps answers from
// being shown as a part of another page.
func protect(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rbachttp.WriteProblem(w, r, rbachttp.Problem{Status: http.StatusForbidden, Code: "cross-origin"})
	}))
	next = crossOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// handler answers a request, or returns the error to answer with.
type handler func(http.ResponseWriter, *http.Request) error

// handle makes an http.Handler. The text of an error goes to the log only.
func (s *server) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		var p problem
		switch {
		case err == nil:
		case errors.Is(err, errNotFound):
			s.guard.NotFound(w, r)
		case errors.As(err, &p):
			s.guard.WriteProblem(w, r, rbachttp.Problem(p))
		default:
			s.guard.WriteError(w, r, err)
		}
	})
}

// subject returns the caller of a request, which the guard has found out.
func subject(r *http.Request) rbac.Subject {
	s, _ := rbac.FromContext(r.Context())
	return s
}
