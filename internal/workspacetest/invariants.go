package workspacetest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
)

// CheckInvariants checks what holds of every workspace that only the library
// wrote, whatever happened: the events are a gapless chain, which VerifyEvents
// confirms, the rows are what the events add up to, versions count, ids of
// roles are never used again, every member's role exists or is one of the
// system roles, and once there was an active Administrator there always was
// one.
func CheckInvariants(t testing.TB, store rbac.Store, workspace string, systemRoles ...rbac.RoleID) {
	t.Helper()
	c := Read(t, store, workspace)
	l := ledger{TB: t, workspace: workspace, roles: map[rbac.RoleID]rbac.Role{}, members: map[string]rbac.Member{}, made: map[rbac.RoleID]bool{}}
	for _, e := range c.Events {
		l.take(e)
	}
	l.holds(l.at == c.Revision, "the revision is %v, the events end at %v", c.Revision, l.at)
	l.holds(len(c.Roles) == len(l.roles), "there are %d roles, and events of %d", len(c.Roles), len(l.roles))
	for _, role := range c.Roles {
		l.same(l.roles[role.ID], role, "the events, and the role")
	}
	l.holds(len(c.Members) == len(l.members), "there are %d members, and events of %d", len(c.Members), len(l.members))
	for _, m := range c.Members {
		l.same(l.members[m.User], m, "the events, and the member")
		_, exists := l.roles[m.Role]
		l.holds(exists || m.Role == rbac.Administrator || slices.Contains(systemRoles, m.Role),
			"%q holds role %q, which does not exist", m.User, m.Role)
	}
	az, err := rbac.Open(context.Background(), Deaf(store), Silent())
	assert.NoError(t, err)
	defer az.Close()
	assert.NoError(t, az.For(workspace).VerifyEvents(context.Background()))
}

// ledger is what the events of a workspace add up to.
type ledger struct {
	testing.TB
	workspace      string
	at             rbac.Revision
	roles          map[rbac.RoleID]rbac.Role
	members        map[string]rbac.Member
	made           map[rbac.RoleID]bool
	administrators int
}

func (l *ledger) take(e rbac.Event) {
	l.Helper()
	l.holds(e.Seq == l.at.Seq+1, "event %d comes after %d", e.Seq, l.at.Seq)
	l.holds(e.Hash == Hash(l, l.workspace, l.at, e), "event %d has a wrong hash", e.Seq)
	l.at = e.Revision()
	l.holds(e.Actor != "" || e.Reason != "", "event %d names neither an actor nor a reason", e.Seq)
	l.holds((e.RoleBefore != nil || e.RoleAfter != nil) == strings.HasPrefix(string(e.Kind), "role."), "event %d is a %s", e.Seq, e.Kind)
	l.holds((e.MemberBefore != nil || e.MemberAfter != nil) == strings.HasPrefix(string(e.Kind), "member."), "event %d is a %s", e.Seq, e.Kind)
	l.takeRole(e)
	had := l.administrators > 0
	if e.MemberBefore != nil {
		l.same(l.members[e.MemberBefore.User], l.unnamed(e, *e.MemberBefore), "the events before %d, and what it says was there", e.Seq)
		delete(l.members, e.MemberBefore.User)
		l.administrators -= activeAdministrator(*e.MemberBefore)
	}
	if e.MemberAfter != nil {
		_, member := l.members[e.MemberAfter.User]
		l.holds(!member, "event %d forgets that %q was a member", e.Seq, e.MemberAfter.User)
		l.members[e.MemberAfter.User] = l.unnamed(e, *e.MemberAfter)
		l.administrators += activeAdministrator(*e.MemberAfter)
	}
	l.holds(l.administrators > 0 || !had, "event %d leaves no active Administrator", e.Seq)
}

func (l *ledger) takeRole(e rbac.Event) {
	l.Helper()
	if e.RoleBefore != nil {
		l.same(l.roles[e.RoleBefore.ID], *e.RoleBefore, "the events before %d, and what it says was there", e.Seq)
		delete(l.roles, e.RoleBefore.ID)
	}
	if e.RoleAfter == nil {
		return
	}
	version := int64(1)
	if e.RoleBefore != nil {
		version = e.RoleBefore.Version + 1
	} else {
		l.holds(!l.made[e.RoleAfter.ID], "event %d uses the id of an earlier role", e.Seq)
	}
	l.holds(e.RoleAfter.Version == version, "event %d makes version %d after %d", e.Seq, e.RoleAfter.Version, version-1)
	l.made[e.RoleAfter.ID] = true
	l.roles[e.RoleAfter.ID] = *e.RoleAfter
}

// unnamed returns a member of an event as it is stored, after a look at the name
// of its role.
func (l *ledger) unnamed(e rbac.Event, m rbac.Member) rbac.Member {
	l.Helper()
	if role, ok := l.roles[m.Role]; ok && e.Form >= 2 {
		l.holds(m.RoleName == role.Name, "event %d names the role %q, which is %q", e.Seq, m.RoleName, role.Name)
	}
	m.RoleName = ""
	return m
}

func activeAdministrator(m rbac.Member) int {
	if m.Role == rbac.Administrator && !m.Suspended {
		return 1
	}
	return 0
}

func (l *ledger) holds(ok bool, format string, args ...any) {
	l.Helper()
	if !ok {
		l.Fatalf("workspace %q: "+format, append([]any{l.workspace}, args...)...)
	}
}

func (l *ledger) same(a, b any, format string, args ...any) {
	l.Helper()
	l.holds(Text(a) == Text(b), format+": %s\n%s", append(args, Text(a), Text(b))...)
}
