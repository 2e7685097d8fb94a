package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/areagate/rbac"
)

// workspace opens an instance and returns its workspace "w".
func workspace(t testing.TB, db Database, opts ...rbac.Option) *rbac.Workspace {
	t.Helper()
	return Open(t, db.Store(), opts...).For("w")
}

// Two administrators demote, suspend or remove each other at the same moment,
// from two instances: exactly one succeeds, the other is refused.
func twoAdministratorsDemoteEachOther(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one, two := Open(t, store).For("w"), workspace(t, db)
	viewer := AddRole(t, one, "Viewer", ReadsDeals(rbac.All))
	ways := Farewells(ctx, viewer.ID)
	for race := range Scaled(1000) {
		Assign(t, one, rbac.Administrator, "ann", "bob")
		must(t, one.System("race").Reinstate(ctx, "ann", "bob"))
		want := rbac.ErrDenied
		actors := []*rbac.Admin{one.As("ann"), two.As("bob")}
		if race%2 == 0 {
			want, actors = rbac.ErrLastAdministrator, []*rbac.Admin{one.System("race"), two.System("race")}
		}
		errs := Together(
			func() error { return ways[race%3](actors[0], "bob") },
			func() error { return ways[race%3](actors[1], "ann") },
		)
		winner, loser := errs[0], errs[1]
		if winner != nil {
			winner, loser = loser, winner
		}
		must(t, winner, "race", race)
		mustBe(t, loser, want, "race", race)
		equal(t, 1, len(Administrators(t, one)), "administrators after race", race)
	}
	CheckInvariants(t, store, "w")
}

// The last active administrator stays, whatever the path, and nothing is
// written.
func lastAdministratorStays(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one, two := Open(t, store).For("w"), workspace(t, db)
	boss := AddRole(t, one, "Boss", rbac.Permissions{rbac.Users: {Read: rbac.All, Manage: rbac.All}})
	Assign(t, one, rbac.Administrator, "ann", "eve")
	must(t, one.System("test").Suspend(ctx, "eve"))
	before := stateOf(t, store, "w")
	ways := append(Farewells(ctx, boss.ID), func(a *rbac.Admin, _ string) error {
		return a.ReplaceRole(ctx, rbac.Administrator, boss.ID)
	})
	for i, way := range ways {
		for _, w := range []*rbac.Workspace{one, two} {
			mustBe(t, way(w.System("test"), "ann"), rbac.ErrLastAdministrator, "way", i)
			mustBe(t, db.Transaction(ctx, func(in rbac.Store) error {
				return way(w.System("test").In(in), "ann")
			}), rbac.ErrLastAdministrator, "way", i)
		}
	}
	equal(t, before, stateOf(t, store, "w"))
	CheckInvariants(t, store, "w")
}

// A role is deleted while it is being assigned: one of the two fails.
func roleIsDeletedWhileItIsAssigned(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one, two := Open(t, store).For("w"), workspace(t, db)
	Assign(t, one, rbac.Administrator, "ann")
	for race := range Scaled(200) {
		role := AddRole(t, one, "Temporary", nil)
		errs := Together(
			func() error { return one.As("ann").DeleteRole(ctx, role.ID) },
			func() error { return two.As("ann").Assign(ctx, role.ID, "bob") },
		)
		that(t, (errs[0] == nil) != (errs[1] == nil), "race", race, errs)
		if errs[0] != nil {
			mustBe(t, errs[0], rbac.ErrRoleInUse)
			must(t, one.As("ann").Remove(ctx, "bob"))
			must(t, one.As("ann").DeleteRole(ctx, role.ID))
		} else {
			mustBe(t, errs[1], rbac.ErrRoleNotFound)
		}
		must(t, store.View(ctx, "w", func(r rbac.Reader) error {
			equal(t, 0, len(All(t, r.Roles())), "roles after race", race)
			equal(t, 1, len(All(t, r.Members(rbac.MemberQuery{}))), "members after race", race)
			return nil
		}))
	}
	CheckInvariants(t, store, "w")
}

// Two edits of one role from the same version: the second is ErrConflict.
func twoEditsOfOneVersion(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one, two := Open(t, store).For("w"), workspace(t, db)
	Assign(t, one, rbac.Administrator, "ann")
	role := AddRole(t, one, "Sales", nil)
	for round := range Scaled(200) {
		a, b := role, role
		a.Description, b.Description = fmt.Sprint(round, "a"), fmt.Sprint(round, "b")
		var saved [2]rbac.Role
		errs := Together(
			func() (err error) { saved[0], err = one.As("ann").UpdateRole(ctx, a); return err },
			func() (err error) { saved[1], err = two.As("ann").UpdateRole(ctx, b); return err },
		)
		winner, loser := 0, 1
		if errs[0] != nil {
			winner, loser = 1, 0
		}
		must(t, errs[winner], "round", round)
		mustBe(t, errs[loser], rbac.ErrConflict, "round", round)
		equal(t, int64(round+2), saved[winner].Version)
		role = saved[winner]
	}
	CheckInvariants(t, store, "w")
}

// Many checks while roles change elsewhere: every answer is right for the
// revision before or after, never a mixture.
func checksDuringChanges(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one := Open(t, store).For("w")
	two := workspace(t, db, rbac.WithMaxStaleness(time.Minute), rbac.WithPollInterval(10*time.Millisecond))
	Assign(t, one, rbac.Administrator, "ann")
	role := AddRole(t, one, "Turning", ReadsDeals(rbac.All))
	Assign(t, one, role.ID, "bob")
	done := make(chan struct{})
	var wg sync.WaitGroup
	var checks, turns atomic.Int64
	for range 2 {
		wg.Go(func() {
			for last := true; ; checks.Add(1) {
				select {
				case <-done:
					return
				default:
				}
				subject, err := two.Subject(ctx, "bob")
				deals, tasks := subject.Can(rbac.Deals, rbac.Read), subject.Can(rbac.Tasks, rbac.Read)
				if err != nil || deals == tasks {
					t.Errorf("deals %v, tasks %v, error %v: a mixture of two revisions", deals, tasks, err)
					return
				}
				if deals != last {
					turns.Add(1)
				}
				last = deals
			}
		})
	}
	const enough = 20 // turns that were seen
	seen, since := int64(0), time.Now()
	for i := 0; i < Scaled(300) || turns.Load() < enough; i++ {
		if now := turns.Load(); now > seen {
			seen, since = now, time.Now()
		}
		that(t, time.Since(since) < time.Minute, "the other instance sees changes")
		role.Permissions = rbac.Permissions{[]rbac.Area{rbac.Tasks, rbac.Deals}[i%2]: {Read: rbac.All}}
		var err error
		role, err = one.As("ann").UpdateRole(ctx, role)
		must(t, err)
	}
	Soon(t, 5*time.Second, "the other instance sees the last change", func() bool { return Can(two, "bob") == Can(one, "bob") })
	close(done)
	wg.Wait()
	t.Logf("%d checks saw %d turns", checks.Load(), turns.Load())
	CheckInvariants(t, store, "w")
}

// Instances set up the same empty workspace at once: no error, nothing twice.
func instancesSetUpOneWorkspaceAtOnce(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	instances := []*rbac.Authorizer{Open(t, store), Open(t, store), Open(t, db.Store()), Open(t, db.Store())}
	for round := range Scaled(40) {
		id := fmt.Sprint("w", round)
		var fns []func() error
		for _, az := range instances {
			fns = append(fns, func() error {
				admin := az.For(id).System("setup")
				if _, err := admin.CreateRole(ctx, rbac.Role{Name: "Sales"}); err != nil && !errors.Is(err, rbac.ErrNameTaken) {
					return err
				}
				return admin.Assign(ctx, rbac.Administrator, "ann")
			})
		}
		must(t, errors.Join(Together(fns...)...))
		equal(t, int64(2), revision(t, store, id), "events of", id)
		CheckInvariants(t, store, id)
	}
}
