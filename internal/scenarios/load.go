package scenarios

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/heap"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbactest"
)

// 10,000 first checks of a workspace at once: one load.
func manyFirstChecks(t *testing.T, db Database) {
	workspacetest.Assign(t, workspace(t, db), rbac.Administrator, "ann")
	store := fault.New(db.Store())
	az := workspacetest.Open(t, store, workspacetest.Quiet()...)
	store.ResetCalls()
	arrived := make(chan struct{})
	store.Set(func(_ context.Context, call func(error) error) error {
		<-arrived // when all are there
		return call(nil)
	}, rbactest.OpView)
	const checks = 10_000
	var asking, allowed atomic.Int64
	var wg sync.WaitGroup
	for i := range checks {
		wg.Go(func() {
			w, can := az.For("w"), false
			if asking.Add(1) == checks {
				close(arrived)
			}
			switch i % 3 {
			case 0:
				can = workspacetest.Can(w, "ann")
			case 1:
				can = w.Authorize(t.Context(), "ann", rbac.Deals, rbac.Read) == nil
			default:
				s, _ := w.Subject(t.Context(), "ann")
				can = s.Can(rbac.Deals, rbac.Read)
			}
			if can {
				allowed.Add(1)
			}
		})
	}
	wg.Wait()
	assert.Equal(t, int64(checks), allowed.Load())
	assert.Equal(t, 1, store.Total(), "questions to the store")
}

// A flood of unknown users asks the store nothing and takes no memory.
func floodOfUnknownUsers(t *testing.T, db Database) {
	store := fault.New(db.Store())
	w := workspacetest.Open(t, store, workspacetest.Quiet()...).For("w")
	workspacetest.Assign(t, w, rbac.Administrator, "ann")
	assert.True(t, workspacetest.Can(w, "ann"))
	calls, used := store.Total(), heap.InUse()
	for i := range long.Scale(300_000) {
		user := fmt.Sprint("unknown-user-with-a-long-id-", i)
		if workspacetest.Can(w, user) || w.CanRecord(t.Context(), user, rbac.Deals, rbac.Read, user) {
			t.Fatalf("%s is allowed", user)
		}
		if err := w.Authorize(t.Context(), user, rbac.Area(user), rbac.Read); !errors.Is(err, rbac.ErrDenied) {
			t.Fatalf("%s: %v", user, err)
		}
	}
	assert.Equal(t, calls, store.Total(), "questions to the store")
	now := heap.InUse()
	assert.True(t, now < used+1<<20, "bytes before and after:", used, now)
}

// Memory is bounded by members and roles, however many questions are asked, and
// about a workspace in memory none reaches the store.
func memoryIsBounded(t *testing.T, db Database) {
	ctx, store := t.Context(), fault.New(db.Store())
	az := workspacetest.Open(t, store, workspacetest.Quiet()...)
	w := az.For("w")
	viewer := workspacetest.AddRole(t, w, "Viewer", rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}})
	members := make([]string, 1000)
	for i := range members {
		members[i] = fmt.Sprint("user-", i)
	}
	workspacetest.Assign(t, w, viewer.ID, members...)
	assert.True(t, workspacetest.Can(w, members[0]))
	areas := rbac.DefaultAreas()
	ask := func(n int) {
		for i := range n {
			user, area, action := members[i%len(members)], areas[i/len(members)%len(areas)].Area, rbac.Action(1+i%2)
			can := w.Can(ctx, user, area, action)
			if can != (area == rbac.Deals && action == rbac.Read) {
				t.Fatalf("%s %s %s: %t", user, action, area, can)
			}
			w.CanRecord(ctx, user, area, action, fmt.Sprint("owner-", i))
			s, err := w.Subject(ctx, user)
			assert.NoError(t, err)
			s.Limit(rbac.Permissions{area: {Read: rbac.Own, Manage: rbac.Own}}).Can(area, action)
			_, err = w.Explain(ctx, user, rbac.Area(fmt.Sprint("area-", i)), action)
			assert.NoError(t, err)
		}
	}
	ask(10_000)
	calls, used := store.Calls(rbactest.OpView), heap.InUse()
	n := long.Scale(500_000)
	ask(n)
	assert.Equal(t, calls, store.Calls(rbactest.OpView), "readings")
	for i := range long.Scale(2000) { // workspaces that do not exist are asked for, and not kept
		assert.True(t, !workspacetest.Can(az.For(fmt.Sprint("unknown", i)), "ann"))
	}
	now := heap.InUse()
	assert.True(t, now < used+2<<20, "bytes before and after", n, "questions:", used, now)
}
