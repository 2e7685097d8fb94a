package rbac_test

import (
	"context"
	"fmt"

	"github.com/areagate/rbac"
)

// A context that ends when Bob may no longer read all contacts, whoever takes that
// away, on whichever instance.
func ExampleSubject_While() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	bob, err := az.Subject(ctx, "bob")
	if err != nil {
		panic(err)
	}
	live, cancel := bob.While(ctx, func(s rbac.Subject) error {
		return s.Authorize(rbac.Contacts, rbac.Read)
	})
	defer cancel()
	fmt.Println(live.Err())

	if err := az.System("Bob has left").Remove(ctx, "bob"); err != nil {
		panic(err)
	}
	<-live.Done()
	fmt.Println(context.Cause(live))
	// Output:
	// <nil>
	// rbac: denied: "bob" may not read contacts: not a member of the workspace
}
