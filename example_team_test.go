package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/areagate/rbac"
)

// openTeams opens an Authorizer with teams, an area that is one verb, and a help
// desk that gives roles which reach further than its own.
func openTeams(ctx context.Context) *rbac.Authorizer {
	az, err := rbac.Open(ctx, rbac.NewMemStore(), rbac.WithTeams(), rbac.WithAreas(
		rbac.AreaInfo{Area: rbac.Contacts, Label: "Contacts", Owned: true},
		rbac.AreaInfo{Area: rbac.Deals, Label: "Deals", Owned: true},
		rbac.AreaInfo{Area: "exports", Label: "Exports", Only: rbac.Read},
		rbac.AreaInfo{Area: rbac.Users, Label: "Users", Owned: true},
	))
	if err != nil {
		panic(err)
	}
	app := az.System("seed")
	create := func(name string, p rbac.Permissions, assigns ...rbac.RoleID) rbac.RoleID {
		role, err := app.CreateRole(ctx, rbac.Role{Name: name, Permissions: p, Assigns: assigns})
		if err != nil {
			panic(err)
		}
		return role.ID
	}
	sales := create("Sales", rbac.Permissions{
		rbac.Contacts: {Read: rbac.All, Manage: rbac.Own},
		rbac.Deals:    {Read: rbac.Own, Manage: rbac.Own},
	})
	lead := create("Team lead", rbac.Permissions{
		rbac.Contacts: {Read: rbac.All, Manage: rbac.Team},
		rbac.Deals:    {Read: rbac.Team, Manage: rbac.Team},
		rbac.Users:    {Read: rbac.Team},
	}, sales)
	create("Analyst", rbac.Permissions{
		rbac.Contacts: {Read: rbac.All},
		rbac.Deals:    {Read: rbac.All},
		"exports":     {Read: rbac.All},
	})
	desk := create("Help desk", rbac.Permissions{rbac.Users: {Read: rbac.All}}, sales)
	if err := errors.Join(
		app.Assign(ctx, rbac.Administrator, "ada"),
		app.Assign(ctx, sales, "bob", "cleo"),
		app.Assign(ctx, lead, "lea"),
		app.Assign(ctx, desk, "dan"),
		app.SetTeam(ctx, "north", "lea", "bob"),
	); err != nil {
		panic(err)
	}
	return az
}

// With teams there is a scope between own and all. The last column has what the
// holders of a role may give and take. This is a table of docs/concepts.md.
func ExampleWithTeams() {
	ctx := context.Background()
	az := openTeams(ctx)
	defer az.Close()

	matrix, err := az.Matrix(ctx)
	if err != nil {
		panic(err)
	}
	if err := matrix.WriteMarkdown(os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// | Role | Contacts | Deals | Exports | Users | Gives and takes |
	// | --- | --- | --- | --- | --- | --- |
	// | Administrator | read all, manage all | read all, manage all | read all | read all, manage all |  |
	// | Analyst | read all | read all | read all | no access |  |
	// | Help desk | no access | no access | no access | read all | Sales |
	// | Sales | read all, manage own | read own, manage own | no access | no access |  |
	// | Team lead | read all, manage team | read team, manage team | no access | read team | Sales |
}

// Reach is what a list is filtered by: one condition for each reach, the simplest
// there is.
func ExampleSubject_Reach() {
	ctx := context.Background()
	az := openTeams(ctx)
	defer az.Close()

	for _, user := range []string{"ada", "lea", "bob", "dan"} {
		subject, err := az.Subject(ctx, user)
		if err != nil {
			panic(err) // ErrUnavailable: not a denial, try again later
		}
		args := []any{"open"}
		query := "SELECT id, title FROM deals WHERE state = $1 AND " +
			subject.Reach(rbac.Deals, rbac.Read).Where(rbac.Dollar, "owner", &args)
		fmt.Println(query, args)
	}
	// Output:
	// SELECT id, title FROM deals WHERE state = $1 AND TRUE [open]
	// SELECT id, title FROM deals WHERE state = $1 AND owner = ANY ($2) [open [bob lea]]
	// SELECT id, title FROM deals WHERE state = $1 AND owner = $2 [open bob]
	// SELECT id, title FROM deals WHERE state = $1 AND FALSE [open]
}

// An application that has the teams in its own tables joins them. Of a large team
// the query then carries one argument.
func ExampleReach_WhereTeam() {
	ctx := context.Background()
	az := openTeams(ctx)
	defer az.Close()

	lea, err := az.Subject(ctx, "lea")
	if err != nil {
		panic(err)
	}
	var args []any
	where := lea.Reach(rbac.Deals, rbac.Read).
		WhereTeam(rbac.Question, "owner", "SELECT id FROM people WHERE team = ?", &args)
	fmt.Println("SELECT id, title FROM deals WHERE", where, args)
	// Output:
	// SELECT id, title FROM deals WHERE owner IN (SELECT id FROM people WHERE team = ?) [north]
}

// The help desk gives and takes the roles of its list, sees no deal, and gives
// nothing else.
func ExampleRole_assigns() {
	ctx := context.Background()
	az := openTeams(ctx)
	defer az.Close()

	bob, err := az.Subject(ctx, "bob")
	if err != nil {
		panic(err)
	}
	desk := az.As("dan").Via("ticket 4711").Because("starts on Monday")
	fmt.Println(desk.Assign(ctx, bob.Role(), "eve"))
	fmt.Println(az.CanRecord(ctx, "dan", rbac.Deals, rbac.Read, "eve"))
	fmt.Println(errors.Is(desk.Assign(ctx, rbac.Administrator, "eve"), rbac.ErrEscalation))
	for event, err := range az.Events(ctx, rbac.EventQuery{Newest: true, Limit: 1}) {
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s gave %s the role %s: %s, %s\n", event.Actor, event.MemberAfter.User, event.MemberAfter.RoleName, event.Via, event.Reason)
	}
	// Output:
	// <nil>
	// false
	// true
	// dan gave eve the role Sales: ticket 4711, starts on Monday
}
