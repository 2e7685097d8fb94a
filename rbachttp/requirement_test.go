package rbachttp_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

func TestRequirementString(t *testing.T) {
	t.Parallel()
	needs, scope := rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.NeedsScope(rbac.Deals, rbac.Manage)
	for want, need := range map[string]rbachttp.Requirement{
		"audit: read all":           needs,
		"deals: manage own or more": scope,
		"member":                    rbachttp.Member(),
		"signed in":                 rbachttp.SignedIn(),
		"public: health":            rbachttp.Public("health"),
		"audit: read all, and deals: manage own or more":              rbachttp.AllOf(needs, scope),
		"audit: read all, or deals: manage own or more":               rbachttp.AnyOf(needs, scope),
		"member, and (audit: read all, or signed in)":                 rbachttp.AllOf(rbachttp.Member(), rbachttp.AnyOf(needs, rbachttp.SignedIn())),
		"(audit: read all, and deals: manage own or more), or member": rbachttp.AnyOf(rbachttp.AllOf(needs, scope), rbachttp.Member()),
	} {
		require.Equal(t, want, need.String())
	}
}

// A Requirement does not change with the slice that it was made of.
func TestRequirementIsAValue(t *testing.T) {
	t.Parallel()
	parts := []rbachttp.Requirement{rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.Needs(rbac.API, rbac.Read)}
	all := rbachttp.AllOf(parts...)
	parts[0], parts[1] = rbachttp.SignedIn(), rbachttp.SignedIn()
	require.Equal(t, "audit: read all, and api: read all", all.String())
}
