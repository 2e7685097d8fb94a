package pgstore_test

import (
	"testing"

	"github.com/areagate/rbac/internal/storetest"
)

// TestScenarios runs the scenarios that are the same on every database. Those
// of PostgreSQL are in scenario_*_test.go by their theme, and in
// schema_test.go. Number 18 is about SQLite.
func TestScenarios(t *testing.T) {
	storetest.Scenarios(t, func(t testing.TB) storetest.Database { return newDatabase(t) })
}
