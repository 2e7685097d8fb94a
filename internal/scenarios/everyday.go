package scenarios

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
)

// What was changed in a transaction shows in the next check of an instance that
// hears of nothing else, with what another instance did meanwhile; and nothing
// shows of what was rolled back, at whatever point.
func transactionShowsAtOnce(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	other := workspacetest.Open(t, store).For("w")
	w := workspacetest.Open(t, workspacetest.Deaf(db.Store()), workspacetest.Quiet()...).For("w")
	workspacetest.Assign(t, other, rbac.Administrator, "ann", "bob")
	viewer := workspacetest.AddRole(t, other, "Viewer", workspacetest.ReadsDeals(rbac.All))
	run := func(ctx context.Context, work func(rbac.Store) error) error { return db.Transaction(ctx, "w", work) }
	for i := range 5 {
		user, gone := fmt.Sprint("user", i), fmt.Sprint("gone", i)
		workspacetest.Assign(t, other, viewer.ID, gone) // w has not heard of it
		assert.NoError(t, w.Transact(ctx, run, func(tx *rbac.Transaction) error {
			if err := tx.As("ann").Assign(ctx, viewer.ID, user); err != nil {
				return err
			}
			assert.ErrorIs(t, tx.As("ann").Remove(ctx, "ann"), rbac.ErrSelf)
			assert.True(t, !workspacetest.Can(w, user), "it is not committed yet")
			return tx.As("bob").Remove(ctx, gone)
		}))
		assert.True(t, workspacetest.Can(w, user) && !workspacetest.Can(w, gone))
	}
	workspacetest.Unchanged(t, store, "w", func() {
		assert.ErrorIs(t, w.Transact(ctx, run, func(tx *rbac.Transaction) error {
			assert.NoError(t, tx.As("ann").Remove(ctx, "user0", "bob"))
			return errRollback
		}), errRollback)
		assert.True(t, workspacetest.Can(w, "user0"))
		assert.ErrorIs(t, w.Transact(ctx, run, func(tx *rbac.Transaction) error {
			assert.NoError(t, tx.As("ann").Remove(ctx, "user0"))
			return tx.As("bob").Assign(ctx, "gone", "user0") // a rule refuses
		}), rbac.ErrRoleNotFound)
		ended, cancel := context.WithCancel(ctx)
		assert.ErrorIs(t, w.Transact(ended, run, func(tx *rbac.Transaction) error {
			assert.NoError(t, tx.As("ann").Remove(ended, "user0"))
			cancel()
			return ended.Err()
		}), context.Canceled)
		assert.True(t, workspacetest.Can(w, "user0"))
	})
	workspacetest.CheckInvariants(t, store, "w")
}

// What is looked up is what counts, outside and inside a transaction: no stored row
// passes for a system role, and what this program does not know is not shown.
func lookUpsSeeWhatCounts(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	assert.NoError(t, store.Update(ctx, "w", func(tx rbac.Tx) error {
		return errors.Join(
			tx.PutRole(rbac.Role{ID: rbac.Administrator, Name: "Forged", System: true, Version: 1}),
			tx.PutRole(rbac.Role{ID: "agent", Name: "Agent", System: true, Version: 1, Permissions: rbac.Permissions{
				rbac.Deals: {Read: rbac.All}, "billing": {Read: rbac.All},
			}}),
			tx.PutMembers(rbac.Member{User: "ann", Role: rbac.Administrator}, rbac.Member{User: "lost", Role: "vanished"}),
		)
	}))
	w := workspacetest.Open(t, store).For("w")
	looks := func(in interface {
		Role(context.Context, rbac.RoleID) (rbac.Role, error)
		RoleByName(context.Context, string) (rbac.Role, error)
		Member(context.Context, string) (rbac.Member, error)
	}) {
		t.Helper()
		role, err := in.Role(ctx, rbac.Administrator)
		assert.NoError(t, err)
		assert.True(t, role.System && role.Name == "Administrator" && role.Permissions.Can(rbac.Users, rbac.Manage), role)
		_, err = in.RoleByName(ctx, "Forged")
		assert.ErrorIs(t, err, rbac.ErrRoleNotFound)
		role, err = in.RoleByName(ctx, " AGENT")
		assert.NoError(t, err)
		assert.True(t, !role.System && role.ID == "agent", role)
		assert.Equal(t, workspacetest.ReadsDeals(rbac.All), role.Permissions)
		member, err := in.Member(ctx, "ann")
		assert.NoError(t, err)
		assert.Equal(t, "Administrator", member.RoleName)
		member, err = in.Member(ctx, "lost")
		assert.NoError(t, err)
		assert.Equal(t, rbac.Member{User: "lost", Role: "vanished"}, rbac.Member{User: member.User, Role: member.Role, RoleName: member.RoleName})
		_, err = in.Member(ctx, "Ann")
		assert.ErrorIs(t, err, rbac.ErrMemberNotFound)
	}
	looks(w)
	assert.NoError(t, db.Transaction(ctx, "w", func(in rbac.Store) error {
		looks(w.In(in))
		return nil
	}))
}

// Many instances add whoever signs in, while somebody is made an Administrator:
// they are one in the end, in whatever order it came, and everybody is added once.
func provisioningDemotesNobody(t *testing.T, db Database) {
	ctx, instances := t.Context(), four(t, db)
	w := instances[0].For("w")
	workspacetest.Assign(t, w, rbac.Administrator, "ann")
	viewer := workspacetest.AddRole(t, w, "Viewer", workspacetest.ReadsDeals(rbac.All))
	for race := range long.Scale(100) {
		user := fmt.Sprint("user", race)
		changes := []func() error{func() error { return instances[3].For("w").As("ann").Assign(ctx, rbac.Administrator, user) }}
		for _, in := range instances {
			w := in.For("w")
			changes = append(changes, func() error {
				if err := w.System("sign-in").Add(ctx, viewer.ID, "ann", user); err != nil {
					return err
				}
				return w.Authorize(ctx, user, rbac.Deals, rbac.Read)
			})
		}
		before := workspacetest.Seq(t, instances[0].store, "w")
		for _, err := range workspacetest.Together(changes...) {
			assert.NoError(t, err)
		}
		for _, admin := range []string{"ann", user} {
			member, err := w.Member(ctx, admin)
			assert.NoError(t, err)
			assert.Equal(t, rbac.Administrator, member.Role, admin)
		}
		assert.True(t, workspacetest.Seq(t, instances[0].store, "w") <= before+2)
	}
	workspacetest.CheckInvariants(t, instances[0].store, "w")
}

// An import gives many people a role, while one of them is made an Administrator:
// either they are made one after it, or it is refused as a whole, and names them.
func importDemotesNobody(t *testing.T, db Database) {
	ctx, instances := t.Context(), four(t, db)
	w, other := instances[0].For("w"), instances[2].For("w")
	workspacetest.Assign(t, w, rbac.Administrator, "ann")
	viewer := workspacetest.AddRole(t, w, "Viewer", workspacetest.ReadsDeals(rbac.All))
	for race := range long.Scale(100) {
		user, rest := fmt.Sprint("user", race), fmt.Sprint("rest", race)
		var imported error
		for _, err := range workspacetest.Together(
			func() error { return other.As("ann").Assign(ctx, rbac.Administrator, user) },
			func() error { imported = w.System("import").Assign(ctx, viewer.ID, rest, user); return nil },
		) {
			assert.NoError(t, err)
		}
		member, err := w.Member(ctx, user)
		assert.NoError(t, err)
		assert.Equal(t, rbac.Administrator, member.Role)
		_, err = w.Member(ctx, rest)
		if imported == nil {
			assert.NoError(t, err)
			continue
		}
		var refused *rbac.RefusalError
		assert.True(t, errors.As(imported, &refused), imported)
		assert.Equal(t, rbac.RefusalError{
			Rule: rbac.ErrAdministrator, Role: rbac.Administrator, RoleName: "Administrator", Users: []string{user},
		}, *refused)
		assert.ErrorIs(t, err, rbac.ErrMemberNotFound)
	}
	workspacetest.Unchanged(t, instances[0].store, "w", func() {
		for _, err := range []error{
			w.System("import").Assign(ctx, viewer.ID, "ann", "new"),
			db.Transaction(ctx, "w", func(in rbac.Store) error { return w.In(in).System("import").Assign(ctx, viewer.ID, "ann", "new") }),
		} {
			assert.ErrorIs(t, err, rbac.ErrAdministrator)
		}
	})
	workspacetest.CheckInvariants(t, instances[0].store, "w")
}

// Many instances set up one workspace at once, and ensure a role of theirs: one
// does, all see it at once, and nobody who was removed since comes back with a
// restart.
func workspaceIsSetUpOnce(t *testing.T, db Database) {
	ctx, instances := t.Context(), four(t, db)
	roles := []rbac.Role{{Name: "Agent", Permissions: workspacetest.ReadsDeals(rbac.All)}, {Name: "Lead", Assigns: []rbac.RoleID{"Agent"}}}
	for race := range long.Scale(100) {
		id := fmt.Sprint("w", race)
		var setUps, ensured atomic.Int64
		var starts []func() error
		for i := range 8 {
			w := instances[i%4].For(id)
			starts = append(starts, func() error {
				made, err := w.System("start").SetUp(ctx, roles, "ada", "eve")
				if err != nil {
					return err
				}
				if made {
					setUps.Add(1)
				}
				if err := w.Authorize(ctx, "ada", rbac.Users, rbac.Manage); err != nil {
					return err
				}
				role, made, err := w.As("ada").EnsureRole(ctx, rbac.Role{Name: "Watcher"})
				if err != nil {
					return err
				}
				if made {
					ensured.Add(1)
				}
				found, err := w.RoleByName(ctx, "watcher")
				assert.Equal(t, role, found)
				return err
			})
		}
		for _, err := range workspacetest.Together(starts...) {
			assert.NoError(t, err, fmt.Sprint("race ", race))
		}
		assert.Equal(t, []int64{1, 1}, []int64{setUps.Load(), ensured.Load()})
		w := instances[0].For(id)
		assert.NoError(t, w.As("ada").Remove(ctx, "eve"))
		made, err := instances[1].For(id).System("start").SetUp(ctx, roles, "ada", "eve")
		assert.NoError(t, err)
		assert.True(t, !made)
		assert.Equal(t, []string{"ada"}, workspacetest.Administrators(t, w))
		assert.Equal(t, 6, len(workspacetest.Read(t, instances[0].store, id).Events))
		workspacetest.CheckInvariants(t, instances[0].store, id)
	}
}
