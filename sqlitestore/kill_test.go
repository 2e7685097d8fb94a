package sqlitestore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/sqlitestore"
)

// children are what the test binary does when it is started as a child of a
// test, by the name in the environment.
var children = map[string]func(path, arg string) error{
	"changes": childChanges,
	"serve":   childServes,
	"open":    childOpens,
}

const childEnv = "SQLITESTORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if run, ok := children[os.Getenv(childEnv)]; ok {
		if err := run(os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child starts the test binary as another process. Its end is the test's.
func child(t testing.TB, name, path, arg string) (*exec.Cmd, io.WriteCloser, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, path, arg)
	cmd.Env = append(os.Environ(), childEnv+"="+name)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return cmd, in, bufio.NewScanner(out)
}

// childChanges changes a workspace as fast as it can, and prints the user of
// each change once it is acknowledged.
func childChanges(path, round string) error {
	ctx := context.Background()
	store, err := sqlitestore.Open(path)
	if err != nil {
		return err
	}
	az, err := rbac.Open(ctx, store)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		user := fmt.Sprintf("user-%s-%d", round, i)
		if err := az.System("test").Assign(ctx, rbac.Administrator, user); err != nil {
			return err
		}
		fmt.Println(user)
	}
}

// TestKill kills a process in the middle of its changes, again and again, on
// one file.
func TestKill(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 10
	}
	path := tempFile(t)
	open(t, path)
	acknowledged := map[string]bool{}
	for round := range rounds {
		cmd, _, lines := child(t, "changes", path, fmt.Sprint(round))
		var killer *time.Timer
		for lines.Scan() {
			acknowledged[lines.Text()] = true
			if killer == nil { // it is at work: kill it at a random moment from now
				killer = time.AfterFunc(time.Duration(rand.Int64N(int64(60*time.Millisecond))), func() { _ = cmd.Process.Kill() })
			}
		}
		require.NotNil(t, killer, "the child made no change")
		require.ErrorContains(t, cmd.Wait(), "signal: killed")

		check := func() {
			store, err := sqlitestore.Open(path)
			require.NoError(t, err)
			defer store.Close()
			az := authorizer(t, store)
			defer az.Close()
			require.NoError(t, az.VerifyEvents(t.Context()), "round %d", round)
			members := map[string]bool{}
			for member, err := range az.Members(t.Context(), rbac.MemberQuery{}) {
				require.NoError(t, err)
				members[member.User] = true
			}
			events := 0
			for event, err := range az.Events(t.Context(), rbac.EventQuery{}) {
				require.NoError(t, err)
				require.True(t, members[event.MemberAfter.User], "an event without its member")
				events++
			}
			require.Len(t, members, events, "a member without its event")
			for user := range acknowledged {
				require.True(t, members[user], "%s was acknowledged and is lost", user)
			}
			// One change of each round may have been committed without having
			// been acknowledged.
			require.LessOrEqual(t, len(members), len(acknowledged)+round+1)
		}
		check()
		integrity(t, path)
	}
	t.Logf("%d rounds, %d acknowledged changes", rounds, len(acknowledged))
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
