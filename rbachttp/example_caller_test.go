package rbachttp_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// Identify tells a bad session, which is nobody, from a session store that is
// down, which is an error.
func ExampleIdentify() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	sessions := map[string]string{"7f3a": "ada"} // yours
	down := false

	identify := func(r *http.Request) (rbachttp.Caller, error) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			return rbachttp.Caller{}, nil // nobody: 401
		}
		if down {
			return rbachttp.Caller{}, errors.New("session store: connection refused") // 503
		}
		return rbachttp.User(sessions[token]), nil // a token that is not known is nobody
	}
	guard := rbachttp.New(az, identify, rbachttp.WithLogger(slog.New(slog.DiscardHandler)))
	h := guard.Require(rbachttp.Needs(rbac.Audit, rbac.Read))(audit)

	status := func(authorization string) int {
		r := httptest.NewRequest(http.MethodGet, "/audit", nil)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	fmt.Println(status("Bearer 7f3a"), status("Bearer expired"), status(""))
	down = true
	fmt.Println(status("Bearer 7f3a"))
	// Output:
	// 200 401 401
	// 503
}

// The workspace comes from the request: here, from the name of the host. A
// user who is no member there is denied.
func ExampleCaller_In() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()
	if err := az.For("acme").System("sign-up").Assign(ctx, rbac.Administrator, "bob"); err != nil {
		panic(err)
	}

	identify := func(r *http.Request) (rbachttp.Caller, error) {
		caller, err := bySession(r)
		workspace, _, _ := strings.Cut(r.Host, ".")
		return caller.In(workspace), err
	}
	guard := rbachttp.New(az, identify)
	h := guard.Require(rbachttp.Needs(rbac.Audit, rbac.Read))(audit)

	show(h, "bob", "GET", "http://acme.example.com/audit")
	show(h, "bob", "GET", "http://bolt.example.com/audit")
	show(h, "ada", "GET", "http://acme.example.com/audit")
	// Output:
	// bob GET http://acme.example.com/audit: 200 the audit log
	// bob GET http://bolt.example.com/audit: 403 {"type":"about:blank","title":"Forbidden","status":403,"code":"denied"}
	// ada GET http://acme.example.com/audit: 403 {"type":"about:blank","title":"Forbidden","status":403,"code":"denied"}
}

// An API key acts as its owner and is limited to its own table.
func ExampleCaller_Limit() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	type apiKey struct {
		owner string
		limit rbac.Permissions
	}
	keys := map[string]apiKey{ // yours; look them up by a hash
		"k-export": {"bob", rbac.Permissions{rbac.Deals: {Read: rbac.All}}},
	}
	identify := func(r *http.Request) (rbachttp.Caller, error) {
		key, ok := keys[r.Header.Get("X-API-Key")]
		if !ok {
			return bySession(r)
		}
		return rbachttp.User(key.owner).Limit(key.limit), nil
	}
	mux := rbachttp.New(az, identify).Mux()
	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), listDeals)
	mux.HandleFunc("POST /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Manage), createDeal)

	for _, method := range []string{http.MethodGet, http.MethodPost} {
		r := httptest.NewRequest(method, "/deals", nil)
		r.Header.Set("X-API-Key", "k-export")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// 200 the deals of bob
	// 403 {"type":"about:blank","title":"Forbidden","status":403,"code":"denied"}
}
