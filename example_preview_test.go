package rbac_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

// A preview runs any methods of Admin, with nothing written: here to see, before
// Bob is promoted and Lea suspended, who gains and loses what.
func ExampleAdmin_Preview() {
	ctx := context.Background()
	az := openCompany(ctx)
	defer az.Close()

	lead := companyRole(ctx, az, "Team lead")
	reorganize := func(a *rbac.Admin) error {
		return errors.Join(a.Assign(ctx, lead.ID, "bob"), a.Suspend(ctx, "lea"))
	}
	plan, err := az.As("ada").Preview(ctx, reorganize)
	if err != nil {
		panic(err)
	}
	for _, effect := range plan.Effects {
		fmt.Println(effect)
	}
	for _, event := range plan.Events {
		fmt.Println(event.Kind, event.MemberAfter.User)
	}
	fmt.Println("refused:", plan.Refused)

	plan, err = az.As("lea").Preview(ctx, reorganize)
	if err != nil {
		panic(err)
	}
	fmt.Println("refused:", errors.Is(plan.Refused, rbac.ErrSelf))
	// Output:
	// member "bob": gains contacts: manage all; deals: manage all; users: read all, manage all; loses nothing
	// member "lea": gains nothing; loses contacts: read all, manage all; deals: read all, manage all; users: read all, manage all
	// member.assigned bob
	// member.suspended lea
	// refused: <nil>
	// refused: true
}

// Choices are the roles for somebody's menu: which of them the actor may give, and
// why not the others.
func ExampleAdmin_Choices() {
	ctx := context.Background()
	az := openCompany(ctx)
	defer az.Close()

	choices, err := az.As("lea").Choices(ctx, "bob")
	if err != nil {
		panic(err)
	}
	for _, choice := range choices {
		fmt.Println(choice.Role.Name, "refused:", choice.Refused != nil)
	}
	refused := choices[0]
	refused.Role = rbac.Role{Name: "Administrator"} // without its permissions, to be short
	form, err := json.Marshal(refused)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(form)[:90])
	// Output:
	// Administrator refused: true
	// Sales refused: false
	// Team lead refused: false
	// {"role":{"name":"Administrator","permissions":{}},"refused":{"rule":"escalation","message"
}

// Whoever resets a password can act as its owner. Authorize says who may: those who
// could also suspend the member.
func ExampleAdmin_Authorize() {
	ctx := context.Background()
	az := openCompany(ctx)
	defer az.Close()

	for _, user := range []string{"bob", "ada", "lea", "nobody"} {
		err := az.As("lea").Authorize(ctx, user)
		switch {
		case err == nil:
			fmt.Println(user, "may get a new password")
		case errors.Is(err, rbac.ErrEscalation):
			fmt.Println(user, "may do more than lea")
		default:
			fmt.Println(err)
		}
	}
	// Output:
	// bob may get a new password
	// ada may do more than lea
	// rbac: nobody changes their own membership: "lea"
	// rbac: member not found: "nobody"
}
