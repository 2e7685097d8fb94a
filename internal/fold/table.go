package fold

import (
	"cmp"
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed table.txt
var tableText string

// embedded returns the table in table.txt, which says how to read it.
var embedded = sync.OnceValue(func() table { return parseTable(tableText) })

// table has spans in ascending order.
type table struct {
	expansions []span
	classes    []span
}

// span says something about the code points first to last.
type span struct {
	first, last rune
	to          []rune // what first becomes; the last one advances with the code point
	class       int    // canonical combining class
}

// find returns the span that has r in it, or nil.
func find(spans []span, r rune) *span {
	i, found := slices.BinarySearchFunc(spans, r, func(e span, r rune) int {
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
	return &spans[i]
}

// appendExpansion appends what r becomes, which may be nothing.
func (t table) appendExpansion(runes []rune, r rune) []rune {
	if hangulFirst <= r && r <= hangulLast {
		return appendHangul(runes, r)
	}
	e := find(t.expansions, r)
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
func (t table) order(runes []rune) {
	for len(runes) > 0 {
		marks := 0
		for marks < len(runes) && t.class(runes[marks]) != 0 {
			marks++
		}
		slices.SortStableFunc(runes[:marks], func(a, b rune) int { return cmp.Compare(t.class(a), t.class(b)) })
		runes = runes[max(marks, 1):]
	}
}

func (t table) class(r rune) int {
	if e := find(t.classes, r); e != nil {
		return e.class
	}
	return 0
}

// parseTable reads the text of a table. It panics if the text is not one.
func parseTable(text string) table {
	var t table
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

func parseExpansion(fields []string) span {
	e := parseSpan(fields[0])
	for _, field := range fields[1:] {
		e.to = append(e.to, parseCodePoint(field))
	}
	return e
}

func parseClass(fields []string) span {
	e := parseSpan(fields[0])
	class, err := strconv.Atoi(fields[1])
	if err != nil {
		panic("fold: table.txt: " + err.Error())
	}
	e.class = class
	return e
}

// parseSpan reads "41..5A" or "AD".
func parseSpan(field string) span {
	first, last, isRange := strings.Cut(field, "..")
	if !isRange {
		last = first
	}
	return span{first: parseCodePoint(first), last: parseCodePoint(last)}
}

func parseCodePoint(hex string) rune {
	r, err := strconv.ParseUint(hex, 16, 21)
	if err != nil {
		panic("fold: table.txt: " + err.Error())
	}
	return rune(r)
}
