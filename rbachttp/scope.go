package rbachttp

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/areagate/rbac"
)

// Reach returns the records that an action reaches for the caller of a request:
// what a handler behind [NeedsScope] filters by. Without a Subject in the context
// it is nothing.
func Reach(ctx context.Context, area rbac.Area, action rbac.Action) rbac.Reach {
	s, _ := rbac.FromContext(ctx)
	return s.Reach(area, action)
}

// watch runs the handler and reports it if it did not look at the scopes of
// its requirement.
func (h *guarded) watch(w http.ResponseWriter, r *http.Request, v visit) {
	seen := &watched{statusWriter: statusWriter{ResponseWriter: w}}
	seen.looks.of(h.scopes)
	v.given = v.given.Observe(seen.record)
	r = r.WithContext(v.context(r.Context(), h))
	h.next.ServeHTTP(seen.keep(), r)

	gone := seen.status == 0 && r.Context().Err() != nil
	if seen.hijacked || seen.status >= 400 || gone || seen.all() {
		return
	}
	// This asks without telling an observer.
	s := holder{user: true, member: v.subject.Active(), permissions: v.subject.Permissions()}
	for _, need := range seen.unused(h.need, s) {
		h.guard.options.unusedScope(r, need)
	}
}

// watched is what is remembered of a handler's run.
type watched struct {
	statusWriter
	looks
}

// looks remembers which scopes a handler has looked at.
type looks struct {
	scopes []permissionKey
	looked []atomic.Bool
	few    [2]atomic.Bool // nearly always enough
}

func (l *looks) of(scopes []permissionKey) {
	l.scopes, l.looked = scopes, l.few[:]
	if len(scopes) > len(l.few) {
		l.looked = make([]atomic.Bool, len(scopes))
	}
}

// record may be called by several goroutines of the handler.
func (l *looks) record(d rbac.Decision) {
	if i := slices.Index(l.scopes, permissionKey{d.Area, d.Action}); i >= 0 {
		l.looked[i].Store(true)
	}
}

func (l *looks) at(area rbac.Area, action rbac.Action) bool {
	return l.looked[slices.Index(l.scopes, permissionKey{area, action})].Load()
}

// all reports whether the handler has looked at everything there is.
func (l *looks) all() bool {
	for i := range l.scopes {
		if !l.looked[i].Load() {
			return false
		}
	}
	return true
}

// unused returns the parts of a requirement, which somebody meets, that the
// looks do not justify: those that would not be met if only what was looked at
// counted.
func (l *looks) unused(n Requirement, s holder) []Requirement {
	if n.kind == kindAllOf {
		var unused []Requirement
		for _, part := range n.parts {
			unused = append(unused, l.unused(part, s)...)
		}
		return unused
	}
	if n.reach(lookedAt{s, l}) == rbac.None {
		return []Requirement{n}
	}
	return nil
}

// lookedAt is a holder of no scopes but those that were looked at.
type lookedAt struct {
	holder
	*looks
}

func (s lookedAt) explain(n Requirement) rbac.Decision {
	if n.kind == kindNeedsScope && !s.at(n.area, n.action) {
		return rbac.Decision{}
	}
	return s.holder.explain(n)
}
