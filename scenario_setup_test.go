package rbac_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/storetest"
)

// Instances that set up the same empty workspace at once, each in one
// transaction that looks first: no error, and nothing twice.
func TestScenario08_InstancesSetUpOneWorkspaceAtOnce(t *testing.T) {
	t.Parallel()
	for race := range scaled(100) {
		ctx, store := t.Context(), newStore(t)
		var setUp []func() error
		for range 8 {
			az := openOn(t, store)
			setUp = append(setUp, func() error {
				err := store.Update(ctx, "", func(tx rbac.Tx) error {
					if at, err := tx.Revision(); err != nil || at != (rbac.Revision{}) {
						return err // another instance was first
					}
					admin := az.System("set-up").In(rbac.TxStore("", tx))
					sales, err := admin.CreateRole(ctx, rbac.Role{Name: "Sales"})
					if err != nil {
						return err
					}
					if err := admin.Assign(ctx, sales.ID, "sam"); err != nil {
						return err
					}
					return admin.Assign(ctx, rbac.Administrator, "ada")
				})
				if err != nil {
					return err
				}
				if err := az.Sync(ctx); err != nil {
					return err
				}
				return az.Authorize(ctx, "ada", rbac.Users, rbac.Manage)
			})
		}
		for _, err := range storetest.Together(setUp...) {
			require.NoError(t, err, "race %d", race)
		}
		require.Len(t, contentsOf(t, store, "").Events, 3, "race %d", race)
		checkInvariants(t, store, "")
	}
}

// Instances that set up call by call: an assignment that was made already is
// no error, a role that was created already is the one error to expect.
func TestScenario08_InstancesSetUpCallByCall(t *testing.T) {
	t.Parallel()
	for race := range scaled(100) {
		ctx, store := t.Context(), newStore(t)
		var setUp []func() error
		var creations [8]error
		for i := range creations {
			az := openOn(t, store)
			setUp = append(setUp, func() error {
				_, creations[i] = az.System("set-up").CreateRole(ctx, rbac.Role{Name: "Sales"})
				return az.System("set-up").Assign(ctx, rbac.Administrator, "ada")
			})
		}
		for _, err := range storetest.Together(setUp...) {
			require.NoError(t, err)
		}
		created := 0
		for _, err := range creations {
			if err == nil {
				created++
			} else {
				require.ErrorIs(t, err, rbac.ErrNameTaken)
			}
		}
		require.Equal(t, 1, created, "race %d", race)
		require.Len(t, contentsOf(t, store, "").Events, 2)
		checkInvariants(t, store, "")
	}
}
