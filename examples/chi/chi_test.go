package chi_test

import (
	"net/http"
	"testing"
	"testing/fstest"

	router "github.com/go-chi/chi/v5"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/examples/chi"
	"github.com/areagate/rbac/examples/internal/routertest"
	"github.com/areagate/rbac/rbachttp"
)

func TestRouter(t *testing.T) {
	routertest.Run(t, chi.NewRouter(routertest.NewGuard(t)))
}

// chi does not clean paths, and a file server does. With the guard's own mux
// below chi, what is in hr needs more, however its path is written.
func TestMuxBelowTheRouter(t *testing.T) {
	guard := routertest.NewGuard(t)
	files := http.FileServerFS(fstest.MapFS{"files/hr/pay.csv": {Data: []byte("SALARIES")}, "files/menu.txt": {Data: []byte("soup")}})
	mux := guard.Mux()
	mux.Handle("/files/", rbachttp.Member(), files)
	mux.Handle("/files/hr/", rbachttp.Needs(rbac.Audit, rbac.Read), files)
	r := router.NewRouter()
	r.Mount("/", mux)
	if a := routertest.Ask(t, r, "bob", "/files/menu.txt"); a.Body.String() != "soup" {
		t.Errorf("got %d %s", a.Code, a.Body)
	}
	for _, path := range []string{"/files/hr/pay.csv", "/files/hr%2Fpay.csv", "/files/%2e/hr/pay.csv", "/files/x/%2e%2e/hr/pay.csv"} {
		if a := routertest.Ask(t, r, "bob", path); a.Code != 403 {
			t.Errorf("%s: got %d %s", path, a.Code, a.Body)
		}
		if a := routertest.Ask(t, r, "ada", path); a.Body.String() != "SALARIES" {
			t.Errorf("%s: got %d %s", path, a.Code, a.Body)
		}
	}
}

func TestHandlersDoNotRunWhenRefused(t *testing.T) {
	guard := routertest.NewGuard(t)
	ran := 0
	r := router.NewRouter()
	r.Use(guard.Require(rbachttp.Needs(rbac.Audit, rbac.Read)))
	r.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ran++; next.ServeHTTP(w, r) })
	})
	r.Get("/", func(http.ResponseWriter, *http.Request) { ran++ })
	for user, want := range map[string]int{"": 0, "bob": 0, "eve": 0, "down": 0, "ada": 2} {
		ran = 0
		if routertest.Ask(t, r, user, "/"); ran != want {
			t.Errorf("for %q %d handlers ran, want %d", user, ran, want)
		}
	}
}

// chi leaves the path as it is below a mount.
func TestRoleEditor(t *testing.T) {
	r := router.NewRouter()
	r.Mount("/settings/access", routertest.Editor(t))
	routertest.Visit(t, r, "/settings/access")
}
