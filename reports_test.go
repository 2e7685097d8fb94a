package rbac_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/workspacetest"
)

// stuckLog writes nothing until it is released.
type stuckLog struct {
	workspacetest.Log
	release chan struct{}
}

func (l *stuckLog) Handle(ctx context.Context, r slog.Record) error {
	<-l.release
	return l.Log.Handle(ctx, r)
}

// A log that is stuck holds up a check for a moment, once, and is told how much
// it lost when it goes on.
func TestReportsOfAStuckLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &stuckLog{release: make(chan struct{})}
		store := fault.New(rbac.NewMemStore())
		az := openOn(t, store, rbac.WithLogger(slog.New(log)))
		assign(t, az.Workspace, rbac.Administrator, "ann")
		allows(t, az.Workspace, "ann")
		store.Set(fault.Fails(errBoom), opView)
		began := time.Now()
		for range 1100 {
			require.ErrorIs(t, az.Sync(t.Context()), errBoom)
		}
		require.Less(t, time.Since(began), time.Second)
		allows(t, az.Workspace, "ann")
		close(log.release)
		synctest.Wait()
		require.Len(t, log.Containing("cannot be read", "boom"), 1001, "the queue, and the one that was being written")
		require.Len(t, log.Containing("reports were lost", "reports=99"), 1)
	})
}
