package main

import (
	"strconv"

	"github.com/areagate/rbac"
)

// args are the arguments of a query. Values reach the database as these, and
// never as part of its text.
type args []any

// add adds an argument and returns its placeholder.
func (a *args) add(value any) string {
	*a = append(*a, value)
	return "$" + strconv.Itoa(len(*a))
}

// inReach returns the condition for the rows of an area that somebody may act
// on, in the company in which they are.
func (d *database) inReach(s rbac.Subject, area rbac.Area, action rbac.Action, a *args) string {
	return "company = " + a.add(s.Workspace()) + " AND " + s.Reach(area, action).Where(d.places, "owner", (*[]any)(a))
}
