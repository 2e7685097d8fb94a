package oracle

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Input (A10, A15, E6).

func (t *oracleTrial) wellFormed() bool {
	op := t.op
	reason := op.recorded()
	if (op.system || reason != "") && (strings.TrimSpace(reason) == "" || !oracleGoodText(reason, 500)) || !oracleGoodText(op.via, 200) {
		return false
	}
	for _, user := range op.users {
		if !oracleGoodID(user) {
			return false
		}
	}
	switch op.do {
	case "create", "ensure":
		return op.role == "" && op.version == 0 && t.goodRole()
	case "update":
		return oracleGoodID(op.role) && op.perms != nil && t.goodRole()
	case "add":
		return oracleGoodID(op.role) && len(op.users) > 0
	case "delete", "assign":
		return oracleGoodID(op.role)
	case "replace":
		return oracleGoodID(op.role) && oracleGoodID(op.with)
	case "team":
		return t.teams && (op.team == "" || oracleGoodID(op.team))
	}
	return true
}

func (t *oracleTrial) goodRole() bool {
	for area, a := range t.op.perms {
		if a != (oracleAccess{t.counts(area, 1, a.read), t.counts(area, 2, a.manage)}) || a.read > 3 || a.manage > 3 {
			return false
		}
		if _, known := t.areas[area]; !known && t.op.do != "update" {
			return false
		}
	}
	for _, key := range t.op.assigns {
		if !oracleGoodID(key) {
			return false
		}
	}
	return len(oracleSet(t.op.assigns)) <= 100 && oracleGoodName(t.op.name) && oracleGoodText(t.op.description, 500)
}

// oracleGoodName reports whether a name is one, and something in it shows.
func oracleGoodName(name string) bool {
	shows := strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsSpace(r) && !unicode.In(r, unicode.M, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point)
	})
	blank := strings.ContainsFunc(name, func(r rune) bool {
		return unicode.Is(unicode.Noncharacter_Code_Point, r) || strings.ContainsRune("\u2800\U0001d159", r)
	})
	return shows && !blank && oracleGoodText(name, 80)
}

func oracleGoodID(id string) bool {
	return strings.TrimSpace(id) != "" && len(id) <= 255 && oracleGoodText(id, 255)
}

// oracleGoodText reports whether a text is valid, not too long, and free of
// what controls its reader: control characters, line separators, reordering.
func oracleGoodText(text string, most int) bool {
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > most {
		return false
	}
	for _, r := range text {
		if unicode.IsControl(r) || strings.ContainsRune("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", r) {
			return false
		}
	}
	return true
}

// oracleSameNames are names that are not ASCII and the same as another. The
// oracle knows no more of Unicode than this: give it no other.
var oracleSameNames = map[string]string{
	"Se\u0301lection":                     "sélection",
	"S\u00c9LECTION":                      "sélection",
	"s\u00e9lection":                      "sélection",
	"Straße":                              "strasse",
	"\u3000Sales\u00a0team":               "sales team",
	"\uff33\uff41\uff4c\uff45\uff53 team": "sales team",
	"Sales\u00ad team":                    "sales team",
	"\uff21dministrator":                  "administrator",
	"Admin\u200bistrator":                 "administrator",
	"\u0405ales team":                     "a Cyrillic letter that looks like S",
	"營業":                                  "營業",
	strings.Repeat("é", 80):               strings.Repeat("é", 80),
	strings.Repeat("É", 80):               strings.Repeat("é", 80),
	strings.Repeat("e\u0301", 40):         strings.Repeat("é", 40),
}

// oracleFold returns what equal names have in common.
func oracleFold(name string) string {
	if same, ok := oracleSameNames[name]; ok {
		return same
	}
	return strings.ToLower(strings.Join(strings.Fields(name), " "))
}

// oracleSet returns users once each, in order.
func oracleSet(users []string) []string {
	set := map[string]bool{}
	for _, user := range users {
		set[user] = true
	}
	return slices.Sorted(maps.Keys(set))
}
