package rbac_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/following"
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
