package rbac_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

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
