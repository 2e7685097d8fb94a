package rbachttp_test

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// The handler finds in its context who calls, and what they may do.
func TestSubjectIsInTheContext(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	guard := rbachttp.New(az.Authorizer, identify)
	h := guard.Require(rbachttp.SignedIn())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, ok := rbac.FromContext(r.Context())
		_, _ = io.WriteString(w, strings.Join([]string{
			strconv.FormatBool(ok), s.User(), s.Workspace(), s.RoleName(), s.Permissions().String(),
		}, "|"))
	}))
	require.Equal(t, "true|sal||Sales|"+salesPermissions.String(), record(h, "GET", "/", "sal").Body.String())
	require.Equal(t, "true|eve|||no access", record(h, "GET", "/", "eve").Body.String())
	require.Equal(t, "true|sal|bolt||no access", record(h, "GET", "/", "sal", "Test-Workspace: bolt").Body.String())
	require.Equal(t, "true|sal||Sales|deals: read own", record(h, "GET", "/", "sal", "Test-Limit: deals: read all; audit: read all").Body.String())

	public := guard.Require(rbachttp.Public("test"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, ok := rbac.FromContext(r.Context())
		_, _ = io.WriteString(w, strconv.FormatBool(ok))
	}))
	require.Equal(t, "false", record(public, "GET", "/", "sal").Body.String())
}

func TestWorkspaces(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	h := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet)).Require(rbachttp.Needs(rbac.Audit, rbac.Read))(helloHandler)
	long := strings.Repeat("w", 256)
	for _, test := range []struct {
		user, workspace string
		want            int
	}{
		{"ada", "", 200},
		{"ada", "bolt", 403},
		{"ada", "nowhere", 403},
		{"bo", "", 403},
		{"bo", "bolt", 200},
		{"bo", "BOLT", 403},
		{"bo", long, 403},
	} {
		require.Equal(t, test.want, record(h, "GET", "/", test.user, "Test-Workspace: "+test.workspace).Code, "%q in %.10q", test.user, test.workspace)
	}
	require.Equal(t, 200, record(h, "GET", "/", "ada").Code)
	require.Equal(t, 403, record(h, "GET", "/", "bo").Code)
	require.Equal(t, 401, record(h, "GET", "/", "", "Test-Workspace: bolt").Code, "nobody is nobody everywhere")
}

// A guard of one workspace serves no other, not even those of whom the other
// one says yes.
func TestOneWorkspace(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	logger, log := newLog()
	guard := rbachttp.NewForWorkspace(az.For("bolt"), identify, rbachttp.WithLogger(logger))
	audit := guard.Require(rbachttp.Needs(rbac.Audit, rbac.Read))(helloHandler)
	signedIn := guard.Require(rbachttp.SignedIn())(helloHandler)

	require.Equal(t, 200, record(audit, "GET", "/", "bo").Code)
	require.Equal(t, 200, record(audit, "GET", "/", "bo", "Test-Workspace: bolt").Code)
	require.Equal(t, 403, record(audit, "GET", "/", "ada").Code, "an Administrator of another workspace")
	require.Contains(t, log.take(), "level=INFO")

	denied := record(audit, "GET", "/", "ada")
	log.take()
	for _, workspace := range []string{"", "nowhere"} {
		for _, h := range []http.Handler{audit, signedIn} {
			got := record(h, "GET", "/", "ada", "Test-Workspace: "+workspace)
			require.Equal(t, denied.Code, got.Code)
			require.Equal(t, denied.Body.String(), got.Body.String())
			require.Equal(t, `level=WARN msg="rbachttp: denied a caller of another workspace" method=GET pattern="" user=ada workspace=`+
				cmp.Or(workspace, `""`)+" served=bolt\n", log.take())
		}
	}
}

// A guard knows the areas of its Authorizer, and no others.
func TestAreasAreThoseOfTheAuthorizer(t *testing.T) {
	t.Parallel()
	az, err := rbac.Open(t.Context(), rbac.NewMemStore(), rbac.WithAreas(
		rbac.AreaInfo{Area: rbac.Users}, rbac.AreaInfo{Area: "invoices", Owned: true},
	))
	require.NoError(t, err)
	t.Cleanup(func() { _ = az.Close() })
	for _, guard := range []*rbachttp.Guard{rbachttp.New(az, identify), rbachttp.NewForWorkspace(az.For("x"), identify)} {
		require.NotPanics(t, func() { guard.Require(rbachttp.NeedsScope("invoices", rbac.Read)) })
		require.Panics(t, func() { guard.Require(rbachttp.Needs(rbac.Deals, rbac.Read)) })
		require.Panics(t, func() { guard.Require(rbachttp.NeedsScope(rbac.Users, rbac.Read)) })
	}
}

// A requirement that nobody can meet is a mistake in the wiring: an action that
// an area has not, and the name that an area had.
func TestActionsAndNamesThatDoNotExist(t *testing.T) {
	t.Parallel()
	az, err := rbac.Open(t.Context(), rbac.NewMemStore(), rbac.WithAreas(
		rbac.AreaInfo{Area: rbac.Users},
		rbac.AreaInfo{Area: "export", Only: rbac.Manage},
		rbac.AreaInfo{Area: "log", Only: rbac.Read},
		rbac.AreaInfo{Area: "notes", Only: rbac.Read, Owned: true},
		rbac.AreaInfo{Area: rbac.Deals, Owned: true, Former: []rbac.Area{"opportunities"}},
	))
	require.NoError(t, err)
	t.Cleanup(func() { _ = az.Close() })
	guard := rbachttp.New(az, identify)
	for _, test := range []struct {
		need rbachttp.Requirement
		want any
	}{
		{rbachttp.Needs("export", rbac.Manage), nil},
		{rbachttp.Needs("log", rbac.Read), nil},
		{rbachttp.NeedsScope("notes", rbac.Read), nil},
		{rbachttp.NeedsScope(rbac.Deals, rbac.Manage), nil},
		{rbachttp.Needs("export", rbac.Read), "rbachttp: the area of export: read all has manage only"},
		{rbachttp.Needs("log", rbac.Manage), "rbachttp: the area of log: manage all has read only"},
		{rbachttp.NeedsScope("notes", rbac.Manage), "rbachttp: the area of notes: manage own or more has read only"},
		{rbachttp.AnyOf(rbachttp.Member(), rbachttp.Needs("log", rbac.Manage)), "rbachttp: the area of log: manage all has read only"},
		{rbachttp.Needs("opportunities", rbac.Read), `rbachttp: the Authorizer has no area "opportunities" any more: it is "deals" now`},
		{rbachttp.NeedsScope("opportunities", rbac.Read), `rbachttp: the Authorizer has no area "opportunities" any more: it is "deals" now`},
	} {
		caught := func() (caught any) {
			defer func() { caught = recover() }()
			guard.Require(test.need)
			return nil
		}()
		require.Equal(t, test.want, caught, test.need.String())
	}
}

// The guard's context is a context: what is put into it and around it stays.
func TestContextGoesThrough(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	guard := rbachttp.New(az.Authorizer, identify)
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "outer"))
	defer cancel()
	for _, need := range []rbachttp.Requirement{rbachttp.Member(), rbachttp.NeedsScope(rbac.Deals, rbac.Read)} {
		called := false
		h := guard.Require(need)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called = true
			hello(httptest.NewRecorder(), r)
			require.Equal(t, "outer", r.Context().Value(key{}))
			child, stop := context.WithCancel(r.Context())
			defer stop()
			cancel()
			<-child.Done()
			require.ErrorIs(t, r.Context().Err(), context.Canceled)
		}))
		r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
		r.Header.Set("Test-User", "sal")
		h.ServeHTTP(httptest.NewRecorder(), r)
		require.True(t, called)
	}
}

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
	role.Permissions = rbac.Permissions{}
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
		role.Permissions = rbac.Permissions{}
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

// What the guard allocates is bounded, so that nobody adds to it unseen: the
// Subject, the two contexts, and the copy of the request that net/http makes
// to carry them.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	az := newTeam(t)
	caller := rbachttp.User("sal")
	guard := rbachttp.New(az.Authorizer, func(*http.Request) (rbachttp.Caller, error) { return caller, nil }, rbachttp.WithUnusedScope(func(*http.Request, rbachttp.Requirement) {}))
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(benchBody) })
	scoped := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		subjectOf(r).Scope(rbac.Deals, rbac.Read)
		_, _ = w.Write(benchBody)
	})
	needs := guard.Require(rbachttp.Needs(rbac.Contacts, rbac.Read))
	public := guard.Mux()
	public.Handle("/", rbachttp.Public("test"), plain) // ServeMux allocates for wildcards
	for _, test := range []struct {
		name string
		h    http.Handler
		most float64
	}{
		{"Mux", public, 0},
		{"Public", guard.Require(rbachttp.Public("test"))(plain), 0},
		{"Needs", needs(plain), 4},
		{"nested", guard.Require(rbachttp.Member())(needs(plain)), 4},
		{"NeedsScope", guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))(scoped), 8},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		w := &nothing{http.Header{}}
		got := testing.AllocsPerRun(100, func() { test.h.ServeHTTP(w, r) })
		if got > test.most {
			t.Errorf("%s: %v allocations, want at most %v", test.name, got, test.most)
		}
	}
}
