package rbachttp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// breaking is a store that fails on demand, in a way that is nobody's mistake.
type breaking struct {
	rbac.Store
	broken atomic.Bool
}

func (s *breaking) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	if s.broken.Load() {
		return errInternal
	}
	return s.Store.View(ctx, workspace, fn)
}

func (s *breaking) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	if s.broken.Load() {
		return errInternal
	}
	return s.Store.Update(ctx, workspace, fn)
}

// administration is a workspace behind its API: ada is Administrator, ed manages
// users and holds little else, lea leads the team north of sal and reads its
// users, gus holds nothing.
type administration struct {
	*rbac.Authorizer
	store *breaking
	api   http.Handler
	roles map[string]rbac.RoleID
}

func newAdministration(tb testing.TB, opts ...rbachttp.Option) *administration {
	tb.Helper()
	ctx, store := tb.Context(), &breaking{Store: rbac.NewMemStore()}
	az, err := rbac.Open(ctx, store, rbac.WithTeams())
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = az.Close() })
	app := az.System("test")
	roles := map[string]rbac.RoleID{}
	for _, role := range []rbac.Role{
		{Name: "Editor", Permissions: rbac.Permissions{rbac.Users: {Read: rbac.All, Manage: rbac.All}, rbac.Contacts: {Read: rbac.All}}},
		{Name: "Lead", Permissions: rbac.Permissions{rbac.Users: {Read: rbac.Team}}},
		{Name: "Sales", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Own}}},
		{Name: "Guest"},
		{Name: "Unused"},
	} {
		made, err := app.CreateRole(ctx, role)
		require.NoError(tb, err)
		roles[role.Name] = made.ID
	}
	require.NoError(tb, app.Assign(ctx, rbac.Administrator, "ada"))
	require.NoError(tb, app.Assign(ctx, roles["Editor"], "ed"))
	require.NoError(tb, app.Assign(ctx, roles["Lead"], "lea"))
	require.NoError(tb, app.Assign(ctx, roles["Sales"], "sal", "sam"))
	require.NoError(tb, app.Assign(ctx, roles["Guest"], "gus"))
	require.NoError(tb, app.SetTeam(ctx, "north", "lea", "sal"))
	guard := rbachttp.New(az, identify, append([]rbachttp.Option{rbachttp.WithLogger(quiet)}, opts...)...)
	return &administration{az, store, guard.Admin(), roles}
}

// send sends JSON as a user.
func (a *administration) send(user, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	return recordBody(a.api, method, target, user, body, append([]string{"Content-Type: application/json"}, headers...)...)
}

// code returns the status of an answer, and the code of a problem.
func code(w *httptest.ResponseRecorder) string {
	var p struct{ Code string }
	if strings.Contains(w.Header().Get("Content-Type"), "problem") {
		_ = json.Unmarshal(w.Body.Bytes(), &p)
	}
	return strings.TrimSpace(fmt.Sprint(w.Code, " ", p.Code))
}

// Every route, every status and every field of the answers is in openapi.json, and
// each status that is there happens.
func TestOpenAPIHoldsForTheHandler(t *testing.T) {
	t.Parallel()
	a := newAdministration(t, rbachttp.WithMissingPermissionsInBody())
	held := &answered{readDocument(t, a.send("gus", "GET", "/openapi.json", "").Body.String()), map[string]map[string]bool{}}
	sales, guest, unused := string(a.roles["Sales"]), string(a.roles["Guest"]), string(a.roles["Unused"])
	edit := `{"name":"Sales","permissions":{"deals":{"read":"own","manage":"none"}}}`
	for _, q := range []asked{ // what succeeds comes last
		{"GET /openapi.json", "", "", "", 200},
		{"GET /permissions", "", "", "", 200},
		{"GET /areas", "", "", "", 200},
		{"GET /roles", "", "", "", 200},
		{"GET /roles/{role}", "/roles/nowhere", "", "", 404},
		{"GET /roles/{role}", "/roles/" + sales, "", "", 200},
		{"POST /roles", "", `{"name":"A","permissions":{},"assigns":["nowhere"]}`, "", 404},
		{"POST /roles", "", `{"name":"sales","permissions":{}}`, "", 409},
		{"POST /roles", "?reason=ticket+1", `{"name":"Made","permissions":{"deals":{"read":"team","manage":"none"}}}`, "", 201},
		{"PUT /roles/{role}", "/roles/" + sales, edit, "", 428},
		{"PUT /roles/{role}", "/roles/" + sales, edit, "If-Match: *", 428},
		{"PUT /roles/{role}", "/roles/nowhere", edit, `If-Match: "1"`, 404},
		{"PUT /roles/{role}", "/roles/administrator", edit, `If-Match: "0"`, 409},
		{"PUT /roles/{role}", "/roles/" + sales, edit, `If-Match: "7"`, 412},
		{"PUT /roles/{role}", "/roles/" + sales, edit, `If-Match: "1"`, 200},
		{"DELETE /roles/{role}", "/roles/nowhere", "", "", 404},
		{"DELETE /roles/{role}", "/roles/" + sales, "", "", 409},
		{"DELETE /roles/{role}", "/roles/" + unused, "", "", 204},
		{"POST /roles/{role}/replace", "/roles/" + guest + "/replace", `{"with":"nowhere"}`, "", 404},
		{"POST /roles/{role}/replace", "/roles/administrator/replace", `{"with":"` + guest + `"}`, "", 409},
		{"POST /roles/{role}/replace", "/roles/" + guest + "/replace", `{"with":"` + sales + `"}`, "", 204},
		{"GET /members", "", "", "", 200},
		{"GET /members", "?limit=1&after=ed&user=gus&user=sal&role=" + sales + "&team=north&state=active", "", "", 200},
		{"GET /members/{user}", "/members/nobody", "", "", 404},
		{"GET /members/{user}", "/members/sal", "", "", 200},
		{"POST /members/assign", "", `{"role":"nowhere","users":["sal"]}`, "", 404},
		{"POST /members/assign", "", `{"role":"` + guest + `","users":["ada"]}`, "", 409},
		{"POST /members/assign", "", `{"role":"` + guest + `","users":["new"]}`, "", 204},
		{"POST /members/add", "", `{"role":"nowhere","users":["new"]}`, "", 404},
		{"POST /members/add", "", `{"role":"` + guest + `","users":["ada","new","newer"]}`, "", 204},
		{"POST /members/rename", "", `{"from":"nobody","to":"somebody"}`, "", 404},
		{"POST /members/rename", "", `{"from":"newer","to":"new"}`, "", 409},
		{"POST /members/rename", "", `{"from":"newer","to":"newest"}`, "", 204},
		{"POST /members/suspend", "", `{"users":["nobody"]}`, "", 404},
		{"POST /members/suspend", "", `{"users":["ada"]}`, "", 409},
		{"POST /members/suspend", "", `{"users":["sal"]}`, "", 204},
		{"POST /members/reinstate", "", `{"users":["nobody"]}`, "", 404},
		{"POST /members/reinstate", "", `{"users":["ada"]}`, "", 409},
		{"POST /members/reinstate", "", `{"users":["sal"]}`, "", 204},
		{"POST /members/team", "", `{"team":"south","users":["nobody"]}`, "", 404},
		{"POST /members/team", "", `{"team":"south","users":["ada"]}`, "", 409},
		{"POST /members/team", "", `{"team":"south","users":["sal"]}`, "", 204},
		{"POST /members/remove", "", `{"users":["nobody"]}`, "", 404},
		{"POST /members/remove", "", `{"users":["ada"]}`, "", 409},
		{"POST /members/remove", "", `{"users":["sam"]}`, "", 204},
		{"POST /preview", "", `{"changes":[{"createRole":{"name":"B","permissions":{"deals":{"read":"all","manage":"all"}}}},{"assign":{"role":"` + sales + `","users":["x","gus"]}}]}`, "", 200},
		{"POST /preview", "", `{"changes":[{"updateRole":{"id":"` + sales + `","version":1,"name":"Sales","permissions":{}}}]}`, "", 200},
		{"GET /choices", "", "", "", 200},
		{"GET /choices", "?user=gus&user=ada&user=new", "", "", 200},
		{"GET /matrix", "", "", "", 200},
		{"GET /who-can", "?area=deals&action=read&limit=1", "", "", 200},
		{"GET /explain", "?user=sal&area=deals&action=read", "", "", 200},
		{"GET /findings", "", "", "", 200},
		{"GET /events", "", "", "", 200},
		{"GET /events", "?order=oldest&limit=3&after=2&since=2020-01-01T00:00:00Z&until=2999-01-01T00:00:00Z", "", "", 200},
		{"GET /events", "?kind=member.moved&kind=member.assigned&user=sal&actor=ada&role=" + sales, "", "", 200},
	} {
		if strings.HasPrefix(q.target, "?") {
			q.target = strings.Fields(q.route)[1] + q.target
		}
		if broken := q; q.status < 300 && held.operations[q.route].Responses["500"].Content != nil {
			broken.status = 500
			a.store.broken.Store(true)
			held.ask(t, a.api, "ada", broken)
			a.store.broken.Store(false)
		}
		held.ask(t, a.api, "ada", q)
	}
	etag := a.send("gus", "GET", "/permissions", "").Header().Get("Etag")
	held.ask(t, a.api, "gus", asked{"GET /permissions", "", "", "If-None-Match: " + etag, 304})

	elsewhere := rbachttp.NewForWorkspace(a.Workspace, identify, rbachttp.WithLogger(quiet)).Admin()
	closed := newAdministration(t)
	require.NoError(t, closed.Close())
	for route, op := range held.operations {
		path := strings.NewReplacer("{role}", sales, "{user}", "sal").Replace(strings.Fields(route)[1])
		held.ask(t, a.api, "", asked{route, path, "", "", 401})
		held.ask(t, elsewhere, "ada", asked{route, path, "", "Test-Workspace: bolt", 403})
		held.ask(t, closed.api, "ada", asked{route, path, "", "", 503})
		held.ask(t, a.api, "ada", asked{route, path + "?%zz", "", `If-Match: "1"`, 400})
		held.ask(t, a.api, "ada", asked{route, path + "?nothing=1", "", `If-Match: "1"`, 422})
		if op.RequestBody != nil {
			require.True(t, op.RequestBody.Required)
			held.ask(t, a.api, "ada", asked{route, path, `{"name":"` + strings.Repeat("a", 2<<20) + `"}`, `If-Match: "1"`, 413})
			held.ask(t, withoutType(a.api), "ada", asked{route, path, "{}", `If-Match: "1"`, 415})
			held.ask(t, a.api, "ada", asked{route, path, "{", `If-Match: "1"`, 400})
		}
	}
	for route, op := range held.operations {
		require.Equal(t, slices.Sorted(maps.Keys(op.Responses)), slices.Sorted(maps.Keys(held.seen[route])), route)
	}
}

// withoutType takes away what a body is.
func withoutType(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Content-Type")
		next.ServeHTTP(w, r)
	})
}

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

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

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

// follow reads all pages of a list, and returns what each item shows.
func (a *administration) follow(t *testing.T, user, target string, shows func(map[string]any) string) (all []string) {
	t.Helper()
	after := ""
	for range 100 {
		w := a.send(user, "GET", target+after, "")
		require.Equal(t, "200", code(w), w.Body)
		var list struct {
			Items []map[string]any
			Next  string
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &list))
		for _, item := range list.Items {
			all = append(all, shows(item))
		}
		if list.Next == "" {
			return all
		}
		require.NotEmpty(t, list.Items)
		after = "&after=" + url.QueryEscape(list.Next)
	}
	t.Fatal("the pages do not end")
	return nil
}

// The pages of a list are the list, whatever their size.
func TestAdminPages(t *testing.T) {
	t.Parallel()
	a := newAdministration(t)
	app := a.System("test")
	var users []string
	for i := range 12 {
		users = append(users, fmt.Sprintf("u%02d &/%%", i))
	}
	require.NoError(t, app.Assign(t.Context(), rbac.Administrator, "zoe")) // behind whom the next role begins with sal
	require.NoError(t, app.Assign(t.Context(), a.roles["Sales"], users...))
	require.NoError(t, app.Assign(t.Context(), a.roles["Editor"], users[4:6]...))
	require.NoError(t, app.Suspend(t.Context(), users[3]))

	var members, holders, events []string
	for m, err := range a.Members(t.Context(), rbac.MemberQuery{}) {
		require.NoError(t, err)
		members = append(members, m.User)
	}
	for h, err := range a.WhoCan(t.Context(), rbac.Deals, rbac.Read) {
		require.NoError(t, err)
		holders = append(holders, h.Member.User)
	}
	for e, err := range a.Events(t.Context(), rbac.EventQuery{}) {
		require.NoError(t, err)
		events = append(events, fmt.Sprint(e.Seq))
	}
	user := func(item map[string]any) string { return item["user"].(string) }
	holder := func(item map[string]any) string { return user(item["member"].(map[string]any)) }
	seq := func(item map[string]any) string { return fmt.Sprint(item["seq"]) }
	for _, limit := range []int{1, 2, 3, 7, len(members), len(events), 1000} {
		page := fmt.Sprintf("?limit=%d", limit)
		require.Equal(t, members, a.follow(t, "ed", "/members"+page, user))
		require.Equal(t, holders, a.follow(t, "ed", "/who-can"+page+"&area=deals&action=read", holder))
		require.Equal(t, events, a.follow(t, "ada", "/events"+page+"&order=oldest", seq))
		newest := slices.Clone(events)
		slices.Reverse(newest)
		require.Equal(t, newest, a.follow(t, "ada", "/events"+page, seq))
	}
	require.Equal(t, users[:4], a.follow(t, "ed", "/members?limit=2&user="+url.QueryEscape(users[0])+"&user=nobody&user="+url.QueryEscape(users[1])+
		"&user="+url.QueryEscape(users[2])+"&user="+url.QueryEscape(users[3]), user))
	require.Equal(t, users[3:4], a.follow(t, "ed", "/members?state=suspended", user))

	// Who was last on a page has another role when the next one is asked for, and
	// nobody is left out. A place that is gone says so.
	var first struct{ Next string }
	require.NoError(t, json.Unmarshal(a.send("ed", "GET", "/who-can?area=deals&action=read&limit=4", "").Body.Bytes(), &first))
	require.NoError(t, app.Remove(t.Context(), holders[3]))
	require.Equal(t, holders[4:], a.follow(t, "ed", "/who-can?area=deals&action=read&limit=1000&after="+first.Next, holder))
	require.NoError(t, app.ReplaceRole(t.Context(), a.roles["Sales"], a.roles["Guest"]))
	gone := a.send("ed", "GET", "/who-can?area=deals&action=read&after="+first.Next, "")
	require.Equal(t, "422 invalid", code(gone))
	require.Contains(t, gone.Body.String(), "begin anew")
	require.Equal(t, "422 invalid", code(a.send("ed", "GET", "/who-can?area=deals&action=read&after=x", "")))
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

// Whoever sees some users only gets those, from the list and one by one.
func TestAdminShowsMembersWithinReach(t *testing.T) {
	t.Parallel()
	a := newAdministration(t, rbachttp.WithUnusedScope(func(r *http.Request, need rbachttp.Requirement) {
		t.Errorf("%s did not look at the scope of %v", r.URL, need)
	}))
	user := func(item map[string]any) string { return item["user"].(string) + " " + item["roleName"].(string) }
	require.Equal(t, []string{"lea Lead", "sal Sales"}, a.follow(t, "lea", "/members?limit=1", user))
	require.Equal(t, []string{"sal Sales"}, a.follow(t, "lea", "/members?user=sal&user=sam", user))
	require.Empty(t, a.follow(t, "lea", "/members?user=sam", user))
	require.Equal(t, "200", code(a.send("lea", "GET", "/members/sal", "")))
	require.Equal(t, "404 member-not-found", code(a.send("lea", "GET", "/members/sam", "")))
	require.Equal(t, a.send("lea", "GET", "/members/nobody", "").Body.String(), a.send("lea", "GET", "/members/sam", "").Body.String())
	for _, target := range []string{"/roles", "/matrix", "/findings", "/who-can?area=deals&action=read", "/explain?user=sam&area=deals&action=read", "/events"} {
		require.Equal(t, "403 denied", code(a.send("lea", "GET", target, "")), target)
	}
	require.Equal(t, "403 denied", code(a.send("ed", "GET", "/events", "")), "who manages users does not see the record")
	require.Equal(t, "200", code(a.send("gus", "GET", "/areas", "")))
	require.Equal(t, "403 denied", code(a.send("eve", "GET", "/areas", "")))
	require.Equal(t, "200", code(a.send("eve", "GET", "/permissions", "")), "as for everybody who is signed in")
}

// The API works below any prefix, in the workspace of its caller, behind the
// guards of others.
func TestAdminIsMountedAnywhere(t *testing.T) {
	t.Parallel()
	a := newAdministration(t)
	require.NoError(t, a.For("bolt").System("test").Assign(t.Context(), rbac.Administrator, "bo"))
	guard := rbachttp.New(a.Authorizer, identify, rbachttp.WithLogger(quiet))
	mux := guard.Mux()
	mux.Handle("/v1/admin/", rbachttp.SignedIn(), http.StripPrefix("/v1/admin", guard.Admin()))
	mux.HandleFunc("POST /v1/admin/members/remove", rbachttp.Needs(rbac.API, rbac.Manage), echo)
	a.api = mux
	require.Equal(t, "200", code(a.send("ed", "GET", "/v1/admin/roles", "")))
	require.Equal(t, "200", code(a.send("ed", "HEAD", "/v1/admin/roles", "")))
	require.Empty(t, a.send("ed", "HEAD", "/v1/admin/roles", "").Body.String())
	require.Equal(t, "401 unauthenticated", code(a.send("", "GET", "/v1/admin/roles", "")))
	require.Equal(t, "404 not-found", code(a.send("ed", "GET", "/v1/admin/nothing", "")))
	require.Equal(t, "405 method-not-allowed", code(a.send("ed", "PATCH", "/v1/admin/roles", "")))
	require.Equal(t, "403 denied", code(a.send("ed", "POST", "/v1/admin/members/remove", `{"users":["sal"]}`)), "the application's own")

	require.Equal(t, "403 denied", code(a.send("bo", "GET", "/v1/admin/members", "")))
	members := a.send("bo", "GET", "/v1/admin/members", "", "Test-Workspace: bolt")
	require.Contains(t, members.Body.String(), `{"items":[{"user":"bo",`)
	require.Equal(t, "204", code(a.send("bo", "POST", "/v1/admin/members/assign", `{"role":"administrator","users":["bob"]}`, "Test-Workspace: bolt")))
	require.True(t, a.For("bolt").Can(t.Context(), "bob", rbac.Users, rbac.Manage))
	require.False(t, a.Can(t.Context(), "bob", rbac.Users, rbac.Manage))

	own := rbachttp.NewForWorkspace(a.For("bolt"), identify, rbachttp.WithLogger(quiet)).Admin()
	require.Equal(t, 200, recordBody(own, "GET", "/members", "bob", "").Code)
	require.Equal(t, 403, recordBody(own, "GET", "/members", "ada", "").Code)
}

// Some catalogues have users without reading, or no audit: whoever manages users
// reads then.
func TestAdminOfOtherCatalogues(t *testing.T) {
	t.Parallel()
	az, err := rbac.Open(t.Context(), rbac.NewMemStore(), rbac.WithAreas(rbac.AreaInfo{Area: rbac.Users, Label: "Users", Only: rbac.Manage}))
	require.NoError(t, err)
	defer az.Close()
	app := az.System("test")
	role, err := app.CreateRole(t.Context(), rbac.Role{Name: "None"})
	require.NoError(t, err)
	require.NoError(t, app.Assign(t.Context(), rbac.Administrator, "ada"))
	require.NoError(t, app.Assign(t.Context(), role.ID, "gus"))
	api := rbachttp.New(az, identify, rbachttp.WithLogger(quiet)).Admin()
	for _, target := range []string{"/members", "/members/gus", "/roles", "/events"} {
		require.Equal(t, 200, recordBody(api, "GET", target, "ada", "").Code, target)
		require.Equal(t, 403, recordBody(api, "GET", target, "gus", "").Code, target)
	}
	require.Contains(t, recordBody(api, "GET", "/members", "ada", "").Body.String(), `"gus"`)
}

// Another site makes a browser send changes, as forms can or by script. Nothing
// is changed, but by origins that are trusted; reading changes nothing at all.
func TestScenario39_OtherSitesChangeNothing(t *testing.T) {
	t.Parallel()
	a := newAdministration(t, rbachttp.WithTrustedOrigins("https://app.example.com"))
	before := must(a.store.Revisions(t.Context(), []string{""}))
	document := readDocument(t, a.send("gus", "GET", "/openapi.json", "").Body.String())
	for route := range document.operations {
		method, path, _ := strings.Cut(route, " ")
		path = strings.NewReplacer("{role}", string(a.roles["Unused"]), "{user}", "sal").Replace(path)
		for _, headers := range [][]string{
			{"Sec-Fetch-Site: cross-site"},
			{"Sec-Fetch-Site: same-site"},
			{"Origin: https://evil.example"},
			{"Origin: null"},
			{"Sec-Fetch-Site: cross-site", "Origin: http://app.example.com"},
		} {
			want := "403 cross-origin"
			if method == "GET" {
				want = "200"
				if strings.Contains(path, "who-can") || strings.Contains(path, "explain") {
					want = "422 invalid" // without parameters
				}
			}
			require.Equal(t, want, code(a.send("ada", method, path, `{"users":["sal"]}`, headers...)), "%s %q", route, headers)
		}
		if method != "GET" && document.operations[route].RequestBody != nil {
			for _, form := range []string{"application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "application/jsonp", "application/json text", ""} {
				w := recordBody(a.api, method, path, "ada", `{"users":["sal"]}`, "Content-Type: "+form, `If-Match: "1"`)
				require.Equal(t, "415 media-type", code(w), "%s %q", route, form)
			}
		}
		require.Equal(t, before, must(a.store.Revisions(t.Context(), []string{""})), route)
	}
	const body = `{"users":["sal"]}`
	require.Equal(t, "204", code(a.send("ada", "POST", "/members/suspend", body, "Sec-Fetch-Site: same-origin", "Origin: https://crm.example")))
	require.Equal(t, "204", code(a.send("ada", "POST", "/members/reinstate", body, "Sec-Fetch-Site: cross-site", "Origin: https://app.example.com")))
	require.Equal(t, 204, recordBody(a.api, "POST", "/members/suspend", "ada", body, "Content-Type: Application/JSON; charset=utf-8").Code)
}

// Who is denied and who does not exist get one answer on each route, and no
// failure tells of the inside.
func TestScenario41_TheAPIKeepsItsInside(t *testing.T) {
	t.Parallel()
	a := newAdministration(t)
	require.NoError(t, a.System("test").Suspend(t.Context(), "sam"))
	document := readDocument(t, a.send("gus", "GET", "/openapi.json", "").Body.String())
	for route, op := range document.operations {
		method, path, _ := strings.Cut(route, " ")
		path = strings.NewReplacer("{role}", "nowhere", "{user}", "sal").Replace(path)
		if op.Responses["500"].Content == nil {
			continue // it asks nobody
		}
		answers := map[string]bool{}
		for _, user := range []string{"sam", "eve", "bo", "Ada", "ada\u200b"} {
			w := a.send(user, method, path, `{"users":["sal"]}`)
			require.Equal(t, "403 denied", code(w), "%s as %q", route, user)
			answers[w.Body.String()+fmt.Sprint(w.Header())] = true
		}
		require.Len(t, answers, 1, route)
	}
	a.store.broken.Store(true)
	for _, target := range []string{"/roles", "/members", "/matrix", "/findings", "/events"} {
		w := a.send("ada", "GET", target, "")
		require.Equal(t, "500 internal", code(w), target)
		require.NotContains(t, w.Body.String(), "pq:")
	}
}

// Ids that mean something in URLs, JSON or a path are data.
func TestScenario31_IdsInTheAPI(t *testing.T) {
	t.Parallel()
	a := newAdministration(t)
	for _, id := range []string{"a/b", "a%2Fb", "..%2f", "a?b=c&d", "a;b", `a\b`, `"a"`, "a+b c", "é\u200d😀", "openapi.json", "assign", "{user}", "' OR 1=1 --", "<script>"} {
		body, err := json.Marshal(map[string]any{"role": a.roles["Guest"], "users": []string{id}})
		require.NoError(t, err)
		require.Equal(t, "204", code(a.send("ada", "POST", "/members/assign", string(body))), id)
		var member rbac.Member
		w := a.send("ed", "GET", "/members/"+url.PathEscape(id), "")
		require.Equal(t, "200", code(w), id)
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &member))
		require.Equal(t, id, member.User)
		require.Equal(t, []string{id}, a.follow(t, "ed", "/members?user="+url.QueryEscape(id), func(m map[string]any) string { return m["user"].(string) }))
		body, err = json.Marshal(map[string]any{"users": []string{id}})
		require.NoError(t, err)
		require.Equal(t, "204", code(a.send("ada", "POST", "/members/remove", string(body))), id)
	}
}
