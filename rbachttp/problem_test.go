package rbachttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
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

// What is missing is in the body only when it is switched on.
func TestMissingPermissions(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	off := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
	on := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithMissingPermissionsInBody())
	audit, contacts, deals := rbachttp.Needs(rbac.Audit, rbac.Read), rbachttp.Needs(rbac.Contacts, rbac.Read), rbachttp.NeedsScope(rbac.Deals, rbac.Read)
	for _, test := range []struct {
		need rbachttp.Requirement
		user string
		want string
	}{
		{audit, "sal", `[{"audit":{"read":"all","manage":"none"}}]`},
		{audit, "eve", `[{"audit":{"read":"all","manage":"none"}}]`},
		{rbachttp.Needs(rbac.Deals, rbac.Manage), "sal", `[{"deals":{"read":"none","manage":"all"}}]`},
		{deals, "gus", `[{"deals":{"read":"own","manage":"none"}}]`},
		{rbachttp.AllOf(audit, contacts), "sal", `[{"audit":{"read":"all","manage":"none"}}]`},
		{rbachttp.AllOf(audit, contacts), "gus", `[{"audit":{"read":"all","manage":"none"},"contacts":{"read":"all","manage":"none"}}]`},
		{rbachttp.AnyOf(audit, rbachttp.Needs(rbac.API, rbac.Manage)), "sal", `[{"audit":{"read":"all","manage":"none"}},{"api":{"read":"none","manage":"all"}}]`},
		{rbachttp.AllOf(rbachttp.Member(), rbachttp.AnyOf(audit, deals)), "gus", `[{"audit":{"read":"all","manage":"none"}},{"deals":{"read":"own","manage":"none"}}]`},
		{rbachttp.Member(), "eve", ``},
	} {
		var got struct{ Missing json.RawMessage }
		w := record(on.Require(test.need)(helloHandler), "GET", "/", test.user)
		require.Equal(t, 403, w.Code)
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		require.Equal(t, test.want, string(got.Missing), "%v by %s", test.need, test.user)
		require.NotContains(t, record(off.Require(test.need)(helloHandler), "GET", "/", test.user).Body.String(), "missing")
	}
}

var errInternal = errors.New("pq: password authentication failed for user crm at db7.internal")

// Each error of package rbac has one answer, and none tells what it should
// not.
func TestWriteError(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	logger, log := newLog()
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(logger))
	shows := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithMissingPermissionsInBody())
	denied := &rbac.DeniedError{Decision: rbac.Decision{User: "sal", RoleName: "SecretRole", Area: rbac.Users, Action: rbac.Manage}}
	escalation := &rbac.EscalationError{Actor: "sal", Role: "secret-id", User: "secret-user", Missing: rbac.Permissions{rbac.Audit: {Read: rbac.All}}}
	refused := func(rule error) error {
		return &rbac.RefusalError{Rule: rule, Role: "secret-id", RoleName: "SecretRole", Version: 3, Users: []string{"secret-user"}}
	}
	invalid := &rbac.ValidationError{Fields: []rbac.FieldError{{Field: "name", Problem: "is empty"}, {Field: "users[2]", Problem: "is blank"}}}
	const escalationText = `"status":403,"code":"escalation","detail":"This needs permissions that the caller does not hold."`
	for _, test := range []struct {
		err   error
		want  string // from status on
		shown string // more when switched on
		level string
	}{
		{invalid, `"status":422,"code":"invalid","fields":[{"field":"name","problem":"is empty"},{"field":"users[2]","problem":"is blank"}]`, "", "DEBUG"},
		{rbac.ErrInvalid, `"status":422,"code":"invalid"`, "", "DEBUG"},
		{denied, `"status":403,"code":"denied"`, `,"missing":[{"users":{"read":"none","manage":"all"}}]`, "INFO"},
		{&rbac.DeniedError{}, `"status":403,"code":"denied"`, "", "INFO"},
		{rbac.ErrDenied, `"status":403,"code":"denied"`, "", "INFO"},
		{escalation, escalationText, `,"missing":[{"audit":{"read":"all","manage":"none"}}]`, "INFO"},
		{&rbac.EscalationError{Missing: rbac.Permissions{"": {Read: 9}}}, escalationText, "", "INFO"},
		{&rbac.EscalationError{Actor: "sal", Role: "secret-id", User: "secret-user"}, escalationText, "", "INFO"},
		{rbac.ErrEscalation, escalationText, "", "INFO"},
		{refused(rbac.ErrRoleNotFound), `"status":404,"code":"role-not-found","detail":"There is no such role."`, "", "DEBUG"},
		{refused(rbac.ErrMemberNotFound), `"status":404,"code":"member-not-found","detail":"There is no such member."`, "", "DEBUG"},
		{refused(rbac.ErrProtectedRole), `"status":409,"code":"protected-role","detail":"System roles cannot be changed."`, "", "DEBUG"},
		{refused(rbac.ErrSelf), `"status":409,"code":"self","detail":"Nobody changes their own membership."`, "", "DEBUG"},
		{refused(rbac.ErrConflict), `"status":409,"code":"conflict","detail":"The role was changed in the meantime."`, "", "DEBUG"},
		{refused(rbac.ErrNameTaken), `"status":409,"code":"name-taken","detail":"Another role has this name."`, "", "DEBUG"},
		{refused(rbac.ErrRoleInUse), `"status":409,"code":"role-in-use","detail":"Members hold this role."`, "", "DEBUG"},
		{refused(rbac.ErrLastAdministrator), `"status":409,"code":"last-administrator","detail":"The last active administrator must stay."`, "", "DEBUG"},
		{fmt.Errorf("%w: %w", rbac.ErrUnavailable, errInternal), `"status":503,"code":"unavailable"`, "", "ERROR"},
		{fmt.Errorf("%w: %w", rbac.ErrUnavailable, invalid), `"status":503,"code":"unavailable"`, "", "ERROR"},
		{rbac.ErrContention, `"status":503,"code":"unavailable"`, "", "ERROR"},
		{rbac.ErrClosed, `"status":503,"code":"unavailable"`, "", "ERROR"},
		{context.DeadlineExceeded, `"status":503,"code":"unavailable"`, "", "ERROR"},
		{context.Canceled, `"status":503,"code":"unavailable"`, "", "ERROR"},
		{fmt.Errorf("%w: %w", rbac.ErrUnavailable, rbac.ErrOutcomeUnknown), `"status":500,"code":"outcome-unknown","detail":"It is not known whether the change was made. Look before trying again."`, "", "ERROR"},
		{&rbac.MalformedError{Kind: "role", ID: "secret-id", Err: errInternal}, `"status":500,"code":"internal"`, "", "ERROR"},
		{&rbac.TamperedError{Seq: 7, Problem: "secret"}, `"status":500,"code":"internal"`, "", "ERROR"},
		{errInternal, `"status":500,"code":"internal"`, "", "ERROR"},
		{nil, `"status":500,"code":"internal"`, "", "ERROR"},
	} {
		err := test.err
		for _, wrapped := range []error{err, fmt.Errorf("save role %s: %w", "secret-id", err)} {
			if err == nil {
				wrapped = nil
			}
			write := func(guard *rbachttp.Guard) *httptest.ResponseRecorder {
				return record(guard.Require(rbachttp.SignedIn())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Length", "12345") // of an answer that came to nothing
					w.Header().Set("Etag", `"x"`)
					w.Header().Set("Content-Encoding", "gzip")
					w.Header().Set("Set-Cookie", "a=b")
					guard.WriteError(w, r, wrapped)
				})), "POST", "/", "sal")
			}
			w := write(guard)
			want := fmt.Sprintf(`{"type":"about:blank","title":"%s",%s}`+"\n", http.StatusText(w.Code), test.want)
			require.Equal(t, want, w.Body.String(), "%v", err)
			require.Contains(t, test.want, fmt.Sprintf(`"status":%d,`, w.Code))
			header := http.Header{
				"Cache-Control": {"no-store"}, "Content-Type": {"application/problem+json"}, "Content-Length": {fmt.Sprint(len(want))},
				"X-Content-Type-Options": {"nosniff"}, "Set-Cookie": {"a=b"},
			}
			if w.Code == 503 {
				header.Set("Retry-After", "5")
			}
			require.Equal(t, header, w.Header())

			line := log.take()
			require.Contains(t, line, "level="+test.level, "%v", err)
			require.Contains(t, line, `user=sal workspace=""`)
			if err != nil {
				require.Contains(t, line, strings.Trim(fmt.Sprintf("%q", err.Error()), `"`))
			}
			require.Equal(t, strings.TrimSuffix(want, "}\n")+test.shown+"}\n", write(shows).Body.String(), "%v", err)
		}
	}

	// Without a Subject, and for a client that has gone.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequest("POST", "/", nil).WithContext(ctx)
	guard.WriteError(httptest.NewRecorder(), r, fmt.Errorf("%w: %w", rbac.ErrUnavailable, context.Canceled))
	require.Equal(t, `level=DEBUG msg="rbachttp: answered with an error" method=POST pattern="" status=503 error="rbac: no safe answer is available: context canceled"`+"\n", log.take())
}

// Real refusals, made by the library.
func TestWriteErrorOfRealChanges(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
	mux := guard.Mux()
	mux.HandleFunc("POST /roles/{name}", rbachttp.Member(), func(w http.ResponseWriter, r *http.Request) {
		s, _ := rbac.FromContext(r.Context())
		if _, err := az.As(s.User()).CreateRole(r.Context(), rbac.Role{Name: r.PathValue("name")}); err != nil {
			guard.WriteError(w, r, err)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	server := serve(t, mux)
	require.Equal(t, 201, ask(t, server, "POST", "/roles/New", "ada").status)
	require.Equal(t, 409, ask(t, server, "POST", "/roles/NEW", "ada").status)
	require.Equal(t, 409, ask(t, server, "POST", "/roles/Administrator", "ada").status)
	invalid := ask(t, server, "POST", "/roles/%00", "ada")
	require.Equal(t, 422, invalid.status)
	require.Contains(t, invalid.body, `"fields":[{"field":"name",`)

	// The library's denial and the guard's are the same to the outside.
	library := ask(t, server, "POST", "/roles/New2", "sal")
	guards := ask(t, server, "POST", "/roles/New2", "eve")
	require.Equal(t, 403, library.status)
	library.header.Del("Date")
	guards.header.Del("Date")
	require.Equal(t, guards, library)
}

// An application's own problems are answered as the guard's own are.
func TestGuardWriteProblem(t *testing.T) {
	t.Parallel()
	az := openSalesTeam(t.Context())
	t.Cleanup(func() { _ = az.Close() })
	guard := rbachttp.New(az, bySession, rbachttp.WithAnswer(func(w http.ResponseWriter, r *http.Request, p rbachttp.Problem) {
		http.Error(w, "custom "+p.Code, p.Status)
	}))
	w := httptest.NewRecorder()
	guard.WriteProblem(w, httptest.NewRequest("GET", "/", nil), rbachttp.Problem{Status: 503, Code: "busy"})
	require.Equal(t, 503, w.Code)
	require.Equal(t, "custom busy\n", w.Body.String())
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.NotEmpty(t, w.Header().Get("Retry-After"))
}

// The default answer.
func TestWriteProblem(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	rbachttp.WriteProblem(w, httptest.NewRequest("GET", "/", nil), rbachttp.Problem{Status: 418, Code: "teapot", Detail: "<b>&"})
	require.Equal(t, 418, w.Code)
	body, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"about:blank","title":"I'm a teapot","status":418,"code":"teapot","detail":"<b>&"}`, string(body))
	require.NotContains(t, string(body), "<b>", "nothing that a browser could take for HTML")
}
