package histories

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
)

// clients is how many workspaces a client changes at once.
const clients = 3

// RunClient is what a child process of [KillClients] does: it changes some
// workspaces as fast as it can, and prints each change that is acknowledged.
// It returns when a change fails.
func RunClient(store rbac.Store) error {
	ctx := context.Background()
	az, err := rbac.Open(ctx, store)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for i := range clients {
		go func() { failed <- makeChanges(ctx, az.For(fmt.Sprint("w", i))) }()
	}
	return <-failed
}

func makeChanges(ctx context.Context, w *rbac.Workspace) error {
	admin := w.As("ann")
	for n := 0; ; n++ {
		user := fmt.Sprint("user", os.Getpid(), "-", n)
		if err := admin.Assign(ctx, rbac.Administrator, user); err != nil {
			return err
		}
		// One write for one line, so that a line is whole or missing.
		if _, err := os.Stdout.WriteString(w.ID() + " +" + user + "\n"); err != nil {
			return err
		}
		if n%3 == 0 {
			continue
		}
		if err := admin.Remove(ctx, user); err != nil {
			return err
		}
		if _, err := os.Stdout.WriteString(w.ID() + " -" + user + "\n"); err != nil {
			return err
		}
	}
}

// KillClients kills, again and again, a process that runs [RunClient]; client
// returns the command that starts one. Nothing that it acknowledged is lost,
// and of the change that it was making in each workspace either all is there or
// nothing; the chain verifies, and an instance that was there all along sees it
// all. after is called after each round: it waits until the database has
// noticed, and looks at what else must hold.
func KillClients(t *testing.T, rounds int, store rbac.Store, client func() *exec.Cmd, after func()) {
	az := workspacetest.Open(t, store, workspacetest.Brisk()...)
	written := map[string]int64{} // events by workspace
	for i := range clients {
		id := fmt.Sprint("w", i)
		workspacetest.Assign(t, az.For(id), rbac.Administrator, "ann")
		written[id] = 1
	}
	acknowledged, more := 0, 0
	for round := range rounds {
		told := killedClient(t, client(), rand.N(100*time.Millisecond))
		after()
		for id, was := range written {
			var made []string
			for _, e := range workspacetest.Read(t, store, id).Events[was:] {
				made = append(made, line(e))
			}
			n := len(told[id])
			assert.True(t, n <= len(made) && len(made) <= n+1, "round", round, "in", id, "acknowledged", n, "made", len(made))
			for i, change := range told[id] {
				assert.Equal(t, change, made[i], "round", round, "in", id, "change", i)
			}
			acknowledged += n
			more += len(made) - n
			written[id] = was + int64(len(made))
			workspacetest.CheckInvariants(t, store, id)
		}
	}
	assert.True(t, acknowledged > 0, "changes that were acknowledged")
	t.Logf("%d acknowledged in %d rounds, %d more were made", acknowledged, rounds, more)
	for id := range written {
		assert.NoError(t, az.For(id).Sync(context.Background()))
		for _, user := range workspacetest.Administrators(t, az.For(id)) {
			assert.True(t, workspacetest.Can(az.For(id), user), user)
		}
	}
}

// line tells of a change as clients do.
func line(e rbac.Event) string {
	if e.MemberAfter == nil {
		return "-" + e.MemberBefore.User
	}
	return "+" + e.MemberAfter.User
}

// killedClient runs a client, kills it some time after its first
// acknowledgement, and returns what it acknowledged, by workspace.
func killedClient(t *testing.T, client *exec.Cmd, life time.Duration) map[string][]string {
	t.Helper()
	var said bytes.Buffer
	client.Stderr = &said
	out, err := client.StdoutPipe()
	assert.NoError(t, err)
	assert.NoError(t, client.Start())
	kill := sync.OnceFunc(func() { _ = client.Process.Kill() })
	defer kill()
	stuck := time.AfterFunc(time.Minute, kill)
	defer stuck.Stop()
	told := map[string][]string{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if len(told) == 0 {
			time.AfterFunc(life, kill)
		}
		id, change, _ := strings.Cut(lines.Text(), " ")
		told[id] = append(told[id], change)
	}
	err = client.Wait()
	assert.True(t, err != nil && err.Error() == "signal: killed", "the client ended by itself:", err, said.String())
	assert.True(t, len(told) > 0, "the client made no change")
	return told
}
