package sqlitestore_test

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

// TestSoak mixes checks and changes on 200 workspaces of one file, through 3
// instances on 2 Stores, and looks whether goroutines and heap are flat. It
// takes 20 seconds, 3 with -short, or as long as RBAC_SOAK says:
//
//	RBAC_SOAK=10m go test -run TestSoak -v -timeout 15m .
func TestSoak(t *testing.T) {
	length := 20 * time.Second
	if testing.Short() {
		length = 3 * time.Second
	}
	if given := os.Getenv("RBAC_SOAK"); given != "" {
		var err error
		length, err = time.ParseDuration(given)
		require.NoError(t, err)
	}
	const workspaces = 200
	path := tempFile(t)
	shared := open(t, path)
	instances := []*rbac.Authorizer{authorizer(t, shared), authorizer(t, shared), authorizer(t, open(t, path))}
	ids := make([]string, workspaces)
	for i := range ids {
		ids[i] = fmt.Sprint("w", i)
		require.NoError(t, instances[0].For(ids[i]).System("set-up").Assign(t.Context(), rbac.Administrator, "ann"))
		for _, az := range instances {
			require.NoError(t, az.For(ids[i]).Sync(t.Context()))
		}
	}
	var checks, changes atomic.Int64
	work := func(length time.Duration) {
		ctx, cancel := context.WithTimeout(t.Context(), length)
		defer cancel()
		var wait sync.WaitGroup
		for _, az := range instances {
			for range 2 {
				wait.Go(func() {
					for ctx.Err() == nil {
						w := az.For(ids[rand.IntN(workspaces)])
						user := fmt.Sprint("user", rand.IntN(10)) // so that workspaces do not grow
						for range 1000 {
							w.Can(t.Context(), user, rbac.Deals, rbac.Read)
						}
						checks.Add(1000)
						if !w.Can(t.Context(), "ann", rbac.Deals, rbac.Read) {
							t.Errorf("ann, whom nobody touches, was denied: %v", w.Authorize(t.Context(), "ann", rbac.Deals, rbac.Read))
							return
						}
						err := w.As("ann").Assign(t.Context(), rbac.Administrator, user)
						if err == nil && rand.IntN(2) == 0 {
							err = w.As("ann").Remove(t.Context(), user)
							if errors.Is(err, rbac.ErrMemberNotFound) { // another instance was faster
								err = nil
							}
						}
						if err != nil {
							t.Error(err)
							return
						}
						changes.Add(1)
					}
				})
			}
		}
		wait.Wait()
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
	for _, id := range ids {
		want := replayed(t, instances[0].For(id))
		for _, az := range instances {
			require.NoError(t, az.For(id).Sync(t.Context()))
			for user := range 10 {
				user := fmt.Sprint("user", user)
				require.Equal(t, want[user].Role != "", az.For(id).Can(t.Context(), user, rbac.Deals, rbac.Read), "%s in %s", user, id)
			}
		}
	}
	integrity(t, path)
}

// replayed verifies the events of a workspace and returns the members that
// they tell of, which must be those that are stored.
func replayed(t testing.TB, w *rbac.Workspace) map[string]rbac.Member {
	t.Helper()
	require.NoError(t, w.VerifyEvents(t.Context()))
	told, stored := map[string]rbac.Member{}, map[string]rbac.Member{}
	for _, e := range all(t, w.Events(t.Context(), rbac.EventQuery{})) {
		switch {
		case e.MemberAfter != nil:
			told[e.MemberAfter.User] = *e.MemberAfter
		case e.MemberBefore != nil:
			delete(told, e.MemberBefore.User)
		}
	}
	for _, m := range all(t, w.Members(t.Context(), rbac.MemberQuery{})) {
		stored[m.User] = m
	}
	require.Equal(t, told, stored)
	return stored
}
