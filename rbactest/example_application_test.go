package rbactest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// The tests that docs/testing.md shows, word for word.

var areas = []rbac.AreaInfo{
	{Area: rbac.Deals, Label: "Deals", Owned: true},
	{Area: rbac.Users, Label: "Users"},
}

var salesRole = rbac.Role{Name: "Sales", Permissions: rbac.Permissions{
	rbac.Deals: {Read: rbac.All, Manage: rbac.Own},
}}

// newApp returns the application: a deal is named by its owner.
func newApp(az *rbac.Authorizer) http.Handler {
	guard := func(action rbac.Action) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			subject, err := az.Subject(r.Context(), r.Header.Get("User")) // as if signed in
			switch {
			case err != nil:
				w.WriteHeader(http.StatusServiceUnavailable)
			case !subject.CanRecord(rbac.Deals, action, r.PathValue("owner")):
				w.WriteHeader(http.StatusForbidden)
			}
		}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /deals/{owner}", guard(rbac.Read))
	mux.Handle("PUT /deals/{owner}", guard(rbac.Manage))
	return mux
}

// status returns what the application answers a user.
func status(app http.Handler, user, method, path string) int {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("User", user)
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w.Code
}

func TestDeals(t *testing.T) {
	w := rbactest.New(t,
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}}),
		rbactest.Member("ann", "Sales"),
		rbactest.Suspended("bob", "Sales"),
		rbactest.Member("ada", "Administrator"),
	)
	rbactest.Allowed(t, w, "ann", rbac.Deals, rbac.Read)
	rbactest.Denied(t, w, "bob", rbac.Deals, rbac.Read)
	rbactest.AllowedRecord(t, w, "ann", rbac.Deals, rbac.Manage, "ann")
	rbactest.DeniedRecord(t, w, "ann", rbac.Deals, rbac.Manage, "ben")
	rbactest.HasScope(t, w, "ann", rbac.Deals, rbac.Manage, rbac.Own)

	app := newApp(w.Authorizer)
	if got := status(app, "ann", "PUT", "/deals/ben"); got != http.StatusForbidden {
		t.Errorf("got status %d", got)
	}
}

func TestPromotion(t *testing.T) {
	w := rbactest.New(t,
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.All}}),
		rbactest.Member("ann", "Sales"),
		rbactest.Member("ada", "Administrator"),
	)
	role := w.Role(t, "Sales") // as it is stored, ready to be edited
	role.Permissions[rbac.Deals] = rbac.Access{Read: rbac.All, Manage: rbac.All}
	if _, err := w.As("ada").UpdateRole(t.Context(), role); err != nil {
		t.Fatal(err)
	}
	rbactest.Allowed(t, w, "ann", rbac.Deals, rbac.Manage)
}

func TestTeamLead(t *testing.T) {
	w := rbactest.New(t,
		rbactest.Role("Sales", rbac.Permissions{rbac.Deals: {Read: rbac.Own, Manage: rbac.Own}}),
		rbactest.Role("Team lead", rbac.Permissions{rbac.Deals: {Read: rbac.Team}}, "Sales"), // gives and takes Sales
		rbactest.Member("lea", "Team lead"),
		rbactest.Member("ann", "Sales"),
		rbactest.Member("ben", "Sales"),
		rbactest.Team("north", "lea", "ann"),
	)
	rbactest.AllowedRecord(t, w, "lea", rbac.Deals, rbac.Read, "ann")
	rbactest.DeniedRecord(t, w, "lea", rbac.Deals, rbac.Read, "ben")
	if err := w.As("lea").SetTeam(t.Context(), "north", "ben"); err != nil {
		t.Error(err)
	}
	rbactest.AllowedRecord(t, w, "lea", rbac.Deals, rbac.Read, "ben")
}

func TestAccessModel(t *testing.T) {
	w := rbactest.New(t,
		rbactest.Options(rbac.WithAreas(areas...)),
		rbactest.Role(salesRole.Name, salesRole.Permissions),
	)
	rbactest.GoldenRoles(t, "testdata/access.md", w)
}

// checkSales checks what the role Sales may do.
func checkSales(t testing.TB, role rbac.Role) {
	w := rbactest.New(t,
		rbactest.Options(rbac.WithAreas(areas...)),
		rbactest.Role(role.Name, role.Permissions),
		rbactest.Member("ann", role.Name),
	)
	app := newApp(w.Authorizer)
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/deals/ben", http.StatusOK},
		{"PUT", "/deals/ann", http.StatusOK},
		{"PUT", "/deals/ben", http.StatusForbidden},
	} {
		if got := status(app, "ann", test.method, test.path); got != test.want {
			t.Errorf("%s %s: got status %d, want %d", test.method, test.path, got, test.want)
		}
	}
	rbactest.HasScope(t, w, "ann", rbac.Users, rbac.Manage, rbac.None) // no handler asks
}

func TestSales(t *testing.T) {
	checkSales(t, salesRole)
}

func TestSalesIsChecked(t *testing.T) {
	rbactest.Mutate(t, salesRole, checkSales,
		rbactest.MutateAreas(areas...),
		rbactest.Unchecked("everybody may know who works here", rbac.Users, rbac.Read),
	)
}
