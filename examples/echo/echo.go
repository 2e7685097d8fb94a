// Package echo shows the guard of rbachttp in front of routes of
// github.com/labstack/echo.
//
// A route that is registered without it has no guard. Only the Mux of
// rbachttp denies by default; it can be mounted below a router, too.
package echo

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// Require returns echo middleware that lets a request through if its caller
// meets a requirement. The handler finds the caller's Subject in the context
// of its Request.
func Require(guard *rbachttp.Guard, need rbachttp.Requirement) echo.MiddlewareFunc {
	require := echo.WrapMiddleware(guard.Require(need))
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return require(func(c *echo.Context) error {
			err := next(c)
			if err != nil {
				c.Echo().HTTPErrorHandler(c, err) // answers now, so that the guard learns the status
			}
			return err
		})
	}
}

// NewRouter returns a service with three routes.
func NewRouter(guard *rbachttp.Guard) http.Handler {
	e := echo.New()
	e.GET("/audit", audit, Require(guard, rbachttp.Needs(rbac.Audit, rbac.Read)))
	deals := e.Group("/deals", Require(guard, rbachttp.NeedsScope(rbac.Deals, rbac.Read)))
	deals.GET("", listDeals)
	deals.GET("/:owner", getDeal)
	return e
}

func audit(c *echo.Context) error {
	return c.String(http.StatusOK, "the record of all changes")
}

func listDeals(c *echo.Context) error {
	var args []any
	where := rbachttp.Reach(c.Request().Context(), rbac.Deals, rbac.Read).Where(rbac.Dollar, "owner", &args)
	return c.String(http.StatusOK, fmt.Sprint("SELECT name FROM deals WHERE ", where, " ", args))
}

func getDeal(c *echo.Context) error {
	owner := c.Param("owner")
	subject, _ := rbac.FromContext(c.Request().Context())
	if !subject.CanRecord(rbac.Deals, rbac.Read, owner) {
		return echo.ErrNotFound
	}
	return c.String(http.StatusOK, "a deal of "+owner)
}
