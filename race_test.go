//go:build race

package rbac_test

// raceEnabled tells tests that the race detector slows them down tenfold.
const raceEnabled = true
