package sqlitestore_test

import (
	"testing"

	"github.com/areagate/rbac/internal/histories"
)

// TestSoak runs 3 instances on 2 Stores for 20 seconds.
func TestSoak(t *testing.T) {
	path := tempFile(t)
	shared := open(t, path)
	histories.Soak(t, shared, shared, open(t, path))
	integrity(t, path)
}
