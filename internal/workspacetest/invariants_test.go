package workspacetest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

// verdict is a test that notes why it failed.
type verdict struct {
	testing.TB
	failure string
}

func (v *verdict) Helper() {}

func (v *verdict) Fatalf(format string, args ...any) {
	v.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (v *verdict) Fatal(args ...any) { v.Fatalf("%s", fmt.Sprint(args...)) }

// judge returns what CheckInvariants says of a workspace.
func judge(t *testing.T, store rbac.Store, systemRoles ...rbac.RoleID) string {
	v := &verdict{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		workspacetest.CheckInvariants(v, store, "w", systemRoles...)
	}()
	<-done
	return v.failure
}

// What an invariant forbids is noticed.
func TestCheckInvariants(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Microsecond)
	role := rbac.Role{ID: "r", Name: "R", Version: 1, CreatedAt: now, UpdatedAt: now}
	event := func(e rbac.Event) rbac.Event {
		e.Time, e.Actor = now, "ann"
		return e
	}
	forge := func(events ...rbac.Event) func(*testing.T, rbac.Store) {
		return func(t *testing.T, store rbac.Store) { workspacetest.Forge(t, store, "w", events...) }
	}
	put := func(fn func(rbac.Tx) error) func(*testing.T, rbac.Store) {
		return func(t *testing.T, store rbac.Store) { workspacetest.Update(t, store, "w", fn) }
	}
	second := role
	second.Version = 3
	for _, test := range []struct {
		name string
		do   func(*testing.T, rbac.Store)
		want string // in the failure; empty for none
	}{
		{"nothing is wrong", func(*testing.T, rbac.Store) {}, ""},
		{"a system role", forge(event(rbac.Event{Kind: rbac.MemberAssigned, MemberAfter: &rbac.Member{User: "sue", Role: "viewer", UpdatedAt: now}})), ""},
		{"a member without an event", put(func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "eve", Role: rbac.Administrator}) }), "2 members"},
		{"a role without an event", put(func(tx rbac.Tx) error { return tx.PutRole(role) }), "1 roles"},
		{"a member who is another", put(func(tx rbac.Tx) error {
			return tx.PutMembers(rbac.Member{User: "ann", Role: rbac.Administrator, Suspended: true})
		}), "the events, and the member"},
		{"a role that does not exist", forge(event(rbac.Event{Kind: rbac.MemberAssigned, MemberAfter: &rbac.Member{User: "eve", Role: "gone", UpdatedAt: now}})), "does not exist"},
		{"nobody is left", forge(event(rbac.Event{
			Kind: rbac.MemberRemoved, MemberBefore: &rbac.Member{User: "ann", Role: rbac.Administrator, UpdatedAt: now},
		})), "leaves no active Administrator"},
		{"a version is left out", forge(
			event(rbac.Event{Kind: rbac.RoleCreated, RoleAfter: &role}), event(rbac.Event{Kind: rbac.RoleUpdated, RoleBefore: &role, RoleAfter: &second}),
		), "makes version 3"},
		{"an id is used again", forge(
			event(rbac.Event{Kind: rbac.RoleCreated, RoleAfter: &role}), event(rbac.Event{Kind: rbac.RoleDeleted, RoleBefore: &role}),
			event(rbac.Event{Kind: rbac.RoleCreated, RoleAfter: &role}),
		), "uses the id of an earlier role"},
		{"another before", forge(event(rbac.Event{Kind: rbac.RoleDeleted, RoleBefore: &role})), "what it says was there"},
		{"nobody did it", forge(rbac.Event{Time: now, Kind: rbac.RoleCreated, RoleAfter: &role}), "neither an actor nor a reason"},
		{"a member in another team", put(func(tx rbac.Tx) error {
			return tx.PutMembers(rbac.Member{User: "ann", Role: rbac.Administrator, Team: "north", UpdatedAt: now})
		}), "the events, and the member"},
		{"a name that the role has not", forge(
			event(rbac.Event{Kind: rbac.RoleCreated, RoleAfter: &role}),
			event(rbac.Event{Form: 2, Kind: rbac.MemberAssigned, MemberAfter: &rbac.Member{User: "eve", Role: role.ID, RoleName: "Others", UpdatedAt: now}}),
		), `names the role "Others"`},
		{"a list without an event", func(t *testing.T, store rbac.Store) {
			forge(event(rbac.Event{Kind: rbac.RoleCreated, RoleAfter: &role}))(t, store)
			lists := role
			lists.Assigns = []rbac.RoleID{"other"}
			put(func(tx rbac.Tx) error { return tx.PutRole(lists) })(t, store)
		}, "the events, and the role"},
		{"a wrong kind", forge(event(rbac.Event{Kind: rbac.MemberAssigned, RoleAfter: &role})), "is a member.assigned"},
		{"a wrong hash", put(func(tx rbac.Tx) error {
			e := event(rbac.Event{Seq: 2, Kind: rbac.RoleCreated, RoleAfter: &role})
			return tx.AppendEvents(e)
		}), "wrong hash"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := rbac.NewMemStore()
			workspacetest.Forge(t, store, "w", rbac.Event{
				Time: now, Kind: rbac.MemberAssigned, Reason: "test", MemberAfter: &rbac.Member{User: "ann", Role: rbac.Administrator, UpdatedAt: now},
			})
			test.do(t, store)
			got := judge(t, store, "viewer")
			if test.want == "" {
				require.Empty(t, got)
				return
			}
			require.True(t, strings.Contains(got, test.want), "%q", got)
		})
	}
}
