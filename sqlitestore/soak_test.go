package sqlitestore_test

import (
	"testing"

	"github.com/areagate/rbac/internal/histories"
)

// TestSoak runs 3 instances on 2 Stores for 20 seconds, 3 with -short, or as
// long as RBAC_SOAK says:
//
//	RBAC_SOAK=10m go test -run TestSoak -v -timeout 15m .
func TestSoak(t *testing.T) {
	path := tempFile(t)
	shared := open(t, path)
	histories.Soak(t, shared, shared, open(t, path))
	integrity(t, path)
}
