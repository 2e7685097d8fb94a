package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// viewer is a system role, so that somebody can be demoted to it anywhere.
var viewer = rbac.WithSystemRoles(rbac.Role{
	ID: "viewer", Name: "Viewer", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}},
})

// demote is how one administrator gets rid of another in the races.
func demote(ctx context.Context, az *rbac.Authorizer, race int, actor, other string) error {
	admin := az.For(fmt.Sprint("race", race)).As(actor)
	switch race % 3 {
	case 0:
		return admin.Assign(ctx, "viewer", other)
	case 1:
		return admin.Suspend(ctx, other)
	}
	return admin.Remove(ctx, other)
}

// runRaces lets two administrators demote each other from two instances, and
// returns how often nobody was left.
func runRaces(t *testing.T, races int, path string, stores [2]rbac.Store, check func(race int, errs [2]error)) (nobody int) {
	t.Helper()
	ctx := t.Context()
	first, second := authorizer(t, stores[0], viewer), authorizer(t, stores[1], viewer)
	setup := authorizer(t, open(t, path), viewer)
	for race := range races {
		w := setup.For(fmt.Sprint("race", race))
		require.NoError(t, w.System("set-up").Assign(ctx, rbac.Administrator, "ann", "bob"))
		var errs [2]error
		var both sync.WaitGroup
		start := make(chan struct{})
		both.Go(func() { <-start; errs[0] = demote(ctx, first, race, "ann", "bob") })
		both.Go(func() { <-start; errs[1] = demote(ctx, second, race, "bob", "ann") })
		close(start)
		both.Wait()
		left := 0
		for member, err := range w.Members(ctx, rbac.MemberQuery{Role: rbac.Administrator, State: rbac.ActiveOnly}) {
			require.NoError(t, err, member.User)
			left++
		}
		if left == 0 {
			nobody++
		}
		check(race, errs)
	}
	return nobody
}

func TestScenario01_AdministratorsDemoteEachOther(t *testing.T) {
	races := 1000
	if testing.Short() {
		races = 100
	}
	path := tempFile(t)
	stores := [2]rbac.Store{open(t, path), open(t, path)}
	nobody := runRaces(t, races, path, stores, func(race int, errs [2]error) {
		if errs[0] != nil {
			errs[0], errs[1] = errs[1], errs[0]
		}
		require.NoError(t, errs[0], "race %d: neither succeeded", race)
		require.ErrorIs(t, errs[1], rbac.ErrDenied, "race %d: who was demoted may not demote", race)
	})
	require.Zero(t, nobody)
	integrity(t, path)
}

// Without the lock the same rules, on the same rows, leave nobody.
func TestScenario01_WithoutTheLock(t *testing.T) {
	const races = 50
	path := tempFile(t)
	meet := make(chan struct{})
	stores := [2]rbac.Store{unlocked{open(t, path), meet}, unlocked{open(t, path), meet}}
	nobody := runRaces(t, races, path, stores, func(race int, errs [2]error) {
		require.NoError(t, errors.Join(errs[:]...), "race %d", race)
	})
	require.Equal(t, races, nobody)
}

// unlocked is a store that reads in one transaction and writes in the next,
// as whoever checks before they change does without a lock. Two of them begin
// to write when both have read.
type unlocked struct {
	rbac.Store
	meet chan struct{}
}

func (s unlocked) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	var later []func(rbac.Tx) error
	if err := s.View(ctx, workspace, func(r rbac.Reader) error {
		return fn(&recorder{r, &later})
	}); err != nil {
		return err
	}
	select {
	case s.meet <- struct{}{}:
	case <-s.meet:
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.Store.Update(ctx, workspace, func(tx rbac.Tx) error {
		for _, write := range later {
			if err := write(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// recorder notes the changes of members, for later. It loses events: their
// numbers would betray what happened.
type recorder struct {
	rbac.Reader
	later *[]func(rbac.Tx) error
}

func (r *recorder) PutRole(rbac.Role) error          { return errors.ErrUnsupported }
func (r *recorder) DeleteRole(rbac.RoleID) error     { return errors.ErrUnsupported }
func (r *recorder) AppendEvents(...rbac.Event) error { return nil }
func (r *recorder) PutMembers(m ...rbac.Member) error {
	*r.later = append(*r.later, func(tx rbac.Tx) error { return tx.PutMembers(m...) })
	return nil
}
func (r *recorder) DeleteMembers(users ...string) error {
	*r.later = append(*r.later, func(tx rbac.Tx) error { return tx.DeleteMembers(users...) })
	return nil
}
