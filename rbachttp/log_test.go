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

func TestDenialsAreLogged(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	logger, log := newLog()
	mux := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(logger)).Mux()
	mux.HandleFunc("GET /audit/{id}", rbachttp.Needs(rbac.Audit, rbac.Read), hello)
	mux.HandleFunc("GET /any", rbachttp.AnyOf(rbachttp.Needs(rbac.API, rbac.Read), rbachttp.Needs(rbac.Audit, rbac.Manage)), hello)
	mux.HandleFunc("GET /member", rbachttp.Member(), hello)

	record(mux, "GET", "/audit/7?token=secret", "sal")
	require.Equal(t, `level=INFO msg="rbachttp: denied" method=GET pattern="GET /audit/{id}" user=sal workspace="" role=`+string(az.sales.ID)+
		` need="audit: read all" area=audit action=read reason="the role does not allow it" revision=7`+"\n", log.take())
	record(mux, "HEAD", "/audit/7", "eve\n")
	require.Contains(t, log.take(), `method=HEAD pattern="GET /audit/{id}" user="eve\n" workspace="" role="" need="audit: read all" area=audit action=read reason="not a member of the workspace"`)
	record(mux, "GET", "/any", "sal", "Test-Limit: no access")
	require.Contains(t, log.take(), `need="api: read all, or audit: manage all" area=api action=read reason="the role does not allow it"`)
	record(mux, "GET", "/any", "ada", "Test-Limit: no access")
	require.Contains(t, log.take(), `reason="the role would allow it, but the key or token in use is limited"`)
	record(mux, "GET", "/member", "pat")
	require.Contains(t, log.take(), `user=pat workspace="" role=`+string(az.sales.ID)+" need=member\n")
	record(mux, "GET", "/member", "")
	require.Equal(t, `level=DEBUG msg="rbachttp: no identity" method=GET pattern="GET /member"`+"\n", log.take())
	record(mux, "GET", "/member", "sal")
	record(mux, "GET", "/nothing", "sal")
	require.Empty(t, log.take())
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
