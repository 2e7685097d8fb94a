package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/areagate/rbac"
)

// CheckNames returns the names of all checks of Run, in order.
func CheckNames() []string {
	var names []string
	for _, check := range checks() {
		names = append(names, check.name)
	}
	return names
}

// Contract returns the sentences that the checks quote.
func Contract() []string {
	var sentences []string
	for _, check := range checks() {
		sentences = append(sentences, check.contract)
	}
	return sentences
}

// RunCheck runs one check of Run.
func RunCheck(t testing.TB, name string, store rbac.Store, patience, moment time.Duration) {
	t.Helper()
	checks := checks()
	i := slices.IndexFunc(checks, func(c check) bool { return c.name == name })
	if i < 0 {
		t.Fatalf("there is no check %q", name)
	}
	checks[i].run(t, store, patience, moment)
}
