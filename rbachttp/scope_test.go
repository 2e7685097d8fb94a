package rbachttp_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

func TestReach(t *testing.T) {
	t.Parallel()
	require.Equal(t, rbac.Reach{}, rbachttp.Reach(t.Context(), rbac.Deals, rbac.Read), "without a Subject")
	az := newTeams(t)
	guard := rbachttp.New(az.Authorizer, identify)
	for user, want := range map[string]rbac.Reach{
		"ada": {All: true},
		"sal": {Owners: []string{"sal"}},
		"lea": {Owners: []string{"lea", "pat", "sal"}, Team: "north"},
	} {
		var got rbac.Reach
		record(guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = rbachttp.Reach(r.Context(), rbac.Deals, rbac.Read)
			require.Equal(t, rbac.Reach{}, rbachttp.Reach(r.Context(), "invoices", rbac.Read))
			require.Equal(t, rbac.Reach{}, rbachttp.Reach(r.Context(), rbac.Deals, 0))
		})), "GET", "/", user)
		require.Equal(t, want, got, user)
	}
}

// Every way to look counts, for the area and action that it is about; what is
// no look does not.
func TestUnusedScope(t *testing.T) {
	t.Parallel()
	az := newTeams(t)
	var unused unusedScopes
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithUnusedScope(unused.report))
	need := rbachttp.NeedsScope(rbac.Deals, rbac.Read)
	reported := []string{"deals: read own or more"}
	for _, test := range []struct {
		name string
		look func(r *http.Request)
		want []string
	}{
		{"Reach", func(r *http.Request) { rbachttp.Reach(r.Context(), rbac.Deals, rbac.Read) }, nil},
		{"Subject.Reach", func(r *http.Request) { subjectOf(r).Reach(rbac.Deals, rbac.Read) }, nil},
		{"Subject.Scope", func(r *http.Request) { subjectOf(r).Scope(rbac.Deals, rbac.Read) }, nil},
		{"Subject.Can", func(r *http.Request) { subjectOf(r).Can(rbac.Deals, rbac.Read) }, nil},
		{"Subject.CanRecord", func(r *http.Request) { subjectOf(r).CanRecord(rbac.Deals, rbac.Read, "sal") }, nil},
		{"Subject.Authorize", func(r *http.Request) { _ = subjectOf(r).Authorize(rbac.Deals, rbac.Read) }, nil},
		{"Subject.Explain", func(r *http.Request) { subjectOf(r).Explain(rbac.Deals, rbac.Read) }, nil},
		{"a limited Subject", func(r *http.Request) { subjectOf(r).Limit(salesPermissions).Scope(rbac.Deals, rbac.Read) }, nil},
		{"a Subject that somebody else observes", func(r *http.Request) {
			subjectOf(r).Observe(func(rbac.Decision) {}).Scope(rbac.Deals, rbac.Read)
		}, nil},
		{"in another goroutine", func(r *http.Request) {
			var wait sync.WaitGroup
			wait.Go(func() { rbachttp.Reach(r.Context(), rbac.Deals, rbac.Read) })
			wait.Go(func() { rbachttp.Reach(r.Context(), rbac.Deals, rbac.Read) })
			wait.Wait()
		}, nil},
		{"below another context", func(r *http.Request) {
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			rbachttp.Reach(ctx, rbac.Deals, rbac.Read)
		}, nil},

		{"nothing", func(*http.Request) {}, reported},
		{"another area", func(r *http.Request) { rbachttp.Reach(r.Context(), rbac.Tasks, rbac.Read) }, reported},
		{"another action", func(r *http.Request) { rbachttp.Reach(r.Context(), rbac.Deals, rbac.Manage) }, reported},
		{"Permissions", func(r *http.Request) { subjectOf(r).Permissions() }, reported},
		{"User", func(r *http.Request) { subjectOf(r).User() }, reported},
		{"the Authorizer", func(r *http.Request) { _, _ = az.Scope(r.Context(), "sal", rbac.Deals, rbac.Read) }, reported},
		{"another Subject", func(r *http.Request) {
			s, _ := az.Subject(r.Context(), "sal")
			s.Scope(rbac.Deals, rbac.Read)
		}, reported},
	} {
		server := serve(t, guard.Require(need)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			test.look(r)
			_, _ = io.WriteString(w, "the deals")
		})))
		for _, user := range []string{"sal", "lea", "ada"} { // also for those who may see everything
			require.Equal(t, answer{200, nil, "the deals"}, withoutHeader(ask(t, server, "GET", "/", user)), test.name)
			require.Equal(t, test.want, unused.take(), "%s: %s", test.name, user)
		}
		ask(t, server, "GET", "/", "gus")
		require.Empty(t, unused.take(), "%s: whom the guard denies does not reach the handler", test.name)
	}
}

func withoutHeader(a answer) answer {
	a.header = nil
	return a
}

// Which scopes have to be looked at where there are several, or none.
func TestUnusedScopeOfSeveral(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	var unused unusedScopes
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithUnusedScope(unused.report))
	deals, tasks, contacts := rbachttp.NeedsScope(rbac.Deals, rbac.Read), rbachttp.NeedsScope(rbac.Tasks, rbac.Read), rbachttp.NeedsScope(rbac.Contacts, rbac.Manage)
	services, organizations := rbachttp.NeedsScope(rbac.Services, rbac.Read), rbachttp.NeedsScope(rbac.Organizations, rbac.Read)
	audit := rbachttp.Needs(rbac.Audit, rbac.Read)
	const dealsText, tasksText, contactsText = "deals: read own or more", "tasks: read own or more", "contacts: manage own or more"
	for _, test := range []struct {
		name  string
		need  rbachttp.Requirement
		user  string
		looks []rbac.Area // read
		want  []string
	}{
		{"Needs", audit, "ada", nil, nil},
		{"AllOf, both", rbachttp.AllOf(deals, tasks), "sal", []rbac.Area{rbac.Deals, rbac.Tasks}, nil},
		{"AllOf, one", rbachttp.AllOf(deals, tasks), "sal", []rbac.Area{rbac.Deals}, []string{tasksText}},
		{"AllOf, none", rbachttp.AllOf(deals, tasks), "sal", nil, []string{dealsText, tasksText}},
		{"AllOf with Needs", rbachttp.AllOf(rbachttp.Needs(rbac.Contacts, rbac.Read), deals), "sal", nil, []string{dealsText}},
		{"AllOf, the same twice", rbachttp.AllOf(deals, deals), "sal", []rbac.Area{rbac.Deals}, nil},
		{"AnyOf, the first", rbachttp.AnyOf(deals, tasks), "sal", []rbac.Area{rbac.Deals}, nil},
		{"AnyOf, the second", rbachttp.AnyOf(deals, tasks), "sal", []rbac.Area{rbac.Tasks}, nil},
		{"AnyOf, none", rbachttp.AnyOf(deals, tasks), "sal", nil, []string{dealsText + ", or " + tasksText}},
		{"AnyOf, one that does not let the caller in", rbachttp.AnyOf(deals, services), "sal", []rbac.Area{rbac.Services}, []string{dealsText + ", or services: read own or more"}},
		{"AnyOf, let in without a scope", rbachttp.AnyOf(audit, deals), "ada", nil, nil},
		{"AnyOf, not let in without a scope", rbachttp.AnyOf(audit, deals), "sal", nil, []string{"audit: read all, or " + dealsText}},
		{"AnyOf, let in as a member", rbachttp.AnyOf(rbachttp.Member(), deals), "sal", nil, nil},
		{"AllOf in AnyOf", rbachttp.AnyOf(rbachttp.AllOf(deals, tasks), contacts), "sal", []rbac.Area{rbac.Deals}, []string{"(" + dealsText + ", and " + tasksText + "), or " + contactsText}},
		{"AnyOf in AllOf", rbachttp.AllOf(deals, rbachttp.AnyOf(tasks, contacts)), "sal", []rbac.Area{rbac.Deals}, []string{tasksText + ", or " + contactsText}},
		{"many", rbachttp.AllOf(deals, tasks, services, organizations), "ada", []rbac.Area{rbac.Deals, rbac.Tasks, rbac.Organizations}, []string{"services: read own or more"}},
		{"many, all", rbachttp.AllOf(deals, tasks, services, organizations), "ada", []rbac.Area{rbac.Deals, rbac.Tasks, rbac.Organizations, rbac.Services}, nil},
	} {
		h := guard.Require(test.need)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, area := range test.looks {
				rbachttp.Reach(r.Context(), area, rbac.Read)
			}
		}))
		require.Equal(t, 200, record(h, "GET", "/", test.user).Code, test.name)
		require.Equal(t, test.want, unused.take(), test.name)
	}
}

// Where guards are nested, a look counts for each of them, and the inner
// guard's own question for none.
func TestUnusedScopeNested(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	var unused unusedScopes
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithUnusedScope(unused.report))
	deals := guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))
	tasks := guard.Require(rbachttp.NeedsScope(rbac.Tasks, rbac.Read))
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	const dealsText, tasksText = "deals: read own or more", "tasks: read own or more"
	for _, test := range []struct {
		name string
		h    http.Handler
		want []string // the inner one first
	}{
		{"both used", deals(tasks(helloHandler)), nil},
		{"the same, used", deals(deals(helloHandler)), nil},
		{"neither used", deals(tasks(nothing)), []string{tasksText, dealsText}},
		{"the same, not used", deals(deals(nothing)), []string{dealsText, dealsText}},
		{"with something between", deals(guard.Require(rbachttp.Needs(rbac.Contacts, rbac.Read))(tasks(nothing))), []string{tasksText, dealsText}},
		{"one used", deals(tasks(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rbachttp.Reach(r.Context(), rbac.Deals, rbac.Read)
		}))), []string{tasksText}},
	} {
		require.Equal(t, 200, record(test.h, "GET", "/", "sal").Code, test.name)
		require.Equal(t, test.want, unused.take(), test.name)
	}
}

// What is reported depends on the answer.
func TestUnusedScopeDependsOnTheAnswer(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	var unused unusedScopes
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithUnusedScope(unused.report))
	for _, test := range []struct {
		name     string
		h        http.HandlerFunc
		reported bool
	}{
		{"nothing written", func(w http.ResponseWriter, r *http.Request) {}, true},
		{"200", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200) }, true},
		{"204", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }, true},
		{"303", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) }, true},
		{"304", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) }, true},
		{"399", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(399) }, true},
		{"400", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(400) }, false},
		{"404", http.NotFound, false},
		{"500", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "x", 500) }, false},
		{"hints before a 200", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(103); w.WriteHeader(200) }, true},
		{"hints before a 404", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(103); w.WriteHeader(404) }, false},
		{"a 404 too late", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "x"); w.WriteHeader(404) }, true},
		{"written as bytes, then a 404", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("x")); w.WriteHeader(404) }, true},
		{"flushed, then a 404", func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); w.WriteHeader(404) }, true},
		{"copied, then a 404", func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.(io.ReaderFrom).ReadFrom(http.NoBody)
			w.WriteHeader(404)
		}, true},
		{"a panic", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, false},
		{"a panic after the answer", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "x")
			panic(http.ErrAbortHandler)
		}, false},
		{"hijacked", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		}, false},
		{"hijacked with a ResponseController", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		}, false},
	} {
		served := make(chan struct{})
		guarded := guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))(test.h)
		server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(served)
			guarded.ServeHTTP(w, r)
		}))
		r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL, nil) // which the client does not repeat
		require.NoError(t, err)
		r.Header.Set("Test-User", "sal")
		if response, err := server.Client().Do(r); err == nil {
			_ = response.Body.Close()
		}
		<-served
		require.Equal(t, test.reported, len(unused.take()) > 0, test.name)
	}
}

// A client that went away before there was an answer got nothing to see.
func TestUnusedScopeWithoutAClient(t *testing.T) {
	t.Parallel()
	az := newTeam(t)
	var unused unusedScopes
	guard := rbachttp.New(az.Authorizer, identify, rbachttp.WithLogger(quiet), rbachttp.WithUnusedScope(unused.report))
	for name, test := range map[string]struct {
		writes   bool
		reported bool
	}{
		"no answer": {false, false},
		"an answer": {true, true},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
		r.Header.Set("Test-User", "sal")
		guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cancel()
			if test.writes {
				_, _ = io.WriteString(w, "everything")
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
		require.Equal(t, test.reported, len(unused.take()) > 0, name)
	}
}

// In production it is an Error in the log; the answer stays as it is.
func TestUnusedScopeIsLogged(t *testing.T) {
	t.Parallel()
	logger, log := newLog()
	mux, _ := newMux(t, rbachttp.WithLogger(logger))
	mux.HandleFunc("GET /deals", rbachttp.NeedsScope(rbac.Deals, rbac.Read), func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "everything")
	})
	require.Equal(t, "everything", record(mux, "GET", "/deals", "sal").Body.String())
	require.Equal(t, `level=ERROR msg="rbachttp: a handler did not look at the scope of its caller: it may have shown everybody's records" method=GET pattern="GET /deals" need="deals: read own or more"`+"\n", log.take())
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
			wait.Go(func() { rbachttp.Reach(ctx, rbac.Deals, rbac.Read) })
		}
	})
	for range 50 {
		record(mux, "GET", "/deals", "sal")
	}
	wait.Wait()
}
