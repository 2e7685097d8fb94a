package scenarios

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
)

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
func (w *watch) look(ctx context.Context, at *rbac.Workspace, user string) {
	d, err := at.Explain(ctx, user, rbac.Contacts, rbac.Read)
	can := at.Can(ctx, user, rbac.Deals, rbac.Read)
	s, err2 := at.Subject(ctx, user)
	after, err3 := at.Explain(ctx, user, rbac.Deals, rbac.Read)
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
func checksDuringChanges(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one, two := workspacetest.Open(t, store).For("w"), workspace(t, db)
	instances := []*rbac.Workspace{one, two}
	workspacetest.Assign(t, one, rbac.Administrator, "ann")
	both := rbac.Permissions{rbac.Contacts: {Read: rbac.All}, rbac.Deals: {Read: rbac.All}}
	flips := workspacetest.AddRole(t, one, "Flips", both)
	stays := workspacetest.AddRole(t, one, "Stays", both)
	nothing := workspacetest.AddRole(t, one, "Nothing", nil)
	users := []string{"u0", "u1", "u2", "u3"}
	workspacetest.Assign(t, one, flips.ID, users...)
	for _, w := range instances {
		assert.NoError(t, w.Sync(ctx))
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

	expected := answersByRevision(workspacetest.Events(t, one, rbac.EventQuery{}), rbac.Contacts)
	seen := map[int64]bool{}
	for _, w := range watches {
		for at, allowed := range w.explained {
			seen[at.revision] = true
			assert.Equal(t, expected[at.revision][at.user], allowed, at.user, "at revision", at.revision)
		}
		for s, allowed := range w.between {
			right := false
			for at := s.from; at <= s.to && !right; at++ {
				right = expected[at][s.user] == allowed
			}
			assert.True(t, right, s.user, "between revisions", s.from, "and", s.to)
		}
	}
	t.Logf("%d revisions, %d of them seen by checks", len(expected)-1, len(seen))
	assert.True(t, len(seen) > 1, "the workspace changed while it was looked at")
	workspacetest.CheckInvariants(t, store, "w")
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
