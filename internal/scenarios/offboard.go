package scenarios

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
)

// A tenant leaves, and another one gets the id. Nobody of the first has
// anything left, on this instance from that moment on, on others within the
// maximum staleness; and the events of the second begin at 1.
func workspaceIsDeleted(t *testing.T, db Database) {
	h, ctx := newHouse(t, db), t.Context()
	other := h.again(append(workspacetest.Brisk(), rbac.WithTeams())...)
	h.role("Scout", readsAll)
	h.role("Lead", managesUsers)
	h.join("Scout", "north", "sam")
	h.join("Lead", "", "lea")
	beside := workspacetest.Open(t, h.store).For(h.w.ID() + "!")
	workspacetest.Assign(t, beside, rbac.Administrator, "sam")
	assert.True(t, workspacetest.Can(h.w, "sam") && workspacetest.Can(other, "sam"))

	deletes := func(a *rbac.Admin) func() error { return func() error { return a.DeleteWorkspace(ctx) } }
	h.refuses(rbac.ErrSelf, deletes(h.w.As("ada")))
	h.refuses(rbac.ErrSelf, deletes(h.w.As("lea")))
	h.refuses(rbac.ErrDenied, deletes(h.w.As("sam")))
	h.refuses(rbac.ErrDenied, deletes(h.w.As("nobody")))
	h.refuses(rbac.ErrInvalid, deletes(h.w.System("")))
	rolledBack := errors.New("rolled back")
	h.refuses(rolledBack, func() error {
		return db.Transaction(ctx, h.w.ID(), func(in rbac.Store) error {
			return errors.Join(h.w.In(in).System("off-boarding").DeleteWorkspace(ctx), rolledBack)
		})
	})

	assert.NoError(t, h.w.System("off-boarding").DeleteWorkspace(ctx))
	for _, user := range []string{"ada", "sam", "lea"} {
		d, err := h.w.Explain(ctx, user, rbac.Deals, rbac.Read)
		assert.NoError(t, err)
		assert.Equal(t, rbac.Decision{Workspace: h.w.ID(), User: user, Area: rbac.Deals, Action: rbac.Read, Reason: rbac.ReasonNotMember}, d)
	}
	left := workspacetest.Read(t, h.store, h.w.ID())
	assert.Equal(t, 0, len(left.Roles)+len(left.Members)+len(left.Events), "rows left")
	assert.Equal(t, rbac.Revision{}, left.Revision)
	assert.True(t, workspacetest.Can(beside, "sam"), "another workspace")
	workspacetest.Unchanged(t, h.store, h.w.ID(), func() {
		assert.NoError(t, h.w.System("off-boarding").DeleteWorkspace(ctx), "what is not there")
	})
	workspacetest.Soon(t, 10*time.Second, "another instance hears of it", func() bool { return !workspacetest.Can(other, "sam") })

	// The id is used again, by the other instance.
	assert.NoError(t, other.System("sign-up").Assign(ctx, rbac.Administrator, "eve"))
	assert.True(t, workspacetest.Can(other, "eve"))
	assert.NoError(t, h.w.Sync(ctx))
	for _, w := range []*rbac.Workspace{h.w, other} {
		assert.True(t, workspacetest.Can(w, "eve") && !workspacetest.Can(w, "sam") && !workspacetest.Can(w, "ada"), "who is there now")
		d, err := w.Explain(ctx, "eve", rbac.Deals, rbac.Read)
		assert.NoError(t, err)
		assert.Equal(t, int64(1), d.Revision)
	}
	h.check()
}

// Instances change and check a workspace while it is deleted, again and again.
// Changes that wait find nothing, and begin a new life or are refused; no check
// behind a change of one's own says what the store does not.
func deletedDuringChanges(t *testing.T, db Database) {
	ctx := t.Context()
	stores := []rbac.Store{db.Store(), db.Store()}
	instances := []*rbac.Authorizer{workspacetest.Open(t, stores[0]), workspacetest.Open(t, stores[1])}
	id := t.Name()
	var work sync.WaitGroup
	for i, az := range instances {
		w := az.For(id)
		work.Go(func() {
			for range 8 {
				if err := w.System("off-boarding").DeleteWorkspace(ctx); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Millisecond)
			}
		})
		for n := range 2 {
			work.Go(func() {
				user := fmt.Sprint("user", i, n)
				for range 12 {
					if err := w.System("sign-up").Assign(ctx, rbac.Administrator, user, user+"!"); err != nil {
						t.Error(err)
					}
					err := w.As(user).Remove(ctx, user+"!")
					if err != nil && !errors.Is(err, rbac.ErrDenied) && !errors.Is(err, rbac.ErrMemberNotFound) {
						t.Error(err)
					}
					if err == nil && w.Can(ctx, user+"!", rbac.Deals, rbac.Read) {
						t.Errorf("%q is allowed behind their removal", user+"!")
					}
				}
			})
		}
	}
	work.Wait()
	workspacetest.CheckInvariants(t, stores[0], id)
	assert.NoError(t, instances[0].For(id).System("sign-up").Assign(ctx, rbac.Administrator, "last"))
	for _, az := range instances {
		assert.NoError(t, az.For(id).Sync(ctx))
		assert.True(t, workspacetest.Can(az.For(id), "last"))
	}
	for i, az := range instances {
		assert.NoError(t, az.For(id).System("off-boarding").DeleteWorkspace(ctx))
		assert.True(t, !workspacetest.Can(az.For(id), "last"), "instance", i)
	}
}

// A person is in many workspaces, and leaves some. What is asked for is found by
// pages, with the default workspace, and without those that were deleted.
func workspacesOfAUser(t *testing.T, db Database) {
	ctx := t.Context()
	az := workspacetest.Open(t, db.Store())
	of := func(q rbac.WorkspaceQuery) string { return fmt.Sprint(workspacetest.All(t, az.Workspaces(ctx, q))) }
	assert.Equal(t, "[]", of(rbac.WorkspaceQuery{}))
	const many = 120
	var all []string
	for i := range many {
		id := fmt.Sprintf("w%03d", i)
		all = append(all, id)
		workspacetest.Assign(t, az.For(id), rbac.Administrator, "ann", fmt.Sprint("own", i))
	}
	assert.Equal(t, fmt.Sprint(all), of(rbac.WorkspaceQuery{}))
	assert.Equal(t, fmt.Sprint(all), of(rbac.WorkspaceQuery{User: "ann"}))
	assert.Equal(t, "[w007]", of(rbac.WorkspaceQuery{User: "own7"}))
	assert.Equal(t, "[]", of(rbac.WorkspaceQuery{User: "Ann"}))
	after := "w010"
	assert.Equal(t, "[w011 w012]", of(rbac.WorkspaceQuery{User: "ann", After: &after, Limit: 2}))

	// A loop may change what it goes through.
	for id, err := range az.Workspaces(ctx, rbac.WorkspaceQuery{User: "ann"}) {
		assert.NoError(t, err)
		switch {
		case id < "w040":
			assert.NoError(t, az.For(id).System("left").Rename(ctx, "ann", "anna"))
		case id < "w080":
			assert.NoError(t, az.For(id).System("left").DeleteWorkspace(ctx))
		default:
			assert.NoError(t, az.For(id).System("left").Suspend(ctx, "ann"))
		}
	}
	assert.Equal(t, fmt.Sprint(all[:40]), of(rbac.WorkspaceQuery{User: "anna"}))
	assert.Equal(t, fmt.Sprint(all[80:]), of(rbac.WorkspaceQuery{User: "ann"}), "suspended")
	assert.Equal(t, fmt.Sprint(append(all[:40:40], all[80:]...)), of(rbac.WorkspaceQuery{}))
	workspacetest.Assign(t, az.Workspace, rbac.Administrator, "anna")
	assert.Equal(t, fmt.Sprint(append([]string{""}, all[:40]...)), of(rbac.WorkspaceQuery{User: "anna"}))

	bad := "\xff"
	for _, q := range []rbac.WorkspaceQuery{{User: "a\x00"}, {After: &bad}} {
		assert.ErrorIs(t, workspacetest.FirstError(az.Workspaces(ctx, q)), rbac.ErrInvalid)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	assert.ErrorIs(t, workspacetest.FirstError(az.Workspaces(ended, rbac.WorkspaceQuery{})), context.Canceled)
}

// A program with many workspaces asks the Authorizer where it means one of them.
// Nobody is allowed anything there, whatever is stored, and nothing is written.
func defaultWorkspaceIsNobodys(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	before := workspacetest.Open(t, store)
	workspacetest.Assign(t, before.Workspace, rbac.Administrator, "ann")
	workspacetest.Assign(t, before.For("acme"), rbac.Administrator, "ann")
	az := workspacetest.Open(t, db.Store(), rbac.WithoutDefaultWorkspace())
	assert.True(t, workspacetest.Can(az.For("acme"), "ann"))

	for _, w := range []*rbac.Workspace{az.Workspace, az.For("")} {
		assert.True(t, !workspacetest.Can(w, "ann"))
		d, err := w.Explain(ctx, "ann", rbac.Deals, rbac.Read)
		assert.NoError(t, err)
		assert.Equal(t, rbac.Decision{User: "ann", Area: rbac.Deals, Action: rbac.Read, Reason: rbac.ReasonNoWorkspace}, d)
		assert.ErrorIs(t, w.Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrDenied)
		s, err := w.Subject(ctx, "ann")
		assert.NoError(t, err)
		assert.Equal(t, rbac.ReasonNoWorkspace, s.Explain(rbac.Deals, rbac.Read).Reason)
		assert.True(t, !w.CanRecord(ctx, "ann", rbac.Deals, rbac.Read, "ann"))
		workspacetest.Unchanged(t, store, "", func() {
			assert.ErrorIs(t, w.System("sign-up").Assign(ctx, rbac.Administrator, "eve"), rbac.ErrInvalid)
			assert.ErrorIs(t, w.As("ann").Remove(ctx, "eve"), rbac.ErrInvalid)
			assert.ErrorIs(t, w.System("off-boarding").DeleteWorkspace(ctx), rbac.ErrInvalid)
		})
		_, err = w.Roles(ctx)
		assert.ErrorIs(t, err, rbac.ErrInvalid)
		assert.ErrorIs(t, w.Sync(ctx), rbac.ErrInvalid)
	}
	assert.Equal(t, "[acme]", fmt.Sprint(workspacetest.All(t, az.Workspaces(ctx, rbac.WorkspaceQuery{User: "ann"}))))
	assert.Equal(t, "[ acme]", fmt.Sprint(workspacetest.All(t, before.Workspaces(ctx, rbac.WorkspaceQuery{User: "ann"}))))
}
