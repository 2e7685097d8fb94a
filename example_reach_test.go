package rbac_test

import (
	"context"
	"fmt"

	"github.com/areagate/rbac"
)

// Reach is what a list filters by: for everybody the same code, and for each
// reach the simplest condition.
func ExampleReach_Where() {
	ctx := context.Background()
	az := openTeams(ctx)
	defer az.Close()

	for _, user := range []string{"ada", "lea", "ben", "nobody"} {
		subject, err := az.Subject(ctx, user)
		if err != nil {
			panic(err)
		}
		args := []any{"open"}
		query := "SELECT * FROM deals WHERE stage = $1 AND " + subject.Reach(rbac.Deals, rbac.Read).Where(rbac.Dollar, "owner", &args)
		fmt.Println(user+":", query, args[1:])
	}
	// Output:
	// ada: SELECT * FROM deals WHERE stage = $1 AND TRUE []
	// lea: SELECT * FROM deals WHERE stage = $1 AND owner = ANY ($2) [[ann lea]]
	// ben: SELECT * FROM deals WHERE stage = $1 AND owner = $2 [ben]
	// nobody: SELECT * FROM deals WHERE stage = $1 AND FALSE []
}

// Where the application has the teams in its own tables, a list joins them.
func ExampleReach_WhereTeam() {
	ctx := context.Background()
	az := openTeams(ctx)
	defer az.Close()

	lea, err := az.Subject(ctx, "lea")
	if err != nil {
		panic(err)
	}
	var args []any
	reach := lea.Reach(rbac.Deals, rbac.Read)
	fmt.Println(reach.WhereTeam(rbac.Dollar, "owner", "SELECT id FROM people WHERE team = ?", &args), args)
	// Output:
	// owner IN (SELECT id FROM people WHERE team = $1) [north]
}

// Without a database, a list asks record by record. List and single record
// agree.
func ExampleReach_Includes() {
	ctx := context.Background()
	az := openTeams(ctx)
	defer az.Close()

	lea, err := az.Subject(ctx, "lea")
	if err != nil {
		panic(err)
	}
	reach := lea.Reach(rbac.Deals, rbac.Read)
	for _, owner := range []string{"ann", "ben"} {
		fmt.Println(owner, reach.Includes(owner), lea.CanRecord(rbac.Deals, rbac.Read, owner))
	}
	// Output:
	// ann true true
	// ben false false
}
