package main

import (
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// No area and no action is forgotten by the routes, and none of them is open to
// nobody but those that say so.
func TestRoutesAskForEverything(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	mux := c.mux()
	nothing := rbac.Permissions{rbac.Audit: {Manage: rbac.All}} // there is nothing to manage in the record
	rbactest.Unasked(t, c.az.Areas(), nothing, mux.Routes())
	var closed []string
	for _, route := range mux.Routes() {
		if !route.Requirement.Allows(rbac.Subject{}) {
			closed = append(closed, route.Pattern)
		}
	}
	rbactest.Closed(t, mux, closed...)
}
