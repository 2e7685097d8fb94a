package rbac_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

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

// Preview shows an edit of a role before it is made: what the holders would gain and lose,
// how many they are, and whether a rule would refuse.
func ExampleAdmin_Preview_role() {
	ctx := context.Background()
	az := openCompany(ctx)
	defer az.Close()

	sales := companyRole(ctx, az, "Sales")
	sales.Permissions = rbac.Permissions{
		rbac.Contacts: {Read: rbac.All, Manage: rbac.Own},
		rbac.Deals:    {Read: rbac.Own, Manage: rbac.Own},
	}
	edit := func(a *rbac.Admin) error {
		_, err := a.UpdateRole(ctx, sales)
		return err
	}
	plan, err := az.As("lea").Preview(ctx, edit)
	if err != nil {
		panic(err)
	}
	fmt.Println(plan)

	sales.Permissions[rbac.Audit] = rbac.Access{Read: rbac.All}
	plan, err = az.As("lea").Preview(ctx, edit)
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
