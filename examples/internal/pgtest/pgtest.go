// Package pgtest gives the tests of the examples empty PostgreSQL databases:
// on the server that RBAC_TEST_POSTGRES names, whose user may create
// databases, or on a private one that lives as long as the test binary.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/areagate/rbac/internal/long"
)

// shared is the server of the test binary.
var shared struct {
	once sync.Once
	url  string
	err  error
	stop func()
}

// Main runs the tests of a package and then stops the server, if there is one:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// Eight parallel tests run at a time, unless -parallel says otherwise, because
// they mostly wait.
func Main(m *testing.M) int {
	_ = flag.Set("test.parallel", "8")
	long.Lean()
	code := m.Run()
	if shared.stop != nil {
		shared.stop()
	}
	return code
}

// Database returns the URL of an empty database, which is dropped when the
// test ends. Without a server it skips the test, or fails it if
// RBAC_REQUIRE_POSTGRES=1 or CI=true.
func Database(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() {
		if shared.url = os.Getenv("RBAC_TEST_POSTGRES"); shared.url == "" {
			shared.url, shared.stop, shared.err = start()
		}
	})
	if err := shared.err; err != nil {
		if os.Getenv("RBAC_REQUIRE_POSTGRES") == "1" || os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	location, err := url.Parse(shared.url)
	if err != nil {
		t.Fatal("RBAC_TEST_POSTGRES is not a URL") // the error has its password
	}
	name := "example_" + strings.ToLower(rand.Text())
	execute(t, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'")
	t.Cleanup(func() { execute(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	location.Path = "/" + name
	return location.String()
}

func execute(t testing.TB, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, shared.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}

// start starts a PostgreSQL in a temporary folder, reached by a socket in it.
// An error says what is missing.
func start() (location string, stop func(), err error) {
	bin, err := findServer()
	if err != nil {
		return "", nil, err
	}
	account, err := unprivileged()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "rbac-pg-")
	if err != nil {
		return "", nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	if account != nil {
		if err := os.Chown(dir, int(account.Uid), int(account.Gid)); err != nil {
			return "", nil, err
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		// Not in our process group: an interrupt from the keyboard is ours.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: account}
		return cmd
	}
	data := filepath.Join(dir, "data")
	initdb := command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	// The shell stops the server when its standard input ends, because the
	// tests do or because this process is no more, and removes the folder.
	const watch = `"$@" >log 2>&1 & pid=$!; read -r _; kill -INT $pid; wait $pid; rm -rf "$PWD"`
	server := command("/bin/sh", "-c", watch, "watch", filepath.Join(bin, "postgres"), "-D", data, "-F", "-k", dir, "-h", "", "-N", "400")
	stdin, err := server.StdinPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		return "", nil, err
	}
	location = "postgres://postgres@/postgres?host=" + url.QueryEscape(dir)
	if err := await(location, filepath.Join(dir, "log")); err != nil {
		end(stdin, server, dir)
		return "", nil, err
	}
	return location, func() { end(stdin, server, dir) }, nil
}

func end(stdin io.Closer, server *exec.Cmd, dir string) {
	stdin.Close()
	_ = server.Wait() // its code is that of the interrupt
	os.RemoveAll(dir)
}

// await waits until a server answers.
func await(location, log string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, location)
		if err == nil {
			return conn.Close(ctx)
		}
		if ctx.Err() != nil {
			text, _ := os.ReadFile(log)
			return fmt.Errorf("postgres does not start: %w\n%s", err, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// findServer returns the folder of an installed initdb and postgres.
func findServer() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(dirs) // the newest first
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil { // postgres looks for its files beside itself
			dirs = append([]string{filepath.Dir(path)}, dirs...)
		}
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("no PostgreSQL: install the server (apt-get install postgresql), " +
		"or set RBAC_TEST_POSTGRES to the URL of one")
}

// unprivileged returns as whom to run the server, nil for ourselves. It does
// not run as root.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(account.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(account.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
	}
	return nil, errors.New("no PostgreSQL: it does not run as root, and there is no user postgres or nobody")
}
