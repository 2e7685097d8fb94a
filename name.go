package rbac

import (
	"cmp"
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:generate go -C internal/foldgen run .

// foldName returns the key of a role name: names with the same key are the
// same name. The key is for comparing, not for showing.
//
// Names are the same when they are a compatibility caseless match (Unicode
// Standard, section 3.13, D146) without the code points that need not show:
// format characters (Cf), variation selectors, and the others of
// Other_Default_Ignorable_Code_Point. White space around a name does not count,
// and a run of it within a name counts as one space. So "É" is the same as "e"
// with U+0301, "Straße" as "STRASSE", and a full-width "Ａ" as "a". Letters of
// different scripts stay different, however alike they look, as do "İ", "ı" and
// "i": there are no rules for languages.
//
// The key is in normalisation form NFKD (UAX #15) and is its own key. The key
// of a name that has nothing visible in it is empty. Every byte that is not
// UTF-8 counts as U+FFFD.
//
// The data is that of Unicode 15.0.0, whatever version Go has. Another version
// can change the keys of names with code points that 15.0.0 does not assign, so
// it is a migration wherever keys are stored.
func foldName(name string) string {
	if isASCII(name) {
		return joinWords(strings.ToLower(name))
	}
	table := nameFolding()
	runes := make([]rune, 0, len(name))
	for _, r := range name {
		runes = table.appendExpansion(runes, r)
	}
	table.order(runes)

	// The iota subscript, alone among combining marks, folds to a letter. To
	// fold it with the rest would be simpler and wrong: marks that stand behind
	// it could no longer move ahead of it.
	for i, r := range runes {
		if r == '\u0345' {
			runes[i] = 'ι'
		}
	}
	return joinWords(string(runes))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// joinWords trims white space and makes each run of it one space.
func joinWords(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

//go:embed name_fold.txt
var nameFoldText string

// nameFolding returns the table in name_fold.txt, which says how to read it.
var nameFolding = sync.OnceValue(func() foldTable { return parseFoldTable(nameFoldText) })

// foldTable has ranges in ascending order.
type foldTable struct {
	expansions []foldRange
	classes    []foldRange
}

// foldRange says something about the code points first to last.
type foldRange struct {
	first, last rune
	to          []rune // what first becomes; the last one advances with the code point
	class       int    // canonical combining class
}

// findRange returns the range that has r in it, or nil.
func findRange(ranges []foldRange, r rune) *foldRange {
	i, found := slices.BinarySearchFunc(ranges, r, func(e foldRange, r rune) int {
		switch {
		case e.last < r:
			return -1
		case e.first > r:
			return 1
		}
		return 0
	})
	if !found {
		return nil
	}
	return &ranges[i]
}

// appendExpansion appends what r becomes, which may be nothing.
func (t foldTable) appendExpansion(runes []rune, r rune) []rune {
	if hangulFirst <= r && r <= hangulLast {
		return appendHangul(runes, r)
	}
	e := findRange(t.expansions, r)
	if e == nil {
		return append(runes, r)
	}
	runes = append(runes, e.to...)
	if len(e.to) > 0 {
		runes[len(runes)-1] += r - e.first
	}
	return runes
}

const hangulFirst, hangulLast = 0xAC00, 0xD7A3

// appendHangul appends the letters of a syllable (Unicode Standard, section 3.12).
func appendHangul(runes []rune, syllable rune) []rune {
	const (
		leads, vowels, trails  = 0x1100, 0x1161, 0x11A7 // no trail is trail 0
		vowelCount, trailCount = 21, 28
	)
	i := syllable - hangulFirst
	runes = append(runes, leads+i/(vowelCount*trailCount), vowels+i/trailCount%vowelCount)
	if trail := i % trailCount; trail != 0 {
		runes = append(runes, trails+trail)
	}
	return runes
}

// order sorts each run of combining marks by class (Unicode Standard, section
// 3.11). Marks of the same class keep their order: it shows.
func (t foldTable) order(runes []rune) {
	for len(runes) > 0 {
		marks := 0
		for marks < len(runes) && t.class(runes[marks]) != 0 {
			marks++
		}
		slices.SortStableFunc(runes[:marks], func(a, b rune) int { return cmp.Compare(t.class(a), t.class(b)) })
		runes = runes[max(marks, 1):]
	}
}

func (t foldTable) class(r rune) int {
	if e := findRange(t.classes, r); e != nil {
		return e.class
	}
	return 0
}

// parseFoldTable reads the text of a table. It panics if the text is not one.
func parseFoldTable(text string) foldTable {
	var t foldTable
	section := ""
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "#":
		case fields[0][0] == '[':
			section = fields[0]
		case section == "[expansions]":
			t.expansions = append(t.expansions, parseExpansion(fields))
		case section == "[classes]":
			t.classes = append(t.classes, parseClass(fields))
		}
	}
	return t
}

func parseExpansion(fields []string) foldRange {
	e := parseRange(fields[0])
	for _, field := range fields[1:] {
		e.to = append(e.to, parseCodePoint(field))
	}
	return e
}

func parseClass(fields []string) foldRange {
	e := parseRange(fields[0])
	class, err := strconv.Atoi(fields[1])
	if err != nil {
		panic("rbac: name_fold.txt: " + err.Error())
	}
	e.class = class
	return e
}

// parseRange reads "41..5A" or "AD".
func parseRange(field string) foldRange {
	first, last, isRange := strings.Cut(field, "..")
	if !isRange {
		last = first
	}
	return foldRange{first: parseCodePoint(first), last: parseCodePoint(last)}
}

func parseCodePoint(hex string) rune {
	r, err := strconv.ParseUint(hex, 16, 21)
	if err != nil {
		panic("rbac: name_fold.txt: " + err.Error())
	}
	return rune(r)
}
