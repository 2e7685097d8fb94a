package rbac_test

import (
	"context"
	"errors"
	"expvar"
	"fmt"

	"github.com/areagate/rbac"
)

// Stats for the metrics of a service: here, those of package expvar.
func ExampleAuthorizer_Stats() {
	ctx := context.Background()
	az, err := rbac.Open(ctx, rbac.NewMemStore())
	if err != nil {
		panic(err)
	}
	defer az.Close()

	expvar.Publish("rbac", expvar.Func(func() any { return az.Stats() }))

	if err := az.System("sign-up").Assign(ctx, rbac.Administrator, "ada"); err != nil {
		panic(err)
	}
	fmt.Println(az.Can(ctx, "ada", rbac.Deals, rbac.Read))
	fmt.Println(errors.Is(az.As("ada").Remove(ctx, "ada"), rbac.ErrSelf))
	s := az.Stats()
	fmt.Println(s.Workspaces, "in memory,", s.Serving, "in service,", s.Refused, "refused")
	// Output:
	// true
	// true
	// 1 in memory, 1 in service, 1 refused
}

// The only administrator of acme has left. An operator's command lets another in.
func ExampleWorkspace_System_lockedOut() {
	ctx := context.Background()
	az, err := rbac.Open(ctx, rbac.NewMemStore())
	if err != nil {
		panic(err)
	}
	defer az.Close()

	err = az.For("acme").System("ticket 4711: their only administrator has left").Assign(ctx, rbac.Administrator, "bob")
	fmt.Println(err, az.For("acme").Can(ctx, "bob", rbac.Users, rbac.Manage))
	// Output: <nil> true
}
