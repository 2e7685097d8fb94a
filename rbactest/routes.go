package rbactest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// Unasked checks that each area of a catalogue, such as that of
// [rbac.Workspace.Areas], is asked for by the routes, with each action that it has:
// one that nobody asks for is a box in the role editor that does nothing, or a
// route that forgot to ask. The test fails for each that is asked for by no route.
//
// except has those that are asked for elsewhere, in handlers or jobs, with any
// scope. One that a route does ask for, or that the catalogue does not have, fails
// too, so that the list stays true. It reports whether the check passed.
func Unasked(t testing.TB, areas []rbac.AreaInfo, except rbac.Permissions, routes ...rbachttp.Routes) bool {
	t.Helper()
	asked := func(area rbac.Area, action rbac.Action) bool {
		for _, some := range routes {
			for _, route := range some {
				if route.Requirement.Asks(area, action) {
					return true
				}
			}
		}
		return false
	}
	left := except.Union(nil)
	passed := true
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf(format, args...)
		passed = false
	}
	for _, info := range areas {
		access := left[info.Area]
		for _, action := range []rbac.Action{rbac.Read, rbac.Manage} {
			if info.Only != 0 && info.Only != action {
				continue
			}
			excepted := except.Scope(info.Area, action) != rbac.None
			if action == rbac.Read {
				access.Read = rbac.None
			} else {
				access.Manage = rbac.None
			}
			switch is := asked(info.Area, action); {
			case !is && !excepted:
				fail("no route asks to %v %s", action, info.Area)
			case is && excepted:
				fail("a route asks to %v %s, which is among the exceptions", action, info.Area)
			}
		}
		left[info.Area] = access
	}
	if left = left.Union(nil); len(left) > 0 {
		fail("the exceptions have what the catalogue has not: %v", left)
	}
	return passed
}

// Closed checks that each route of a handler is closed to nobody: asked without
// credentials, it answers 401, 403 or 404. It is for routers that do not know when a
// route has no guard. Take the routes from the router and leave out those that are
// public:
//
//	chi.Walk, gin.Engine.Routes, echo.Echo.Routes, mux.Routes()
//
// A route is a method and a path, "GET /deals/{id}". In the path {id}, {id:…},
// {path...}, :id and a * at the end are wildcards, which are filled in with 1. A
// route without a method, or with "any" or "*", is asked with each. A host may stand
// before the path. The test fails for each that answers otherwise, panics or is
// malformed; it reports whether the check passed.
//
// A route without a guard that does not find record 1 answers 404 as well, and is
// not found out: have such a record.
func Closed(t testing.TB, handler http.Handler, routes ...string) bool {
	t.Helper()
	if len(routes) == 0 {
		t.Errorf("no routes were given")
		return false
	}
	passed := true
	for _, route := range routes {
		methods, target := splitRoute(route)
		if target == "" {
			t.Errorf("%q is not a method and a path", route)
			passed = false
		}
		for _, method := range methods {
			switch status, panicked := askAsNobody(t.Context(), handler, method, target); {
			case panicked != nil:
				t.Errorf("%s: as nobody, %s %s panics: %v", route, method, target, panicked)
				passed = false
			case status != http.StatusUnauthorized && status != http.StatusForbidden && status != http.StatusNotFound:
				t.Errorf("%s: as nobody, %s %s answers %d", route, method, target, status)
				passed = false
			}
		}
	}
	return passed
}

var allMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// splitRoute returns the methods of a route, and a target that its pattern
// matches: none, if it has no path.
func splitRoute(route string) (methods []string, target string) {
	method, pattern, found := strings.Cut(strings.TrimSpace(route), " ")
	if !found {
		method, pattern = "", method
	}
	host, path, found := strings.Cut(strings.TrimSpace(pattern), "/")
	if !found {
		return nil, ""
	}
	if host != "" {
		host = "http://" + host
	}
	methods = []string{strings.ToUpper(method)}
	if method == "" || method == "*" || strings.EqualFold(method, "any") {
		methods = allMethods
	}
	return methods, host + fillIn("/"+path)
}

// fillIn replaces the wildcards of a path.
func fillIn(path string) string {
	var b strings.Builder
	braces := 0
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '{':
			if braces++; braces == 1 && !strings.HasPrefix(path[i:], "{$}") {
				b.WriteByte('1')
			}
		case c == '}':
			braces--
		case braces > 0:
		case c == '*', c == ':' && path[i-1] == '/':
			b.WriteByte('1')
			for i+1 < len(path) && path[i+1] != '/' {
				i++
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// askAsNobody asks a handler without credentials. The request's context ends with
// the first byte of the answer, so that an open stream does.
func askAsNobody(ctx context.Context, handler http.Handler, method, target string) (status int, panicked any) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &answer{httptest.NewRecorder(), cancel}
	defer func() {
		if panicked = recover(); panicked == nil {
			status = w.Code
		}
	}()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, target, nil))
	return w.Code, nil
}

// answer ends the request with which it began.
type answer struct {
	*httptest.ResponseRecorder
	begun context.CancelFunc
}

func (a *answer) WriteHeader(status int) {
	a.ResponseRecorder.WriteHeader(status)
	a.begun()
}

func (a *answer) Write(p []byte) (int, error) {
	defer a.begun()
	return a.ResponseRecorder.Write(p)
}

func (a *answer) WriteString(s string) (int, error) {
	defer a.begun()
	return a.ResponseRecorder.WriteString(s)
}

func (a *answer) Flush() {
	a.ResponseRecorder.Flush()
	a.begun()
}
