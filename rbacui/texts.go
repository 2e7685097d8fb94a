package rbacui

import (
	_ "embed"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"
)

//go:embed texts.txt
var allTexts string

// Texts returns every text of the pages, in English and in byte order: the keys of
// [WithTexts]. Each %s is a place for a name, a number or a part of the sentence.
func Texts() []string {
	return strings.Split(strings.TrimSuffix(allTexts, "\n"), "\n")
}

// translator says the texts in the language of the pages.
type translator map[string]string

var verb = regexp.MustCompile(`%(\[\d\])?s`)

// newTranslator panics for a text that has other places than the one it is for:
// something would not be said.
func newTranslator(texts map[string]string) translator {
	known := map[string]bool{}
	for _, text := range Texts() {
		known[text] = true
	}
	for text, translated := range texts {
		switch {
		case !known[text]:
			panic(fmt.Sprintf("rbacui: WithTexts: %q is no text of these pages", text))
		case !slices.Equal(places(text), places(translated)) || strings.Contains(verb.ReplaceAllString(translated, ""), "%"):
			panic(fmt.Sprintf("rbacui: WithTexts: %q has other places than %q", translated, text))
		}
	}
	return texts
}

// places are the arguments that a text says, in their order, each as often as it does.
func places(text string) []int {
	var said []int
	next := 1
	for _, found := range verb.FindAllStringSubmatch(text, -1) {
		if found[1] != "" {
			next = int(found[1][1] - '0')
		}
		said = append(said, next)
		next++
	}
	slices.Sort(said)
	return said
}

func (tr translator) of(text string) string {
	if translated, ok := tr[text]; ok {
		return translated
	}
	return text
}

// t says a text, with what stands in its places.
func (tr translator) t(text string, args ...any) string {
	if len(args) == 0 {
		return tr.of(text)
	}
	return fmt.Sprintf(tr.of(text), texts(args)...)
}

// texts turns numbers into text, so that every place is a %s.
func texts(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		out[i] = word(arg)
	}
	return out
}

// word is fmt.Sprint, which most arguments need not.
func word(arg any) string {
	if s, ok := arg.(string); ok {
		return s
	}
	return fmt.Sprint(arg)
}

// th is t as HTML: what is no [template.HTML] is escaped.
func (tr translator) th(text string, args ...any) template.HTML {
	out := make([]any, len(args))
	for i, arg := range args {
		if html, ok := arg.(template.HTML); ok {
			out[i] = string(html)
		} else {
			out[i] = template.HTMLEscapeString(word(arg))
		}
	}
	escaped := template.HTMLEscapeString(tr.of(text))
	if len(out) == 0 {
		return template.HTML(escaped)
	}
	return template.HTML(fmt.Sprintf(escaped, out...))
}

// n says how many: one of two texts, of which the second has a place for the
// number.
func (tr translator) n(count int, one, many string) string {
	if count == 1 {
		return tr.t(one)
	}
	return tr.t(many, count)
}

// people says how many people.
func (tr translator) countPeople(count int) string {
	if count == 0 {
		return tr.t("nobody")
	}
	return tr.n(count, "1 person", "%s people")
}

// list joins words: "a, b and c".
func (tr translator) list(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	last := len(words) - 1
	return tr.t("%s and %s", tr.join("%s, %s", words[:last]), words[last])
}

// join joins words by a text for two of them.
func (tr translator) join(two string, words []string) string {
	joined := ""
	for i, word := range words {
		if i == 0 {
			joined = word
		} else {
			joined = tr.t(two, joined, word)
		}
	}
	return joined
}

// listHTML is list for words that are HTML.
func (tr translator) listHTML(words []template.HTML) template.HTML {
	var joined template.HTML
	for i, word := range words {
		switch i {
		case 0:
			joined = word
		case len(words) - 1:
			joined = tr.th("%s and %s", joined, word)
		default:
			joined = tr.th("%s, %s", joined, word)
		}
	}
	return joined
}

// some is listHTML that names at most so many, and says how many there are beside.
func (tr translator) some(words []template.HTML, most int) template.HTML {
	if more := len(words) - most; more > 1 {
		words = append(words[:most:most], tr.th("%s more", more))
	}
	return tr.listHTML(words)
}

// muted is what there is to say where there is nothing to show.
func muted(text string) template.HTML {
	return template.HTML(`<span class="muted">` + template.HTMLEscapeString(text) + `</span>`)
}

// bdi shows a name from outside, whatever its direction of writing is.
func bdi(name string) template.HTML {
	return template.HTML("<bdi>" + template.HTMLEscapeString(visible(name)) + "</bdi>")
}

// visible returns a name without what does not show or turns the direction of the
// text around it: a directory may hold anything.
func visible(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r >= 0x7f && r <= 0x9f || r == '\u2028' || r == '\u2029':
			return ' '
		case r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u200e' || r == '\u200f' || r == '\u061c':
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "\ufffd"))
}
