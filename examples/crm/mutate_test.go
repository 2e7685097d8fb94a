package main

import (
	"slices"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/rbactest"
)

// Each permission of a role is seen by testdata/access.txt: with any other
// scope some cell would be wrong.
func TestEveryPermissionIsChecked(t *testing.T) {
	if !long.Enabled() {
		t.Skip("a CRM for each permission: only with RBAC_LONG=1")
	}
	t.Parallel()
	for _, name := range []string{"Sales representative", "Team lead"} {
		t.Run(name, func(t *testing.T) { checkEveryPermission(t, name) })
	}
}

func checkEveryPermission(t *testing.T, name string) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	columns, rows := readExpectations(t)
	i := slices.Index(columns, name)
	rbactest.Mutate(t, c.role(t, name), func(t testing.TB, role rbac.Role) {
		changed := start(t, sqliteDatabase(t))
		stored := changed.role(t, name)
		stored.Permissions = role.Permissions
		if len(role.Assigns) < len(stored.Assigns) { // of one: ids differ from CRM to CRM
			stored.Assigns = nil
		}
		if _, err := changed.az.System("test").UpdateRole(t.Context(), stored); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if t.Failed() { // one wrong cell is enough
				return
			}
			changed.checkCell(t, row, name, row.cells[i])
		}
	},
		rbactest.MutateAreas(areas()...), rbactest.MutateTeams(),
		rbactest.Unchecked("only reading is asked for: nobody edits the record", rbac.Audit, rbac.Manage),
		rbactest.Unchecked("administering takes all", rbac.Users, rbac.Manage, rbac.Own, rbac.Team),
	)
}
