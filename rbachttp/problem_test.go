package rbachttp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac/rbachttp"
)

// An application's own problems are answered as the guard's own are.
func TestGuardWriteProblem(t *testing.T) {
	t.Parallel()
	az := openSalesTeam(t.Context())
	t.Cleanup(func() { _ = az.Close() })
	guard := rbachttp.New(az, bySession, rbachttp.WithAnswer(func(w http.ResponseWriter, r *http.Request, p rbachttp.Problem) {
		http.Error(w, "custom "+p.Code, p.Status)
	}))
	w := httptest.NewRecorder()
	guard.WriteProblem(w, httptest.NewRequest("GET", "/", nil), rbachttp.Problem{Status: 503, Code: "busy"})
	require.Equal(t, 503, w.Code)
	require.Equal(t, "custom busy\n", w.Body.String())
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.NotEmpty(t, w.Header().Get("Retry-After"))
}

// The default answer.
func TestWriteProblem(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	rbachttp.WriteProblem(w, httptest.NewRequest("GET", "/", nil), rbachttp.Problem{Status: 418, Code: "teapot", Detail: "<b>&"})
	require.Equal(t, 418, w.Code)
	body, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"about:blank","title":"I'm a teapot","status":418,"code":"teapot","detail":"<b>&"}`, string(body))
	require.NotContains(t, string(body), "<b>", "nothing that a browser could take for HTML")
}
