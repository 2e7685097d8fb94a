package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// TestCommittedFiles fails when the committed files are not what foldgen
// writes. With a Go that has another version of Unicode there is nothing to
// compare, and whether to move on to it is a decision: see fold.Name.
func TestCommittedFiles(t *testing.T) {
	for path, generate := range files {
		t.Run(path, func(t *testing.T) {
			committed, err := os.ReadFile(filepath.Join("../fold", path))
			if err != nil {
				t.Fatal(err)
			}
			version := committedVersion(t, committed)
			if version != norm.Version {
				t.Skipf("the file has Unicode %s, this Go has Unicode %s", version, norm.Version)
			}
			if !bytes.Equal(committed, generate()) {
				t.Errorf("%s is not what foldgen writes; run go generate ./internal/fold", path)
			}
		})
	}
}

// committedVersion returns the version of Unicode in the header of a file.
func committedVersion(t *testing.T, file []byte) string {
	t.Helper()
	for line := range strings.Lines(string(file)) {
		if version, ok := strings.CutPrefix(line, "# Unicode "); ok {
			return strings.TrimSpace(version)
		}
	}
	t.Fatal("the file does not say which version of Unicode it has")
	return ""
}

// TestFilesSayTheSameVersion keeps the comment of fold.Name true.
func TestFilesSayTheSameVersion(t *testing.T) {
	var versions []string
	for path := range files {
		committed, err := os.ReadFile(filepath.Join("../fold", path))
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, committedVersion(t, committed))
	}
	if versions[0] != versions[1] {
		t.Errorf("the files have different versions of Unicode: %q", versions)
	}
	source, err := os.ReadFile("../fold/fold.go")
	if err != nil {
		t.Fatal(err)
	}
	if want := "Unicode " + versions[0]; !strings.Contains(string(source), want) {
		t.Errorf("fold.go does not say %q", want)
	}
}

// TestEveryCodePoint checks against each other the ways to fold a code point.
func TestEveryCodePoint(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		s := string(r)
		got := expansion(r)

		if again := expand(got); again != got {
			t.Errorf("%U: the expansion %+q becomes %+q: fold.Name would not be idempotent", r, got, again)
		}
		// D146, with what is ignorable left out.
		want := visibleNFKD(fold(visibleNFKD(fold(norm.NFD.String(s)))))
		if folded := visibleNFKD(strings.ReplaceAll(got, iotaSubscript, "ι")); folded != want {
			t.Errorf("%U: the expansion is %+q, D146 has %+q", r, folded, want)
		}
		if other := unicode.SimpleFold(r); s != iotaSubscript && string(other) != iotaSubscript && expansion(other) != got {
			t.Errorf("%U and %U are two cases of a letter: the expansions are %+q and %+q", r, other, got, expansion(other))
		}
		isMark := norm.NFD.PropertiesString(s).CCC() != 0
		if isMark && s != iotaSubscript && fold(s) != s {
			t.Errorf("%U is a mark that folds: fold.go treats only U+0345", r)
		}
	}
}

// expand returns the expansions of the code points of s.
func expand(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(expansion(r))
	}
	return b.String()
}
