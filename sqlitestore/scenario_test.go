package sqlitestore_test

import (
	"testing"

	"github.com/areagate/rbac/internal/scenarios"
)

// TestScenarios runs the scenarios that are the same on every database. Those
// of SQLite are in scenario_*_test.go by their theme, and in file_test.go.
//
// Numbers 11, 12 and 14 do not apply: there is no network between the library
// and SQLite, and so no connection that drops or is half open, and no pooler.
// What stands for 11 in SQLite, changes of others that are never notified, is
// in TestProcesses.
func TestScenarios(t *testing.T) {
	scenarios.Run(t, func(t testing.TB) scenarios.Database { return newFile(t) })
}
