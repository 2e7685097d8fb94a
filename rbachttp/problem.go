package rbachttp

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/areagate/rbac"
)

// Problem is an answer that is no success. It says nothing about the server,
// the user or the role. As JSON it is an RFC 9457 problem: {"type":
// "about:blank","title":"Forbidden","status":403,"code":"denied"}.
type Problem struct {
	Status int    // the HTTP status, 400 to 599
	Code   string // for programs: "denied", "name-taken"; see docs/http.md
	Detail string // a sentence for people, the same for everybody; may be empty

	// Fields is what is wrong with the input, with status 422.
	Fields []rbac.FieldError

	// Missing lists tables of permissions, each of which would be enough. It
	// is empty but with [WithMissingPermissionsInBody], and there if they
	// would be more than 16.
	Missing []rbac.Permissions

	// Roles are the roles in the way: those that are not the caller's to give or
	// take, or whose lists have the role that is to be deleted. It is empty but
	// with [WithMissingPermissionsInBody].
	Roles []rbac.RoleID
}

type problemJSON struct {
	Type    string             `json:"type"`
	Title   string             `json:"title"`
	Status  int                `json:"status"`
	Code    string             `json:"code,omitempty"`
	Detail  string             `json:"detail,omitempty"`
	Fields  []rbac.FieldError  `json:"fields,omitempty"`
	Missing []rbac.Permissions `json:"missing,omitempty"`
	Roles   []rbac.RoleID      `json:"roles,omitempty"`
}

// MarshalJSON encodes p as RFC 9457 describes, with the extensions code,
// fields, missing and roles.
func (p Problem) MarshalJSON() ([]byte, error) {
	return json.Marshal(problemJSON{
		Type:   "about:blank", // the status says what kind of problem it is
		Title:  http.StatusText(p.Status),
		Status: p.Status, Code: p.Code, Detail: p.Detail,
		Fields: p.Fields, Missing: p.Missing, Roles: p.Roles,
	})
}

// WriteProblem answers with a problem as application/problem+json. It is the
// default of [WithAnswer]; an answer to a HEAD request gets no body.
func WriteProblem(w http.ResponseWriter, r *http.Request, p Problem) {
	body, err := json.Marshal(p)
	if err != nil { // permissions that cannot be encoded
		p.Missing = nil
		body, _ = json.Marshal(p)
	}
	writeBody(w, r, p.Status, "application/problem+json", append(body, '\n'))
}

// writeBody answers with a body, and to a HEAD request with its headers.
func writeBody(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client has gone
	}
}

// WriteProblem answers with a problem of the application's own as the guard
// answers with its own: by [WithAnswer], with the headers that belong to the
// status.
func (g *Guard) WriteProblem(w http.ResponseWriter, r *http.Request, p Problem) {
	h := w.Header()
	for _, name := range []string{"Content-Encoding", "Content-Length", "Content-Range", "Etag", "Last-Modified"} {
		h.Del(name) // of the answer that a handler had begun to prepare
	}
	h.Set("Cache-Control", "no-store")
	switch p.Status {
	case http.StatusUnauthorized:
		h["Www-Authenticate"] = append([]string(nil), g.options.challenges...)
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", g.options.retryAfter)
	}
	g.options.answer(w, r, p)
}

// NotFound answers with the 404 of a path that is no route of a [Mux], byte
// for byte: for a record that is not there and for one that the caller may
// not see.
func (g *Guard) NotFound(w http.ResponseWriter, r *http.Request) {
	g.WriteProblem(w, r, problemNotFound)
}

// The answers of the guard itself. They are the same for everybody.
var (
	problemUnauthenticated  = Problem{Status: http.StatusUnauthorized, Code: "unauthenticated"}
	problemDenied           = Problem{Status: http.StatusForbidden, Code: "denied"}
	problemNotFound         = Problem{Status: http.StatusNotFound, Code: "not-found"}
	problemMethodNotAllowed = Problem{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed"}
	problemInternal         = Problem{Status: http.StatusInternalServerError, Code: "internal"}
	problemUnavailable      = Problem{Status: http.StatusServiceUnavailable, Code: "unavailable"}

	problemCrossOrigin  = Problem{Status: http.StatusForbidden, Code: "cross-origin", Detail: "Another site sent this."}
	problemMediaType    = Problem{Status: http.StatusUnsupportedMediaType, Code: "media-type", Detail: "The body must be application/json."}
	problemMalformed    = Problem{Status: http.StatusBadRequest, Code: "malformed", Detail: "The body is not the JSON that is expected."}
	problemQuery        = Problem{Status: http.StatusBadRequest, Code: "malformed", Detail: "The query cannot be read."}
	problemUnread       = Problem{Status: http.StatusPreconditionRequired, Code: "precondition-required", Detail: "If-Match must have the ETag with which the role was read."}
	problemChangedSince = Problem{Status: http.StatusPreconditionFailed, Code: "conflict", Detail: "The role was changed in the meantime."}
)
