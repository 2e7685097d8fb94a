package rbachttp_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// Two people edit a role in two front ends: an edit is of the role as it was
// read, and nothing else is saved.
func TestScenario98_EditsAreOfTheRoleAsItWasRead(t *testing.T) {
	t.Parallel()
	a := newAdministration(t)
	path := "/roles/" + string(a.roles["Sales"])
	read := a.send("ed", "GET", path, "")
	etag := read.Header().Get("Etag")
	require.Equal(t, `"1"`, etag)
	for header, want := range map[string]string{
		"":                   "428 precondition-required",
		"If-Match: *":        "428 precondition-required",
		`If-Match: W/"1"`:    "412 conflict",
		`If-Match: 1`:        "412 conflict",
		`If-Match: "01"`:     "412 conflict",
		`If-Match: "2"`:      "412 conflict",
		`If-Match: "-1"`:     "412 conflict",
		`If-Match: "1", "2"`: "412 conflict",
	} {
		require.Equal(t, want, code(a.send("ada", "PUT", path, read.Body.String(), header)), header)
	}
	for body, want := range map[string]string{
		`{"id":"other","name":"Sales","permissions":{}}`: "422 invalid",
		`{"version":2,"name":"Sales","permissions":{}}`:  "412 conflict",
		`{"name":"Sales"}`: "422 invalid",
	} {
		require.Equal(t, want, code(a.send("ada", "PUT", path, body, "If-Match: "+etag)), body)
	}

	// What was read can be sent back, edited or not; the next edit needs the
	// next ETag.
	edited := strings.Replace(read.Body.String(), `"name":"Sales"`, `"name":"Sellers"`, 1)
	saved := a.send("ada", "PUT", path, edited, "If-Match: "+etag)
	require.Equal(t, "200", code(saved))
	require.Equal(t, `"2"`, saved.Header().Get("Etag"))
	require.Equal(t, "412 conflict", code(a.send("ada", "PUT", path, edited, "If-Match: "+etag)))
	var role rbac.Role
	require.NoError(t, json.Unmarshal(saved.Body.Bytes(), &role))
	require.Equal(t, "Sellers", role.Name)
	require.Equal(t, saved.Body.String(), a.send("ed", "GET", path, "").Body.String())
	require.Equal(t, `"0"`, a.send("ed", "GET", "/roles/administrator", "").Header().Get("Etag"))

	made := a.send("ada", "POST", "/roles", `{"name":"Made","permissions":{}}`)
	require.Equal(t, "201", code(made))
	require.Equal(t, `"1"`, made.Header().Get("Etag"))
	require.Equal(t, "200", code(a.send("ada", "GET", "/"+made.Header().Get("Location"), "")))
}

// The rules decide, for each caller, also of a key and a delegate, and a refusal
// says what is missing only if the service lets it.
func TestScenario100_ChangesAreTheCallers(t *testing.T) {
	t.Parallel()
	a := newAdministration(t, rbachttp.WithMissingPermissionsInBody())
	sales, lead := string(a.roles["Sales"]), string(a.roles["Lead"])
	assign := `{"role":"` + sales + `","users":["gus"]}`
	require.Equal(t, "403 denied", code(a.send("lea", "POST", "/members/assign", assign)))
	refused := a.send("ed", "POST", "/members/assign", assign)
	require.Equal(t, "403 escalation", code(refused))
	require.Contains(t, refused.Body.String(), `"missing":[{"deals":{"read":"own","manage":"none"}}]`)
	require.Equal(t, "409 self", code(a.send("ed", "POST", "/members/remove", `{"users":["ed"]}`)))
	require.Equal(t, "403 denied", code(a.send("ada", "POST", "/members/assign", assign, "Test-Limit: deals: read all")))

	require.Equal(t, "204", code(a.send("ada", "POST", "/members/assign?reason=ticket+4711", assign, "Test-Limit: users: manage all; deals: read all")))
	require.True(t, must(a.Subject(t.Context(), "gus")).Reach(rbac.Deals, rbac.Read).Includes("gus"), "the next check sees it")
	for event, err := range a.Events(t.Context(), rbac.EventQuery{Newest: true, Limit: 1}) {
		require.NoError(t, err)
		require.Equal(t, "ada", event.Actor)
		require.Equal(t, "ticket 4711", event.Reason)
		require.True(t, event.Limited)
	}
	require.Equal(t, "422 invalid", code(a.send("ada", "POST", "/members/assign?reason="+strings.Repeat("a", 501), assign)))

	// lea may give Sales from now on, and nothing else; her key has no list.
	edit := `{"name":"Lead","permissions":{"users":{"read":"team","manage":"none"}},"assigns":["` + sales + `"]}`
	require.Equal(t, "200", code(a.send("ada", "PUT", "/roles/"+lead, edit, `If-Match: "1"`)))
	require.Equal(t, "204", code(a.send("lea", "POST", "/members/assign", `{"role":"`+sales+`","users":["new"]}`)))
	require.Equal(t, "403 escalation", code(a.send("lea", "POST", "/members/assign", `{"role":"`+lead+`","users":["new"]}`)))
	require.Equal(t, "403 escalation", code(a.send("lea", "POST", "/members/remove", `{"users":["ada"]}`)))
	require.Equal(t, "403 denied", code(a.send("lea", "POST", "/members/remove", `{"users":["new"]}`, "Test-Limit: users: read all")))
	require.Equal(t, "403 denied", code(a.send("lea", "POST", "/roles", `{"name":"Mine","permissions":{}}`)))

	silent := rbachttp.New(a.Authorizer, identify, rbachttp.WithLogger(quiet)).Admin()
	w := recordBody(silent, "POST", "/members/remove", "lea", `{"users":["ada"]}`, "Content-Type: application/json")
	require.Equal(t, "403 escalation", code(w))
	require.NotContains(t, w.Body.String(), "missing")
	require.NotContains(t, w.Body.String(), "roles")
}
