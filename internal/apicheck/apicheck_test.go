package apicheck_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/exp/apidiff"

	"github.com/areagate/rbac/internal/apicheck"
)

var (
	update         = flag.Bool("update", false, "write docs/api, unless the API breaks")
	acceptBreaking = flag.Bool("accept-breaking", false, "with -update: write docs/api all the same, and record what breaks in accepted-breaks.txt")
)

const (
	root   = "../.."
	module = "github.com/areagate/rbac"
	accept = "go test ./internal/apicheck -update"
)

var (
	apiDir     = filepath.Join(root, "docs", "api")
	breaksFile = filepath.Join(apiDir, "accepted-breaks.txt")

	// private are the folders below the root whose packages promise nothing.
	// Those named internal are as private, wherever they are.
	private = []string{"bench", "examples"}
)

// TestAPI compares docs/api with the code. Every difference has to be
// accepted on purpose, an addition too: what is exported once stays.
func TestAPI(t *testing.T) {
	w := newWorld(t)
	files := map[string]bool{"accepted-breaks.txt": true}
	for _, pkgPath := range w.public {
		files[fileName(pkgPath)] = true
		t.Run(pkgPath, func(t *testing.T) { checkPackage(t, w, pkgPath) })
	}
	entries, err := os.ReadDir(apiDir)
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	for _, entry := range entries {
		if !files[entry.Name()] {
			t.Run(entry.Name(), func(t *testing.T) {
				settle(t, filepath.Join(apiDir, entry.Name()), nil, []string{strings.TrimSuffix(entry.Name(), ".go.txt") + ": the package was removed"})
			})
		}
	}
}

func checkPackage(t *testing.T, w *world, pkgPath string) {
	pkg, err := w.Import(pkgPath)
	require.NoError(t, err)
	current, err := apicheck.Render(pkg)
	require.NoError(t, err)

	// A file that leaves something out would accept changes unseen.
	rendered, err := w.check(pkgPath, current)
	require.NoError(t, err, "what apicheck renders has to type-check:\n%s", current)
	require.Empty(t, apidiff.Changes(pkg, rendered).Changes, "apicheck renders something else than the package")
	require.Empty(t, apidiff.Changes(rendered, pkg).Changes, "apicheck renders something else than the package")

	file := filepath.Join(apiDir, fileName(pkgPath))
	accepted, err := os.ReadFile(file)
	switch absent := errors.Is(err, fs.ErrNotExist); {
	case absent && !*update:
		t.Fatalf("%s has no accepted API yet. If it is meant to be public: %s", pkgPath, accept)
	case !absent:
		require.NoError(t, err)
	}
	if string(accepted) == string(current) {
		return
	}
	var breaking, compatible []string
	if accepted != nil {
		breaking, compatible = w.changes(pkgPath, accepted, pkg)
	}
	for _, change := range compatible {
		t.Log("compatible: " + change)
	}
	settle(t, file, current, breaking)
}

// settle fails the test, or makes current the accepted API, nil for none, if
// the flags say so.
func settle(t *testing.T, file string, current []byte, breaking []string) {
	t.Helper()
	list := strings.Join(breaking, "\n\t")
	switch {
	case len(breaking) > 0 && !(*update && *acceptBreaking):
		t.Fatalf("the API breaks:\n\t%s\nUndo this, or accept it and say in CHANGELOG.md what users have to do: %s -accept-breaking", list, accept)
	case !*update:
		t.Fatalf("docs/api/%s is not what the code exports. Nothing breaks; accept the difference: %s", filepath.Base(file), accept)
	case current == nil:
		require.NoError(t, os.Remove(file))
	default:
		require.NoError(t, os.MkdirAll(apiDir, 0o755))
		require.NoError(t, os.WriteFile(file, current, 0o644))
	}
	if len(breaking) > 0 {
		f, err := os.OpenFile(breaksFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		require.NoError(t, err)
		defer f.Close()
		_, err = fmt.Fprintln(f, strings.Join(breaking, "\n"))
		require.NoError(t, err)
	}
}

// fileName returns the name of a package's file in docs/api.
func fileName(pkgPath string) string {
	rel := strings.TrimPrefix(strings.TrimPrefix(pkgPath, module), "/")
	return strings.ReplaceAll(cmp.Or(rel, path.Base(module)), "/", "-") + ".go.txt"
}

// world imports packages from what the go command has compiled of them, which
// is much faster than type-checking their sources.
type world struct {
	types.Importer
	dir     string            // where the go command runs
	exports map[string]string // file of a package's export data by its path
	public  []string          // paths of the public packages
}

// newWorld finds the public packages of all modules.
func newWorld(t *testing.T) *world {
	w := &world{dir: root, exports: map[string]string{}}
	w.Importer = importer.ForCompiler(token.NewFileSet(), "gc", w.open)
	// Reading every folder also makes the test's cached result depend on them.
	err := filepath.WalkDir(root, func(dir string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && dir != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "internal" || isPrivate(dir)):
			return filepath.SkipDir
		case name != "go.mod":
			return nil
		}
		return w.list(filepath.Dir(dir), "./...")
	})
	require.NoError(t, err)
	require.Contains(t, w.public, module)
	slices.Sort(w.public)
	return w
}

func isPrivate(dir string) bool {
	rel, err := filepath.Rel(root, dir)
	return err == nil && slices.Contains(private, filepath.ToSlash(rel))
}

// list compiles packages and what they import, and notes where.
func (w *world) list(dir string, pattern string) error {
	const format = "{{.ImportPath}}\t{{.Export}}\t{{.Name}}\t{{.DepOnly}}"
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", format, pattern)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s in %s: %w", cmd, dir, err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		pkgPath, export, name, depOnly := f[0], f[1], f[2], f[3] == "true"
		if export != "" {
			w.exports[pkgPath] = export
		}
		if !depOnly && export != "" && name != "main" && !slices.Contains(strings.Split(pkgPath, "/"), "internal") {
			w.public = append(w.public, pkgPath)
		}
	}
	return nil
}

// open finds a package's export data for the importer.
func (w *world) open(pkgPath string) (io.ReadCloser, error) {
	if w.exports[pkgPath] == "" { // only the accepted API imports it
		if err := w.list(w.dir, pkgPath); err != nil {
			return nil, err
		}
	}
	return os.Open(w.exports[pkgPath])
}

// check type-checks a file of docs/api.
func (w *world) check(pkgPath string, src []byte) (*types.Package, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, fileName(pkgPath), src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var errs []error
	conf := types.Config{Importer: w, Error: func(err error) {
		var e types.Error // soft: a generic function without a body
		if !errors.As(err, &e) || !e.Soft {
			errs = append(errs, err)
		}
	}}
	pkg, _ := conf.Check(pkgPath, fset, []*ast.File{file}, nil)
	return pkg, errors.Join(errs...)
}

// changes compares an accepted API with the package.
func (w *world) changes(pkgPath string, accepted []byte, pkg *types.Package) (breaking, compatible []string) {
	old, err := w.check(pkgPath, accepted)
	if err != nil { // for example because another package lost what it mentions
		breaking = append(breaking, fmt.Sprintf("%s: the accepted API does not type-check: %v", fileName(pkgPath), err))
	}
	if old == nil {
		return breaking, nil
	}
	for _, change := range apidiff.Changes(old, pkg).Changes {
		line := pkg.Name() + ": " + change.Message
		if change.Compatible {
			compatible = append(compatible, line)
		} else {
			breaking = append(breaking, line)
		}
	}
	return breaking, compatible
}

// TestChanges shows that what breaks users of the library is found.
func TestChanges(t *testing.T) {
	const before = `package p

import ("context"; "time")

const Limit = 80
const Wait time.Duration = 5
type Action uint8
const (Read Action = iota + 1; Manage)
var ErrDenied error
type Store interface { View(ctx context.Context, fn func(id string) error) error }
type Option func(*config)
type config struct{ wait time.Duration }
type Sealed interface { Name() string; seal() }
type Role struct { ID string; Tags map[string]bool; base; version int }
type base struct { Version int64; inner []byte }
func (base) Promoted() int { return 1 }
type Handle struct { id string }
func (h *Handle) Can(user string, areas ...string) (ok bool) { return false }
type Names = []string
func Open(ctx context.Context, s Store, opts ...Option) (*Handle, error) { return nil, nil }
`
	tests := []struct {
		name, old, new string
		breaking       []string
		compatible     []string
	}{
		{name: "function added", old: "func Open", new: "func Close(){}; func Open", compatible: []string{"p: Close: added"}},
		{name: "field added", old: "ID string;", new: "ID string; Name string;", compatible: []string{"p: Role.Name: added"}},
		{name: "method added", old: "func Open", new: "func (h *Handle) Close(){}; func Open", compatible: []string{"p: (*Handle).Close: added"}},
		{name: "sealed interface grows", old: "Name() string;", new: "Name() string; ID() string;", compatible: []string{"p: Sealed.ID: added"}},
		{name: "hidden field changes", old: "wait time.Duration", new: "wait int"},
		{name: "parameter renamed", old: "user string, areas", new: "who string, areas"},
		{name: "function removed", old: "func Open", new: "func open", breaking: []string{"p: Open: removed"}},
		{name: "parameter added", old: "user string,", new: "user string, n int,", breaking: []string{"p: (*Handle).Can: changed from func(string, ...string) bool to func(string, int, ...string) bool"}},
		{name: "open interface grows", old: "type Store interface {", new: "type Store interface { Close() error;", breaking: []string{"p: Store.Close: added"}},
		{name: "interface sealed", old: "type Store interface {", new: "type Store interface { seal();", breaking: []string{"p: Store.seal: added unexported method"}},
		{name: "constant value", old: "Limit = 80", new: "Limit = 81", breaking: []string{"p: Limit: value changed from 80 to 81"}},
		{name: "enumeration shifted", old: "Read Action = iota + 1; Manage", new: "Manage Action = iota + 1; Read", breaking: []string{"p: Manage: value changed from 2 to 1", "p: Read: value changed from 1 to 2"}},
		{name: "field type", old: "ID string; Tags", new: "ID []byte; Tags", breaking: []string{"p: Role.ID: changed from string to []byte"}},
		{name: "promoted field lost", old: "Version int64;", new: "", breaking: []string{"p: Role.Version: removed"}},
		{name: "promoted method lost", old: "Promoted()", new: "promoted()", breaking: []string{"p: base.Promoted, method set of *Role: removed", "p: base.Promoted, method set of Role: removed"}},
		{name: "no longer comparable", old: "struct { id string }", new: "struct { id []string }", breaking: []string{"p: Handle: old is comparable, new is not"}},
		{name: "alias", old: "Names = []string", new: "Names = []byte", breaking: []string{"p: Names: changed from []string to []byte"}},
	}
	w := newWorld(t)
	require.NoError(t, w.list(w.dir, "context"))
	render := func(t *testing.T, src string) ([]byte, *types.Package) {
		t.Helper()
		pkg, err := w.check("p", []byte(src))
		require.NoError(t, err)
		out, err := apicheck.Render(pkg)
		require.NoError(t, err)
		rendered, err := w.check("p", out)
		require.NoError(t, err, "%s", out)
		require.Empty(t, apidiff.Changes(pkg, rendered).Changes, "%s", out)
		require.Empty(t, apidiff.Changes(rendered, pkg).Changes, "%s", out)
		return out, pkg
	}
	accepted, _ := render(t, before)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(before, test.old))
			_, pkg := render(t, strings.Replace(before, test.old, test.new, 1))
			breaking, compatible := w.changes("p", accepted, pkg)
			assert.Equal(t, test.breaking, breaking)
			assert.Equal(t, test.compatible, compatible)
		})
	}
}
