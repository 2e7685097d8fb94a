package gin_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	router "github.com/gin-gonic/gin"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/examples/gin"
	"github.com/areagate/rbac/internal/crawl"
	"github.com/areagate/rbac/rbachttp"
	"github.com/areagate/rbac/rbactest"
	"github.com/areagate/rbac/rbacui"
)

func init() { router.SetMode(router.TestMode) }

// newGuard returns a guard that knows ada, who may do everything, bob, who
// reads own deals, and eve, who is suspended. The header Authorization names
// the caller. A handler that does not look at the scope fails the test.
func newGuard(t *testing.T) *rbachttp.Guard {
	t.Helper()
	w := rbactest.New(t,
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.Own}}),
		rbactest.Member("ada", "Administrator"),
		rbactest.Member("bob", "Sales"),
		rbactest.Suspended("eve", "Administrator"),
	)
	identify := func(r *http.Request) (rbachttp.Caller, error) {
		return rbachttp.User(r.Header.Get("Authorization")), nil
	}
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	return rbachttp.New(w.Authorizer, identify, rbachttp.WithLogger(logger), rbachttp.WithUnusedScope(func(r *http.Request, need rbachttp.Requirement) {
		t.Errorf("%s %s did not look at the scope: %v", r.Method, r.URL.Path, need)
	}))
}

func ask(t *testing.T, router http.Handler, user, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
	r.Header.Set("Authorization", user)
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	return w
}

func TestRouter(t *testing.T) {
	r := gin.NewRouter(newGuard(t))
	for _, test := range []struct {
		name, user, path string
		status           int
		body             string // a part of it
	}{
		{"allowed", "ada", "/audit", 200, "the record of all changes"},
		{"denied", "bob", "/audit", 403, `"code":"denied"`},
		{"suspended", "eve", "/audit", 403, `"code":"denied"`},
		{"no member", "mallory", "/audit", 403, `"code":"denied"`},
		{"nobody", "", "/audit", 401, `"code":"unauthenticated"`},
		{"all deals", "ada", "/deals", 200, "SELECT name FROM deals WHERE TRUE []"},
		{"own deals", "bob", "/deals", 200, "SELECT name FROM deals WHERE owner = $1 [bob]"},
		{"no deals", "eve", "/deals", 403, `"code":"denied"`},
		{"a deal of their own", "bob", "/deals/bob", 200, "a deal of bob"},
		{"a deal of somebody else", "bob", "/deals/ada", 404, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := ask(t, r, test.user, test.path)
			if a.Code != test.status || !strings.Contains(a.Body.String(), test.body) {
				t.Errorf("got %d %q, want %d %q", a.Code, a.Body, test.status, test.body)
			}
		})
	}
}

func TestHandlersDoNotRunWhenRefused(t *testing.T) {
	guard := newGuard(t)
	ran := 0
	e := router.New()
	e.Use(gin.Require(guard, rbachttp.Needs(rbac.Audit, rbac.Read)))
	e.Use(func(*router.Context) { ran++ }) // gin goes on to the next by itself
	e.GET("/", func(c *router.Context) { ran++; c.Status(http.StatusNoContent) })
	for user, want := range map[string]int{"": 0, "bob": 0, "eve": 0, "ada": 2} {
		ran = 0
		if ask(t, e, user, "/"); ran != want {
			t.Errorf("for %q %d handlers ran, want %d", user, ran, want)
		}
	}
}

// The guard learns how gin answered: a handler that refuses before it looks at
// the scope has shown nothing.
func TestHandlerThatFails(t *testing.T) {
	guard := newGuard(t) // fails the test for a success that did not look
	e := router.New()
	e.Use(gin.Require(guard, rbachttp.NeedsScope(rbac.Deals, rbac.Read)))
	e.GET("/status", func(c *router.Context) { c.Status(http.StatusBadRequest) })
	e.GET("/body", func(c *router.Context) { c.JSON(http.StatusConflict, "no") })
	e.GET("/abort", func(c *router.Context) { c.AbortWithStatus(http.StatusTeapot) })
	for path, want := range map[string]int{"/status": 400, "/body": 409, "/abort": 418} {
		if a := ask(t, e, "bob", path); a.Code != want {
			t.Errorf("%s: got %d, want %d", path, a.Code, want)
		}
	}
}

// gin leads from the path without the slash to the one with it.
func TestRoleEditor(t *testing.T) {
	w := rbactest.New(t, rbactest.Member("ada", "Administrator"))
	ui := rbacui.New(w.Authorizer, func(*http.Request) (rbachttp.Caller, error) { return rbachttp.User("ada"), nil })
	r := router.New()
	r.Any("/settings/access/*page", router.WrapH(ui))
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	site := crawl.Site{Server: server.URL, Prefix: "/settings/access"}
	if n := len(site.Visit(t)); n < 15 {
		t.Errorf("%d pages and assets were found", n)
	}
	site.Slash(t)
}
