package rbac_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

// A role's list names the roles that its holders may give and take, without
// holding what these grant and without managing users. Hank adds sales people and
// sees no deal.
func ExampleRole_assigns() {
	ctx := context.Background()
	az, err := rbac.Open(ctx, rbac.NewMemStore())
	if err != nil {
		panic(err)
	}
	defer az.Close()
	app := az.System("sign-up")
	sales, err := app.CreateRole(ctx, rbac.Role{Name: "Sales", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}}})
	if err != nil {
		panic(err)
	}
	desk, err := app.CreateRole(ctx, rbac.Role{Name: "Help desk", Assigns: []rbac.RoleID{sales.ID}})
	if err != nil {
		panic(err)
	}
	if err := errors.Join(app.Assign(ctx, rbac.Administrator, "ada"), app.Assign(ctx, desk.ID, "hank")); err != nil {
		panic(err)
	}

	hank := az.As("hank")
	fmt.Println("adds somebody to sales:", hank.Assign(ctx, sales.ID, "ann"))
	fmt.Println("who reads deals:", az.Can(ctx, "ann", rbac.Deals, rbac.Read))
	fmt.Println("who himself does not:", az.Can(ctx, "hank", rbac.Deals, rbac.Read))
	fmt.Println("makes no administrator:", errors.Is(hank.Assign(ctx, rbac.Administrator, "ann"), rbac.ErrEscalation))
	fmt.Println("changes no role:", errors.Is(hank.DeleteRole(ctx, sales.ID), rbac.ErrDenied))

	matrix, err := az.Matrix(ctx)
	if err != nil {
		panic(err)
	}
	for _, role := range matrix.Roles {
		fmt.Println(role.Name, "gives and takes", len(role.Assigns), "roles")
	}
	// Output:
	// adds somebody to sales: <nil>
	// who reads deals: true
	// who himself does not: false
	// makes no administrator: true
	// changes no role: true
	// Administrator gives and takes 0 roles
	// Help desk gives and takes 1 roles
	// Sales gives and takes 0 roles
}

// An event says how and why, beside who: here a job that acts for somebody.
func ExampleAdmin_Via() {
	ctx := context.Background()
	az := openCompany(ctx)
	defer az.Close()

	job := az.As("ada").Via("nightly import").Because("ticket 4711")
	if err := job.Suspend(ctx, "bob"); err != nil {
		panic(err)
	}
	for event, err := range az.Events(ctx, rbac.EventQuery{User: "bob", Newest: true, Limit: 1}) {
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s suspended %s (%s), via %s: %s\n", event.Actor, event.MemberAfter.User, event.MemberAfter.RoleName, event.Via, event.Reason)
	}
	// Output:
	// ada suspended bob (Sales), via nightly import: ticket 4711
}
