package rbac_test

import (
	"context"
	"fmt"

	"github.com/areagate/rbac"
)

// A role is a table of areas. A member holds one role. A check names a user,
// an area and an action.
//
// This is the program of README.md; a test keeps them equal.
func Example() {
	ctx := context.Background()
	sales := rbac.Role{ID: "sales", Name: "Sales", Permissions: rbac.Permissions{
		rbac.Deals: {Read: rbac.All, Manage: rbac.Own}, // sees every deal, changes their own
	}}
	az, err := rbac.Open(ctx, rbac.NewMemStore(), rbac.WithSystemRoles(sales))
	if err != nil {
		panic(err)
	}
	defer az.Close()
	if err := az.System("seed").Assign(ctx, sales.ID, "bob"); err != nil {
		panic(err)
	}
	fmt.Println(az.Can(ctx, "bob", rbac.Deals, rbac.Read))                  // every deal
	fmt.Println(az.Can(ctx, "bob", rbac.Deals, rbac.Manage))                // every deal
	fmt.Println(az.CanRecord(ctx, "bob", rbac.Deals, rbac.Manage, "bob"))   // a deal of Bob's
	fmt.Println(az.CanRecord(ctx, "bob", rbac.Deals, rbac.Manage, "alice")) // a deal of Alice's
	// Output:
	// true
	// false
	// true
	// false
}
