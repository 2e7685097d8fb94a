package repotest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// The tests of this file keep README.md and docs true to the code.

func docText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// docFiles are README.md and everything in docs that people read.
func docFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	return append(files, "README.md")
}

var docFence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// docBlocks returns the fenced blocks of a document in a language.
func docBlocks(text, language string) []string {
	var blocks []string
	for _, block := range docFence.FindAllStringSubmatch(text, -1) {
		if block[1] == language {
			blocks = append(blocks, block[2])
		}
	}
	return blocks
}

// docFunc is a function of a Go file: its body as it is written, and what the
// file imports.
type docFunc struct {
	body    string
	imports []string
}

func parseDocFunc(t *testing.T, file, source, name string) docFunc {
	t.Helper()
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	var f docFunc
	for _, spec := range parsed.Imports {
		f.imports = append(f.imports, strings.Trim(spec.Path.Value, `"`))
	}
	for _, decl := range parsed.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Name.Name != name {
				t.Errorf("%s declares %s, want only %s: the other would be missing in a copy", file, decl.Name.Name, name)
				continue
			}
			f.body = source[files.Position(decl.Body.Lbrace).Offset+1 : files.Position(decl.Body.Rbrace).Offset]
		case *ast.GenDecl:
			if decl.Tok != token.IMPORT {
				t.Errorf("%s declares more than %s: it would be missing in a copy", file, name)
			}
		}
	}
	for _, ident := range parsed.Unresolved {
		imported := slices.ContainsFunc(f.imports, func(p string) bool { return path.Base(p) == ident.Name })
		if !imported && types.Universe.Lookup(ident.Name) == nil {
			t.Errorf("%s uses %s, which it does not import or declare", file, ident.Name)
		}
	}
	return f
}

// The program of README.md compiles and prints what it should, because it is
// the package's Example, which the go tool compiles and runs.
func TestReadmeProgram(t *testing.T) {
	blocks := docBlocks(docText(t, "README.md"), "go")
	if len(blocks) != 1 {
		t.Fatalf("README.md has %d blocks of Go, want one", len(blocks))
	}
	program := parseDocFunc(t, "README.md", blocks[0], "main")
	example := parseDocFunc(t, "example_test.go", docText(t, "example_test.go"), "Example")

	body, output, found := strings.Cut(example.body, "\t// Output: ")
	if !found {
		t.Fatal("Example has no output: it would not run")
	}
	if program.body != body {
		t.Errorf("the program of README.md is not Example:\n%s\nwant\n%s", program.body, body)
	}
	if !slices.Equal(program.imports, example.imports) {
		t.Errorf("the program of README.md imports %q, want %q", program.imports, example.imports)
	}
	if said := "It prints `" + strings.TrimSpace(output) + "`"; !strings.Contains(docText(t, "README.md"), said) {
		t.Errorf("README.md does not say: %s", said)
	}
}

// Blocks of Go in docs are files, declarations or statements, if not always
// complete ones.
func TestDocsGoParses(t *testing.T) {
	for _, file := range docFiles(t) {
		for _, block := range docBlocks(docText(t, file), "go") {
			parses := false
			for _, source := range []string{block, "package p\n" + block, "package p\nfunc _() error {\n" + block + "\n}"} {
				if _, err := parser.ParseFile(token.NewFileSet(), "", source, 0); err == nil {
					parses = true
				}
			}
			if !parses {
				t.Errorf("%s: this is not Go:\n%s", file, block)
			}
		}
	}
}

var (
	docLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	docHeading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
)

// docAnchors returns the anchors that GitHub gives the headings of a document.
func docAnchors(text string) []string {
	var anchors []string
	for _, heading := range docHeading.FindAllStringSubmatch(docFence.ReplaceAllString(text, ""), -1) {
		anchors = append(anchors, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, heading[1]))
	}
	return anchors
}

func TestDocsLinks(t *testing.T) {
	for _, file := range docFiles(t) {
		for _, link := range docLink.FindAllStringSubmatch(docFence.ReplaceAllString(docText(t, file), ""), -1) {
			if strings.Contains(link[1], "://") || strings.HasPrefix(link[1], "mailto:") {
				continue
			}
			name, anchor, _ := strings.Cut(link[1], "#")
			target := file
			if name != "" {
				target = filepath.Join(filepath.Dir(file), filepath.FromSlash(name))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", file, link[1], err)
				continue
			}
			if anchor != "" && !slices.Contains(docAnchors(docText(t, target)), anchor) {
				t.Errorf("%s links to %s, but %s has no such heading", file, link[1], target)
			}
		}
	}
}

// The tables of roles in docs/concepts.md are those that the library writes.
func TestDocsTable(t *testing.T) {
	examples := docText(t, "example_matrix_test.go") + docText(t, "example_team_test.go")
	tables := strings.Split(docText(t, "docs/concepts.md"), "\n| Role |")[1:]
	if len(tables) != 2 {
		t.Fatalf("docs/concepts.md has %d tables of roles", len(tables))
	}
	for _, table := range tables {
		table, _, _ = strings.Cut("| Role |"+table, "\n\n")
		want := "// Output:\n\t// " + strings.ReplaceAll(table, "\n", "\n\t// ") + "\n}"
		if !strings.Contains(examples, want) {
			t.Errorf("a table of docs/concepts.md is not the output of an example:\n%s", table)
		}
	}
}

// docDeclared returns the names that a Go file declares at its top level.
func docDeclared(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, decl := range parsed.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			names = append(names, decl.Name.Name)
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, spec.Name.Name)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

var (
	docRule = regexp.MustCompile(`(?ms)^### ([EAVPTD]\d+) (.*?)(?:^##|\z)`)
	docTest = regexp.MustCompile(`\b(?:Test|Fuzz|Example)[A-Z_]\w*`)
	docCode = regexp.MustCompile("`([^`]+)`")
)

// Every rule of the design is in docs/guarantees.md, with the place where it
// is enforced and a test that shows it; the places and the tests exist.
func TestDocsGuarantees(t *testing.T) {
	text := docText(t, "docs/guarantees.md")
	sections := map[string]string{}
	for rest := text; ; {
		at := docRule.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		sections[rest[at[2]:at[3]]] = rest[at[4]:at[5]]
		rest = rest[at[5]:]
	}

	tests := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && name != ".") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, "_test.go") {
			for _, declared := range docDeclared(t, name) {
				tests[declared] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range docTest.FindAllString(text, -1) {
		if !tests[name] && name != "TestStore" { // which is no test itself
			t.Errorf("docs/guarantees.md names %s, which does not exist", name)
		}
	}

	var rules []string
	for kind, n := range map[string]int{"E": 11, "A": 15, "T": 6, "D": 5, "V": 4, "P": 4} {
		for i := range n {
			rules = append(rules, fmt.Sprint(kind, i+1))
		}
	}
	for _, rule := range rules {
		section, found := sections[rule]
		if !found {
			t.Errorf("docs/guarantees.md has no section on %s", rule)
			continue
		}
		_, enforced, ok1 := strings.Cut(section, "**Enforced in** ")
		enforced, shown, ok2 := strings.Cut(enforced, "**Shown by** ")
		if !ok1 || !ok2 || !docTest.MatchString(shown) {
			t.Errorf("docs/guarantees.md: %s says not where it is enforced, or not what test shows it", rule)
			continue
		}
		var file string
		var declared []string
		for _, code := range docCode.FindAllStringSubmatch(enforced, -1) {
			switch name := code[1]; {
			case strings.HasSuffix(name, ".go"):
				file, declared = name, docDeclared(t, name)
			case !slices.Contains(declared, name):
				t.Errorf("docs/guarantees.md: %s is enforced in %s, which %q does not declare", rule, name, file)
			}
		}
		if file == "" {
			t.Errorf("docs/guarantees.md: %s names no file", rule)
		}
	}
}

// The comment of Authorizer lists what it promotes from Workspace, because
// go doc does not find it there.
func TestDocsAuthorizer(t *testing.T) {
	files, _ := goFiles(t)
	var comment string
	var methods []string
	for _, file := range files {
		if file.test() || file.pkgPath() != modulePath {
			continue
		}
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Recv != nil && types.ExprString(decl.Recv.List[0].Type) == "*Workspace" && decl.Name.IsExported() {
					methods = append(methods, decl.Name.Name)
				}
			case *ast.GenDecl:
				if spec, ok := decl.Specs[0].(*ast.TypeSpec); ok && spec.Name.Name == "Authorizer" {
					comment = decl.Doc.Text()
				}
			}
		}
	}
	if len(methods) == 0 {
		t.Fatal("Workspace has no methods")
	}
	for _, method := range methods {
		if !strings.Contains(comment, "[Workspace."+method+"]") {
			t.Errorf("the comment of Authorizer does not list %s", method)
		}
	}
}
