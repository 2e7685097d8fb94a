package rbachttp_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// A stream lasts while the caller meets what the route needs, with everything on
// the way to its handler, and no longer.
func TestScenario102_StreamKeepsWhatItsRouteNeeds(t *testing.T) {
	t.Parallel()
	read := func(scope rbac.Scope) rbac.Permissions { return rbac.Permissions{rbac.Deals: {Read: scope}} }
	both := read(rbac.All).Union(rbac.Permissions{rbac.Audit: {Read: rbac.All}})
	deals, audit := rbachttp.Needs(rbac.Deals, rbac.Read), rbachttp.Needs(rbac.Audit, rbac.Read)
	some, member := rbachttp.NeedsScope(rbac.Deals, rbac.Read), rbachttp.Member()
	behind := func(needs ...rbachttp.Requirement) func(*testing.T, *rbachttp.Guard, http.Handler) http.Handler {
		return func(_ *testing.T, g *rbachttp.Guard, h http.Handler) http.Handler {
			for _, need := range needs { // the last is the outermost
				h = g.Require(need)(h)
			}
			return h
		}
	}
	for _, test := range []struct {
		name    string
		guarded func(*testing.T, *rbachttp.Guard, http.Handler) http.Handler
		limit   string
		before  rbac.Permissions // of the role
		after   rbac.Permissions
		lasts   bool
	}{
		{"nothing is taken", behind(deals), "", read(rbac.All), both, true},
		{"the area is taken", behind(deals), "", read(rbac.All), nil, false},
		{"all becomes own", behind(deals), "", read(rbac.All), read(rbac.Own), false},
		{"what it needs not is taken", behind(deals), "", both, read(rbac.All), true},
		{"the outer guard's is taken", behind(deals, audit), "", both, read(rbac.All), false},
		{"the inner guard's is taken", behind(audit, deals), "", both, read(rbac.All), false},
		{"the outermost of three's is taken", behind(member, deals, audit), "", both, read(rbac.All), false},
		{"one of two is taken", behind(rbachttp.AnyOf(deals, audit)), "", both, read(rbac.All), true},
		{"membership is not permission", behind(member), "", read(rbac.All), nil, true},
		{"the scope reaches less", behind(some), "", read(rbac.All), read(rbac.Own), false},
		{"the scope reaches less than the team", behind(some), "", read(rbac.Team), read(rbac.Own), false},
		{"the scope of the outer guard reaches less", behind(member, some), "", read(rbac.All), read(rbac.Team), false},
		{"the scope reaches more", behind(some), "", read(rbac.Own), read(rbac.All), true},
		{"the key reaches own, and all becomes own", behind(some), "deals: read own", read(rbac.All), read(rbac.Own), true},
		{"the key reaches own, and that is taken", behind(some), "deals: read own", read(rbac.All), nil, false},
		{"between guards all was limited to own", func(t *testing.T, g *rbachttp.Guard, h http.Handler) http.Handler {
			limit := between(func(_ context.Context, s rbac.Subject) rbac.Subject { return s.Limit(read(rbac.Own)) })
			return g.Require(member)(limit(g.Require(some)(h)))
		}, "", read(rbac.All), read(rbac.Own), true},
		{"behind another guard", func(t *testing.T, g *rbachttp.Guard, h http.Handler) http.Handler {
			robot := rbachttp.New(newTeam(t).Authorizer, func(*http.Request) (rbachttp.Caller, error) { return rbachttp.User("ada"), nil })
			return g.Require(deals)(robot.Require(audit)(h))
		}, "", read(rbac.All), nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				az := newTeams(t)
				require.NoError(t, az.System("test").SetTeam(t.Context(), "north", "gus"))
				role := az.guest
				save := func(permissions rbac.Permissions) {
					role.Permissions = permissions.Union(nil)
					var err error
					role, err = az.System("test").UpdateRole(t.Context(), role)
					require.NoError(t, err)
				}
				save(test.before)
				reached := false
				handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					reached = true
					rbachttp.Reach(r.Context(), rbac.Deals, rbac.Read)
					ctx, cancel := rbachttp.Stream(r.Context())
					defer cancel()
					require.NoError(t, ctx.Err())
					save(test.after)
					synctest.Wait()
					if test.lasts {
						require.NoError(t, ctx.Err())
					} else {
						require.ErrorIs(t, context.Cause(ctx), rbac.ErrDenied)
					}
				})
				guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
				record(test.guarded(t, guard, handler), "GET", "/", "gus", "Test-Limit: "+test.limit)
				require.True(t, reached)
			})
		})
	}
}

// A team that somebody leaves reaches less, for all who look at its records.
func TestStreamOfATeam(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		az := newTeams(t)
		guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
		h := guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			require.Equal(t, []string{"lea", "pat", "sal"}, rbachttp.Reach(r.Context(), rbac.Deals, rbac.Read).Owners)
			ctx, cancel := rbachttp.Stream(r.Context())
			defer cancel()
			require.NoError(t, az.System("test").SetTeam(t.Context(), "north", "gus"))
			synctest.Wait()
			require.NoError(t, ctx.Err())
			require.NoError(t, az.System("test").SetTeam(t.Context(), "south", "sal"))
			synctest.Wait()
			require.ErrorContains(t, context.Cause(ctx), "read of deals reaches less than it did")
		}))
		record(h, "GET", "/", "lea")
	})
}

// Where no guard has been, there is nothing to go on meeting.
func TestStreamWithoutAGuard(t *testing.T) {
	t.Parallel()
	reached := 0
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached++
		ctx, cancel := rbachttp.Stream(r.Context())
		defer cancel()
		require.Error(t, ctx.Err())
		require.ErrorIs(t, context.Cause(ctx), rbac.ErrDenied)
	})
	record(h, "GET", "/", "ada")
	record(rbachttp.New(newTeam(t).Authorizer, identify).Require(rbachttp.Public("test"))(h), "GET", "/", "ada")
	require.Equal(t, 2, reached)
}
