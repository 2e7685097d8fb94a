package rbachttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

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
	refused := func(rule error, lists ...rbac.RoleID) error {
		return &rbac.RefusalError{Rule: rule, Role: "secret-id", RoleName: "SecretRole", Version: 3, Users: []string{"secret-user"}, Roles: lists}
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
		{&rbac.DeniedError{Decision: rbac.Decision{Area: "export", Action: rbac.Read, Reason: rbac.ReasonNoSuchAction}}, `"status":403,"code":"denied"`, "", "INFO"},
		{rbac.ErrDenied, `"status":403,"code":"denied"`, "", "INFO"},
		{escalation, escalationText, `,"missing":[{"audit":{"read":"all","manage":"none"}}]`, "INFO"},
		{&rbac.EscalationError{Missing: rbac.Permissions{"": {Read: 9}}}, escalationText, "", "INFO"},
		{&rbac.EscalationError{Missing: rbac.Permissions{"": {Read: 9}}, Roles: []rbac.RoleID{"a"}}, escalationText, `,"roles":["a"]`, "INFO"},
		{&rbac.EscalationError{Missing: escalation.Missing, Roles: []rbac.RoleID{"a", "b"}}, escalationText, `,"missing":[{"audit":{"read":"all","manage":"none"}}],"roles":["a","b"]`, "INFO"},
		{&rbac.EscalationError{Actor: "sal", Role: "secret-id", User: "secret-user"}, escalationText, "", "INFO"},
		{rbac.ErrEscalation, escalationText, "", "INFO"},
		{refused(rbac.ErrTooManyRoles), `"status":409,"code":"too-many-roles","detail":"The workspace has as many roles as it can have."`, "", "DEBUG"},
		{refused(rbac.ErrRoleNotFound), `"status":404,"code":"role-not-found","detail":"There is no such role."`, "", "DEBUG"},
		{refused(rbac.ErrMemberNotFound), `"status":404,"code":"member-not-found","detail":"There is no such member."`, "", "DEBUG"},
		{refused(rbac.ErrMemberExists), `"status":409,"code":"member-exists","detail":"The user is a member already."`, "", "DEBUG"},
		{refused(rbac.ErrProtectedRole), `"status":409,"code":"protected-role","detail":"System roles cannot be changed, and no list has a role that administers."`, "", "DEBUG"},
		{refused(rbac.ErrSelf), `"status":409,"code":"self","detail":"Nobody changes their own membership."`, "", "DEBUG"},
		{refused(rbac.ErrAdministrator), `"status":409,"code":"administrator","detail":"Among several members no administrator gets another role. Change theirs alone."`, "", "DEBUG"},
		{refused(rbac.ErrConflict), `"status":409,"code":"conflict","detail":"The role was changed in the meantime."`, "", "DEBUG"},
		{refused(rbac.ErrNameTaken), `"status":409,"code":"name-taken","detail":"Another role has this name."`, "", "DEBUG"},
		{refused(rbac.ErrRoleInUse), `"status":409,"code":"role-in-use","detail":"Members hold this role, or another role lists it."`, "", "DEBUG"},
		{refused(rbac.ErrRoleInUse, "a", "b"), `"status":409,"code":"role-in-use","detail":"Members hold this role, or another role lists it."`, `,"roles":["a","b"]`, "DEBUG"},
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

// What is in the way of a delegate, and of deleting a role that a list has.
func TestWriteErrorOfDelegates(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	az := newTeam(t)
	desk, err := az.As("ada").CreateRole(ctx, rbac.Role{Name: "Help desk", Assigns: []rbac.RoleID{az.guest.ID}})
	require.NoError(t, err)
	require.NoError(t, az.As("ada").Assign(ctx, desk.ID, "dee"))
	require.NoError(t, az.As("dee").Assign(ctx, az.guest.ID, "new"))
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithMissingPermissionsInBody())
	answer := func(err error) string {
		w := httptest.NewRecorder()
		guard.WriteError(w, httptest.NewRequest("POST", "/", nil), err)
		return w.Body.String()
	}
	sales, guest := string(az.sales.ID), string(az.guest.ID)
	require.Equal(t, `{"type":"about:blank","title":"Forbidden","status":403,"code":"escalation","detail":"This needs permissions that the caller does not hold.",`+
		`"missing":[{"contacts":{"read":"all","manage":"none"},"deals":{"read":"own","manage":"own"},"tasks":{"read":"all","manage":"own"},"users":{"read":"none","manage":"all"}}],`+
		`"roles":["`+sales+`"]}`+"\n", answer(az.As("dee").Assign(ctx, az.sales.ID, "new")))
	require.Equal(t, `{"type":"about:blank","title":"Conflict","status":409,"code":"role-in-use","detail":"Members hold this role, or another role lists it.",`+
		`"roles":["`+string(desk.ID)+`"]}`+"\n", answer(az.As("ada").DeleteRole(ctx, rbac.RoleID(guest))))
}

// A body that is not the JSON that it should be is the client's mistake: 400,
// and nothing that wakes anybody. What only looks like one is not.
func TestWriteErrorOfBodies(t *testing.T) {
	t.Parallel()
	logger, log := newLog()
	mux, guard := newMux(t, rbachttp.WithLogger(logger))
	mux.HandleFunc("POST /deals", rbachttp.Member(), func(w http.ResponseWriter, r *http.Request) {
		var deal struct{ Value int }
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 20)).Decode(&deal); err != nil {
			guard.WriteError(w, r, err)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	const malformed = `{"type":"about:blank","title":"Bad Request","status":400,"code":"malformed","detail":"The body is not the JSON that is expected."}` + "\n"
	const tooLarge = `{"type":"about:blank","title":"Request Entity Too Large","status":413,"code":"too-large","detail":"The body is too large."}` + "\n"
	for body, want := range map[string]string{
		"":                               malformed,
		" ":                              malformed,
		`{"value":`:                      malformed,
		`{"value": 1`:                    malformed,
		`{value: 1}`:                     malformed,
		`{"value": "1"}`:                 malformed,
		`[]`:                             malformed,
		"\x00":                           malformed,
		`{"value":                   1}`: tooLarge,
		strings.Repeat("[", 1000):        tooLarge,
		`{"value": 1}`:                   "",
	} {
		r := httptest.NewRequest("POST", "/deals", strings.NewReader(body))
		r.Header.Set("Test-User", "sal")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		require.Equal(t, want, w.Body.String(), "%q", body)
		if want != "" {
			require.Regexp(t, `^level=DEBUG msg="rbachttp: answered with an error" .* status=4\d\d error=.*\n$`, log.take(), "%q", body)
		}
	}

	var syntax error = json.Unmarshal([]byte("{"), &struct{}{})
	require.Error(t, syntax)
	for _, test := range []struct {
		err  error
		want int
	}{
		{syntax, 400},
		{fmt.Errorf("decode the body: %w", syntax), 400},
		{io.EOF, 400},
		{io.ErrUnexpectedEOF, 400},
		{&http.MaxBytesError{Limit: 1}, 413},
		{fmt.Errorf("read the body: %w", &http.MaxBytesError{Limit: 1}), 413},
		// A connection to a database ends like this, and is no body.
		{fmt.Errorf("query: %w", io.EOF), 500},
		{fmt.Errorf("query: %w", io.ErrUnexpectedEOF), 500},
		{io.ErrClosedPipe, 500},
		// What a store cannot read or tell comes from there.
		{fmt.Errorf("%w: %w", rbac.ErrMalformed, syntax), 500},
		{fmt.Errorf("%w: %w", rbac.ErrOutcomeUnknown, io.EOF), 500},
		{fmt.Errorf("%w: %w", rbac.ErrUnavailable, syntax), 503},
		{&json.InvalidUnmarshalError{}, 500}, // a mistake of the program
	} {
		w := httptest.NewRecorder()
		guard.WriteError(w, httptest.NewRequest("POST", "/", nil), test.err)
		require.Equal(t, test.want, w.Code, "%v", test.err)
		require.Equal(t, test.want >= 500, strings.Contains(log.take(), "level=ERROR"), "%v", test.err)
	}
}

// A plan names a rule as the problem does with which the change would be answered.
func TestPlansNameRulesAsProblemsDo(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet))
	for _, rule := range []error{
		rbac.ErrInvalid, rbac.ErrDenied, rbac.ErrTooManyRoles, rbac.ErrRoleNotFound, rbac.ErrMemberNotFound, rbac.ErrMemberExists, rbac.ErrProtectedRole, rbac.ErrSelf,
		rbac.ErrConflict, rbac.ErrEscalation, rbac.ErrNameTaken, rbac.ErrRoleInUse, rbac.ErrLastAdministrator,
	} {
		var plan struct {
			Refused struct{ Rule, Message string }
		}
		form, err := json.Marshal(rbac.Plan{Refused: fmt.Errorf("save role %s: %w", "secret", rule)})
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(form, &plan))
		w := httptest.NewRecorder()
		guard.WriteError(w, httptest.NewRequest("GET", "/", nil), rule)
		var problem struct{ Code string }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &problem))
		require.Equal(t, problem.Code, plan.Refused.Rule)
		require.Equal(t, rule.Error(), "rbac: "+plan.Refused.Message)
	}
}
