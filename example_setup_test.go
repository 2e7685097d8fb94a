package rbac_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

// SetUp fills a workspace once: call it at sign-up, or whenever a program starts.
// A list may name the roles before it.
func ExampleAdmin_SetUp() {
	ctx := context.Background()
	az, err := rbac.Open(ctx, rbac.NewMemStore())
	if err != nil {
		panic(err)
	}
	defer az.Close()

	roles := []rbac.Role{
		{Name: "Agent", Permissions: rbac.Permissions{rbac.Contacts: {Read: rbac.All, Manage: rbac.Own}}},
		{Name: "Lead", Permissions: rbac.Permissions{rbac.Contacts: {Read: rbac.All}}, Assigns: []rbac.RoleID{"Agent"}},
	}
	acme := az.For("acme")
	for range 2 {
		made, err := acme.System("sign-up").SetUp(ctx, roles, "ada")
		fmt.Println(made, err)
	}
	fmt.Println(acme.Can(ctx, "ada", rbac.Users, rbac.Manage))
	// Output:
	// true <nil>
	// false <nil>
	// true
}

// Whoever signs in with the company's directory becomes a member, and keeps what
// they have if they are one. Assign of several, as an import may have it, demotes
// no Administrator.
func ExampleAdmin_Add() {
	ctx := context.Background()
	az := openCompany(ctx)
	defer az.Close()

	app, sales := az.System("sign-in"), companyRole(ctx, az, "Sales")
	for _, user := range []string{"eve", "ada"} {
		if err := app.Add(ctx, sales.ID, user); err != nil {
			panic(err)
		}
		member, err := az.Member(ctx, user)
		if err != nil {
			panic(err)
		}
		fmt.Println(member.User, member.RoleName)
	}
	err := az.System("import").Assign(ctx, sales.ID, "eve", "ada", "kim")
	fmt.Println(errors.Is(err, rbac.ErrAdministrator), err)
	// Output:
	// eve Sales
	// ada Administrator
	// true rbac: an assignment of several users demotes no administrator: role "Administrator": "ada"
}

// A release needs a role in each workspace, unless one of its name is there.
func ExampleAdmin_EnsureRole() {
	ctx := context.Background()
	az := openCompany(ctx)
	defer az.Close()

	for _, name := range []string{"Auditor", "AUDITOR", "sales"} {
		role, made, err := az.System("release 7").EnsureRole(ctx, rbac.Role{
			Name: name, Permissions: rbac.Permissions{rbac.Audit: {Read: rbac.All}},
		})
		if err != nil {
			panic(err)
		}
		fmt.Println(role, made)
	}
	// Output:
	// Auditor (audit: read all) true
	// Auditor (audit: read all) false
	// Sales (contacts: read all; deals: read all, manage own) false
}
