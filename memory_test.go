package rbac_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// A workspace that nobody asks about is dropped after the idle time, and is
// loaded again by the next check; one that is asked about, in whatever way,
// stays.
func TestIdleWorkspacesAreDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := newFollowing(t, rbac.WithIdleTime(time.Minute))
		asks := map[string]func(w *rbac.Workspace) error{
			"Can":       func(w *rbac.Workspace) error { w.Can(ctx, "ann", rbac.Deals, rbac.Read); return nil },
			"CanRecord": func(w *rbac.Workspace) error { w.CanRecord(ctx, "ann", rbac.Deals, rbac.Read); return nil },
			"Subject":   func(w *rbac.Workspace) error { _, err := w.Subject(ctx, "ann"); return err },
			"Explain":   func(w *rbac.Workspace) error { _, err := w.Explain(ctx, "ann", rbac.Deals, rbac.Read); return err },
			"stranger":  func(w *rbac.Workspace) error { w.Can(ctx, "nobody", rbac.Deals, rbac.Read); return nil },
			"idle":      func(*rbac.Workspace) error { return nil },
			"reviewed":  func(w *rbac.Workspace) error { _, err := w.Roles(ctx); return err },
		}
		var workspaces []*rbac.Workspace
		for id := range asks {
			assign(t, f.other.For(id), rbac.Administrator, "ann")
			workspaces = append(workspaces, f.az.For(id))
			allows(t, f.az.For(id), "ann")
		}
		for range 20 {
			time.Sleep(30 * time.Second)
			for id, ask := range asks {
				require.NoError(t, ask(f.az.For(id)))
			}
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.ElementsMatch(t, []string{"Can", "CanRecord", "Subject", "Explain", "stranger"}, f.store.lastAsked())
		f.store.reset()
		for _, w := range workspaces {
			allows(t, w, "ann")
		}
		require.Equal(t, 2, f.store.calls(opView), "idle and reviewed are loaded again")
		allows(t, f.az.Workspace, "ann")
		time.Sleep(time.Minute + 4*time.Second)
		synctest.Wait()
		f.store.reset()
		time.Sleep(time.Minute)
		require.Zero(t, f.store.total(), "when all are idle the store is left alone")
	})
}

// A change of a workspace that is not loaded does not load it.
func TestChangesDoNotLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFaultStore(newStore(t))
		az := openOn(t, store)
		for i := range 100 {
			assign(t, az.For(fmt.Sprint("w", i)), rbac.Administrator, "ann")
		}
		require.Zero(t, store.calls(opView))
		time.Sleep(time.Minute)
		require.Zero(t, store.calls(opRevisions)-1, "no poll but the question of Open")
	})
}

// For returns the same handle while somebody holds it, or while the workspace
// is in memory.
func TestForReturnsTheSameHandle(t *testing.T) {
	t.Parallel()
	az := openOn(t, newStore(t))
	require.Same(t, az.Workspace, az.For(""))
	require.NotSame(t, az.For("a"), az.For("A"))
	held := az.For("held")
	require.Equal(t, "held", held.ID())
	var users sync.WaitGroup
	for range 8 {
		users.Go(func() {
			for i := range 1000 {
				if az.For("held") != held {
					t.Error("another handle while one is held")
				}
				one := az.For(fmt.Sprint("passing", i%10))
				if az.For(one.ID()) != one {
					t.Error("another handle while one is held")
				}
				runtime.KeepAlive(one)
			}
		})
	}
	for range 5 {
		runtime.GC()
		require.Same(t, held, az.For("held"))
	}
	users.Wait()
	runtime.KeepAlive(held)
}

// weakHandle loads a workspace and lets go of it.
//
//go:noinline
func weakHandle(t *testing.T, az *rbac.Authorizer, id string, load bool) weak.Pointer[rbac.Workspace] {
	w := az.For(id)
	if load {
		allows(t, w, "ann")
	}
	return weak.Make(w)
}

// collected reports whether a handle is garbage by now.
func collected(p weak.Pointer[rbac.Workspace]) bool {
	for range 3 {
		runtime.GC()
	}
	return p.Value() == nil
}

// Handles that nobody holds are collected, those of workspaces in memory when
// they are dropped.
func TestHandlesAreCollected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFollowing(t)
		assign(t, f.other.For("loaded"), rbac.Administrator, "ann")
		passing, loaded := weakHandle(t, f.az, "passing", false), weakHandle(t, f.az, "loaded", true)
		require.True(t, collected(passing))
		require.False(t, collected(loaded))
		require.Same(t, loaded.Value(), f.az.For("loaded"))
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		require.True(t, collected(loaded))
		allows(t, f.az.For("loaded"), "ann") // a new one
	})
}

// Workspaces that were never written take no memory, however many are asked
// about.
func TestUnwrittenWorkspacesTakeNoMemory(t *testing.T) {
	ctx := t.Context()
	store := newFaultStore(newStore(t))
	az := openOn(t, store)
	ask := func(from, to int) {
		var crowd sync.WaitGroup
		defer crowd.Wait()
		for start := range 20 { // more than there are places to read in
			crowd.Go(func() {
				for i := from + start; i < to; i += 20 {
					w := az.For(fmt.Sprint("nobody-ever-wrote-this-workspace-", i))
					if w.Can(ctx, "ann", rbac.Deals, rbac.Read) {
						t.Error("allowed")
					}
					d, err := w.Explain(ctx, "ann", rbac.Deals, rbac.Read)
					if err != nil || d.Reason != rbac.ReasonNotMember {
						t.Error(d, err)
					}
				}
			})
		}
	}
	ask(0, 1000)
	before := heapInUse()
	n := scaled(100_000)
	ask(1000, 1000+n)
	require.Less(t, heapInUse()-before, int64(1<<20), "%d workspaces would take much more", n)
	store.reset()
	synctest.Test(t, func(*testing.T) {}) // nothing of them is polled
	require.Empty(t, store.lastAsked()[1:])
}

// A large workspace, whose changes go to an overlay that is folded now and
// then, gives the same answers as one that was just loaded.
func TestChangesOfALargeWorkspace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), newStore(t)
		az, follower := openOn(t, inner), openOn(t, newFaultStore(inner))
		viewer := addRole(t, az.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
		owner := addRole(t, az.Workspace, "Owner", rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.None)})
		var users []string
		for i := range 5000 {
			users = append(users, fmt.Sprint("user", i))
		}
		assign(t, az.Workspace, rbac.Administrator, "ann")
		assign(t, az.Workspace, viewer.ID, users...)
		require.True(t, az.Can(ctx, "user1", rbac.Deals, rbac.Read))
		require.True(t, follower.Can(ctx, "user1", rbac.Deals, rbac.Read))

		random := rand.New(rand.NewPCG(1, 2))
		var touched []string
		for step := range 40 {
			var some []string
			for range 300 {
				some = append(some, users[random.IntN(len(users))])
			}
			var err error
			switch system := az.System("test"); step % 5 {
			case 0:
				err = system.Assign(ctx, owner.ID, some...)
			case 1:
				err = system.Remove(ctx, present(t, az.Workspace, some)...)
			case 2:
				err = system.Assign(ctx, viewer.ID, some...)
			case 3:
				err = system.Suspend(ctx, present(t, az.Workspace, some)...)
			case 4:
				err = system.Reinstate(ctx, present(t, az.Workspace, some)...)
			}
			require.NoError(t, err)
			touched = append(touched, some...)
			if step%8 == 7 {
				require.NoError(t, follower.Sync(ctx))
				fresh := openOn(t, inner)
				for _, user := range touched[max(0, len(touched)-2000):] {
					want, err := fresh.Explain(ctx, user, rbac.Deals, rbac.Read)
					require.NoError(t, err)
					for _, instance := range []*rbac.Authorizer{az, follower} {
						got, err := instance.Explain(ctx, user, rbac.Deals, rbac.Read)
						require.NoError(t, err)
						require.Equal(t, want, got)
						require.Equal(t, want.Allowed, instance.Can(ctx, user, rbac.Deals, rbac.Read))
						require.Equal(t, want.Scope != rbac.None, instance.CanRecord(ctx, user, rbac.Deals, rbac.Read, user))
					}
				}
				synctest.Wait()
			}
		}
		require.NoError(t, az.VerifyEvents(ctx))
	})
}

// Changes that are made while the overlay is folded are not lost, nor is what
// they undo done again.
func TestChangesDuringAFold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store := t.Context(), newStore(t)
		az := openOn(t, store)
		viewer := addRole(t, az.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
		nothing := addRole(t, az.Workspace, "Nothing", nil)
		var users []string
		for i := range 20_000 {
			users = append(users, fmt.Sprint("user", i))
		}
		update(t, store, "", func(tx rbac.Tx) error {
			var members []rbac.Member
			for _, user := range users {
				members = append(members, rbac.Member{User: user, Role: viewer.ID})
			}
			return tx.PutMembers(members...)
		})
		require.True(t, az.Can(ctx, "user19999", rbac.Deals, rbac.Read))
		for round := range 4 {
			part := users[round*4200:][:4200]
			assign(t, az.Workspace, nothing.ID, part...) // folded from here on
			for i := range 20 {
				assign(t, az.Workspace, viewer.ID, part[i], users[(i+round*4200+10_000)%len(users)])
				require.NoError(t, az.System("test").Remove(ctx, part[100+i]))
				require.NoError(t, az.System("test").Suspend(ctx, part[200+i]))
				assign(t, az.Workspace, nothing.ID, part[i])
			}
			if round%2 == 0 {
				synctest.Wait()
			}
			fresh := openOn(t, store)
			for _, user := range users {
				want, err := fresh.Explain(ctx, user, rbac.Deals, rbac.Read)
				require.NoError(t, err)
				got, err := az.Explain(ctx, user, rbac.Deals, rbac.Read)
				require.NoError(t, err)
				if want != got {
					t.Fatalf("%v, want %v", got, want)
				}
			}
		}
	})
}

// present returns those of the users who are members.
func present(t *testing.T, w *rbac.Workspace, users []string) (members []string) {
	t.Helper()
	for m, err := range w.Members(t.Context(), rbac.MemberQuery{Users: users}) {
		require.NoError(t, err)
		members = append(members, m.User)
	}
	return members
}

// Roles that come and go do not pile up, and do not confuse those that stay:
// the workspace is loaded anew now and then.
func TestRolesThatComeAndGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := newFollowing(t)
		viewer := addRole(t, f.az.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
		assign(t, f.az.Workspace, viewer.ID, "vic")
		for i := range 700 {
			role := addRole(t, f.az.Workspace, "Passing", rbac.Permissions{rbac.Tasks: access(rbac.All, rbac.All)})
			assign(t, f.az.Workspace, role.ID, "pat")
			require.True(t, f.az.Can(ctx, "pat", rbac.Tasks, rbac.Manage))
			require.NoError(t, f.az.System("test").ReplaceRole(ctx, role.ID, viewer.ID))
			require.NoError(t, f.az.System("test").DeleteRole(ctx, role.ID))
			require.False(t, f.az.Can(ctx, "pat", rbac.Tasks, rbac.Manage))
			require.True(t, f.az.Can(ctx, "vic", rbac.Deals, rbac.Read))
			if i%100 == 99 {
				require.NoError(t, f.other.Sync(ctx))
				require.True(t, f.other.Can(ctx, "vic", rbac.Deals, rbac.Read))
				require.False(t, f.other.Can(ctx, "pat", rbac.Tasks, rbac.Manage))
			}
		}
		views := f.store.calls(opView)
		require.GreaterOrEqual(t, views, 2, "loaded anew")
		require.LessOrEqual(t, views, 10, "and not for every change")
	})
}
