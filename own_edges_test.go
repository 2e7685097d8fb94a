package rbac_test

import (
	"context"
	"errors"
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

// P2 for the answer that a workspace does not exist, of a store that answers
// later than it may.
func TestP2_OldAnswerThatNothingExists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), newStore(t)
		store := newFaultStore(inner)
		az, other := openOn(t, store), openOn(t, inner)
		busyWithCold(t, az, store)
		store.set(opRevisions, func(_ context.Context, call func(error) error) error {
			err := call(nil)
			time.Sleep(12 * time.Second) // whatever its context says
			return err
		})
		acme := az.For("acme")
		go acme.Can(ctx, "ann", rbac.Users, rbac.Manage)
		time.Sleep(time.Second)
		assign(t, other.For("acme"), rbac.Administrator, "ann")
		time.Sleep(10500 * time.Millisecond)
		err := acme.Authorize(ctx, "ann", rbac.Users, rbac.Manage)
		require.NotErrorIs(t, err, rbac.ErrDenied, "denied after 12 seconds by what was known before")
	})
}

// A torn restore, and an own change before the rest of the rows comes: the
// change does not settle what was read without them.
func TestScenario61_OwnChangeDuringATornRestore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, f := t.Context(), newFollowing(t)
		whole := contentsOf(t, f.inner, "")
		torn := newStore(t)
		restore(t, torn, "", whole)
		f.store.use(torn)
		// The rows of bob and the newest event come later than the revision.
		late := &rowFaults{
			members: func(rows rowSeq[rbac.Member]) rowSeq[rbac.Member] {
				return func(yield func(rbac.Member, error) bool) {
					for m, err := range rows {
						if m.User != "bob" && !yield(m, err) {
							return
						}
					}
				}
			},
			events: func(rowSeq[rbac.Event]) rowSeq[rbac.Event] {
				return func(func(rbac.Event, error) bool) {}
			},
		}
		f.az.Close()
		az := openOn(t, f.store, f.log.option())
		f.store.setRows(late)
		allows(t, az.Workspace, "ann")
		require.False(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage))
		assign(t, az.Workspace, rbac.Administrator, "cy")
		f.store.setRows(nil)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		allows(t, az.Workspace, "cy")
		allows(t, az.Workspace, "bob")
	})
}

// The text of a store's error is the store's code, which may take its time,
// or ask something itself: never under a lock.
func TestScenario52_ErrorAsksCan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		asked := 0
		err := textFunc(func() string {
			if asked++; asked == 1 {
				f.az.Can(context.Background(), "ann", rbac.Users, rbac.Manage)
			}
			return "boom"
		})
		f.store.setAll(failing(errBoom))
		time.Sleep(11 * time.Second)
		synctest.Wait()
		f.store.setAll(failing(err))
		time.Sleep(3 * time.Second)
		synctest.Wait()
		asked = 0
		refused := f.az.Authorize(t.Context(), "ann", rbac.Users, rbac.Manage)
		require.ErrorIs(t, refused, rbac.ErrUnavailable)
		require.True(t, errors.As(refused, new(textFunc)))
		require.Greater(t, asked, 0)
	})
}

type textFunc func() string

func (f textFunc) Error() string { return f() }
