package histories_test

import (
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/histories"
)

func TestHistories(t *testing.T) {
	t.Parallel()
	histories.RandomHistories(t, func(*testing.T) (histories.History, func(histories.Outcome)) {
		store := rbac.NewMemStore()
		return histories.History{Instances: []rbac.Store{store, store, store}, Check: store}, nil
	})
}
