package rbachttp_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// plainWriter has nothing but what every ResponseWriter has.
type plainWriter struct{ http.ResponseWriter }

type (
	withFlush  struct{ called *string }
	withHijack struct{ called *string }
	withRead   struct{ called *string }
)

var errHijack = errors.New("hijacked by the test")

func (p withFlush) Flush() { *p.called += "flush " }
func (p withHijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	*p.called += "hijack "
	return nil, nil, errHijack
}
func (p withRead) ReadFrom(io.Reader) (int64, error) {
	*p.called += "read "
	return 42, nil
}

// writers are ResponseWriters with each choice of the optional parts.
func writers(called *string, recorder *httptest.ResponseRecorder) map[string]http.ResponseWriter {
	w := plainWriter{recorder}
	f, h, r := withFlush{called}, withHijack{called}, withRead{called}
	return map[string]http.ResponseWriter{
		"": w,
		"flush ": struct {
			plainWriter
			withFlush
		}{w, f},
		"hijack ": struct {
			plainWriter
			withHijack
		}{w, h},
		"read ": struct {
			plainWriter
			withRead
		}{w, r},
		"flush hijack ": struct {
			plainWriter
			withFlush
			withHijack
		}{w, f, h},
		"flush read ": struct {
			plainWriter
			withFlush
			withRead
		}{w, f, r},
		"hijack read ": struct {
			plainWriter
			withHijack
			withRead
		}{w, h, r},
		"flush hijack read ": struct {
			plainWriter
			withFlush
			withHijack
			withRead
		}{w, f, h, r},
	}
}

// unwrapping is a middleware's writer that shows what is in it by Unwrap only.
type unwrapping struct {
	w       http.ResponseWriter
	written string
}

func (u *unwrapping) Header() http.Header { return u.w.Header() }
func (u *unwrapping) Write(p []byte) (int, error) {
	u.written += string(p)
	return u.w.Write(p)
}
func (u *unwrapping) WriteHeader(status int)      { u.w.WriteHeader(status) }
func (u *unwrapping) Unwrap() http.ResponseWriter { return u.w }

// scoped calls a handler behind NeedsScope, where the guard wraps the writer.
func scoped(t *testing.T, w http.ResponseWriter, h http.HandlerFunc) {
	t.Helper()
	guard := rbachttp.New(newTeam(t).Authorizer, identify, rbachttp.WithLogger(quiet))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Test-User", "sal")
	guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))(h).ServeHTTP(w, r)
}

// A handler finds Flush and Hijack if the server's writer has them, and
// not otherwise, and ReadFrom always. They do what they do without the guard.
func TestWriterKeepsItsParts(t *testing.T) {
	t.Parallel()
	var called string
	body := httptest.NewRecorder()
	for want, w := range writers(&called, body) {
		called = ""
		body.Body.Reset()
		scoped(t, w, func(w http.ResponseWriter, r *http.Request) {
			f, flushes := w.(http.Flusher)
			h, hijacks := w.(http.Hijacker)
			require.Equal(t, strings.Contains(want, "flush"), flushes, want)
			require.Equal(t, strings.Contains(want, "hijack"), hijacks, want)
			if flushes {
				f.Flush()
			}
			if hijacks {
				_, _, err := h.Hijack()
				require.ErrorIs(t, err, errHijack)
			}
			n, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("x"))
			require.NoError(t, err)
			if strings.Contains(want, "read") {
				require.Equal(t, int64(42), n, "from the server's own")
			} else {
				require.Equal(t, int64(1), n, "copied")
				require.Equal(t, "x", body.Body.String())
			}
		})
		require.Equal(t, want, called)

		called = ""
		scoped(t, w, func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			require.Equal(t, strings.Contains(want, "flush"), !errors.Is(c.Flush(), http.ErrNotSupported))
			_, _, err := c.Hijack()
			require.Equal(t, strings.Contains(want, "hijack"), !errors.Is(err, http.ErrNotSupported))
			require.ErrorIs(t, c.SetReadDeadline(time.Time{}), http.ErrNotSupported)
		})
		require.Equal(t, strings.ReplaceAll(want, "read ", ""), called)

		// Through a writer between, flushing and hijacking are still found.
		called = ""
		between := &unwrapping{w: w}
		scoped(t, between, func(w http.ResponseWriter, r *http.Request) {
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			if h, ok := w.(http.Hijacker); ok {
				_, _, _ = h.Hijack()
			}
			n, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("x"))
			require.NoError(t, err)
			require.Equal(t, int64(1), n)
			require.Equal(t, "x", between.written, "the writer between is not left out")
		})
		require.Equal(t, strings.ReplaceAll(want, "read ", ""), called)
	}
}

// flushErrorWriter reports why it could not flush.
type flushErrorWriter struct{ http.ResponseWriter }

func (flushErrorWriter) FlushError() error { return errHijack }

func TestWriterKeepsTheErrorOfFlush(t *testing.T) {
	t.Parallel()
	scoped(t, flushErrorWriter{plainWriter{httptest.NewRecorder()}}, func(w http.ResponseWriter, r *http.Request) {
		require.ErrorIs(t, http.NewResponseController(w).Flush(), errHijack)
	})
}

// With a real server: streaming, deadlines, files and hijacking work behind
// NeedsScope as they do without a guard, for HTTP/1.1 and HTTP/2.
func TestWriterOnARealServer(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file.txt")
	content := strings.Repeat("0123456789", 100_000)
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	next := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		_, _ = io.WriteString(w, "first ")
		_ = c.Flush()
		<-next
		_, _ = w.Write([]byte("second"))
	})
	mux.HandleFunc("/deadline", func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		if c.SetReadDeadline(time.Now().Add(time.Minute)) == nil && c.SetWriteDeadline(time.Now().Add(time.Minute)) == nil {
			_, _ = io.WriteString(w, "set")
		}
	})
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, "no", http.StatusNotImplemented)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhijacked")
		_ = rw.Flush()
	})
	guard := rbachttp.New(newTeam(t).Authorizer, identify, rbachttp.WithLogger(quiet))
	guarded := guard.Require(rbachttp.NeedsScope(rbac.Deals, rbac.Read))(mux)
	for _, test := range []struct {
		proto  string
		server *httptest.Server
	}{
		{"HTTP/1.1", serve(t, guarded)},
		{"HTTP/2.0", serveHTTP2(t, guarded)},
	} {
		get := func(path string) *http.Response {
			r, err := http.NewRequestWithContext(t.Context(), "GET", test.server.URL+path, nil)
			require.NoError(t, err)
			r.Header.Set("Test-User", "sal")
			response, err := test.server.Client().Do(r)
			require.NoError(t, err)
			require.Equal(t, test.proto, response.Proto)
			return response
		}
		body := func(path string) string {
			response := get(path)
			defer response.Body.Close()
			all, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			return string(all)
		}
		stream := get("/stream")
		first := make([]byte, 6)
		_, err := io.ReadFull(stream.Body, first)
		require.NoError(t, err)
		require.Equal(t, "first ", string(first), "before the handler has ended")
		next <- struct{}{}
		rest, err := io.ReadAll(stream.Body)
		require.NoError(t, err)
		require.NoError(t, stream.Body.Close())
		require.Equal(t, "second", string(rest))

		require.Equal(t, "set", body("/deadline"), test.proto)
		require.Equal(t, content, body("/file"), test.proto)
		if test.proto == "HTTP/1.1" {
			require.Equal(t, "hijacked", body("/hijack"))
		} else {
			require.Equal(t, "no\n", body("/hijack"), "HTTP/2 has no hijacking")
		}
	}
}

func serveHTTP2(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}
