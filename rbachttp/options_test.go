package rbachttp_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	closed := newTeam(t)
	require.NoError(t, closed.Close())
	needs := rbachttp.Needs(rbac.Audit, rbac.Read)

	two := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithChallenge("Bearer", `Basic realm="crm"`))
	for range 2 {
		w := record(two.Require(needs)(helloHandler), "GET", "/", "")
		require.Equal(t, []string{"Bearer", `Basic realm="crm"`}, w.Header().Values("WWW-Authenticate"))
		w.Header()["Www-Authenticate"][0] = "changed" // does not reach the next answer
	}

	for d, want := range map[time.Duration]string{1: "1", time.Second: "1", 1001 * time.Millisecond: "2", time.Hour: "3600", 1<<63 - 1: "9223372037"} {
		w := record(rbachttp.New(closed.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithRetryAfter(d)).Require(needs)(helloHandler), "GET", "/", "ada")
		require.Equal(t, want, w.Header().Get("Retry-After"), d)
	}

	var problems []rbachttp.Problem
	own := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithAnswer(func(w http.ResponseWriter, r *http.Request, p rbachttp.Problem) {
		problems = append(problems, p)
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(p.Status)
		fmt.Fprintf(w, "%s: %d", r.URL.Path, p.Status)
	}))
	mux := own.Mux()
	mux.HandleFunc("GET /a", needs, hello)
	server := serve(t, mux)
	denied := ask(t, server, "GET", "/a", "sal")
	require.Equal(t, "/a: 403", denied.body)
	require.Equal(t, "no-store", denied.header.Get("Cache-Control"))
	nobody := ask(t, server, "GET", "/a", "")
	require.Equal(t, "/a: 401", nobody.body)
	require.Equal(t, "Bearer", nobody.header.Get("WWW-Authenticate"))
	require.Equal(t, "/b: 404", ask(t, server, "GET", "/b", "").body)
	require.Equal(t, "/a: 405", ask(t, server, "PUT", "/a", "").body)
	require.Equal(t, []rbachttp.Problem{
		{Status: 403, Code: "denied"}, {Status: 401, Code: "unauthenticated"}, {Status: 404, Code: "not-found"}, {Status: 405, Code: "method-not-allowed"},
	}, problems)
}
