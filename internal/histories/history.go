// Package histories runs long histories against a store and judges them:
// concurrent actors while faults hit their instances, clients that are killed,
// and load for a while. Its tests do so on MemStore, and tamper with the events
// of a history. It is for the modules of this repository.
package histories

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
)

// History is a random history of one workspace.
type History struct {
	Instances []rbac.Store // which instances of the application use; faults may hit them
	Check     rbac.Store   // on the same database; faults leave it alone

	// Faults makes one fault after the other, and returns when all is healed.
	// Changes go on until then. It is nil for none.
	Faults func(random *rand.Rand)

	// Ended is told how each change ended, by several goroutines. It is nil
	// for nobody.
	Ended func(err error)
}

// Outcome tells how the changes of a history ended.
type Outcome struct {
	Acknowledged, Unknown int
	Refused               []error
}

// RandomHistories runs a history, three in the long form, with seeds that are
// the names of the subtests.
func RandomHistories(t *testing.T, newHistory func(t *testing.T) (h History, after func(Outcome))) {
	t.Helper()
	for range long.Scale(3) {
		seed := rand.Uint64()
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h, after := newHistory(t)
			outcome := h.run(t, seed)
			if after != nil {
				after(outcome)
			}
		})
	}
}

// operation is one change. Its name is the actor or the reason of its events.
type operation struct {
	name        string
	system      bool
	kind        int
	role        rbac.Role   // to be created or saved
	old, target rbac.RoleID // as the database has them
	users       []string

	err      error // what the instance said
	from, to int64 // it was made, or refused, on a revision from here to there
}

const operationKinds = 8

// run makes the change; ids translates the ids of roles.
func (o *operation) run(ctx context.Context, admin *rbac.Admin, ids func(rbac.RoleID) rbac.RoleID) (created rbac.RoleID, err error) {
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
	case 7:
		err = admin.Rename(ctx, o.users[0], o.users[len(o.users)-1])
	default:
		err = admin.Assign(ctx, ids(o.target), o.users...)
	}
	return "", err
}

// by returns who makes the change.
func (o *operation) by(w workspacetest.Administered) *rbac.Admin {
	if o.system {
		return w.System(o.name)
	}
	return w.As(o.name)
}

// randomOperation makes up a change that may be refused or not.
func randomOperation(r *rand.Rand, name string, roles []rbac.Role) *operation {
	o := &operation{name: name, system: r.IntN(2) == 0, kind: r.IntN(operationKinds + 3)}
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
		"ann", "Ann", "bob'; DROP TABLE members; --", `"bob"`, "<script>alert(1)</script>", "=1+1", "%", "_",
		`back\slash`, "日本語 🦊", "e\u0301ve $1", "%s{{.}}",
	}[i]
}

// The workspace of a history, and a system role, so that somebody can be
// demoted to it anywhere.
const historic = "'; -- 日本"

var viewer = rbac.WithSystemRoles(rbac.Role{ID: "viewer", Name: "Viewer", Permissions: workspacetest.ReadsDeals(rbac.All)})

// run lets concurrent actors change one workspace through the instances, some
// with contexts that end in the middle, while there are faults. What was
// committed is then done again on a MemStore, in the order of the events,
// which must come to the same. No refused change left a trace; every
// acknowledged one has its events or had nothing to change; and who was
// refused by a rule is refused by it there, too.
func (h History) run(t *testing.T, seed uint64) Outcome {
	const workers, each = 6, 60
	ctx := t.Context()
	check := workspacetest.Open(t, workspacetest.Deaf(h.Check), viewer)
	var instances []*rbac.Workspace
	for _, store := range h.Instances {
		instances = append(instances, workspacetest.Open(t, store, append(workspacetest.Brisk(), viewer)...).For(historic))
	}

	// Each operation that does not act as the system has an administrator of
	// its own, so that its events tell which it was.
	setup := &operation{name: "set-up", system: true, kind: operationKinds, target: rbac.Administrator}
	for worker := range workers {
		for i := range each {
			setup.users = append(setup.users, fmt.Sprintf("op-%d-%d", worker, i))
		}
	}
	_, setup.err = setup.run(ctx, setup.by(instances[0]), same)
	assert.NoError(t, setup.err)

	operations := [workers][]*operation{}
	var over atomic.Bool
	var actors sync.WaitGroup
	actors.Go(func() {
		defer over.Store(true)
		if h.Faults != nil {
			h.Faults(rand.New(rand.NewPCG(seed, workers)))
		}
	})
	for worker := range workers {
		r := rand.New(rand.NewPCG(seed, uint64(worker)))
		actors.Go(func() {
			for i := 0; i < each || !over.Load(); i++ {
				w := instances[r.IntN(len(instances))]
				roles, err := w.Roles(ctx)
				if err != nil { // a fault
					if roles, err = check.For(historic).Roles(ctx); err != nil {
						t.Error(err)
						return
					}
				}
				o := randomOperation(r, fmt.Sprintf("op-%d-%d", worker, i), roles)
				o.system = o.system || i >= each // more have no administrator
				limited, cancel := ctx, context.CancelFunc(func() {})
				if r.IntN(4) == 0 {
					limited, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(4000))*time.Microsecond)
				}
				o.from = workspacetest.Seq(t, h.Check, historic)
				_, o.err = o.run(limited, o.by(w), same)
				o.to = workspacetest.Seq(t, h.Check, historic)
				cancel()
				if h.Ended != nil {
					h.Ended(o.err)
				}
				operations[worker] = append(operations[worker], o)
			}
		})
	}
	actors.Wait()
	if t.Failed() {
		t.FailNow()
	}

	workspacetest.CheckInvariants(t, h.Check, historic, "viewer")
	all := append([]*operation{setup}, slices.Concat(operations[:]...)...)
	h.replay(t, all, check, instances)
	var outcome Outcome
	for _, o := range all {
		switch {
		case o.err == nil:
			outcome.Acknowledged++
		case errors.Is(o.err, rbac.ErrOutcomeUnknown):
			outcome.Unknown++
		default:
			outcome.Refused = append(outcome.Refused, o.err)
		}
	}
	t.Logf("%d acknowledged, %d refused, %d unknown", outcome.Acknowledged, len(outcome.Refused), outcome.Unknown)
	return outcome
}
