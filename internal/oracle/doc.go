// Package oracle is the rules of docs/guarantees.md a second time, written to be
// obviously right, and what compares the library with it: evaluation on random
// workspaces, and random histories of administration. A search for escalation
// asks the oracle alone. All of it is tests.
package oracle
