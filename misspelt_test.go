package rbac_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/heap"
	"github.com/areagate/rbac/internal/workspacetest"
)

// Areas are misspelt in the program, which is one line in the log, or in requests,
// which is sixteen, whoever asks how, and no memory. Checks do not wait for the log.
func TestScenario105_FloodOfMisspeltAreas(t *testing.T) {
	ctx, log := t.Context(), &workspacetest.Log{}
	az := openOn(t, rbac.NewMemStore(), log.Option())
	assign(t, az.Workspace, rbac.Administrator, "ann")
	ann, err := az.Subject(ctx, "ann")
	require.NoError(t, err)
	ways := []func(area rbac.Area) bool{
		func(area rbac.Area) bool { return az.Can(ctx, "ann", area, rbac.Read) },
		func(area rbac.Area) bool { return az.Can(ctx, "eve", area, rbac.Read) },
		func(area rbac.Area) bool { return az.CanRecord(ctx, "ann", area, rbac.Read, "ann") },
		func(area rbac.Area) bool { return az.Authorize(ctx, "ann", area, rbac.Manage) == nil },
		func(area rbac.Area) bool { return ann.Can(area, rbac.Manage) },
		func(area rbac.Area) bool { return ann.CanRecord(area, rbac.Manage, "ann") },
		func(area rbac.Area) bool { return len(ann.Reach(area, rbac.Read).Owners) > 0 },
		func(area rbac.Area) bool { return ann.Authorize(area, rbac.Read) == nil },
	}
	lines := func(parts ...string) int {
		return len(log.Containing(append(parts, "WARN rbac: a check asks for an area that the catalogue does not have")...))
	}
	for range 100 {
		for i, allows := range ways {
			require.False(t, allows(rbac.Area(fmt.Sprint("deals", i))))
		}
		require.True(t, ann.Can(rbac.Deals, rbac.Read))
		require.True(t, az.Can(ctx, "ann", rbac.Area(strings.Clone("deals")), rbac.Read))
		require.False(t, az.Can(ctx, "ann", rbac.Deals, 7))
		require.False(t, rbac.Subject{}.Can("deal", rbac.Read))
	}
	workspacetest.Soon(t, 10*time.Second, "each way is in the log", func() bool { return lines() == len(ways) })
	for i := range ways {
		require.Equal(t, 1, lines(fmt.Sprintf(`area="deals%d"`, i)))
	}

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
	ways[0]("last")
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

// An action that there is not is no area that there is not.
func TestInvalidActionIsNoMisspeltArea(t *testing.T) {
	t.Parallel()
	log := &workspacetest.Log{}
	az := openOn(t, rbac.NewMemStore(), log.Option())
	assign(t, az.Workspace, rbac.Administrator, "ann")
	s, err := az.Subject(t.Context(), "ann")
	require.NoError(t, err)
	for _, info := range az.Areas() {
		for _, action := range []rbac.Action{0, 3, 255} {
			require.False(t, az.Can(t.Context(), "ann", info.Area, action))
			require.False(t, s.Can(info.Area, action))
		}
	}
	require.False(t, az.Can(t.Context(), "ann", "deal", rbac.Read))
	workspacetest.Soon(t, 10*time.Second, "it is in the log", func() bool { return len(log.Containing(`area="deal"`)) == 1 })
	require.Len(t, log.Containing("catalogue"), 1)
}
