package rbac_test

import (
	"context"
	"fmt"

	"github.com/areagate/rbac"
)

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
