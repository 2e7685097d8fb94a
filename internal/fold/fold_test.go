package fold_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/areagate/rbac/internal/fold"
)

// TestNameGolden checks the keys against those of golang.org/x/text, which
// internal/foldgen writes down.
func TestNameGolden(t *testing.T) {
	t.Parallel()
	pairs := 0
	for number, line := range goldenLines(t) {
		name, want := parseGolden(t, number, line)
		if got := fold.Name(name); got != want {
			t.Errorf("line %d: Name(%+q) = %+q, want %+q", number, name, got, want)
		}
		if got := fold.Name(want); got != want {
			t.Errorf("line %d: Name(%+q) = %+q, want it unchanged", number, want, got)
		}
		pairs++
	}
	if pairs < 3000 {
		t.Errorf("the golden file has %d pairs, want some thousands", pairs)
	}
}

// goldenLines returns the lines of the golden file that have a pair, by number.
func goldenLines(t *testing.T) map[int]string {
	t.Helper()
	text, err := os.ReadFile("testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[int]string{}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' {
			lines[i+1] = line
		}
	}
	return lines
}

// parseGolden reads a line of two Go strings.
func parseGolden(t *testing.T, number int, line string) (name, key string) {
	t.Helper()
	quoted, err := strconv.QuotedPrefix(line)
	if err != nil {
		t.Fatalf("line %d: %v", number, err)
	}
	name, err = strconv.Unquote(quoted)
	if err != nil {
		t.Fatalf("line %d: %v", number, err)
	}
	key, err = strconv.Unquote(strings.TrimSpace(line[len(quoted):]))
	if err != nil {
		t.Fatalf("line %d: %v", number, err)
	}
	return name, key
}

func TestNameSame(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		why  string
		a, b string
		same bool
	}{
		{"case", "Sales lead", "SALES LEAD", true},
		{"another word", "Sales lead", "Sales leads", false},
		{"white space around", "\t Sales lead\n", "Sales lead", true},
		{"white space within is one space", "Sales \u00a0 \u3000lead", "Sales lead", true},
		{"a space is not nothing", "Sales lead", "Saleslead", false},
		{"invisible code points", "Sal\u200bes\u00ad lead\ufeff", "Sales lead", true},
		{"invisible code points between spaces", "Sales \u200d lead", "Sales lead", true},
		{"composed and decomposed", "Caf\u00e9", "CAFE\u0301", true},
		{"an accent is not nothing", "Caf\u00e9", "Cafe", false},
		{"marks in another order", "q\u0307\u0323", "q\u0323\u0307", true},
		{"marks of one class in another order", "q\u0307\u0308", "q\u0308\u0307", false},
		{"an invisible code point between marks", "q\u0307\u034f\u0323", "q\u0323\u0307", true},
		{"a mark after the iota subscript", "\u03b1\u0345\u0301", "\u1fb4", true},
		{"the iota subscript is a letter in upper case", "\u1fb3", "ΑΙ", true},
		{"a letter that folds to two", "Straße", "STRASSE", true},
		{"a letter that folds to two, in upper case", "STRAẞE", "strasse", true},
		{"final sigma", "ΟΔΟΣ", "οδος", true},
		{"ligature", "ﬁnance", "Finance", true},
		{"full width", "Ａｄｍｉｎ", "admin", true},
		{"Roman numeral", "Phase Ⅳ", "phase iv", true},
		{"Hangul", "\ud55c\uae00", "\u1112\u1161\u11ab\u1100\u1173\u11af", true},
		{"Hangul with and without a trail", "\uac00", "\uac01", false},
		{"Cherokee, which folds to upper case", "\uab70\u13f8", "\u13a0\u13f0", true},
		{"emoji with and without a joiner", "\U0001f469\u200d\U0001f4bb", "\U0001f469\U0001f4bb", true},
		{"emoji of two skins", "\U0001f44d\U0001f3fd", "\U0001f44d\U0001f3fb", false},
		{"Latin and Cyrillic", "admin", "\u0430dmin", false},
		{"I with a dot, outside Turkish", "\u0130", "i", false},
		{"i without a dot, outside Turkish", "\u0131", "I", false},
		{"bytes that are not UTF-8", "a\xff", "A\ufffd", true},
		{
			"marks of one class keep their order, more than x/text treats",
			"a" + strings.Repeat("\u0307\u0323\u0308", 50),
			"A" + strings.Repeat("\u0323", 50) + strings.Repeat("\u0307\u0308", 50), true,
		},
	} {
		t.Run(test.why, func(t *testing.T) {
			t.Parallel()
			a, b := fold.Name(test.a), fold.Name(test.b)
			if (a == b) != test.same {
				t.Errorf("Name(%+q) = %+q, Name(%+q) = %+q; want the same: %t", test.a, a, test.b, b, test.same)
			}
		})
	}
}

func FuzzName(f *testing.F) {
	for _, seed := range []string{
		"", " ", "Sales  lead", "\tSALES\u00a0lead ", "Straße", "\u00c9 e\u0301 \u00b4", "q\u0307\u034f\u0323",
		"\u03b1\u0345\u0301 \u1f82 \u037a", "ﬁ Ⅳ ﷺ İ ı ς", "\ud55c\uae00 \u1112\u1161\u11ab", "\uab70\u13a0",
		"\U0001f469\u200d\U0001f4bb\ufe0f", "\xff\xc3a\xed\xa0\x80", "\U0010ffff\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		key := fold.Name(name)
		if again := fold.Name(key); again != key {
			t.Errorf("Name(%+q) = %+q, whose key is %+q", name, key, again)
		}
		if !utf8.ValidString(key) {
			t.Errorf("Name(%+q) = %+q, want valid UTF-8", name, key)
		}
		if key != strings.Join(strings.Fields(key), " ") {
			t.Errorf("Name(%+q) = %+q, want single spaces, within only", name, key)
		}
		if upper := fold.Name(mapASCII(name, 'a', 'z', 'A')); upper != key {
			t.Errorf("Name(%+q) = %+q, in upper case %+q", name, key, upper)
		}
		if lower := fold.Name(mapASCII(name, 'A', 'Z', 'a')); lower != key {
			t.Errorf("Name(%+q) = %+q, in lower case %+q", name, key, lower)
		}
		if spaced := fold.Name(" \u3000" + name + "\n"); spaced != key {
			t.Errorf("Name(%+q) = %+q, with space around it %+q", name, key, spaced)
		}
	})
}

// mapASCII moves the letters from first to last to the alphabet that begins
// with to. It leaves all other bytes alone, those that are not UTF-8 included.
func mapASCII(s string, first, last, to byte) string {
	mapped := []byte(s)
	for i, c := range mapped {
		if first <= c && c <= last {
			mapped[i] = c - first + to
		}
	}
	return string(mapped)
}

func BenchmarkName(b *testing.B) {
	for _, bench := range []struct{ what, name string }{
		{"ASCII", "Regional Sales Lead"},
		{"Latin", "Leitung Straßenverkäufe É"},
		{"Hangul", "\uc601\uc5c5 \ud300\uc7a5"},
	} {
		b.Run(bench.what, func(b *testing.B) {
			for b.Loop() {
				fold.Name(bench.name)
			}
		})
	}
}
