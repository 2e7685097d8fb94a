package browsertest_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbacui/internal/browsertest"
)

// The plan follows the choices, or comes when it is asked for; a refused save keeps
// every choice; nothing is stored before Save.
func TestEditRole(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, script bool) {
		company := found(t)
		before := permitted(t, company, "Sales lead")
		tab := open(t, company, browsertest.Lena, script)
		tab.Visit("role", "id", "Sales lead")
		equal(t, "the button Check again", has(tab, ".savebar button[value=plan]"), !script)
		tab.Choose("deals.manage", "all")
		tab.Choose("tasks.manage", "all")
		tab.Choose("contacts.manage", "team")
		equal(t, "marked as changed", has(tab, `[data-area="deals"] .mark-changed`), true)
		equal(t, "not marked", has(tab, `[data-area="services"] .mark-changed`), false)
		equal(t, "finding of the row", has(tab, `[data-area="tasks"] [data-finding="manage-without-read"]`), true)
		if script {
			tab.Wait(`document.querySelector('[data-save-text]').textContent.includes('3 changes not saved')`)
		} else {
			equal(t, "check again", tab.Submit(".savebar button[value=plan]"), 200)
		}
		says(t, tab, "[data-save-text]", "3 changes not saved", "For 3 people: 2 rights more, 1 less.")
		says(t, tab, "#plan .gains", "Deals: manage team to all")
		says(t, tab, "#plan .loses", "Contacts: manage all to team")
		says(t, tab, "[data-words]", "Manages all deals and tasks")
		sound(t, tab, script)
		equal(t, "stored already", permitted(t, company, "Sales lead").String(), before.String())

		tab.Write("#name", "Sales")
		equal(t, "a name that is taken", tab.Submit("[data-save]"), 422)
		says(t, tab, "#errors", "Not saved. Nothing has changed.", "Name: another role is called that.")
		says(t, tab, "#name-error", "Another role is called “Sales”.")
		if script {
			equal(t, "focus", browsertest.Evaluate[string](tab, "document.activeElement.id"), "errors")
		}
		equal(t, "title", strings.HasPrefix(browsertest.Evaluate[string](tab, "document.title"), "Not saved: Sales lead"), true)
		equal(t, "choice that is kept", browsertest.Evaluate[bool](tab, `document.querySelector('input[name="deals.manage"][value=all]').checked`), true)
		sound(t, tab, script)

		tab.Write("#name", "Sales lead")
		equal(t, "save", tab.Submit("[data-save]"), 200)
		says(t, tab, ".toast", "Saved")
		equal(t, "deals", permitted(t, company, "Sales lead").Scope(rbac.Deals, rbac.Manage), rbac.All)
		sound(t, tab, script)
		if script {
			tab.Click(".toast button")
			equal(t, "toast", has(tab, ".toast"), false)
		}
	})
}

// Who leaves with something unsaved is asked, also where two edits meet.
func TestLeaveUnsaved(t *testing.T) {
	t.Parallel()
	company := found(t)
	tab := open(t, company, browsertest.Lena, true)
	tab.Visit("role", "id", "Sales lead")
	tab.Choose("deals.manage", "all")
	browsertest.Evaluate[bool](tab, `document.querySelector('.nav a').click(), true`)
	equal(t, "question", strings.Join(tab.Complaints(), ""), "dialog: beforeunload")
	equal(t, "choice", browsertest.Evaluate[bool](tab, `document.querySelector('input[name="deals.manage"][value=all]').checked`), true)
	ok(t, company.Meanwhile(t.Context(), "Sales lead", browsertest.Mara, "contacts: read all; deals: read all"))
	equal(t, "save", tab.Submit("[data-save]"), 409)
	tab.Choose("keep.deals.manage", "mine")
	browsertest.Evaluate[bool](tab, `document.querySelector('.nav a').click(), true`)
	equal(t, "question", strings.Join(tab.Complaints(), ""), "dialog: beforeunload")
	equal(t, "plan", tab.Submit("button[value=plan]"), 200)
}

// Presets fill in what one may grant, and a copy begins with the choices of another.
func TestNewRole(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, script bool) {
		company := found(t)
		tab := open(t, company, browsertest.Lena, script)
		tab.Visit("")
		tab.Submit(`a[href="role-new"]`)
		equal(t, "preset", tab.Submit(`button[name=preset][value=read]`), 200)
		equal(t, "contacts", browsertest.Evaluate[string](tab, `document.querySelector('input[name="contacts.read"]:checked').value`), "all")
		equal(t, "API access", browsertest.Evaluate[string](tab, `document.querySelector('input[name="api.read"]:checked').value`), "none")
		sound(t, tab, script)
		tab.Write("#name", "Visitor")
		equal(t, "save", tab.Submit("[data-save]"), 200)
		says(t, tab, ".toast", "Visitor")

		tab.Visit("role-new", "copy", "Support")
		equal(t, "claims", browsertest.Evaluate[string](tab, `document.querySelector('input[name="claims.manage"]:checked').value`), "team")
		tab.Write("#name", "Support, weekends")
		equal(t, "save", tab.Submit("[data-save]"), 200)
	})
}

// Deleting a role that is held is choosing what its holders get.
func TestDeleteRole(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, script bool) {
		company := found(t)
		tab := open(t, company, browsertest.Lena, script)
		tab.Visit("role", "id", "Support, night shift")
		tab.Submit(".page-head .btn-danger")
		says(t, tab, ".choices", "Support", "gains 1", "loses nothing")
		tab.Click(`.choices label:has([value="` + string(company.Roles["Intern"]) + `"])`)
		if script {
			tab.Wait(`document.querySelector('#plan .loses').textContent.includes('Services: read')`)
		} else {
			tab.Submit("button[value=plan]")
			says(t, tab, "#plan .loses", "Services: read")
		}
		says(t, tab, "#plan", "Samir Bassi and Viktor Hallgreen get the role Intern.")
		sound(t, tab, script)
		equal(t, "delete", tab.Submit("button[value=delete]"), 200)
		equal(t, "title", text(tab, "h1"), "Roles")
		says(t, tab, ".toast", "Deleted “Support, night shift”.")
		holds(t, company, "samir.bassi", "Intern")
	})
}

// Two browsers edit one role: the second one to save decides where both changed the
// same, and neither is lost.
func TestConflict(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, script bool) {
		company := found(t)
		first, second := open(t, company, browsertest.Mara, script), open(t, company, browsertest.Lena, script)
		for _, tab := range []*browsertest.Tab{first, second} {
			tab.Visit("role", "id", "Sales lead")
		}
		first.Choose("contacts.manage", "own")
		first.Choose("services.manage", "own")
		second.Choose("contacts.manage", "team")
		second.Choose("deals.manage", "all")
		equal(t, "the first saves", first.Submit("[data-save]"), 200)
		equal(t, "the second saves", second.Submit("[data-save]"), 409)
		equal(t, "title", text(second, "h1"), "Mara Lindhagen changed this role while you did")
		equal(t, "rows", browsertest.Evaluate[string](second, `[...document.querySelectorAll('tbody tr:not(.group) th')].map(e => e.innerText).join('; ')`), "Contacts: manage; Services: manage; Deals: manage")
		sound(t, second, script)
		second.Choose("keep.contacts.manage", "mine")
		equal(t, "plan", second.Submit("button[value=plan]"), 200)
		says(t, second, "[data-save-text]", "2 changes not saved")
		equal(t, "stored meanwhile", permitted(t, company, "Sales lead").Scope(rbac.Contacts, rbac.Manage), rbac.Own)
		equal(t, "save", second.Submit("[data-save]"), 200)
		stored := permitted(t, company, "Sales lead")
		equal(t, "mine", stored.Scope(rbac.Contacts, rbac.Manage), rbac.Team)
		equal(t, "only mine", stored.Scope(rbac.Deals, rbac.Manage), rbac.All)
		equal(t, "theirs", stored.Scope(rbac.Services, rbac.Manage), rbac.Own)
	})
}

// The role dialog needs no mouse: Tab reaches each segment once, arrows choose, Space
// marks, and Enter in a field saves nothing.
func TestKeyboardRole(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, script bool) {
		company := found(t)
		tab := open(t, company, browsertest.Mara, script)
		tab.Visit("role", "id", "Sales")
		tab.Press(kb.Tab)
		equal(t, "first", text(tab, ":focus"), "Skip to content")
		tab.Reach("#name")
		equal(t, "Enter in the name", tab.PressAway(kb.Enter), 200)
		says(t, tab, "[data-save-text]", "Nothing changed")

		tab.Reach(`[name="contacts.manage"]`)
		equal(t, "where Tab enters", browsertest.Evaluate[string](tab, "document.activeElement.value"), "own")
		tab.Press(kb.ArrowRight)
		equal(t, "chosen", browsertest.Evaluate[string](tab, `document.querySelector('[name="contacts.manage"]:checked').value`), "team")
		tab.Press(kb.Tab)
		equal(t, "next", browsertest.Evaluate[string](tab, "document.activeElement.name"), "organizations.read")
		tab.Reach(`[name="assign"][value="` + string(company.Roles["Intern"]) + `"]`)
		tab.Press(" ")
		if script {
			tab.Wait(`document.querySelector('[data-save-text]').textContent.includes('2 changes not saved')`)
		}
		tab.Reach("[data-save]")
		if !browsertest.Evaluate[bool](tab, `getComputedStyle(document.activeElement).outlineStyle === 'solid'`) {
			t.Error("the focus is not seen")
		}
		equal(t, "save", tab.PressAway(kb.Enter), 200)
		says(t, tab, ".toast", "Saved")
		role, err := company.Role(t.Context(), "Sales")
		ok(t, err)
		equal(t, "contacts", role.Permissions.Scope(rbac.Contacts, rbac.Manage), rbac.Team)
		equal(t, "assigns", len(role.Assigns), 1)
	})
}
