package rbachttp_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A body is the object that is expected and nothing else, to the letter.
func TestScenario99_BodiesAreExact(t *testing.T) {
	t.Parallel()
	a := newAdministration(t)
	revision := must(a.store.Revisions(t.Context(), []string{""}))
	for _, test := range []struct{ path, body, want, field string }{
		{"/members/suspend", ``, "400 malformed", ""},
		{"/members/suspend", `{"users":["sal"]`, "400 malformed", ""},
		{"/members/suspend", `{"users":["sal"]} {}`, "400 malformed", ""},
		{"/members/suspend", "{\"users\":[\"s\xff\"]}", "400 malformed", ""},
		{"/members/suspend", `null`, "422 invalid", ""},
		{"/members/suspend", `["sal"]`, "422 invalid", ""},
		{"/members/suspend", `{}`, "422 invalid", "users"},
		{"/members/suspend", `{"users":null}`, "422 invalid", "users"},
		{"/members/suspend", `{"users":"sal"}`, "422 invalid", "users"},
		{"/members/suspend", `{"users":[1]}`, "422 invalid", "users"},
		{"/members/suspend", `{"users":["sal",""]}`, "422 invalid", "users[1]"},
		{"/members/suspend", `{"Users":["sal"]}`, "422 invalid", "Users"},
		{"/members/suspend", `{"users":["gus"],"users":["sal"]}`, "422 invalid", "users"},
		{"/members/suspend", `{"users":["sal"],"role":"x"}`, "422 invalid", "role"},
		{"/members/suspend", `{"users":[` + strings.Repeat(`"",`, 1000) + `""]}`, "422 invalid", "users"},
		{"/members/assign", `{"users":["sal"]}`, "422 invalid", "role"},
		{"/members/team", `{"users":["sal"]}`, "422 invalid", "team"},
		{"/roles", `{"name":"A"}`, "422 invalid", "permissions"},
		{"/roles", `{"name":"A","permissions":{"deals":{"read":"most"}}}`, "422 invalid", "permissions.deals.read"},
		{"/roles", `{"name":"A","permissions":{"deal":{"read":"all"}}}`, "422 invalid", "permissions.deal"},
		{"/roles", `{"name":"A","permissions":{},"admin":true}`, "422 invalid", "admin"},
		{"/roles", `{"id":"mine","name":"A","permissions":{}}`, "422 invalid", "id"},
	} {
		w := a.send("ada", "POST", test.path, test.body)
		require.Equal(t, test.want, code(w), "%s %s", test.path, test.body)
		if test.field != "" {
			require.Contains(t, w.Body.String(), `"fields":[{"field":"`+test.field+`",`, "%s %s", test.path, test.body)
		}
	}
	require.Equal(t, revision, must(a.store.Revisions(t.Context(), []string{""})), "nothing was changed")
}

// Parameters are known, there as often as they may be, and what they should be.
func TestScenario99_QueriesAreExact(t *testing.T) {
	t.Parallel()
	a := newAdministration(t)
	for target, field := range map[string]string{
		"/members?limt=5":                            "limt",
		"/members?limit=0":                           "limit",
		"/members?limit=1001":                        "limit",
		"/members?limit=":                            "limit",
		"/members?limit=5&limit=6":                   "limit",
		"/members?state=gone":                        "state",
		"/members?" + strings.Repeat("user=a&", 101): "user",
		"/members?after=%00":                         "after",
		"/members?role=%ff":                          "role",
		"/members?user=":                             "users[0]",
		"/members/%00":                               "user",
		"/roles?limit=5":                             "limit",
		"/who-can?action=read":                       "area",
		"/who-can?area=deals":                        "action",
		"/who-can?area=deals&action=write":           "action",
		"/who-can?area=deal&action=read":             "area",
		"/explain?area=deals&action=read":            "user",
		"/explain?user=sal&area=deals&action=":       "action",
		"/explain?user=sal&area=deal&action=read":    "area",
		"/events?order=random":                       "order",
		"/events?after=-1":                           "after",
		"/events?after=9223372036854775808":          "after",
		"/events?since=yesterday":                    "since",
		"/events?actor=%ff":                          "actor",
		"/members?%5B=1":                             "[",
	} {
		w := a.send("ada", "GET", target, "")
		require.Equal(t, "422 invalid", code(w), target)
		require.Contains(t, w.Body.String(), `{"field":"`+field+`"`, target)
	}
	require.Equal(t, "400 malformed", code(a.send("ada", "GET", "/members?user=a;b", "")))
}
