//go:build !linux

package long

// InMemory does nothing where no folder in memory is known.
func InMemory() {}
