package repotest_test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/areagate/rbac/internal/long"
)

// noNetwork is what the go command says when it cannot download.
var noNetwork = regexp.MustCompile(`dial tcp|GOPROXY=off|i/o timeout|proxyconnect|TLS handshake`)

// The lines of README.md for using a checkout make its program compile and run
// in somebody else's module, together with each module of this repository that
// is for use elsewhere.
func TestReadmeUse(t *testing.T) {
	if !long.Enabled() {
		t.Skip("builds a program for each module: only with RBAC_LONG=1")
	}
	text := docText(t, "README.md")
	_, section, _ := strings.Cut(text, "\n## Use it\n")
	section, _, _ = strings.Cut(section, "\n## ")
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}

	lines := map[string]string{} // by module, and for the workspace
	for _, block := range docBlocks(section, "sh") {
		if strings.HasPrefix(block, "go work init ") {
			lines["workspace"] = block
			continue
		}
		fields := strings.Fields(block)
		lines[strings.TrimSuffix(fields[len(fields)-1], "@v0.0.0")] = block
	}
	_, modules := goFiles(t)
	modules = slices.DeleteFunc(modules, func(dir string) bool {
		top, _, _ := strings.Cut(dir, "/")
		return slices.Contains([]string{"examples", "internal", "bench"}, top) || strings.Contains(dir, "/internal/")
	})
	if len(lines) != len(modules)+1 || lines["workspace"] == "" {
		t.Errorf("README.md has lines for %d modules, want them for %q, and for a workspace", len(lines)-1, modules)
	}

	for _, dir := range modules {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			module := path.Join(modulePath, dir)
			if lines[module] == "" {
				t.Fatalf("README.md does not say how to use %s", module)
			}
			app := newApp(t, root, module)
			if dir != "." {
				app.run(t, lines[modulePath])
			}
			app.run(t, lines[module])
			app.check(t)
		})
	}
	t.Run("workspace", func(t *testing.T) {
		t.Parallel()
		var packages []string
		for _, dir := range modules {
			packages = append(packages, path.Join(modulePath, dir))
		}
		app := newApp(t, root, packages...)
		app.run(t, lines["workspace"])
		app.check(t)
	})
}

// app is the folder of somebody else's module, beside a checkout.
type app string

// newApp returns an app with the program of README.md, which imports packages
// besides. It begins with the checksums of this repository, so that nothing is
// asked that is in the module cache.
func newApp(t *testing.T, root string, packages ...string) app {
	t.Helper()
	parent := t.TempDir()
	if err := os.Symlink(root, filepath.Join(parent, "rbac")); err != nil {
		t.Skip(err)
	}
	program := docBlocks(docText(t, "README.md"), "go")[0]
	var sums string
	for _, imported := range packages {
		dir := strings.TrimPrefix(strings.TrimPrefix(imported, modulePath), "/")
		sums += docText(t, filepath.Join(root, dir, "go.sum"))
		if dir != "" {
			program = strings.Replace(program, "import (\n", "import (\n\t_ \""+imported+"\"\n", 1)
		}
	}
	dir := filepath.Join(parent, "app")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.25\n", "go.sum": sums, "main.go": program,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return app(dir)
}

// run runs lines of a shell in the app and returns what they write.
func (a app) run(t *testing.T, lines string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", lines)
	cmd.Dir = string(a)
	cmd.Env = append(os.Environ(), "GOWORK=", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err != nil && noNetwork.Match(out) && os.Getenv("CI") != "true" {
		t.Skipf("modules cannot be downloaded:\n%s", out)
	}
	if err != nil {
		t.Fatalf("%s%v\n%s", lines, err, out)
	}
	return string(out)
}

// check fails the test if the program does not do what README.md says.
func (a app) check(t *testing.T) {
	t.Helper()
	if got := a.run(t, "go run -ldflags=-w .\n"); !strings.HasSuffix(got, "true false\n") {
		t.Errorf("the program of README.md prints %q", got)
	}
}
