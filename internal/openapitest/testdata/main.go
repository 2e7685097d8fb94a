// Command generated asks the API whose address it is given, with the client that
// stands beside it when it is compiled.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
)

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, address string) error {
	as := func(user string) RequestEditorFn {
		return func(_ context.Context, r *http.Request) error {
			r.Header.Set("Test-User", user)
			return nil
		}
	}
	client, err := NewClientWithResponses(address, WithRequestEditorFn(as("ada")))
	if err != nil {
		return err
	}
	roles, err := client.ListRolesWithResponse(ctx)
	if err != nil {
		return err
	}
	for _, role := range roles.JSON200.Items {
		fmt.Println("role", role.Name, role.Permissions["deals"].Read)
	}

	sales := roles.JSON200.Items[1]
	read, err := client.GetRoleWithResponse(ctx, *sales.Id)
	if err != nil {
		return err
	}
	edit := *read.JSON200
	edit.Name = "Sellers"
	for range 2 {
		reason := "ticket 4711"
		saved, err := client.UpdateRoleWithResponse(ctx, *edit.Id, &UpdateRoleParams{IfMatch: read.HTTPResponse.Header.Get("ETag"), Reason: &reason}, edit)
		if err != nil {
			return err
		}
		fmt.Println("edit", saved.StatusCode())
	}

	assigned, err := client.AssignWithResponse(ctx, &AssignParams{}, Assignment{Role: *sales.Id, Users: []string{"sal", "a/b"}})
	if err != nil {
		return err
	}
	fmt.Println("assign", assigned.StatusCode())
	limit := 1
	var after *string
	for {
		page, err := client.ListMembersWithResponse(ctx, &ListMembersParams{Limit: &limit, After: after})
		if err != nil {
			return err
		}
		fmt.Println("member", page.JSON200.Items[0].User)
		if after = page.JSON200.Next; after == nil {
			break
		}
	}
	refused, err := client.RemoveWithResponse(ctx, &RemoveParams{}, Users{Users: []string{"ada"}})
	if err != nil {
		return err
	}
	fmt.Println("remove", refused.StatusCode(), *refused.ApplicationproblemJSON409.Code)
	denied, err := client.ListEventsWithResponse(ctx, &ListEventsParams{}, as("sal"))
	if err != nil {
		return err
	}
	fmt.Println("events", denied.StatusCode(), *denied.ApplicationproblemJSON403.Code)
	return nil
}
