package rbachttp_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var fencedGo = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// flat returns a text without the indentation of its lines.
func flat(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimLeft(line, " \t"))
	}
	return "\n" + b.String()
}

// The Go in docs/http.md is that of the examples, which compile and run, and
// what it says they print is their output.
func TestDocs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("example*_test.go")
	require.NoError(t, err)
	var examples string
	for _, file := range files {
		examples += flat(readText(t, file))
	}
	doc := readText(t, "../docs/http.md")
	blocks := fencedGo.FindAllStringSubmatch(doc, -1)
	require.Greater(t, len(blocks), 10)
	for _, block := range blocks {
		require.Contains(t, examples, flat(block[1]), "no example has this block of docs/http.md")
	}

	outputs := strings.ReplaceAll(examples, "\n// ", "\n")
	for _, from := range []string{"\n    Method  Path", "\n| Method | Path |", "\n{\"user\":"} {
		_, table, found := strings.Cut(doc, from)
		require.True(t, found, from)
		table, _, _ = strings.Cut(from[1:]+table, "\n\n")
		table, _, _ = strings.Cut(table, "\n```")
		require.Contains(t, outputs, strings.TrimPrefix(flat(table), "\n"), "no example prints this")
	}
}

// docs/http.md has every code that an answer can have, and every name that
// the package exports but for methods and fields.
func TestDocsAreComplete(t *testing.T) {
	t.Parallel()
	doc := readText(t, "../docs/http.md")
	codes := regexp.MustCompile(`Code: "([a-z-]+)"`)
	for _, file := range []string{"problem.go", "error.go"} {
		for _, code := range codes.FindAllStringSubmatch(readText(t, file), -1) {
			require.Contains(t, doc, "`"+code[1]+"`", file)
		}
	}
	exported := regexp.MustCompile(`(?m)^func ([A-Z]\w*)\(`)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, name := range exported.FindAllStringSubmatch(readText(t, file), -1) {
			require.Regexp(t, `\b`+name[1]+`\b`, doc, file)
		}
	}
}
