package rbac_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

// The application names the first administrator. From then on people
// administer the workspace themselves.
func ExampleOpen() {
	ctx := context.Background()
	az, err := rbac.Open(ctx, rbac.NewMemStore()) // MemStore forgets everything when the process ends
	if err != nil {
		panic(err)
	}
	defer az.Close()

	if err := az.System("sign-up").Assign(ctx, rbac.Administrator, "ada"); err != nil {
		panic(err)
	}
	sales, err := az.As("ada").CreateRole(ctx, rbac.Role{
		Name:        "Sales",
		Description: "Sees all deals and works on their own.",
		Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}},
	})
	if err != nil {
		panic(err)
	}
	if err := az.As("ada").Assign(ctx, sales.ID, "bob"); err != nil {
		panic(err)
	}
	fmt.Println(az.Can(ctx, "bob", rbac.Deals, rbac.Read))
	fmt.Println(az.As("bob").Assign(ctx, sales.ID, "eve"))
	// Output:
	// true
	// rbac: denied: "bob" may not manage users: the role "Sales" does not allow it
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
