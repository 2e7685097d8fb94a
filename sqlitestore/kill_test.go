package sqlitestore_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac/internal/histories"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/sqlitestore"
)

// children are what the test binary does when it is started as a child of a
// test, by the name in the environment.
var children = map[string]func(path string) error{
	"changes": childChanges,
	"serves":  childServes,
	"opens":   childOpens,
	"locks":   childLocks,
}

const childEnv = "SQLITESTORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if run, ok := children[os.Getenv(childEnv)]; ok {
		if err := run(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	_ = flag.Set("test.parallel", "8") // they mostly wait; -parallel sets another number
	long.Lean()
	os.Exit(m.Run())
}

// childCommand returns the test binary as another process.
func childCommand(t testing.TB, name, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, path)
	cmd.Env = append(os.Environ(), childEnv+"="+name)
	return cmd
}

// child is another process, which answers lines by lines.
type child struct {
	testing.TB
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	said bytes.Buffer // on its standard error; to be read once it has ended
}

// start starts the test binary as another process. It ends with its input.
func start(t testing.TB, name, path string) *child {
	t.Helper()
	c := &child{TB: t, cmd: childCommand(t, name, path)}
	var err error
	c.in, err = c.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	c.out = bufio.NewScanner(out)
	c.cmd.Stderr = &c.said
	require.NoError(t, c.cmd.Start())
	t.Cleanup(c.end)
	return c
}

func (c *child) tell(line string) (answer string) {
	c.Helper()
	_, err := fmt.Fprintln(c.in, line)
	if err != nil || !c.out.Scan() {
		c.Errorf("the child has ended: %v", err)
		return ""
	}
	return c.out.Text()
}

// end waits until the child has ended by itself.
func (c *child) end() {
	_ = c.in.Close()
	if c.cmd.ProcessState == nil {
		assert.NoErrorf(c, c.cmd.Wait(), "the child said: %s", &c.said)
	}
}

// childChanges changes workspaces as fast as it can, until it is killed.
func childChanges(path string) error {
	store, err := sqlitestore.Open(context.Background(), path)
	if err != nil {
		return err
	}
	return histories.RunClient(store)
}

// TestKill kills a process in the middle of its changes, again and again, on
// one file.
func TestKill(t *testing.T) {
	t.Parallel()
	rounds := 10
	if long.Enabled() {
		rounds = 100
	}
	f := newFile(t)
	histories.KillClients(t, rounds, f.Store(), func() *exec.Cmd { return childCommand(t, "changes", f.path) }, func() { integrity(t, f.path) })
}

func integrity(t testing.TB, path string) {
	t.Helper()
	db := handle(t, path, "_pragma=query_only(1)")
	var result string
	require.NoError(t, db.QueryRow(`PRAGMA integrity_check`).Scan(&result))
	require.Equal(t, "ok", result)
	rows, err := db.Query(`PRAGMA foreign_key_check`)
	require.NoError(t, err)
	defer rows.Close()
	assert.False(t, rows.Next(), "a row that belongs to no workspace")
	require.NoError(t, rows.Err())
}
