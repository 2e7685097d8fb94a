package scenarios

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
)

// A client saves a role and leaves its permissions out: refused, whichever way
// it is sent, and the holders keep what they have.
func editWithoutPermissions(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	w := workspacetest.Open(t, store).For("w")
	workspacetest.Assign(t, w, rbac.Administrator, "ann")
	role := workspacetest.AddRole(t, w, "Viewer", workspacetest.ReadsDeals(rbac.All))
	workspacetest.Assign(t, w, role.ID, "vic")
	refused := func(err error) {
		t.Helper()
		var invalid *rbac.ValidationError
		assert.True(t, errors.As(err, &invalid), err)
		assert.Equal(t, []rbac.FieldError{{Field: "permissions", Problem: "missing"}}, invalid.Fields)
	}
	workspacetest.Unchanged(t, store, "w", func() {
		for _, rest := range []string{"", `,"permissions":null`} {
			var sent rbac.Role
			refused(json.Unmarshal(fmt.Appendf(nil, `{"id":%q,"name":"Viewers","version":1%s}`, role.ID, rest), &sent))
		}
		partial := rbac.Role{ID: role.ID, Name: "Viewers", Version: role.Version}
		admins := func(w workspacetest.Administered) []*rbac.Admin { return []*rbac.Admin{w.As("ann"), w.System("test")} }
		for i, admin := range admins(w) {
			_, err := admin.UpdateRole(ctx, partial)
			refused(err)
			refused(workspacetest.Refused(workspacetest.Plan(ctx, admin, partial)))
			assert.NoError(t, db.Transaction(ctx, "w", func(in rbac.Store) error {
				_, err := admins(w.In(in))[i].UpdateRole(ctx, partial)
				refused(err)
				return nil // the application commits all the same
			}))
		}
	})
	assert.True(t, workspacetest.Can(w, "vic") && workspacetest.Can(workspace(t, db), "vic"))

	role.Permissions = rbac.Permissions{}
	role, err := w.As("ann").UpdateRole(ctx, role)
	assert.NoError(t, err)
	assert.Equal(t, rbac.Permissions{}, role.Permissions)
	assert.True(t, !workspacetest.Can(w, "vic") && !workspacetest.Can(workspace(t, db), "vic"))
	workspacetest.CheckInvariants(t, store, "w")
}

// A role that grants nothing has an empty table wherever it is read, so that
// whoever sends back what they read sends a table.
func emptyTablesAreSentBack(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	w := workspacetest.Open(t, store).For("w")
	workspacetest.Assign(t, w, rbac.Administrator, "ann")
	created := workspacetest.AddRole(t, w, "Nothing", nil)
	emptied := workspacetest.AddRole(t, w, "Emptied", workspacetest.ReadsDeals(rbac.All))
	emptied.Permissions = rbac.Permissions{}
	emptied, err := w.As("ann").UpdateRole(ctx, emptied)
	assert.NoError(t, err)
	put := rbac.Role{ID: "put", Name: "Put", Version: 1} // by somebody else
	workspacetest.Forge(t, store, "w", rbac.Event{Time: created.CreatedAt, Kind: rbac.RoleCreated, Reason: "put", RoleAfter: &put})
	assert.NoError(t, w.Sync(ctx))

	found := map[string][]rbac.Role{"returned": {created, emptied}}
	read := func(where string, r rbac.Reader) {
		var roles []rbac.Role
		for _, role := range workspacetest.All(t, r.Roles()) {
			one, err := r.Role(role.ID)
			assert.NoError(t, err)
			roles = append(roles, role, one)
		}
		found[where] = roles
		for _, event := range workspacetest.All(t, r.Events(rbac.EventQuery{After: 3})) { // from the edit on
			assert.True(t, event.RoleAfter != nil, event)
			found[where+", events"] = append(found[where+", events"], *event.RoleAfter)
		}
	}
	assert.NoError(t, store.View(ctx, "w", func(r rbac.Reader) error { read("View", r); return nil }))
	assert.NoError(t, store.Update(ctx, "w", func(tx rbac.Tx) error { read("Update", tx); return nil }))
	assert.NoError(t, db.Transaction(ctx, "w", func(in rbac.Store) error {
		return in.View(ctx, "w", func(r rbac.Reader) error { read("the application's transaction", r); return nil })
	}))
	for where, w := range map[string]*rbac.Workspace{"followed": w, "loaded": workspace(t, db)} {
		roles, err := w.Roles(ctx)
		assert.NoError(t, err)
		found[where] = roles[1:] // the first is Administrator
		for _, event := range workspacetest.Events(t, w, rbac.EventQuery{After: 3}) {
			found[where+", events"] = append(found[where+", events"], *event.RoleAfter)
		}
		for _, role := range roles[1:] {
			plan, err := workspacetest.Plan(ctx, w.As("ann"), role)
			assert.NoError(t, err)
			found[where+", plans"] = append(found[where+", plans"], plan.Role, *plan.Before)
		}
	}
	for where, roles := range found {
		assert.True(t, len(roles) >= 2, where)
		for _, role := range roles {
			assert.Equal(t, rbac.Permissions{}, role.Permissions, where, role.Name)
			form, err := json.Marshal(role)
			assert.NoError(t, err)
			var back rbac.Role
			assert.NoError(t, json.Unmarshal(form, &back), where, string(form))
			assert.Equal(t, role, back, where)
		}
	}
	for _, role := range found["loaded"] {
		role.Name += " again"
		_, err := w.As("ann").UpdateRole(ctx, role)
		assert.NoError(t, err, role.Name)
	}
	workspacetest.CheckInvariants(t, store, "w")
}
