package rbachttp_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	routes := newRoutes(t)
	text, markdown, csv := texts(t, routes.Table())
	require.Equal(t, `
Method  Path             Requirement
------  ---------------  ---------------------------------------------------------
GET     /board           tasks: read own or more, and deals: read own or more
any     /deals           member, and (deals: read own or more, or audit: read all)
GET     /deals           deals: read own or more
POST    /deals           deals: manage all
GET     /healthz         public: load balancers ask
GET     /me/permissions  signed in
GET     example.com/x    audit: read all, or deals: read own or more
`, "\n"+text)
	require.Equal(t, `
| Method | Path | Requirement |
| --- | --- | --- |
| GET | /board | tasks\: read own or more, and deals\: read own or more |
| any | /deals | member, and \(deals\: read own or more, or audit\: read all\) |
| GET | /deals | deals\: read own or more |
| POST | /deals | deals\: manage all |
| GET | /healthz | public\: load balancers ask |
| GET | /me/permissions | signed in |
| GET | example\.com/x | audit\: read all, or deals\: read own or more |
`, "\n"+markdown)
	require.Equal(t, `
Method,Path,Requirement
GET,/board,"tasks: read own or more, and deals: read own or more"
any,/deals,"member, and (deals: read own or more, or audit: read all)"
GET,/deals,deals: read own or more
POST,/deals,deals: manage all
GET,/healthz,public: load balancers ask
GET,/me/permissions,signed in
GET,example.com/x,"audit: read all, or deals: read own or more"
`, "\n"+csv)

	require.Equal(t, "GET /board (tasks: read own or more, and deals: read own or more)", routes[0].String())
	require.Equal(t, "any /deals (member, and (deals: read own or more, or audit: read all))", routes[1].String())
	last := routes[len(routes)-1]
	require.Equal(t, []string{"GET \t example.com/x", "GET", "example.com/x"}, []string{last.Pattern, last.Method, last.Path})
}

// Routes returns a copy.
func TestRoutesIsACopy(t *testing.T) {
	t.Parallel()
	mux, _ := newMux(t)
	mux.HandleFunc("GET /a", rbachttp.Member(), echo)
	mux.Routes()[0].Requirement = rbachttp.SignedIn()
	require.Equal(t, "member", mux.Routes()[0].Requirement.String())
}

type brokenWriter struct{}

var errBroken = errors.New("disk full")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestTablesReportWriters(t *testing.T) {
	t.Parallel()
	routes := newRoutes(t)
	for _, w := range []rbac.Table{routes.Table(), routes.Access(nil).Table()} {
		require.ErrorIs(t, w.WriteText(brokenWriter{}), errBroken)
		require.ErrorIs(t, w.WriteMarkdown(brokenWriter{}), errBroken)
		require.ErrorIs(t, w.WriteCSV(brokenWriter{}), errBroken)
	}
}
