package long

import (
	"os"
	"runtime/debug"
)

// Lean makes the short form of a package's tests cost less: temporary files are
// in memory where there is room, because making files is a third of what the
// tests of databases cost, and garbage is collected less often. TestMain calls
// it before anything asks for a temporary folder. The long form is on disk, and
// TMPDIR and GOGC go before.
func Lean() {
	if Enabled() {
		return
	}
	inMemory()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}
