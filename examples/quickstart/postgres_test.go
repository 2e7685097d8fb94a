package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresStore returns the URL of an empty database: on the server that
// RBAC_TEST_POSTGRES names, whose user may create databases, or on a private
// one. Without either it skips the test, or fails it if
// RBAC_REQUIRE_POSTGRES=1 or CI=true.
func postgresStore(t *testing.T) string {
	t.Helper()
	if server := os.Getenv("RBAC_TEST_POSTGRES"); server != "" {
		return newDatabase(t, server)
	}
	server, err := startServer(t)
	if err == nil {
		return server
	}
	if os.Getenv("RBAC_REQUIRE_POSTGRES") == "1" || os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
	return ""
}

// newDatabase creates a database, which is dropped when the test ends.
func newDatabase(t *testing.T, server string) string {
	t.Helper()
	location, err := url.Parse(server)
	if err != nil {
		t.Fatal("RBAC_TEST_POSTGRES is not a URL") // the error has its password
	}
	name := "quickstart_" + strings.ToLower(rand.Text())
	execSQL(t, server, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'")
	t.Cleanup(func() { execSQL(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	location.Path = "/" + name
	return location.String()
}

func execSQL(t *testing.T, server, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}

// startServer starts a PostgreSQL in a temporary folder, reached by a socket
// in it, which stops when the test ends. An error says what is missing.
func startServer(t *testing.T) (string, error) {
	t.Helper()
	bin, err := findServer()
	if err != nil {
		return "", err
	}
	account, err := unprivileged()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "rbac-pg-") // t.TempDir is too long for a socket, and closed to another user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if account != nil {
		if err := os.Chown(dir, int(account.Uid), int(account.Gid)); err != nil {
			t.Fatal(err)
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
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	// The shell stops the server when its standard input ends, because the
	// test does or because this process is no more.
	const watch = `"$@" >log 2>&1 & pid=$!; read -r _; kill -INT $pid; wait $pid`
	server := command("/bin/sh", "-c", watch, "watch", filepath.Join(bin, "postgres"), "-D", data, "-F", "-k", dir, "-h", "")
	stdin, err := server.StdinPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = server.Wait() // its code is that of the interrupt
	})
	location := "postgres://postgres@/postgres?host=" + url.QueryEscape(dir)
	await(t, location, filepath.Join(dir, "log"))
	return location, nil
}

// await waits until a server answers.
func await(t *testing.T, location, log string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, location)
		if err == nil {
			conn.Close(ctx)
			return
		}
		if ctx.Err() != nil {
			text, _ := os.ReadFile(log)
			t.Fatalf("postgres does not start: %v\n%s", err, text)
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
