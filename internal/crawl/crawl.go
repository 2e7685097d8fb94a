// Package crawl tests pages as a browser follows them, whatever path they are
// mounted on.
package crawl

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/areagate/rbac/internal/assert"
)

// Site is pages below a path of a server.
type Site struct {
	Server string // "http://127.0.0.1:8080"
	Prefix string // "/settings/access"; empty for the root
	Header http.Header
}

var (
	addresses = regexp.MustCompile(` (?:href|src|action)="([^"]*)"`)
	ids       = regexp.MustCompile(` id="([^"]*)"`)
	absolute  = regexp.MustCompile(`^(/|[a-zA-Z][a-zA-Z0-9+.-]*:)`)
)

// Visit gets everything that can be reached from the first page, and returns the
// paths. It fails the test for a reference that is not relative, leads out of the
// site, or to nothing, and for an id that is there twice.
func (s Site) Visit(t testing.TB) []string {
	t.Helper()
	first := s.Prefix + "/"
	paths, seen := []string{first}, map[string]bool{first: true}
	for i := 0; i < len(paths); i++ {
		path := paths[i]
		res, body := s.Do(t, http.MethodGet, path, nil)
		assert.Equal(t, http.StatusOK, res.StatusCode, path)
		if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			continue
		}
		here := map[string]bool{}
		for _, found := range ids.FindAllStringSubmatch(body, -1) {
			assert.True(t, !here[found[1]], path, " has the id ", found[1], " twice")
			here[found[1]] = true
		}
		for _, found := range addresses.FindAllStringSubmatch(body, -1) {
			reference := html.UnescapeString(found[1])
			if fragment, within := strings.CutPrefix(reference, "#"); within {
				assert.True(t, here[fragment], path, " has no ", fragment)
			} else if to := s.Resolve(t, path, reference); !seen[to] {
				seen[to] = true
				paths = append(paths, to)
			}
		}
	}
	return paths
}

// Do sends a request, with a form if there is one, and does not follow where the
// answer leads.
func (s Site) Do(t testing.TB, method, path string, form url.Values) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, s.Server+path, strings.NewReader(form.Encode()))
	assert.NoError(t, err)
	for name, values := range s.Header {
		r.Header[name] = values
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	assert.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	assert.NoError(t, err)
	return res, string(body)
}

// Resolve returns the path to which a reference leads from another, as a browser
// finds it.
func (s Site) Resolve(t testing.TB, from, reference string) string {
	t.Helper()
	assert.True(t, !absolute.MatchString(reference), from, " has ", reference, ", which is not relative")
	base, err := url.Parse(s.Server + from)
	assert.NoError(t, err)
	to, err := base.Parse(reference)
	assert.NoError(t, err)
	to.Fragment = ""
	assert.True(t, strings.HasPrefix(to.String(), s.Server+s.Prefix+"/"), from, " has ", reference, ", which leads out: ", to)
	return strings.TrimPrefix(to.String(), s.Server)
}

// Slash asks for the path without the slash behind it, from which relative links
// would miss, and fails the test unless it leads to the one with it, with the same
// query.
func (s Site) Slash(t testing.TB) {
	t.Helper()
	const query = "?q=a%2Fb&from=1"
	res, _ := s.Do(t, http.MethodGet, s.Prefix+query, nil)
	assert.True(t, res.StatusCode >= 300 && res.StatusCode < 400, res.Status)
	base, err := url.Parse(s.Server + s.Prefix)
	assert.NoError(t, err)
	to, err := base.Parse(res.Header.Get("Location"))
	assert.NoError(t, err)
	assert.Equal(t, s.Server+s.Prefix+"/"+query, to.String())
}
