package scenarios

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
)

// A slow reload, whose transaction began before a revoke and ends after it, is
// thrown away: what the revoke published stays.
func slowReloadIsThrownAway(t *testing.T, db Database) {
	for name, begin := range map[string]func(t *testing.T, other, w *rbac.Workspace, viewer rbac.RoleID){
		"a first load": func(*testing.T, *rbac.Workspace, *rbac.Workspace, rbac.RoleID) {},
		"a reading of what is known": func(t *testing.T, _, w *rbac.Workspace, _ rbac.RoleID) {
			assert.True(t, workspacetest.Can(w, "vic"))
		},
		"a reading of another's change": func(t *testing.T, other, w *rbac.Workspace, viewer rbac.RoleID) {
			assert.True(t, workspacetest.Can(w, "vic"))
			workspacetest.Assign(t, other, viewer, "new")
		},
		"a load of another history": func(t *testing.T, other, w *rbac.Workspace, viewer rbac.RoleID) {
			assert.True(t, workspacetest.Can(w, "vic"))
			many := make([]string, 1100) // too many events to follow
			for i := range many {
				many[i] = fmt.Sprint("new", i)
			}
			workspacetest.Assign(t, other, viewer, many...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			other := workspacetest.Open(t, workspacetest.Deaf(db.Store()), workspacetest.Quiet()...).For(name)
			store := fault.New(db.Store())
			w := workspacetest.Open(t, store, workspacetest.Quiet()...).For(name)
			workspacetest.Assign(t, other, rbac.Administrator, "ann")
			viewer := workspacetest.AddRole(t, other, "Viewer", workspacetest.ReadsDeals(rbac.All))
			workspacetest.Assign(t, other, viewer.ID, "vic")

			begin(t, other, w, viewer.ID)
			reading, release := make(chan struct{}), make(chan struct{})
			var held atomic.Bool
			store.WrapReader(func(r rbac.Reader) rbac.Reader {
				if held.CompareAndSwap(false, true) {
					if _, err := r.Member("vic"); err != nil {
						t.Error("the snapshot of the transaction is not from before the revoke:", err)
					}
					close(reading)
					<-release // the transaction is open, and reads what was
				}
				return r
			})
			synced, removed := make(chan error, 1), make(chan error, 1)
			go func() { synced <- w.Sync(ctx) }()
			<-reading
			before := workspacetest.Seq(t, store, name)
			go func() { removed <- w.As("ann").Remove(ctx, "vic") }()
			workspacetest.Soon(t, 10*time.Second, "the revoke is committed", func() bool { return workspacetest.Seq(t, store, name) > before })
			if name == "a reading of what is known" { // in the other cases Remove waits for the reading
				assert.NoError(t, <-removed)
				assert.True(t, !workspacetest.Can(w, "vic"), "the revoke is published, the reading still under way")
				removed <- nil
			}
			close(release)
			assert.NoError(t, <-removed)
			for reading := true; reading; {
				assert.True(t, !workspacetest.Can(w, "vic"))
				select {
				case err := <-synced:
					assert.NoError(t, err)
					reading = false
				default:
				}
			}
			assert.True(t, !workspacetest.Can(w, "vic"))
			assert.NoError(t, w.Sync(ctx))
			assert.True(t, !workspacetest.Can(w, "vic"))
			assert.True(t, workspacetest.Can(w, "ann"))
			workspacetest.CheckInvariants(t, store, name)
		})
	}
}

// errRollback makes a transaction roll back.
var errRollback = errors.New("the application changed its mind")

// A change that is rolled back by the application: no notification, and the
// snapshot is as it was. One that commits is announced once.
func rolledBackChange(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	az := workspacetest.Open(t, store, workspacetest.Quiet()...)
	w := az.For("w")
	workspacetest.Assign(t, w, rbac.Administrator, "ann")
	assert.True(t, workspacetest.Can(w, "ann"))
	notifier, notifies := store.(rbac.Notifier)
	hints := func() []string { return nil }
	if notifies {
		hints = workspacetest.Listen(t, notifier)
	}
	announced := func(want ...string) { // and nothing else was
		t.Helper()
		if !notifies {
			return
		}
		last := want[len(want)-1]
		workspacetest.Soon(t, 5*time.Second, last+" is announced", func() bool { h := hints(); return len(h) > 0 && h[len(h)-1] == last })
		assert.Equal(t, want, hints())
	}
	before := workspacetest.Read(t, store, "w")
	assert.ErrorIs(t, db.Transaction(ctx, "w", func(in rbac.Store) error {
		admin := w.In(in).As("ann")
		assert.NoError(t, admin.Assign(ctx, rbac.Administrator, "bob"))
		assert.NoError(t, admin.Suspend(ctx, "bob"))
		assert.True(t, !workspacetest.Can(w, "bob"))
		return errRollback
	}), errRollback)
	assert.Equal(t, before, workspacetest.Read(t, store, "w"))
	assert.ErrorIs(t, w.As("ann").Suspend(ctx, "bob"), rbac.ErrMemberNotFound)
	assert.NoError(t, w.Sync(ctx))
	assert.True(t, !workspacetest.Can(w, "bob"))
	workspacetest.Assign(t, az.For("other"), rbac.Administrator, "ann")
	announced("other")

	assert.NoError(t, db.Transaction(ctx, "w", func(in rbac.Store) error {
		admin := w.In(in).System("sign-up")
		assert.NoError(t, admin.Assign(ctx, rbac.Administrator, "eve"))
		assert.NoError(t, admin.Assign(ctx, rbac.Administrator, "joe"))
		assert.True(t, !workspacetest.Can(w, "eve"), "it is not committed yet")
		return nil
	}))
	announced("other", "w")
	assert.NoError(t, w.Sync(ctx))
	assert.True(t, workspacetest.Can(w, "eve") && workspacetest.Can(w, "joe"))
	workspacetest.Assign(t, az.For("last"), rbac.Administrator, "ann")
	announced("other", "w", "last")
	workspacetest.CheckInvariants(t, store, "w")
}

// Whoever makes a change sees it at once; Sync makes another instance do so.
func readYourOwnChange(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one, two := workspacetest.Open(t, workspacetest.Deaf(store), workspacetest.Quiet()...).For("w"), workspacetest.Open(t, workspacetest.Deaf(db.Store()), workspacetest.Quiet()...).For("w")
	workspacetest.Assign(t, one, rbac.Administrator, "ann")
	assert.True(t, workspacetest.Can(two, "ann"))
	for range long.Scale(50) {
		workspacetest.Assign(t, one, rbac.Administrator, "bob")
		assert.True(t, workspacetest.Can(one, "bob"))
		assert.True(t, !workspacetest.Can(two, "bob"))
		assert.NoError(t, two.Sync(ctx))
		assert.True(t, workspacetest.Can(two, "bob"))
		assert.NoError(t, two.As("ann").Remove(ctx, "bob"))
		assert.True(t, !workspacetest.Can(two, "bob"))
		assert.NoError(t, one.Sync(ctx))
		assert.True(t, !workspacetest.Can(one, "bob"))
	}
	workspacetest.CheckInvariants(t, store, "w")
}
