package rbachttp

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// statusWriter remembers the status of an answer, and nothing else.
type statusWriter struct {
	http.ResponseWriter
	status   int // 0 until the handler answers
	hijacked bool
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// WriteString saves a copy where the server can write strings.
func (w *statusWriter) WriteString(s string) (int, error) {
	w.begin()
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom keeps sendfile where the server has it, which it uses for files.
// Elsewhere it copies, as [io.Copy] would without it.
func (w *statusWriter) ReadFrom(src io.Reader) (int64, error) {
	w.begin()
	if inner, ok := w.ResponseWriter.(io.ReaderFrom); ok {
		return inner.ReadFrom(src)
	}
	return io.Copy(w.ResponseWriter, src)
}

// begin notes the status of an answer that begins without WriteHeader.
func (w *statusWriter) begin() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// The parts of a ResponseWriter for which a handler may ask with a type
// assertion, and which not every one has.
type (
	flushPart  struct{ w *statusWriter }
	hijackPart struct{ w *statusWriter }
)

func (p flushPart) Flush() { _ = p.FlushError() }

func (p flushPart) FlushError() error {
	p.w.begin()
	return http.NewResponseController(p.w.ResponseWriter).Flush()
}

func (p hijackPart) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(p.w.ResponseWriter).Hijack()
	if err == nil {
		p.w.hijacked = true
	}
	return conn, rw, err
}

// keep returns w with those of Flusher and Hijacker that the writer within it
// has, and no others: a handler that asks must get the same answer as without
// the guard. What it does not keep is http.Pusher, which is out of use, and
// http.CloseNotifier, which is deprecated.
func (w *statusWriter) keep() http.ResponseWriter {
	flush, hijack := flushPart{w}, hijackPart{w}
	flushes := has[http.Flusher](w.ResponseWriter) || has[interface{ FlushError() error }](w.ResponseWriter)
	hijacks := has[http.Hijacker](w.ResponseWriter)
	switch {
	case flushes && hijacks:
		return struct {
			*statusWriter
			flushPart
			hijackPart
		}{w, flush, hijack}
	case flushes:
		return struct {
			*statusWriter
			flushPart
		}{w, flush}
	case hijacks:
		return struct {
			*statusWriter
			hijackPart
		}{w, hijack}
	}
	return w
}

// has looks through writers that unwrap, as [http.ResponseController] does.
func has[Part any](w http.ResponseWriter) bool {
	for {
		if _, ok := w.(Part); ok {
			return true
		}
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = outer.Unwrap()
	}
}
