// Package pgtest gives tests a PostgreSQL: the one that RBAC_TEST_POSTGRES
// names, or a private one in a temporary folder, which lives as long as the
// test binary.
package pgtest

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/areagate/rbac/internal/long"
)

// EnvURL names the variable with the URL of a server to test on. Its user must
// be allowed to create schemas and roles.
const EnvURL = "RBAC_TEST_POSTGRES"

const howTo = `this test needs PostgreSQL 13 or newer:
  either install the server (Debian and Ubuntu: apt-get install postgresql; macOS: brew install postgresql),
  whose initdb is looked for in PATH and in /usr/lib/postgresql/*/bin and the like,
  or set RBAC_TEST_POSTGRES to the URL of a server: postgres://user:password@host/database`

// shared is the server of the test binary, and a pool on it.
var shared struct {
	once   sync.Once
	server *Server // nil with EnvURL
	err    error

	poolOnce sync.Once
	pool     *pgxpool.Pool
	poolErr  error
}

// Main runs the tests of a package and then stops the server, if there is one:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// Without a server it says so and runs none, unless -run asks for some: then
// go test shows "no tests to run" without -v, too. Sixteen parallel tests run at
// a time, unless -parallel says otherwise, because they mostly wait.
func Main(m *testing.M) int {
	_ = flag.Set("test.parallel", "16")
	long.Lean()
	err := installed()
	if err != nil && os.Getenv(EnvURL) == "" && !required(requirePostgres) {
		fmt.Fprintf(os.Stderr, "%v\n%s\n", err, howTo)
		_ = flag.Set("test.run", "^$")
	}
	code := m.Run()
	if shared.pool != nil {
		if err := closeSoon(shared.pool); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if shared.server != nil {
		shared.server.Stop()
	}
	return code
}

// URL returns the connection string of the server that all tests share, and
// starts it if nobody did. Without a server it skips the test, or fails it if
// RBAC_REQUIRE_POSTGRES=1 or CI=true.
func URL(t testing.TB) string {
	t.Helper()
	if url := os.Getenv(EnvURL); url != "" {
		return url
	}
	shared.once.Do(func() {
		// Without fsync tests are quicker, and a killed server still loses
		// nothing: only a machine that loses power would.
		shared.server, shared.err = Start("-c", "fsync=off", "-c", "autovacuum=off")
	})
	if shared.err != nil {
		missing(t, shared.err, requirePostgres, howTo)
	}
	return shared.server.URL()
}

// Installed skips the test, or fails it as URL does, if no server is installed
// that it could start.
func Installed(t testing.TB) {
	t.Helper()
	if err := installed(); err != nil {
		missing(t, err, requirePostgres, howTo)
	}
}

func installed() error {
	if _, err := findBin(); err != nil {
		return err
	}
	_, err := unprivileged()
	return err
}

// NewServer starts a server for one test, which may stop and kill it. It skips
// or fails as URL does, and skips if the server is given by EnvURL and none
// is installed.
func NewServer(t testing.TB, args ...string) *Server {
	t.Helper()
	server, err := Start(args...)
	if err != nil {
		missing(t, err, requirePostgres, howTo)
	}
	t.Cleanup(server.Stop)
	return server
}

// missing skips the test, or fails it if the variable says so.
func missing(t testing.TB, err error, require, howTo string) {
	t.Helper()
	if required(require) {
		t.Fatalf("%v\n%s", err, howTo)
	}
	t.Skipf("%v\n%s", err, howTo)
}

const requirePostgres = "RBAC_REQUIRE_POSTGRES"

func required(variable string) bool {
	return os.Getenv(variable) == "1" || os.Getenv("CI") == "true"
}

// Schema returns a name for a schema of the test's own. On a server that was
// given, it is dropped when the test ends.
func Schema(t testing.TB) string {
	t.Helper()
	name := "Test " + strings.ToLower(rand.Text())[:12]
	url := URL(t)
	if os.Getenv(EnvURL) == "" {
		return name
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			t.Errorf("drop schema %q: %v", name, err)
			return
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+pgx.Identifier{name}.Sanitize()+" CASCADE"); err != nil {
			t.Errorf("drop schema %q: %v", name, err)
		}
	})
	return name
}

// SharedPool returns a pool on the server of [URL] that tests share, for those to
// which one connection is as good as another: much of the time of a short test
// goes into new ones. It stays open.
func SharedPool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	url := URL(t)
	shared.poolOnce.Do(func() {
		config, err := pgxpool.ParseConfig(url)
		if err != nil {
			shared.poolErr = err
			return
		}
		config.MaxConns = 64
		shared.pool, shared.poolErr = pgxpool.NewWithConfig(context.Background(), config)
	})
	if shared.poolErr != nil {
		t.Fatal(shared.poolErr)
	}
	return shared.pool
}

// closeSoon closes a pool, and returns an error if connections are not given back.
func closeSoon(pool *pgxpool.Pool) error {
	closed := make(chan struct{})
	go func() {
		pool.Close()
		close(closed)
	}()
	select {
	case <-closed:
		return nil
	case <-time.After(30 * time.Second):
		return fmt.Errorf("of the pool that tests share, %d connections are still in use", pool.Stat().AcquiredConns())
	}
}

// Pool returns a pool on a connection string, closed when the test ends. Its
// configuration can be changed before.
func Pool(t testing.TB, url string, change ...func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 8
	for _, c := range change {
		c(config)
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// Exec runs SQL with the rights of the connection string.
func Exec(t testing.TB, url, sql string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql, args...); err != nil {
		t.Fatalf("%s: %v", firstLine(sql), err)
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return fmt.Sprintf("%.100s", line)
}
