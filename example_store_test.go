package rbac_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

// In works inside a transaction that the caller commits or rolls back: several
// changes become one. Here a role is replaced by two, and gone, or nothing
// happens. Transact does the same, and Sync besides.
func ExampleWorkspace_In() {
	ctx := context.Background()
	store := rbac.NewMemStore()
	az, err := rbac.Open(ctx, store)
	if err != nil {
		panic(err)
	}
	defer az.Close()

	acme := az.For("acme")
	_, err = acme.System("sign-up").SetUp(ctx, []rbac.Role{{Name: "Sales"}}, "ada")
	if err != nil {
		panic(err)
	}
	err = store.Update(ctx, acme.ID(), func(tx rbac.Tx) error {
		in := acme.In(rbac.TxStore(acme.ID(), tx))
		old, err := in.RoleByName(ctx, "sales")
		if err != nil {
			return err // rolls back
		}
		ada := in.As("ada")
		for _, name := range []string{"Sales north", "Sales south"} {
			if _, err := ada.CreateRole(ctx, rbac.Role{Name: name}); err != nil {
				return err
			}
		}
		return ada.DeleteRole(ctx, old.ID)
	})
	if err != nil {
		panic(err)
	}
	if err := acme.Sync(ctx); err != nil {
		panic(err)
	}
	roles, err := acme.Roles(ctx)
	if err != nil {
		panic(err)
	}
	for _, role := range roles {
		fmt.Println(role.Name)
	}
	// Output:
	// Administrator
	// Sales north
	// Sales south
}

// Transact is what the Transact of a store is made of: run begins, commits and
// rolls back, here on MemStore. The next check sees the change.
func ExampleWorkspace_Transact() {
	ctx := context.Background()
	store := rbac.NewMemStore()
	az, err := rbac.Open(ctx, store)
	if err != nil {
		panic(err)
	}
	defer az.Close()

	run := func(ctx context.Context, work func(rbac.Store) error) error {
		return store.Update(ctx, az.ID(), func(tx rbac.Tx) error { return work(rbac.TxStore(az.ID(), tx)) })
	}
	err = az.Transact(ctx, run, func(tx *rbac.Transaction) error {
		return tx.System("sign-up").Add(ctx, rbac.Administrator, "ada")
	})
	fmt.Println(err, az.Can(ctx, "ada", rbac.Users, rbac.Manage))
	// Output: <nil> true
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
