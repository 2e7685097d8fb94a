package scenarios_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
)

// unserialisedStore runs the transactions of a workspace side by side, each on
// the state before it, the last writer winning: a database under READ
// COMMITTED or REPEATABLE READ and a store without a lock. Transactions meet
// at the barrier before they commit.
type unserialisedStore struct {
	rbac.Store
	barrier func()
}

func (s unserialisedStore) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	var writes []func(rbac.Tx) error
	err := s.View(ctx, workspace, func(r rbac.Reader) error {
		return fn(laterTx{r, &writes})
	})
	s.barrier()
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, workspace, func(tx rbac.Tx) error {
		for _, write := range writes {
			if err := write(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// laterTx notes its writes.
type laterTx struct {
	rbac.Reader
	writes *[]func(rbac.Tx) error
}

func (t laterTx) later(write func(rbac.Tx) error) error {
	*t.writes = append(*t.writes, write)
	return nil
}

func (t laterTx) PutRole(r rbac.Role) error {
	return t.later(func(tx rbac.Tx) error { return tx.PutRole(r) })
}

func (t laterTx) DeleteRole(id rbac.RoleID) error {
	return t.later(func(tx rbac.Tx) error { return tx.DeleteRole(id) })
}

func (t laterTx) PutMembers(m ...rbac.Member) error {
	return t.later(func(tx rbac.Tx) error { return tx.PutMembers(m...) })
}

func (t laterTx) DeleteMembers(users ...string) error {
	return t.later(func(tx rbac.Tx) error { return tx.DeleteMembers(users...) })
}

func (t laterTx) AppendEvents(events ...rbac.Event) error {
	return t.later(func(tx rbac.Tx) error {
		at, err := tx.Revision()
		for i := range events {
			events[i].Seq = at.Seq + int64(i) + 1
		}
		return errors.Join(err, tx.AppendEvents(events...))
	})
}

// The same race on a store that does not keep the contract, to show that the
// test above would notice: both succeed, and nobody is left.
func TestScenario01_WithoutSerialUpdatesNobodyIsLeft(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	var meeting sync.WaitGroup
	unserialised := unserialisedStore{store, func() { meeting.Done(); meeting.Wait() }}
	one, two := openOn(t, unserialised), openOn(t, unserialised)
	app := openOn(t, store)
	viewer := addRole(t, app.Workspace, "Viewer", nil)
	for race, way := range workspacetest.Farewells(ctx, viewer.ID) {
		assign(t, app.Workspace, rbac.Administrator, "ann", "bob")
		meeting.Add(2)
		errs := workspacetest.Together(
			func() error { return way(one.As("ann"), "bob") },
			func() error { return way(two.As("bob"), "ann") },
		)
		require.NoError(t, errs[0])
		require.NoError(t, errs[1])
		require.Empty(t, workspacetest.Administrators(t, app.Workspace), "race %d", race)
		update(t, store, "", func(tx rbac.Tx) error { return tx.DeleteMembers("ann", "bob") })
	}
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
	ctx, store := t.Context(), rbac.NewMemStore()
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
			for i := 0; ; i++ {
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
			const enough = 10 // decisions that were seen
			for n := 0; n < long.Scale(1_000_000)/checks/len(watches) || len(w.explained) < enough; n++ {
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
