package browsertest_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/areagate/rbac/rbacui/internal/browsertest"
)

// program is where the CRM is built.
var program string

var built = sync.OnceValue(func() error { return browsertest.BuildCRM(program) })

// crm starts the CRM of examples/crm, for a test that needs a browser.
func crm(t *testing.T) *browsertest.CRM {
	t.Helper()
	needsChromium(t)
	ok(t, built())
	c, err := browsertest.StartCRM(program, t.TempDir(), t.Output())
	ok(t, err)
	t.Cleanup(func() { ok(t, c.Stop()) })
	return c
}

func openCRM(t *testing.T, c *browsertest.CRM, script bool) *browsertest.Tab {
	t.Helper()
	return listened(t, func(fail func(error)) (*browsertest.Tab, context.CancelFunc) {
		return browsertest.Open(chromium.Context, c.URL, script, fail)
	})
}

// be switches to somebody by the bar at the top.
func be(tab *browsertest.Tab, company, name string) {
	tab.Select(fmt.Sprintf("#demo-person optgroup[label=%q]", company), name)
	tab.Submit(".demo button")
}

// Every page of the CRM, as several of its people see it.
func TestCRMPages(t *testing.T) {
	t.Parallel()
	c := crm(t)
	all := []string{"/app/", "/app/contacts", "/app/organizations", "/app/deals", "/app/services", "/app/tasks", "/app/teams", "/app/api-keys", "/settings/access/", "/settings/access/audit"}
	for _, person := range []struct {
		company, name string
		nav           string
		denied        []string
		more          []string // pages that only one of them looks at
	}{
		{"Brightwell Furniture", "Grace Okafor", "Organizations Contacts Deals Services Tasks Teams API keys Access Audit", nil,
			[]string{"/settings/access/members", "/settings/access/review", "/settings/access/role-new", "/settings/access/member?user=aisha.rahman", "/app/deals?after=zzz", "/app/nothing"}},
		{"Brightwell Furniture", "Aisha Rahman", "Organizations Contacts Deals Services Tasks Teams", []string{"/app/api-keys", "/settings/access/", "/settings/access/audit"}, nil},
		{"Brightwell Furniture", "Nadia Haddad", "Organizations Contacts Deals Services Tasks Teams Access", []string{"/app/api-keys", "/settings/access/", "/settings/access/audit"}, []string{"/settings/access/members"}},
		{"Brightwell Furniture", "Walter Quist", "", all[1:], nil},
		{"Oakline Events", "Chloe Martin", "Organizations Contacts Deals Services Tasks Teams API keys Access Audit", nil, nil},
	} {
		t.Run(person.name, func(t *testing.T) {
			t.Parallel()
			tab := openCRM(t, c, true)
			equal(t, "first page", tab.Visit("/"), 200)
			equal(t, "title", text(tab, "h1"), "Who are you?")
			if person.name == "Grace Okafor" {
				sound(t, tab, true)
			}
			tab.Submit(fmt.Sprintf("section[aria-label=%q] button[value$=%q]", person.company, "/"+strings.ReplaceAll(strings.ToLower(person.name), " ", ".")))
			equal(t, "navigation", text(tab, ".nav"), person.nav)
			says(t, tab, ".topbar .me", person.name, "Sign out")
			for _, page := range slices.Concat(all, person.more) {
				t.Run(page, func(t *testing.T) {
					tab.Fail = func(err error) { t.Helper(); t.Fatal(err) }
					tab.Width(1280)
					status := 200
					if slices.Contains(person.denied, page) {
						status = 403
					} else if page == "/app/nothing" {
						status = 404
					}
					equal(t, "status", tab.Visit(page), status)
					equal(t, "ways to be somebody else", has(tab, ".demo select") && has(tab, ".topbar form[action='/app/sign-out'] button"), true)
					if !slices.Contains(person.denied, page) || page == person.denied[0] { // the others look the same
						sound(t, tab, true)
					}
					if strings.HasPrefix(page, "/settings/") && status == 200 {
						paper(t, tab)
					}
					failed(t, tab, status)
				})
			}
		})
	}
}

// What the greeting and the first page say to try first, click by click.
func TestCRMGreeting(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, script bool) {
		c := crm(t)
		tab := openCRM(t, c, script)
		// One list, as two people.
		one := regexp.MustCompile(`1\. .*: http://[^/]*(/\S+)`).FindStringSubmatch(c.Greeting)[1]
		equal(t, "status", tab.Visit(one), 200)
		sound(t, tab, script)
		says(t, tab, `[aria-label="As Carla Mendes"]`, "Carla Mendes sees all deals.", "Lobby refit", "Packing tables", "Depot offices")
		says(t, tab, `[aria-label="As Aisha Rahman"]`, "Aisha Rahman sees their own deals.", "Packing tables")
		equal(t, "deals of others", strings.Contains(text(tab, `[aria-label="As Aisha Rahman"]`), "Depot offices"), false)
		tab.Select("#two", "Ben Carter")
		tab.Submit("main form button")
		says(t, tab, `[aria-label="As Ben Carter"]`, "Lobby refit")

		// A role changes, and with it the list.
		be(tab, "Brightwell Furniture", "Grace Okafor")
		tab.Follow("Access")
		tab.Follow("Sales representative")
		tab.Choose("deals.read", "team")
		if script {
			tab.Wait(`document.querySelector('[data-save-text]').textContent.includes('1 change not saved')`)
		} else {
			tab.Submit(".savebar button[value=plan]")
		}
		says(t, tab, "#plan .gains", "Deals: read own to team")
		sound(t, tab, script)
		equal(t, "save", tab.Submit("[data-save]"), 200)
		says(t, tab, ".toast", "Saved")
		tab.Visit(one)
		says(t, tab, `[aria-label="As Aisha Rahman"]`, "Aisha Rahman sees the deals of team north.", "Packing tables", "Depot offices")

		// One person in two companies.
		be(tab, "Brightwell Furniture", "Chloe Martin")
		equal(t, "deals", tab.Visit("/app/deals"), 200)
		equal(t, "Access", strings.Contains(text(tab, ".nav"), "Access"), false)
		be(tab, "Oakline Events", "Chloe Martin")
		says(t, tab, ".topbar", "Oakline Events", "Chloe Martin Administrator")
		says(t, tab, "main", "Deals", "Opening night")
		tab.Follow("Access")
		says(t, tab, "main", "Event manager")

		// A key that may do less than who makes it.
		be(tab, "Brightwell Furniture", "Quentin Moreau")
		tab.Follow("API keys")
		equal(t, "what it may not read", has(tab, `main input[value=deals]`), false)
		tab.Write("#name", "Web shop")
		tab.Click(`main input[value=contacts]`)
		tab.Submit("main .btn-primary")
		says(t, tab, ".callout-success", "The key “Web shop” is made.", "crm_key_")
		sound(t, tab, script)
		tab.Submit("main .btn-danger")
		says(t, tab, "main", "No keys yet")

		// Somebody is let in, and the record tells of all that.
		be(tab, "Brightwell Furniture", "Amelia Novak")
		tab.Follow("Access")
		tab.Follow("Members")
		tab.Select("#wait-0", "Support agent")
		tab.Submit(".wait li:first-child [value=admit]")
		be(tab, "Brightwell Furniture", "Walter Quist")
		equal(t, "contacts", tab.Visit("/app/contacts"), 200)
		be(tab, "Brightwell Furniture", "Ruth Adler")
		tab.Follow("Audit")
		says(t, tab, "main", "Amelia Novak", "Walter Quist", "Grace Okafor changed the role Sales representative")

		// Whose session ends loses nothing: they sign in in another tab, and go on.
		be(tab, "Brightwell Furniture", "Grace Okafor")
		tab.Visit("/settings/access/role-new")
		tab.Write("#name", "Visitor")
		quiet(t, tab)
		tab.ForgetCookies()
		equal(t, "save", tab.Submit("[data-save]"), 401)
		says(t, tab, "h1", "You are not signed in")
		sound(t, tab, script)
		failed(t, tab, 401)
		browsertest.Evaluate[bool](tab, `fetch('/demo/session', {method: 'POST', body: new URLSearchParams({person: 'brightwell/grace.okafor'})}).then(r => r.ok)`)
		equal(t, "save again", tab.Submit("main form .btn-primary"), 200)
		says(t, tab, ".toast", "Visitor")

		// To sign out is to be nobody.
		tab.Submit(".topbar form button")
		equal(t, "title", text(tab, "h1"), "Who are you?")
		equal(t, "deals", tab.Visit("/app/deals"), 401)
		failed(t, tab, 401)
	})
}
