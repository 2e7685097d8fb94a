package rbachttp_test

import (
	"log/slog"
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

// Not parallel: it changes what is shared by all.
func TestDefaultLogger(t *testing.T) {
	logger, log := newLog()
	before := slog.Default()
	slog.SetDefault(logger)
	defer slog.SetDefault(before)
	guard := rbachttp.New(newTeam(t).Authorizer, identify)
	slog.SetDefault(before)
	require.Equal(t, 403, record(guard.Require(rbachttp.Needs(rbac.API, rbac.Read))(helloHandler), "GET", "/", "eve").Code)
	require.Contains(t, log.take(), "rbachttp: denied")
}
