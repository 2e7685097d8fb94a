package rbachttp

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/areagate/rbac"
)

// permissionsJSON is the answer of Permissions.
type permissionsJSON struct {
	User        string           `json:"user"`
	Workspace   string           `json:"workspace"`
	Role        *roleJSON        `json:"role"`
	Permissions rbac.Permissions `json:"permissions"`
}

type roleJSON struct {
	ID   rbac.RoleID `json:"id"`
	Name string      `json:"name"`
}

// Permissions returns a handler that tells the caller what they may do, so
// that a front end can hide what is not allowed. The server still checks.
//
//	{"user":"bob","workspace":"","role":{"id":"…","name":"Sales"},
//	 "permissions":{"deals":{"read":"all","manage":"own"}}}
//
// Somebody who is not an active member gets role null and no permissions. A
// caller who is limited gets what the limit leaves.
//
// The handler guards itself with [SignedIn], and registered on a [Mux] it is
// not asked twice. It answers GET and HEAD. The ETag changes exactly when the
// answer does; a request that has it in If-None-Match gets 304.
func (g *Guard) Permissions() http.Handler {
	return g.Require(SignedIn())(http.HandlerFunc(g.servePermissions))
}

func (g *Guard) servePermissions(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		g.WriteProblem(w, r, problemMethodNotAllowed)
		return
	}
	s, _ := rbac.FromContext(r.Context())
	answer := permissionsJSON{User: s.User(), Workspace: s.Workspace(), Permissions: s.Permissions()}
	if s.Active() {
		answer.Role = &roleJSON{s.Role(), s.RoleName()}
	}
	body, err := json.Marshal(answer)
	if err != nil {
		g.WriteError(w, r, err)
		return
	}
	body = append(body, '\n')
	sum := sha256.Sum256(body)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`

	h := w.Header()
	h.Set("Etag", etag)
	h.Set("Cache-Control", "private, no-cache") // ask each time, with the ETag
	h.Add("Vary", "Authorization, Cookie")
	if noneMatch(r.Header.Values("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	writeBody(w, r, http.StatusOK, "application/json", body)
}
