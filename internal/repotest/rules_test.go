package repotest_test

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
	"strconv"
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

// The root module imports only the standard library and itself, but for its
// tests. Of itself, package rbac imports internal packages that import nothing
// but the standard library.
func TestRuleImportsPointInward(t *testing.T) {
	files, _ := goFiles(t)
	imports := map[string][]string{} // what is not of the standard library, by package
	for _, file := range files {
		if file.module != "." || file.test() {
			continue
		}
		for _, spec := range file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			first, _, _ := strings.Cut(imported, "/")
			if !strings.Contains(first, ".") {
				continue
			}
			imports[file.pkgPath()] = append(imports[file.pkgPath()], imported)
			if imported != modulePath && !strings.HasPrefix(imported, modulePath+"/") {
				t.Errorf("%s imports %s: the root module imports only the standard library and itself, but for its tests", file.name, imported)
			}
		}
	}
	for _, imported := range imports[modulePath] {
		switch {
		case !strings.HasPrefix(imported, modulePath+"/internal/"):
			t.Errorf("package rbac imports %s, which is not internal", imported)
		case len(imports[imported]) > 0:
			t.Errorf("package rbac imports %s, which imports %s: want only the standard library", imported, imports[imported])
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
	// What needs many modules and is no part of what users get stays out of
	// the workspace: whoever runs its tests would download them all.
	outside := []string{"examples/gin", "internal/foldgen", "internal/openapitest", "pgstore/internal/ormtest", "rbacui/internal/browsertest"}
	want := slices.DeleteFunc(modules, func(dir string) bool { return slices.Contains(outside, dir) })
	if !slices.Equal(used, want) {
		t.Errorf("go.work uses %q, want %q", used, want)
	}
}

var (
	scenarioLine  = regexp.MustCompile(`(?m)^(\d+)\. ((?:.|\n {3,})+)`)
	scenarioPlace = regexp.MustCompile("`([^`]+)`")
	scenarioOnly  = regexp.MustCompile(`\bOnly\s+(PostgreSQL|SQLite):`)
	scenarioName  = regexp.MustCompile(`^"?(?:Test)?Scenario(\d*)`)
)

// scenarioPlaces returns where tests have the number of a scenario in their
// names, by the number: packages as docs/scenarios.md calls them.
func scenarioPlaces(t *testing.T) map[int][]string {
	t.Helper()
	places := map[int][]string{}
	files, _ := goFiles(t)
	for _, file := range files {
		place := path.Dir(file.name)
		add := func(name string) {
			match := scenarioName.FindStringSubmatch(name)
			if match == nil || name == "TestScenarios" { // which runs the suite
				return
			}
			n, _ := strconv.Atoi(match[1])
			if match[1] != fmt.Sprintf("%02d", n) {
				t.Errorf("%s: %s: want a number of at least two digits behind Scenario", file.name, name)
			}
			if !slices.Contains(places[n], place) {
				places[n] = append(places[n], place)
			}
		}
		switch {
		case place == "internal/scenarios" && !file.test(): // its scenarios are subtests
			place = "suite"
			ast.Inspect(file.File, func(node ast.Node) bool {
				if text, ok := node.(*ast.BasicLit); ok && text.Kind == token.STRING {
					add(text.Value)
				}
				return true
			})
		case file.test():
			place = strings.TrimPrefix(place, "internal/")
			if place == "." {
				place = "rbac"
			}
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
					add(f.Name.Name)
				}
			}
		}
	}
	return places
}

// docs/scenarios.md is the legend of the numbers in the names of tests.
func TestRuleEveryScenarioHasATest(t *testing.T) {
	places := scenarioPlaces(t)
	listed := 0
	for _, line := range scenarioLine.FindAllStringSubmatch(docText(t, "docs/scenarios.md"), -1) {
		n, _ := strconv.Atoi(line[1])
		if listed++; n != listed {
			t.Fatalf("docs/scenarios.md has %d where %d belongs", n, listed)
		}
		shown := places[n]
		delete(places, n)
		if len(shown) == 0 {
			t.Errorf("scenario %02d has no test TestScenario%02d_...", n, n)
			continue
		}
		_, where, found := strings.Cut(line[2], "In `")
		if !found {
			t.Errorf("docs/scenarios.md: %d does not say where its tests are", n)
			continue
		}
		var named []string
		for _, place := range scenarioPlace.FindAllStringSubmatch("`"+where, -1) {
			named = append(named, place[1])
			if !slices.Contains(shown, place[1]) {
				t.Errorf("docs/scenarios.md: %d is in %s, which has no test with that number, but %q", n, place[1], shown)
			}
		}
		databases := 0
		for _, store := range []string{"pgstore", "sqlitestore"} {
			if slices.Contains(named, store) || slices.Contains(named, "suite") {
				databases++
			}
		}
		if only := scenarioOnly.MatchString(line[2]); databases == 1 && !only || databases == 2 && only {
			t.Errorf("docs/scenarios.md: %d is in %q: want both databases, or why it is only one", n, named)
		}
	}
	for n, shown := range places {
		t.Errorf("scenario %02d, of tests in %q, is not in docs/scenarios.md", n, shown)
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
