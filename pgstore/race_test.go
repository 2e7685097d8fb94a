package pgstore_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
)

// farewells are the ways to take somebody's rights away.
func farewells(ctx context.Context, to rbac.RoleID) []func(a *rbac.Admin, user string) error {
	return []func(*rbac.Admin, string) error{
		func(a *rbac.Admin, user string) error { return a.Assign(ctx, to, user) },
		func(a *rbac.Admin, user string) error { return a.Suspend(ctx, user) },
		func(a *rbac.Admin, user string) error { return a.Remove(ctx, user) },
	}
}

// Two administrators demote, suspend or remove each other at the same moment,
// from two instances: exactly one succeeds, the other is refused.
func TestScenario01_TwoAdministratorsDemoteEachOther(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	one, two := d.instance(setup{}), d.instance(setup{})
	viewer := addRole(t, one.Workspace, "Viewer", rbac.Permissions{rbac.Deals: {Read: rbac.All}})
	ways := farewells(ctx, viewer.ID)
	for race := range scaled(1000) {
		assign(t, one.Workspace, rbac.Administrator, "ann", "bob")
		require.NoError(t, one.System("race").Reinstate(ctx, "ann", "bob"))
		want := rbac.ErrDenied
		actors := []*rbac.Admin{one.As("ann"), two.As("bob")}
		if race%2 == 0 {
			want, actors = rbac.ErrLastAdministrator, []*rbac.Admin{one.System("race"), two.System("race")}
		}
		errs := together(
			func() error { return ways[race%3](actors[0], "bob") },
			func() error { return ways[race%3](actors[1], "ann") },
		)
		winner, loser := errs[0], errs[1]
		if winner != nil {
			winner, loser = loser, winner
		}
		require.NoError(t, winner)
		require.ErrorIs(t, loser, want)
		require.Len(t, administrators(t, one.Workspace), 1)
	}
	checkInvariants(t, one.store, "")
}

// The same races without the lock, to show that the test above would notice:
// both succeed and nobody is left, at READ COMMITTED and at REPEATABLE READ.
func TestScenario01_WithoutTheLockNobodyIsLeft(t *testing.T) {
	for _, level := range []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead} {
		t.Run(string(level), func(t *testing.T) {
			ctx, d := t.Context(), newDatabase(t)
			app := d.instance(setup{})
			var meeting sync.WaitGroup // both have read before one writes
			var instances []*rbac.Authorizer
			for range 2 {
				store := pgstore.Unlocked(d.pool, d.schema, level, func() { meeting.Done(); meeting.Wait() })
				az, err := rbac.Open(ctx, struct{ rbac.Store }{store}, rbac.WithLogger(slog.New(slog.DiscardHandler)))
				require.NoError(t, err)
				defer az.Close()
				instances = append(instances, az)
			}
			viewer := addRole(t, app.Workspace, "Viewer", nil)
			ways := farewells(ctx, viewer.ID)
			for race := range scaled(100) {
				assign(t, app.Workspace, rbac.Administrator, "ann", "bob")
				require.NoError(t, app.System("race").Reinstate(ctx, "ann", "bob"))
				require.Len(t, administrators(t, app.Workspace), 2)
				meeting.Add(2)
				for _, err := range together(
					func() error { return ways[race%3](instances[0].As("ann"), "bob") },
					func() error { return ways[race%3](instances[1].As("bob"), "ann") },
				) {
					require.NoError(t, err)
				}
				require.Empty(t, administrators(t, app.Workspace), "race %d", race)
			}
		})
	}
}

// Writers of one workspace wait for each other, writers of others do not wait
// for them, and readers wait for nobody.
func TestOnlyWritersOfOneWorkspaceWait(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{})
	for _, w := range []string{"a", "b"} {
		assign(t, in.For(w), rbac.Administrator, "ann")
	}
	entered, release := make(chan struct{}), make(chan struct{})
	first := make(chan error)
	go func() {
		first <- in.store.Update(ctx, "a", func(tx rbac.Tx) error {
			close(entered)
			<-release
			return tx.PutMembers(rbac.Member{User: "x", Role: "r"})
		})
	}()
	<-entered
	second := make(chan error, 1)
	go func() { second <- in.For("a").System("test").Assign(ctx, rbac.Administrator, "bob") }()
	for range 100 {
		assign(t, in.For("b"), rbac.Administrator, "bob")
		require.NoError(t, in.For("b").System("test").Remove(ctx, "bob"))
		assign(t, in.For("new"), rbac.Administrator, "ann")
		require.Len(t, administrators(t, in.For("a")), 1)
	}
	select {
	case err := <-second:
		t.Fatalf("a writer of the same workspace did not wait: %v", err)
	default:
	}
	close(release)
	require.NoError(t, <-first)
	require.NoError(t, <-second)
	require.Len(t, administrators(t, in.For("a")), 2)
}

// A role is deleted while it is being assigned: one of the two fails.
func TestScenario03_RoleIsDeletedWhileItIsAssigned(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	one, two := d.instance(setup{}), d.instance(setup{})
	assign(t, one.Workspace, rbac.Administrator, "ann")
	for range scaled(200) {
		role := addRole(t, one.Workspace, "Temporary", nil)
		errs := together(
			func() error { return one.As("ann").DeleteRole(ctx, role.ID) },
			func() error { return two.As("ann").Assign(ctx, role.ID, "bob") },
		)
		require.True(t, (errs[0] == nil) != (errs[1] == nil), "%v", errs)
		if errs[0] != nil {
			require.ErrorIs(t, errs[0], rbac.ErrRoleInUse)
			require.NoError(t, one.As("ann").Remove(ctx, "bob"))
			require.NoError(t, one.As("ann").DeleteRole(ctx, role.ID))
		} else {
			require.ErrorIs(t, errs[1], rbac.ErrRoleNotFound)
		}
	}
	require.Zero(t, d.number("SELECT count(*) FROM members m WHERE role <> 'administrator' AND NOT EXISTS (SELECT FROM roles r WHERE r.id = m.role)"))
	checkInvariants(t, one.store, "")
}

// Two edits of one role from the same version: the second is ErrConflict.
func TestScenario04_TwoEditsOfOneVersion(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	one, two := d.instance(setup{}), d.instance(setup{})
	assign(t, one.Workspace, rbac.Administrator, "ann")
	role := addRole(t, one.Workspace, "Sales", nil)
	for round := range scaled(200) {
		a, b := role, role
		a.Description, b.Description = time.Now().String()+"a", time.Now().String()+"b"
		var saved [2]rbac.Role
		errs := together(
			func() (err error) { saved[0], err = one.As("ann").UpdateRole(ctx, a); return err },
			func() (err error) { saved[1], err = two.As("ann").UpdateRole(ctx, b); return err },
		)
		winner, loser := 0, 1
		if errs[0] != nil {
			winner, loser = 1, 0
		}
		require.NoError(t, errs[winner])
		require.ErrorIs(t, errs[loser], rbac.ErrConflict)
		require.EqualValues(t, round+2, saved[winner].Version)
		role = saved[winner]
	}
	checkInvariants(t, one.store, "")
}

// Two instances set up the same empty workspace at once: no error, nothing
// twice.
func TestScenario08_InstancesSetUpOneWorkspaceAtOnce(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	instances := []*instance{d.instance(setup{}), d.instance(setup{}), d.instance(setup{}), d.instance(setup{})}
	for range scaled(40) {
		id := time.Now().String()
		var fns []func() error
		for _, in := range instances {
			fns = append(fns, func() error {
				admin := in.For(id).System("setup")
				if _, err := admin.CreateRole(ctx, rbac.Role{Name: "Sales"}); err != nil && !errors.Is(err, rbac.ErrNameTaken) {
					return err
				}
				return admin.Assign(ctx, rbac.Administrator, "ann")
			})
		}
		for _, err := range together(fns...) {
			require.NoError(t, err)
		}
		require.Equal(t, 2, d.number("SELECT count(*) FROM events WHERE workspace = $1", id))
		checkInvariants(t, instances[0].store, id)
	}
}
