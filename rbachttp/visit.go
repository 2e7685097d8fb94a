package rbachttp

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/areagate/rbac"
)

// visit is one request at one guard.
type visit struct {
	resolved
	given rbac.Subject // what the handler finds in the context
}

// resolved is the caller of a visit.
type resolved struct {
	guard     *Guard
	caller    Caller
	workspace *rbac.Workspace // that resolved the Subject
	subject   rbac.Subject    // for the guard's own checks, which are no look at the scope
	changed   rbac.Subject    // what came of the Subject of the guard outside; zero if nothing did
}

// is reports whether a Subject is of this caller.
func (c resolved) is(s rbac.Subject) bool {
	return s.Of(c.workspace) && s.User() == c.subject.User()
}

// visitContext carries the caller of a visit, under the key of its guard and
// as the innermost one of all guards, and in the context within it the Subject
// that the handler was given. It also knows the handlers that the caller is behind,
// for [Stream]: further in, a guard that knows the caller adds to them and makes no
// context of its own. Whoever lets two handlers serve one request at once, behind
// one guard, has streams that need what both need.
type visitContext struct {
	context.Context
	resolved

	mu     sync.Mutex
	behind []*guarded
	few    [2]*guarded // nearly always enough
}

func (c *visitContext) enter(h *guarded) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.behind == nil {
		c.behind = c.few[:0]
	}
	c.behind = append(c.behind, h)
}

func (c *visitContext) leave(h *guarded) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.behind, h)
	c.behind = slices.Delete(c.behind, i, i+1)
}

func (c *visitContext) all() []*guarded {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.behind)
}

type innermostKey struct{}

func (c *visitContext) Value(key any) any {
	if key == any(c.guard) || key == any(innermostKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// context returns the context of a handler that the visit leads to.
func (v visit) context(parent context.Context, h *guarded) context.Context {
	c := &visitContext{Context: rbac.NewContext(parent, v.given), resolved: v.resolved}
	c.enter(h)
	return c
}

// innermost returns the visit of the guard that is next outside, nil if there
// is none.
func innermost(ctx context.Context) *visitContext {
	c, _ := ctx.Value(innermostKey{}).(*visitContext)
	return c
}

// visit finds out who makes a request, or answers it and returns false. It is
// known if the request's context has it already.
func (g *Guard) visit(w http.ResponseWriter, r *http.Request) (v visit, known, ok bool) {
	outer := innermost(r.Context())
	if outer == nil {
		v, ok = g.resolve(w, r, rbac.Subject{})
		return v, false, ok
	}
	current, _ := rbac.FromContext(r.Context())
	given, _ := rbac.FromContext(outer.Context)
	var changed rbac.Subject
	if current != given { // with a limit, for instance
		if !outer.is(current) {
			g.denyChanged(w, r, given, current)
			return v, false, false
		}
		changed = current
	}
	mine, found := r.Context().Value(g).(*visitContext)
	switch {
	case !found:
		v, ok = g.resolve(w, r, changed)
		return v, false, ok
	case !mine.is(current): // a guard in between has another caller
		g.denyChanged(w, r, mine.subject, current)
		return v, false, false
	case current != given:
		return mine.again(current, current, changed), false, true
	case mine != outer:
		return mine.again(outer.subject, current, changed), false, true
	}
	return visit{mine.resolved, current}, true, true
}

// again returns the visit further in of a caller whose Subject has become another
// one. The key that they came by stays.
func (c resolved) again(subject, given, changed rbac.Subject) visit {
	c.subject, c.changed = subject, changed
	if c.caller.key {
		c.subject, given = subject.Limit(c.caller.most), given.Limit(c.caller.most)
	}
	return visit{c, given}
}

// resolve identifies the caller and resolves the Subject, or answers and
// returns false. If a Subject of the caller was changed on the way here, from
// guard to guard, it is what is left of that.
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
	workspace := g.workspaceOf(caller)
	if workspace == nil {
		g.denyElsewhere(w, r, caller)
		return v, false
	}
	s, err := workspace.Subject(r.Context(), caller.user)
	if err != nil {
		g.fail(w, r, "rbachttp: no safe answer is available", err)
		return v, false
	}
	c := resolved{g, caller, workspace, s, changed}
	left := changed
	for outer := innermost(r.Context()); outer != nil && !c.is(left); outer = innermost(outer.Context) {
		left = outer.changed
	}
	if c.is(left) {
		c.subject = left
	}
	if caller.key {
		c.subject = c.subject.Limit(caller.most)
	}
	return visit{c, c.subject}, true
}

// workspaceOf returns the workspace that a caller is in, nil for one whom the
// guard does not serve there: it has one workspace, and a key has another.
func (g *Guard) workspaceOf(c Caller) *rbac.Workspace {
	id := g.own.ID()
	switch {
	case c.elsewhere:
		id = c.workspace
	case c.key:
		id = c.home
	}
	switch {
	case c.key && (c.homeless || id != c.home):
		return nil
	case id == g.own.ID():
		return g.own
	case g.az == nil:
		return nil
	}
	return g.az.For(id)
}
