package rbachttp_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// The answers of the guard, byte for byte.
func TestAnswers(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	closed := newTeam(t)
	require.NoError(t, closed.Close())
	needs := rbachttp.Needs(rbac.Audit, rbac.Read)
	open := serve(t, rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet)).Require(needs)(helloHandler))
	shut := serve(t, rbachttp.New(closed.Authorizer, identify, rbachttp.WithLogger(quiet)).Require(needs)(helloHandler))
	for _, test := range []struct {
		server *httptest.Server
		user   string
		status int
		body   string
		header map[string]string
	}{
		{open, "", 401, `{"type":"about:blank","title":"Unauthorized","status":401,"code":"unauthenticated"}`, map[string]string{"Www-Authenticate": "Bearer"}},
		{open, "sal", 403, `{"type":"about:blank","title":"Forbidden","status":403,"code":"denied"}`, nil},
		{shut, "ada", 503, `{"type":"about:blank","title":"Service Unavailable","status":503,"code":"unavailable"}`, map[string]string{"Retry-After": "5"}},
	} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "BREW"} {
			got := ask(t, test.server, method, "/", test.user)
			require.Equal(t, test.status, got.status)
			want := test.body + "\n"
			length := fmt.Sprint(len(want))
			if method == "HEAD" {
				want = ""
			}
			require.Equal(t, want, got.body, method)
			require.NotEmpty(t, got.header.Get("Date"))
			got.header.Del("Date")
			header := http.Header{
				"Cache-Control": {"no-store"}, "Content-Type": {"application/problem+json"},
				"Content-Length": {length}, "X-Content-Type-Options": {"nosniff"},
			}
			for name, value := range test.header {
				header.Set(name, value)
			}
			require.Equal(t, header, got.header, method)
		}
		// Without a server, which would keep the body back by itself.
		w := record(test.server.Config.Handler, "HEAD", "/", test.user)
		require.Equal(t, test.status, w.Code)
		require.Empty(t, w.Body.String())
	}
}

// A guard that cannot find out who calls, or what they may do, lets nobody
// through and says when to come back.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	closed := newTeam(t)
	require.NoError(t, closed.Close())
	open := newTeam(t)
	for _, test := range []struct {
		name   string
		az     *team
		header string
		logged string
	}{
		{"the Authorizer is closed", closed, "None: x", "rbac: no safe answer is available"},
		{"Identify fails", open, "Test-Fail: yes", "db7.internal"},
	} {
		logger, log := newLog()
		guard := rbachttp.New(test.az.Authorizer, identify, rbachttp.WithLogger(logger))
		for _, need := range []rbachttp.Requirement{rbachttp.Needs(rbac.Deals, rbac.Read), rbachttp.SignedIn(), rbachttp.Member()} {
			server := serve(t, guard.Require(need)(helloHandler))
			got := ask(t, server, "GET", "/", "ada", test.header)
			require.Equal(t, 503, got.status, test.name)
			require.Equal(t, "5", got.header.Get("Retry-After"), test.name)
			require.Equal(t, "no-store", got.header.Get("Cache-Control"), test.name)
			require.JSONEq(t, `{"type":"about:blank","title":"Service Unavailable","status":503,"code":"unavailable"}`, got.body, test.name)
			line := log.take()
			require.Contains(t, line, "level=ERROR", test.name)
			require.Contains(t, line, test.logged, test.name)
		}
		public := serve(t, guard.Require(rbachttp.Public("test"))(helloHandler))
		require.Equal(t, 200, ask(t, public, "GET", "/", "ada", test.header).status, "nobody is asked for")
	}
}

// blockingStore does not answer until the context ends.
type blockingStore struct{ rbac.Store }

func (s blockingStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// A client that went away is nothing to wake anybody for.
func TestClientThatWentAway(t *testing.T) {
	t.Parallel()
	az, err := rbac.Open(t.Context(), blockingStore{rbac.NewMemStore()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = az.Close() })
	logger, log := newLog()
	slow := func(r *http.Request) (rbachttp.Caller, error) { return rbachttp.Caller{}, r.Context().Err() }
	for name, guard := range map[string]*rbachttp.Guard{
		"while the workspace loads": rbachttp.New(az, identify, rbachttp.WithLogger(logger)),
		"while Identify asks":       rbachttp.New(az, slow, rbachttp.WithLogger(logger)),
	} {
		ctx, cancel := context.WithCancel(t.Context())
		r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
		r.Header.Set("Test-User", "ada")
		time.AfterFunc(10*time.Millisecond, cancel)
		if name == "while Identify asks" {
			cancel()
		}
		w := httptest.NewRecorder()
		guard.Require(rbachttp.SignedIn())(helloHandler).ServeHTTP(w, r)
		require.Equal(t, 503, w.Code, name)
		require.Contains(t, log.take(), "level=DEBUG", name)

		// A deadline is the server's own.
		ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		<-ctx.Done()
		r = r.WithContext(ctx)
		guard.Require(rbachttp.SignedIn())(helloHandler).ServeHTTP(httptest.NewRecorder(), r)
		require.Contains(t, log.take(), "level=ERROR", name)
	}
}
