package browsertest_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/areagate/rbac/rbacui/internal/browsertest"
)

// Paper has what is evidence, in light colours, and nothing to click on. It lies across
// where it has the matrix.
func TestPrint(t *testing.T) {
	t.Parallel()
	company := found(t)
	tab := open(t, company, browsertest.Lena, true)
	tab.Visit("audit")
	tab.Submit("button[value=verify]")
	const hash = `[0-9a-f]{64}`
	for _, p := range []struct {
		name, segment string
		query         []string
		evidence      []string // patterns of what is read
		left          []string // texts of the page that are not
	}{
		{"review", "review", query("action", "manage", "area", "deals", "person", "Tomas"), []string{
			`Access review, exported by Lena Ahlgrund on \d+ \w+ \d{4} at \d\d:\d\d. Revision 49, hash ` + hash + `. The record of changes was whole on`,
			"Findings 7", "11 people", "Tomas Vikberg", "Every role, every area", "Warranty claims", "Reviewed by Date Signature"}, []string{"Areas as rows"}},
		{"review, nothing asked", "review", nil, []string{"Findings 7"}, []string{"Who can…", "Can this person do it, and why?"}},
		{"role, just saved", "role", query("id", "Sales lead", "done", "Sales lead"), []string{"Sales lead", "Last changed .* by Lena Ahlgrund", "In plain words Reads all contacts", "May assign"}, []string{"See the event", "If you save", "Your own role does not manage Audit, so you cannot give that away.", "Only an administrator adds roles here."}},
		{"member", "member", query("user", browsertest.Tomas), []string{"Tomas Vikberg", "held since .* and given by Mara Lindhagen", "Warranty claims", "admitted Tomas Vikberg as Sales"}, []string{"Restore what was before", "Why, or why not?", "Change the role"}},
		{"members", "members", query("role", "Sales"), []string{"Tomas Vikberg", "Suspended", "4 of 4"}, nil},
		{"everybody", "members", nil, []string{"Mara Lindhagen", "Piotr Zawalski"}, []string{"Role for Piotr Zawalski", "This is you."}},
		{"audit", "audit", query("kind", "role.updated"), []string{"The record is whole. 49 events form one chain", "Only: Role changed.", "Leads a sales team. Leads a regional sales team.", "Hash " + hash, "Events 49 to 49"}, []string{"Clear the filter", "Restore the state before", "Opens the role with these choices."}},
	} {
		t.Run(p.name, func(t *testing.T) {
			tab.Fail = func(err error) { t.Helper(); t.Fatal(err) }
			tab.Width(1280)
			equal(t, "status", tab.Visit(p.segment, p.query...), 200)
			all := browsertest.Evaluate[string](tab, "document.body.textContent")
			size := "612 792"
			if p.segment == "review" {
				size = "792 612" // across, as the matrix is wide
			}
			equal(t, "sheets", strings.Join(slices.Compact(tab.Sheets()), ", "), size)
			read := paper(t, tab)
			for _, evidence := range p.evidence {
				if !regexp.MustCompile(evidence).MatchString(read) {
					t.Errorf("the paper lacks %q: %s", evidence, read)
				}
			}
			for _, text := range p.left {
				if !strings.Contains(all, text) || strings.Contains(read, text) {
					t.Errorf("the page has no %q, or the paper has it: %s", text, read)
				}
			}
		})
	}
}

// paper checks that a page has nothing to click on and no empty box when it is printed,
// is light, and loses nothing at the edge. It returns what is read there.
func paper(t *testing.T, tab *browsertest.Tab) string {
	t.Helper()
	tab.Paper()
	defer tab.Screen()
	for _, left := range browsertest.Evaluate[[]string](tab, `[...document.querySelectorAll('nav, button, select, .btn, .demo, .skip, .filters, .savebar, .bulkbar, .toast, input[type=search], input[type=date], input[type=checkbox]:not(:checked), .pick')]
		.filter(e => e.checkVisibility() && !e.closest('.vh')).map(e => e.outerHTML.slice(0, 120))`) {
		t.Errorf("printed: %s", left)
	}
	equal(t, "ink", browsertest.Evaluate[string](tab, "getComputedStyle(document.querySelector('main h1')).color"), "rgb(23, 27, 34)")
	equal(t, "paper", browsertest.Evaluate[string](tab, "getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)")
	if has(tab, ".matrix") {
		tab.Width(1016) // it is printed across
	}
	for _, wide := range browsertest.Evaluate[[]string](tab, `[...document.querySelectorAll('main *')].filter(e => e.checkVisibility() && !e.closest('.vh, svg') && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 120))`) {
		t.Errorf("cut off: %s", wide)
	}
	squeezed(t, tab)
	equal(t, "what is cut off by itself", browsertest.Evaluate[int](tab, fmt.Sprintf("[...document.querySelectorAll(%q)].filter(e => getComputedStyle(e).overflowX !== 'visible').length", ".scroll, .card")), 0)
	return text(tab, "body")
}
