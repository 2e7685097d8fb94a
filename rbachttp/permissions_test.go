package rbachttp_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

func TestPermissions(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	mux := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet)).Mux()
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
	mux.Handle("GET /me/permissions", rbachttp.SignedIn(), guard.Permissions())
	server := serve(t, mux)
	sales := `{"contacts":{"read":"all","manage":"none"},"deals":{"read":"own","manage":"own"},"tasks":{"read":"all","manage":"own"}}`
	all := `{"api":{"read":"all","manage":"all"},"audit":{"read":"all","manage":"all"},"contacts":{"read":"all","manage":"all"},"deals":{"read":"all","manage":"all"},"organizations":{"read":"all","manage":"all"},"services":{"read":"all","manage":"all"},"tasks":{"read":"all","manage":"all"},"users":{"read":"all","manage":"all"}}`
	for _, test := range []struct {
		user    string
		headers []string
		want    string
	}{
		{"ada", nil, `{"user":"ada","workspace":"","role":{"id":"administrator","name":"Administrator"},"permissions":` + all + `}`},
		{"sal", nil, `{"user":"sal","workspace":"","role":{"id":"` + string(az.sales.ID) + `","name":"Sales"},"permissions":` + sales + `}`},
		{"sal", []string{"Test-Limit: deals: read all"}, `{"user":"sal","workspace":"","role":{"id":"` + string(az.sales.ID) + `","name":"Sales"},"permissions":{"deals":{"read":"own","manage":"none"}}}`},
		{"gus", nil, `{"user":"gus","workspace":"","role":{"id":"` + string(az.guest.ID) + `","name":"Guest"},"permissions":{}}`},
		{"pat", nil, `{"user":"pat","workspace":"","role":null,"permissions":{}}`},
		{"eve", nil, `{"user":"eve","workspace":"","role":null,"permissions":{}}`},
		{"ada", []string{"Test-Workspace: bolt"}, `{"user":"ada","workspace":"bolt","role":null,"permissions":{}}`},
		{"bo", []string{"Test-Workspace: bolt"}, `{"user":"bo","workspace":"bolt","role":{"id":"administrator","name":"Administrator"},"permissions":` + all + `}`},
		{`</script>"`, nil, `{"user":"\u003c/script\u003e\"","workspace":"","role":null,"permissions":{}}`},
	} {
		got := ask(t, server, "GET", "/me/permissions", test.user, test.headers...)
		require.Equal(t, 200, got.status, test.user)
		require.Equal(t, test.want+"\n", got.body)
		require.Equal(t, "application/json", got.header.Get("Content-Type"))
		require.Equal(t, "private, no-cache", got.header.Get("Cache-Control"))
		require.Equal(t, "Authorization, Cookie", got.header.Get("Vary"))
		require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
		require.Regexp(t, `^"[\w-]{43}"$`, got.header.Get("Etag"))

		head := ask(t, server, "HEAD", "/me/permissions", test.user, test.headers...)
		require.Equal(t, 200, head.status)
		require.Empty(t, head.body)
		got.header.Del("Date")
		head.header.Del("Date")
		require.Equal(t, got.header, head.header)
	}
	require.Equal(t, 401, ask(t, server, "GET", "/me/permissions", "").status)
	require.Equal(t, 401, ask(t, server, "HEAD", "/me/permissions", "").status)
}

// The handler guards itself wherever it is, and answers GET and HEAD only.
func TestPermissionsAlone(t *testing.T) {
	t.Parallel()
	guard := rbachttp.New(newTeam(t).Authorizer, identify, rbachttp.WithLogger(quiet))
	server := serve(t, guard.Permissions())
	require.Equal(t, 401, ask(t, server, "GET", "/", "").status)
	require.Equal(t, 401, ask(t, server, "POST", "/", "").status)
	require.Equal(t, 200, ask(t, server, "GET", "/", "sal").status)
	for _, method := range []string{"POST", "OPTIONS", "DELETE"} {
		got := ask(t, server, method, "/", "sal")
		require.Equal(t, 405, got.status)
		require.Equal(t, "GET, HEAD", got.header.Get("Allow"))
	}
	closed := newTeam(t)
	require.NoError(t, closed.Close())
	require.Equal(t, 503, record(rbachttp.New(closed.Authorizer, identify, rbachttp.WithLogger(quiet)).Permissions(), "GET", "/", "sal").Code)

	// What others have put into Vary stays.
	w := record(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Origin")
		guard.Permissions().ServeHTTP(w, r)
	}), "GET", "/", "sal")
	require.Equal(t, []string{"Origin", "Authorization, Cookie"}, w.Header().Values("Vary"))
}

// The ETag changes exactly when the answer does.
func TestPermissionsETag(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	ctx := t.Context()
	h := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet)).Permissions()
	bodies, etags := map[string]string{}, map[string]string{}
	look := func(user string) (changed bool) {
		w := record(h, "GET", "/", user)
		etag, body := w.Header().Get("Etag"), w.Body.String()
		if known, ok := bodies[etag]; ok {
			require.Equal(t, known, body, "one ETag, two answers")
		}
		if known, ok := etags[body]; ok {
			require.Equal(t, known, etag, "one answer, two ETags")
		}
		_, before := bodies[etag]
		bodies[etag], etags[body] = body, etag
		return !before
	}
	app := az.System("test")
	sales := az.sales
	update := func(change func(*rbac.Role)) func() error {
		return func() (err error) {
			change(&sales)
			sales, err = app.UpdateRole(ctx, sales)
			return err
		}
	}
	for _, test := range []struct {
		name    string
		change  func() error
		changes bool // of the answer to sal
	}{
		{"first", func() error { return nil }, true},
		{"again", func() error { return nil }, false},
		{"another member", func() error { return app.Assign(ctx, rbac.Administrator, "new") }, false},
		{"another role", func() error { _, err := app.CreateRole(ctx, rbac.Role{Name: "Other"}); return err }, false},
		{"the role's description", update(func(r *rbac.Role) { r.Description = "x" }), false},
		{"the role's name", update(func(r *rbac.Role) { r.Name = "Sellers" }), true},
		{"the role's permissions", update(func(r *rbac.Role) { r.Permissions = rbac.Permissions{rbac.API: {Read: rbac.All}} }), true},
		{"a reload", func() error { return az.Sync(ctx) }, false},
		{"suspended", func() error { return app.Suspend(ctx, "sal") }, true},
		{"removed", func() error { return app.Remove(ctx, "sal") }, false}, // which looks the same
		{"assigned again", func() error { return app.Assign(ctx, sales.ID, "sal") }, false},
		{"another role of the member", func() error { return app.Assign(ctx, az.guest.ID, "sal") }, true},
	} {
		require.NoError(t, test.change(), test.name)
		require.Equal(t, test.changes, look("sal"), test.name)
	}
	for _, user := range []string{"ada", "gus", "pat", "eve", "sal2"} {
		require.True(t, look(user), "an ETag is of one user: %s", user)
	}
}

func TestPermissionsOfOwnAreas(t *testing.T) {
	t.Parallel()
	az, err := rbac.Open(t.Context(), rbac.NewMemStore(), rbac.WithAreas(rbac.AreaInfo{Area: rbac.Users}, rbac.AreaInfo{Area: "invoices.eu-1"}))
	require.NoError(t, err)
	t.Cleanup(func() { _ = az.Close() })
	require.NoError(t, az.System("test").Assign(t.Context(), rbac.Administrator, "ada"))
	w := record(rbachttp.New(az, identify).Permissions(), "GET", "/", "ada")
	require.Contains(t, w.Body.String(), `"invoices.eu-1":{"read":"all","manage":"all"}`)
}
