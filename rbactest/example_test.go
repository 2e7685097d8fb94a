package rbactest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// The t of these examples prints what a test would report. A test has its own.

// A workspace with roles and members is one line. It answers as it does in
// the application.
func ExampleNew() {
	t := &printer{} // yours is the *testing.T
	defer t.end()   // yours ends by itself

	w := rbactest.New(t,
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}}),
		rbactest.Member("ada", "Administrator"),
		rbactest.Member("ann", "Sales"),
		rbactest.Suspended("bob", "Sales"),
	)
	ctx := t.Context()
	fmt.Println(w.Can(ctx, "ann", rbac.Deals, rbac.Read))
	fmt.Println(w.Can(ctx, "bob", rbac.Deals, rbac.Read))
	fmt.Println(w.As("ada").Assign(ctx, w.Role(t, "Sales").ID, "zoe"))
	fmt.Println(w.Authorizer.Can(ctx, "zoe", rbac.Deals, rbac.Read)) // for an application that takes an Authorizer
	// Output:
	// true
	// false
	// <nil>
	// true
}

// Two instances of an application share a store. What one of them changes
// reaches the other.
func ExampleOn() {
	t := &printer{}
	defer t.end()

	store := rbac.NewMemStore()
	here := rbactest.New(t, rbactest.On(store), rbactest.Member("ada", "Administrator"), rbactest.Member("eve", "Administrator"))
	there := rbactest.New(t, rbactest.On(store))
	if err := here.As("ada").Suspend(t.Context(), "eve"); err != nil {
		fmt.Println(err)
	}
	if err := there.Sync(t.Context()); err != nil { // or wait, in a synctest bubble
		fmt.Println(err)
	}
	fmt.Println(rbactest.Denied(t, there, "eve", rbac.Deals, rbac.Read))
	// Output: true
}

// An assertion that fails says why.
func ExampleAllowed() {
	t := &printer{}
	defer t.end()

	w := rbactest.New(t,
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}}),
		rbactest.Member("ann", "Sales"),
	)
	rbactest.Allowed(t, w, "ann", rbac.Deals, rbac.Read)
	rbactest.Allowed(t, w, "ann", rbac.Deals, rbac.Manage)
	rbactest.AllowedRecord(t, w, "ann", rbac.Deals, rbac.Manage, "ann")
	rbactest.DeniedRecord(t, w, "ann", rbac.Deals, rbac.Manage, "ann")
	rbactest.HasScope(t, w, "ann", rbac.Deals, rbac.Manage, rbac.None)
	// Output:
	// want allowed: "ann" may not manage deals: the role "Sales" reaches own records only
	// want denied: "ann" may manage deals: the role "Sales" reaches own records, and this is one (owners ["ann"])
	// want scope none, got own: "ann" may not manage deals: the role "Sales" reaches own records only
}

// apiKeys resolves an API key to what its owner may do, less what the key may
// not.
type apiKeys struct{ w *rbactest.Workspace }

func (k apiKeys) Subject(ctx context.Context, key string) (rbac.Subject, error) {
	owner, err := k.w.Subject(ctx, "ann") // looked up by the key
	return owner.Limit(rbac.Permissions{rbac.Deals: {Read: rbac.All}}), err
}

// The assertions take whatever resolves a subject, such as the application's
// own way from an API key.
func ExampleResolver() {
	t := &printer{}
	defer t.end()

	keys := apiKeys{rbactest.New(t,
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}}),
		rbactest.Member("ann", "Sales"),
	)}
	rbactest.Allowed(t, keys, "key-1", rbac.Deals, rbac.Read)
	rbactest.AllowedRecord(t, keys, "key-1", rbac.Deals, rbac.Manage, "ann")
	// Output: want allowed: "ann" may not manage deals: the role "Sales" would allow it, but the key or token in use is limited
}

// A change of access shows: in the failure, and once it is accepted in the
// diff of the pull request.
func ExampleGolden() {
	t := &printer{}
	defer t.end()

	w := rbactest.New(t,
		rbactest.Options(rbac.WithAreas(rbac.AreaInfo{Area: rbac.Deals, Owned: true}, rbac.AreaInfo{Area: rbac.Users})),
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.All}}), // was own
	)
	matrix, err := w.Matrix(t.Context())
	if err != nil {
		fmt.Println(err)
	}
	rbactest.Golden(t, "testdata/example.md", matrix.WriteMarkdown) // GoldenRoles does the same
	// Output:
	// golden file testdata/example.md differs (- is the file, + is what the test got):
	//   … line 2
	//   | --- | --- | --- |
	//   | Administrator | read all, manage all | read all, manage all |
	// - | Sales | read all, manage own | no access |
	// + | Sales | read all, manage all | no access |
	// If the change is right, accept it: go test github.com/areagate/rbac/rbactest -run "^TestSales$" -rbac.update
}

// The check looks at reading and not at managing. Mutate finds out.
func ExampleMutate() {
	t := &printer{}
	defer t.end()

	areas := []rbac.AreaInfo{{Area: rbac.Deals, Owned: true}, {Area: rbac.Users}}
	sales := rbac.Role{Name: "Sales", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}}}
	rbactest.Mutate(t, sales, func(t testing.TB, role rbac.Role) {
		w := rbactest.New(t,
			rbactest.Options(rbac.WithAreas(areas...)),
			rbactest.Role(role.Name, role.Permissions),
			rbactest.Member("ann", role.Name),
		)
		rbactest.Allowed(t, w, "ann", rbac.Deals, rbac.Read)
		rbactest.DeniedRecord(t, w, "ann", rbac.Deals, rbac.Manage, "bob")
		rbactest.Denied(t, w, "ann", rbac.Users, rbac.Manage)
	},
		rbactest.MutateAreas(areas...),
		rbactest.Unchecked("everybody may know who works here", rbac.Users, rbac.Read),
	)
	// Output:
	// no check notices when the role "Sales" has deals: manage none instead of own
	// rbactest.Mutate: 4 of 6 changes of the role "Sales" are noticed
}

// A store that cannot be reached: what is loaded is served, a change fails.
func ExampleFaulty() {
	t := &printer{}
	defer t.end()

	store, faults := rbactest.Faulty(rbac.NewMemStore())
	w := rbactest.New(t, rbactest.On(store), rbactest.Member("ada", "Administrator"))
	rbactest.Allowed(t, w, "ada", rbac.Deals, rbac.Read) // loads the workspace

	faults.Fail(errors.New("connection refused"))
	fmt.Println(w.Can(t.Context(), "ada", rbac.Deals, rbac.Read))
	fmt.Println(w.As("ada").Assign(t.Context(), rbac.Administrator, "eve"))
	faults.Heal()
	fmt.Println(w.As("ada").Assign(t.Context(), rbac.Administrator, "eve"))
	// Output:
	// true
	// connection refused
	// <nil>
}

// Contact was lost while the change was committed. Nobody knows whether it was
// made; here it was.
func ExampleFaults_LoseCommits() {
	t := &printer{}
	defer t.end()

	store, faults := rbactest.Faulty(rbac.NewMemStore())
	w := rbactest.New(t, rbactest.On(store), rbactest.Member("ada", "Administrator"))

	faults.LoseCommits(true)
	err := w.As("ada").Assign(t.Context(), rbac.Administrator, "eve")
	fmt.Println(errors.Is(err, rbac.ErrOutcomeUnknown))
	fmt.Println(w.Can(t.Context(), "eve", rbac.Deals, rbac.Read))
	// Output:
	// true
	// true
}

// A check of a loaded workspace does not ask the store.
func ExampleFaults_Calls() {
	t := &printer{}
	defer t.end()

	store, faults := rbactest.Faulty(rbac.NewMemStore())
	w := rbactest.New(t, rbactest.On(store), rbactest.Member("ada", "Administrator"))
	rbactest.Allowed(t, w, "ada", rbac.Deals, rbac.Read) // loads the workspace

	before := faults.Calls(rbactest.OpView)
	for range 1000 {
		w.Can(t.Context(), "ada", rbac.Deals, rbac.Read)
	}
	fmt.Println(faults.Calls(rbactest.OpView) - before)
	// Output: 0
}
