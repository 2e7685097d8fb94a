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

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
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
