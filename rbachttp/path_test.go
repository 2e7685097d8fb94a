package rbachttp_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// rewritten serves another path than that of the request.
func rewritten(next http.Handler, rewrite func(string) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.URL = &url.URL{Path: rewrite(r.URL.Path)}
		next.ServeHTTP(w, r)
	})
}

var parameter = regexp.MustCompile(`;[^/]*`)

// newFiles returns a folder with files/hr/pay.csv, and what can serve it below
// a mux: each decodes in its own way.
func newFiles(t *testing.T) map[string]http.Handler {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "files", "hr"), 0o700))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "files", "x"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "files", "hr", "pay.csv"), []byte("SALARIES"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "files", "menu.txt"), []byte("soup"), 0o600))
	root, err := os.OpenRoot(filepath.Join(dir, "files"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, root.Close()) })

	files := http.FileServerFS(os.DirFS(dir))
	server := serve(t, files)
	backend, err := url.Parse(server.URL)
	require.NoError(t, err)
	segments := http.NewServeMux()
	segments.HandleFunc("/files/{path...}", func(w http.ResponseWriter, r *http.Request) {
		file, err := root.Open(r.PathValue("path"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer file.Close()
		_, _ = io.Copy(w, file)
	})
	return map[string]http.Handler{
		"FileServer":                  files,
		"FileServer behind a prefix":  http.StripPrefix("/files", http.FileServerFS(root.FS())),
		"os.Root and a wildcard":      segments,
		"ReverseProxy":                &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(backend) }},
		"a router, a prefix and more": http.StripPrefix("/files", http.StripPrefix("/", http.FileServerFS(root.FS()))),
		"decoded twice": rewritten(files, func(p string) string {
			p, _ = url.PathUnescape(p)
			return p
		}),
		"Windows":       rewritten(files, func(p string) string { return strings.ReplaceAll(p, `\`, "/") }),
		"a Java server": rewritten(files, func(p string) string { return parameter.ReplaceAllString(p, "") }),
		"a C server":    rewritten(files, func(p string) string { p, _, _ = strings.Cut(p, "\x00"); return p }),
		"a URL of WHATWG": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			dots := strings.NewReplacer("%2e", ".", "%2E", ".")
			again, err := url.Parse(dots.Replace(r.URL.EscapedPath()))
			require.NoError(t, err)
			resolved := (&url.URL{}).ResolveReference(again)
			rewritten(files, func(string) string { return resolved.Path }).ServeHTTP(w, r)
		}),
	}
}

// One path, two routes: a wide requirement on /files/ and a narrow one on
// /files/hr/. However the path is written and whatever reads it below, what is
// in hr needs both.
func TestScenario60_EncodedPathBelowANarrowerRequirement(t *testing.T) {
	t.Parallel()
	handlers := newFiles(t)
	requests := []string{
		"GET /files/hr/pay.csv",
		"GET /files/hr%2Fpay.csv",
		"GET /files/hr%2fpay.csv",
		"GET /files%2Fhr%2Fpay.csv",
		"GET /files/%68%72%2fpay.csv",
		"GET /files/%2e/hr/pay.csv",
		"GET /files/%2E/hr/pay.csv",
		"GET /files/x/%2e%2e/hr/pay.csv",
		"GET /files/x/.%2e/hr/pay.csv",
		"GET /files/x%2f..%2fhr/pay.csv",
		"GET /files/x%2f%2e%2e%2fhr%2fpay.csv",
		"GET /files/%2fhr/pay.csv",
		"GET /files/%2e%2e/files/hr/pay.csv",
		"GET /files/%2e%2e/hr/pay.csv", // the prefix is gone when the dots are resolved
		"GET /files/%2e%2e/%2e%2e/hr/pay.csv",
		"GET /files/hr%252Fpay.csv",
		"GET /files/x/%252e%252e/hr/pay.csv",
		"GET /files/x/%25%32%65%2e/hr/pay.csv",
		"GET /files/hr%5cpay.csv",
		"GET /files/x%5c..%5chr%5Cpay.csv",
		"GET /files/x/..;/hr/pay.csv",
		"GET /files/;/hr/pay.csv",
		"GET /files/hr%2fpay.csv%00.png",
		"GET /files/x%2fy/%2e%2e/hr/pay.csv",
		"GET http://crm.example/files/hr%2Fpay.csv",
		"POST /files/hr%2Fpay.csv",
		"CONNECT /files/hr%2Fpay.csv",
		"CONNECT /files/./hr/pay.csv",
		"CONNECT /files/x/../hr/pay.csv",
		"CONNECT /files//hr/pay.csv",
	}
	real := map[string]bool{} // those that lead to the file
	for name, files := range handlers {
		unguarded := serve(t, files)
		for _, wide := range []rbachttp.Requirement{rbachttp.Public("everybody may see the menu"), rbachttp.Member()} {
			mux, _ := newMux(t)
			mux.Handle("/files/", wide, files)
			mux.Handle("/files/hr/", rbachttp.Needs(rbac.Audit, rbac.Read), files)
			server := serve(t, mux)
			for _, request := range requests {
				_, text := raw(t, unguarded, request, "")
				leads := strings.Contains(text, "SALARIES")
				real[request] = real[request] || leads
				for _, user := range everybody {
					status, text := raw(t, server, request, user)
					if user != "ada" {
						require.NotContains(t, text, "SALARIES", "%s: %s: %s by %q", name, wide, request, user)
						continue
					}
					noRoute := status == 404 && strings.HasPrefix(request, "GET /files%2F")
					require.True(t, !leads || noRoute || strings.Contains(text, "SALARIES"), "%s: %s: %s: %s", name, wide, request, text)
				}
				// A HEAD tells whether a file is there, and how long it is.
				if rest, get := strings.CutPrefix(request, "GET "); get && leads {
					status, _ := raw(t, server, "HEAD "+rest, "sal")
					require.NotEqual(t, 200, status, "%s: %s", name, request)
				}
			}
			// What is not in hr needs no more than before.
			for _, request := range []string{"GET /files/menu.txt", "GET /files/%6denu.txt", "GET /files/x/%2e%2e/menu.txt", "GET /files/x%2F..%2Fmenu.txt"} {
				_, bare := raw(t, unguarded, request, "")
				_, text := raw(t, server, request, "gus")
				require.Equal(t, strings.Contains(bare, "soup"), strings.Contains(text, "soup"), "%s: %s: %s", name, wide, request)
			}
		}
	}
	for _, request := range requests {
		require.True(t, real[request], "%s leads nowhere, so it shows nothing", request)
	}

	// The narrow route may be the public one: the wide one still counts.
	mux, _ := newMux(t)
	mux.Handle("/files/", rbachttp.Needs(rbac.Audit, rbac.Read), handlers["FileServer"])
	mux.Handle("/files/hr/", rbachttp.Public("a test"), handlers["FileServer"])
	require.Equal(t, 200, record(mux, "GET", "/files/hr/pay.csv", "").Code)
	require.Equal(t, 401, record(mux, "GET", "/files/hr%2Fpay.csv", "").Code)
	require.Equal(t, 401, record(mux, "GET", "/files/hr/%2e%2e/menu.txt", "").Code)
	require.Equal(t, 403, record(mux, "GET", "/files/hr/..%2fmenu.txt", "sal").Code)
	require.Equal(t, 200, record(mux, "GET", "/files/hr/..%2fmenu.txt", "ada").Code)
}

// Paths that nobody thought of lead nowhere either.
func TestRandomPaths(t *testing.T) {
	t.Parallel()
	parts := []string{
		"/", "/", "/files/", "/hr/pay.csv", "hr", "files", "x", "pay.csv", "%2f", "%252f", "%5c", "..", "%2e%2e", ".%2e", "%252e%252e", ".", "%2e",
		";", "%3b", "%00", "%68r", "%2568r", "%25",
	}
	random := rand.New(rand.NewPCG(60, 60))
	leads := 0
	for name, files := range newFiles(t) {
		mux, _ := newMux(t)
		mux.Handle("/files/", rbachttp.Public("everybody may see the menu"), files)
		mux.Handle("/files/hr/", rbachttp.Needs(rbac.Audit, rbac.Read), files)
		for range 300 {
			path := "/files/"
			for range random.IntN(9) {
				path += parts[random.IntN(len(parts))]
			}
			path += []string{"", "/hr/pay.csv"}[random.IntN(2)]
			r, err := http.NewRequestWithContext(t.Context(), "GET", "http://crm.example"+path, nil)
			if err != nil {
				continue // an escape that is none
			}
			r.Method = []string{"GET", "POST", "CONNECT"}[random.IntN(3)]
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			require.NotContains(t, w.Body.String(), "SALARIES", "%s: %s %s", name, r.Method, path)
			if w.Code == 401 {
				w = httptest.NewRecorder()
				files.ServeHTTP(w, r)
				if strings.Contains(w.Body.String(), "SALARIES") {
					leads++
				}
			}
		}
	}
	require.Greater(t, leads, 20, "few of them lead to the file without a guard")
}

// An id may hold an encoded slash, dot or percent sign. It is the value of the
// wildcard, of the pattern as the path was sent, and needs what that needs.
func TestEncodedIDs(t *testing.T) {
	t.Parallel()
	mux, _ := newMux(t)
	deals := rbachttp.NeedsScope(rbac.Deals, rbac.Read)
	mux.HandleFunc("GET /deals/{id}", deals, echo)
	mux.HandleFunc("GET /deals/{id}/notes", deals, echo)
	mux.HandleFunc("GET /deals/{id}/audit", rbachttp.Needs(rbac.Audit, rbac.Read), echo)
	mux.HandleFunc("POST /deals/{id}/close", rbachttp.Needs(rbac.Deals, rbac.Manage), echo)
	mux.HandleFunc("GET /deals/{id}/tasks", rbachttp.NeedsScope(rbac.Tasks, rbac.Manage), echo)
	mux.HandleFunc("GET /deals/{id}/{rest...}", rbachttp.Member(), echo)
	mux.HandleFunc("GET /links/{id}", rbachttp.Public("a test"), func(w http.ResponseWriter, r *http.Request) {
		_, signedIn := rbac.FromContext(r.Context())
		require.False(t, signedIn)
		echo(w, r)
	})
	for _, test := range []struct {
		path, user string
		status     int
		body       string // of a 200
	}{
		{"/deals/a%2Fb", "sal", 200, "GET /deals/{id} id=a/b rest="},
		{"/deals/a%2Fb", "gus", 403, ""},
		{"/deals/a%2Fb", "", 401, ""},
		{"/deals/100%25", "sal", 200, "GET /deals/{id} id=100% rest="},
		{"/deals/100%25zz", "sal", 200, "GET /deals/{id} id=100%zz rest="},
		{"/deals/a%252Fb", "sal", 200, "GET /deals/{id} id=a%2Fb rest="},
		{"/deals/a%3Bb;c", "sal", 200, "GET /deals/{id} id=a;b;c rest="},
		{"/deals/a%5Cb", "sal", 200, `GET /deals/{id} id=a\b rest=`},
		{"/deals/%C3%BC%20(1)", "sal", 200, "GET /deals/{id} id=ü (1) rest="},
		{"/deals/%c3%bc", "sal", 200, "GET /deals/{id} id=ü rest="},
		{"/deals/a%2Fnotes", "sal", 200, "GET /deals/{id} id=a/notes rest="},

		// What another route shows of the same path needs that, too.
		{"/deals/a%2Faudit", "sal", 403, ""},
		{"/deals/a%2Faudit", "ada", 200, "GET /deals/{id} id=a/audit rest="},
		{"/deals/a%252Faudit", "sal", 403, ""},
		{"/deals/a%2Faudit%2F..", "sal", 200, "GET /deals/{id} id=a/audit/.. rest="},
		{"/deals/a/%2e%2e/b/audit", "sal", 403, ""},
		{"/deals/a/%2e%2e/b/audit", "ada", 200, "GET /deals/{id}/{rest...} id=a rest=../b/audit"},
		// This handler does not look at the scope of tasks: own ones are not enough.
		{"/deals/a%2Ftasks", "sal", 403, ""},
		{"/deals/a/tasks", "sal", 200, "GET /deals/{id}/tasks id=a rest="},
		{"/deals/a%2Ftasks", "ada", 200, "GET /deals/{id} id=a/tasks rest="},

		{"/links/https%3A%2F%2Fcrm.example%2Fa%3Fq%3D%2520b%3Bc%26d=%252F..", "", 200, "GET /links/{id} id=https://crm.example/a?q=%20b;c&d=%2F.. rest="},
		{"/links/..%2Fdeals%2Fa%2Faudit", "", 401, ""},
		{"/links/..%2Fdeals%2Fa%2Faudit", "sal", 403, ""},
		{"/links/..%2Fdeals%2Fa%2Faudit", "ada", 200, "GET /links/{id} id=../deals/a/audit rest="},
		{"/links/..%2Fnowhere", "", 200, "GET /links/{id} id=../nowhere rest="},
	} {
		got := record(mux, "GET", test.path, test.user)
		require.Equal(t, test.status, got.Code, "%s by %q", test.path, test.user)
		if test.status == 200 {
			require.Equal(t, test.body, got.Body.String(), "%s by %q", test.path, test.user)
		}
	}

	// A path that is there for other methods only needs what they need.
	mux, _ = newMux(t)
	mux.HandleFunc("GET /proxy/{rest...}", rbachttp.Public("a test"), echo)
	mux.HandleFunc("POST /admin", rbachttp.Needs(rbac.Users, rbac.Manage), echo)
	mux.HandleFunc("DELETE /admin", rbachttp.Needs(rbac.Audit, rbac.Read), echo)
	require.Equal(t, 200, record(mux, "GET", "/proxy/x%2Fy", "").Code)
	require.Equal(t, 401, record(mux, "GET", "/proxy/..%2Fadmin", "").Code)
	require.Equal(t, 403, record(mux, "HEAD", "/proxy/..%2Fadmin", "sal").Code)
	require.Equal(t, 200, record(mux, "GET", "/proxy/..%2Fadmin", "ada").Code)
	require.Equal(t, 405, record(mux, "POST", "/proxy/..%2Fadmin", "ada").Code)
}

// Reading a path is bounded: one with too many readings is one that no route
// has.
func TestTooManyReadings(t *testing.T) {
	t.Parallel()
	logger, log := newLog()
	mux, _ := newMux(t, rbachttp.WithLogger(logger))
	mux.HandleFunc("/files/", rbachttp.Public("a test"), hello)
	for _, path := range []string{
		"/files/%" + strings.Repeat("25", 1000) + "2e",
		"/files/%" + strings.Repeat("25", 100_000) + "2e",
		"/files/" + strings.Repeat("a/", 1000) + strings.Repeat("%2e%2e/", 1000),
		"/files/" + strings.Repeat("a/", 200_000) + strings.Repeat("%2e%2e/", 50_000),
		"/files/" + strings.Repeat("%5c%2f;%00%252e", 30_000),
	} {
		r := httptest.NewRequest("GET", path, nil)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		require.Equal(t, 404, w.Code, "%.40s", path)
		require.Contains(t, w.Body.String(), `"code":"not-found"`)
		require.Equal(t, `level=DEBUG msg="rbachttp: a path with too many readings" method=GET pattern=/files/`+"\n", log.take())
	}
	require.Equal(t, 200, record(mux, "GET", "/files/"+strings.Repeat("%25", 1000)+"2e", "").Code)
	require.Equal(t, 200, record(mux, "GET", "/files/"+strings.Repeat("%2F%2e%3b", 100), "").Code)
	require.Equal(t, 200, record(mux, "GET", "/files/"+strings.Repeat("a", 100_000), "").Code, "a long path with one reading")
}
