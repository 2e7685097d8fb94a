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

// A front end asks once what its user may do, and from then on whether that is
// still so.
func ExampleGuard_Permissions() {
	ctx := context.Background()
	viewer := rbac.Role{ID: "viewer", Name: "Viewer", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}}}
	az := openSalesTeam(ctx, rbac.WithSystemRoles(viewer))
	defer az.Close()

	guard := rbachttp.New(az, bySession)
	mux := guard.Mux()
	mux.Handle("GET /me/permissions", rbachttp.SignedIn(), guard.Permissions())

	etag := ""
	ask := func() {
		r := httptest.NewRequest(http.MethodGet, "/me/permissions", nil)
		r.Header.Set("Session", "eve")
		r.Header.Set("If-None-Match", etag)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		etag = w.Header().Get("ETag")
		fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Body)))
	}
	ask()
	ask()
	if err := az.As("ada").Assign(ctx, viewer.ID, "eve"); err != nil {
		panic(err)
	}
	ask()
	// Output:
	// 200 {"user":"eve","workspace":"","role":null,"permissions":{}}
	// 304
	// 200 {"user":"eve","workspace":"","role":{"id":"viewer","name":"Viewer"},"permissions":{"deals":{"read":"all","manage":"none"}}}
}
