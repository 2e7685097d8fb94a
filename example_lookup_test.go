package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/areagate/rbac"
)

// One thing is looked up without reading all of them: a role by its name, a member,
// and how many hold each role.
func ExampleWorkspace_RoleByName() {
	ctx := context.Background()
	az, err := rbac.Open(ctx, rbac.NewMemStore())
	if err != nil {
		log.Fatal(err)
	}
	defer az.Close()
	app := az.System("seed")
	if _, err := app.SetUp(ctx, []rbac.Role{{Name: "Sales", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}}}}, "ada"); err != nil {
		log.Fatal(err)
	}

	sales, err := az.RoleByName(ctx, " SALES ")
	if err != nil {
		log.Fatal(err)
	}
	if err := app.Add(ctx, sales.ID, "bob", "cem"); err != nil {
		log.Fatal(err)
	}
	bob, err := az.Member(ctx, "bob")
	if err != nil {
		log.Fatal(err)
	}
	holders, err := az.Holders(ctx)
	if err != nil {
		log.Fatal(err)
	}
	_, err = az.Member(ctx, "dee")
	fmt.Println(bob.RoleName, holders[sales.ID], holders[rbac.Administrator], errors.Is(err, rbac.ErrMemberNotFound))
	// Output: Sales 2 1 true
}
