package rbac_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

// openTeams opens an Authorizer on a workspace with two teams. Lea and Ann are
// in north, Ben is in south. Lea's role reads the deals of her team; that of Ann
// and Ben, their own.
func openTeams(ctx context.Context) *rbac.Authorizer {
	az, err := rbac.Open(ctx, rbac.NewMemStore(), rbac.WithTeams())
	if err != nil {
		panic(err)
	}
	app := az.System("sign-up")
	lead, err1 := app.CreateRole(ctx, rbac.Role{Name: "Team lead", Permissions: rbac.Permissions{
		rbac.Deals: {Read: rbac.Team, Manage: rbac.Own},
	}})
	sales, err2 := app.CreateRole(ctx, rbac.Role{Name: "Sales", Permissions: rbac.Permissions{
		rbac.Deals: {Read: rbac.Own, Manage: rbac.Own},
	}})
	if err := errors.Join(
		err1, err2,
		app.Assign(ctx, rbac.Administrator, "ada"),
		app.Assign(ctx, lead.ID, "lea"),
		app.Assign(ctx, sales.ID, "ann", "ben"),
		app.SetTeam(ctx, "north", "lea", "ann"),
		app.SetTeam(ctx, "south", "ben"),
	); err != nil {
		panic(err)
	}
	return az
}

// A team is an id of the application's, and exists while somebody is in it. A
// role with scope Team reaches the records of its holder's team.
func ExampleWithTeams() {
	ctx := context.Background()
	az := openTeams(ctx)
	defer az.Close()

	for _, owner := range []string{"lea", "ann", "ben"} {
		fmt.Println("Lea reads a deal of", owner, az.CanRecord(ctx, "lea", rbac.Deals, rbac.Read, owner))
	}
	fmt.Println("Lea reads all deals", az.Can(ctx, "lea", rbac.Deals, rbac.Read))
	// Output:
	// Lea reads a deal of lea true
	// Lea reads a deal of ann true
	// Lea reads a deal of ben false
	// Lea reads all deals false
}

// Who moves to another team takes their records along.
func ExampleAdmin_SetTeam() {
	ctx := context.Background()
	az := openTeams(ctx)
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
