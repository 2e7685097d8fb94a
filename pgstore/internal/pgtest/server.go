package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Server is a PostgreSQL of our own in a temporary folder, reached by a socket
// in that folder, which nobody else may enter.
type Server struct {
	dir  string // with data, log and socket
	args []string
	bin  string // with postgres
	as   account

	mu      sync.Mutex
	running *process // nil if it is stopped
}

// Start makes a server and starts it. args are further arguments of postgres.
func Start(args ...string) (*Server, error) {
	bin, err := findBin()
	if err != nil {
		return nil, err
	}
	s := &Server{args: args, bin: bin}
	if s.as, err = unprivileged(); err != nil {
		return nil, err
	}
	if s.dir, err = s.as.tempDir("rbac-pg-"); err != nil {
		return nil, err
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "--pgdata", s.data(), "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	s.as.prepare(initdb, s.dir)
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
	running, err := start(s.as, s.dir, append([]string{filepath.Join(s.bin, "postgres"), "-D", s.data(),
		"-c", "unix_socket_directories=" + s.dir, "-c", "listen_addresses=", "-c", "max_connections=400"}, s.args...)...)
	if err != nil {
		return err
	}
	if err := running.await(s.URL()); err != nil {
		return err
	}
	s.running = running
	return nil
}

// Halt stops the server, which breaks all connections. Its data stay, for
// Start to go on from.
func (s *Server) Halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		s.running.stop()
		s.running = nil
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

// alive reports whether a process runs. One that has ended stays a zombie
// until its parent asks for it, which the first process of a container may
// never do.
func alive(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	state, _ := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return len(state) > 0 && state[0] != 'Z'
}

// Stop stops the server for good.
func (s *Server) Stop() {
	s.Halt()
	_ = os.RemoveAll(s.dir)
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
