package rbachttp_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

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
