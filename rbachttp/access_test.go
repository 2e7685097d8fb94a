package rbachttp_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

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

	// Scopes of a team are between own and all.
	tasks, deals := rbac.Access{Read: rbac.Own}, rbac.Access{Read: rbac.Team}
	access = routes.Access([]rbac.Role{
		{Name: "Team", Permissions: rbac.Permissions{rbac.Deals: deals, rbac.Tasks: {Read: rbac.All}}},
		{Name: "Both", Permissions: rbac.Permissions{rbac.Deals: deals, rbac.Tasks: tasks}},
		{Name: "No scope", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All + 1}, rbac.Tasks: tasks}},
	})
	_, _, csv = texts(t, access.Table())
	require.Equal(t, `
Method,Path,(nobody),(no member),Team,Both,No scope
GET,/board,no,no,team,own,no
any,/deals,no,no,team,team,no
GET,/deals,no,no,team,team,no
POST,/deals,no,no,no,no,no
GET,/healthz,yes,yes,yes,yes,yes
GET,/me/permissions,no,yes,yes,yes,yes
GET,example.com/x,no,no,team,team,no
`, "\n"+csv)

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
