package sqlitestore_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// operation is one change of a random history. Its name is the actor or the
// reason of its events.
type operation struct {
	name        string
	system      bool
	kind        int
	role        rbac.Role   // to be created or saved
	old, target rbac.RoleID // as the database has them
	users       []string
}

const operationKinds = 8

// run makes the change; ids translates the ids of roles.
func (o operation) run(ctx context.Context, w *rbac.Workspace, ids func(rbac.RoleID) rbac.RoleID) (created rbac.RoleID, err error) {
	admin := w.As(o.name)
	if o.system {
		admin = w.System(o.name)
	}
	switch o.kind {
	case 0:
		var role rbac.Role
		role, err = admin.CreateRole(ctx, o.role)
		return role.ID, err
	case 1:
		role := o.role
		role.ID = ids(role.ID)
		_, err = admin.UpdateRole(ctx, role)
	case 2:
		err = admin.DeleteRole(ctx, ids(o.target))
	case 3:
		err = admin.Suspend(ctx, o.users...)
	case 4:
		err = admin.Reinstate(ctx, o.users...)
	case 5:
		err = admin.Remove(ctx, o.users...)
	case 6:
		err = admin.ReplaceRole(ctx, ids(o.old), ids(o.target))
	default:
		err = admin.Assign(ctx, ids(o.target), o.users...)
	}
	return "", err
}

// randomOperation makes up a change that may be refused or not.
func randomOperation(r *rand.Rand, name string, roles []rbac.Role) operation {
	o := operation{name: name, system: r.IntN(2) == 0, kind: r.IntN(operationKinds + 3)}
	for range 1 + r.IntN(4) {
		o.users = append(o.users, hostile(r.IntN(12)))
	}
	o.target, o.old = roles[r.IntN(len(roles))].ID, roles[r.IntN(len(roles))].ID
	o.role = rbac.Role{Name: "Role " + hostile(r.IntN(12)), Description: hostile(r.IntN(12)), Permissions: rbac.Permissions{}}
	for _, info := range rbac.DefaultAreas() {
		most := 2
		if info.Owned {
			most = 3
		}
		scopes := []rbac.Scope{rbac.None, rbac.All, rbac.Own}[:most]
		o.role.Permissions[info.Area] = rbac.Access{Read: scopes[r.IntN(most)], Manage: scopes[r.IntN(most)]}
	}
	if o.kind == 1 {
		role := roles[r.IntN(len(roles))]
		o.role.ID, o.role.Version = role.ID, role.Version
		if r.IntN(2) == 0 {
			o.role.Name = role.Name
		}
	}
	return o
}

// hostile returns an id that is a nuisance in one language or another.
func hostile(i int) string {
	return []string{
		"ann", "Ann", "bob'; DROP TABLE rbac_members; --", `"bob"`, "<script>alert(1)</script>", "=1+1", "%", "_",
		`back\slash`, "日本語", "e\u0301ve", "%s{{.}}",
	}[i]
}

// TestScenario31_RandomHistories lets concurrent actors change one file
// through three instances, some with contexts that end in the middle. What
// was acknowledged, and nothing else, is then done again on a MemStore, which
// must come to the same.
func TestScenario31_RandomHistories(t *testing.T) {
	rounds := 5
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		seed := rand.Uint64()
		t.Run(fmt.Sprint(seed), func(t *testing.T) { testHistory(t, seed) })
	}
}

func testHistory(t *testing.T, seed uint64) {
	const workers, each = 6, 60
	ctx := t.Context()
	path := tempFile(t)
	shared := open(t, path)
	oracle := authorizer(t, rbac.NewMemStore(), viewer)
	instances := []*rbac.Authorizer{
		authorizer(t, shared, viewer), authorizer(t, shared, viewer), authorizer(t, open(t, path), viewer),
	}

	// Each operation that does not act as the system has an administrator of
	// its own, so that its events tell which it was.
	setup := operation{name: "set-up", system: true, kind: operationKinds, target: rbac.Administrator}
	for worker := range workers {
		for i := range each {
			setup.users = append(setup.users, fmt.Sprintf("op-%d-%d", worker, i))
		}
	}
	same := func(id rbac.RoleID) rbac.RoleID { return id }
	_, err := setup.run(ctx, instances[0].Workspace, same)
	require.NoError(t, err)

	var mu sync.Mutex
	acknowledged := map[string]operation{setup.name: setup}
	refused := map[string]error{}
	var wait sync.WaitGroup
	for worker := range workers {
		r := rand.New(rand.NewPCG(seed, uint64(worker)))
		wait.Go(func() {
			for i := range each {
				w := instances[r.IntN(len(instances))].Workspace
				roles, err := w.Roles(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				o := randomOperation(r, fmt.Sprintf("op-%d-%d", worker, i), roles)
				limited, cancel := ctx, context.CancelFunc(func() {})
				if r.IntN(4) == 0 {
					limited, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(4000))*time.Microsecond)
				}
				_, err = o.run(limited, w, same)
				cancel()
				mu.Lock()
				if err == nil {
					acknowledged[o.name] = o
				} else {
					refused[o.name] = err
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()

	// The order is that of the events; the oracle has ids of its own.
	kept := all(t, instances[0].Events(ctx, rbac.EventQuery{}))
	ids := map[rbac.RoleID]rbac.RoleID{rbac.Administrator: rbac.Administrator, "viewer": "viewer"}
	translate := func(id rbac.RoleID) rbac.RoleID {
		if known, ok := ids[id]; ok {
			return known
		}
		return id
	}
	done := 0
	for next := 0; next < len(kept); {
		name := kept[next].Actor + kept[next].Reason
		o, ok := acknowledged[name]
		require.True(t, ok, "%s was refused with %v and left events", name, refused[name])
		created, err := o.run(ctx, oracle.Workspace, translate)
		require.NoError(t, err, "%+v", o)
		if created != "" {
			ids[kept[next].RoleAfter.ID] = created
		}
		for next < len(kept) && kept[next].Actor+kept[next].Reason == name {
			next++
		}
		done++
	}
	again := all(t, oracle.Events(ctx, rbac.EventQuery{}))
	require.Len(t, again, len(kept))
	for i := range kept {
		require.Equal(t, eventText(kept[i], translate), eventText(again[i], same), "event %d", i+1)
	}
	want := stateText(t, oracle, same)
	for i, az := range instances {
		require.NoError(t, az.Sync(ctx))
		require.NoError(t, az.VerifyEvents(ctx))
		require.Equal(t, want, stateText(t, az, translate), "instance %d", i)
	}
	integrity(t, path)
	t.Logf("%d operations made %d changes and %d events; %d were refused", workers*each, done, len(kept), len(refused))
}

func all[V any](t testing.TB, values func(func(V, error) bool)) (list []V) {
	t.Helper()
	for v, err := range values {
		require.NoError(t, err)
		list = append(list, v)
	}
	return list
}

func eventText(e rbac.Event, ids func(rbac.RoleID) rbac.RoleID) string {
	var b strings.Builder
	fmt.Fprint(&b, e.Seq, " ", e.Kind, " ", e.Actor, e.Reason)
	for _, role := range []*rbac.Role{e.RoleBefore, e.RoleAfter} {
		if role != nil {
			fmt.Fprintf(&b, " %s=%q %q %s v%d", ids(role.ID), role.Name, role.Description, role.Permissions, role.Version)
		}
	}
	for _, m := range []*rbac.Member{e.MemberBefore, e.MemberAfter} {
		if m != nil {
			fmt.Fprintf(&b, " %q:%s %v", m.User, ids(m.Role), m.Suspended)
		}
	}
	return b.String()
}

// stateText tells roles, members and the answers to all checks about them.
func stateText(t testing.TB, az *rbac.Authorizer, ids func(rbac.RoleID) rbac.RoleID) string {
	t.Helper()
	ctx := t.Context()
	roles, err := az.Roles(ctx)
	require.NoError(t, err)
	slices.SortFunc(roles, func(a, b rbac.Role) int { return cmp.Compare(ids(a.ID), ids(b.ID)) })
	var b strings.Builder
	for _, role := range roles {
		fmt.Fprintf(&b, "%s=%q %q %s v%d\n", ids(role.ID), role.Name, role.Description, role.Permissions, role.Version)
	}
	for _, m := range all(t, az.Members(ctx, rbac.MemberQuery{})) {
		fmt.Fprintf(&b, "%q:%s %v", m.User, ids(m.Role), m.Suspended)
		for _, info := range rbac.DefaultAreas() {
			for _, action := range []rbac.Action{rbac.Read, rbac.Manage} {
				scope, err := az.Scope(ctx, m.User, info.Area, action)
				require.NoError(t, err)
				fmt.Fprint(&b, " ", scope)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
