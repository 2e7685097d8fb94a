//go:build race

package long

// Race tells tests that the race detector slows them down tenfold.
const Race = true
