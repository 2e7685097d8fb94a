package rbachttp

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Mux is an [http.ServeMux] that denies by default: every handler has a
// requirement, and what is not registered is 404 for everybody, whoever asks.
// Its patterns are those of ServeMux.
//
// What serves a route may read an encoded path otherwise than ServeMux does.
// Where /files/ and /files/hr/ are routes, ServeMux finds /files/hr%2Fpay and
// /files/x/%2e%2e/hr/pay below the first one only, and [http.FileServer] finds
// both below the second. So if the path, decoded and cleaned, is of another
// route than as it was sent, the caller must meet the requirements of both.
// The handler is that of the path as sent. docs/http.md says what is decoded.
//
// Register all routes, then serve: registering panics once the first request
// was served, so that [Mux.Routes] is the whole of it. Mux is an
// http.Handler, safe for concurrent use.
type Mux struct {
	guard *Guard

	mu      sync.Mutex
	routes  Routes
	sites   []string       // where each was registered
	methods []string       // of the routes, each once
	root    bool           // there is a route for everything
	known   *http.ServeMux // the routes, to tell 404 from 405 and to find those of other readings
	served  *http.ServeMux // the routes, and one for everything else

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
	m.handle(pattern, need, h)
}

// HandleFunc is [Mux.Handle] for a function.
func (m *Mux) HandleFunc(pattern string, need Requirement, h func(http.ResponseWriter, *http.Request)) {
	m.handle(pattern, need, http.HandlerFunc(h))
}

// handle is called by what the application calls.
func (m *Mux) handle(pattern string, need Requirement, h http.Handler) {
	handler := &route{mux: m, need: need, next: m.guard.Require(need)(h)}
	site := "unknown location"
	if _, file, line, ok := runtime.Caller(2); ok {
		site = fmt.Sprintf("%s:%d", file, line)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done {
		panic("rbachttp: Handle of " + pattern + " after the first request: Routes would not have shown it")
	}
	if err := register(m.known, pattern, handler); err != nil {
		panic(m.refusal(pattern, site, err))
	}
	m.served.Handle(pattern, handler)
	added := newRoute(pattern, need)
	m.routes, m.sites = append(m.routes, added), append(m.sites, site)
	if added.Method != "" && !slices.Contains(m.methods, added.Method) {
		m.methods = append(m.methods, added.Method)
	}
	m.root = m.root || added.isRoot()
}

// register returns what ServeMux panics with.
func register(mux *http.ServeMux, pattern string, h http.Handler) (err any) {
	defer func() { err = recover() }()
	mux.Handle(pattern, h)
	return nil
}

// refusal returns why ServeMux does not take a pattern. It would name lines of
// this package for two that are in conflict.
func (m *Mux) refusal(pattern, site string, err any) string {
	wellFormed := register(http.NewServeMux(), pattern, http.NotFoundHandler()) == nil
	for i, earlier := range m.routes {
		pair := http.NewServeMux()
		pair.Handle(earlier.Pattern, http.NotFoundHandler())
		if wellFormed && register(pair, pattern, http.NotFoundHandler()) != nil {
			_, why, _ := strings.Cut(fmt.Sprint(err), "\n")
			return fmt.Sprintf("rbachttp: pattern %q (registered at %s) conflicts with pattern %q (registered at %s):\n%s",
				pattern, site, earlier.Pattern, m.sites[i], why)
		}
	}
	return fmt.Sprintf("rbachttp: %v", err)
}

// ServeHTTP serves a request with the handler whose pattern matches it best,
// if the caller meets the handler's requirement, and those of other routes
// that the path may be taken for. A path that no pattern
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
