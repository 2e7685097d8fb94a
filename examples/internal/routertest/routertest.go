// Package routertest tests the examples of routers: each has to serve the same
// three routes.
package routertest

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/crawl"
	"github.com/areagate/rbac/rbachttp"
	"github.com/areagate/rbac/rbactest"
	"github.com/areagate/rbac/rbacui"
)

// NewGuard returns a guard that knows ada, who may do everything, bob, who
// reads own deals, and eve, who is suspended. The header Authorization names
// the caller; "down" is a session store that is. A handler that does not look
// at the scope fails the test.
func NewGuard(t testing.TB) *rbachttp.Guard {
	t.Helper()
	w := rbactest.New(t,
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.Own}}),
		rbactest.Member("ada", "Administrator"),
		rbactest.Member("bob", "Sales"),
		rbactest.Suspended("eve", "Administrator"),
	)
	identify := func(r *http.Request) (rbachttp.Caller, error) {
		name := r.Header.Get("Authorization")
		if name == "down" {
			return rbachttp.Caller{}, errors.New("session store: connection refused")
		}
		return rbachttp.User(name), nil
	}
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	return rbachttp.New(w.Authorizer, identify, rbachttp.WithLogger(logger), rbachttp.WithUnusedScope(func(r *http.Request, need rbachttp.Requirement) {
		t.Errorf("%s %s did not look at the scope: %v", r.Method, r.URL.Path, need)
	}))
}

// Run asks a router that was made with NewGuard.
func Run(t *testing.T, router http.Handler) {
	for _, test := range []struct {
		name, user, path string
		status           int
		body             string // or a part of it
	}{
		{"allowed", "ada", "/audit", 200, "the record of all changes"},
		{"denied", "bob", "/audit", 403, `"code":"denied"`},
		{"suspended", "eve", "/audit", 403, `"code":"denied"`},
		{"no member", "mallory", "/audit", 403, `"code":"denied"`},
		{"nobody", "", "/audit", 401, `"code":"unauthenticated"`},
		{"not known who", "down", "/audit", 503, `"code":"unavailable"`},
		{"all deals", "ada", "/deals", 200, "SELECT name FROM deals WHERE TRUE []"},
		{"own deals", "bob", "/deals", 200, "SELECT name FROM deals WHERE owner = $1 [bob]"},
		{"no deals", "eve", "/deals", 403, `"code":"denied"`},
		{"a deal of their own", "bob", "/deals/bob", 200, "a deal of bob"},
		{"a deal of somebody else", "bob", "/deals/ada", 404, ""},
		{"no route", "ada", "/admin", 404, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := Ask(t, router, test.user, test.path)
			if a.Code != test.status || !strings.Contains(a.Body.String(), test.body) {
				t.Errorf("got %d %q, want %d %q", a.Code, a.Body, test.status, test.body)
			}
			if refused := a.Code == 401 || a.Code == 403 || a.Code == 503; refused && strings.Contains(a.Body.String(), "deal") {
				t.Errorf("the handler ran: %s", a.Body)
			}
		})
	}
}

// Ask sends a request to a router.
func Ask(t testing.TB, router http.Handler, user, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
	if user != "" {
		r.Header.Set("Authorization", user)
	}
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	return w
}

// Editor returns the role editor of a workspace with some roles, for somebody who
// administers it.
func Editor(t testing.TB) http.Handler {
	t.Helper()
	w := rbactest.New(t,
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.Own}}),
		rbactest.Member("ada", "Administrator"),
		rbactest.Member("bob", "Sales"),
	)
	return rbacui.New(w.Authorizer, func(*http.Request) (rbachttp.Caller, error) { return rbachttp.User("ada"), nil })
}

// Visit follows every link of the role editor below a path of a router.
func Visit(t testing.TB, router http.Handler, prefix string) {
	t.Helper()
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	site := crawl.Site{Server: server.URL, Prefix: prefix}
	if n := len(site.Visit(t)); n < 20 {
		t.Errorf("%d pages and assets were found", n)
	}
	site.Slash(t)
}
