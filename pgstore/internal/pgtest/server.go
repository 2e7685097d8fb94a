package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a PostgreSQL of our own in a temporary folder, reached by a socket
// in that folder, which nobody else may enter.
type Server struct {
	dir  string // with data, log and socket
	args []string
	bin  string // with postgres
	uid  int    // who runs it; -1 for ourselves
	gid  int

	mu      sync.Mutex
	stdin   io.Closer // its end stops the server, also when we are killed
	stopped chan struct{}
}

// Start makes a server and starts it. args are further arguments of postgres.
func Start(args ...string) (*Server, error) {
	bin, err := findBin()
	if err != nil {
		return nil, err
	}
	s := &Server{args: args, bin: bin, uid: -1}
	if os.Getuid() == 0 { // as whom postgres refuses to run
		if err := s.findUser(); err != nil {
			return nil, err
		}
	}
	if s.dir, err = os.MkdirTemp("", "rbac-pg-"); err != nil {
		return nil, err
	}
	if s.uid >= 0 {
		if err := os.Chown(s.dir, s.uid, s.gid); err != nil {
			return nil, err
		}
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "--pgdata", s.data(), "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	s.prepare(initdb)
	if out, err := initdb.CombinedOutput(); err != nil {
		os.RemoveAll(s.dir)
		return nil, fmt.Errorf("%s: %w\n%s", initdb, err, out)
	}
	if err := s.Start(); err != nil {
		os.RemoveAll(s.dir)
		return nil, err
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// URL returns the connection string of the server.
func (s *Server) URL() string {
	return fmt.Sprintf("host=%s port=5432 user=postgres dbname=postgres", s.dir)
}

// Start starts the server again after Stop or Kill.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A shell watches over the server: when its standard input ends, because
	// we close it or because we are no more, it stops the server.
	const watch = `"$@" & pid=$!; read -r _; kill -INT $pid 2>/dev/null; wait $pid`
	args := []string{"-c", watch, "watch", filepath.Join(s.bin, "postgres"), "-D", s.data(),
		"-c", "unix_socket_directories=" + s.dir, "-c", "listen_addresses=", "-c", "max_connections=200"}
	cmd := exec.Command("/bin/sh", append(args, s.args...)...)
	s.prepare(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return err
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = cmd.Wait()
	}()
	s.stdin, s.stopped = stdin, stopped
	if err := s.await(); err != nil {
		_ = stdin.Close()
		<-stopped
		return fmt.Errorf("postgres does not start: %w\n%s", err, log.String())
	}
	return nil
}

// await waits until the server answers.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.URL())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.stopped:
			return err
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Halt stops the server, which breaks all connections. Its data stay, for
// Start to go on from.
func (s *Server) Halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stdin != nil {
		_ = s.stdin.Close()
		<-s.stopped
		s.stdin = nil
	}
}

// Kill kills all processes of the server, as a crash would. Start goes on from
// what is left.
func (s *Server) Kill() error {
	pid, err := s.pid()
	if err != nil {
		return err
	}
	// First the parent, which would start the others anew.
	victims := append([]int{pid}, children(pid)...)
	for _, victim := range victims {
		_ = syscall.Kill(victim, syscall.SIGKILL)
	}
	s.Halt()
	for slices.ContainsFunc(victims, alive) {
		time.Sleep(time.Millisecond)
	}
	return os.Remove(filepath.Join(s.data(), "postmaster.pid"))
}

func (s *Server) pid() (int, error) {
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(line)
}

// children returns the ids of a process's children.
func children(parent int) []int {
	out, _ := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	var found []int
	for line := range strings.Lines(string(out)) {
		var pid, ppid int
		if n, _ := fmt.Sscan(line, &pid, &ppid); n == 2 && ppid == parent {
			found = append(found, pid)
		}
	}
	return found
}

func alive(pid int) bool {
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// Stop stops the server for good.
func (s *Server) Stop() {
	s.Halt()
	_ = os.RemoveAll(s.dir)
}

// prepare makes a command run as the user of the server.
func (s *Server) prepare(cmd *exec.Cmd) {
	cmd.Dir = s.dir
	// Not in our process group: an interrupt from the keyboard is ours.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.uid >= 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(s.uid), Gid: uint32(s.gid)}
	}
}

// findUser finds an unprivileged user to run the server.
func (s *Server) findUser() error {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		s.uid, s.gid = uid, gid
		return nil
	}
	return errors.New("postgres does not run as root, and there is no user postgres or nobody")
}

// findBin returns the folder of the newest initdb and postgres.
func findBin() (string, error) {
	var dirs []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil { // postgres looks for its files beside itself
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
	} {
		found, _ := filepath.Glob(pattern)
		slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
		dirs = append(dirs, found...)
	}
	for _, dir := range dirs {
		_, err1 := os.Stat(filepath.Join(dir, "initdb"))
		_, err2 := os.Stat(filepath.Join(dir, "postgres"))
		if err1 == nil && err2 == nil {
			return dir, nil
		}
	}
	return "", errors.New("there is no initdb and postgres")
}

// version returns the number in a path, 0 if there is none.
func version(path string) int {
	digits := strings.FieldsFunc(path, func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(digits[0])
	return n
}
