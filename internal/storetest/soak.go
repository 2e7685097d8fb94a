package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/areagate/rbac"
)

// Soak mixes checks and changes on 200 workspaces through instances, one on
// each store, and looks whether goroutines and heap are flat, and whether all
// agree at the end. It takes 20 seconds, 3 with -short, or as long as RBAC_SOAK
// says.
func Soak(t *testing.T, stores ...rbac.Store) {
	length := 20 * time.Second
	if testing.Short() {
		length = 3 * time.Second
	}
	if given := os.Getenv("RBAC_SOAK"); given != "" {
		var err error
		length, err = time.ParseDuration(given)
		must(t, err)
	}
	const workspaces, users = 200, 10 // few users, so that workspaces do not grow
	ctx := context.Background()
	var instances []*rbac.Authorizer
	for _, store := range stores {
		instances = append(instances, Open(t, store))
	}
	ids := make([]string, workspaces)
	for i := range ids {
		ids[i] = fmt.Sprint("w", i)
		Assign(t, instances[0].For(ids[i]), rbac.Administrator, "ann")
		for _, az := range instances {
			must(t, az.For(ids[i]).Sync(ctx))
		}
	}
	var checks, changes atomic.Int64
	step := func(w *rbac.Workspace, user string) error {
		for range 1000 {
			Can(w, user)
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
	goroutines, used := runtime.NumGoroutine(), heap()
	work(length * 4 / 5)
	goroutinesAfter, usedAfter := runtime.NumGoroutine(), heap()
	t.Logf("%d checks, %d changes; goroutines %d, then %d; heap %d KB, then %d KB",
		checks.Load(), changes.Load(), goroutines, goroutinesAfter, used>>10, usedAfter>>10)
	that(t, goroutinesAfter <= goroutines+20, "goroutines") // a pool may have grown
	that(t, usedAfter < used+used/4+4<<20, "heap")

	CheckInvariants(t, stores[0], ids...)
	for _, id := range ids {
		members := map[string]bool{}
		for _, m := range stateOf(t, stores[0], id).members {
			members[m.User] = true
		}
		for _, az := range instances {
			must(t, az.For(id).Sync(ctx))
			for user := range users {
				user := fmt.Sprint("user", user)
				equal(t, members[user], Can(az.For(id), user), user, "in", id)
			}
		}
	}
}
