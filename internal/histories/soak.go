package histories

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/heap"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
)

// Soak mixes checks and changes on 200 workspaces through instances, one on
// each store, and looks whether goroutines and heap are flat, and whether all
// agree at the end. It takes 20 seconds, and is left to the long form.
func Soak(t *testing.T, stores ...rbac.Store) {
	if !long.Enabled() {
		t.Skip("20 seconds of checks and changes: only with RBAC_LONG=1")
	}
	const length = 20 * time.Second
	const workspaces, users = 200, 10 // few users, so that workspaces do not grow
	ctx := context.Background()
	var instances []*rbac.Authorizer
	for _, store := range stores {
		instances = append(instances, workspacetest.Open(t, store))
	}
	ids := make([]string, workspaces)
	for i := range ids {
		ids[i] = fmt.Sprint("w", i)
		workspacetest.Assign(t, instances[0].For(ids[i]), rbac.Administrator, "ann")
		for _, az := range instances {
			assert.NoError(t, az.For(ids[i]).Sync(ctx))
		}
	}
	var checks, changes atomic.Int64
	step := func(w *rbac.Workspace, user string) error {
		for range 1000 {
			workspacetest.Can(w, user)
		}
		checks.Add(1000)
		if err := w.Authorize(ctx, "ann", rbac.Deals, rbac.Read); err != nil {
			return fmt.Errorf("ann, whom nobody touches, was denied: %w", err)
		}
		err := w.As("ann").Assign(ctx, rbac.Administrator, user)
		if err == nil && rand.IntN(2) == 0 {
			err = w.As("ann").Remove(ctx, user)
			if errors.Is(err, rbac.ErrMemberNotFound) { // another instance was faster
				err = nil
			}
		}
		changes.Add(1)
		return err
	}
	work := func(length time.Duration) {
		end := time.Now().Add(length)
		var wg sync.WaitGroup
		for _, az := range instances {
			for range 2 {
				wg.Go(func() {
					for time.Now().Before(end) {
						if err := step(az.For(ids[rand.IntN(workspaces)]), fmt.Sprint("user", rand.IntN(users))); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
		}
		wg.Wait()
	}
	work(length / 5)
	goroutines, used := runtime.NumGoroutine(), heap.InUse()
	work(length * 4 / 5)
	goroutinesAfter, usedAfter := runtime.NumGoroutine(), heap.InUse()
	t.Logf("%d checks, %d changes; goroutines %d, then %d; heap %d KB, then %d KB",
		checks.Load(), changes.Load(), goroutines, goroutinesAfter, used>>10, usedAfter>>10)
	assert.True(t, goroutinesAfter <= goroutines+20, "goroutines") // a pool may have grown
	assert.True(t, usedAfter < used+used/4+4<<20, "heap")

	for _, id := range ids {
		workspacetest.CheckInvariants(t, stores[0], id)
		members := map[string]bool{}
		for _, m := range workspacetest.Read(t, stores[0], id).Members {
			members[m.User] = true
		}
		for _, az := range instances {
			assert.NoError(t, az.For(id).Sync(ctx))
			for user := range users {
				user := fmt.Sprint("user", user)
				assert.Equal(t, members[user], workspacetest.Can(az.For(id), user), user, "in", id)
			}
		}
	}
}
