package rbachttp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// A preview says what changes would do, together, and does nothing.
func TestAdminPreview(t *testing.T) {
	t.Parallel()
	a := newAdministration(t, rbachttp.WithMissingPermissionsInBody())
	sales, lead, guest := string(a.roles["Sales"]), string(a.roles["Lead"]), string(a.roles["Guest"])
	before := must(a.store.Revisions(t.Context(), []string{""}))
	preview := func(user, changes string, headers ...string) string {
		t.Helper()
		w := a.send(user, "POST", "/preview", `{"changes":[`+changes+`]}`, headers...)
		require.Equal(t, before, must(a.store.Revisions(t.Context(), []string{""})))
		if w.Code != http.StatusOK {
			return code(w)
		}
		var plan struct {
			Members int
			Lost    rbac.Permissions
			Events  []rbac.Event
			Effects []rbac.Effect
			Refused struct {
				Rule    string
				Missing rbac.Permissions
				Roles   []rbac.RoleID
				Fields  []rbac.FieldError
			}
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &plan))
		var kinds []string
		for _, e := range plan.Events {
			kinds = append(kinds, string(e.Kind))
		}
		return strings.Join(strings.Fields(fmt.Sprintln(kinds, plan.Effects, plan.Refused.Rule, plan.Refused.Missing, plan.Refused.Roles, plan.Refused.Fields)), " ")
	}
	for _, test := range []struct{ user, changes, want string }{
		{"ada", `{"assign":{"role":"` + sales + `","users":["gus"]}}`, `[member.assigned] [member "gus": gains deals: read own; loses nothing] no access [] []`},
		{"ada", `{"assign":{"role":"` + sales + `","users":["gus"]}},{"team":{"team":"north","users":["gus"]}},{"suspend":{"users":["gus"]}}`,
			`[member.assigned member.moved member.suspended] [] no access [] []`},
		{"ada", `{"remove":{"users":["sal","sam"]}},{"deleteRole":{"role":"` + sales + `"}}`,
			`[member.removed member.removed role.deleted] [2 members: gains nothing; loses deals: read own] no access [] []`},
		{"ada", `{"replaceRole":{"role":"` + sales + `","with":"` + guest + `"}},{"deleteRole":{"role":"` + sales + `"}}`,
			`[member.assigned member.assigned role.deleted] [2 members: gains nothing; loses deals: read own] no access [] []`},
		{"ada", `{"updateRole":{"id":"` + lead + `","version":1,"name":"Lead","permissions":{}}}`, `[role.updated] [member "lea": gains nothing; loses users: read team] no access [] []`},
		{"ada", `{"updateRole":{"id":"` + lead + `","version":9,"name":"Lead","permissions":{}}}`, `[] [] conflict no access [] []`},
		{"ada", `{"suspend":{"users":["sal"]}},{"reinstate":{"users":["sal"]}}`, `[member.suspended member.reinstated] [] no access [] []`},
		{"ada", `{"add":{"role":"` + sales + `","users":["gus","new"]}},{"rename":{"from":"new","to":"newer"}}`,
			`[member.assigned member.renamed] [member "newer": gains deals: read own; loses nothing] no access [] []`},
		{"ada", `{"rename":{"from":"gus","to":"sal"}}`, `[] [] member-exists no access [] []`},
		{"ada", `{"remove":{"users":["ada"]}}`, `[] [] self no access [] []`},
		{"ada", `{"remove":{"users":["nobody"]}}`, `[] [] member-not-found no access [] []`},
		{"ada", `{"createRole":{"name":"","permissions":{}}}`, `[] [] invalid no access [] [name: is empty]`},
		{"ed", `{"assign":{"role":"` + sales + `","users":["gus"]}}`, `[] [] escalation deals: read own [` + sales + `] []`},
		{"gus", `{"remove":{"users":["sal"]}}`, "403 denied"},
		{"sal", `{"createRole":{"name":"Mine","permissions":{}}}`, "403 denied"},
		{"ada", ``, "422 invalid"},
		{"ada", `{}`, "422 invalid"},
		{"ada", `null`, "422 invalid"},
		{"ada", `{"remove":null}`, "422 invalid"},
		{"ada", `{"remove":{"users":["sal"]},"suspend":{"users":["sal"]}}`, "422 invalid"},
		{"ada", `{"remove":{"users":["sal"],"now":true}}`, "422 invalid"},
		{"ada", `{"forget":{"users":["sal"]}}`, "422 invalid"},
		{"ada", strings.Repeat(`{"remove":{"users":["sal"]}},`, 20) + `{"remove":{"users":["sal"]}}`, "422 invalid"},
	} {
		require.Equal(t, test.want, preview(test.user, test.changes), "%s as %s", test.changes, test.user)
	}
	require.Equal(t, "403 denied", preview("ada", `{"remove":{"users":["sal"]}}`, "Test-Limit: deals: read all"))
	w := a.send("ada", "POST", "/preview", `{"changes":[{"remove":{"users":["sal"]}},{"assign":{"role":"x","users":[1]}}]}`)
	require.Contains(t, w.Body.String(), `{"field":"changes[1].assign.users",`)

	many := make([]string, 1001)
	for i := range many {
		many[i] = fmt.Sprint("many-", i)
	}
	require.NoError(t, a.System("test").Add(t.Context(), a.roles["Guest"], many...))
	var plan rbac.Plan
	w = a.send("ada", "POST", "/preview", `{"changes":[{"replaceRole":{"role":"`+guest+`","with":"`+sales+`"}}]}`)
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &plan))
	require.Len(t, plan.Events, 1000)
	require.Equal(t, 1002, plan.Effects[0].Members)
}

// The roles that somebody may give: all with the reason to those who read roles,
// and to a delegate those of their list.
func TestAdminChoices(t *testing.T) {
	t.Parallel()
	a := newAdministration(t, rbachttp.WithMissingPermissionsInBody())
	sales, lead := string(a.roles["Sales"]), string(a.roles["Lead"])
	edit := `{"name":"Lead","permissions":{"users":{"read":"team","manage":"none"}},"assigns":["` + sales + `"]}`
	require.Equal(t, "200", code(a.send("ada", "PUT", "/roles/"+lead, edit, `If-Match: "1"`)))
	choice := func(item map[string]any) string {
		text := item["role"].(map[string]any)["name"].(string)
		if refused, ok := item["refused"].(map[string]any); ok {
			text += ": " + refused["rule"].(string)
		}
		return text
	}
	require.Equal(t, []string{"Administrator", "Editor", "Guest", "Lead", "Sales", "Unused"}, a.follow(t, "ada", "/choices?user=new", choice))
	require.Equal(t, []string{"Administrator: escalation", "Editor", "Guest", "Lead: escalation", "Sales: escalation", "Unused"}, a.follow(t, "ed", "/choices?user=gus", choice))
	require.Equal(t, []string{"Sales"}, a.follow(t, "lea", "/choices?user=new", choice))
	require.Equal(t, "403 denied", code(a.send("gus", "GET", "/choices?user=new", "")))
	require.Equal(t, "403 denied", code(a.send("lea", "GET", "/choices?user=new", "", "Test-Limit: users: read all")))

	refused := a.send("ed", "GET", "/choices", "").Body.String()
	require.Contains(t, refused, `"missing":{"deals":{"read":"own","manage":"none"}}`)
	silent := rbachttp.New(a.Authorizer, identify, rbachttp.WithLogger(quiet)).Admin()
	for _, body := range []string{
		recordBody(silent, "GET", "/choices", "ed", "").Body.String(),
		recordBody(silent, "POST", "/preview", "ed", `{"changes":[{"remove":{"users":["sal"]}}]}`, "Content-Type: application/json").Body.String(),
	} {
		require.Contains(t, body, `"rule":"escalation"`)
		require.NotContains(t, body, "missing")
		require.NotContains(t, body, `"users":["sal"]`)
	}
}
