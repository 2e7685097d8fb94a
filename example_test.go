package rbac_test

import (
	"context"
	"fmt"
	"log"

	"github.com/areagate/rbac"
)

// A role is a table of areas. A member holds one role. A check names a user,
// an area and an action.
//
// This is the program of README.md; a test keeps them equal.
func Example() {
	ctx := context.Background()
	sales := rbac.Role{ID: "sales", Name: "Sales", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}}}
	az, err := rbac.Open(ctx, rbac.NewMemStore(), rbac.WithSystemRoles(sales))
	if err != nil {
		log.Fatal(err)
	}
	if err := az.System("seed").Assign(ctx, sales.ID, "bob"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(az.Can(ctx, "bob", rbac.Deals, rbac.Read), az.CanRecord(ctx, "bob", rbac.Deals, rbac.Manage, "alice"))
	// Output: true false
}
