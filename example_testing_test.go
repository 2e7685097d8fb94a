package rbac_test

import (
	"context"
	"fmt"

	"github.com/areagate/rbac"
)

// A unit test needs no database: a MemStore is empty, fast and thrown away. A
// test of a role's table alone needs no workspace either.
func Example_testing() {
	ctx := context.Background() // t.Context() in a test
	az, err := rbac.Open(ctx, rbac.NewMemStore())
	if err != nil {
		panic(err) // t.Fatal(err)
	}
	defer az.Close() // t.Cleanup(func() { az.Close() })

	support := rbac.Role{Name: "Support", Permissions: rbac.Permissions{
		rbac.Contacts: {Read: rbac.All},
		rbac.Tasks:    {Read: rbac.All, Manage: rbac.Own},
	}}
	created, err := az.System("test").CreateRole(ctx, support)
	if err != nil {
		panic(err)
	}
	if err := az.System("test").Assign(ctx, created.ID, "sue"); err != nil {
		panic(err)
	}

	for _, test := range []struct {
		area   rbac.Area
		action rbac.Action
		want   bool
	}{
		{rbac.Contacts, rbac.Read, true},
		{rbac.Contacts, rbac.Manage, false},
		{rbac.Tasks, rbac.Read, true},
		{rbac.Tasks, rbac.Manage, false}, // only her own
		{rbac.Deals, rbac.Read, false},
	} {
		if got := az.Can(ctx, "sue", test.area, test.action); got != test.want {
			fmt.Printf("Can(sue, %s, %s) = %t, want %t\n", test.area, test.action, got, test.want)
		}
	}
	fmt.Println(support.Permissions.Scope(rbac.Tasks, rbac.Manage))
	// Output: own
}
