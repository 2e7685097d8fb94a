package rbac_test

import (
	"context"
	"errors"
	"fmt"

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

// Scope says how far an action reaches, for a page that offers what there is to
// offer. Lists are filtered by [Subject.Reach].
func ExampleWorkspace_Scope() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	for _, user := range []string{"ada", "bob", "eve"} {
		scope, err := az.Scope(ctx, user, rbac.Tasks, rbac.Read)
		if err != nil {
			panic(err) // ErrUnavailable: not a denial, try again later
		}
		fmt.Println(user, scope, scope > rbac.None)
	}
	// Output:
	// ada all true
	// bob own true
	// eve none false
}
