package pgstore_test

import (
	"testing"

	"github.com/areagate/rbac/internal/scenarios"
)

// TestScenarios runs the scenarios that are the same on every database. Those
// of PostgreSQL are in scenario_*_test.go by their theme, and in
// migrate_test.go. Number 18 is about SQLite.
func TestScenarios(t *testing.T) {
	scenarios.Run(t, func(t testing.TB) scenarios.Database { return newDatabase(t) })
}
