package rbac_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/storetest"
)

// farewells are the ways to take somebody's rights away.
func farewells(ctx context.Context, to rbac.RoleID) []func(a *rbac.Admin, user string) error {
	return []func(*rbac.Admin, string) error{
		func(a *rbac.Admin, user string) error { return a.Assign(ctx, to, user) },
		func(a *rbac.Admin, user string) error { return a.Suspend(ctx, user) },
		func(a *rbac.Admin, user string) error { return a.Remove(ctx, user) },
	}
}

// Two administrators demote, suspend or remove each other at the same moment,
// from two instances: exactly one succeeds, and the other is an administrator
// no longer.
func TestScenario01_TwoAdministratorsDemoteEachOther(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	one, two := openOn(t, store), openOn(t, store)
	viewer := addRole(t, one.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
	ways := farewells(ctx, viewer.ID)
	for race := range scaled(1000) {
		assign(t, one.Workspace, rbac.Administrator, "ann", "bob")
		require.NoError(t, one.System("race").Reinstate(ctx, "ann", "bob"))
		errs := storetest.Together(
			func() error { return ways[race%3](one.As("ann"), "bob") },
			func() error { return ways[race%3](two.As("bob"), "ann") },
		)
		winner, loser := errs[0], errs[1]
		if winner != nil {
			winner, loser = loser, winner
		}
		require.NoError(t, winner)
		require.ErrorIs(t, loser, rbac.ErrDenied)
	}
	checkInvariants(t, store, "")
}

// The same race on a store that does not keep the contract, to show that the
// test above would notice: both succeed, and nobody is left.
func TestScenario01_WithoutSerialUpdatesNobodyIsLeft(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	var meeting sync.WaitGroup
	unserialised := unserialisedStore{store, func() { meeting.Done(); meeting.Wait() }}
	one, two := openOn(t, unserialised), openOn(t, unserialised)
	app := openOn(t, store)
	viewer := addRole(t, app.Workspace, "Viewer", nil)
	for race, way := range farewells(ctx, viewer.ID) {
		assign(t, app.Workspace, rbac.Administrator, "ann", "bob")
		meeting.Add(2)
		errs := storetest.Together(
			func() error { return way(one.As("ann"), "bob") },
			func() error { return way(two.As("bob"), "ann") },
		)
		require.NoError(t, errs[0])
		require.NoError(t, errs[1])
		left := 0
		for _, m := range contentsOf(t, store, "").Members {
			left += activeAdministrator(m)
		}
		require.Zero(t, left, "race %d", race)
		update(t, store, "", func(tx rbac.Tx) error { return tx.DeleteMembers("ann", "bob") })
	}
}

// No path removes, suspends or demotes the last active administrator, not
// even the application's.
func TestScenario02_LastAdministratorStays(t *testing.T) {
	t.Parallel()
	type act func(ctx context.Context, w *rbac.Workspace, viewer rbac.RoleID) error
	system := func(w *rbac.Workspace) *rbac.Admin { return w.System("test") }
	for _, test := range []struct {
		name string
		act  act
		last []string // the administrators in the way; nil if it is allowed
	}{
		{"demote one of two", func(ctx context.Context, w *rbac.Workspace, viewer rbac.RoleID) error {
			return system(w).Assign(ctx, viewer, "bob")
		}, nil},
		{"demote both", func(ctx context.Context, w *rbac.Workspace, viewer rbac.RoleID) error {
			return system(w).Assign(ctx, viewer, "bob", "ann", "bob")
		}, []string{"ann", "bob"}},
		{"demote both among others", func(ctx context.Context, w *rbac.Workspace, viewer rbac.RoleID) error {
			return system(w).Assign(ctx, viewer, "ann", "bob", "new", "sue")
		}, []string{"ann", "bob"}},
		{"replace the role of all", func(ctx context.Context, w *rbac.Workspace, viewer rbac.RoleID) error {
			return system(w).ReplaceRole(ctx, rbac.Administrator, viewer)
		}, []string{"ann", "bob"}},
		{"replace the role by itself", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).ReplaceRole(ctx, rbac.Administrator, rbac.Administrator)
		}, nil},
		{"suspend one of two", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).Suspend(ctx, "ann")
		}, nil},
		{"suspend both", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).Suspend(ctx, "ann", "bob")
		}, []string{"ann", "bob"}},
		{"suspend the one who is suspended already", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).Suspend(ctx, "sue")
		}, nil},
		{"remove one of two", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).Remove(ctx, "ann")
		}, nil},
		{"remove the suspended one", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).Remove(ctx, "sue")
		}, nil},
		{"remove all but the suspended one", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).Remove(ctx, "ann", "bob")
		}, []string{"ann", "bob"}},
		{"remove all", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).Remove(ctx, "ann", "bob", "sue")
		}, []string{"ann", "bob"}},
		{"one after the other", func(ctx context.Context, w *rbac.Workspace, viewer rbac.RoleID) error {
			if err := system(w).Assign(ctx, viewer, "ann"); err != nil {
				return fmt.Errorf("the first of two: %v", err)
			}
			if err := w.As("bob").Reinstate(ctx, "sue"); err != nil {
				return fmt.Errorf("by the last: %v", err)
			}
			if err := w.As("sue").Remove(ctx, "bob"); err != nil {
				return fmt.Errorf("by another: %v", err)
			}
			return system(w).Suspend(ctx, "sue")
		}, []string{"sue"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, store := t.Context(), newStore(t)
			w := openOn(t, store).For("acme")
			viewer := addRole(t, w, "Viewer", nil)
			assign(t, w, rbac.Administrator, "ann", "bob", "sue")
			require.NoError(t, w.System("test").Suspend(ctx, "sue"))
			before := contentsOf(t, store, "acme")
			err := test.act(ctx, w, viewer.ID)
			checkInvariants(t, store, "acme")
			if test.last == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, rbac.ErrLastAdministrator)
			var refused *rbac.RefusalError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, &rbac.RefusalError{
				Rule: rbac.ErrLastAdministrator, Role: rbac.Administrator, RoleName: "Administrator", Users: test.last,
			}, refused)
			if len(test.last) == 2 {
				require.Equal(t, text(before), text(contentsOf(t, store, "acme")), "nothing is written")
			}
		})
	}
}

// In one transaction of the caller, the second of two removals sees the first.
func TestScenario02_LastAdministratorStaysInOneTransaction(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	az := openOn(t, store)
	assign(t, az.Workspace, rbac.Administrator, "ann", "bob")
	unchanged(t, store, "", func() {
		err := store.Update(ctx, "", func(tx rbac.Tx) error {
			in := az.System("off-boarding").In(rbac.TxStore("", tx))
			if err := in.Remove(ctx, "ann"); err != nil {
				return fmt.Errorf("the first: %v", err)
			}
			return in.Remove(ctx, "bob")
		})
		require.ErrorIs(t, err, rbac.ErrLastAdministrator)
	})
	checkInvariants(t, store, "")
}

// A role is deleted while it is being assigned: one of the two fails.
func TestScenario03_RoleIsDeletedWhileItIsAssigned(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	one, two := openOn(t, store), openOn(t, store)
	assign(t, one.Workspace, rbac.Administrator, "ann", "bob")
	deleted, assigned := 0, 0
	for race := range scaled(500) {
		role := addRole(t, one.Workspace, fmt.Sprint("Role ", race), nil)
		errs := storetest.Together(
			func() error { return one.As("ann").DeleteRole(ctx, role.ID) },
			func() error { return two.As("bob").Assign(ctx, role.ID, "vic") },
		)
		if errs[0] == nil {
			deleted++
			require.ErrorIs(t, errs[1], rbac.ErrRoleNotFound)
		} else {
			assigned++
			require.ErrorIs(t, errs[0], rbac.ErrRoleInUse)
			require.NoError(t, errs[1])
		}
	}
	t.Logf("deleted %d times, assigned %d times", deleted, assigned)
	checkInvariants(t, store, "")
}

// Two edits of one role from the same version: the second is ErrConflict,
// which says what the version is now.
func TestScenario04_TwoEditsFromOneVersion(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	one, two := openOn(t, store), openOn(t, store)
	assign(t, one.Workspace, rbac.Administrator, "ann", "bob")
	role := addRole(t, one.Workspace, "Sales", nil)
	for race := range scaled(500) {
		mine, theirs := role, role
		mine.Description = fmt.Sprint("Mine ", race)
		theirs.Description = fmt.Sprint("Theirs ", race)
		theirs.Permissions = rbac.Permissions{rbac.Deals: access(rbac.All, rbac.Scope(race%3))}
		var saved [2]rbac.Role
		errs := storetest.Together(
			func() (err error) { saved[0], err = one.As("ann").UpdateRole(ctx, mine); return err },
			func() (err error) { saved[1], err = two.As("bob").UpdateRole(ctx, theirs); return err },
		)
		won, lost := 0, 1
		if errs[0] != nil {
			won, lost = 1, 0
		}
		require.NoError(t, errs[won])
		var refused *rbac.RefusalError
		require.ErrorAs(t, errs[lost], &refused)
		require.Equal(t, &rbac.RefusalError{
			Rule: rbac.ErrConflict, Role: role.ID, RoleName: "Sales", Version: role.Version + 1,
		}, refused)
		require.Zero(t, saved[lost])
		require.Equal(t, role.Version+1, saved[won].Version)
		role = saved[won]
	}
	checkInvariants(t, store, "")
}

// watch is what one goroutine saw during scenario 5.
type watch struct {
	explained map[sighting]bool // what Explain answered, by revision
	between   map[span]bool     // what Can answered between two revisions
	trouble   string
	last      int64
}

type sighting struct {
	revision int64
	user     string
}

type span struct {
	from, to int64
	user     string
}

// look makes one round of checks about a user.
func (w *watch) look(ctx context.Context, az *rbac.Authorizer, user string) {
	d, err := az.Explain(ctx, user, rbac.Contacts, rbac.Read)
	can := az.Can(ctx, user, rbac.Deals, rbac.Read)
	s, err2 := az.Subject(ctx, user)
	after, err3 := az.Explain(ctx, user, rbac.Deals, rbac.Read)
	switch {
	case err != nil || err2 != nil || err3 != nil:
		w.trouble = fmt.Sprint(err, err2, err3)
	case d.Revision < w.last || after.Revision < d.Revision:
		w.trouble = fmt.Sprintf("went back from revision %d to %d to %d", w.last, d.Revision, after.Revision)
	case s.Can(rbac.Contacts, rbac.Read) != s.Can(rbac.Deals, rbac.Read):
		w.trouble = "a subject holds half of what the role gives or takes together"
	}
	w.last = after.Revision
	for _, d := range []rbac.Decision{d, after} {
		if was, seen := w.explained[sighting{d.Revision, user}]; seen && was != d.Allowed {
			w.trouble = fmt.Sprintf("two answers about %s at revision %d", user, d.Revision)
		}
		w.explained[sighting{d.Revision, user}] = d.Allowed
	}
	if d.Revision == after.Revision && can != d.Allowed {
		w.trouble = fmt.Sprintf("Can is %t at revision %d, where Explain is not", can, d.Revision)
	}
	if d.Revision != after.Revision {
		w.between[span{d.Revision, after.Revision, user}] = can
	}
}

// A million checks on two instances while roles and members change on both:
// every answer is that of one revision, never a mixture, and revisions never
// go back.
func TestScenario05_MillionChecksDuringChanges(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	instances := []*rbac.Authorizer{openOn(t, store), openOn(t, store)}
	one, two := instances[0], instances[1]
	assign(t, one.Workspace, rbac.Administrator, "ann")
	both := rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.None), rbac.Deals: access(rbac.All, rbac.None)}
	flips := addRole(t, one.Workspace, "Flips", both)
	stays := addRole(t, one.Workspace, "Stays", both)
	nothing := addRole(t, one.Workspace, "Nothing", nil)
	users := []string{"u0", "u1", "u2", "u3"}
	assign(t, one.Workspace, flips.ID, users...)
	for _, az := range instances {
		require.NoError(t, az.Sync(ctx))
	}

	stop := make(chan struct{})
	var writers, watchers sync.WaitGroup
	write := func(change func(i int) error) {
		writers.Go(func() {
			for i := range scaled(20_000) {
				select {
				case <-stop:
					return
				default:
				}
				if err := change(i); err != nil {
					t.Errorf("change %d: %v", i, err)
					return
				}
			}
		})
	}
	role := flips
	write(func(i int) (err error) {
		role.Permissions = both
		if i%2 == 0 {
			role.Permissions = rbac.Permissions{}
		}
		role, err = one.As("ann").UpdateRole(ctx, role)
		return err
	})
	write(func(i int) error {
		admin, user := two.As("ann"), users[i/6%len(users)]
		switch i % 6 {
		case 0:
			return admin.Assign(ctx, stays.ID, user)
		case 1:
			return admin.Suspend(ctx, user)
		case 2:
			return admin.Assign(ctx, nothing.ID, user)
		case 3:
			return admin.Reinstate(ctx, user)
		case 4:
			return admin.Remove(ctx, user)
		default:
			return admin.Assign(ctx, flips.ID, user)
		}
	})
	const checks = 5 // in one look
	watches := make([]watch, 4)
	for i := range watches {
		w := &watches[i]
		w.explained, w.between = map[sighting]bool{}, map[span]bool{}
		watchers.Go(func() {
			for n := range scaled(1_000_000) / checks / len(watches) {
				if w.look(ctx, instances[i%2], users[n%len(users)]); w.trouble != "" {
					t.Errorf("watcher %d: %s", i, w.trouble)
					return
				}
				runtime.Gosched() // so that there are many revisions to see
			}
		})
	}
	watchers.Wait()
	close(stop)
	writers.Wait()

	expected := answersByRevision(eventsOf(t, one.Workspace, rbac.EventQuery{}), rbac.Contacts)
	seen := map[int64]bool{}
	for _, w := range watches {
		for at, allowed := range w.explained {
			seen[at.revision] = true
			require.Equal(t, expected[at.revision][at.user], allowed, "%s at revision %d", at.user, at.revision)
		}
		for s, allowed := range w.between {
			right := false
			for at := s.from; at <= s.to && !right; at++ {
				right = expected[at][s.user] == allowed
			}
			require.True(t, right, "%s between revisions %d and %d", s.user, s.from, s.to)
		}
	}
	t.Logf("%d revisions, %d of them seen by checks", len(expected)-1, len(seen))
	require.Greater(t, len(seen), 1, "the workspace changed while it was looked at")
	checkInvariants(t, store, "")
}

// answersByRevision returns who may read an area after each event: another
// implementation of the checks, for roles without scope Own.
func answersByRevision(events []rbac.Event, area rbac.Area) []map[string]bool {
	roles, members := map[rbac.RoleID]bool{rbac.Administrator: true}, map[string]rbac.Member{}
	answers := []map[string]bool{{}}
	for _, e := range events {
		switch {
		case e.RoleAfter != nil:
			roles[e.RoleAfter.ID] = e.RoleAfter.Permissions[area].Read == rbac.All
		case e.RoleBefore != nil:
			delete(roles, e.RoleBefore.ID)
		case e.MemberAfter != nil:
			members[e.MemberAfter.User] = *e.MemberAfter
		default:
			delete(members, e.MemberBefore.User)
		}
		allowed := map[string]bool{}
		for user, m := range members {
			if roles[m.Role] && !m.Suspended {
				allowed[user] = true
			}
		}
		answers = append(answers, allowed)
	}
	return answers
}

// A slow reading that ends after something newer was published is thrown
// away: a revoke, once returned, is never undone by it.
func TestScenario06_SlowReloadIsThrownAway(t *testing.T) {
	t.Parallel()
	viewing := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}
	for _, test := range []struct {
		name  string
		begin func(t *testing.T, az, other *rbac.Authorizer, viewer rbac.RoleID) // begins a reading whose result is late
	}{
		{"a first load", func(t *testing.T, az, _ *rbac.Authorizer, _ rbac.RoleID) {
			go az.Can(t.Context(), "vic", rbac.Deals, rbac.Read)
		}},
		{"a reading of what is known", func(t *testing.T, az, _ *rbac.Authorizer, _ rbac.RoleID) {
			require.True(t, az.Can(t.Context(), "vic", rbac.Deals, rbac.Read))
			go func() { _ = az.Sync(t.Context()) }()
		}},
		{"a reading of another's change", func(t *testing.T, az, other *rbac.Authorizer, viewer rbac.RoleID) {
			require.True(t, az.Can(t.Context(), "vic", rbac.Deals, rbac.Read))
			assign(t, other.Workspace, viewer, "new")
			go func() { _ = az.Sync(t.Context()) }()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				inner := newStore(t)
				store := newFaultStore(inner)
				other, az := openOn(t, inner), openOn(t, store)
				assign(t, other.Workspace, rbac.Administrator, "ann")
				viewer := addRole(t, other.Workspace, "Viewer", viewing)
				assign(t, other.Workspace, viewer.ID, "vic")

				loads := 0
				late := lagging(time.Second)
				store.set(opView, func(ctx context.Context, call func(error) error) error {
					loads++
					if test.name != "a first load" && loads == 1 {
						return call(nil) // the load before
					}
					b := late
					late = behaving
					return b(ctx, call)
				})
				test.begin(t, az, other, viewer.ID)
				synctest.Wait()
				began := time.Now()
				require.NoError(t, az.As("ann").Remove(t.Context(), "vic"))
				for time.Since(began) < 3*time.Second {
					require.False(t, az.Can(t.Context(), "vic", rbac.Deals, rbac.Read), "after %v", time.Since(began))
					time.Sleep(50 * time.Millisecond)
				}
				_, err := az.Subject(t.Context(), "vic")
				require.NoError(t, err)
				checkInvariants(t, inner, "")
			})
		})
	}
}
