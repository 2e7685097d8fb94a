package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/areagate/rbac"
)

// 10,000 first checks of a workspace at once: one load.
func manyFirstChecks(t *testing.T, db Database) {
	Assign(t, workspace(t, db), rbac.Administrator, "ann")
	store := &Faulty{Store: db.Store()}
	az := Open(t, Deaf(store), Quiet()...)
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for range 10_000 {
		wg.Go(func() {
			if Can(az.For("w"), "ann") {
				allowed.Add(1)
			}
		})
	}
	wg.Wait()
	equal(t, int64(10_000), allowed.Load())
	equal(t, int64(1), store.Views.Load(), "readings")
}

// A flood of unknown users asks the store nothing and takes no memory.
func floodOfUnknownUsers(t *testing.T, db Database) {
	store := &Faulty{Store: db.Store()}
	w := Open(t, Deaf(store), Quiet()...).For("w")
	Assign(t, w, rbac.Administrator, "ann")
	that(t, Can(w, "ann"))
	views, polls, used := store.Views.Load(), store.Polls.Load(), heap()
	for i := range 100_000 {
		that(t, !Can(w, fmt.Sprint("unknown", i)))
	}
	equal(t, []int64{views, polls}, []int64{store.Views.Load(), store.Polls.Load()}, "questions to the store")
	now := heap()
	that(t, now < used+1<<20, "bytes before and after:", used, now)
}

// Memory is bounded by members and roles, however many questions are asked.
func memoryIsBounded(t *testing.T, db Database) {
	ctx := t.Context()
	az := Open(t, Deaf(db.Store()), Quiet()...)
	w := az.For("w")
	Assign(t, w, rbac.Administrator, "ann")
	that(t, Can(w, "ann"))
	used := heap()
	for i := range Scaled(2000) { // workspaces that do not exist are asked for, and not kept
		that(t, !Can(az.For(fmt.Sprint("unknown", i)), "ann"))
	}
	for i := range 100_000 {
		_, _ = w.Explain(ctx, "ann", rbac.Area(fmt.Sprint("area", i)), rbac.Read)
		w.CanRecord(ctx, fmt.Sprint("user", i), rbac.Deals, rbac.Manage, fmt.Sprint("owner", i))
	}
	now := heap()
	that(t, now < used+2<<20, "bytes before and after:", used, now)
}
