package echo_test

import (
	"errors"
	"net/http"
	"testing"

	router "github.com/labstack/echo/v5"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/examples/echo"
	"github.com/areagate/rbac/examples/internal/routertest"
	"github.com/areagate/rbac/rbachttp"
)

func TestRouter(t *testing.T) {
	routertest.Run(t, echo.NewRouter(routertest.NewGuard(t)))
}

func TestHandlersDoNotRunWhenRefused(t *testing.T) {
	guard := routertest.NewGuard(t)
	ran := 0
	e := router.New()
	e.Use(echo.Require(guard, rbachttp.Needs(rbac.Audit, rbac.Read)))
	e.Use(func(next router.HandlerFunc) router.HandlerFunc {
		return func(c *router.Context) error { ran++; return next(c) }
	})
	e.GET("/", func(c *router.Context) error { ran++; return c.NoContent(http.StatusNoContent) })
	for user, want := range map[string]int{"": 0, "bob": 0, "eve": 0, "down": 0, "ada": 2} {
		ran = 0
		if routertest.Ask(t, e, user, "/"); ran != want {
			t.Errorf("for %q %d handlers ran, want %d", user, ran, want)
		}
	}
}

// A handler that fails before it looks at the scope has shown nothing, and is
// answered once.
func TestHandlerThatFails(t *testing.T) {
	guard := routertest.NewGuard(t) // fails the test for a success that did not look
	for _, test := range []struct {
		err    error
		status int
	}{
		{router.ErrBadRequest, http.StatusBadRequest},
		{errors.New("secret"), http.StatusInternalServerError},
	} {
		var seen error
		e := router.New()
		e.Use(func(next router.HandlerFunc) router.HandlerFunc {
			return func(c *router.Context) error { seen = next(c); return seen }
		})
		e.GET("/", func(*router.Context) error { return test.err }, echo.Require(guard, rbachttp.NeedsScope(rbac.Deals, rbac.Read)))
		if a := routertest.Ask(t, e, "bob", "/"); a.Code != test.status {
			t.Errorf("got %d, want %d", a.Code, test.status)
		}
		if seen != test.err {
			t.Errorf("middleware before the guard saw %v, want %v", seen, test.err)
		}
	}
}

// echo serves the path without the slash, too.
func TestRoleEditor(t *testing.T) {
	e := router.New()
	e.Any("/settings/access", router.WrapHandler(routertest.Editor(t)))
	e.Any("/settings/access/*", router.WrapHandler(routertest.Editor(t)))
	routertest.Visit(t, e, "/settings/access")
}
