package long

import (
	"os"
	"syscall"
)

func inMemory() {
	const (
		memory = "/dev/shm"
		room   = 2 << 30
		noExec = 8 // ST_NOEXEC: programs that a test builds would not run
	)
	var at syscall.Statfs_t
	if os.Getenv("TMPDIR") != "" || syscall.Statfs(memory, &at) != nil {
		return
	}
	if at.Flags&noExec == 0 && at.Bavail*uint64(at.Bsize) >= room {
		_ = os.Setenv("TMPDIR", memory)
	}
}
