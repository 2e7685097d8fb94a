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

// begin notes the status of an answer that begins without WriteHeader.
func (w *statusWriter) begin() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// The optional parts of a ResponseWriter, each of which a handler may ask for
// with a type assertion.
type (
	flushPart  struct{ w *statusWriter }
	hijackPart struct{ w *statusWriter }
	readPart   struct{ w *statusWriter }
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

// ReadFrom keeps sendfile, which the server uses for files.
func (p readPart) ReadFrom(src io.Reader) (int64, error) {
	p.w.begin()
	return p.w.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
}

// keep returns w with those of Flusher, Hijacker and ReaderFrom that the
// writer within it has, and no others: a handler that asks must get the same
// answer as without the guard. What it does not keep is http.Pusher, which is
// out of use, and http.CloseNotifier, which is deprecated.
func (w *statusWriter) keep() http.ResponseWriter {
	flush, hijack, read := flushPart{w}, hijackPart{w}, readPart{w}
	_, reads := w.ResponseWriter.(io.ReaderFrom)
	switch [3]bool{canFlush(w.ResponseWriter), canHijack(w.ResponseWriter), reads} {
	case [3]bool{true, true, true}:
		return struct {
			*statusWriter
			flushPart
			hijackPart
			readPart
		}{w, flush, hijack, read}
	case [3]bool{true, true, false}:
		return struct {
			*statusWriter
			flushPart
			hijackPart
		}{w, flush, hijack}
	case [3]bool{true, false, true}:
		return struct {
			*statusWriter
			flushPart
			readPart
		}{w, flush, read}
	case [3]bool{true, false, false}:
		return struct {
			*statusWriter
			flushPart
		}{w, flush}
	case [3]bool{false, true, true}:
		return struct {
			*statusWriter
			hijackPart
			readPart
		}{w, hijack, read}
	case [3]bool{false, true, false}:
		return struct {
			*statusWriter
			hijackPart
		}{w, hijack}
	case [3]bool{false, false, true}:
		return struct {
			*statusWriter
			readPart
		}{w, read}
	}
	return w
}

// canFlush and canHijack look through writers that unwrap, as
// [http.ResponseController] does.
func canFlush(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case http.Flusher, interface{ FlushError() error }:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}

func canHijack(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case http.Hijacker:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}
