package scenarios

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
)

// changeAt makes changes as an instance would whose clock says that it is
// another time.
func changeAt(t *testing.T, at time.Time, store rbac.Store, workspace string, change func(*rbac.Workspace)) {
	t.Helper()
	s := workspacetest.Read(t, store, workspace)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(at)) // the clock in here begins in the year 2000
		memory := rbac.NewMemStore()
		s.Write(t, memory, workspace)
		az, err := rbac.Open(t.Context(), memory)
		assert.NoError(t, err)
		defer az.Close()
		change(az.For(workspace))
		s = workspacetest.Read(t, memory, workspace)
	})
	assert.True(t, s.Events[len(s.Events)-1].Time.Sub(at).Abs() < time.Minute, "the change was made at", at)
	s.Write(t, store, workspace)
}

// Instances whose clocks are a year off, either way: their changes decide as
// those of any other, and the order of events is that of their numbers.
func instancesAYearOff(t *testing.T, db Database) {
	const year = 365 * 24 * time.Hour
	for id, off := range map[string]time.Duration{"ahead": year, "behind": -year} {
		t.Run(id, func(t *testing.T) {
			ctx, store := t.Context(), db.Store()
			both := []*rbac.Workspace{workspacetest.Open(t, store, workspacetest.Quiet()...).For(id), workspacetest.Open(t, workspacetest.Deaf(db.Store()), workspacetest.Brisk()...).For(id)}
			everywhere := func(user string, want bool) {
				t.Helper()
				for _, w := range both {
					workspacetest.Soon(t, 5*time.Second, fmt.Sprint(user, want), func() bool { return workspacetest.Can(w, user) == want })
				}
			}
			at := time.Now().Add(off)
			var viewer rbac.Role
			changeAt(t, at, store, id, func(w *rbac.Workspace) {
				workspacetest.Assign(t, w, rbac.Administrator, "ann")
				viewer = workspacetest.AddRole(t, w, "Viewer", workspacetest.ReadsDeals(rbac.All))
				workspacetest.Assign(t, w, viewer.ID, "vic")
			})
			everywhere("vic", true)
			assert.NoError(t, both[0].As("ann").Assign(ctx, viewer.ID, "sue")) // by the right clock
			everywhere("sue", true)
			changeAt(t, at, store, id, func(w *rbac.Workspace) {
				assert.NoError(t, w.As("ann").Suspend(t.Context(), "vic", "sue"))
			})
			everywhere("vic", false)
			everywhere("sue", false)
			assert.NoError(t, both[1].As("ann").Reinstate(ctx, "vic"))
			everywhere("vic", true)
			changeAt(t, at.Add(-off), store, id, func(w *rbac.Workspace) { // jumps back
				viewer.Permissions = rbac.Permissions{}
				_, err := w.As("ann").UpdateRole(t.Context(), viewer)
				assert.NoError(t, err)
			})
			everywhere("vic", false)
			everywhere("ann", true)
			assert.True(t, !workspacetest.Can(workspacetest.Open(t, db.Store()).For(id), "vic"))
			workspacetest.CheckInvariants(t, store, id)
		})
	}
}

// An area or action that does not exist is denied, with the reason. A row of a
// newer program grants nothing in areas that this one does not know.
func areaOfANewerProgram(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	w := workspacetest.Open(t, store).For("w")
	workspacetest.Assign(t, w, rbac.Administrator, "ann")
	role := workspacetest.AddRole(t, w, "Newer", workspacetest.ReadsDeals(rbac.All))
	workspacetest.Assign(t, w, role.ID, "bob")
	newer := role
	newer.Permissions = rbac.Permissions{rbac.Deals: {Read: rbac.All}, "invoices": {Read: rbac.All, Manage: rbac.All}}
	assert.NoError(t, store.Update(ctx, "w", func(tx rbac.Tx) error { return tx.PutRole(newer) }))
	fresh := workspace(t, db)
	for _, user := range []string{"ann", "bob"} {
		assert.True(t, workspacetest.Can(fresh, user))
		for _, area := range []rbac.Area{"invoices", "", "DEALS"} {
			decision, err := fresh.Explain(ctx, user, area, rbac.Read)
			assert.NoError(t, err)
			assert.Equal(t, rbac.ReasonUnknownArea, decision.Reason)
			assert.True(t, !decision.Allowed && !fresh.Can(ctx, user, area, rbac.Read), user, "in", area)
		}
		assert.True(t, !fresh.Can(ctx, user, rbac.Deals, 7))
	}
	role.Description = "edited by this program"
	_, err := fresh.As("ann").UpdateRole(ctx, role)
	assert.NoError(t, err)
	assert.Equal(t, rbac.Access{Read: rbac.All, Manage: rbac.All}, workspacetest.Read(t, store, "w").Roles[0].Permissions["invoices"], "it survives an edit")
}

// A forged row of a system role is ignored: the code's definition decides.
func forgedSystemRole(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	workspacetest.Assign(t, workspacetest.Open(t, store).For("w"), rbac.Administrator, "ann")
	assert.NoError(t, store.Update(ctx, "w", func(tx rbac.Tx) error {
		return errors.Join(
			tx.PutRole(rbac.Role{ID: rbac.Administrator, Name: "Forged", System: true, Version: 1}),
			tx.PutRole(rbac.Role{ID: "viewer", Name: "Forged too", System: true, Version: 1, Permissions: rbac.Permissions{
				rbac.Deals: {Read: rbac.All}, rbac.Users: {Read: rbac.All, Manage: rbac.All},
			}}),
			tx.PutMembers(rbac.Member{User: "bob", Role: "viewer"}),
		)
	}))
	w := workspace(t, db, rbac.WithSystemRoles(rbac.Role{ID: "viewer", Name: "Viewer", Permissions: workspacetest.ReadsDeals(rbac.Own)}))
	assert.True(t, workspacetest.Can(w, "ann") && w.Can(ctx, "ann", rbac.Users, rbac.Manage))
	assert.True(t, !workspacetest.Can(w, "bob") && w.CanRecord(ctx, "bob", rbac.Deals, rbac.Read, "bob"))
	assert.True(t, !w.Can(ctx, "bob", rbac.Users, rbac.Manage))
	assert.ErrorIs(t, w.As("bob").Assign(ctx, "viewer", "eve"), rbac.ErrDenied)
	roles, err := w.Roles(ctx)
	assert.NoError(t, err)
	assert.Equal(t, 2, len(roles))
	assert.True(t, !strings.Contains(fmt.Sprint(roles), "Forged"), roles)
}

// One workspace's ids, names, events and notifications never show in
// another's.
func workspacesAreApart(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	az := workspacetest.Open(t, store)
	workspacetest.Assign(t, az.For("before"), rbac.Administrator, "ann")
	hints := func() []string { return nil }
	notifier, notifies := store.(rbac.Notifier)
	if notifies {
		hints = workspacetest.Listen(t, notifier)
	}
	workspaces := []string{"", "a", "A", "a ", "a%", "b"}
	for i, id := range workspaces {
		workspacetest.AddRole(t, az.For(id), "Same", workspacetest.ReadsDeals(rbac.All))
		workspacetest.Assign(t, az.For(id), rbac.Administrator, fmt.Sprint("user", i))
		if notifies {
			workspacetest.Soon(t, 5*time.Second, "it is announced", func() bool { h := hints(); return len(h) > 0 && h[len(h)-1] == id })
		}
	}
	for i, id := range workspaces {
		for j := range workspaces {
			assert.Equal(t, i == j, workspacetest.Can(az.For(id), fmt.Sprint("user", j)))
		}
		assert.Equal(t, []string{fmt.Sprint("user", i)}, workspacetest.Administrators(t, az.For(id)))
		assert.Equal(t, int64(2), workspacetest.Seq(t, store, id))
		assert.True(t, !workspacetest.Can(az.For(id), "ann"))
		assert.NoError(t, az.For(id).VerifyEvents(ctx))
	}
	for _, id := range hints() {
		assert.True(t, id != "before", "a workspace that nobody changed is announced")
	}
	assert.Equal(t, int64(1), workspacetest.Seq(t, store, "before"))
	for _, id := range workspaces {
		workspacetest.CheckInvariants(t, store, id)
	}
}
