package rbac_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
)

// Plans and choices as JSON, for front ends.
func TestPlanJSON(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	form := func(plan rbac.Plan) string {
		for i := range plan.Events {
			plan.Events[i] = rbac.Event{Kind: plan.Events[i].Kind}
		}
		b, err := json.Marshal(plan)
		require.NoError(t, err)
		return string(b)
	}
	plan, err := planOf(ctx, c.W.As("max"), rbac.Role{Name: "New", Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}})
	require.NoError(t, err)
	require.JSONEq(t, `{
		"role":{"name":"New","permissions":{"deals":{"read":"all","manage":"none"}}},
		"gained":{"deals":{"read":"all","manage":"none"}},"lost":{},"members":0,"events":[],"effects":[],
		"refused":{"rule":"escalation","message":"more than the actor holds","missing":{"deals":{"read":"all","manage":"none"}}}
	}`, form(plan))
	plan, err = c.W.As("ada").Preview(ctx, func(a *rbac.Admin) error { return a.Remove(ctx, "cleo") })
	require.NoError(t, err)
	require.JSONEq(t, `{
		"events":[{"seq":0,"time":"0001-01-01T00:00:00Z","kind":"member.removed"}],
		"effects":[{"users":["cleo"],"members":1,"gained":{},"lost":{"contacts":{"read":"all","manage":"none"}}}]
	}`, form(plan))

	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{&rbac.ValidationError{Fields: []rbac.FieldError{{Field: "name", Problem: "is empty"}}}, `{"rule":"invalid","message":"invalid input","fields":[{"field":"name","problem":"is empty"}]}`},
		{&rbac.DeniedError{Decision: rbac.Decision{User: "secret", RoleName: "secret"}}, `{"rule":"denied","message":"denied"}`},
		{&rbac.EscalationError{Actor: "max", Role: "r", User: "stan", Missing: rbac.Permissions{"": {Read: 9}}, Roles: []rbac.RoleID{"r"}}, `{"rule":"escalation","message":"more than the actor holds","role":"r","users":["stan"],"roles":["r"]}`},
		{&rbac.RefusalError{Rule: rbac.ErrConflict, Role: "r", RoleName: "R", Version: 3}, `{"rule":"conflict","message":"the role was changed in the meantime","role":"r","roleName":"R","version":3}`},
		{&rbac.RefusalError{Rule: rbac.ErrRoleInUse, Users: []string{"a"}, Roles: []rbac.RoleID{"l"}}, `{"rule":"role-in-use","message":"role is in use","users":["a"],"roles":["l"]}`},
		{errBoom, `{"rule":"unknown","message":"the change was not judged"}`},
	} {
		want := `{"role":{"name":"R","permissions":{}}`
		if test.want != "" {
			want += `,"refused":` + test.want
		}
		got, err := json.Marshal(rbac.Choice{Role: rbac.Role{Name: "R"}, Refused: test.err})
		require.NoError(t, err)
		require.JSONEq(t, want+"}", string(got))
	}
}
