package main

import (
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// Each permission of a role is seen by testdata/access.txt: with any other
// scope some cell would be wrong.
func TestEveryPermissionIsChecked(t *testing.T) {
	const name = "Sales representative"
	c := start(t, sqliteDatabase(t))
	rbactest.Mutate(t, c.role(t, name), func(t testing.TB, role rbac.Role) {
		changed := start(t, sqliteDatabase(t))
		stored := changed.role(t, name)
		stored.Permissions = role.Permissions
		if _, err := changed.az.System("test").UpdateRole(t.Context(), stored); err != nil {
			t.Fatal(err)
		}
		changed.checkAccess(t, name)
	},
		rbactest.Unchecked("only reading is asked for: nobody edits the record", rbac.Audit, rbac.Manage),
		rbactest.Unchecked("administering takes all", rbac.Users, rbac.Manage, rbac.Own),
	)
}
