package browsertest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// CRM is the program of examples/crm.
type CRM struct {
	URL      string // of its first page
	Greeting string

	cmd *exec.Cmd
	out io.Reader
}

// BuildCRM builds the CRM, with the modules of the workspace, into a file.
func BuildCRM(program string) error {
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = "../../../examples/crm"
	build.Env = append(os.Environ(), "GOWORK=")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// StartCRM starts a CRM that was built, with new companies in a folder. What it logs
// is given to log. Stop ends it.
func StartCRM(program, folder string, log io.Writer) (*CRM, error) {
	c := &CRM{cmd: exec.Command(program, "-addr", "127.0.0.1:0")}
	c.cmd.Env = append(os.Environ(), "TMPDIR="+folder)
	c.cmd.Stderr = log
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(out)
	c.out = lines
	for !strings.Contains(c.Greeting, "Ctrl-C") {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil, errors.Join(err, c.cmd.Wait())
		}
		c.Greeting += line
		if url, ok := strings.CutPrefix(line, "The CRM is at "); ok {
			c.URL = strings.TrimSpace(url)
		}
	}
	return c, nil
}

// Stop ends the CRM, which removes what it kept.
func (c *CRM) Stop() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, c.out)
	return c.cmd.Wait()
}
