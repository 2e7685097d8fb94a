package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/areagate/rbac"
)

// Authorize keeps a denial apart from a failure to decide. The text of a
// DeniedError is for the log; the client gets a status and no more.
func ExampleWorkspace_Authorize() {
	ctx := context.Background()
	az := openSalesTeam(ctx)

	status := func(user string) int {
		err := az.Authorize(ctx, user, rbac.Deals, rbac.Manage)
		var denied *rbac.DeniedError
		switch {
		case err == nil:
			return http.StatusOK
		case errors.As(err, &denied):
			fmt.Println("log:", denied.Decision)
			return http.StatusForbidden
		default:
			fmt.Println("log:", err)
			return http.StatusServiceUnavailable
		}
	}
	fmt.Println(status("ada"))
	fmt.Println(status("bob"))
	_ = az.Close() // stands for a store that cannot be reached
	fmt.Println(status("ada"))
	// Output:
	// 200
	// log: "bob" may not manage deals: the role "Sales" reaches own records only
	// 403
	// log: rbac: no safe answer is available: rbac: the authorizer is closed
	// 503
}

// Explain gives the reason for an answer: for a support page, or for the
// administrator who asks why somebody cannot see something.
func ExampleWorkspace_Explain() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()

	for _, user := range []string{"ada", "bob", "cleo", "eve"} {
		decision, err := az.Explain(ctx, user, rbac.Deals, rbac.Manage)
		if err != nil {
			panic(err)
		}
		fmt.Println(decision)
	}
	decision, _ := az.Explain(ctx, "bob", "invoices", rbac.Read)
	fmt.Println(decision)
	fmt.Println(decision.Allowed, decision.Reason == rbac.ReasonUnknownArea)
	// Output:
	// "ada" may manage deals: the role "Administrator" reaches everything in the area
	// "bob" may not manage deals: the role "Sales" reaches own records only
	// "cleo" may not manage deals: the member is suspended
	// "eve" may not manage deals: not a member of the workspace
	// "bob" may not read invoices: the area is not known
	// false true
}

// An observer sees every decision: to count them, or to log the denials. It
// runs within the check, in whatever goroutine asks, and should be quick.
func ExampleWithObserver() {
	ctx := context.Background()
	az := openSalesTeam(ctx, rbac.WithObserver(func(_ context.Context, d rbac.Decision) {
		if !d.Allowed {
			fmt.Println("denied:", d)
		}
	}))
	defer az.Close()

	az.Can(ctx, "bob", rbac.Deals, rbac.Read)
	az.Can(ctx, "bob", rbac.Audit, rbac.Read)
	az.CanRecord(ctx, "bob", rbac.Deals, rbac.Manage, "dan")
	// Output:
	// denied: "bob" may not read audit: the role "Sales" does not allow it
	// denied: "bob" may not manage deals: the role "Sales" reaches own records only, and this one is somebody else's
}
