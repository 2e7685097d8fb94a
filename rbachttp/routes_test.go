package rbachttp_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// texts returns what a table writes.
func texts(t *testing.T, w rbac.Table) (text, markdown, csv string) {
	t.Helper()
	var outs [3]bytes.Buffer
	require.NoError(t, w.WriteText(&outs[0]))
	require.NoError(t, w.WriteMarkdown(&outs[1]))
	require.NoError(t, w.WriteCSV(&outs[2]))
	return outs[0].String(), outs[1].String(), outs[2].String()
}

func newRoutes(t *testing.T) rbachttp.Routes {
	t.Helper()
	mux, guard := newMux(t)
	mux.HandleFunc("POST /deals", rbachttp.Needs(rbac.Deals, rbac.Manage), echo) // not in the order of the table
	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), echo)
	mux.HandleFunc("/deals", rbachttp.AllOf(rbachttp.Member(), rbachttp.AnyOf(rbachttp.NeedsScope(rbac.Deals, rbac.Read), rbachttp.Needs(rbac.Audit, rbac.Read))), echo)
	mux.Handle("GET /me/permissions", rbachttp.SignedIn(), guard.Permissions())
	mux.HandleFunc("GET \t example.com/x", rbachttp.AnyOf(rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.NeedsScope(rbac.Deals, rbac.Read)), echo)
	mux.HandleFunc("GET /healthz", rbachttp.Public("load balancers ask"), echo)
	mux.HandleFunc("GET /board", rbachttp.AllOf(rbachttp.NeedsScope(rbac.Tasks, rbac.Read), rbachttp.NeedsScope(rbac.Deals, rbac.Read)), echo)
	return mux.Routes()
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	routes := newRoutes(t)
	text, markdown, csv := texts(t, routes.Table())
	require.Equal(t, `
Method  Path             Requirement
------  ---------------  --------------------------------------------------------
GET     /board           tasks: read own or all, and deals: read own or all
any     /deals           member, and (deals: read own or all, or audit: read all)
GET     /deals           deals: read own or all
POST    /deals           deals: manage all
GET     /healthz         public: load balancers ask
GET     /me/permissions  signed in
GET     example.com/x    audit: read all, or deals: read own or all
`, "\n"+text)
	require.Equal(t, `
| Method | Path | Requirement |
| --- | --- | --- |
| GET | /board | tasks\: read own or all, and deals\: read own or all |
| any | /deals | member, and \(deals\: read own or all, or audit\: read all\) |
| GET | /deals | deals\: read own or all |
| POST | /deals | deals\: manage all |
| GET | /healthz | public\: load balancers ask |
| GET | /me/permissions | signed in |
| GET | example\.com/x | audit\: read all, or deals\: read own or all |
`, "\n"+markdown)
	require.Equal(t, `
Method,Path,Requirement
GET,/board,"tasks: read own or all, and deals: read own or all"
any,/deals,"member, and (deals: read own or all, or audit: read all)"
GET,/deals,deals: read own or all
POST,/deals,deals: manage all
GET,/healthz,public: load balancers ask
GET,/me/permissions,signed in
GET,example.com/x,"audit: read all, or deals: read own or all"
`, "\n"+csv)

	require.Equal(t, "GET /board (tasks: read own or all, and deals: read own or all)", routes[0].String())
	require.Equal(t, "any /deals (member, and (deals: read own or all, or audit: read all))", routes[1].String())
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

// The table of access, written by hand, and what the roles do when they ask.
func TestAccess(t *testing.T) {
	t.Parallel()
	routes := newRoutes(t)
	roles, err := newTeam(t).Roles(t.Context())
	require.NoError(t, err)
	access := routes.Access(roles)
	_, _, csv := texts(t, access.Table())
	require.Equal(t, `
Method,Path,(nobody),(no member),Administrator,Guest,Sales
GET,/board,no,no,yes,no,own
any,/deals,no,no,yes,no,own
GET,/deals,no,no,yes,no,own
POST,/deals,no,no,yes,no,no
GET,/healthz,yes,yes,yes,yes,yes
GET,/me/permissions,no,yes,yes,yes,yes
GET,example.com/x,no,no,yes,no,own
`, "\n"+csv)

	access = routes[4:6].Access([]rbac.Role{{Name: "A|b"}})
	text, markdown, _ := texts(t, access.Table())
	require.Equal(t, `
Method  Path             (nobody)  (no member)  A|b
------  ---------------  --------  -----------  ---
GET     /healthz         yes       yes          yes
GET     /me/permissions  no        yes          yes
`, "\n"+text)
	require.Equal(t, `
| Method | Path | \(nobody\) | \(no member\) | A\|b |
| --- | --- | --- | --- | --- |
| GET | /healthz | yes | yes | yes |
| GET | /me/permissions | no | yes | yes |
`, "\n"+markdown)

	// It shares nothing with the roles that it was made of.
	role := rbac.Role{Name: "R", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}}}
	access = routes[2:3].Access([]rbac.Role{role})
	role.Permissions[rbac.Deals] = rbac.Access{}
	require.Equal(t, "yes", access.Table()[1][4])
}

// The cells say what a request would be answered.
func TestAccessAgreesWithTheGuard(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
	roles, err := az.Roles(t.Context())
	require.NoError(t, err)
	people := map[string]string{"(nobody)": "", "(no member)": "eve", "Administrator": "ada", "Guest": "gus", "Sales": "sal"}
	for _, test := range requirementCases {
		mux := guard.Mux()
		mux.HandleFunc("GET /x", test.need, hello)
		cells := mux.Routes().Access(roles).Table()
		for i, name := range cells[0] {
			if i >= 2 {
				require.Equal(t, cells[1][i] != "no", record(mux, "GET", "/x", people[name]).Code == 200, "%s: %s", test.name, name)
			}
		}
	}
}

// Whatever is in a route or a role's name shows as it is and is no formula.
func TestScenario40_RoutesAreNeutralisedInCSV(t *testing.T) {
	t.Parallel()
	mux, _ := newMux(t)
	reasons := []string{"=1+1", "+1", "-1", "@SUM(A1)", "\ttab", "\rreturn", "a,b\n\"c\"", "plain", "=cmd|' /C calc'!A0"}
	for i, reason := range reasons {
		mux.HandleFunc("GET /"+string(rune('a'+i)), rbachttp.Public(reason), echo)
	}
	var out bytes.Buffer
	require.NoError(t, mux.Routes().Table().WriteCSV(&out))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, len(reasons)+1)
	for i, reason := range reasons {
		require.Equal(t, []string{"GET", "/" + string(rune('a'+i)), "public: " + reason}, rows[i+1])
	}

	var roles []rbac.Role
	for _, reason := range reasons {
		roles = append(roles, rbac.Role{Name: reason})
	}
	out.Reset()
	require.NoError(t, mux.Routes().Access(roles).Table().WriteCSV(&out))
	rows, err = csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{
		"Method", "Path", "(nobody)", "(no member)",
		"'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\ttab", "'\rreturn", "a,b\n\"c\"", "plain", "'=cmd|' /C calc'!A0",
	}, rows[0])

	// A route that was not made by a mux, as a cell of its own.
	out.Reset()
	require.NoError(t, rbachttp.Routes{{Method: "=X", Path: "@y", Requirement: rbachttp.Member()}}.Table().WriteCSV(&out))
	require.Equal(t, "Method,Path,Requirement\n'=X,'@y,member\n", out.String())

	// In a terminal and in Markdown nothing acts either.
	text, markdown, _ := texts(t, rbachttp.Routes{{Method: "GET", Path: "/\x1b[31m<b>|", Requirement: rbachttp.Member()}}.Table())
	require.Contains(t, text, "/\uFFFD[31m<b>|")
	require.Contains(t, markdown, `/`+"\uFFFD"+`\[31m&lt;b&gt;\|`)
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
