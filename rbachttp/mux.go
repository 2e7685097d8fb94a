package rbachttp

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Mux is an [http.ServeMux] that denies by default: every handler has a
// requirement, and what is not registered is 404 for everybody, whoever asks.
// Its patterns are those of ServeMux.
//
// Register all routes, then serve: registering panics once the first request
// was served, so that [Mux.Routes] is the whole of it. Mux is an
// http.Handler, safe for concurrent use.
type Mux struct {
	guard *Guard

	mu     sync.Mutex
	routes Routes
	root   bool           // there is a route for everything
	known  *http.ServeMux // the routes, to tell 404 from 405
	served *http.ServeMux // the routes, and one for everything else

	seal sync.Once
	done bool // sealed; under mu
}

// Mux returns a mux without routes.
func (g *Guard) Mux() *Mux {
	return &Mux{guard: g, known: http.NewServeMux(), served: http.NewServeMux()}
}

// Handle registers a handler behind a requirement. It panics if one of the
// two is nil or zero, for what [Guard.Require] panics for, if the pattern is
// malformed or conflicts with one that is registered, and if the mux has
// served a request.
func (m *Mux) Handle(pattern string, need Requirement, h http.Handler) {
	handler := m.guard.Require(need)(h)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done {
		panic("rbachttp: Handle of " + pattern + " after the first request: Routes would not have shown it")
	}
	m.known.Handle(pattern, handler)
	m.served.Handle(pattern, handler)
	m.routes = append(m.routes, newRoute(pattern, need))
	m.root = m.root || isRoot(pattern)
}

// isRoot reports whether a pattern that ServeMux accepted matches every
// method, host and path.
func isRoot(pattern string) bool {
	return pattern == "/" ||
		strings.HasPrefix(pattern, "/{") && strings.HasSuffix(pattern, "...}") && strings.Count(pattern, "/") == 1
}

// HandleFunc is [Mux.Handle] for a function.
func (m *Mux) HandleFunc(pattern string, need Requirement, h func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, need, http.HandlerFunc(h))
}

// ServeHTTP serves a request with the handler whose pattern matches it best,
// if the caller meets the handler's requirement. A path that no pattern
// matches is answered with 404, one that other methods match with 405; both
// without a look at who calls.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.seal.Do(m.sealRoutes)
	m.served.ServeHTTP(w, r)
}

func (m *Mux) sealRoutes() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done = true
	if !m.root {
		m.served.HandleFunc("/", m.unknown)
	}
}

// unknown answers what no route matches as ServeMux would, but as a problem.
func (m *Mux) unknown(w http.ResponseWriter, r *http.Request) {
	h, _ := m.known.Handler(r)
	answer := &discard{header: http.Header{}}
	h.ServeHTTP(answer, r)
	if answer.status == http.StatusMethodNotAllowed {
		w.Header()["Allow"] = answer.header["Allow"]
		m.guard.WriteProblem(w, r, problemMethodNotAllowed)
		return
	}
	m.guard.NotFound(w, r)
}

// discard is a ResponseWriter that keeps the header only.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// Routes returns all routes, ordered by path and then by method.
func (m *Mux) Routes() Routes {
	m.mu.Lock()
	defer m.mu.Unlock()
	routes := slices.Clone(m.routes)
	slices.SortFunc(routes, Route.compare)
	return routes
}
