// Package gin shows the guard of rbachttp in front of routes of
// github.com/gin-gonic/gin.
//
// A route that is registered without it has no guard. Only the Mux of
// rbachttp denies by default; it can be mounted below a router, too.
package gin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// Require returns gin middleware that lets a request through if its caller
// meets a requirement, and otherwise answers it and ends the chain. The
// handler finds the caller's Subject in the context of its Request.
func Require(guard *rbachttp.Guard, need rbachttp.Requirement) gin.HandlerFunc {
	require := guard.Require(need) // a requirement that is wrong panics here, not in a request
	return func(c *gin.Context) {
		passed := false
		c.Request.Pattern = c.FullPath() // for the guard's log
		require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			passed = true
			c.Request = r
			c.Next()
			w.WriteHeader(c.Writer.Status()) // gin has it already; the guard learns it here
		})).ServeHTTP(c.Writer, c.Request)
		if !passed {
			c.Abort() // else gin would go on to the handler
		}
	}
}

// NewRouter returns a service with three routes.
func NewRouter(guard *rbachttp.Guard) http.Handler {
	r := gin.New()
	r.GET("/audit", Require(guard, rbachttp.Needs(rbac.Audit, rbac.Read)), audit)
	deals := r.Group("/deals", Require(guard, rbachttp.NeedsScope(rbac.Deals, rbac.Read)))
	deals.GET("", listDeals)
	deals.GET("/:owner", getDeal)
	return r
}

func audit(c *gin.Context) {
	c.String(http.StatusOK, "the record of all changes")
}

func listDeals(c *gin.Context) {
	var args []any
	where := rbachttp.Reach(c.Request.Context(), rbac.Deals, rbac.Read).Where(rbac.Dollar, "owner", &args)
	c.String(http.StatusOK, "SELECT name FROM deals WHERE %s %v", where, args)
}

func getDeal(c *gin.Context) {
	owner := c.Param("owner")
	subject, _ := rbac.FromContext(c.Request.Context())
	if !subject.CanRecord(rbac.Deals, rbac.Read, owner) {
		c.AbortWithStatus(http.StatusNotFound)
		return
	}
	c.String(http.StatusOK, "a deal of %s", owner)
}
