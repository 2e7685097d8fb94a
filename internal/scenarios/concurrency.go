package scenarios

import (
	"fmt"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
)

// workspace opens an instance and returns its workspace "w".
func workspace(t testing.TB, db Database, opts ...rbac.Option) *rbac.Workspace {
	t.Helper()
	return workspacetest.Open(t, db.Store(), opts...).For("w")
}

// Two administrators demote, suspend or remove each other at the same moment,
// from two instances: exactly one succeeds, the other is refused.
func twoAdministratorsDemoteEachOther(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one, two := workspacetest.Open(t, store).For("w"), workspace(t, db)
	viewer := workspacetest.AddRole(t, one, "Viewer", workspacetest.ReadsDeals(rbac.All))
	ways := workspacetest.Farewells(ctx, viewer.ID)
	for race := range long.Scale(1000) {
		workspacetest.Assign(t, one, rbac.Administrator, "ann", "bob")
		assert.NoError(t, one.System("race").Reinstate(ctx, "ann", "bob"))
		want := rbac.ErrDenied
		actors := []*rbac.Admin{one.As("ann"), two.As("bob")}
		if race%2 == 0 {
			want, actors = rbac.ErrLastAdministrator, []*rbac.Admin{one.System("race"), two.System("race")}
		}
		errs := workspacetest.Together(
			func() error { return ways[race%3](actors[0], "bob") },
			func() error { return ways[race%3](actors[1], "ann") },
		)
		winner, loser := errs[0], errs[1]
		if winner != nil {
			winner, loser = loser, winner
		}
		assert.NoError(t, winner, "race", race)
		assert.ErrorIs(t, loser, want, "race", race)
		assert.Equal(t, 1, len(workspacetest.Administrators(t, one)), "administrators after race", race)
	}
	workspacetest.CheckInvariants(t, store, "w")
}

// A role is deleted while it is being assigned: one of the two fails.
func roleIsDeletedWhileItIsAssigned(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one, two := workspacetest.Open(t, store).For("w"), workspace(t, db)
	workspacetest.Assign(t, one, rbac.Administrator, "ann")
	for race := range long.Scale(200) {
		role := workspacetest.AddRole(t, one, "Temporary", nil)
		errs := workspacetest.Together(
			func() error { return one.As("ann").DeleteRole(ctx, role.ID) },
			func() error { return two.As("ann").Assign(ctx, role.ID, "bob") },
		)
		assert.True(t, (errs[0] == nil) != (errs[1] == nil), "race", race, errs)
		if errs[0] != nil {
			assert.ErrorIs(t, errs[0], rbac.ErrRoleInUse)
			assert.NoError(t, one.As("ann").Remove(ctx, "bob"))
			assert.NoError(t, one.As("ann").DeleteRole(ctx, role.ID))
		} else {
			assert.ErrorIs(t, errs[1], rbac.ErrRoleNotFound)
		}
		assert.NoError(t, store.View(ctx, "w", func(r rbac.Reader) error {
			assert.Equal(t, 0, len(workspacetest.All(t, r.Roles())), "roles after race", race)
			assert.Equal(t, 1, len(workspacetest.All(t, r.Members(rbac.MemberQuery{}))), "members after race", race)
			return nil
		}))
	}
	workspacetest.CheckInvariants(t, store, "w")
}

// Two edits of one role from the same version: the second is ErrConflict.
func twoEditsFromOneVersion(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one, two := workspacetest.Open(t, store).For("w"), workspace(t, db)
	workspacetest.Assign(t, one, rbac.Administrator, "ann")
	role := workspacetest.AddRole(t, one, "Sales", nil)
	for round := range long.Scale(200) {
		a, b := role, role
		a.Description, b.Description = fmt.Sprint(round, "a"), fmt.Sprint(round, "b")
		b.Permissions = rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: []rbac.Scope{rbac.None, rbac.Own, rbac.All}[round%3]}}
		var saved [2]rbac.Role
		errs := workspacetest.Together(
			func() (err error) { saved[0], err = one.As("ann").UpdateRole(ctx, a); return err },
			func() (err error) { saved[1], err = two.As("ann").UpdateRole(ctx, b); return err },
		)
		winner, loser := 0, 1
		if errs[0] != nil {
			winner, loser = 1, 0
		}
		assert.NoError(t, errs[winner], "round", round)
		assert.Equal(t, error(&rbac.RefusalError{
			Rule: rbac.ErrConflict, Role: role.ID, RoleName: "Sales", Version: role.Version + 1,
		}), errs[loser], "round", round)
		assert.Equal(t, rbac.Role{}, saved[loser])
		assert.Equal(t, int64(round+2), saved[winner].Version)
		role = saved[winner]
	}
	workspacetest.CheckInvariants(t, store, "w")
}
