package browsertest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
	"github.com/areagate/rbac/rbacui/internal/browsertest"
)

// failed checks that the console says no more than that a page had a status.
func failed(t *testing.T, tab *browsertest.Tab, status int) {
	t.Helper()
	for _, complaint := range tab.Complaints() {
		if !strings.Contains(complaint, fmt.Sprintf("the server responded with a status of %d ", status)) {
			t.Errorf("the console says: %s", complaint)
		}
	}
}

// change makes three changes in the dialog, and writes a name that has to be kept.
func change(tab *browsertest.Tab) {
	tab.Visit("role", "id", "Sales lead")
	tab.Choose("deals.manage", "all")
	tab.Choose("contacts.manage", "team")
	tab.Write("#name", `Head of "sales" & <more>`)
}

func changed(t *testing.T, company *browsertest.Company) {
	t.Helper()
	role, err := company.Role(t.Context(), "Sales lead")
	ok(t, err)
	equal(t, "name", role.Name, `Head of "sales" & <more>`)
	equal(t, "deals", role.Permissions.Scope(rbac.Deals, rbac.Manage), rbac.All)
	equal(t, "contacts", role.Permissions.Scope(rbac.Contacts, rbac.Manage), rbac.Team)
}

// A form that cannot be answered comes back whole, and is sent again once it can.
func TestFormComesBack(t *testing.T) {
	t.Parallel()
	for _, s := range []struct {
		name        string
		status      int
		title       string
		away, again func(*browsertest.Company, *browsertest.Tab)
	}{
		{"signed out", 401, "You are not signed in",
			func(_ *browsertest.Company, tab *browsertest.Tab) { tab.SignIn("") },
			func(_ *browsertest.Company, tab *browsertest.Tab) { tab.SignIn(browsertest.Lena) }},
		{"unavailable", 503, "No safe answer right now",
			func(c *browsertest.Company, _ *browsertest.Tab) { down(c, context.DeadlineExceeded) },
			func(c *browsertest.Company, _ *browsertest.Tab) { c.Faults.Heal() }},
		{"broken", 500, "This page cannot be shown right now.",
			func(c *browsertest.Company, _ *browsertest.Tab) { down(c, errors.New("the disk is full")) },
			func(c *browsertest.Company, _ *browsertest.Tab) { c.Faults.Heal() }},
	} {
		t.Run(s.name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, script bool) {
				company := found(t)
				before := permitted(t, company, "Sales lead").String()
				tab := open(t, company, browsertest.Lena, script)
				change(tab)
				s.away(company, tab)
				equal(t, "status", tab.Submit("[data-save]"), s.status)
				equal(t, "title", text(tab, "h1"), s.title)
				sound(t, tab, script)
				equal(t, "status again", tab.Submit(".btn-primary"), s.status)
				failed(t, tab, s.status)
				s.again(company, tab)
				equal(t, "stored meanwhile", permitted(t, company, "Sales lead").String(), before)
				equal(t, "status afterwards", tab.Submit(".btn-primary"), 200)
				says(t, tab, ".toast", "Saved")
				changed(t, company)
			})
		})
	}
}

// Whatever is not a page of its own says what it is, and leads on.
func TestStates(t *testing.T) {
	t.Parallel()
	for _, s := range []struct {
		name, user string
		prepare    func(*browsertest.Company) error
		segment    string
		query      []string
		status     int
		title      string
		say        string
		leads      string // the text of the button that leads on, and
		to         string // the title of where to; none without a button
	}{
		{"signed out", "", nil, "members", nil, 401, "You are not signed in", "Sign in", "", ""},
		{"unavailable", browsertest.Lena, fail, "members", nil, 503, "No safe answer right now", "neither a yes nor a no", "Try again", "No safe answer right now"},
		{"no member", "piotr.zawalski", nil, "", nil, 403, "You may not see this page", "You are no member of this workspace.", "", ""},
		{"suspended", "idris.okparo", nil, "members", nil, 403, "You may not see this page", "You are suspended here", "", ""},
		{"denied", browsertest.Tomas, nil, "audit", nil, 403, "You may not see this page", "This needs Audit: read. Your role, Sales, does not reach that far.", "", ""},
		{"a delegate, roles", browsertest.Hedda, nil, "role", query("id", "Sales"), 403, "You may not see this page", "Your role, Sales lead, does not reach that far.", "", ""},
		{"no page", browsertest.Lena, nil, "nowhere.html", nil, 404, "There is nothing here", "does not exist any more", "All roles", "Roles"},
		{"no role", browsertest.Lena, nil, "role", query("id", "gone"), 404, "This role does not exist any more", "", "All roles", "Roles"},
		{"no person", browsertest.Hedda, nil, "member", query("user", browsertest.Lena), 404, "This person is no member", "", "", ""},
		{"no names", browsertest.Lena, nameless, "members", nil, 200, "Members", "Names cannot be shown right now.", "", ""},
		{"an altered record", browsertest.Lena, alter, "audit", nil, 200, "Audit", "The record was altered at event", "", ""},
		{"nobody selected", browsertest.Lena, nil, "members-change", nil, 200, "Nobody is selected", "Go back, and select", "Back to the list", "Members"},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			company := found(t)
			tab := open(t, company, s.user, true)
			if s.prepare != nil {
				ok(t, s.prepare(company))
			}
			equal(t, "status", tab.Visit(s.segment, s.query...), s.status)
			if s.name == "an altered record" {
				tab.Submit("button[value=verify]")
			}
			equal(t, "title", text(tab, "h1"), s.title)
			says(t, tab, "body", s.say)
			sound(t, tab, true)
			if s.leads != "" {
				equal(t, "button", text(tab, "main .btn"), s.leads)
				tab.Submit("main .btn")
				equal(t, "title of where that leads", text(tab, "h1"), s.to)
			}
			failed(t, tab, s.status)
		})
	}
}

func fail(c *browsertest.Company) error {
	down(c, context.DeadlineExceeded)
	return nil
}

// down makes the store fail whoever reads or writes. What is in memory stays fresh.
func down(c *browsertest.Company, err error) { c.Faults.Fail(err, rbactest.OpView, rbactest.OpUpdate) }

func nameless(c *browsertest.Company) error {
	c.Nameless.Store(true)
	return nil
}

// alter has the store tell of another reason than was recorded.
func alter(c *browsertest.Company) error {
	c.Faults.WrapReader(func(r rbac.Reader) rbac.Reader { return altered{r} })
	return nil
}

type altered struct{ rbac.Reader }

func (a altered) Events(query rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	return func(yield func(rbac.Event, error) bool) {
		for event, err := range a.Reader.Events(query) {
			if event.Seq == 7 {
				event.Actor = "nobody"
			}
			if !yield(event, err) {
				return
			}
		}
	}
}

// Whether a change was made is not known: the page says so, and does not send the
// form again.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, script bool) {
		company := found(t)
		tab := open(t, company, browsertest.Lena, script)
		change(tab)
		company.Faults.LoseCommits(true)
		equal(t, "status", tab.Submit("[data-save]"), 500)
		equal(t, "title", text(tab, "h1"), "It is not known whether this was saved")
		equal(t, "form", has(tab, "main form"), false)
		sound(t, tab, script)
		failed(t, tab, 500)
		company.Faults.Heal()
		tab.Submit(".btn-primary")
		equal(t, "title", text(tab, "h1"), `Head of "sales" & <more>`)
		changed(t, company)
	})
}

// A plan that cannot be refreshed is marked as one of before, and comes back.
func TestStalePlan(t *testing.T) {
	t.Parallel()
	company := found(t)
	tab := open(t, company, browsertest.Lena, true)
	tab.Visit("role", "id", "Sales lead")
	down(company, errors.New("down"))
	tab.Choose("deals.manage", "all")
	tab.Wait(`document.querySelector('[data-stale]').checkVisibility()`)
	failed(t, tab, 500)
	sound(t, tab, true)
	company.Faults.Heal()
	tab.Choose("tasks.manage", "all")
	tab.Wait(`document.querySelector('[data-save-text]').textContent.includes('2 changes not saved')`)
	equal(t, "note", has(tab, "[data-stale]"), false)
	tab.Choose("deals.manage", "team")
	tab.Choose("tasks.manage", "team")
}
