package browsertest_test

import (
	"testing"

	"github.com/areagate/rbac/rbacui/internal/browsertest"
)

// Findings lead to the row that mends them, the two questions have answers, and the
// matrix turns.
func TestReview(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, script bool) {
		company := found(t)
		tab := open(t, company, browsertest.Lena, script)
		tab.Visit("review")
		equal(t, "the button Print", has(tab, "[data-print]"), script)
		tab.Submit(".finding-list a.btn")
		equal(t, "title", text(tab, "h1"), "Data import")

		tab.Visit("review")
		tab.Select("#ask-action", "manage")
		tab.Select("#ask-area", "Deals")
		tab.Submit("#who-can form button")
		says(t, tab, "#who-can .answer", "11 people", "Tomas Vikberg Sales, own")

		tab.Write("#why-person", "Tomas")
		tab.Submit("#why form button")
		says(t, tab, "#why .answer", "Tomas Vikberg")
		tab.Submit(`#matrix a[href*="by=area"]`)
		equal(t, "columns", browsertest.Evaluate[int](tab, `document.querySelectorAll('.matrix tbody tr').length`) > 0, true)
		equal(t, "export", browsertest.Evaluate[int](tab, `(() => { const r = new XMLHttpRequest(); r.open('GET', 'review.csv', false); r.send(); return r.status })()`), 200)
	})
}

// The record is verified when it is asked for; an event shows before and after, and
// leads to what was before it.
func TestAudit(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, script bool) {
		company := found(t)
		tab := open(t, company, browsertest.Lena, script)
		tab.Visit("audit")
		says(t, tab, ".callout", "has not been checked")
		tab.Submit("button[value=verify]")
		says(t, tab, ".callout", "The record is whole.")
		tab.Select("#kind", "Role changed")
		tab.Submit(".filters button")
		equal(t, "events", browsertest.Evaluate[int](tab, `document.querySelectorAll('.event').length`), 1)
		tab.Click(".event summary")
		says(t, tab, ".event-body", "Leads a sales team.", "Leads a regional sales team.")
		sound(t, tab, script)
		tab.Submit(".event-body a.btn")
		equal(t, "description", browsertest.Evaluate[string](tab, `document.querySelector('#desc').value`), "Leads a sales team.")
		says(t, tab, "[data-save-text]", "1 change not saved")
	})
}
