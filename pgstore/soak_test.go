package pgstore_test

import (
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/histories"
)

// TestSoak runs 3 instances for 20 seconds.
func TestSoak(t *testing.T) {
	d := newDatabase(t)
	var stores []rbac.Store
	for range 3 {
		stores = append(stores, d.Store())
	}
	histories.Soak(t, stores...)
}
