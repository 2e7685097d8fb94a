package rbactest_test

import (
	"fmt"

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
