package rbachttp

import (
	"context"
	"net/http"

	"github.com/areagate/rbac"
)

// visit is one request at one guard.
type visit struct {
	guard   *Guard
	subject rbac.Subject // for the guard's own checks, which are no look at the scope
	given   rbac.Subject // what the handler finds in the context
}

// visitContext carries a visit, under the key of its guard, and its Subject.
type visitContext struct {
	context.Context
	visit
}

func (c *visitContext) Value(key any) any {
	if key == any(c.guard) {
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
	if c, found := r.Context().Value(g).(*visitContext); found {
		current, _ := rbac.FromContext(r.Context())
		switch v = c.visit; {
		case current == v.given:
			return v, true, true
		case current.User() == v.given.User() && current.Workspace() == v.given.Workspace():
			v.subject, v.given = current, current // with a limit, for instance
		}
		return v, false, true // else it is what another guard put there
	}
	subject, ok := g.resolve(w, r)
	return visit{g, subject, subject}, false, ok
}

// resolve identifies the caller and resolves the Subject, or answers and
// returns false.
func (g *Guard) resolve(w http.ResponseWriter, r *http.Request) (s rbac.Subject, ok bool) {
	caller, err := g.identify(r)
	if err != nil {
		g.fail(w, r, "rbachttp: could not find out who calls", err)
		return s, false
	}
	if caller.user == "" {
		g.unauthenticated(w, r)
		return s, false
	}
	workspace := g.own
	if caller.elsewhere && caller.workspace != g.own.ID() {
		if g.az == nil {
			g.denyElsewhere(w, r, caller)
			return s, false
		}
		workspace = g.az.For(caller.workspace)
	}
	s, err = workspace.Subject(r.Context(), caller.user)
	if err != nil {
		g.fail(w, r, "rbachttp: no safe answer is available", err)
		return s, false
	}
	if caller.limited {
		s = s.Limit(caller.limit)
	}
	return s, true
}
