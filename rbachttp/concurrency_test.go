package rbachttp_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// Once a change is acknowledged, no request that starts afterwards is
// answered by what was before; and no request sees half of a change.
func TestRoleChangesWhileRequestsRun(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	var unused unusedScopes
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithUnusedScope(unused.report))
	contacts := guard.Require(rbachttp.Needs(rbac.Contacts, rbac.Read))
	deals := guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))
	server := serve(t, contacts(deals(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := rbac.FromContext(r.Context())
		if s.Can(rbac.Contacts, rbac.Read) && s.Can(rbac.Deals, rbac.Read) {
			_, _ = io.WriteString(w, "both")
		}
	}))))
	server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 8

	role := az.sales
	app := az.System("test")
	role.Permissions = nil
	role, err := app.UpdateRole(t.Context(), role)
	require.NoError(t, err)

	// epoch is even while nothing changes; then epoch/2 odd means allowed.
	var epoch atomic.Int64
	var stop atomic.Bool
	var wrong, allowed, denied atomic.Int64
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for !stop.Load() {
				before := epoch.Load()
				got, err := try(t.Context(), server, "GET", "/", "sal")
				if err != nil {
					t.Error(err)
					return
				}
				if got.status == 200 && got.body != "both" {
					wrong.Add(1) // half of a change
				}
				if before%2 != 0 || epoch.Load() != before {
					continue
				}
				want := 403
				if before/2%2 == 1 {
					want = 200
					allowed.Add(1)
				} else {
					denied.Add(1)
				}
				if got.status != want {
					wrong.Add(1)
				}
			}
		})
	}
	for i := 0; i < 100 || allowed.Load() < 20 || denied.Load() < 20; i++ {
		epoch.Add(1)
		role.Permissions = nil
		if i%2 == 0 {
			role.Permissions = rbac.Permissions{rbac.Contacts: {Read: rbac.All}, rbac.Deals: {Read: rbac.All}}
		}
		role, err = app.UpdateRole(t.Context(), role)
		require.NoError(t, err)
		epoch.Add(1)
		ask(t, server, "GET", "/", "gus") // gives the others a moment
	}
	stop.Store(true)
	wait.Wait()
	require.Zero(t, wrong.Load())
	require.Empty(t, unused.take())
}

// While the Authorizer closes, a request is served or answered with 503.
func TestCloseWhileRequestsRun(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	mux := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet)).Mux()
	mux.HandleFunc("GET /audit", rbachttp.Needs(rbac.Audit, rbac.Read), hello)
	var started, wait sync.WaitGroup
	for range 8 {
		started.Add(1)
		wait.Go(func() {
			served := false
			for {
				status := record(mux, "GET", "/audit", "ada").Code
				if !served {
					started.Done()
					served = true
				}
				if status != 200 {
					if status != 503 {
						t.Errorf("status %d", status)
					}
					return
				}
			}
		})
	}
	started.Wait()
	require.NoError(t, az.Close())
	wait.Wait()
}

// A mux, its guard and its routes can be used by several goroutines, from the
// first request on.
func TestMuxIsConcurrent(t *testing.T) {
	t.Parallel()
	mux, guard := newMux(t)
	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), echo)
	mux.HandleFunc("GET /leak", rbachttp.NeedsScope(rbac.Deals, rbac.Read), func(http.ResponseWriter, *http.Request) {})
	mux.Handle("GET /me", rbachttp.SignedIn(), guard.Permissions())
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			user := everybody[i%len(everybody)]
			for _, path := range []string{"/deals", "/leak", "/me", "/unknown"} {
				record(mux, "GET", path, user)
				record(mux, "POST", path, user)
			}
			mux.Routes().Access(nil).Table()
		})
	}
	wait.Wait()
}

// A handler may look at its scope from several goroutines, and after it
// returned.
func TestLooksAreConcurrent(t *testing.T) {
	t.Parallel()
	mux, _ := newMux(t)
	var wait sync.WaitGroup
	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithoutCancel(r.Context())
		for range 8 {
			wait.Go(func() { rbachttp.Scope(ctx, rbac.Deals, rbac.Read) })
		}
	})
	for range 50 {
		record(mux, "GET", "/deals", "sal")
	}
	wait.Wait()
}
