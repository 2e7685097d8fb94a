package rbac_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/following"
	"github.com/areagate/rbac/internal/heap"
	"github.com/areagate/rbac/internal/workspacetest"
)

// What a service's metrics are told, while all is well and while it is not.
func TestStats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		ctx, az := t.Context(), f.AZ
		require.Equal(t, rbac.Stats{Workspaces: 1, Serving: 1, Readings: 1}, az.Stats())

		parent, cancel := context.WithCancel(ctx)
		bob, err := az.Subject(ctx, "bob")
		require.NoError(t, err)
		bob.While(parent, manages)
		require.Equal(t, 1, az.Stats().Streams)
		cancel()
		synctest.Wait()
		require.Zero(t, az.Stats().Streams, "its parent has ended")

		time.Sleep(5 * time.Second)
		require.Equal(t, rbac.Stats{Workspaces: 1, Serving: 1, Readings: 1, Polls: 2, Age: time.Second}, az.Stats())
		require.ErrorIs(t, az.As("ann").Remove(ctx, "ann"), rbac.ErrSelf)
		require.ErrorIs(t, az.As("ann").Remove(ctx, "eve"), rbac.ErrMemberNotFound)
		require.NoError(t, az.As("ann").Remove(ctx, "bob"))
		require.Equal(t, rbac.Stats{Workspaces: 1, Serving: 1, Readings: 1, Polls: 2, Refused: 2}, az.Stats())

		f.Store.SetAll(fault.Fails(errBoom))
		require.ErrorIs(t, az.Sync(ctx), errBoom)
		time.Sleep(9 * time.Second)
		synctest.Wait()
		require.Equal(t, rbac.Stats{Workspaces: 1, Serving: 1, Readings: 2, Polls: 7, Failures: 6, Refused: 2, Age: 9 * time.Second}, az.Stats())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		s := az.Stats()
		require.Equal(t, []any{1, 0, int64(1), 11 * time.Second}, []any{s.Workspaces, s.Serving, s.Expired, s.Age})

		f.Store.SetAll(nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		s = az.Stats()
		require.Equal(t, []any{1, 1, int64(1)}, []any{s.Workspaces, s.Serving, s.Expired})
		require.LessOrEqual(t, s.Age, time.Second)

		text, err := json.Marshal(s)
		require.NoError(t, err)
		require.Contains(t, string(text), `{"workspaces":1,"serving":1,"streams":0,"age":`)
		require.NoError(t, az.Close())
		require.Zero(t, az.Stats().Workspaces)
	})
}

// Hints, and readings that nobody waits for any more.
func TestStatsOfHintsAndOfThoseWhoGaveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := fault.NewNotifier(rbac.NewMemStore())
		az := openOn(t, store)
		assign(t, az.Workspace, rbac.Administrator, "ann")
		synctest.Wait()
		hints := az.Stats().Hints
		assign(t, az.Workspace, rbac.Administrator, "bob")
		synctest.Wait()
		require.Greater(t, az.Stats().Hints, hints)

		store.Set(fault.Blocks, opView, opRevisions)
		for i := range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			go az.For(fmt.Sprint("w", i)).Can(ctx, "ann", rbac.Users, rbac.Manage)
		}
		time.Sleep(time.Minute) // until those that were asked after are given up, too
		synctest.Wait()
		require.GreaterOrEqual(t, az.Stats().Unwaited, int64(18), "all but those that had a place")
	})
}

// Areas are misspelt in the program, which is one line in the log, or in requests,
// which is sixteen, whoever asks how, and no memory. Checks do not wait for the log.
func TestScenario105_FloodOfMisspeltAreas(t *testing.T) {
	ctx, log := t.Context(), &workspacetest.Log{}
	az := openOn(t, rbac.NewMemStore(), log.Option())
	assign(t, az.Workspace, rbac.Administrator, "ann")
	ann, err := az.Subject(ctx, "ann")
	require.NoError(t, err)
	ask := func(area rbac.Area) {
		for _, user := range []string{"ann", "eve"} {
			require.False(t, az.Can(ctx, user, area, rbac.Read))
			require.False(t, az.CanRecord(ctx, user, area, rbac.Read, user))
			require.ErrorIs(t, az.Authorize(ctx, user, area, rbac.Manage), rbac.ErrDenied)
		}
		require.False(t, ann.Can(area, rbac.Manage))
		require.False(t, ann.CanRecord(area, rbac.Manage, "ann"))
		require.Equal(t, rbac.Reach{}, ann.Reach(area, rbac.Read))
		require.False(t, rbac.Subject{}.Can(area, rbac.Read))
	}
	lines := func() int {
		return len(log.Containing("WARN rbac: a check asks for an area that the catalogue does not have"))
	}
	for range 100 {
		ask("deal")
		ask(rbac.Deals + " ")
		require.True(t, ann.Can(rbac.Deals, rbac.Read))
		require.True(t, az.Can(ctx, "ann", rbac.Area(strings.Clone("deals")), rbac.Read))
		require.False(t, az.Can(ctx, "ann", rbac.Deals, 7))
	}
	workspacetest.Soon(t, 10*time.Second, "both are in the log", func() bool { return lines() == 2 })
	require.Len(t, log.Containing(`area="deal"`), 1)

	long, before := strings.Repeat("x", 1<<20), heap.InUse()
	var flood sync.WaitGroup
	for i := range 8 {
		flood.Go(func() {
			for n := range 20 {
				area := rbac.Area(fmt.Sprint(n, "-", i, long[:(n%2)<<20]))
				if az.Can(ctx, "ann", area, rbac.Read) || ann.Can(area, rbac.Read) {
					t.Error("allowed")
				}
			}
		})
	}
	flood.Wait()
	workspacetest.Soon(t, 10*time.Second, "the first are in the log", func() bool { return lines() == 16 })
	require.Less(t, heap.InUse()-before, int64(1<<20))
	require.Less(t, len(log.String()), 16*300)
	ask("last")
	require.Equal(t, 16, lines())
}

// blockedLog is a log that takes nothing.
type blockedLog struct {
	workspacetest.Log
	release chan struct{}
}

func (l *blockedLog) Handle(context.Context, slog.Record) error { <-l.release; return nil }

func TestMisspeltAreaDoesNotWaitForTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &blockedLog{release: make(chan struct{})}
		defer close(log.release)
		az := openOn(t, rbac.NewMemStore(), rbac.WithLogger(slog.New(log)))
		assign(t, az.Workspace, rbac.Administrator, "ann")
		began := time.Now()
		for i := range 20 {
			require.False(t, az.Can(t.Context(), "ann", rbac.Area(fmt.Sprint("x", i)), rbac.Read))
		}
		require.Zero(t, time.Since(began))
	})
}
