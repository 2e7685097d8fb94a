package rbac_test

import (
	"context"
	"fmt"

	"github.com/areagate/rbac"
)

// openTenants has two workspaces, with ann in both.
func openTenants(ctx context.Context, opts ...rbac.Option) *rbac.Authorizer {
	az, err := rbac.Open(ctx, rbac.NewMemStore(), opts...)
	if err != nil {
		panic(err)
	}
	for _, id := range []string{"acme", "globex"} {
		if err := az.For(id).System("sign-up").Assign(ctx, rbac.Administrator, "ann", id+"-boss"); err != nil {
			panic(err)
		}
	}
	return az
}

// The workspaces of a user, for a menu of tenants.
func ExampleAuthorizer_Workspaces() {
	ctx := context.Background()
	az := openTenants(ctx)
	defer az.Close()

	for id, err := range az.Workspaces(ctx, rbac.WorkspaceQuery{User: "ann"}) {
		if err != nil {
			panic(err)
		}
		fmt.Println(id)
	}
	// Output:
	// acme
	// globex
}

// A new identity provider gives everybody another id. Rename it wherever the
// user is a member; the history goes along.
func ExampleAdmin_Rename() {
	ctx := context.Background()
	az := openTenants(ctx)
	defer az.Close()

	for id, err := range az.Workspaces(ctx, rbac.WorkspaceQuery{User: "ann"}) {
		if err != nil {
			panic(err)
		}
		if err := az.For(id).System("new identity provider").Rename(ctx, "ann", "oidc|1"); err != nil {
			panic(err)
		}
	}
	for event, err := range az.For("acme").History(ctx, "oidc|1") {
		if err != nil {
			panic(err)
		}
		fmt.Println(event.Kind, event.MemberAfter.User)
	}
	// Output:
	// member.renamed oidc|1
	// member.assigned ann
}

// A tenant leaves: whoever uses the id again begins with nothing.
func ExampleAdmin_DeleteWorkspace() {
	ctx := context.Background()
	az := openTenants(ctx)
	defer az.Close()

	w := az.For("acme")
	fmt.Println(w.Can(ctx, "ann", rbac.Deals, rbac.Read))
	if err := w.System("contract ended").DeleteWorkspace(ctx); err != nil {
		panic(err)
	}
	fmt.Println(w.Can(ctx, "ann", rbac.Deals, rbac.Read))
	// Output:
	// true
	// false
}

// In an application with many workspaces, forgetting For is found at once.
func ExampleWithoutDefaultWorkspace() {
	ctx := context.Background()
	az := openTenants(ctx, rbac.WithoutDefaultWorkspace())
	defer az.Close()

	d, err := az.Explain(ctx, "ann", rbac.Deals, rbac.Read)
	fmt.Println(d, err)
	// Output: "ann" may not read deals: the default workspace is nobody's <nil>
}
