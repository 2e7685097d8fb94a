package rbachttp_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// A body that is not the JSON that it should be is the client's mistake: 400,
// and nothing that wakes anybody. What only looks like one is not.
func TestWriteErrorOfBodies(t *testing.T) {
	t.Parallel()
	logger, log := newLog()
	mux, guard := newMux(t, rbachttp.WithLogger(logger))
	mux.HandleFunc("POST /deals", rbachttp.Member(), func(w http.ResponseWriter, r *http.Request) {
		var deal struct{ Value int }
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 20)).Decode(&deal); err != nil {
			guard.WriteError(w, r, err)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	const malformed = `{"type":"about:blank","title":"Bad Request","status":400,"code":"malformed","detail":"The body is not the JSON that is expected."}` + "\n"
	const tooLarge = `{"type":"about:blank","title":"Request Entity Too Large","status":413,"code":"too-large","detail":"The body is too large."}` + "\n"
	for body, want := range map[string]string{
		"":                               malformed,
		" ":                              malformed,
		`{"value":`:                      malformed,
		`{"value": 1`:                    malformed,
		`{value: 1}`:                     malformed,
		`{"value": "1"}`:                 malformed,
		`[]`:                             malformed,
		"\x00":                           malformed,
		`{"value":                   1}`: tooLarge,
		strings.Repeat("[", 1000):        tooLarge,
		`{"value": 1}`:                   "",
	} {
		r := httptest.NewRequest("POST", "/deals", strings.NewReader(body))
		r.Header.Set("Test-User", "sal")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		require.Equal(t, want, w.Body.String(), "%q", body)
		if want != "" {
			require.Regexp(t, `^level=DEBUG msg="rbachttp: answered with an error" .* status=4\d\d error=.*\n$`, log.take(), "%q", body)
		}
	}

	var syntax error = json.Unmarshal([]byte("{"), &struct{}{})
	require.Error(t, syntax)
	for _, test := range []struct {
		err  error
		want int
	}{
		{syntax, 400},
		{fmt.Errorf("decode the body: %w", syntax), 400},
		{io.EOF, 400},
		{io.ErrUnexpectedEOF, 400},
		{&http.MaxBytesError{Limit: 1}, 413},
		{fmt.Errorf("read the body: %w", &http.MaxBytesError{Limit: 1}), 413},
		// A connection to a database ends like this, and is no body.
		{fmt.Errorf("query: %w", io.EOF), 500},
		{fmt.Errorf("query: %w", io.ErrUnexpectedEOF), 500},
		{io.ErrClosedPipe, 500},
		// What a store cannot read or tell comes from there.
		{fmt.Errorf("%w: %w", rbac.ErrMalformed, syntax), 500},
		{fmt.Errorf("%w: %w", rbac.ErrOutcomeUnknown, io.EOF), 500},
		{fmt.Errorf("%w: %w", rbac.ErrUnavailable, syntax), 503},
		{&json.InvalidUnmarshalError{}, 500}, // a mistake of the program
	} {
		w := httptest.NewRecorder()
		guard.WriteError(w, httptest.NewRequest("POST", "/", nil), test.err)
		require.Equal(t, test.want, w.Code, "%v", test.err)
		require.Equal(t, test.want >= 500, strings.Contains(log.take(), "level=ERROR"), "%v", test.err)
	}
}
