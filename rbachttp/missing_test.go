package rbachttp_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// What is missing is in the body only when it is switched on.
func TestMissingPermissions(t *testing.T) {
	t.Parallel()
	az := newTeams(t)
	off := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
	on := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithMissingPermissionsInBody())
	audit, contacts, deals := rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.Needs(rbac.Contacts, rbac.Read), rbachttp.NeedsScope(rbac.Deals, rbac.Read)
	for _, test := range []struct {
		need rbachttp.Requirement
		user string
		want string
	}{
		{audit, "sal", `[{"audit":{"read":"all","manage":"none"}}]`},
		{audit, "eve", `[{"audit":{"read":"all","manage":"none"}}]`},
		{rbachttp.Needs(rbac.Deals, rbac.Manage), "sal", `[{"deals":{"read":"none","manage":"all"}}]`},
		{rbachttp.Needs(rbac.Deals, rbac.Manage), "lea", `[{"deals":{"read":"none","manage":"all"}}]`},
		{rbachttp.AllOf(audit, deals), "lea", `[{"audit":{"read":"all","manage":"none"}}]`},
		{deals, "gus", `[{"deals":{"read":"own","manage":"none"}}]`},
		{rbachttp.AllOf(audit, contacts), "sal", `[{"audit":{"read":"all","manage":"none"}}]`},
		{rbachttp.AllOf(audit, contacts), "gus", `[{"audit":{"read":"all","manage":"none"},"contacts":{"read":"all","manage":"none"}}]`},
		{rbachttp.AnyOf(audit, rbachttp.Needs(rbac.API, rbac.Manage)), "sal", `[{"audit":{"read":"all","manage":"none"}},{"api":{"read":"none","manage":"all"}}]`},
		{rbachttp.AllOf(rbachttp.Member(), rbachttp.AnyOf(audit, deals)), "gus", `[{"audit":{"read":"all","manage":"none"}},{"deals":{"read":"own","manage":"none"}}]`},
		{rbachttp.Member(), "eve", ``},
	} {
		var got struct{ Missing json.RawMessage }
		w := record(on.Require(test.need)(helloHandler), "GET", "/", test.user)
		require.Equal(t, 403, w.Code)
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		require.Equal(t, test.want, string(got.Missing), "%v by %s", test.need, test.user)
		require.NotContains(t, record(off.Require(test.need)(helloHandler), "GET", "/", test.user).Body.String(), "missing")
	}
}

// What a denial tells is bounded, and so is what it costs. Beyond sixteen
// alternatives the client is told none.
func TestMissingPermissionsAreBounded(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithMissingPermissionsInBody())
	one := []rbachttp.Requirement{
		rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.Needs(rbac.API, rbac.Read), rbachttp.Needs(rbac.Users, rbac.Read), rbachttp.Needs(rbac.Services, rbac.Read),
	}
	two := []rbachttp.Requirement{
		rbachttp.Needs(rbac.Audit, rbac.Manage), rbachttp.Needs(rbac.API, rbac.Manage), rbachttp.Needs(rbac.Users, rbac.Manage), rbachttp.Needs(rbac.Services, rbac.Manage),
	}
	more := func(parts []rbachttp.Requirement, another rbachttp.Requirement) []rbachttp.Requirement {
		return append(parts[:len(parts):len(parts)], another)
	}
	several := func(count int) rbachttp.Requirement {
		var parts []rbachttp.Requirement
		for range count {
			parts = append(parts, rbachttp.AnyOf(one[:3]...))
		}
		return rbachttp.AllOf(parts...)
	}
	for _, test := range []struct {
		name string
		need rbachttp.Requirement
		want int
	}{
		{"four times four", rbachttp.AllOf(rbachttp.AnyOf(one...), rbachttp.AnyOf(two...)), 16},
		{"four times five", rbachttp.AllOf(rbachttp.AnyOf(one...), rbachttp.AnyOf(more(two, rbachttp.Needs(rbac.Deals, rbac.Manage))...)), 0},
		{"and one more", rbachttp.AnyOf(rbachttp.AllOf(rbachttp.AnyOf(one...), rbachttp.AnyOf(two...)), rbachttp.Needs(rbac.Deals, rbac.Manage)), 0},
		{"and one besides", rbachttp.AllOf(rbachttp.AllOf(rbachttp.AnyOf(one...), rbachttp.AnyOf(two...)), rbachttp.Needs(rbac.Deals, rbac.Manage)), 16},
		{"two of three", several(2), 9},
		{"three of three", several(3), 0},
		{"eight of three", several(8), 0},
		{"a hundred of three", several(100), 0},
		{"too many in one part", rbachttp.AnyOf(rbachttp.Needs(rbac.Audit, rbac.Manage), several(100)), 0},
	} {
		w := record(guard.Require(test.need)(helloHandler), "GET", "/", "gus")
		require.Equal(t, 403, w.Code, test.name)
		require.Less(t, w.Body.Len(), 16<<10, test.name)
		var got struct{ Missing []rbac.Permissions }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		require.Len(t, got.Missing, test.want, test.name)
	}
}
