package rbactest_test

import (
	"errors"
	"fmt"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

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
