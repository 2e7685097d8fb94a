package rbactest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/areagate/rbac"
)

// updateFlag has a name of its own: a flag "update" would collide with the one
// that many test binaries define, and end them.
const updateFlag = "rbac.update"

var update = flag.Bool(updateFlag, false, "write the golden files of rbactest.Golden")

// Golden checks that what write writes is what a golden file holds, and fails
// the test with the lines that differ. The path is relative to the package of
// the test. A change of access then shows in the diff of a pull request.
//
//	rbactest.Golden(t, "testdata/roles.md", matrix.WriteMarkdown)
//
// Run the test with -rbac.update to write the file; a flag -update that the
// test binary defines does the same. The failure says the command. Line
// endings do not count, since a checkout may change them. Golden reports
// whether the check passed.
func Golden(t testing.TB, path string, write func(io.Writer) error) bool {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Errorf("golden file %s: what it should hold cannot be written: %v", path, err)
		return false
	}
	file, err := os.ReadFile(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		t.Errorf("golden file: %v", err)
		return false
	}
	want, got := unixLines(file), unixLines(out.Bytes())
	if !missing && want == got {
		return true
	}
	if updating() {
		return writeGolden(t, path, out.Bytes())
	}
	if missing {
		t.Errorf("golden file %s does not exist. It would hold:\n%sIf that is right, create it: %s", path, lineDiff("", got), updateCommand(t))
		return false
	}
	t.Errorf("golden file %s differs (- is the file, + is what the test got):\n%sIf the change is right, accept it: %s", path, lineDiff(want, got), updateCommand(t))
	return false
}

// GoldenRoles is [Golden] for the access model of a workspace, role x area, as
// [rbac.Matrix.WriteMarkdown] writes it.
func GoldenRoles(t testing.TB, path string, w interface {
	Matrix(ctx context.Context) (rbac.Matrix, error)
}) bool {
	t.Helper()
	matrix, err := w.Matrix(t.Context())
	if err != nil {
		t.Errorf("golden file %s: %v", path, err)
		return false
	}
	return Golden(t, path, matrix.WriteMarkdown)
}

// updating reports whether golden files are to be written.
func updating() bool {
	if *update {
		return true
	}
	theirs := flag.Lookup("update")
	if theirs == nil {
		return false
	}
	getter, ok := theirs.Value.(flag.Getter)
	return ok && getter.Get() == true
}

func writeGolden(t testing.TB, path string, content []byte) bool {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Errorf("golden file: %v", err)
		return false
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Errorf("golden file: %v", err)
		return false
	}
	t.Logf("golden file %s written", path)
	return true
}

// updateCommand returns the command that updates the golden files of a test.
func updateCommand(t testing.TB) string {
	steps := strings.Split(t.Name(), "/")
	for i, step := range steps {
		steps[i] = "^" + regexp.QuoteMeta(step) + "$"
	}
	return fmt.Sprintf(`go test %s -run "%s" -%s`, testedPackage(), strings.Join(steps, "/"), updateFlag)
}

// testedPackage returns the path of the package whose test is running, "." if
// it cannot be told.
func testedPackage() string {
	callers := make([]uintptr, 100)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	for {
		frame, _ := frames.Next()
		switch {
		case frame.File == "": // no frames left
			return "."
		case strings.HasSuffix(frame.File, "_test.go"):
			slash := strings.LastIndex(frame.Function, "/") + 1
			name, _, _ := strings.Cut(frame.Function[slash:], ".")
			return frame.Function[:slash] + strings.TrimSuffix(name, "_test")
		}
	}
}

// unixLines returns a text as it is without carriage returns at line ends.
func unixLines(text []byte) string {
	return string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
}
