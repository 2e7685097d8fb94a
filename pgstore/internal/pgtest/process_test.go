package pgtest_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// envVictim makes the test binary a test that is killed.
const envVictim = "RBAC_TEST_PGTEST_VICTIM"

func TestMain(m *testing.M) {
	if os.Getenv(envVictim) != "" {
		server, err := pgtest.Start("-c", "fsync=off")
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(server.URL())
		select {}
	}
	os.Exit(pgtest.Main(m))
}

// A test that is killed leaves neither its server nor the folder.
func TestKilledTestLeavesNothing(t *testing.T) {
	pgtest.Installed(t)
	self, err := os.Executable()
	require.NoError(t, err)
	victim := exec.Command(self)
	victim.Env = append(os.Environ(), envVictim+"=1")
	out, err := victim.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, victim.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = victim.Process.Kill()
	_ = victim.Wait()
	require.NoError(t, err)
	config, err := pgconn.ParseConfig(strings.TrimSpace(line))
	require.NoError(t, err, line)
	require.Eventually(t, func() bool {
		_, err := os.Stat(config.Host)
		return os.IsNotExist(err)
	}, time.Minute, 10*time.Millisecond, "the folder is removed")
}

// A server that was halted or killed starts again where it was.
func TestServerStartsAgain(t *testing.T) {
	server := pgtest.NewServer(t, "-c", "fsync=off")
	pgtest.Exec(t, server.URL(), "CREATE TABLE kept (n int)")
	for name, end := range map[string]func() error{
		"Halt": func() error { server.Halt(); return nil },
		"Kill": server.Kill,
	} {
		require.NoError(t, end(), name)
		require.NoError(t, server.Start(), name)
		pgtest.Exec(t, server.URL(), "INSERT INTO kept VALUES (1)")
	}
}
