package pgtest

import (
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A process that nobody asked for after its end is a zombie, and dead.
func TestZombiesAreDead(t *testing.T) {
	child := exec.Command("sleep", "600")
	require.NoError(t, child.Start())
	require.True(t, alive(child.Process.Pid))
	require.NoError(t, child.Process.Kill())
	defer child.Wait()
	require.Eventually(t, func() bool { return !alive(child.Process.Pid) }, time.Minute, time.Millisecond)
}
