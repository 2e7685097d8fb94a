package rbacui_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
	"github.com/areagate/rbac/rbacui"
)

// The role editor needs an Authorizer and who makes a request.
func Example() {
	ctx := context.Background()
	az, err := rbac.Open(ctx, rbac.NewMemStore())
	if err != nil {
		panic(err)
	}
	defer az.Close()
	if err := az.System("sign-up").Assign(ctx, rbac.Administrator, "ada"); err != nil {
		panic(err)
	}

	identify := func(r *http.Request) (rbachttp.Caller, error) {
		return rbachttp.User("ada"), nil // from your session
	}
	mux := http.NewServeMux()
	mux.Handle("/settings/access/", rbacui.New(az, identify))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/settings/access/", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}
