package rbac_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

// openReviewed opens an Authorizer on a workspace with three roles of its own
// and four members. Ada is the Administrator.
func openReviewed(ctx context.Context) *rbac.Authorizer {
	az, err := rbac.Open(ctx, rbac.NewMemStore(), rbac.WithAreas(
		rbac.AreaInfo{Area: rbac.Contacts, Label: "Contacts", Owned: true},
		rbac.AreaInfo{Area: rbac.Deals, Label: "Deals", Owned: true},
		rbac.AreaInfo{Area: rbac.Users, Label: "Users", Owned: true, Sensitive: true},
		rbac.AreaInfo{Area: rbac.Audit, Label: "Audit", Sensitive: true},
	))
	if err != nil {
		panic(err)
	}
	if err := az.System("sign-up").Assign(ctx, rbac.Administrator, "ada"); err != nil {
		panic(err)
	}
	ada := az.As("ada")
	everything := rbac.Access{Read: rbac.All, Manage: rbac.All}
	sales, err1 := ada.CreateRole(ctx, rbac.Role{Name: "Sales", Permissions: rbac.Permissions{
		rbac.Contacts: {Read: rbac.All, Manage: rbac.Own}, rbac.Deals: {Read: rbac.Own, Manage: rbac.Own},
	}})
	lead, err2 := ada.CreateRole(ctx, rbac.Role{Name: "Sales lead", Permissions: rbac.Permissions{
		rbac.Contacts: everything, rbac.Deals: everything, rbac.Users: {Read: rbac.All},
	}})
	_, err3 := ada.CreateRole(ctx, rbac.Role{Name: "Auditor", Permissions: rbac.Permissions{
		rbac.Users: {Read: rbac.All}, rbac.Audit: {Read: rbac.All},
	}})
	if err := errors.Join(
		err1, err2, err3,
		ada.Assign(ctx, lead.ID, "lea"),
		ada.Assign(ctx, sales.ID, "bob", "cleo"),
		ada.Suspend(ctx, "cleo"),
	); err != nil {
		panic(err)
	}
	return az
}

// WhoCan answers the question of an audit: who can do this, and through which
// role. Cleo is suspended and is not in the answer.
func ExampleWorkspace_WhoCan() {
	ctx := context.Background()
	az := openReviewed(ctx)
	defer az.Close()

	for holder, err := range az.WhoCan(ctx, rbac.Deals, rbac.Manage) {
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s manages %s deals as %s\n", holder.Member.User, holder.Scope, holder.RoleName)
	}
	// Output:
	// ada manages all deals as Administrator
	// bob manages own deals as Sales
	// lea manages all deals as Sales lead
}

// Lint points at what a person should look at, the gravest first.
func ExampleWorkspace_Lint() {
	ctx := context.Background()
	az := openReviewed(ctx)
	defer az.Close()

	findings, err := az.Lint(ctx)
	if err != nil {
		panic(err)
	}
	for _, finding := range findings {
		fmt.Println(finding)
	}
	// Output:
	// warning: single-administrator: There is only one active administrator: name a second for the day when they are away.
	// notice: unused-role: Nobody holds the role "Auditor".
}
