package rbachttp_test

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// What the application does to somebody's account is for those who may act on the
// member.
func ExampleGuard_WriteError_account() {
	ctx := context.Background()
	az := openSalesTeam(ctx)
	defer az.Close()
	guard := rbachttp.New(az, bySession, rbachttp.WithLogger(slog.New(slog.DiscardHandler)))

	resetPassword := func(w http.ResponseWriter, r *http.Request) {
		subject, _ := rbac.FromContext(r.Context())
		user := r.PathValue("user")
		if err := az.AsSubject(subject).Authorize(r.Context(), user); err != nil {
			guard.WriteError(w, r, err)
			return
		}
		say("a new password for "+user)(w, r)
	}
	mux := guard.Mux()
	mux.HandleFunc("POST /users/{user}/password", rbachttp.Member(), resetPassword)

	show(mux, "ada", "POST", "/users/bob/password")
	show(mux, "bob", "POST", "/users/ada/password")
	show(mux, "ada", "POST", "/users/nobody/password")
	// Output:
	// ada POST /users/bob/password: 200 a new password for bob
	// bob POST /users/ada/password: 403 {"type":"about:blank","title":"Forbidden","status":403,"code":"denied"}
	// ada POST /users/nobody/password: 404 {"type":"about:blank","title":"Not Found","status":404,"code":"member-not-found","detail":"There is no such member."}
}
