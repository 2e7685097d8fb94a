package rbachttp

import (
	"context"
	"net/http"

	"github.com/areagate/rbac"
)

// visit is one request at one guard.
type visit struct {
	guard     *Guard
	workspace *rbac.Workspace // that resolved the Subject
	subject   rbac.Subject    // for the guard's own checks, which are no look at the scope
	given     rbac.Subject    // what the handler finds in the context
}

// is reports whether a Subject is of the visit's caller.
func (v visit) is(s rbac.Subject) bool {
	return s.Of(v.workspace) && s.User() == v.given.User()
}

// visitContext carries a visit, under the key of its guard and as the
// innermost one of all guards, and its Subject.
type visitContext struct {
	context.Context
	visit
}

type innermostKey struct{}

func (c *visitContext) Value(key any) any {
	if key == any(c.guard) || key == any(innermostKey{}) {
		return c
	}
	return c.Context.Value(key)
}

func (v visit) context(parent context.Context) context.Context {
	return &visitContext{rbac.NewContext(parent, v.given), v}
}

// visit finds out who makes a request, or answers it and returns false. It is
// known if the request's context has it already.
func (g *Guard) visit(w http.ResponseWriter, r *http.Request) (v visit, known, ok bool) {
	innermost, found := r.Context().Value(innermostKey{}).(*visitContext)
	if !found {
		v, ok = g.resolve(w, r, rbac.Subject{})
		return v, false, ok
	}
	current, _ := rbac.FromContext(r.Context())
	changed := current != innermost.given // with a limit, for instance
	if changed && !innermost.is(current) {
		g.denyChanged(w, r, innermost.given, current)
		return v, false, false
	}
	mine, found := r.Context().Value(g).(*visitContext)
	switch {
	case !found && changed:
		v, ok = g.resolve(w, r, current)
		return v, false, ok
	case !found:
		v, ok = g.resolve(w, r, rbac.Subject{})
		return v, false, ok
	case !mine.is(current): // a guard in between has another caller
		g.denyChanged(w, r, mine.given, current)
		return v, false, false
	case changed:
		return visit{g, mine.workspace, current, current}, false, true
	}
	return visit{g, mine.workspace, innermost.subject, current}, mine == innermost, true
}

// resolve identifies the caller and resolves the Subject, or answers and
// returns false. If it is one that changed since another guard resolved it, it
// is what is left of that.
func (g *Guard) resolve(w http.ResponseWriter, r *http.Request, changed rbac.Subject) (v visit, ok bool) {
	caller, err := g.identify(r)
	if err != nil {
		g.fail(w, r, "rbachttp: could not find out who calls", err)
		return v, false
	}
	if caller.user == "" {
		g.unauthenticated(w, r)
		return v, false
	}
	workspace := g.own
	if caller.elsewhere && caller.workspace != g.own.ID() {
		if g.az == nil {
			g.denyElsewhere(w, r, caller)
			return v, false
		}
		workspace = g.az.For(caller.workspace)
	}
	s, err := workspace.Subject(r.Context(), caller.user)
	if err != nil {
		g.fail(w, r, "rbachttp: no safe answer is available", err)
		return v, false
	}
	if changed.Of(workspace) && changed.User() == caller.user {
		s = changed
	}
	if caller.limited {
		s = s.Limit(caller.limit)
	}
	return visit{g, workspace, s, s}, true
}
