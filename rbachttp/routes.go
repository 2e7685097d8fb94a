package rbachttp

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/areagate/rbac"
)

// Route is a pattern and what it asks for.
type Route struct {
	Pattern     string // as it was registered
	Method      string // empty for every method
	Path        string // with the host before it, if the pattern has one
	Requirement Requirement
}

// newRoute takes a pattern apart that http.ServeMux has accepted.
func newRoute(pattern string, need Requirement) Route {
	route := Route{Pattern: pattern, Path: pattern, Requirement: need}
	if i := strings.IndexAny(pattern, " \t"); i >= 0 {
		route.Method, route.Path = pattern[:i], strings.TrimLeft(pattern[i+1:], " \t")
	}
	return route
}

// isRoot reports whether the route has every method, host and path.
func (r Route) isRoot() bool {
	return r.Method == "" && (r.Path == "/" ||
		strings.HasPrefix(r.Path, "/{") && strings.HasSuffix(r.Path, "...}") && strings.Count(r.Path, "/") == 1)
}

func (r Route) compare(other Route) int {
	return cmp.Or(cmp.Compare(r.Path, other.Path), cmp.Compare(r.Method, other.Method))
}

// method returns the method for people.
func (r Route) method() string { return cmp.Or(r.Method, "any") }

// String returns "GET /deals (deals: read own or more)".
func (r Route) String() string {
	return fmt.Sprintf("%s %s (%s)", r.method(), r.Path, r.Requirement)
}

// Routes is the attack surface of a service, to be reviewed, and kept as a
// golden file of its [Routes.Table].
type Routes []Route

// Table returns a row for each route, with a heading: method, path and
// requirement.
func (rs Routes) Table() rbac.Table {
	rows := rbac.Table{{"Method", "Path", "Requirement"}}
	for _, r := range rs {
		rows = append(rows, []string{r.method(), r.Path, r.Requirement.String()})
	}
	return rows
}
