package rbac_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/areagate/rbac"
)

// A Subject is resolved once and asked many times. Its permissions tell a
// front end what to show; the server checks again.
func ExampleWorkspace_Subject() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	bob, err := az.Subject(ctx, "bob")
	if err != nil {
		panic(err)
	}
	fmt.Println(bob.Can(rbac.Contacts, rbac.Manage), bob.Scope(rbac.Deals, rbac.Manage))
	permissions, err := json.Marshal(bob.Permissions())
	fmt.Println(string(permissions), err)
	// Output:
	// true own
	// {"contacts":{"read":"all","manage":"all"},"deals":{"read":"all","manage":"own"},"tasks":{"read":"own","manage":"own"}} <nil>
}

// A middleware resolves the subject and puts it into the request's context.
// A handler without a subject denies everything, because the zero Subject
// does.
func ExampleNewContext() {
	az := openSalesTeam(context.Background())
	defer az.Close()

	authenticate := func(r *http.Request) string { return r.Header.Get("Test-User") } // yours
	middleware := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			subject, err := az.Subject(r.Context(), authenticate(r))
			if err != nil {
				http.Error(w, "Try again later", http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, r.WithContext(rbac.NewContext(r.Context(), subject)))
		})
	}
	contacts := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		subject, _ := rbac.FromContext(r.Context())
		if !subject.Can(rbac.Contacts, rbac.Read) {
			http.Error(w, "Forbidden", http.StatusForbidden)
			return
		}
		fmt.Fprintln(w, "the contacts")
	})

	for _, handler := range []http.Handler{middleware(contacts), contacts} {
		for _, user := range []string{"bob", "eve"} {
			r := httptest.NewRequest(http.MethodGet, "/contacts", nil)
			r.Header.Set("Test-User", user)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			fmt.Println(user, w.Code)
		}
	}
	// Output:
	// bob 200
	// eve 403
	// bob 403
	// eve 403
}

// An API key does what its owner may do and its own table allows, whichever
// is less. The table can be kept as one line of text.
func ExampleSubject_Limit() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	var key rbac.Permissions // stored with the key
	if err := key.UnmarshalText([]byte("deals: read all, manage all; audit: read all")); err != nil {
		panic(err)
	}
	bob, err := az.Subject(ctx, "bob") // the owner of the key
	if err != nil {
		panic(err)
	}
	limited := bob.Limit(key)
	fmt.Println("Bob:", bob.Permissions())
	fmt.Println("key:", limited.Permissions())
	fmt.Println(limited.Explain(rbac.Contacts, rbac.Read))
	// Output:
	// Bob: contacts: read all, manage all; deals: read all, manage own; tasks: read own, manage own
	// key: deals: read all, manage own
	// "bob" may not read contacts: the role "Sales" would allow it, but the key or token in use is limited
}

// Observe tells what a handler asked: here, whether it looked at the scope
// that it should filter by.
func ExampleSubject_Observe() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	bob, err := az.Subject(ctx, "bob")
	if err != nil {
		panic(err)
	}
	bob = bob.Observe(func(d rbac.Decision) { fmt.Println("asked:", d.Action, d.Area, d.Scope) })

	bob.Scope(rbac.Deals, rbac.Manage)
	bob.CanRecord(rbac.Tasks, rbac.Read, "bob")
	// Output:
	// asked: manage deals own
	// asked: read tasks own
}
