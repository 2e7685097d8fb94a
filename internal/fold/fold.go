// Package fold tells which names are the same, however they are written: in
// case, in composition and in what does not show.
package fold

import (
	"strings"
	"unicode/utf8"
)

//go:generate env GOWORK=off go -C ../foldgen run .

// Name returns the key of a name: names with the same key are the same name.
// The key is for comparing, not for showing.
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
func Name(name string) string {
	if isASCII(name) {
		return joinWords(strings.ToLower(name))
	}
	t := embedded()
	runes := make([]rune, 0, len(name))
	for _, r := range name {
		runes = t.appendExpansion(runes, r)
	}
	t.order(runes)

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
