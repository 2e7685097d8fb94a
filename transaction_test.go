package rbac_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/following"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbactest"
)

var within = workspacetest.Within

// removesBob is what the tests do in a transaction.
func removesBob(ctx context.Context) func(*rbac.Transaction) error {
	return func(t *rbac.Transaction) error { return t.As("ann").Remove(ctx, "bob") }
}

// saysNot makes the call and fails.
func saysNot(_ context.Context, call func(error) error) error {
	_ = call(nil)
	return errBoom
}

// What was changed in a transaction shows in the next check, on an instance to
// which nobody tells anything.
func TestTransactShowsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		ctx := t.Context()
		require.NoError(t, f.AZ.Transact(ctx, within(f.Inner, ""), func(tx *rbac.Transaction) error {
			if err := tx.System("sign-up").Assign(ctx, rbac.Administrator, "cy"); err != nil {
				return err
			}
			require.False(t, f.AZ.Can(ctx, "cy", rbac.Users, rbac.Manage), "it is not committed yet")
			return tx.As("cy").Remove(ctx, "bob")
		}))
		require.False(t, f.Can())
		allows(t, f.AZ.Workspace, "cy")
		require.Equal(t, 1, f.Store.Calls(opView), "one reading")
		checkInvariants(t, f.Inner, "")
	})
}

// Where the store cannot be read after the transaction, nothing is answered from
// before it: whether it was committed, may have been, or how it ended was hidden.
func TestScenario90_NothingIsServedFromBefore(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		commit rbactest.Fault
		err    error
	}{
		"committed":                     {nil, nil},
		"committed, and said to be not": {saysNot, errBoom},
		"unknown":                       {fault.Loses(true), rbac.ErrOutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := following.New(t)
				ctx, own := t.Context(), fault.New(f.Inner)
				f.Store.SetAll(fault.Fails(errBoom))
				own.Set(test.commit, opUpdate)
				require.ErrorIs(t, f.AZ.Transact(ctx, within(own, ""), removesBob(ctx)), test.err)
				refusesAll(t, f.AZ.Workspace, "bob", errBoom)
				f.Store.SetAll(nil)
				time.Sleep(time.Minute)
				require.False(t, f.Can())
				allows(t, f.AZ.Workspace, "ann")
			})
		})
	}
}

// A panic, too, may come after the commit.
func TestTransactPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		ctx := t.Context()
		run := within(f.Inner, "")
		f.Store.SetAll(fault.Fails(errBoom))
		require.PanicsWithValue(t, "behind the commit", func() {
			_ = f.AZ.Transact(ctx, func(ctx context.Context, work func(rbac.Store) error) error {
				_ = run(ctx, work)
				panic("behind the commit")
			}, removesBob(ctx))
		})
		refusesAll(t, f.AZ.Workspace, "bob", errBoom)
	})
}

// Where nothing was changed, nothing is read again, and the workspace stays in
// service whatever the store does.
func TestTransactWithoutAChange(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fn  func(context.Context, *rbac.Transaction) error
		err error
	}{
		"nothing is done": {func(context.Context, *rbac.Transaction) error { return nil }, nil},
		"nothing changes": {func(ctx context.Context, tx *rbac.Transaction) error {
			return tx.As("ann").Assign(ctx, rbac.Administrator, "bob")
		}, nil},
		"a rule refuses, and it is committed": {func(ctx context.Context, tx *rbac.Transaction) error {
			if err := tx.As("ann").Remove(ctx, "ann"); err == nil {
				return errBoom
			}
			return nil
		}, nil},
		"it is rolled back": {func(ctx context.Context, tx *rbac.Transaction) error {
			if err := tx.As("ann").Remove(ctx, "bob"); err != nil {
				return err
			}
			return errBoom
		}, errBoom},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := following.New(t)
				ctx := t.Context()
				f.Store.SetAll(fault.Fails(errBoom))
				unchanged(t, f.Inner, "", func() {
					require.Equal(t, test.err, f.AZ.Transact(ctx, within(f.Inner, ""), func(tx *rbac.Transaction) error { return test.fn(ctx, tx) }))
				})
				require.True(t, f.Can())
				require.Zero(t, f.Store.Total())
			})
		})
	}
}

// P1: who finds in a transaction that there is nothing to do, because another
// instance has done it, sees that.
func TestTransactFindsWhatAnotherInstanceDid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := following.New(t)
		ctx := t.Context()
		assign(t, f.Other.Workspace, rbac.Administrator, "cy")
		require.NoError(t, f.AZ.Transact(ctx, within(f.Inner, ""), func(tx *rbac.Transaction) error {
			return tx.As("ann").Assign(ctx, rbac.Administrator, "cy")
		}))
		allows(t, f.AZ.Workspace, "cy")
	})
}

// A Transaction, and what came from it, is an error once its function has
// returned.
func TestTransactionAfterItsEnd(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	az := openOn(t, store)
	assign(t, az.Workspace, rbac.Administrator, "ann")
	var kept *rbac.Transaction
	var admin *rbac.Admin
	run := func(ctx context.Context, work func(rbac.Store) error) error { return work(store) } // lives on
	require.NoError(t, az.Transact(ctx, run, func(tx *rbac.Transaction) error {
		kept, admin = tx, tx.As("ann")
		return nil
	}))
	unchanged(t, store, "", func() {
		for name, err := range map[string]error{
			"a change":                    kept.As("ann").Assign(ctx, rbac.Administrator, "bob"),
			"a change of an earlier As":   admin.Because("later").Assign(ctx, rbac.Administrator, "bob"),
			"a change of the application": kept.System("late").Assign(ctx, rbac.Administrator, "bob"),
		} {
			require.ErrorContains(t, err, "after its function had returned", name)
		}
	})
}

// What run does wrong is an error, and no panic of ours.
func TestTransactWithAWrongRun(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	az := openOn(t, store)
	assign(t, az.Workspace, rbac.Administrator, "ann", "bob")
	allows(t, az.Workspace, "bob")
	run := within(store, "")

	never := func(context.Context, func(rbac.Store) error) error { return nil }
	require.ErrorContains(t, az.Transact(ctx, never, removesBob(ctx)), "did not call the function")
	fails := func(context.Context, func(rbac.Store) error) error { return errBoom }
	require.Equal(t, errBoom, az.Transact(ctx, fails, removesBob(ctx)))
	hides := func(ctx context.Context, work func(rbac.Store) error) error {
		return run(ctx, func(s rbac.Store) error { _ = work(s); return nil })
	}
	err := az.Transact(ctx, hides, func(tx *rbac.Transaction) error {
		require.NoError(t, tx.As("ann").Remove(ctx, "bob"))
		return errBoom
	})
	require.Equal(t, errBoom, err, "the error of the function stays one, although run has committed")
	require.ErrorIs(t, az.Authorize(ctx, "bob", rbac.Users, rbac.Manage), rbac.ErrDenied)

	require.ErrorIs(t, az.For("\x00").Transact(ctx, run, removesBob(ctx)), rbac.ErrInvalid)
	require.NoError(t, az.Close())
	require.ErrorIs(t, az.Transact(ctx, run, removesBob(ctx)), rbac.ErrClosed)
}

// A run that begins anew after contention gives each attempt a Transaction of its
// own.
func TestTransactIsRunAgainByRunOnly(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), fault.New(rbac.NewMemStore())
	az := openOn(t, store)
	assign(t, az.Workspace, rbac.Administrator, "ann", "bob")
	allows(t, az.Workspace, "bob")
	store.Set(fault.First(1, fault.RollsBack(rbac.ErrContention)), opUpdate)
	once := within(store, "")
	require.ErrorIs(t, az.Transact(ctx, once, removesBob(ctx)), rbac.ErrContention)
	allows(t, az.Workspace, "bob")

	store.Set(fault.First(1, fault.RollsBack(rbac.ErrContention)), opUpdate)
	twice := func(ctx context.Context, work func(rbac.Store) error) error {
		if err := once(ctx, work); err == nil {
			return fmt.Errorf("no contention")
		}
		return once(ctx, work)
	}
	require.NoError(t, az.Transact(ctx, twice, removesBob(ctx)))
	require.ErrorIs(t, az.Authorize(ctx, "bob", rbac.Users, rbac.Manage), rbac.ErrDenied)
	checkInvariants(t, store, "")
}
