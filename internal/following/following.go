// Package following is the scene of the tests that are about time: an instance
// that follows a store which does not tell it of changes, and another that
// makes them.
package following

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbactest"
)

// Following is an instance that follows a store from which notifications do
// not come, and another instance on the store itself. "ann" and "bob" are
// administrators, and the workspace is loaded.
type Following struct {
	Inner *rbac.MemStore
	Store fault.Notifier
	AZ    *rbac.Authorizer // on Store
	Other *rbac.Authorizer // on Inner
	Log   *workspacetest.Log

	began time.Time // when the workspace was loaded
	asked *asked
}

// New makes one in a bubble of synctest, with options for the instance that
// follows.
func New(t *testing.T, opts ...rbac.Option) *Following {
	t.Helper()
	f := &Following{Inner: rbac.NewMemStore(), Log: &workspacetest.Log{}}
	f.Other = workspacetest.Open(t, f.Inner)
	workspacetest.Assign(t, f.Other.Workspace, rbac.Administrator, "ann", "bob")
	f.asked = &asked{MemStore: f.Inner}
	f.Store = fault.NewNotifier(f.asked)
	f.Store.Set(fault.Blocks, rbactest.OpNotify)
	f.AZ = workspacetest.Open(t, f.Store, append([]rbac.Option{f.Log.Option()}, opts...)...)
	synctest.Wait()
	workspacetest.Allows(t, f.AZ.Workspace, "ann")
	synctest.Wait() // who read it has left the place to the next
	f.began = time.Now()
	f.Store.ResetCalls()
	return f
}

// After returns how long ago the workspace was loaded.
func (f *Following) After() time.Duration { return time.Since(f.began) }

// Can asks about bob, whom the other instance removes.
func (f *Following) Can() bool {
	return f.AZ.Can(context.Background(), "bob", rbac.Users, rbac.Manage)
}

// RemoveBob removes bob on the other instance.
func (f *Following) RemoveBob(t *testing.T) {
	t.Helper()
	if err := f.Other.As("ann").Remove(context.Background(), "bob"); err != nil {
		t.Fatal(err)
	}
}

// LastAsked returns the workspaces that the last poll was about.
func (f *Following) LastAsked() []string {
	f.asked.mu.Lock()
	defer f.asked.mu.Unlock()
	return f.asked.last
}

// asked remembers what a store was asked for.
type asked struct {
	*rbac.MemStore
	mu   sync.Mutex
	last []string
}

func (s *asked) Revisions(ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
	s.mu.Lock()
	s.last = workspaces
	s.mu.Unlock()
	return s.MemStore.Revisions(ctx, workspaces)
}
