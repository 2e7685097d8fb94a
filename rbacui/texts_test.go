package rbacui_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac/rbacui"
)

var update = flag.Bool("update", false, "write texts.txt")

// texts.txt has every text of the pages, and no other.
func TestTexts(t *testing.T) {
	found := map[string]bool{}
	inGo(t, found)
	inTemplates(t, found)
	var want []string
	for text := range found {
		require.NotContains(t, text, "\n")
		want = append(want, text)
	}
	slices.Sort(want)
	if *update {
		require.NoError(t, os.WriteFile("texts.txt", []byte(strings.Join(want, "\n")+"\n"), 0o644))
		return
	}
	require.Equal(t, want, rbacui.Texts(), "run go test -run TestTexts$ -update")
}

// literals are the arguments of a function that are texts.
var literals = map[string][]int{"t": {0}, "th": {0}, "n": {1, 2}, "join": {0}}

func inGo(t *testing.T, found map[string]bool) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || literals[method.Sel.Name] == nil {
				return true
			}
			for _, i := range literals[method.Sel.Name] {
				if literal, ok := call.Args[i].(*ast.BasicLit); ok {
					text, err := strconv.Unquote(literal.Value)
					require.NoError(t, err)
					found[text] = true
				} else {
					variable(t, name, call.Args[i], found)
				}
			}
			return true
		})
	}
}

// variable allows what texts.go hands on, and the labels of the navigation, which
// are texts themselves.
func variable(t *testing.T, file string, arg ast.Expr, found map[string]bool) {
	if s, ok := arg.(*ast.SelectorExpr); ok && s.Sel.Name == "nav" {
		for _, label := range []string{"Roles", "Members", "Review", "Audit"} {
			found[label] = true
		}
		return
	}
	require.Equal(t, "texts.go", file, "a text that is no literal")
}

func inTemplates(t *testing.T, found map[string]bool) {
	files, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	for _, name := range files {
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		tree := parse.New(name)
		tree.Mode = parse.SkipFuncCheck
		trees := map[string]*parse.Tree{}
		_, err = tree.Parse(string(content), "", "", trees)
		require.NoError(t, err)
		for _, tree := range trees {
			walk(tree.Root, found)
		}
	}
}

func walk(n parse.Node, found map[string]bool) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, child := range n.Nodes {
				walk(child, found)
			}
		}
	case *parse.ActionNode:
		walk(n.Pipe, found)
	case *parse.TemplateNode:
		walk(n.Pipe, found)
	case *parse.IfNode:
		walk(n.Pipe, found)
		walk(n.List, found)
		walk(n.ElseList, found)
	case *parse.RangeNode:
		walk(n.Pipe, found)
		walk(n.List, found)
		walk(n.ElseList, found)
	case *parse.WithNode:
		walk(n.Pipe, found)
		walk(n.List, found)
		walk(n.ElseList, found)
	case *parse.PipeNode:
		if n != nil {
			for _, cmd := range n.Cmds {
				walk(cmd, found)
			}
		}
	case *parse.CommandNode:
		if name, ok := n.Args[0].(*parse.IdentifierNode); ok {
			for _, i := range literals[name.Ident] {
				if text, ok := n.Args[i+1].(*parse.StringNode); ok {
					found[text.Text] = true
				}
			}
		}
		for _, arg := range n.Args {
			walk(arg, found)
		}
	}
}
