package rbac_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

// openNorth opens an Authorizer on a workspace in which Lea and Ann are in the
// team north, and Ben is in south. All of them read the deals of their team.
func openNorth(ctx context.Context) *rbac.Authorizer {
	az, err := rbac.Open(ctx, rbac.NewMemStore(), rbac.WithTeams())
	if err != nil {
		panic(err)
	}
	app := az.System("sign-up")
	role, err := app.CreateRole(ctx, rbac.Role{Name: "Sales", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Team}}})
	if err := errors.Join(
		err,
		app.Assign(ctx, rbac.Administrator, "ada"),
		app.Assign(ctx, role.ID, "lea", "ann", "ben"),
		app.SetTeam(ctx, "north", "lea", "ann"),
		app.SetTeam(ctx, "south", "ben"),
	); err != nil {
		panic(err)
	}
	return az
}

// A list that is no query asks record by record. List and single record agree.
func ExampleReach_Includes() {
	ctx := context.Background()
	az := openNorth(ctx)
	defer az.Close()

	lea, err := az.Subject(ctx, "lea")
	if err != nil {
		panic(err)
	}
	reach := lea.Reach(rbac.Deals, rbac.Read)
	for _, owner := range []string{"lea", "ann", "ben"} {
		fmt.Println(owner, reach.Includes(owner), lea.CanRecord(rbac.Deals, rbac.Read, owner))
	}
	// Output:
	// lea true true
	// ann true true
	// ben false false
}

// Who moves to another team takes their records along.
func ExampleAdmin_SetTeam() {
	ctx := context.Background()
	az := openNorth(ctx)
	defer az.Close()

	if err := az.As("ada").SetTeam(ctx, "north", "ben"); err != nil {
		panic(err)
	}
	fmt.Println("Lea reads Ben's deals:", az.CanRecord(ctx, "lea", rbac.Deals, rbac.Read, "ben"))
	for event, err := range az.Events(ctx, rbac.EventQuery{Kinds: []rbac.EventKind{rbac.MemberMoved}, Actor: "ada"}) {
		if err != nil {
			panic(err)
		}
		fmt.Println(event.MemberAfter.User, "from", event.MemberBefore.Team, "to", event.MemberAfter.Team)
	}
	// Output:
	// Lea reads Ben's deals: true
	// ben from south to north
}
