package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// asProgram makes the test binary the program itself.
const asProgram = "QUICKSTART_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestProgram(t *testing.T) {
	for _, test := range []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // their beginnings
	}{
		{"the built-in company", nil, 0, `"Brightwell Office Supply": 8 roles`, ""},
		{"the same as a file", []string{"-file", "tour/company.json"}, 0, `"Brightwell Office Supply": 8 roles`, ""},
		{"a file that is not there", []string{"-file", "none.json"}, 1, "", "open none.json: "},
		{"a file that is none", []string{"-file", "main.go"}, 1, "", "main.go: line 1: "},
		{"an argument", []string{"tour/company.json"}, 2, "", "Usage of "},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], test.args...)
			cmd.Env = append(os.Environ(), asProgram+"=1")
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run() // the code is looked at
			if code := cmd.ProcessState.ExitCode(); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			for _, output := range []struct{ got, want string }{{stdout.String(), test.stdout}, {stderr.String(), test.stderr}} {
				if !strings.HasPrefix(output.got, output.want) || (output.got == "") != (output.want == "") {
					t.Errorf("wrote %q, want %q", output.got, output.want)
				}
			}
		})
	}
}

// The first command that a newcomer runs downloads no module, and in
// particular no database driver.
func TestImportsNothingButThisRepository(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]bool{"github.com/areagate/rbac": true, "github.com/areagate/rbac/examples": true}
	for _, module := range strings.Fields(string(out)) {
		if !own[module] {
			t.Errorf("needs module %s", module)
		}
	}
	if len(out) == 0 {
		t.Error("go list found no module")
	}
}
