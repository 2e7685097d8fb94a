package rbactest_test

import (
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// The check looks at reading and not at managing. Mutate finds out.
func ExampleMutate() {
	t := &printer{}
	defer t.end()

	areas := []rbac.AreaInfo{{Area: rbac.Deals, Owned: true}, {Area: rbac.Users}}
	sales := rbac.Role{Name: "Sales", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}}}
	rbactest.Mutate(t, sales, func(t testing.TB, role rbac.Role) {
		w := rbactest.New(t,
			rbactest.Options(rbac.WithAreas(areas...)),
			rbactest.Role(role.Name, role.Permissions),
			rbactest.Member("ann", role.Name),
		)
		rbactest.Allowed(t, w, "ann", rbac.Deals, rbac.Read)
		rbactest.DeniedRecord(t, w, "ann", rbac.Deals, rbac.Manage, "bob")
		rbactest.Denied(t, w, "ann", rbac.Users, rbac.Manage)
	},
		rbactest.MutateAreas(areas...),
		rbactest.Unchecked("everybody may know who works here", rbac.Users, rbac.Read),
	)
	// Output:
	// no check notices when the role "Sales" has deals: manage none instead of own
	// rbactest.Mutate: 4 of 6 changes of the role "Sales" are noticed
}
