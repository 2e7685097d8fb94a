package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
)

// Once a change of a role is acknowledged, no request that begins later gets
// an answer of before.
func TestChangesHoldOnceAcknowledged(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		c.put(deals, "theirs", otherRep)
		c.put(deals, "mates", teamLead)
		tokens := []string{c.token(salesRep), c.token(teammate)}
		role := c.role(t, "Sales representative")
		path := "/admin/roles/" + string(role.ID)

		var changes watchedScope
		changes.begin(rbac.Own) // deals are read like this
		changes.acknowledge()

		done := make(chan struct{})
		var asked atomic.Int64
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					right := changes.watch()
					shown := shownScope(c.with(tokens[i%2], "GET", "/deals", nil))
					if scopes := right(); !slices.Contains(scopes, shown) {
						t.Errorf("the list showed %s, right was one of %s", shown, scopes)
					}
					asked.Add(1)
				}
			})
		}
		n := max(long.Scale(60), 20)
		for i := range n {
			scope := rbac.Scope((i + 2) % 4)
			role.Permissions[rbac.Deals] = rbac.Access{Read: scope}
			changes.begin(scope)
			saved := c.as(administrator, "PUT", path, role)
			changes.acknowledge()
			saved.decode(t, http.StatusOK, &role)
			if shown := shownScope(c.as(salesRep, "GET", "/deals", nil)); shown != scope {
				t.Errorf("after the change to %s the list showed %s", scope, shown)
			}
		}
		close(done)
		wg.Wait()
		if asked.Load() < int64(n) {
			t.Errorf("only %d lists were asked for", asked.Load())
		}
	})
}

func shownScope(a answer) rbac.Scope {
	switch {
	case a.status == http.StatusForbidden:
		return rbac.None
	case strings.Contains(a.body, `"theirs"`):
		return rbac.All
	case strings.Contains(a.body, `"mates"`):
		return rbac.Team
	}
	return rbac.Own
}

// watchedScope is a scope that is being changed.
type watchedScope struct {
	mu           sync.Mutex
	begun        []rbac.Scope // every change, in order
	acknowledged int          // the last of them that is
}

func (w *watchedScope) begin(scope rbac.Scope) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = append(w.begun, scope)
}

func (w *watchedScope) acknowledge() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acknowledged = len(w.begun) - 1
}

// watch begins a request. The function that it returns tells, when the answer
// is there, the scopes that are right: the one that was acknowledged last
// before the request, and those to which it was changed since.
func (w *watchedScope) watch() (right func() []rbac.Scope) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := w.acknowledged
	return func() []rbac.Scope {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.Clone(w.begun[first:])
	}
}
