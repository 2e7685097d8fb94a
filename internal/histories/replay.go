package histories

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
)

// errRollback makes a transaction roll back.
var errRollback = errors.New("rolled back")

func same(id rbac.RoleID) rbac.RoleID { return id }

// replay does on a MemStore what the events tell of.
func (h History) replay(t *testing.T, all []*operation, check *rbac.Authorizer, instances []*rbac.Workspace) {
	t.Helper()
	ctx, memory := t.Context(), rbac.NewMemStore()
	oracle := workspacetest.Open(t, memory, viewer).For(historic)
	ids := map[rbac.RoleID]rbac.RoleID{rbac.Administrator: rbac.Administrator, "viewer": "viewer"}
	translate := func(id rbac.RoleID) rbac.RoleID { // the oracle has ids of its own
		if known, ok := ids[id]; ok {
			return known
		}
		return id
	}

	kept := workspacetest.All(t, check.For(historic).Events(ctx, rbac.EventQuery{}))
	nameOf := func(e rbac.Event) string { return e.Actor + e.Reason }
	byName := map[string]*operation{}
	for _, o := range all {
		byName[o.name] = o
	}
	told := map[string]bool{} // the operations with events
	for _, e := range kept {
		told[nameOf(e)] = true
	}
	var silent []*operation // they left no event, and must be explained
	for _, o := range all {
		if !told[o.name] && (o.err == nil || class(o.err) != "") {
			silent = append(silent, o)
		}
	}
	explain := func(at int64) {
		silent = slices.DeleteFunc(silent, func(o *operation) bool {
			if at < o.from || at > o.to {
				return false
			}
			err, changed := dryRun(ctx, memory, oracle, o, translate)
			return !changed && class(err) == class(o.err) && (err == nil) == (o.err == nil)
		})
	}

	for next := 0; next < len(kept); {
		explain(int64(next))
		name := nameOf(kept[next])
		o := byName[name]
		assert.True(t, o != nil, "an event of nobody:", name)
		assert.True(t, o.err == nil || errors.Is(o.err, rbac.ErrOutcomeUnknown), name, "was refused and left events:", o.err)
		created, err := o.run(ctx, o.by(oracle), translate)
		assert.NoError(t, err, fmt.Sprintf("%+v", o))
		if created != "" {
			ids[kept[next].RoleAfter.ID] = created
		}
		for next < len(kept) && nameOf(kept[next]) == name {
			next++
		}
		assert.Equal(t, int64(next), workspacetest.Seq(t, memory, historic), name, "made other events")
	}
	explain(int64(len(kept)))
	for _, o := range silent {
		t.Errorf("%s was answered with %v, left no event, and would have had another answer on every revision from %d to %d",
			o.name, o.err, o.from, o.to)
	}

	again := workspacetest.All(t, oracle.Events(ctx, rbac.EventQuery{}))
	for i := range kept {
		assert.Equal(t, eventText(kept[i], translate), eventText(again[i], same), "event", i+1)
	}
	want := stateText(t, oracle, same)
	for i, w := range append(instances, check.For(historic)) {
		workspacetest.Soon(t, 10*time.Second, "the instance has recovered", func() bool { return w.Sync(ctx) == nil })
		assert.Equal(t, want, stateText(t, w, translate), "instance", i)
	}
}

// dryRun tells what a change would say to the oracle as it is now, and whether
// it would change something.
func dryRun(ctx context.Context, memory *rbac.MemStore, oracle *rbac.Workspace, o *operation, ids func(rbac.RoleID) rbac.RoleID) (err error, changed bool) {
	_ = memory.Update(ctx, historic, func(tx rbac.Tx) error {
		before, _ := tx.Revision()
		_, err = o.run(ctx, o.by(oracle.In(rbac.TxStore(historic, tx))), ids)
		after, _ := tx.Revision()
		changed = before != after
		return errRollback
	})
	return err, changed
}

// class returns the rule that an error is about, "" if it is about none.
func class(err error) string {
	for _, rule := range []error{
		rbac.ErrInvalid, rbac.ErrDenied, rbac.ErrRoleNotFound, rbac.ErrMemberNotFound, rbac.ErrMemberExists, rbac.ErrProtectedRole, rbac.ErrSelf, rbac.ErrAdministrator,
		rbac.ErrConflict, rbac.ErrEscalation, rbac.ErrNameTaken, rbac.ErrRoleInUse, rbac.ErrLastAdministrator,
	} {
		if errors.Is(err, rule) {
			return rule.Error()
		}
	}
	return ""
}

func eventText(e rbac.Event, ids func(rbac.RoleID) rbac.RoleID) string {
	var b strings.Builder
	fmt.Fprint(&b, e.Seq, " ", e.Kind, " ", e.Actor, e.Reason)
	for _, role := range []*rbac.Role{e.RoleBefore, e.RoleAfter} {
		if role != nil {
			b.WriteString(" " + roleText(*role, ids))
		}
	}
	for _, m := range []*rbac.Member{e.MemberBefore, e.MemberAfter} {
		if m != nil {
			fmt.Fprintf(&b, " %q:%s %v", m.User, ids(m.Role), m.Suspended)
		}
	}
	return b.String()
}

func roleText(role rbac.Role, ids func(rbac.RoleID) rbac.RoleID) string {
	return fmt.Sprintf("%s=%q %q %s v%d", ids(role.ID), role.Name, role.Description, role.Permissions, role.Version)
}

// stateText tells roles, members and the answers to all checks about them.
func stateText(t testing.TB, w *rbac.Workspace, ids func(rbac.RoleID) rbac.RoleID) string {
	t.Helper()
	ctx := context.Background()
	roles, err := w.Roles(ctx)
	assert.NoError(t, err)
	var lines []string
	for _, role := range roles {
		lines = append(lines, roleText(role, ids))
	}
	slices.Sort(lines)
	for _, m := range workspacetest.All(t, w.Members(ctx, rbac.MemberQuery{})) {
		line := fmt.Sprintf("%q:%s %v", m.User, ids(m.Role), m.Suspended)
		for _, info := range rbac.DefaultAreas() {
			for _, action := range []rbac.Action{rbac.Read, rbac.Manage} {
				scope, err := w.Scope(ctx, m.User, info.Area, action)
				assert.NoError(t, err)
				line += fmt.Sprint(" ", scope)
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
