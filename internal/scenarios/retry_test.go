package scenarios_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/following"
)

// A transaction that loses against another is run again, at most ten times in
// all with pauses that grow, and leaves nothing behind each time.
func TestScenario07_ContentionIsRetried(t *testing.T) {
	t.Parallel()
	contention := fmt.Errorf("deadlock detected: %w", rbac.ErrContention)
	for _, test := range []struct {
		name     string
		lost     int // so many times
		attempts int
		want     error
		pauses   time.Duration // at most; half of it at least
	}{
		{"never lost", 0, 1, nil, 0},
		{"lost once", 1, 2, nil, 5 * time.Millisecond},
		{"lost three times", 3, 4, nil, 35 * time.Millisecond},
		{"lost nine times", 9, 10, nil, 1275 * time.Millisecond},
		{"lost ten times", 10, 10, rbac.ErrContention, 1275 * time.Millisecond},
		{"lost always", 1000, 10, rbac.ErrContention, 1275 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, inner := t.Context(), rbac.NewMemStore()
				store := fault.New(inner)
				az := openOn(t, store)
				assign(t, az.Workspace, rbac.Administrator, "ann")
				require.True(t, az.Can(ctx, "ann", rbac.Users, rbac.Manage))
				before := contentsOf(t, inner, "")

				store.ResetCalls()
				store.Set(fault.First(test.lost, fault.RollsBack(contention)), opUpdate)
				began := time.Now()
				err := az.As("ann").Assign(ctx, rbac.Administrator, "bob", "cy")
				took := time.Since(began)
				require.Equal(t, test.attempts, store.Calls(opUpdate))
				require.GreaterOrEqual(t, took, test.pauses/2)
				require.LessOrEqual(t, took, test.pauses)
				if test.want != nil {
					require.ErrorIs(t, err, test.want)
					require.Equal(t, text(before), text(contentsOf(t, inner, "")))
				} else {
					require.NoError(t, err)
				}
				for _, user := range []string{"bob", "cy"} {
					require.Equal(t, test.want == nil, az.Can(ctx, user, rbac.Users, rbac.Manage))
				}
				checkInvariants(t, inner, "")

				// Reading is retried alike.
				store.ResetCalls()
				store.Set(fault.First(test.lost, fault.RollsBack(contention)), opView)
				_, err = az.Roles(ctx)
				require.ErrorIs(t, err, test.want)
				require.Equal(t, test.attempts, store.Calls(opView))
			})
		})
	}
}

// The pause between two attempts ends with the context.
func TestScenario07_ContentionEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := rbac.NewMemStore()
		store := fault.New(inner)
		az := openOn(t, store)
		assign(t, az.Workspace, rbac.Administrator, "ann")
		store.Set(fault.RollsBack(rbac.ErrContention), opUpdate)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		unchanged(t, inner, "", func() {
			require.ErrorIs(t, az.As("ann").Assign(ctx, rbac.Administrator, "bob"), context.DeadlineExceeded)
		})
		require.Equal(t, 100*time.Millisecond, time.Since(began))
		require.False(t, az.Can(t.Context(), "bob", rbac.Users, rbac.Manage))
	})
}

// The caller's own transaction is not the library's to run again.
func TestScenario07_TheCallersTransactionIsNotRetried(t *testing.T) {
	t.Parallel()
	ctx, inner := t.Context(), rbac.NewMemStore()
	az := openOn(t, inner)
	own := fault.New(inner)
	own.Set(fault.First(1, fault.RollsBack(rbac.ErrContention)), opUpdate)
	unchanged(t, inner, "", func() {
		require.ErrorIs(t, az.In(own).System("seed").Assign(ctx, rbac.Administrator, "ann"), rbac.ErrContention)
	})
	require.Equal(t, 1, own.Calls(opUpdate))
}

// A commit whose outcome is unknown is reported as such, is not run again, and
// the next check rests on a reload: whatever became of it, memory and store
// agree.
func TestScenario07_UnknownOutcome(t *testing.T) {
	t.Parallel()
	for _, committed := range []bool{true, false} {
		for _, reload := range []bool{true, false} {
			t.Run(fmt.Sprintf("committed %t, reload possible %t", committed, reload), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, inner := t.Context(), rbac.NewMemStore()
					store := fault.New(inner)
					az := openOn(t, store)
					assign(t, az.Workspace, rbac.Administrator, "ann", "bob")
					require.True(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage))

					store.ResetCalls()
					store.Set(fault.Loses(committed), opUpdate)
					if !reload {
						store.Set(fault.Fails(errBoom), opView)
					}
					err := az.As("ann").Remove(ctx, "bob")
					require.ErrorIs(t, err, rbac.ErrOutcomeUnknown)
					require.Equal(t, 1, store.Calls(opUpdate))
					if !reload {
						_, err := az.Explain(ctx, "bob", rbac.Users, rbac.Manage)
						require.ErrorIs(t, err, rbac.ErrUnavailable)
						require.ErrorIs(t, err, errBoom)
						require.False(t, az.Can(ctx, "ann", rbac.Users, rbac.Manage))
						store.Set(nil, opView)
						time.Sleep(2 * time.Second) // until the next poll
						synctest.Wait()
					}
					require.GreaterOrEqual(t, store.Calls(opView), 1)
					d, err := az.Explain(ctx, "bob", rbac.Users, rbac.Manage)
					require.NoError(t, err)
					require.Equal(t, !committed, d.Allowed)
					checkInvariants(t, inner, "")
				})
			})
		}
	}
}

// A change that found nothing to do, and of which the store says that its
// outcome is not known: the store is asked before the next check all the same.
func TestScenario07_UnknownOutcomeOfNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, f := t.Context(), following.New(t)
		require.NoError(t, f.Other.As("ann").Suspend(ctx, "bob"))
		f.Store.Set(fault.Loses(true), opUpdate)
		require.ErrorIs(t, f.AZ.As("ann").Suspend(ctx, "bob"), rbac.ErrOutcomeUnknown)
		require.False(t, f.Can())
	})
}
