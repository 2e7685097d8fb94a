package scenarios

import (
	"fmt"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
)

// instance is an instance of the application, and its store.
type instance struct {
	*rbac.Authorizer
	store rbac.Store
}

// four returns four instances, two on each of two stores.
func four(t *testing.T, db Database) (instances [4]instance) {
	t.Helper()
	for i := range instances {
		store := db.Store()
		if i%2 == 1 {
			store = instances[i-1].store
		}
		instances[i] = instance{workspacetest.Open(t, store), store}
	}
	return instances
}

// Instances that set up the same empty workspace at once, each in one
// transaction that looks first: no error, and nothing twice.
func instancesSetUpOneWorkspaceAtOnce(t *testing.T, db Database) {
	ctx, instances := t.Context(), four(t, db)
	for race := range long.Scale(100) {
		id := fmt.Sprint("w", race)
		var setUp []func() error
		for i := range 8 {
			store, w := instances[i%4].store, instances[i%4].For(id)
			setUp = append(setUp, func() error {
				err := store.Update(ctx, id, func(tx rbac.Tx) error {
					if at, err := tx.Revision(); err != nil || at != (rbac.Revision{}) {
						return err // another instance was first
					}
					admin := w.In(rbac.TxStore(id, tx)).System("set-up")
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
				if err := w.Sync(ctx); err != nil {
					return err
				}
				return w.Authorize(ctx, "ada", rbac.Users, rbac.Manage)
			})
		}
		for _, err := range workspacetest.Together(setUp...) {
			assert.NoError(t, err, fmt.Sprintf("race %d", race))
		}
		assert.Equal(t, 3, len(workspacetest.Read(t, instances[0].store, id).Events), fmt.Sprintf("race %d", race))
		workspacetest.CheckInvariants(t, instances[0].store, id)
	}
}

// Instances that set up call by call: an assignment that was made already is
// no error, a role that was created already is the one error to expect.
func instancesSetUpCallByCall(t *testing.T, db Database) {
	ctx, instances := t.Context(), four(t, db)
	for race := range long.Scale(100) {
		id := fmt.Sprint("w", race)
		var setUp []func() error
		var creations [8]error
		for i := range creations {
			w := instances[i%4].For(id)
			setUp = append(setUp, func() error {
				_, creations[i] = w.System("set-up").CreateRole(ctx, rbac.Role{Name: "Sales"})
				return w.System("set-up").Assign(ctx, rbac.Administrator, "ada")
			})
		}
		for _, err := range workspacetest.Together(setUp...) {
			assert.NoError(t, err)
		}
		created := 0
		for _, err := range creations {
			if err == nil {
				created++
			} else {
				assert.ErrorIs(t, err, rbac.ErrNameTaken)
			}
		}
		assert.Equal(t, 1, created, fmt.Sprintf("race %d", race))
		assert.Equal(t, 2, len(workspacetest.Read(t, instances[0].store, id).Events))
		workspacetest.CheckInvariants(t, instances[0].store, id)
	}
}
