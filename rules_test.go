package rbac_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The tests of this file are rules about the code, not about what it does.

const modulePath = "github.com/areagate/rbac"

// goFile is one parsed Go file of this repository.
type goFile struct {
	*ast.File
	name   string // path from the root, with slashes
	module string // folder of its module, "." for the root module
}

func (f goFile) test() bool      { return strings.HasSuffix(f.name, "_test.go") }
func (f goFile) pkgPath() string { return path.Join(modulePath, path.Dir(f.name)) }

// goFiles parses all Go files and finds all modules, as folders.
func goFiles(t *testing.T) (files []goFile, modules []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base, slashed := entry.Name(), filepath.ToSlash(name)
		switch {
		case entry.IsDir() && name != "." && (strings.HasPrefix(base, ".") || base == "testdata"):
			return filepath.SkipDir
		case base == "go.mod":
			modules = append(modules, path.Dir(slashed))
		case strings.HasSuffix(base, ".go"):
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			files = append(files, goFile{File: file, name: slashed})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range files { // the innermost module that a file is in
		files[i].module = "."
		for _, dir := range modules {
			if dir != "." && strings.HasPrefix(files[i].name, dir+"/") && len(dir) > len(files[i].module) {
				files[i].module = dir
			}
		}
	}
	return files, modules
}

// rootTests are the test files of the root module.
func rootTests(t *testing.T) []goFile {
	files, _ := goFiles(t)
	return slices.DeleteFunc(files, func(f goFile) bool { return f.module != "." || !f.test() })
}

func TestRuleImportsPointInward(t *testing.T) {
	files, _ := goFiles(t)
	for _, file := range files {
		if file.module != "." || file.test() {
			continue
		}
		for _, spec := range file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			first, _, _ := strings.Cut(imported, "/")
			standard := !strings.Contains(first, ".")
			own := imported == modulePath || strings.HasPrefix(imported, modulePath+"/")
			switch {
			case standard:
			case file.pkgPath() == modulePath:
				t.Errorf("%s imports %s: package rbac imports only the standard library", file.name, imported)
			case !own:
				t.Errorf("%s imports %s: the root module imports only the standard library and itself, but for its tests", file.name, imported)
			}
		}
	}
}

func TestRuleOnePackageComment(t *testing.T) {
	files, _ := goFiles(t)
	comments := map[string]int{} // by package
	for _, file := range files {
		if file.test() {
			continue
		}
		n := 0
		if file.Doc.Text() != "" {
			n = 1
		}
		comments[path.Dir(file.name)] += n
	}
	for dir, n := range comments {
		if n != 1 {
			t.Errorf("the package in %s has %d package comments, want one", dir, n)
		}
	}
}

// goMod is what `go mod edit -json` and `go work edit -json` print.
type goMod struct {
	Module  struct{ Path string }
	Require []struct {
		Path     string
		Indirect bool
	}
	Replace []struct {
		Old, New struct{ Path, Version string }
	}
	Use []struct{ DiskPath string }
}

func readGoMod(t *testing.T, kind, file string) (mod goMod) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", kind, "edit", "-json", file).Output()
	if err == nil {
		err = json.Unmarshal(out, &mod)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return mod
}

func TestRuleModules(t *testing.T) {
	_, modules := goFiles(t)
	for _, dir := range modules {
		mod := readGoMod(t, "mod", filepath.Join(dir, "go.mod"))
		if want := path.Join(modulePath, dir); mod.Module.Path != want {
			t.Errorf("%s/go.mod has module path %s, want %s", dir, mod.Module.Path, want)
		}
		var direct, all []string
		for _, required := range mod.Require {
			all = append(all, required.Path)
			if !required.Indirect {
				direct = append(direct, required.Path)
			}
		}
		if dir == "." {
			slices.Sort(direct)
			if want := []string{"github.com/stretchr/testify", "golang.org/x/exp"}; !slices.Equal(direct, want) {
				t.Errorf("go.mod requires %q, want %q", direct, want)
			}
			if len(mod.Replace) > 0 {
				t.Errorf("go.mod replaces modules, which whoever requires this one does not see: %v", mod.Replace)
			}
			continue
		}
		// A nested module replaces modules of this repository by their
		// folders, because they are not published yet, and nothing else.
		for _, replace := range mod.Replace {
			old, target := replace.Old.Path, replace.New.Path
			if !slices.Contains(all, old) {
				t.Errorf("%s/go.mod replaces %s and does not require it", dir, old)
			}
			if old != path.Join(modulePath, path.Join(dir, target)) {
				t.Errorf("%s/go.mod replaces %s by %s: only a module of this repository, by its folder", dir, old, target)
			}
		}
	}

	work := readGoMod(t, "work", "go.work")
	if len(work.Replace) > 0 {
		t.Errorf("go.work replaces modules: %v", work.Replace)
	}
	var used []string
	for _, use := range work.Use {
		used = append(used, path.Clean(use.DiskPath))
	}
	slices.Sort(used)
	slices.Sort(modules)
	if !slices.Equal(used, modules) {
		t.Errorf("go.work uses %q, want %q", used, modules)
	}
}

// claimedScenarios are the numbered faults, races and attacks that this repository
// claims to survive.
var claimedScenarios = []int{
	1, 2, 3, 4, 5, 6, 8, 9, 10, 13, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
	33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46,
	47, 48, 49, 50, 58, 59, 60,
}

func TestRuleEveryScenarioHasATest(t *testing.T) {
	name := regexp.MustCompile(`^TestScenario(\d\d)(?:\D|$)`)
	tested := map[string]bool{}
	for _, file := range rootTests(t) {
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "TestScenario") {
				continue
			}
			number := name.FindStringSubmatch(f.Name.Name)
			if number == nil {
				t.Errorf("%s: %s: want two digits behind TestScenario", file.name, f.Name.Name)
				continue
			}
			tested[number[1]] = true
		}
	}
	var missing []string
	for _, n := range claimedScenarios {
		if number := fmt.Sprintf("%02d", n); !tested[number] {
			missing = append(missing, number)
		}
	}
	if len(missing) > 0 {
		t.Errorf("no test TestScenarioNN_... for %s", strings.Join(missing, ", "))
	}
}

func TestRuleEveryErrorIsAsserted(t *testing.T) {
	var declared []string
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.VAR {
			continue
		}
		for _, spec := range group.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if strings.HasPrefix(name.Name, "Err") {
					declared = append(declared, name.Name)
				}
			}
		}
	}
	if len(declared) == 0 {
		t.Fatal("errors.go declares no errors")
	}

	used := map[string]bool{} // everything that tests select from rbac
	for _, file := range rootTests(t) {
		ast.Inspect(file.File, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "rbac" {
					used[sel.Sel.Name] = true
				}
			}
			return true
		})
	}
	for _, name := range declared {
		if !used[name] {
			t.Errorf("no test mentions rbac.%s", name)
		}
	}
}
