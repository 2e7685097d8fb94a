package rbachttp_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// nothing is a ResponseWriter that costs nothing.
type nothing struct{ header http.Header }

func (w *nothing) Header() http.Header         { return w.header }
func (w *nothing) Write(p []byte) (int, error) { return len(p), nil }
func (w *nothing) WriteHeader(int)             {}

var benchBody = []byte("hello")

// Each benchmark calls a guarded handler and the same handler without a guard
// in turns, so that a noisy machine disturbs both alike. It reports the time
// of one call of each and their difference, which is what the guard costs.
//
//	go test ./rbachttp -run '^$' -bench . -benchtime 2s
func BenchmarkGuard(b *testing.B) {
	az := newTeam(b)
	caller := rbachttp.User("sal")
	guard := rbachttp.New(az.Authorizer, func(*http.Request) (rbachttp.Caller, error) { return caller, nil })
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(benchBody) })
	scoped := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !rbachttp.Reach(r.Context(), rbac.Deals, rbac.Read).All {
			_, _ = w.Write(benchBody)
		}
	})
	contacts := guard.Require(rbachttp.Needs(rbac.Contacts, rbac.Read))
	member := guard.Require(rbachttp.Member())
	for _, test := range []struct {
		name string
		h    http.Handler
	}{
		{"Needs", contacts(plain)},
		{"Nested", member(contacts(plain))},
		{"NeedsScope", guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))(scoped)},
	} {
		b.Run(test.name, func(b *testing.B) { inTurns(b, plain, test.h, "/deals") })
	}

	served, unguarded := guard.Mux(), http.NewServeMux()
	served.Handle("GET /deals/{id}", rbachttp.Needs(rbac.Contacts, rbac.Read), plain)
	unguarded.Handle("GET /deals/{id}", plain)
	b.Run("Mux", func(b *testing.B) { inTurns(b, unguarded, served, "/deals/7") })
	b.Run("MuxEncoded", func(b *testing.B) { inTurns(b, unguarded, served, "/deals/7%2F8") })
}

// inTurns reports the times of two handlers, and the allocations of both.
func inTurns(b *testing.B, floor, guarded http.Handler, path string) {
	b.ReportAllocs()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	w := &nothing{http.Header{}}
	var times [2]time.Duration
	for done := 0; done < b.N; {
		n := min(1000, b.N-done)
		for i, h := range []http.Handler{floor, guarded} {
			began := time.Now()
			for range n {
				h.ServeHTTP(w, r)
			}
			times[i] += time.Since(began)
		}
		done += n
	}
	n := float64(b.N)
	b.ReportMetric(float64(times[0].Nanoseconds())/n, "floor-ns")
	b.ReportMetric(float64(times[1].Nanoseconds())/n, "guarded-ns")
	b.ReportMetric(float64((times[1]-times[0]).Nanoseconds())/n, "guard-ns")
	b.ReportMetric(0, "ns/op") // of both together, which says nothing
}

// Over a real connection, one client after another: the ratio of the request
// rates with and without the guard.
func BenchmarkServer(b *testing.B) {
	az := newTeam(b)
	guard := rbachttp.New(az.Authorizer, identify)
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(benchBody) })
	servers := [2]*httptest.Server{
		serve(b, plain),
		serve(b, guard.Require(rbachttp.Needs(rbac.Contacts, rbac.Read))(plain)),
	}
	var times [2]time.Duration
	for done := 0; done < b.N; {
		n := min(100, b.N-done)
		for i, server := range servers {
			began := time.Now()
			for range n {
				if got, err := try(b.Context(), server, http.MethodGet, "/", "sal"); err != nil || got.status != http.StatusOK {
					b.Fatal(got, err)
				}
			}
			times[i] += time.Since(began)
		}
		done += n
	}
	b.ReportMetric(float64(times[0].Nanoseconds())/float64(b.N), "floor-ns")
	b.ReportMetric(float64(times[1].Nanoseconds())/float64(b.N), "guarded-ns")
	b.ReportMetric(times[0].Seconds()/times[1].Seconds(), "of-floor")
	b.ReportMetric(0, "ns/op")
}
