package rbac_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

// In works inside a transaction that the caller commits or rolls back.
// Several changes become one: here a workspace appears with its first role
// and its first member, or not at all, and once, however many instances set it
// up at the same moment. Sync makes the change show at once.
func ExampleWorkspace_In() {
	ctx := context.Background()
	store := rbac.NewMemStore()
	az, err := rbac.Open(ctx, store)
	if err != nil {
		panic(err)
	}
	defer az.Close()

	acme := az.For("acme")
	err = store.Update(ctx, acme.ID(), func(tx rbac.Tx) error {
		if at, err := tx.Revision(); err != nil || at.Seq > 0 {
			return err // set up already
		}
		app := acme.In(rbac.TxStore(acme.ID(), tx)).System("sign-up")
		sales, err := app.CreateRole(ctx, rbac.Role{
			Name:        "Sales",
			Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}},
		})
		if err != nil {
			return err // rolls back
		}
		return app.Assign(ctx, sales.ID, "bob")
	})
	if err != nil {
		panic(err)
	}
	if err := acme.Sync(ctx); err != nil {
		panic(err)
	}
	fmt.Println(acme.Can(ctx, "bob", rbac.Deals, rbac.Read))
	// Output: true
}

// Two instances share a store. What one of them changes reaches the other by
// itself, within the maximum staleness. Sync does not wait for that.
func ExampleWorkspace_Sync() {
	ctx := context.Background()
	store := rbac.NewMemStore()
	here, err1 := rbac.Open(ctx, store)
	there, err2 := rbac.Open(ctx, store)
	if err := errors.Join(err1, err2); err != nil {
		panic(err)
	}
	defer here.Close()
	defer there.Close()

	if err := there.System("seed").Assign(ctx, rbac.Administrator, "ada"); err != nil {
		panic(err)
	}
	if err := here.Sync(ctx); err != nil {
		panic(err)
	}
	fmt.Println(here.Can(ctx, "ada", rbac.Users, rbac.Manage))
	// Output: true
}
