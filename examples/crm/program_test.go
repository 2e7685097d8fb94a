package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/areagate/rbac/examples/internal/pgtest"
)

// program is the CRM in a process of its own.
type program struct {
	cmd    *exec.Cmd
	out    *bufio.Reader
	stderr *bytes.Buffer
	folder string // for temporary files
	url    string
	tries  []string // the curl lines
	open   string   // what to open in a browser first
}

// runProgram starts the CRM and reads what it prints until it is ready.
func runProgram(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{folder: t.TempDir(), stderr: new(bytes.Buffer)}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	p.cmd = exec.CommandContext(ctx, os.Args[0], args...)
	p.cmd.Env = append(os.Environ(), asProgram+"=crm", "TMPDIR="+p.folder)
	p.cmd.Stderr = p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	for {
		line, err := p.out.ReadString('\n')
		if err != nil {
			_ = p.cmd.Wait()
			t.Fatalf("the program ended: %s", p.stderr)
		}
		if url := regexp.MustCompile(`^The CRM is at (http://\S+)$`).FindStringSubmatch(strings.TrimSpace(line)); url != nil {
			p.url = url[1]
		}
		if open := regexp.MustCompile(`^1\. .*(http://\S+)$`).FindStringSubmatch(strings.TrimSpace(line)); open != nil {
			p.open = open[1]
		}
		if strings.HasPrefix(line, "  ") {
			p.tries = append(p.tries, strings.TrimSpace(line))
		}
		if strings.HasPrefix(line, "Ctrl-C") {
			return p
		}
	}
}

// stop sends a signal and waits for a clean end.
func (p *program) stop(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after %v: %v: %s", signal, err, p.stderr)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("stopping took %v", took)
	}
}

func TestProgramStopsCleanly(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			p := runProgram(t, "-addr", "127.0.0.1:0")
			if files, _ := filepath.Glob(filepath.Join(p.folder, "crm-*")); len(files) != 1 {
				t.Errorf("the program made %q", files)
			}
			response, err := http.Get(p.url + "/healthz") // and keeps the connection
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			p.stop(t, signal)
			if files, _ := filepath.Glob(filepath.Join(p.folder, "crm-*")); len(files) != 0 {
				t.Errorf("the program left %q", files)
			}
			if conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://")); err == nil {
				conn.Close()
				t.Error("somebody still listens")
			}
		})
	}
}

// A request that is under way when the program is stopped gets its answer.
func TestProgramAnswersBeforeItStops(t *testing.T) {
	t.Parallel()
	p := runProgram(t, "-addr", "127.0.0.1:0")
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const body = `{"user": "aisha.rahman"}`
	fmt.Fprintf(conn, "POST /demo/sign-in HTTP/1.1\r\nHost: crm\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body))
	in := bufio.NewReader(conn)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") { // the handler reads
		t.Fatal(line, err)
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if line, err := p.out.ReadString('\n'); err != nil || line != "Stopping.\n" {
		t.Fatal(line, err)
	}
	if _, err := conn.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(in)
	if err != nil || !strings.Contains(string(answer), "201 Created") {
		t.Errorf("got %q, %v", answer, err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// The lines that the program prints work as they are.
func TestProgramsLinesWork(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("install curl to run this test: ", err)
	}
	p := runProgram(t, "-addr", "127.0.0.1:0")
	defer p.stop(t, os.Interrupt)
	if len(p.tries) != 3 {
		t.Fatalf("got %q, want three lines", p.tries)
	}
	c := &crm{t: t, url: p.open, client: http.DefaultClient}
	c.with("", "GET", "", nil).shows(t, []string{"As Aisha Rahman", "As Carla Mendes", "Lobby refit"}, nil)
	out, err := exec.CommandContext(t.Context(), "sh", "-c", strings.Join(p.tries, "\n")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"owner":"aisha.rahman"`) || strings.Contains(lines[0], "ben.carter") || !strings.Contains(lines[1], `"code":"denied"`) {
		t.Errorf("got %s", out)
	}
}

func TestProgramKeepsItsData(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]func(t *testing.T) []string{
		"SQLite":     func(t *testing.T) []string { return []string{"-data", filepath.Join(t.TempDir(), "a", "folder")} },
		"PostgreSQL": func(t *testing.T) []string { return []string{"-postgres", pgtest.Database(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			args := append(args(t), "-addr", "127.0.0.1:0")
			p := runProgram(t, args...)
			response, err := http.Post(p.url+"/demo/sign-in", "application/json", strings.NewReader(`{"user": "aisha.rahman"}`))
			if err != nil {
				t.Fatal(err)
			}
			var body bytes.Buffer
			_, _ = body.ReadFrom(response.Body)
			response.Body.Close()
			token := regexp.MustCompile(`crm_session_\w+`).FindString(body.String())
			p.stop(t, os.Interrupt)

			p = runProgram(t, args...)
			defer p.stop(t, os.Interrupt)
			r, _ := http.NewRequestWithContext(t.Context(), "GET", p.url+"/deals", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			if response, err = http.DefaultClient.Do(r); err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("the session of before gets %d", response.StatusCode)
			}
		})
	}
}

// Two programs work on one folder: what one changes, the other knows.
func TestTwoProgramsOnOneFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := runProgram(t, "-data", dir), runProgram(t, "-data", dir) // the default address is free at most once
	defer first.stop(t, os.Interrupt)
	defer second.stop(t, os.Interrupt)
	if first.url == second.url {
		t.Fatalf("both are at %s", first.url)
	}
	one, two := &crm{t: t, url: first.url, client: http.DefaultClient, tokens: map[string]string{}}, &crm{t: t, url: second.url, client: http.DefaultClient, tokens: map[string]string{}}
	two.as(salesRep, "GET", "/deals", nil).wants(t, http.StatusOK, "")
	one.change(administrator, "suspend", salesRep).wants(t, http.StatusNoContent, "")
	deadline := time.Now().Add(20 * time.Second)
	for two.as(salesRep, "GET", "/deals", nil).status != http.StatusForbidden {
		if time.Now().After(deadline) {
			t.Fatal("the other program does not know")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestProgramWritesItsRoutes(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-routes")
	cmd.Env = append(os.Environ(), asProgram+"=crm")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, part := range []string{"Method  Path ", "PUT     /deals/{id}/owner            deals: manage all\n", "POST    /admin/members/assign        member\n"} {
		if !strings.Contains(string(out), part) {
			t.Errorf("the table lacks %q:\n%s", part, out)
		}
	}
}

func TestProgramRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct {
		name string
		args []string
		code int
	}{
		{"an argument", []string{"routes"}, 2},
		{"two databases", []string{"-data", "x", "-postgres", "postgres://app:secret@host/app"}, 2},
		{"an address that is taken", []string{"-addr", taken.Addr().String()}, 1},
		{"a server that is not there", []string{"-postgres", "postgres://app:secret@127.0.0.1:1/app"}, 1},
		{"a URL that is none, with a password", []string{"-postgres", "postgres://app:secret@host:port/app"}, 1},
		{"a folder that cannot be", []string{"-data", "/dev/null/folder"}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], test.args...)
			folder := t.TempDir()
			cmd.Env = append(os.Environ(), asProgram+"=crm", "TMPDIR="+folder)
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != test.code || strings.Contains(string(out), "secret") {
				t.Errorf("code %d, want %d: %s", code, test.code, out)
			}
			if left, _ := os.ReadDir(folder); len(left) > 0 {
				t.Errorf("the program left %v", left)
			}
		})
	}
}
