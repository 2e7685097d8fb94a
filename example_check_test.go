package rbac_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/areagate/rbac"
)

// openSalesTeam opens an Authorizer on a workspace with three members. Ada is
// an Administrator. Bob holds the role Sales. Cleo holds it too and is
// suspended.
func openSalesTeam(ctx context.Context, options ...rbac.Option) *rbac.Authorizer {
	az, err := rbac.Open(ctx, rbac.NewMemStore(), options...)
	if err != nil {
		panic(err)
	}
	app := az.System("seed")
	sales, err := app.CreateRole(ctx, rbac.Role{
		Name: "Sales",
		Permissions: rbac.Permissions{
			rbac.Contacts: {Read: rbac.All, Manage: rbac.All},
			rbac.Deals:    {Read: rbac.All, Manage: rbac.Own},
			rbac.Tasks:    {Read: rbac.Own, Manage: rbac.Own},
		},
	})
	if err != nil {
		panic(err)
	}
	if err := errors.Join(
		app.Assign(ctx, rbac.Administrator, "ada"),
		app.Assign(ctx, sales.ID, "bob", "cleo"),
		app.Suspend(ctx, "cleo"),
	); err != nil {
		panic(err)
	}
	return az
}

// Can asks about everything in an area. Bob may change his own deals, so he
// may not change all of them.
func ExampleWorkspace_Can() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	fmt.Println("Ada manages all deals: ", az.Can(ctx, "ada", rbac.Deals, rbac.Manage))
	fmt.Println("Bob reads all deals:   ", az.Can(ctx, "bob", rbac.Deals, rbac.Read))
	fmt.Println("Bob manages all deals: ", az.Can(ctx, "bob", rbac.Deals, rbac.Manage))
	fmt.Println("Cleo is suspended:     ", az.Can(ctx, "cleo", rbac.Deals, rbac.Read))
	fmt.Println("Eve is not a member:   ", az.Can(ctx, "eve", rbac.Deals, rbac.Read))
	// Output:
	// Ada manages all deals:  true
	// Bob reads all deals:    true
	// Bob manages all deals:  false
	// Cleo is suspended:      false
	// Eve is not a member:    false
}

// CanRecord asks about one record. The application says who owns it. A record
// may have several owners, or none.
func ExampleWorkspace_CanRecord() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	type deal struct{ owner, assistant string }
	for _, d := range []deal{
		{owner: "bob"},
		{owner: "dan", assistant: "bob"},
		{owner: "dan"},
		{}, // nobody's
	} {
		fmt.Println(az.CanRecord(ctx, "bob", rbac.Deals, rbac.Manage, d.owner, d.assistant))
	}
	// Output:
	// true
	// true
	// false
	// false
}

// Scope says which rows to show. Each scope becomes a condition; the user's id
// is a parameter and not part of the text.
func ExampleWorkspace_Scope() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	tasksFor := func(user string) (query string, args []any, err error) {
		scope, err := az.Scope(ctx, user, rbac.Tasks, rbac.Read)
		if err != nil {
			return "", nil, err // ErrUnavailable: not a denial, try again later
		}
		query = "SELECT id, title FROM tasks WHERE "
		switch scope {
		case rbac.All:
			return query + "TRUE", nil, nil
		case rbac.Own:
			return query + "owner_id = $1", []any{user}, nil
		default:
			return query + "FALSE", nil, nil
		}
	}
	for _, user := range []string{"ada", "bob", "eve"} {
		query, args, err := tasksFor(user)
		fmt.Println(query, args, err)
	}
	// Output:
	// SELECT id, title FROM tasks WHERE TRUE [] <nil>
	// SELECT id, title FROM tasks WHERE owner_id = $1 [bob] <nil>
	// SELECT id, title FROM tasks WHERE FALSE [] <nil>
}

// Authorize keeps a denial apart from a failure to decide. The text of a
// DeniedError is for the log; the client gets a status and no more.
func ExampleWorkspace_Authorize() {
	ctx := context.Background()
	az := openSalesTeam(ctx)

	status := func(user string) int {
		err := az.Authorize(ctx, user, rbac.Deals, rbac.Manage)
		var denied *rbac.DeniedError
		switch {
		case err == nil:
			return http.StatusOK
		case errors.As(err, &denied):
			fmt.Println("log:", denied.Decision)
			return http.StatusForbidden
		default:
			fmt.Println("log:", err)
			return http.StatusServiceUnavailable
		}
	}
	fmt.Println(status("ada"))
	fmt.Println(status("bob"))
	_ = az.Close() // stands for a store that cannot be reached
	fmt.Println(status("ada"))
	// Output:
	// 200
	// log: "bob" may not manage deals: the role "Sales" reaches own records only
	// 403
	// log: rbac: no safe answer is available: rbac: the authorizer is closed
	// 503
}

// Explain gives the reason for an answer: for a support page, or for the
// administrator who asks why somebody cannot see something.
func ExampleWorkspace_Explain() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	for _, user := range []string{"ada", "bob", "cleo", "eve"} {
		decision, err := az.Explain(ctx, user, rbac.Deals, rbac.Manage)
		if err != nil {
			panic(err)
		}
		fmt.Println(decision)
	}
	decision, _ := az.Explain(ctx, "bob", "invoices", rbac.Read)
	fmt.Println(decision)
	fmt.Println(decision.Allowed, decision.Reason == rbac.ReasonUnknownArea)
	// Output:
	// "ada" may manage deals: the role "Administrator" reaches everything in the area
	// "bob" may not manage deals: the role "Sales" reaches own records only
	// "cleo" may not manage deals: the member is suspended
	// "eve" may not manage deals: not a member of the workspace
	// "bob" may not read invoices: the area is not known
	// false true
}

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

// An application adds its own areas to the catalogue, or brings a catalogue
// of its own. Administrators hold every area. Scope own is for areas whose
// records have owners.
func ExampleWithAreas() {
	const invoices rbac.Area = "invoices"

	ctx := context.Background()
	az := openSalesTeam(ctx, rbac.WithAreas(append(rbac.DefaultAreas(), rbac.AreaInfo{
		Area: invoices, Label: "Invoices", Description: "What customers are billed.", Section: "Finance",
	})...))
	defer az.Close()

	fmt.Println("Ada:", az.Can(ctx, "ada", invoices, rbac.Manage))
	fmt.Println("Bob:", az.Can(ctx, "bob", invoices, rbac.Read))
	_, err := az.As("ada").CreateRole(ctx, rbac.Role{
		Name:        "Billing",
		Permissions: rbac.Permissions{invoices: {Read: rbac.All, Manage: rbac.Own}},
	})
	fmt.Println(err)
	// Output:
	// Ada: true
	// Bob: false
	// rbac: invalid input: permissions.invoices.manage: own has no meaning here: records of this area have no owners
}

// A system role is defined in code. Every workspace has it and nobody can
// edit it. This one reads everything and changes nothing.
func ExampleWithSystemRoles() {
	viewer := rbac.Role{ID: "viewer", Name: "Viewer", Permissions: rbac.Permissions{}}
	for _, info := range rbac.DefaultAreas() {
		viewer.Permissions[info.Area] = rbac.Access{Read: rbac.All}
	}

	ctx := context.Background()
	az := openSalesTeam(ctx, rbac.WithSystemRoles(viewer))
	defer az.Close()

	if err := az.As("ada").Assign(ctx, viewer.ID, "vic"); err != nil {
		panic(err)
	}
	fmt.Println(az.Can(ctx, "vic", rbac.Audit, rbac.Read), az.Can(ctx, "vic", rbac.Audit, rbac.Manage))
	_, err := az.As("ada").UpdateRole(ctx, viewer)
	fmt.Println(err)
	_, err = az.As("ada").CreateRole(ctx, rbac.Role{Name: " VIEWER "})
	fmt.Println(errors.Is(err, rbac.ErrProtectedRole))
	// Output:
	// true false
	// rbac: system roles are protected: role "Viewer"
	// true
}

// Each workspace has its own roles, members and events. A membership of one
// says nothing in another.
func ExampleAuthorizer_For() {
	ctx := context.Background()
	az, err := rbac.Open(ctx, rbac.NewMemStore())
	if err != nil {
		panic(err)
	}
	defer az.Close()

	acme, bolt := az.For("acme"), az.For("bolt")
	if err := acme.System("sign-up").Assign(ctx, rbac.Administrator, "ada"); err != nil {
		panic(err)
	}
	fmt.Println(acme.Can(ctx, "ada", rbac.Users, rbac.Manage))
	fmt.Println(bolt.Can(ctx, "ada", rbac.Users, rbac.Manage))
	fmt.Println(az.Can(ctx, "ada", rbac.Users, rbac.Manage)) // the default workspace
	// Output:
	// true
	// false
	// false
}

// An observer sees every decision: to count them, or to log the denials. It
// runs within the check, in whatever goroutine asks, and should be quick.
func ExampleWithObserver() {
	ctx := context.Background()
	az := openSalesTeam(ctx, rbac.WithObserver(func(_ context.Context, d rbac.Decision) {
		if !d.Allowed {
			fmt.Println("denied:", d)
		}
	}))
	defer az.Close()

	az.Can(ctx, "bob", rbac.Deals, rbac.Read)
	az.Can(ctx, "bob", rbac.Audit, rbac.Read)
	az.CanRecord(ctx, "bob", rbac.Deals, rbac.Manage, "dan")
	// Output:
	// denied: "bob" may not read audit: the role "Sales" does not allow it
	// denied: "bob" may not manage deals: the role "Sales" reaches own records only, and this one is somebody else's
}

// A unit test needs no database: a MemStore is empty, fast and thrown away. A
// test of a role's table alone needs no workspace either.
func Example_testing() {
	ctx := context.Background() // t.Context() in a test
	az, err := rbac.Open(ctx, rbac.NewMemStore())
	if err != nil {
		panic(err) // t.Fatal(err)
	}
	defer az.Close() // t.Cleanup(func() { az.Close() })

	support := rbac.Role{Name: "Support", Permissions: rbac.Permissions{
		rbac.Contacts: {Read: rbac.All},
		rbac.Tasks:    {Read: rbac.All, Manage: rbac.Own},
	}}
	created, err := az.System("test").CreateRole(ctx, support)
	if err != nil {
		panic(err)
	}
	if err := az.System("test").Assign(ctx, created.ID, "sue"); err != nil {
		panic(err)
	}

	for _, test := range []struct {
		area   rbac.Area
		action rbac.Action
		want   bool
	}{
		{rbac.Contacts, rbac.Read, true},
		{rbac.Contacts, rbac.Manage, false},
		{rbac.Tasks, rbac.Read, true},
		{rbac.Tasks, rbac.Manage, false}, // only her own
		{rbac.Deals, rbac.Read, false},
	} {
		if got := az.Can(ctx, "sue", test.area, test.action); got != test.want {
			fmt.Printf("Can(sue, %s, %s) = %t, want %t\n", test.area, test.action, got, test.want)
		}
	}
	fmt.Println(support.Permissions.Scope(rbac.Tasks, rbac.Manage))
	// Output: own
}
