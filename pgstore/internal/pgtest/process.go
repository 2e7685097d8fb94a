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
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// account is who runs a program; nil for ourselves.
type account struct{ *syscall.Credential }

// unprivileged returns ourselves, or somebody else if we are root, as whom
// neither PostgreSQL nor PgBouncer runs.
func unprivileged() (account, error) {
	if os.Getuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, errors.Join(err1, err2)
	}
	return account{}, errors.New("servers do not run as root, and there is no user postgres or nobody")
}

// tempDir makes a folder that nobody else may enter.
func (a account) tempDir(pattern string) (string, error) {
	dir, err := os.MkdirTemp("", pattern)
	if err == nil && a.Credential != nil {
		err = os.Chown(dir, int(a.Uid), int(a.Gid))
	}
	return dir, err
}

// prepare makes a command run as the account, in a folder.
func (a account) prepare(cmd *exec.Cmd, dir string) {
	cmd.Dir = dir
	// Not in our process group: an interrupt from the keyboard is ours.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: a.Credential}
}

// process is a server that runs.
type process struct {
	name    string
	stdin   io.WriteCloser // a line stops the server, and so does its end, when we are killed
	stopped chan struct{}
	log     bytes.Buffer // to be read when it has stopped
}

// start starts a server in a folder.
func start(as account, dir string, args ...string) (*process, error) {
	// A shell watches over the server. It stops it at a line on its standard
	// input, or at the end of that: then we are no more, and nobody else
	// removes the folder.
	const watch = `exec 3<&0
		"$@" 3<&- & server=$!
		{ read -r _ <&3; gone=$?; trap '' TERM; kill -INT $server; exit $gone; } >/dev/null 2>&1 & reader=$!
		wait $server
		kill $reader 2>/dev/null
		wait $reader
		if [ $? -eq 1 ]; then rm -rf "$PWD"; fi`
	cmd := exec.Command("/bin/sh", append([]string{"-c", watch, "watch"}, args...)...)
	as.prepare(cmd, dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p := &process{name: args[0], stdin: stdin, stopped: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.stopped)
		_ = cmd.Wait()
	}()
	return p, nil
}

// stop stops the server.
func (p *process) stop() {
	_, _ = io.WriteString(p.stdin, "stop\n")
	_ = p.stdin.Close()
	<-p.stopped
}

// await waits until the server answers. If it does not, it is stopped.
func (p *process) await(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.stopped:
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
			continue
		}
		p.stop()
		return fmt.Errorf("%s does not start: %w\n%s", p.name, err, p.log.String())
	}
}
