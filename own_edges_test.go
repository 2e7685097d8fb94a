package rbac_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// P1 for a change that had nothing to do, because another instance was faster:
// it returned nil, so what it asked for holds in the next check.
func TestP1_ChangeThatFoundNothingToDo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reading behaviour // of the check behind it
		answer  bool
	}{
		"readings work": {nil, true},
		"readings fail": {failing(errBoom), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, f := t.Context(), newFollowing(t)
				require.NoError(t, f.other.As("ann").Suspend(ctx, "bob"))
				f.store.set(opView, test.reading)
				require.NoError(t, f.az.As("ann").Suspend(ctx, "bob"))
				require.False(t, f.can(t), "allowed after Suspend had returned nil")
				require.Equal(t, test.answer, f.az.Can(ctx, "ann", rbac.Users, rbac.Manage))
			})
		})
	}
}

// Changes that have nothing to do, one after the other, neither read the store
// each time nor keep the poll from confirming what is known.
func TestChangesWithNothingToDoDoNotStarveThePoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, f := t.Context(), newFollowing(t)
		f.store.set(opRevisions, lagging(10*time.Millisecond))
		for f.after() < 30*time.Second {
			require.NoError(t, f.az.As("ann").Assign(ctx, rbac.Administrator, "bob"))
			require.True(t, f.can(t))
			time.Sleep(3 * time.Millisecond)
		}
		require.Zero(t, f.store.calls(opView))
	})
}

// The first change of a workspace comes while the store is asked whether that
// exists. The workspace then is the change and nothing else, with the system
// roles that every workspace has.
func TestFirstOwnChangeDuringTheQuestionWhatExists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store := t.Context(), newFaultStore(newStore(t))
		az := openOn(t, store)
		busyWithCold(t, az, store)
		store.set(opRevisions, lagging(time.Second))
		acme, answer := az.For("acme"), make(chan error)
		go func() { answer <- acme.Authorize(ctx, "ann", rbac.Users, rbac.Manage) }()
		synctest.Wait() // the question has begun
		require.NoError(t, acme.System("sign-up").Assign(ctx, rbac.Administrator, "ann"))
		require.NoError(t, <-answer)
		allows(t, acme, "ann")
	})
}

// busyWithCold takes the places for workspaces that may not exist, so that the
// store is asked about the next one.
func busyWithCold(t *testing.T, az *rbac.Authorizer, store *faultStore) {
	store.set(opView, blocking)
	for i := range 2 {
		go az.For(fmt.Sprint("busy", i)).Can(t.Context(), "ann", rbac.Users, rbac.Manage)
	}
	synctest.Wait()
	store.set(opView, nil)
}
