package rbactest

import (
	"slices"
	"testing"
	"time"

	"github.com/areagate/rbac"
)

// StoreCheckNames returns the names of all checks of TestStore, in order.
func StoreCheckNames() []string {
	var names []string
	for _, check := range storeChecks() {
		names = append(names, check.name)
	}
	return names
}

// StoreContract returns the sentences that the checks quote.
func StoreContract() []string {
	var sentences []string
	for _, check := range storeChecks() {
		sentences = append(sentences, check.contract)
	}
	return sentences
}

// RunStoreCheck runs one check of TestStore.
func RunStoreCheck(t testing.TB, name string, store rbac.Store, patience, moment time.Duration) {
	t.Helper()
	checks := storeChecks()
	i := slices.IndexFunc(checks, func(c storeCheck) bool { return c.name == name })
	if i < 0 {
		t.Fatalf("there is no check %q", name)
	}
	checks[i].run(t, store, patience, moment)
}
