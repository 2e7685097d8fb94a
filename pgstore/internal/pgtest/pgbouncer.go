package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

const howToPool = `this test needs PgBouncer:
  install it (Debian and Ubuntu: apt-get install pgbouncer; macOS: brew install pgbouncer);
  it is looked for in PATH and in /usr/sbin`

// PgBouncer starts a private PgBouncer before the database of a connection
// string, for one test, with a pool mode and a number of sessions on the
// server. It returns the connection string of the database behind it, and the
// version. Without PgBouncer it skips the test, or fails it if
// RBAC_REQUIRE_PGBOUNCER=1 or CI=true.
func PgBouncer(t testing.TB, url, mode string, sessions int) (pooled, version string) {
	t.Helper()
	bin, err := exec.LookPath("pgbouncer")
	if err != nil {
		bin, err = exec.LookPath("/usr/sbin/pgbouncer")
	}
	if err != nil {
		missing(t, err, "RBAC_REQUIRE_PGBOUNCER", howToPool)
	}
	out, err := exec.Command(bin, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	version, _, _ = strings.Cut(string(out), "\n")
	pooled, stop, err := startPgBouncer(bin, url, mode, sessions)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log := stop(); t.Failed() {
			t.Log(log)
		}
	})
	return pooled, version
}

func startPgBouncer(bin, url, mode string, sessions int) (pooled string, stop func() (log string), err error) {
	server, err := pgconn.ParseConfig(url)
	if err != nil {
		return "", nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return "", nil, err
	}
	dir, err := as.tempDir("rbac-pgbouncer-")
	if err != nil {
		return "", nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	password := ""
	quote := func(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
	if server.Password != "" {
		password = "password=" + quote(server.Password)
	}
	config := fmt.Sprintf(`[databases]
behind = host=%s port=%d dbname=%s user=%s %s
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = %s
auth_type = any
pool_mode = %s
default_pool_size = %d
max_client_conn = 200
server_connect_timeout = 60
`, quote(server.Host), server.Port, quote(server.Database), quote(server.User), password, dir, mode, sessions)
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil { // in a folder that nobody else may enter
		return "", nil, err
	}
	running, err := start(as, dir, bin, file)
	if err != nil {
		return "", nil, err
	}
	pooled = fmt.Sprintf("host=%s port=6432 user=%s dbname=behind sslmode=disable", dir, quote(server.User))
	if err := running.await(pooled); err != nil {
		return "", nil, err
	}
	return pooled, func() string {
		running.stop()
		_ = os.RemoveAll(dir)
		return running.log.String()
	}, nil
}
