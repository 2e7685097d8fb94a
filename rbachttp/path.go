package rbachttp

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// A handler below a route may take the path of its request for another one
// than the mux did: it decodes it as a whole, or twice, it resolves encoded
// dots, it takes a backslash for a slash. The mux does not know what is below,
// so it finds every reading.

// reading is a path as somebody may understand it.
type reading struct {
	path    string
	escaped bool // a % begins an escape, else it is a character
}

// url returns the URL that http.ServeMux takes for this reading.
func (p reading) url() *url.URL {
	if p.escaped {
		return &url.URL{Path: unescape(p.path), RawPath: p.path}
	}
	return &url.URL{Path: p.path}
}

// There are few readings of an honest path. The limits bound what one request
// can cost.
const (
	mostReadings     = 64
	mostReadingBytes = 1 << 20 // of all readings that were tried
)

// readings returns all readings of an escaped path but itself, and false if
// they are too many.
func readings(escaped string) (all []reading, ok bool) {
	all, size := []reading{{escaped, true}}, 0
	for i := 0; i < len(all); i++ {
		for next := range all[i].next {
			if size += len(next.path); size > mostReadingBytes {
				return nil, false
			}
			if slices.Contains(all, next) {
				continue
			}
			if len(all) == mostReadings {
				return nil, false
			}
			all = append(all, next)
		}
	}
	return all[1:], true
}

var encodedDots = strings.NewReplacer("%2e", ".", "%2E", ".")

// next yields what one more step of understanding makes of a reading: itself,
// if the step finds nothing to do.
func (p reading) next(yield func(reading) bool) {
	if p.escaped {
		if !yield(reading{unescape(p.path), false}) || !yield(reading{encodedDots.Replace(p.path), true}) {
			return
		}
	} else if unescape(p.path) != p.path && !yield(reading{p.path, true}) { // decoded twice
		return
	}
	for _, step := range []func(string) string{backslashes, parameters, terminated, cleanPath} {
		if !yield(reading{step(p.path), p.escaped}) {
			return
		}
	}
	// A handler that strips a prefix before it resolves dots does not let them
	// lead out of what is left: after http.StripPrefix("/files"),
	// http.FileServer takes /files/../hr for /files/hr.
	whole := cleanPath(p.path)
	for i := firstUp(p.path); i > 0; i = strings.LastIndexByte(p.path[:i], '/') {
		stripped := strings.TrimSuffix(cleanPath(p.path[:i]), "/") + cleanPath(p.path[i:])
		if stripped == whole || !yield(reading{stripped, p.escaped}) {
			return // a shorter prefix makes no difference either
		}
	}
}

// backslashes are slashes to Windows and to browsers.
func backslashes(p string) string { return strings.ReplaceAll(p, `\`, "/") }

// parameters removes from each segment what follows a semicolon, as servers
// written in Java do before they look for dots.
func parameters(p string) string {
	if !strings.Contains(p, ";") {
		return p
	}
	segments := strings.Split(p, "/")
	for i, segment := range segments {
		segments[i], _, _ = strings.Cut(segment, ";")
	}
	return strings.Join(segments, "/")
}

// terminated ends a path at a NUL, as C does.
func terminated(p string) string {
	p, _, _ = strings.Cut(p, "\x00")
	return p
}

// cleanPath is how http.ServeMux cleans a path: a slash at its end stays.
func cleanPath(p string) string {
	if p == "" || p[0] != '/' {
		p = "/" + p
	}
	clean := path.Clean(p)
	if clean != "/" && p[len(p)-1] == '/' {
		if len(p) == len(clean)+1 {
			return p
		}
		clean += "/"
	}
	return clean
}

// firstUp returns where the first segment ".." begins, with its slash, or -1.
func firstUp(p string) int {
	for from := 0; ; {
		i := strings.Index(p[from:], "/..")
		if i < 0 {
			return -1
		}
		i += from
		from = i + len("/..")
		if from == len(p) || p[from] == '/' {
			return i
		}
	}
}

// unescape decodes what are escapes and keeps every other %.
func unescape(p string) string {
	i := strings.IndexByte(p, '%')
	if i < 0 {
		return p
	}
	var b strings.Builder
	for ; i >= 0; i = strings.IndexByte(p, '%') {
		decoded, err := url.PathUnescape(p[i:min(i+3, len(p))])
		if err != nil {
			b.WriteString(p[:i+1])
			p = p[i+1:]
			continue
		}
		b.WriteString(p[:i])
		b.WriteString(decoded)
		p = p[i+3:]
	}
	b.WriteString(p)
	return b.String()
}

// plain reports whether a path has only one reading. Nearly every path has.
func plain(u *url.URL) bool {
	return u.RawPath == "" && !strings.ContainsAny(u.Path, "%\\;\x00") && cleanPath(u.Path) == u.Path
}

// route is the handler of a pattern.
type route struct {
	mux  *Mux
	need Requirement
	next http.Handler // behind need
}

// ServeHTTP asks for what the other readings of the path need, too.
func (h *route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if plain(r.URL) {
		h.next.ServeHTTP(w, r)
		return
	}
	g := h.mux.guard
	needs, ok := h.otherNeeds(r)
	switch {
	case !ok:
		g.unreadable(w, r)
	case len(needs) == 0:
		h.next.ServeHTTP(w, r)
	default:
		next := h.next
		if h.need.kind == kindPublic { // whose handler has no Subject
			next = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { h.next.ServeHTTP(w, r) })
		}
		(&guarded{guard: g, need: AllOf(needs...), next: next}).ServeHTTP(w, r)
	}
}

// otherNeeds returns what the routes need that the path is of in another
// reading, and false if it has too many.
func (h *route) otherNeeds(r *http.Request) (needs []Requirement, ok bool) {
	all, ok := readings(r.URL.EscapedPath())
	if !ok {
		return nil, false
	}
	looks := h.need.scopes()
	seen := []*route{h}
	for _, p := range all {
		for _, other := range h.mux.routesOf(r, p) {
			if slices.Contains(seen, other) {
				continue
			}
			seen = append(seen, other)
			if other.need.kind != kindPublic {
				needs = append(needs, other.need.whole(looks))
			}
		}
	}
	return needs, true
}

// routesOf returns the route that has a path for the request's method and
// host, or if there is none, those that have it for other methods.
func (m *Mux) routesOf(r *http.Request, p reading) []*route {
	if found := m.routeOf(r.Method, r.Host, p); found != nil {
		return []*route{found}
	}
	var others []*route
	for _, method := range m.methods {
		if found := m.routeOf(method, r.Host, p); found != nil {
			others = append(others, found)
		}
	}
	return others
}

func (m *Mux) routeOf(method, host string, p reading) *route {
	for range 2 {
		h, _ := m.known.Handler(&http.Request{Method: method, Host: host, URL: p.url()})
		if found, ok := h.(*route); ok {
			return found
		}
		p.path += "/" // ServeMux would redirect to it
	}
	return nil
}
