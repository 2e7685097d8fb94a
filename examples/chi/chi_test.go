package chi_test

import (
	"net/http"
	"testing"

	router "github.com/go-chi/chi/v5"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/examples/chi"
	"github.com/areagate/rbac/examples/internal/routertest"
	"github.com/areagate/rbac/rbachttp"
)

func TestRouter(t *testing.T) {
	routertest.Run(t, chi.NewRouter(routertest.NewGuard(t)))
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
