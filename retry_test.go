package rbac_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
)

// What loses against another transaction is run again, at most ten times, and
// not beyond its context; what fails otherwise is not.
func TestRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := fault.New(rbac.NewMemStore())
		az := openOn(t, store)
		change := func(ctx context.Context) error { return az.System("test").Assign(ctx, rbac.Administrator, "ann") }
		for _, test := range []struct {
			lost, attempts int
			want           error
		}{{0, 1, nil}, {9, 10, nil}, {10, 10, rbac.ErrContention}} {
			store.ResetCalls()
			store.Set(fault.First(test.lost, fault.RollsBack(rbac.ErrContention)), opUpdate)
			require.ErrorIs(t, change(t.Context()), test.want)
			require.Equal(t, test.attempts, store.Calls(opUpdate))
		}
		store.ResetCalls()
		store.Set(fault.RollsBack(errBoom), opUpdate)
		require.ErrorIs(t, change(t.Context()), errBoom)
		require.Equal(t, 1, store.Calls(opUpdate))

		store.Set(fault.RollsBack(rbac.ErrContention), opUpdate)
		brief, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, change(brief), context.DeadlineExceeded)
		require.Equal(t, 20*time.Millisecond, time.Since(began))
	})
}

// A store that panics is one that fails.
func TestStorePanicIsAnError(t *testing.T) {
	t.Parallel()
	store := fault.New(rbac.NewMemStore())
	az := openOn(t, store)
	store.SetAll(fault.Panics)
	require.ErrorContains(t, az.System("test").Assign(t.Context(), rbac.Administrator, "ann"), "the store panicked: the store has a bug")
	require.ErrorContains(t, az.Sync(t.Context()), "the store panicked")
}
