package browsertest_test

import (
	"fmt"
	"testing"

	"github.com/areagate/rbac/rbacui/internal/browsertest"
)

// seen is a page, and with which status each of the four sees it.
type seen struct {
	name, segment             string
	query                     []string
	mara, lena, hedda, nobody int
	title                     string
}

func query(pairs ...string) []string { return pairs }

var pages = []seen{
	{"roles", "", nil, 200, 200, 403, 403, "Roles"},
	{"roles found", "", query("q", "night"), 200, 200, 403, 403, "Roles"},
	{"role", "role", query("id", "Sales lead"), 200, 200, 403, 403, "Sales lead"},
	{"system role", "role", query("id", "Administrator"), 200, 200, 403, 403, "Administrator"},
	{"role that holds more", "role", query("id", "Integrations"), 200, 200, 403, 403, "Integrations"},
	{"new role", "role-new", nil, 200, 200, 403, 403, "New role"},
	{"copy", "role-new", query("copy", "Sales"), 200, 200, 403, 403, "New role"},
	{"delete, held", "role-delete", query("id", "Support, night shift"), 200, 200, 403, 403, "Delete “Support, night shift”?"},
	{"delete, held by nobody", "role-delete", query("id", "Intern"), 200, 200, 403, 403, "Delete “Intern”?"},
	{"members", "members", nil, 200, 200, 200, 403, "Members"},
	{"nobody found", "members", query("q", "zzz"), 200, 200, 200, 403, "Members"},
	{"member", "member", query("user", browsertest.Tomas, "role", "Sales lead", "action", "manage", "area", "claims"), 200, 200, 200, 403, "Tomas Vikberg"},
	{"oneself", "member", query("user", browsertest.Lena), 200, 200, 404, 403, "Lena Ahlgrund"},
	{"suspended", "member", query("user", "maja.sundvallen"), 200, 200, 200, 403, "Maja Sundvallen"},
	{"somebody who waits", "member", query("user", "piotr.zawalski"), 200, 200, 200, 403, "Piotr Zawalski"},
	{"change", "members-change", query("user", browsertest.Tomas, "role", "Sales lead"), 200, 200, 200, 403, "Give Tomas Vikberg a new role?"},
	{"add a person", "member-new", query("q", "ru"), 200, 200, 200, 403, "Add a person"},
	{"review", "review", query("action", "manage", "area", "deals"), 200, 200, 403, 403, "Access review"},
	{"review, the other way", "review", query("by", "area", "person", "Tomas", "action", "read", "area", "deals"), 200, 200, 403, 403, "Access review"},
	{"audit", "audit", nil, 200, 200, 403, 403, "Audit"},
	{"audit, nothing found", "audit", query("from", "2001-01-01", "until", "2001-01-02"), 200, 200, 403, 403, "Audit"},
	{"no such page", "nowhere.html", nil, 404, 404, 404, 404, ""},
}

// Everybody sees of every page what they may: the pages, what is off there, or that
// it is not allowed. None is wider than the window, complains, or breaks a rule of
// axe-core, in either scheme.
func TestPages(t *testing.T) {
	company := found(t)
	for i, user := range []string{browsertest.Mara, browsertest.Lena, browsertest.Hedda, browsertest.Tomas} {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			tab := open(t, company, user, true)
			for _, p := range pages {
				t.Run(p.name, func(t *testing.T) {
					tab.Fail = func(err error) { t.Helper(); t.Fatal(err) }
					tab.Width(1280)
					status := []int{p.mara, p.lena, p.hedda, p.nobody}[i]
					equal(t, "status", tab.Visit(p.segment, p.query...), status)
					if status == 200 {
						equal(t, "title", text(tab, "h1"), p.title)
					}
					// What an administrator sees is what a manager does, with less off.
					if user != browsertest.Mara && (status == 200 || p.segment == "") {
						sound(t, tab, true)
					}
					quiet(t, tab)
				})
			}
		})
	}
}

// On the first day there is one administrator and nothing else.
func TestFirstDay(t *testing.T) {
	t.Parallel()
	company := foundOn(t, true)
	tab := open(t, company, browsertest.Mara, true)
	for _, segment := range []string{"", "members", "review", "audit"} {
		tab.Width(1280)
		equal(t, segment, tab.Visit(segment), 200)
		sound(t, tab, true)
	}
	tab.Visit("")
	says(t, tab, "main", "Set up access in three steps", "You are an administrator")
	tab.Submit(`.steps a[href="role-new"]`)
	equal(t, "title", text(tab, "h1"), "New role")
}

// What one may not grant is there, off, and says why.
func TestOff(t *testing.T) {
	t.Parallel()
	company := found(t)
	tab := open(t, company, browsertest.Lena, true)
	tab.Visit("role", "id", "Sales lead")
	for _, choice := range []string{"api.read", "api.manage", "audit.manage"} {
		if !browsertest.Evaluate[bool](tab, fmt.Sprintf(`document.querySelector('input[name="%s"][value=all]').disabled`, choice)) {
			t.Errorf("%s can be chosen", choice)
		}
	}
	says(t, tab, `[data-area="api"]`, "Your own role does not read or manage API access, so you cannot give that away.")
	says(t, tab, "#assign", "Only an administrator adds roles here.")

	tab.Visit("role", "id", "Administrator")
	says(t, tab, "#why", "can be read here, not changed")
	equal(t, "radio buttons", browsertest.Evaluate[int](tab, `document.querySelectorAll('input[type=radio]').length`), 0)

	tab.Visit("members")
	says(t, tab, `tr:has([value="anton.weissenau"])`, "Holds more than you: API access and Audit.")
	says(t, tab, `tr:has([value="lena.ahlgrund"])`, "This is you. Nobody changes their own membership.")
	equal(t, "off", browsertest.Evaluate[bool](tab, `['anton.weissenau', 'lena.ahlgrund'].every(u => document.querySelector('.pick[value="' + u + '"]').disabled)`), true)

	delegate := open(t, company, browsertest.Hedda, true)
	delegate.Visit("members")
	equal(t, "whom a delegate sees", browsertest.Evaluate[int](delegate, `document.querySelectorAll('tbody .person').length`), 4)
	equal(t, "navigation", text(delegate, "nav"), "Members")
}
