package rbac_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// contents is all that a store holds of one workspace.
type contents struct {
	Revision rbac.Revision
	Roles    []rbac.Role
	Members  []rbac.Member
	Events   []rbac.Event
}

// contentsOf reads a whole workspace.
func contentsOf(t testing.TB, store rbac.Store, workspace string) contents {
	t.Helper()
	var c contents
	require.NoError(t, store.View(t.Context(), workspace, func(r rbac.Reader) (err error) {
		c = contents{}
		if c.Revision, err = r.Revision(); err != nil {
			return err
		}
		for role, err := range r.Roles() {
			if err != nil {
				return err
			}
			c.Roles = append(c.Roles, role)
		}
		for member, err := range r.Members(rbac.MemberQuery{}) {
			if err != nil {
				return err
			}
			c.Members = append(c.Members, member)
		}
		for event, err := range r.Events(rbac.EventQuery{}) {
			if err != nil {
				return err
			}
			c.Events = append(c.Events, event)
		}
		return nil
	}))
	return c
}

// restore writes contents into a workspace that was never written.
func restore(t testing.TB, store rbac.Store, workspace string, c contents) {
	t.Helper()
	update(t, store, workspace, func(tx rbac.Tx) error {
		for _, role := range c.Roles {
			if err := tx.PutRole(role); err != nil {
				return err
			}
		}
		return errors.Join(tx.PutMembers(c.Members...), tx.AppendEvents(c.Events...))
	})
}

// update writes to a store behind the library's back.
func update(t testing.TB, store rbac.Store, workspace string, fn func(rbac.Tx) error) {
	t.Helper()
	require.NoError(t, store.Update(t.Context(), workspace, fn))
}

// forge writes rows behind the library's back, with events that say so and
// continue the chain as the library's own would.
func forge(t testing.TB, store rbac.Store, workspace string, events ...rbac.Event) {
	t.Helper()
	update(t, store, workspace, func(tx rbac.Tx) error {
		at, err := tx.Revision()
		if err != nil {
			return err
		}
		for i := range events {
			e := &events[i]
			e.Seq = at.Seq + 1
			e.Hash = chainHash(t, workspace, at, *e)
			at = e.Revision()
			switch {
			case e.RoleAfter != nil:
				err = tx.PutRole(*e.RoleAfter)
			case e.RoleBefore != nil:
				err = tx.DeleteRole(e.RoleBefore.ID)
			case e.MemberAfter != nil:
				err = tx.PutMembers(*e.MemberAfter)
			case e.MemberBefore != nil:
				err = tx.DeleteMembers(e.MemberBefore.User)
			}
			if err != nil {
				return err
			}
		}
		return tx.AppendEvents(events...)
	})
}

// checkInvariants checks what holds of every workspace that only the library
// wrote, whatever happened: the events are a gapless chain, the rows are what
// the events add up to, versions count, ids of roles are never used again,
// every member's role exists, and once there was an active Administrator
// there always was one.
func checkInvariants(t testing.TB, store rbac.Store, workspace string, systemRoles ...rbac.RoleID) {
	t.Helper()
	c := contentsOf(t, store, workspace)
	roles, members := map[rbac.RoleID]rbac.Role{}, map[string]rbac.Member{}
	made := map[rbac.RoleID]bool{}
	at, administrators := rbac.Revision{}, 0
	for i, e := range c.Events {
		require.EqualValues(t, i+1, e.Seq)
		require.Equal(t, chainHash(t, workspace, at, e), e.Hash, "the hash of event %d", e.Seq)
		at = e.Revision()
		require.NotEqual(t, e.Actor == "", e.Reason == "", "event %d names either an actor or a reason", e.Seq)
		require.Equal(t, e.RoleBefore != nil || e.RoleAfter != nil, strings.HasPrefix(string(e.Kind), "role."))
		require.Equal(t, e.MemberBefore != nil || e.MemberAfter != nil, strings.HasPrefix(string(e.Kind), "member."))
		if e.RoleBefore != nil {
			require.Equal(t, text(roles[e.RoleBefore.ID]), text(*e.RoleBefore), "before event %d", e.Seq)
			delete(roles, e.RoleBefore.ID)
		}
		if e.RoleAfter != nil {
			version := int64(1)
			if e.RoleBefore != nil {
				version = e.RoleBefore.Version + 1
			} else {
				require.False(t, made[e.RoleAfter.ID], "event %d uses the id of an earlier role", e.Seq)
			}
			require.Equal(t, version, e.RoleAfter.Version)
			made[e.RoleAfter.ID] = true
			roles[e.RoleAfter.ID] = *e.RoleAfter
		}
		had := administrators > 0
		if e.MemberBefore != nil {
			require.Equal(t, text(members[e.MemberBefore.User]), text(*e.MemberBefore), "before event %d", e.Seq)
			delete(members, e.MemberBefore.User)
			administrators -= activeAdministrator(*e.MemberBefore)
		}
		if e.MemberAfter != nil {
			require.NotContains(t, members, e.MemberAfter.User)
			members[e.MemberAfter.User] = *e.MemberAfter
			administrators += activeAdministrator(*e.MemberAfter)
		}
		require.True(t, administrators > 0 || !had, "event %d leaves no active Administrator", e.Seq)
	}
	require.Equal(t, at, c.Revision)
	require.Len(t, c.Roles, len(roles))
	for _, role := range c.Roles {
		require.Equal(t, text(roles[role.ID]), text(role))
	}
	require.Len(t, c.Members, len(members))
	for _, m := range c.Members {
		require.Equal(t, text(members[m.User]), text(m))
		_, exists := roles[m.Role]
		require.True(t, exists || m.Role == rbac.Administrator || slices.Contains(systemRoles, m.Role),
			"%q holds role %q, which does not exist", m.User, m.Role)
	}
}

func activeAdministrator(m rbac.Member) int {
	if m.Role == rbac.Administrator && !m.Suspended {
		return 1
	}
	return 0
}

// text returns a value in a form to compare, in which equal times are equal
// and nil is empty.
func text(v any) string {
	if b, err := json.Marshal(v); err == nil {
		return string(b)
	}
	return fmt.Sprintf("%+v", v) // what is malformed has no JSON form
}

// unchanged runs what must not change a workspace.
func unchanged(t testing.TB, store rbac.Store, workspace string, during func()) {
	t.Helper()
	before := contentsOf(t, store, workspace)
	during()
	require.Equal(t, text(before), text(contentsOf(t, store, workspace)), "the store after what must not have changed it")
}

// scaled returns a number of repetitions: less under -race and -short.
func scaled(n int) int {
	if raceEnabled {
		n /= 10
	}
	if testing.Short() {
		n /= 10
	}
	return max(n, 1)
}

// heapInUse returns the bytes in use after garbage collection.
func heapInUse() int64 {
	for range 3 { // what cleanups let go of is collected in the next round
		collectGarbage()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// collectGarbage returns when garbage is collected and cleanups have begun to
// run. It works in a bubble of synctest too, which has no channels in common
// with cleanups.
func collectGarbage() {
	done := new(atomic.Bool)
	runtime.AddCleanup(new([64]*int), func(done *atomic.Bool) { done.Store(true) }, done)
	runtime.GC()
	for !done.Load() {
		runtime.Gosched()
	}
}

// record is a slog.Handler that keeps what is logged.
type record struct {
	mu    sync.Mutex
	lines []string
}

func (l *record) Enabled(context.Context, slog.Level) bool { return true }
func (l *record) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *record) WithGroup(string) slog.Handler            { return l }
func (l *record) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

// containing returns the lines that have all these parts.
func (l *record) containing(parts ...string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for _, line := range l.lines {
		has := true
		for _, part := range parts {
			has = has && strings.Contains(line, part)
		}
		if has {
			found = append(found, line)
		}
	}
	return found
}

func (l *record) option() rbac.Option { return rbac.WithLogger(slog.New(l)) }
