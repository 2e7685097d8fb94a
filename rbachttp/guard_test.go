package rbachttp_test

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
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

func TestZeroRequirementIsMetByNobody(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	ada, err := az.Subject(t.Context(), "ada")
	require.NoError(t, err)
	require.False(t, rbachttp.Requirement{}.Allows(ada))
	require.Equal(t, "none", rbachttp.Requirement{}.String())
}

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

// A limited caller is less than its owner, whatever the limit says.
func TestLimit(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
	all := "contacts: read all, manage all; deals: read all, manage all; audit: read all"
	for _, test := range []struct {
		user, limit string
		need        rbachttp.Requirement
		want        int
	}{
		{"ada", all, rbachttp.Needs(rbac.Audit, rbac.Read), 200},
		{"sal", all, rbachttp.Needs(rbac.Audit, rbac.Read), 403},
		{"sal", all, rbachttp.Needs(rbac.Contacts, rbac.Read), 200},
		{"sal", all, rbachttp.Needs(rbac.Contacts, rbac.Manage), 403},
		{"ada", "deals: read all", rbachttp.Needs(rbac.Contacts, rbac.Read), 403},
		{"ada", "deals: read own", rbachttp.Needs(rbac.Deals, rbac.Read), 403},
		{"ada", "deals: read own", rbachttp.NeedsScope(rbac.Deals, rbac.Read), 200},
		{"ada", "no access", rbachttp.NeedsScope(rbac.Deals, rbac.Read), 403},
		{"ada", "no access", rbachttp.Member(), 200},
		{"pat", all, rbachttp.Member(), 403},
		{"pat", all, rbachttp.Needs(rbac.Contacts, rbac.Read), 403},
	} {
		h := guard.Require(test.need)(helloHandler)
		require.Equal(t, test.want, record(h, "GET", "/", test.user, "Test-Limit: "+test.limit).Code, "%s with %q: %v", test.user, test.limit, test.need)
	}

	for name, test := range map[string]struct {
		caller rbachttp.Caller
		want   string
	}{
		"none":          {rbachttp.User("sal"), salesPermissions.String()},
		"nil":           {rbachttp.User("sal").Limit(nil), "no access"},
		"nil, and more": {rbachttp.User("sal").Limit(nil).Limit(salesPermissions), "no access"},
		"more, and nil": {rbachttp.User("sal").Limit(salesPermissions).Limit(nil), "no access"},
		"two":           {rbachttp.User("sal").Limit(rbac.Permissions{rbac.Deals: {Read: rbac.All}, rbac.Tasks: {Read: rbac.All}}).Limit(rbac.Permissions{rbac.Deals: {Read: rbac.Own, Manage: rbac.All}}), "deals: read own"},
		"before In":     {rbachttp.User("bo").Limit(rbac.Permissions{rbac.API: {Read: rbac.All}}).In("bolt"), "api: read all"},
		"after In":      {rbachttp.User("bo").In("bolt").Limit(rbac.Permissions{rbac.API: {Read: rbac.All}}), "api: read all"},
	} {
		identify := func(*http.Request) (rbachttp.Caller, error) { return test.caller, nil }
		h := rbachttp.New(az.Authorizer, identify).Require(rbachttp.SignedIn())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, _ := rbac.FromContext(r.Context())
			_, _ = io.WriteString(w, s.Permissions().String())
		}))
		require.Equal(t, test.want, record(h, "GET", "/", "").Body.String(), name)
	}
}

// countingIdentify counts how often it is asked.
func countingIdentify(n *atomic.Int64) rbachttp.Identify {
	return func(r *http.Request) (rbachttp.Caller, error) {
		n.Add(1)
		return identify(r)
	}
}

// Nested middleware of one guard asks once who calls, and each requirement
// counts.
func TestNested(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	var asked atomic.Int64
	guard := rbachttp.New(az.Authorizer, countingIdentify(&asked), rbachttp.WithLogger(quiet))
	member := guard.Require(rbachttp.Member())
	contacts := guard.Require(rbachttp.Needs(rbac.Contacts, rbac.Read))
	deals := guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))
	public := guard.Require(rbachttp.Public("test"))
	for _, test := range []struct {
		name  string
		h     http.Handler
		user  string
		want  int
		asked int64
	}{
		{"all met", member(contacts(deals(helloHandler))), "sal", 200, 1},
		{"twice the same", deals(deals(deals(helloHandler))), "sal", 200, 1},
		{"inner denies", member(contacts(helloHandler)), "gus", 403, 1},
		{"outer denies", contacts(member(helloHandler)), "gus", 403, 1},
		{"outer denies, and the inner would too", member(contacts(helloHandler)), "eve", 403, 1},
		{"nobody", member(contacts(helloHandler)), "", 401, 1},
		{"public is not asked", public(public(helloHandler)), "sal", 200, 0},
		{"public outside", public(contacts(helloHandler)), "gus", 403, 1},
		{"public inside", contacts(public(helloHandler)), "gus", 403, 1},
	} {
		asked.Store(0)
		require.Equal(t, test.want, record(test.h, "GET", "/", test.user).Code, test.name)
		require.Equal(t, test.asked, asked.Load(), test.name)
	}
}

// between changes the Subject between two guards.
func between(change func(context.Context, rbac.Subject) rbac.Subject) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, _ := rbac.FromContext(r.Context())
			next.ServeHTTP(w, r.WithContext(rbac.NewContext(r.Context(), change(r.Context(), s))))
		})
	}
}

// What limits the Subject between two guards also limits the inner one.
func TestNestedLimit(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
	outer := guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))
	limit := between(func(_ context.Context, s rbac.Subject) rbac.Subject {
		return s.Limit(rbac.Permissions{rbac.Deals: {Read: rbac.Own}})
	})
	for _, test := range []struct {
		need rbachttp.Requirement
		want int
	}{
		{rbachttp.Needs(rbac.Deals, rbac.Read), 403},
		{rbachttp.Needs(rbac.Contacts, rbac.Read), 403},
		{rbachttp.NeedsScope(rbac.Deals, rbac.Read), 200},
		{rbachttp.Member(), 200},
	} {
		var seen string
		h := outer(limit(guard.Require(test.need)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, _ := rbac.FromContext(r.Context())
			rbachttp.Scope(r.Context(), rbac.Deals, rbac.Read)
			seen = s.Permissions().String()
		}))))
		require.Equal(t, test.want, record(h, "GET", "/", "ada").Code, test.need.String())
		if test.want == 200 {
			require.Equal(t, "deals: read own", seen, test.need.String())
		}
	}
}

// Another guard within has its own callers. The outer one does not take them
// for its own, nor does it go back to its own behind them.
func TestNestedGuardsOfTwoKinds(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	var asked atomic.Int64
	staff := rbachttp.New(az.Authorizer, countingIdentify(&asked), rbachttp.WithLogger(quiet))
	robot := rbachttp.NewForWorkspace(az.For("bolt"), func(*http.Request) (rbachttp.Caller, error) { return rbachttp.User("bo"), nil }, rbachttp.WithLogger(quiet))
	audit := rbachttp.Needs(rbac.Audit, rbac.Read)
	var seen string
	look := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := rbac.FromContext(r.Context())
		seen = s.User()
	})
	member := rbachttp.Member()

	require.Equal(t, 200, record(staff.Require(member)(robot.Require(audit)(look)), "GET", "/", "sal").Code)
	require.Equal(t, "bo", seen)
	require.Equal(t, int64(1), asked.Load())
	require.Equal(t, 403, record(staff.Require(member)(robot.Require(audit)(staff.Require(audit)(look))), "GET", "/", "sal").Code)
	require.Equal(t, 403, record(staff.Require(member)(robot.Require(audit)(staff.Require(member)(look))), "GET", "/", "sal").Code)
	require.Equal(t, int64(3), asked.Load(), "once for each request")

	// A second guard with the same caller is another matter.
	second := rbachttp.New(az.Authorizer, countingIdentify(&asked), rbachttp.WithLogger(quiet))
	require.Equal(t, 200, record(staff.Require(member)(second.Require(member)(staff.Require(member)(look))), "GET", "/", "sal").Code)
	require.Equal(t, "sal", seen)
	require.Equal(t, int64(5), asked.Load(), "once for each guard")
	require.Equal(t, 403, record(staff.Require(member)(second.Require(member)(staff.Require(audit)(look))), "GET", "/", "sal").Code)

	// What was in the context before the first guard counts for nothing.
	smuggle := between(func(ctx context.Context, _ rbac.Subject) rbac.Subject {
		s, err := az.Subject(ctx, "ada")
		require.NoError(t, err)
		return s
	})
	require.Equal(t, 403, record(smuggle(staff.Require(audit)(look)), "GET", "/", "sal").Code)
	require.Equal(t, 200, record(smuggle(staff.Require(member)(look)), "GET", "/", "sal").Code)
	require.Equal(t, "sal", seen)
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
