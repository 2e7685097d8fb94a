package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/areagate/rbac"
)

// A slow reload, whose transaction began before a revoke and ends after it, is
// thrown away: what the revoke published stays.
func slowReloadIsThrownAway(t *testing.T, db Database) {
	for name, begin := range map[string]func(t *testing.T, other, w *rbac.Workspace, viewer rbac.RoleID){
		"a first load": func(*testing.T, *rbac.Workspace, *rbac.Workspace, rbac.RoleID) {},
		"a reading of what is known": func(t *testing.T, _, w *rbac.Workspace, _ rbac.RoleID) {
			that(t, Can(w, "vic"))
		},
		"a reading of another's change": func(t *testing.T, other, w *rbac.Workspace, viewer rbac.RoleID) {
			that(t, Can(w, "vic"))
			Assign(t, other, viewer, "new")
		},
		"a load of another history": func(t *testing.T, other, w *rbac.Workspace, viewer rbac.RoleID) {
			that(t, Can(w, "vic"))
			many := make([]string, 1100) // too many events to follow
			for i := range many {
				many[i] = fmt.Sprint("new", i)
			}
			Assign(t, other, viewer, many...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			other := Open(t, Deaf(db.Store()), Quiet()...).For(name)
			store := &Faulty{Store: db.Store()}
			w := Open(t, Deaf(store), Quiet()...).For(name)
			Assign(t, other, rbac.Administrator, "ann")
			viewer := AddRole(t, other, "Viewer", ReadsDeals(rbac.All))
			Assign(t, other, viewer.ID, "vic")

			begin(t, other, w, viewer.ID)
			reading, release := make(chan struct{}), make(chan struct{})
			var held atomic.Bool
			store.Set(&Fault{Reader: func(r rbac.Reader) rbac.Reader {
				if held.CompareAndSwap(false, true) {
					if _, err := r.Member("vic"); err != nil {
						t.Error("the snapshot of the transaction is not from before the revoke:", err)
					}
					close(reading)
					<-release // the transaction is open, and reads what was
				}
				return r
			}})
			synced, removed := make(chan error, 1), make(chan error, 1)
			go func() { synced <- w.Sync(ctx) }()
			<-reading
			before := revision(t, store, name)
			go func() { removed <- w.As("ann").Remove(ctx, "vic") }()
			Soon(t, 10*time.Second, "the revoke is committed", func() bool { return revision(t, store, name) > before })
			if name == "a reading of what is known" { // in the other cases Remove waits for the reading
				must(t, <-removed)
				that(t, !Can(w, "vic"), "the revoke is published, the reading still under way")
				removed <- nil
			}
			close(release)
			must(t, <-removed)
			for reading := true; reading; {
				that(t, !Can(w, "vic"))
				select {
				case err := <-synced:
					must(t, err)
					reading = false
				default:
				}
			}
			that(t, !Can(w, "vic"))
			must(t, w.Sync(ctx))
			that(t, !Can(w, "vic"))
			that(t, Can(w, "ann"))
			CheckInvariants(t, store, name)
		})
	}
}

// errRollback makes a transaction roll back.
var errRollback = errors.New("the application changed its mind")

// A change that is rolled back by the application: no notification, and the
// snapshot is as it was. One that commits is announced once.
func rolledBackChange(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	az := Open(t, store, Quiet()...)
	w := az.For("w")
	Assign(t, w, rbac.Administrator, "ann")
	that(t, Can(w, "ann"))
	notifier, notifies := store.(rbac.Notifier)
	hints := func() []string { return nil }
	if notifies {
		hints = Listen(t, notifier)
	}
	announced := func(want ...string) { // and nothing else was
		t.Helper()
		if !notifies {
			return
		}
		last := want[len(want)-1]
		Soon(t, 5*time.Second, last+" is announced", func() bool { h := hints(); return len(h) > 0 && h[len(h)-1] == last })
		equal(t, want, hints())
	}
	before := stateOf(t, store, "w")
	mustBe(t, db.Transaction(ctx, func(in rbac.Store) error {
		admin := w.As("ann").In(in)
		must(t, admin.Assign(ctx, rbac.Administrator, "bob"))
		must(t, admin.Suspend(ctx, "bob"))
		that(t, !Can(w, "bob"))
		return errRollback
	}), errRollback)
	equal(t, before, stateOf(t, store, "w"))
	mustBe(t, w.As("ann").Suspend(ctx, "bob"), rbac.ErrMemberNotFound)
	must(t, w.Sync(ctx))
	that(t, !Can(w, "bob"))
	Assign(t, az.For("other"), rbac.Administrator, "ann")
	announced("other")

	must(t, db.Transaction(ctx, func(in rbac.Store) error {
		admin := w.System("sign-up").In(in)
		must(t, admin.Assign(ctx, rbac.Administrator, "eve"))
		must(t, admin.Assign(ctx, rbac.Administrator, "joe"))
		that(t, !Can(w, "eve"), "it is not committed yet")
		return nil
	}))
	announced("other", "w")
	must(t, w.Sync(ctx))
	that(t, Can(w, "eve") && Can(w, "joe"))
	Assign(t, az.For("last"), rbac.Administrator, "ann")
	announced("other", "w", "last")
	CheckInvariants(t, store, "w")
}

// Whoever makes a change sees it at once; Sync makes another instance do so.
func readYourOwnChange(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one, two := Open(t, Deaf(store), Quiet()...).For("w"), Open(t, Deaf(db.Store()), Quiet()...).For("w")
	Assign(t, one, rbac.Administrator, "ann")
	that(t, Can(two, "ann"))
	for range Scaled(50) {
		Assign(t, one, rbac.Administrator, "bob")
		that(t, Can(one, "bob"))
		that(t, !Can(two, "bob"))
		must(t, two.Sync(ctx))
		that(t, Can(two, "bob"))
		must(t, two.As("ann").Remove(ctx, "bob"))
		that(t, !Can(two, "bob"))
		must(t, one.Sync(ctx))
		that(t, !Can(one, "bob"))
	}
	CheckInvariants(t, store, "w")
}
