package long

import (
	"os"
	"syscall"
)

// InMemory has the short form of a package's tests keep temporary files in
// memory, if there is room: making files is a third of what the tests of
// databases cost. TestMain calls it before anything asks for a temporary
// folder. The long form is on disk, and so is whatever TMPDIR asks for.
func InMemory() {
	const (
		memory = "/dev/shm"
		room   = 2 << 30
		noExec = 8 // ST_NOEXEC: programs that a test builds would not run
	)
	var at syscall.Statfs_t
	if Enabled() || os.Getenv("TMPDIR") != "" || syscall.Statfs(memory, &at) != nil {
		return
	}
	if at.Flags&noExec == 0 && at.Bavail*uint64(at.Bsize) >= room {
		_ = os.Setenv("TMPDIR", memory)
	}
}
