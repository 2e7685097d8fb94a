package rbachttp_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// A front end that is not written in Go administers a workspace.
func ExampleGuard_Admin() {
	ctx := context.Background()
	viewer := rbac.Role{ID: "viewer", Name: "Viewer", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}}}
	az := openSalesTeam(ctx, rbac.WithSystemRoles(viewer))
	defer az.Close()

	guard := rbachttp.New(az, bySession)
	mux := guard.Mux()
	mux.Handle("/admin/", rbachttp.SignedIn(), http.StripPrefix("/admin", guard.Admin()))

	ask := func(user, method, path, body string) {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Session", user)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Body)))
	}
	ask("ada", "POST", "/admin/members/assign?reason=ticket+4711", `{"role":"viewer","users":["eve"]}`)
	ask("ada", "GET", "/admin/explain?user=eve&area=deals&action=manage", "")
	ask("ada", "POST", "/admin/members/remove", `{"users":["ada"]}`)
	ask("bob", "POST", "/admin/members/remove", `{"users":["eve"]}`)
	// Output:
	// 204
	// 200 {"allowed":false,"workspace":"","user":"eve","area":"deals","action":"manage","scope":"none","role":"viewer","roleName":"Viewer","reason":"not-granted","revision":6}
	// 409 {"type":"about:blank","title":"Conflict","status":409,"code":"self","detail":"Nobody changes their own membership."}
	// 403 {"type":"about:blank","title":"Forbidden","status":403,"code":"denied"}
}

// The workspace is in the path. Identify sees the wildcards of the outer route.
func ExampleGuard_Admin_path() {
	ctx := context.Background()
	az, err := rbac.Open(ctx, rbac.NewMemStore(), rbac.WithoutDefaultWorkspace())
	if err != nil {
		panic(err)
	}
	defer az.Close()
	if err := az.For("acme").System("seed").Assign(ctx, rbac.Administrator, "ada"); err != nil {
		panic(err)
	}

	identify := func(r *http.Request) (rbachttp.Caller, error) {
		caller, err := bySession(r)
		return caller.In(r.PathValue("workspace")), err
	}
	guard := rbachttp.New(az, identify)
	admin, mux := guard.Admin(), guard.Mux()
	mux.HandleFunc("/{workspace}/admin/", rbachttp.SignedIn(), func(w http.ResponseWriter, r *http.Request) {
		http.StripPrefix("/"+r.PathValue("workspace")+"/admin", admin).ServeHTTP(w, r)
	})

	for _, path := range []string{"/acme/admin/members/ada", "/initech/admin/members/ada"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Session", "ada")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(path, w.Code)
	}
	// Output:
	// /acme/admin/members/ada 200
	// /initech/admin/members/ada 403
}
