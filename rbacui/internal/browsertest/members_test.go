package browsertest_test

import (
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/areagate/rbac/rbacui/internal/browsertest"
)

// Several members change with one plan.
func TestBulkChange(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, script bool) {
		company := found(t)
		tab := open(t, company, browsertest.Lena, script)
		tab.Visit("members", "role", "Sales")
		equal(t, "rows", browsertest.Evaluate[int](tab, `document.querySelectorAll('.pick[name]').length`), 4)
		tab.Click(`.pick[value="tomas.vikberg"]`)
		tab.Click(`.pick[value="aino.kallasto"]`)
		if script {
			says(t, tab, "[data-bulk-count]", "2 people selected")
			tab.Click("[data-select-all]")
			says(t, tab, "[data-bulk-count]", "4 people selected")
			tab.Click("[data-select-all]")
			says(t, tab, "[data-bulk-count]", "Nobody selected")
			equal(t, "off", browsertest.Evaluate[bool](tab, `document.querySelector('.bulkbar [value=assign]').disabled`), true)
			tab.Click(`.pick[value="tomas.vikberg"]`)
			tab.Click(`.pick[value="aino.kallasto"]`)
		}
		tab.Select("#bulk-role", "Support")
		equal(t, "plan", tab.Submit(".bulkbar [value=assign]"), 200)
		equal(t, "title", text(tab, "h1"), "Give 2 people a new role?")
		says(t, tab, "#plan", "2 people, from Sales to Support", "Warranty claims: manage")
		sound(t, tab, script)
		holds(t, company, browsertest.Tomas, "Sales")
		tab.Select("#role", "Intern")
		if script {
			tab.Wait(`document.querySelector('#plan').textContent.includes('from Sales to Intern')`)
		} else {
			tab.Submit("button[value=plan]:not(.vh)")
		}
		says(t, tab, "#plan", "2 people, from Sales to Intern")
		equal(t, "save", tab.Submit("#plan [value=save]"), 200)
		says(t, tab, ".toast", "And 1 person more with it.")
		holds(t, company, browsertest.Tomas, "Intern")
		holds(t, company, "aino.kallasto", "Intern")
	})
}

// The bulk change needs no mouse.
func TestKeyboardBulkChange(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, script bool) {
		company := found(t)
		tab := open(t, company, browsertest.Lena, script)
		tab.Visit("members")
		tab.Reach(`.pick[value="nia.tamsworth"]`)
		tab.Press(" ")
		tab.Reach("#bulk-role")
		tab.Press("Intern")
		tab.Reach(".bulkbar [value=assign]")
		equal(t, "plan", tab.PressAway(kb.Enter), 200)
		says(t, tab, "#plan", "Nia Tamsworth")
		tab.Reach("#plan [value=save]")
		equal(t, "save", tab.PressAway(kb.Enter), 200)
		holds(t, company, "nia.tamsworth", "Intern")
	})
}

// People who wait are let in, found, suspended with one more question, moved into a
// team, and get back what they had.
func TestMembers(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, script bool) {
		company := found(t)
		tab := open(t, company, browsertest.Lena, script)
		tab.Visit("members")
		tab.Select("#wait-0", "Support")
		equal(t, "admit", tab.Submit(".wait li:first-child [value=admit]"), 200)
		holds(t, company, "piotr.zawalski", "Support")

		tab.Write("#q", "vikberg")
		tab.Submit(".filters button")
		equal(t, "found", browsertest.Evaluate[int](tab, `document.querySelectorAll('.pick[name]').length`), 1)
		tab.Submit(`th a[href*="tomas.vikberg"]`)
		tab.Select("#wa", "Manage")
		tab.Select("#wr", "Warranty claims")
		tab.Submit(".why-form button")
		says(t, tab, ".explain", "May not manage warranty claims: the role Sales says no there.")

		tab.Select("#new-role", "Sales lead")
		if script {
			tab.Wait(`!!document.querySelector('#plan .gains')`)
		} else {
			tab.Submit("button[value=plan]:not(.vh)")
		}
		says(t, tab, "#plan .gains", "Contacts: manage own to all")
		sound(t, tab, script)
		tab.Submit("#plan [value=save]")
		holds(t, company, browsertest.Tomas, "Sales lead")
		says(t, tab, ".timeline", "Lena Ahlgrund gave Tomas Vikberg the role Sales lead")

		tab.Write("#team", "south")
		tab.Submit("form:has(#team) button")
		says(t, tab, "#plan", "Tomas Vikberg")
		tab.Submit("#plan [value=save]")
		says(t, tab, ".page-head", "team south")

		tab.Submit(".page-head a.btn:not(.btn-danger)")
		equal(t, "title", text(tab, "h1"), "Suspend Tomas Vikberg?")
		tab.Submit("#plan [value=save]")
		says(t, tab, ".page-head", "Suspended", "Reinstate…")
		sound(t, tab, script)

		tab.Submit(".timeline li:nth-child(3) a")
		says(t, tab, "#plan", "Sales")
	})
}

// A delegate gives and takes the roles of the list, and sees nobody else.
func TestDelegate(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, script bool) {
		company := found(t)
		tab := open(t, company, browsertest.Hedda, script)
		tab.Visit("members")
		tab.Select("#wait-1", "Sales")
		tab.Submit(".wait li:nth-child(2) [value=admit]")
		holds(t, company, "runa.islebrand", "Sales")
		tab.Visit("members")
		tab.Click(`.pick[value="aino.kallasto"]`)
		tab.Submit(".bulkbar [value=remove]")
		sound(t, tab, script)
		tab.Submit("#plan [value=save]")
		_, err := company.Authorizer.Member(t.Context(), "aino.kallasto")
		equal(t, "still a member", err == nil, false)
	})
}
