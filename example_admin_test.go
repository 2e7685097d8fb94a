package rbac_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

// openCompany opens an Authorizer on a workspace with three members. Ada is
// an Administrator. Lea holds the role Team lead, with which she may manage
// users, contacts and deals. Bob holds the role Sales.
func openCompany(ctx context.Context) *rbac.Authorizer {
	az, err := rbac.Open(ctx, rbac.NewMemStore())
	if err != nil {
		panic(err)
	}
	app := az.System("sign-up")
	everything := rbac.Access{Read: rbac.All, Manage: rbac.All}
	lead, err1 := app.CreateRole(ctx, rbac.Role{Name: "Team lead", Permissions: rbac.Permissions{
		rbac.Contacts: everything, rbac.Deals: everything, rbac.Users: everything,
	}})
	sales, err2 := app.CreateRole(ctx, rbac.Role{Name: "Sales", Permissions: rbac.Permissions{
		rbac.Contacts: {Read: rbac.All}, rbac.Deals: {Read: rbac.All, Manage: rbac.Own},
	}})
	if err := errors.Join(
		err1, err2,
		app.Assign(ctx, rbac.Administrator, "ada"),
		app.Assign(ctx, lead.ID, "lea"),
		app.Assign(ctx, sales.ID, "bob"),
	); err != nil {
		panic(err)
	}
	return az
}

// companyRole returns a role of the workspace by its name.
func companyRole(ctx context.Context, az *rbac.Authorizer, name string) rbac.Role {
	role, err := az.RoleByName(ctx, name)
	if err != nil {
		panic(err)
	}
	return role
}

// A member who acts gives away no more than they hold. The error lists what
// is missing.
func ExampleWorkspace_As() {
	ctx := context.Background()
	az := openCompany(ctx)
	defer az.Close()

	lea := az.As("lea")
	_, err := lea.CreateRole(ctx, rbac.Role{
		Name:        "Researcher",
		Permissions: rbac.Permissions{rbac.Contacts: {Read: rbac.All}},
	})
	fmt.Println("within her rights:", err)

	_, err = lea.CreateRole(ctx, rbac.Role{
		Name: "Integrator",
		Permissions: rbac.Permissions{
			rbac.Contacts: {Read: rbac.All, Manage: rbac.All},
			rbac.API:      {Read: rbac.All, Manage: rbac.All},
		},
	})
	var escalation *rbac.EscalationError
	if errors.As(err, &escalation) {
		fmt.Println("Lea does not hold:", escalation.Missing)
	}

	err = lea.Suspend(ctx, "ada")
	fmt.Println("an Administrator:", errors.Is(err, rbac.ErrEscalation))
	err = lea.Remove(ctx, "lea")
	fmt.Println("herself:", errors.Is(err, rbac.ErrSelf))
	// Output:
	// within her rights: <nil>
	// Lea does not hold: api: read all, manage all
	// an Administrator: true
	// herself: true
}

// System acts as the application, which has every right. The invariants hold
// for it too: the last active Administrator stays.
func ExampleWorkspace_System() {
	ctx := context.Background()
	az := openCompany(ctx)
	defer az.Close()

	app := az.System("staff directory")
	fmt.Println(app.Remove(ctx, "ada"))
	fmt.Println(app.Assign(ctx, rbac.Administrator, "zoe"))
	fmt.Println(app.Remove(ctx, "ada"))
	// Output:
	// rbac: the last active administrator must stay: role "Administrator": "ada"
	// <nil>
	// <nil>
}

// Input that is malformed is refused with every field that is wrong.
func ExampleValidationError() {
	ctx := context.Background()
	az := openCompany(ctx)
	defer az.Close()

	_, err := az.As("ada").CreateRole(ctx, rbac.Role{
		Name:        "  ",
		Permissions: rbac.Permissions{"invoices": {Read: rbac.All}},
	})
	var invalid *rbac.ValidationError
	if errors.As(err, &invalid) {
		for _, field := range invalid.Fields {
			fmt.Println(field.Field, "-", field.Problem)
		}
	}
	// Output:
	// name - is empty
	// permissions.invoices - is not an area of this program
}
