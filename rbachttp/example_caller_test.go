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

// An API key acts as its owner, in its own workspace, limited to its own table.
// The host does not move it: a key of acme opens nothing of bolt's.
func ExampleCaller_Key() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()
	for _, workspace := range []string{"acme", "bolt"} {
		if err := az.For(workspace).System("sign-up").Assign(ctx, rbac.Administrator, "bob"); err != nil {
			panic(err)
		}
	}

	type apiKey struct {
		workspace, owner string
		limit            rbac.Permissions
	}
	keys := map[string]apiKey{} // yours; look them up by a hash
	create := func(workspace, owner, key string, limit rbac.Permissions) error {
		if err := az.For(workspace).ValidatePermissions(limit); err != nil {
			return err
		}
		keys[key] = apiKey{workspace, owner, limit}
		return nil
	}
	identify := func(r *http.Request) (rbachttp.Caller, error) {
		workspace, _, _ := strings.Cut(r.Host, ".")
		key, ok := keys[r.Header.Get("X-API-Key")]
		if !ok {
			caller, err := bySession(r)
			return caller.In(workspace), err
		}
		return rbachttp.User(key.owner).Key(key.workspace, key.limit).In(workspace), nil
	}
	mux := rbachttp.New(az, identify, rbachttp.WithLogger(slog.New(slog.DiscardHandler))).Mux()
	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), listDeals)
	mux.HandleFunc("POST /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Manage), createDeal)

	fmt.Println(create("acme", "bob", "k-export", rbac.Permissions{rbac.Deals: {Read: rbac.All}}))
	fmt.Println(create("acme", "bob", "k-typo", rbac.Permissions{"deal": {Read: rbac.All}}))
	for _, request := range [][2]string{{"GET", "acme"}, {"POST", "acme"}, {"GET", "bolt"}} {
		r := httptest.NewRequest(request[0], "https://"+request[1]+".example.com/deals", nil)
		r.Header.Set("X-API-Key", "k-export")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(request[0], request[1], w.Code, strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// <nil>
	// rbac: invalid input: permissions.deal: is not an area of this program
	// GET acme 200 all deals
	// POST acme 403 {"type":"about:blank","title":"Forbidden","status":403,"code":"denied"}
	// GET bolt 403 {"type":"about:blank","title":"Forbidden","status":403,"code":"denied"}
}
