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
	roles, err := az.Roles(ctx)
	if err != nil {
		panic(err)
	}
	for _, role := range roles {
		if role.Name == name {
			return role
		}
	}
	panic("no role " + name)
}

// The application names the first administrator. From then on people
// administer the workspace themselves.
func ExampleOpen() {
	ctx := context.Background()
	az, err := rbac.Open(ctx, rbac.NewMemStore()) // MemStore forgets everything when the process ends
	if err != nil {
		panic(err)
	}
	defer az.Close()

	if err := az.System("sign-up").Assign(ctx, rbac.Administrator, "ada"); err != nil {
		panic(err)
	}
	sales, err := az.As("ada").CreateRole(ctx, rbac.Role{
		Name:        "Sales",
		Description: "Sees all deals and works on their own.",
		Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}},
	})
	if err != nil {
		panic(err)
	}
	if err := az.As("ada").Assign(ctx, sales.ID, "bob"); err != nil {
		panic(err)
	}
	fmt.Println(az.Can(ctx, "bob", rbac.Deals, rbac.Read))
	fmt.Println(az.As("bob").Assign(ctx, sales.ID, "eve"))
	// Output:
	// true
	// rbac: denied: "bob" may not manage users: the role "Sales" does not allow it
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

// UpdateRole wants the version that the caller read. If somebody else edited
// the role meanwhile, nothing is lost: read again, and decide again.
func ExampleAdmin_UpdateRole() {
	ctx := context.Background()
	az := openCompany(ctx)
	defer az.Close()

	mine := companyRole(ctx, az, "Sales")
	theirs := companyRole(ctx, az, "Sales")

	theirs.Description = "Works on deals."
	saved, err := az.As("lea").UpdateRole(ctx, theirs)
	fmt.Println("version", saved.Version, err)

	mine.Name = "Sales representative"
	_, err = az.As("ada").UpdateRole(ctx, mine)
	fmt.Println(err)
	// Output:
	// version 2 <nil>
	// rbac: the role was changed in the meantime: role "Sales" is at version 2
}

// Plan shows an edit before it is made: what the holders would gain and lose,
// how many they are, and whether a rule would refuse.
func ExampleAdmin_Plan() {
	ctx := context.Background()
	az := openCompany(ctx)
	defer az.Close()

	sales := companyRole(ctx, az, "Sales")
	sales.Permissions = rbac.Permissions{
		rbac.Contacts: {Read: rbac.All, Manage: rbac.Own},
		rbac.Deals:    {Read: rbac.Own, Manage: rbac.Own},
	}
	plan, err := az.As("lea").Plan(ctx, sales)
	if err != nil {
		panic(err)
	}
	fmt.Println(plan)

	sales.Permissions[rbac.Audit] = rbac.Access{Read: rbac.All}
	plan, err = az.As("lea").Plan(ctx, sales)
	if err != nil {
		panic(err)
	}
	fmt.Println(errors.Is(plan.Refused, rbac.ErrEscalation))
	// Output:
	// role "Sales", 1 member: gains contacts: manage own; loses deals: read all
	// true
}

// A role that somebody holds cannot be deleted. ReplaceRole moves its holders
// to another one first.
func ExampleAdmin_ReplaceRole() {
	ctx := context.Background()
	az := openCompany(ctx)
	defer az.Close()

	ada := az.As("ada")
	sales, lead := companyRole(ctx, az, "Sales"), companyRole(ctx, az, "Team lead")
	fmt.Println(ada.DeleteRole(ctx, sales.ID))
	fmt.Println(ada.ReplaceRole(ctx, sales.ID, lead.ID))
	fmt.Println(ada.DeleteRole(ctx, sales.ID))
	// Output:
	// rbac: role is in use: role "Sales": "bob"
	// <nil>
	// <nil>
}

// In works inside a transaction that the caller commits or rolls back.
// Several changes become one: here a workspace appears with its first role
// and its first member, or not at all, and once, however many instances set it
// up at the same moment. Sync makes the change show at once.
func ExampleAdmin_In() {
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
		app := acme.System("sign-up").In(rbac.TxStore(acme.ID(), tx))
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
