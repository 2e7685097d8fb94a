package rbac_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/workspacetest"
)

// sold fills a workspace whose Administrator is ann, with some events.
func sold(t testing.TB, w *rbac.Workspace, users ...string) {
	t.Helper()
	assign(t, w, rbac.Administrator, append(users, "ann")...)
	for range 5 {
		require.NoError(t, w.System("test").Suspend(t.Context(), users...))
		require.NoError(t, w.System("test").Reinstate(t.Context(), users...))
	}
}

// A reading that is under way has read a workspace that is deleted meanwhile.
// It serves nobody, whoever deletes it, and whatever the numbers of the life
// that begins behind it.
func TestP1_DeletedDuringAReading(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		loaded bool // before
		wrote  bool // this instance had changed something
		there  func(ctx context.Context, own, other *rbac.Workspace) error
		want   []string // who is allowed afterwards
	}{
		"deleted here, while it is loaded": {false, false, func(ctx context.Context, own, _ *rbac.Workspace) error {
			return own.System("test").DeleteWorkspace(ctx)
		}, nil},
		"deleted here, while it is followed": {true, true, func(ctx context.Context, own, _ *rbac.Workspace) error {
			return own.System("test").DeleteWorkspace(ctx)
		}, nil},
		"deleted and begun anew here": {false, true, func(ctx context.Context, own, _ *rbac.Workspace) error {
			if err := own.System("test").DeleteWorkspace(ctx); err != nil {
				return err
			}
			return own.System("test").Assign(ctx, rbac.Administrator, "eve")
		}, []string{"eve"}},
		"deleted elsewhere, begun anew here": {false, false, func(ctx context.Context, own, other *rbac.Workspace) error {
			if err := other.System("test").DeleteWorkspace(ctx); err != nil {
				return err
			}
			return own.System("test").Assign(ctx, rbac.Administrator, "eve")
		}, []string{"eve"}},
		"deleted and begun anew elsewhere, changed here": {false, false, func(ctx context.Context, own, other *rbac.Workspace) error {
			if err := other.System("test").DeleteWorkspace(ctx); err != nil {
				return err
			}
			if err := other.System("test").Assign(ctx, rbac.Administrator, "bob", "cy", "dee"); err != nil {
				return err
			}
			return own.System("test").Assign(ctx, rbac.Administrator, "eve")
		}, []string{"bob", "cy", "dee", "eve"}},
		"deleted and begun anew elsewhere, nothing to do here": {false, true, func(ctx context.Context, own, other *rbac.Workspace) error {
			if err := other.System("test").DeleteWorkspace(ctx); err != nil {
				return err
			}
			if err := other.System("test").Assign(ctx, rbac.Administrator, "eve"); err != nil {
				return err
			}
			return own.System("test").Assign(ctx, rbac.Administrator, "eve")
		}, []string{"eve"}},
	} {
		for _, id := range []string{"", "w"} {
			t.Run(name+", workspace "+id, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, store := t.Context(), fault.New(rbac.NewMemStore())
					own, other := openOn(t, store).For(id), openOn(t, workspacetest.Deaf(store.Store)).For(id)
					sold(t, other, "bob", "old")
					if test.wrote {
						require.NoError(t, own.System("test").Suspend(ctx, "bob"))
						require.NoError(t, own.System("test").Reinstate(ctx, "bob"))
					}
					if test.loaded {
						allows(t, own, "ann")
						require.NoError(t, other.System("test").Suspend(ctx, "bob"))
					}
					store.Set(fault.First(1, fault.Late(time.Second)), opView) // has read, and holds back
					synced := make(chan error)
					go func() { synced <- own.Sync(ctx) }()
					synctest.Wait()
					require.NoError(t, test.there(ctx, own, other))
					check := func() {
						for _, user := range []string{"ann", "old", "bob", "cy", "dee", "eve"} {
							allowed := false
							for _, name := range test.want {
								allowed = allowed || name == user
							}
							require.Equal(t, allowed, own.Can(ctx, user, rbac.Deals, rbac.Read), user)
						}
					}
					check()
					require.NoError(t, <-synced)
					check()
					time.Sleep(time.Minute)
					synctest.Wait()
					check()
				})
			})
		}
	}
}

// A change was made before the workspace was deleted, and its author learns of
// that only afterwards: it begins no new life.
func TestP1_LateChangeOfADeletedWorkspace(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "w"} {
		for i := range 6 {
			first, late := i%2 == 0, time.Duration(1+i/2*2)*time.Second // amid one reading, the next, and behind both
			synctest.Test(t, func(t *testing.T) {
				ctx, store := t.Context(), fault.New(rbac.NewMemStore())
				own := openOn(t, store).For(id)
				if !first {
					sold(t, own, "bob")
				}
				require.False(t, own.Can(ctx, "mallory", rbac.Deals, rbac.Read))
				store.Set(fault.First(1, fault.Late(late)), opUpdate)
				assigned := make(chan error)
				go func() { assigned <- own.System("test").Assign(ctx, rbac.Administrator, "mallory") }()
				synctest.Wait()
				store.Set(fault.Late(2*time.Second), opView) // a reading goes on meanwhile
				synced := make(chan error)
				go func() { synced <- own.Sync(ctx) }()
				synctest.Wait()
				require.NoError(t, own.System("test").DeleteWorkspace(ctx))
				require.False(t, own.Can(ctx, "mallory", rbac.Deals, rbac.Read))
				store.Set(nil, opView)
				require.NoError(t, <-synced)
				require.NoError(t, <-assigned)
				for range 30 {
					require.False(t, own.Can(ctx, "mallory", rbac.Deals, rbac.Read), "workspace %q, the first change: %t, %v late", id, first, late)
					time.Sleep(time.Second / 10)
				}
			})
		}
	}
}

// Other instances end what they have in memory within the maximum staleness,
// with the poll alone, and follow the next life.
func TestP2_DeletedElsewhere(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "w"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, store := t.Context(), rbac.NewMemStore()
			own, other := openOn(t, workspacetest.Deaf(store)).For(id), openOn(t, store).For(id)
			sold(t, other, "bob")
			allows(t, own, "ann")
			require.NoError(t, other.System("test").DeleteWorkspace(ctx))
			time.Sleep(10 * time.Second)
			require.False(t, own.Can(ctx, "ann", rbac.Deals, rbac.Read))
			sold(t, other, "eve")
			require.NoError(t, own.Sync(ctx))
			allows(t, own, "eve")

			// As many events as before, so that only the hash tells.
			require.NoError(t, other.System("test").DeleteWorkspace(ctx))
			sold(t, other, "zoe")
			time.Sleep(10 * time.Second)
			require.False(t, own.Can(ctx, "eve", rbac.Deals, rbac.Read))
			allows(t, own, "zoe")
		})
	}
}

// It is logged what was deleted, and by whom; and what was not, is not.
func TestDeleteWorkspaceIsLogged(t *testing.T) {
	t.Parallel()
	var log workspacetest.Log
	ctx, store := t.Context(), fault.New(rbac.NewMemStore())
	w := openOn(t, store, log.Option()).For("acme")
	require.NoError(t, w.System("off-boarding").DeleteWorkspace(ctx))
	require.Error(t, w.As("ann").DeleteWorkspace(ctx))
	require.Empty(t, log.Containing("deleted"))
	sold(t, w, "bob")
	store.Set(fault.Loses(true), opUpdate)
	require.ErrorIs(t, w.System("off-boarding").DeleteWorkspace(ctx), rbac.ErrOutcomeUnknown)
	require.False(t, w.Can(ctx, "ann", rbac.Deals, rbac.Read), "it may have been deleted, and was")
	store.Set(nil, opUpdate)
	sold(t, w, "bob")
	require.NoError(t, w.System("off-boarding").Via("billing").DeleteWorkspace(ctx))
	workspacetest.Soon(t, 10*time.Second, "it is logged", func() bool {
		return len(log.Containing("a workspace was deleted", "acme", "revision=12", "off-boarding", "billing")) == 1
	})
	require.ErrorIs(t, func() error {
		store.SetRows(fault.FailWrite("Clear"))
		defer store.SetRows(nil)
		sold(t, w, "bob")
		return w.System("off-boarding").DeleteWorkspace(ctx)
	}(), errBoom)
	allows(t, w, "ann")
}
