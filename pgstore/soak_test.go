package pgstore_test

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

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// TestSoak mixes checks and changes on 3 instances and 200 workspaces, and
// looks whether goroutines and heap are flat. It takes 20 seconds, or as long
// as RBAC_SOAK says:
//
//	RBAC_SOAK=10m go test -run TestSoak -v -timeout 15m .
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("not with -short")
	}
	length := 20 * time.Second
	if given := os.Getenv("RBAC_SOAK"); given != "" {
		var err error
		length, err = time.ParseDuration(given)
		require.NoError(t, err)
	}
	const workspaces = 200
	d := newDatabase(t)
	var instances []*instance
	for range 3 {
		instances = append(instances, d.instance(setup{}))
	}
	ids := make([]string, workspaces)
	for i := range ids {
		ids[i] = fmt.Sprint("w", i)
		assign(t, instances[0].For(ids[i]), rbac.Administrator, "ann")
		for _, in := range instances {
			require.NoError(t, in.For(ids[i]).Sync(context.Background()))
		}
	}
	var checks, changes atomic.Int64
	work := func(length time.Duration) {
		ctx, cancel := context.WithTimeout(context.Background(), length)
		defer cancel()
		var wg sync.WaitGroup
		for _, in := range instances {
			for range 2 {
				wg.Go(func() {
					for ctx.Err() == nil {
						w := in.For(ids[rand.IntN(workspaces)])
						user := fmt.Sprint("user", rand.IntN(10)) // so that workspaces do not grow
						for range 1000 {
							can(w, user)
						}
						checks.Add(1000)
						err := w.As("ann").Assign(context.Background(), rbac.Administrator, user)
						if rand.IntN(2) == 0 {
							err = w.As("ann").Remove(context.Background(), user)
						}
						if err != nil && !errors.Is(err, rbac.ErrMemberNotFound) {
							t.Error(err)
							return
						}
						changes.Add(1)
					}
				})
			}
		}
		wg.Wait()
	}
	measure := func() (int, uint64) {
		time.Sleep(100 * time.Millisecond)
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return runtime.NumGoroutine(), m.HeapAlloc
	}
	work(length / 5)
	goroutines, heap := measure()
	work(length * 4 / 5)
	goroutinesAfter, heapAfter := measure()
	t.Logf("%d checks, %d changes; goroutines %d, then %d; heap %d KB, then %d KB",
		checks.Load(), changes.Load(), goroutines, goroutinesAfter, heap>>10, heapAfter>>10)
	require.LessOrEqual(t, goroutinesAfter, goroutines+20, "goroutines") // a pool may have grown
	require.Less(t, heapAfter, heap+heap/4+4<<20, "heap")
	checkInvariants(t, instances[0].store, ids[:10]...)
}
