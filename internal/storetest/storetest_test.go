package storetest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/storetest"
)

// memory is a Database in memory, for the tests of the scenarios themselves.
type memory struct{ store *rbac.MemStore }

func (m memory) Store() rbac.Store { return m.store }

func (m memory) Transaction(ctx context.Context, fn func(in rbac.Store) error) error {
	return m.store.Update(ctx, "w", func(tx rbac.Tx) error { return fn(rbac.TxStore("w", tx)) })
}

func TestSuite(t *testing.T) {
	storetest.Scenarios(t, func(testing.TB) storetest.Database { return memory{rbac.NewMemStore()} })
}

func TestRandomHistories(t *testing.T) {
	storetest.RandomHistories(t, func(*testing.T) (storetest.History, func(storetest.Outcome)) {
		store := rbac.NewMemStore()
		return storetest.History{Instances: []rbac.Store{store, store, store}, Check: store}, nil
	})
}

// TestEveryScenarioIsShown looks for the numbers of all scenarios in the
// names of the tests of both databases.
func TestEveryScenarioIsShown(t *testing.T) {
	for folder, inapplicable := range map[string][]int{
		"pgstore":     {18},         // is about SQLite
		"sqlitestore": {11, 12, 14}, // need a network
	} {
		names := read(t, "storetest.go") // TestScenarios of both
		files, err := filepath.Glob("../../" + folder + "/*_test.go")
		if err != nil || len(files) == 0 {
			t.Fatal(folder, err)
		}
		for _, file := range files {
			names += read(t, file)
		}
		for n := 1; n <= 46; n++ {
			inList := n <= 24 || n >= 26 && n <= 37 || n >= 43
			shown := regexp.MustCompile(fmt.Sprintf(`(func Test|")Scenario%02d_`, n)).MatchString(names)
			if want := inList && !slices.Contains(inapplicable, n); want && !shown {
				t.Errorf("%s: no test has scenario %02d in its name", folder, n)
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
