package rbachttp_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// statuses are the answers to nobody, ada, sal, gus, pat, eve and bo.
type statuses [7]int

// Each requirement, with what it answers to everybody, written by hand.
var requirementCases = []struct {
	name string
	need rbachttp.Requirement
	want statuses
}{
	{"Needs: Administrator", rbachttp.Needs(rbac.Users, rbac.Manage), statuses{401, 200, 403, 403, 403, 403, 403}},
	{"Needs: read all", rbachttp.Needs(rbac.Contacts, rbac.Read), statuses{401, 200, 200, 403, 403, 403, 403}},
	{"Needs: reading is not managing", rbachttp.Needs(rbac.Contacts, rbac.Manage), statuses{401, 200, 403, 403, 403, 403, 403}},
	{"Needs: own is not all", rbachttp.Needs(rbac.Deals, rbac.Read), statuses{401, 200, 403, 403, 403, 403, 403}},
	{"NeedsScope: own", rbachttp.NeedsScope(rbac.Deals, rbac.Read), statuses{401, 200, 200, 403, 403, 403, 403}},
	{"NeedsScope: all", rbachttp.NeedsScope(rbac.Contacts, rbac.Read), statuses{401, 200, 200, 403, 403, 403, 403}},
	{"NeedsScope: nothing", rbachttp.NeedsScope(rbac.Contacts, rbac.Manage), statuses{401, 200, 403, 403, 403, 403, 403}},
	{"Member", rbachttp.Member(), statuses{401, 200, 200, 200, 403, 403, 403}},
	{"SignedIn", rbachttp.SignedIn(), statuses{401, 200, 200, 200, 200, 200, 200}},
	{"Public", rbachttp.Public("test"), statuses{200, 200, 200, 200, 200, 200, 200}},
	{"AllOf: both", rbachttp.AllOf(rbachttp.Needs(rbac.Contacts, rbac.Read), rbachttp.NeedsScope(rbac.Deals, rbac.Manage)), statuses{401, 200, 200, 403, 403, 403, 403}},
	{"AllOf: the second fails", rbachttp.AllOf(rbachttp.Needs(rbac.Contacts, rbac.Read), rbachttp.Needs(rbac.Audit, rbac.Read)), statuses{401, 200, 403, 403, 403, 403, 403}},
	{"AllOf: the first fails", rbachttp.AllOf(rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.Needs(rbac.Contacts, rbac.Read)), statuses{401, 200, 403, 403, 403, 403, 403}},
	{"AllOf: one", rbachttp.AllOf(rbachttp.Member()), statuses{401, 200, 200, 200, 403, 403, 403}},
	{"AnyOf: the first", rbachttp.AnyOf(rbachttp.Needs(rbac.Contacts, rbac.Read), rbachttp.Needs(rbac.Audit, rbac.Read)), statuses{401, 200, 200, 403, 403, 403, 403}},
	{"AnyOf: the second", rbachttp.AnyOf(rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.NeedsScope(rbac.Deals, rbac.Read)), statuses{401, 200, 200, 403, 403, 403, 403}},
	{"AnyOf: neither", rbachttp.AnyOf(rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.Needs(rbac.API, rbac.Read)), statuses{401, 200, 403, 403, 403, 403, 403}},
	{"AnyOf in AllOf", rbachttp.AllOf(rbachttp.Member(), rbachttp.AnyOf(rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.Needs(rbac.Tasks, rbac.Read))), statuses{401, 200, 200, 403, 403, 403, 403}},
	{"AllOf in AnyOf", rbachttp.AnyOf(rbachttp.AllOf(rbachttp.Member(), rbachttp.Needs(rbac.Audit, rbac.Read)), rbachttp.SignedIn()), statuses{401, 200, 200, 200, 200, 200, 200}},
}

func TestRequirements(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
	for _, test := range requirementCases {
		server := serve(t, guard.Require(test.need)(helloHandler))
		for i, user := range everybody {
			got := ask(t, server, http.MethodGet, "/", user)
			require.Equal(t, test.want[i], got.status, "%s: %q", test.name, user)
			if got.status == 200 {
				require.Equal(t, "hello", got.body, test.name)
			} else {
				require.NotContains(t, got.body, "hello", test.name)
			}

			if user == "" {
				require.False(t, test.need.Allows(rbac.Subject{}) && test.want[i] != 200, test.name)
				continue
			}
			s, err := az.Subject(t.Context(), user)
			require.NoError(t, err)
			require.Equal(t, test.want[i] == 200, test.need.Allows(s), "%s: Allows(%q)", test.name, user)
		}
	}
}

// Who reaches a team's records passes where own records do, and no further.
func TestRequirementsOfATeam(t *testing.T) {
	t.Parallel()
	az := newTeams(t)
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
	lea, err := az.Subject(t.Context(), "lea")
	require.NoError(t, err)
	scope, needs := rbachttp.NeedsScope(rbac.Deals, rbac.Manage), rbachttp.Needs(rbac.Deals, rbac.Manage)
	for _, test := range []struct {
		need rbachttp.Requirement
		want int
	}{
		{scope, 200},
		{needs, 403},
		{rbachttp.AllOf(rbachttp.Member(), scope), 200},
		{rbachttp.AllOf(scope, needs), 403},
		{rbachttp.AnyOf(needs, scope), 200},
		{rbachttp.NeedsScope(rbac.Tasks, rbac.Manage), 403},
	} {
		require.Equal(t, test.want, record(guard.Require(test.need)(helloHandler), "GET", "/", "lea").Code, test.need.String())
		require.Equal(t, test.want == 200, test.need.Allows(lea), test.need.String())
	}
}

func TestZeroRequirementIsMetByNobody(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	ada, err := az.Subject(t.Context(), "ada")
	require.NoError(t, err)
	require.False(t, rbachttp.Requirement{}.Allows(ada))
	require.Equal(t, "none", rbachttp.Requirement{}.String())
}

// The Authorizer's observer is told of each decision of the guard once.
func TestObserverIsToldOnce(t *testing.T) {
	t.Parallel()
	var seen []rbac.Decision
	az := newTeam(t, rbac.WithObserver(func(_ context.Context, d rbac.Decision) { seen = append(seen, d) }))
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithMissingPermissionsInBody(), rbachttp.WithUnusedScope(func(*http.Request, rbachttp.Requirement) {}))
	for _, test := range []struct {
		need rbachttp.Requirement
		want []string
	}{
		{rbachttp.Needs(rbac.Contacts, rbac.Read), []string{"contacts read true"}},
		{rbachttp.Needs(rbac.Deals, rbac.Read), []string{"deals read false"}},
		{rbachttp.NeedsScope(rbac.Deals, rbac.Read), []string{"deals read false"}},
		{rbachttp.Member(), nil},
		{rbachttp.SignedIn(), nil},
		{rbachttp.AnyOf(rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.NeedsScope(rbac.Deals, rbac.Read), rbachttp.Needs(rbac.API, rbac.Read)), []string{"audit read false", "deals read false"}},
		{rbachttp.AllOf(rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.NeedsScope(rbac.Deals, rbac.Read)), []string{"audit read false"}},
	} {
		seen = nil
		record(guard.Require(test.need)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), "GET", "/", "sal")
		var got []string
		for _, d := range seen {
			got = append(got, string(d.Area)+" "+d.Action.String()+" "+strconv.FormatBool(d.Allowed))
		}
		require.Equal(t, test.want, got, test.need.String())
	}
}
