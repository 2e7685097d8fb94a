package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"os"

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

// The matrix is the whole access model on one page.
func ExampleMatrix_WriteText() {
	ctx := context.Background()
	az := openReviewed(ctx)
	defer az.Close()

	matrix, err := az.Matrix(ctx)
	if err != nil {
		panic(err)
	}
	if err := matrix.WriteText(os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// Role (read/manage)  Contacts  Deals    Users    Audit
	// ------------------  --------  -------  -------  -------
	// Administrator       all/all   all/all  all/all  all/all
	// Auditor             -         -        all/-    all/-
	// Sales               all/own   own/own  -        -
	// Sales lead          all/all   all/all  all/-    -
}

// The same for a wiki or a ticket. This is the table of docs/concepts.md.
func ExampleMatrix_WriteMarkdown() {
	ctx := context.Background()
	az := openReviewed(ctx)
	defer az.Close()

	matrix, err := az.Matrix(ctx)
	if err != nil {
		panic(err)
	}
	if err := matrix.WriteMarkdown(os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// | Role | Contacts | Deals | Users | Audit |
	// | --- | --- | --- | --- | --- |
	// | Administrator | read all, manage all | read all, manage all | read all, manage all | read all, manage all |
	// | Auditor | no access | no access | read all | read all |
	// | Sales | read all, manage own | read own, manage own | no access | no access |
	// | Sales lead | read all, manage all | read all, manage all | read all | no access |
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

// Events are the audit trail: who changed what, and what it was before. Read
// it in pages with After, or the newest first.
func ExampleWorkspace_Events() {
	ctx := context.Background()
	az := openReviewed(ctx)
	defer az.Close()

	for event, err := range az.Events(ctx, rbac.EventQuery{}) {
		if err != nil {
			panic(err)
		}
		by := event.Actor
		if by == "" {
			by = "the application, " + event.Reason
		}
		about := ""
		switch {
		case event.MemberAfter != nil:
			about = event.MemberAfter.User
		case event.RoleAfter != nil:
			about = event.RoleAfter.Name
		}
		fmt.Printf("%d %s %s (%s)\n", event.Seq, event.Kind, about, by)
	}
	// Output:
	// 1 member.assigned ada (the application, sign-up)
	// 2 role.created Sales (ada)
	// 3 role.created Sales lead (ada)
	// 4 role.created Auditor (ada)
	// 5 member.assigned lea (ada)
	// 6 member.assigned bob (ada)
	// 7 member.assigned cleo (ada)
	// 8 member.suspended cleo (ada)
}

// VerifyEvents checks that no event was edited or removed. Whoever can write
// the store can also write a whole new chain: keep the number and hash of an
// event elsewhere, and compare.
func ExampleWorkspace_VerifyEvents() {
	ctx := context.Background()
	az := openReviewed(ctx)
	defer az.Close()

	if err := az.VerifyEvents(ctx); err != nil {
		panic(err) // a *TamperedError names the first broken number
	}
	var anchor rbac.Revision // keep it where the database's administrator cannot write
	for event, err := range az.Events(ctx, rbac.EventQuery{Newest: true, Limit: 1}) {
		if err != nil {
			panic(err)
		}
		anchor = event.Revision()
	}

	// A month later:
	for event, err := range az.Events(ctx, rbac.EventQuery{After: anchor.Seq - 1, Limit: 1}) {
		if err != nil {
			panic(err)
		}
		fmt.Println("event", event.Seq, "is the one that was noted:", event.Revision() == anchor)
	}
	// Output: event 8 is the one that was noted: true
}

// An export of an application's own. What a spreadsheet would run is
// neutralised.
func ExampleTable() {
	contacts := rbac.Table{
		{"Name", "Telephone"},
		{"Ada", "+44 20 7946 0000"},
		{`=HYPERLINK("https://evil.example")`, "-"},
	}
	if err := contacts.WriteCSV(os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// Name,Telephone
	// Ada,'+44 20 7946 0000
	// "'=HYPERLINK(""https://evil.example"")",'-
}
