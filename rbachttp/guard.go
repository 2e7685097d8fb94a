package rbachttp

import (
	"net/http"

	"github.com/areagate/rbac"
)

// Guard lets requests through to handlers, or answers them itself. Get one
// from [New]. All methods are safe for concurrent use.
type Guard struct {
	options  options
	identify Identify
	az       *rbac.Authorizer // nil for one fixed workspace
	own      *rbac.Workspace  // of callers who are in no other
	areas    catalogue
}

// New returns a guard for the workspaces of an Authorizer. A caller is in the
// default workspace unless [Caller.In] says otherwise.
func New(az *rbac.Authorizer, identify Identify, opts ...Option) *Guard {
	if az == nil {
		panic("rbachttp: nil Authorizer")
	}
	g := newGuard(az.Workspace, identify, opts)
	g.az = az
	return g
}

// NewForWorkspace returns a guard for one workspace. Callers are in it; one
// whom Identify puts into another workspace is denied, and logged as a Warn.
func NewForWorkspace(w *rbac.Workspace, identify Identify, opts ...Option) *Guard {
	if w == nil {
		panic("rbachttp: nil Workspace")
	}
	return newGuard(w, identify, opts)
}

func newGuard(own *rbac.Workspace, identify Identify, opts []Option) *Guard {
	if identify == nil {
		panic("rbachttp: nil Identify")
	}
	g := &Guard{options: newOptions(opts), identify: identify, own: own, areas: catalogue{}}
	for _, info := range own.Areas() {
		g.areas[info.Area] = info
	}
	return g
}

// Require returns middleware that lets a request through if its caller meets
// a requirement. The handler finds the caller's Subject in the request's
// context, with [rbac.FromContext].
//
// Middleware of one guard can be nested: the caller is found out and resolved
// once, and each requirement has to be met. The inner one judges by the Subject
// in the context, so what something between the two took from it with
// [rbac.Subject.Limit] stays taken. If that Subject is zero, or not of the
// user, the workspace and the Authorizer that the outer one resolved, the
// request is denied and logged as a Warn.
//
// Guards that are not the same find out their callers each for itself, and the
// handler finds the Subject of the innermost one. A change of the Subject
// between them is judged likewise, and a limit also holds at every guard
// further in that resolves the same user, workspace and Authorizer, whoever is
// between. A guard that found a key ([Caller.Key]) limits by it further in, too,
// whatever Subject it meets there. Behind a guard with another caller the outer guard denies: it does
// not go back to its own. A guard takes nothing from a context in which no
// guard has been.
//
// It panics if the requirement is zero, or asks for an area that the
// Authorizer does not have, under a former name too, for an action that the area
// has not, or for the scope in an area whose records have no owners; the
// middleware panics if the handler is nil.
func (g *Guard) Require(need Requirement) func(http.Handler) http.Handler {
	need.check(g.areas)
	scopes := need.scopes()
	return func(next http.Handler) http.Handler {
		if isNil(next) {
			panic("rbachttp: nil handler")
		}
		if need.kind == kindPublic {
			return next
		}
		return &guarded{guard: g, need: need, scopes: scopes, next: next}
	}
}

// isNil also finds a nil http.HandlerFunc, which is not a nil http.Handler.
func isNil(h http.Handler) bool {
	f, ok := h.(http.HandlerFunc)
	return h == nil || ok && f == nil
}

// guarded is a handler behind a requirement.
type guarded struct {
	guard  *Guard
	need   Requirement
	scopes []permissionKey
	next   http.Handler
}

func (h *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g := h.guard
	v, known, ok := g.visit(w, r)
	if !ok {
		return // answered
	}
	if reach, denied := h.need.decide(subjectStanding{v.subject}, enough); reach == rbac.None {
		g.deny(w, r, v.subject, h.need, denied)
		return
	}
	switch {
	case len(h.scopes) > 0:
		h.watch(w, r, v)
	case known:
		outer := innermost(r.Context())
		outer.enter(h)
		defer outer.leave(h)
		h.next.ServeHTTP(w, r)
	default:
		h.next.ServeHTTP(w, r.WithContext(v.context(r.Context(), h)))
	}
}
