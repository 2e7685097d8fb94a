// Package long says in which form tests run: short, as go test runs them, or
// long, with the thousands of rounds that CI asks for by RBAC_LONG=1. Fuzz
// targets and benchmarks have settings of their own.
package long

import "os"

// Enabled reports whether RBAC_LONG asks for the long form of tests.
func Enabled() bool {
	asked := os.Getenv("RBAC_LONG")
	return asked != "" && asked != "0"
}

// Scale returns how often a test repeats something: n times in the long form,
// a fortieth of that in the short one, a tenth of either under the race
// detector, and at least once.
func Scale(n int) int {
	if !Enabled() {
		n /= 40
	}
	if Race {
		n /= 10
	}
	return max(n, 1)
}
