// Package oracle is the rules of docs/guarantees.md a second time, written to be
// obviously right, and what compares the library with it: random histories of
// administration, on any store, and in its tests evaluation on random
// workspaces. A search for escalation there asks the oracle alone. It is for the
// modules of this repository.
package oracle
