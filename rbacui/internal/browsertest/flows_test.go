package browsertest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbacui/internal/browsertest"
)

// hand is how somebody uses a page: with a mouse or the keyboard only.
type hand struct {
	*browsertest.Tab
	*testing.T
	company          *browsertest.Company
	script, keyboard bool
}

// visit loads a page, which is there.
func (h hand) visit(segment string, pairs ...string) {
	h.Helper()
	equal(h.T, segment, h.Visit(segment, pairs...), 200)
}

// press uses a button or a link that leads to another page, and returns its status.
func (h hand) press(selector string) int {
	h.Helper()
	if !h.keyboard {
		return h.Submit(selector)
	}
	h.Reach(selector)
	return h.PressAway(kb.Enter)
}

func (h hand) save(selector string) {
	h.Helper()
	equal(h.T, selector, h.press(selector), 200)
}

// toggle uses what stays on the page.
func (h hand) toggle(selector string) {
	switch {
	case !h.keyboard:
		h.Click(selector)
	case strings.HasPrefix(selector, ".pick"):
		h.Reach(selector)
		h.Press(" ")
	default:
		h.Reach(selector)
		h.Enter()
	}
}

func (h hand) choose(name, value string) {
	h.Helper()
	if !h.keyboard {
		h.Click(fmt.Sprintf("label:has(input[name=%q][value=%q])", name, value))
		return
	}
	h.Reach(fmt.Sprintf("[name=%q]", name))
	for range 10 {
		if browsertest.Evaluate[string](h.Tab, fmt.Sprintf(`document.querySelector('[name=%q]:checked')?.value ?? ''`, name)) == value {
			return
		}
		h.Press(kb.ArrowDown)
	}
	h.Fatalf("the arrows do not choose %s: %s", name, value)
}

func (h hand) option(selector, option string) {
	if !h.keyboard {
		h.Select(selector, option)
		return
	}
	h.Reach(selector)
	h.Press(option)
}

func (h hand) write(selector, text string) {
	if h.keyboard {
		h.Reach(selector)
	}
	h.Write(selector, text)
}

// plan waits for the plan, or asks for it, and checks what it says.
func (h hand) plan(want string) {
	h.Helper()
	if h.script {
		h.Wait(fmt.Sprintf("document.querySelector('#plan').innerText.replace(/\\s+/g, ' ').includes(%q)", want))
	} else {
		equal(h.T, "the plan", h.press("button[value=plan]:not(.vh)"), 200)
	}
	says(h.T, h.Tab, "#plan", want)
}

func (h hand) says(selector string, want ...string) {
	h.Helper()
	says(h.T, h.Tab, selector, want...)
}

func (h hand) holds(user, role string) {
	h.Helper()
	holds(h.T, h.company, user, role)
}

func (h hand) allows(role string, area rbac.Area, action rbac.Action, scope rbac.Scope) {
	h.Helper()
	equal(h.T, role, permitted(h.T, h.company, role).Scope(area, action), scope)
}

// made returns a role that was made, by its name.
func (h hand) made(name string) rbac.RoleID {
	h.Helper()
	roles, err := h.company.Authorizer.Roles(h.T.Context())
	ok(h.T, err)
	i := slices.IndexFunc(roles, func(role rbac.Role) bool { return role.Name == name })
	if i < 0 {
		h.Fatalf("there is no role %q", name)
	}
	return roles[i].ID
}

// flow is something that people do: where it begins, with what, and who of the four
// may. Whoever may not finds the page closed, or nothing to begin with.
type flow struct {
	name  string
	start string
	query []string
	with  string
	users []string
	do    func(hand)
	begin []string // who may begin, if others may, too: a delegate finds the roles of their list
}

// reader reads users and the record, and changes nothing. TestWhoMayBegin makes them.
const reader = "rosa.quandt"

var (
	managers  = []string{browsertest.Mara, browsertest.Lena}
	readers   = []string{reader}
	delegates = append(managers, browsertest.Hedda)
	flows     = []flow{
		{"create a role", "", nil, `main a[href="role-new"]`, managers, func(h hand) {
			h.press(`main a[href="role-new"]`)
			h.write("#name", "Visitor")
			h.choose("deals.read", "team")
			h.plan("Nobody")
			h.save("[data-save]")
			h.says(".toast", "Visitor")
		}, nil},
		{"copy a role", "role", query("id", "Support"), `.page-head a[href*="copy="]`, managers, func(h hand) {
			h.press(`.page-head a[href*="copy="]`)
			h.write("#name", "Support, weekends")
			h.save("[data-save]")
			h.says(".toast", "Support, weekends")
			h.company.Roles["Support, weekends"] = h.made("Support, weekends")
			h.allows("Support, weekends", "claims", rbac.Manage, rbac.Team)
		}, nil},
		{"edit a role", "role", query("id", "Sales lead"), "[data-save]", managers, func(h hand) {
			h.choose("deals.manage", "all")
			h.plan("Deals: manage team to all")
			h.allows("Sales lead", rbac.Deals, rbac.Manage, rbac.Team)
			h.save("[data-save]")
			h.allows("Sales lead", rbac.Deals, rbac.Manage, rbac.All)
		}, nil},
		{"a refused save", "role", query("id", "Sales lead"), "[data-save]", managers, func(h hand) {
			h.choose("deals.manage", "all")
			h.write("#name", "Sales")
			equal(h.T, "save", h.press("[data-save]"), 422)
			h.says("#errors", "Not saved. Nothing has changed.", "another role is called that")
			h.toggle(`#errors a[href="#name"]`)
			equal(h.T, "focus", browsertest.Evaluate[string](h.Tab, "document.activeElement.id"), "name")
			h.write("#name", "Head of sales")
			h.save("[data-save]")
			h.allows("Sales lead", rbac.Deals, rbac.Manage, rbac.All)
		}, nil},
		{"two edits of one role", "role", query("id", "Sales lead"), "[data-save]", managers, func(h hand) {
			h.choose("contacts.manage", "team")
			h.choose("deals.manage", "all")
			ok(h.T, h.company.Meanwhile(h.T.Context(), "Sales lead", "anton.weissenau", "contacts: read all, manage own; organizations: read all, manage team; deals: read all, manage team; services: read all, manage own; tasks: read team, manage team; users: read own"))
			equal(h.T, "save", h.press("[data-save]"), 409)
			h.says("h1", "Anton Weissenau changed this role while you did")
			h.choose("keep.contacts.manage", "theirs")
			h.press("button[value=plan]")
			h.save("[data-save]")
			h.allows("Sales lead", rbac.Contacts, rbac.Manage, rbac.Own)
			h.allows("Sales lead", rbac.Deals, rbac.Manage, rbac.All)
			h.allows("Sales lead", rbac.Services, rbac.Manage, rbac.Own)
		}, nil},
		{"delete a role", "role", query("id", "Support, night shift"), ".page-head .btn-danger", managers, func(h hand) {
			h.press(".page-head .btn-danger")
			h.choose("to", string(h.company.Roles["Intern"]))
			h.plan("get the role Intern")
			h.save("button[value=delete]")
			h.says(".toast", "Deleted")
			h.holds("samir.bassi", "Intern")
		}, nil},
		{"another role for a member", "member", query("user", browsertest.Tomas), "#new-role", managers, func(h hand) {
			h.option("#new-role", "Intern")
			h.plan("Contacts: read all to team")
			h.holds(browsertest.Tomas, "Sales")
			h.save("#plan [value=save]")
			h.holds(browsertest.Tomas, "Intern")
		}, delegates},
		{"another role for several", "members", nil, "#bulk-role", managers, func(h hand) {
			h.toggle(`.pick[value="nia.tamsworth"]`)
			h.toggle(`.pick[value="elif.soydanlar"]`)
			h.option("#bulk-role", "Intern")
			h.press(".bulkbar [value=assign]")
			h.says("#plan", "2 people, from Support to Intern")
			h.save("#plan [value=save]")
			h.holds("elif.soydanlar", "Intern")
		}, delegates},
		{"suspend and reinstate", "member", query("user", browsertest.Tomas), `.page-head a[href*="state=suspended"]`, delegates, func(h hand) {
			for _, step := range []struct{ state, chip string }{{"suspended", "Suspended"}, {"active", "Active"}} {
				h.press(fmt.Sprintf(`.page-head a[href*="state=%s"]`, step.state))
				h.save("#plan [value=save]")
				h.says(".page-title", step.chip)
				member, err := h.company.Authorizer.Member(h.T.Context(), browsertest.Tomas)
				ok(h.T, err)
				equal(h.T, "suspended", member.Suspended, step.state == "suspended")
			}
		}, nil},
		{"remove", "member", query("user", browsertest.Tomas), ".page-head .btn-danger", delegates, func(h hand) {
			h.press(".page-head .btn-danger")
			h.save("#plan [value=save]")
			_, err := h.company.Authorizer.Member(h.T.Context(), browsertest.Tomas)
			equal(h.T, "a member", err == nil, false)
		}, nil},
		{"admit who waits", "members", nil, "#wait-1", delegates, func(h hand) {
			h.option("#wait-1", "Sales")
			h.save(".wait li:nth-child(2) [value=admit]")
			h.holds("runa.islebrand", "Sales")
		}, nil},
		{"add a person", "members", nil, `main a[href="member-new"]`, delegates, func(h hand) {
			h.press(`main a[href="member-new"]`)
			h.write("#q", "oskar")
			h.press(".filters button")
			h.press(".wait a.btn")
			h.option("#new-role", "Sales")
			h.plan("Contacts: read no to all")
			h.save("#plan [value=save]")
			h.holds("oskar.brandellius", "Sales")
		}, nil},
		{"restore a role", "audit", query("kind", "role.updated"), ".event:has(a[href*=restore]) summary", managers, func(h hand) {
			h.toggle(".event summary")
			h.press(".event-body a.btn")
			h.says("[data-save-text]", "1 change not saved")
			h.save("[data-save]")
			role, err := h.company.Role(h.T.Context(), "Sales lead")
			ok(h.T, err)
			equal(h.T, "description", role.Description, "Leads a sales team.")
		}, nil},
		{"restore a membership", "member", query("user", "aino.kallasto"), `.timeline a[href*="restore="]`, managers, func(h hand) {
			h.press(`.timeline a[href*="restore="]`)
			h.says("#plan", "Intern")
			h.save("#plan [value=save]")
			h.holds("aino.kallasto", "Intern")
		}, nil},
		{"who can", "review", nil, "#who-can button", managers, func(h hand) {
			h.option("#ask-action", "manage")
			h.option("#ask-area", "Deals")
			h.save("#who-can form button")
			h.says("#who-can .answer", "11 people", "Tomas Vikberg Sales, own")
		}, readers},
		{"why", "review", nil, "#why button", managers, func(h hand) {
			h.write("#why-person", "Tomas")
			h.option("#why-action", "manage")
			h.option("#why-area", "Deals")
			h.save("#why form button")
			h.says("#why .answer", "Tomas Vikberg")
		}, readers},
		{"verify", "audit", nil, "button[value=verify]", managers, func(h hand) {
			h.save("button[value=verify]")
			h.says(".callout", "The record is whole.")
		}, readers},
		{"export the review", "review", nil, `a[href^="review.csv"]`, managers, func(h hand) {
			h.exports(`a[href^="review.csv"]`, "text/csv; charset=utf-8; header=present", "Role,Kind,People,Contacts: read,")
		}, readers},
		{"export the record", "audit", nil, `a[href^="audit.csv"]`, managers, func(h hand) {
			h.exports(`a[href^="audit.csv"]`, "text/csv; charset=utf-8; header=present", "Number,Time (UTC),What happened,")
			h.exports(`a[href^="audit.jsonl"]`, "application/jsonl", `{"seq":1,"time":"`)
		}, readers},
	}
)

// exports checks what a link downloads, and that one gets to it.
func (h hand) exports(selector, kind, begins string) {
	h.Helper()
	if h.keyboard {
		h.Reach(selector)
	}
	got := browsertest.Evaluate[[]string](h.Tab, fmt.Sprintf(`fetch(document.querySelector(%q).href).then(async r => [String(r.status), r.headers.get('Content-Type'), r.headers.get('Content-Disposition'), await r.text()])`, selector))
	if got[0] != "200" || got[1] != kind || !strings.HasPrefix(got[2], "attachment; filename=") || !strings.HasPrefix(got[3], begins) {
		h.Errorf("%s downloads %.300q", selector, got)
	}
}

// Whatever people do here, they do with the keyboard alone, as an administrator, with
// script, as a manager, and without, as whoever may the least of those who may.
func TestFlows(t *testing.T) {
	t.Parallel()
	for _, f := range flows {
		t.Run(f.name, func(t *testing.T) {
			try := func(way, user string, script, keyboard bool) {
				t.Run(way+"/"+user, func(t *testing.T) {
					t.Parallel()
					company := found(t)
					h := hand{open(t, company, user, script), t, company, script, keyboard}
					h.visit(f.start, f.query...)
					f.do(h)
				})
			}
			try("keyboard", f.users[0], true, true)
			try("script", f.users[1], true, false)
			try("no script", f.users[len(f.users)-1], false, false)
		})
	}
}

// Whoever may not do something has nothing to begin it with.
func TestWhoMayBegin(t *testing.T) {
	t.Parallel()
	company := found(t)
	role, err := company.Authorizer.As(browsertest.Mara).CreateRole(t.Context(), rbac.Role{
		Name: "Reviewer", Permissions: rbac.Permissions{rbac.Users: {Read: rbac.All}, rbac.Audit: {Read: rbac.All}},
	})
	ok(t, err)
	ok(t, company.Authorizer.As(browsertest.Mara).Assign(t.Context(), role.ID, reader))
	for _, user := range []string{browsertest.Mara, browsertest.Lena, browsertest.Hedda, browsertest.Tomas, reader} {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			tab := open(t, company, user, true)
			for _, f := range flows {
				status := tab.Visit(f.start, f.query...)
				may := has(tab, f.with) && browsertest.Evaluate[bool](tab, fmt.Sprintf("!document.querySelector(%q).disabled", f.with))
				if want := slices.Contains(f.users, user) || slices.Contains(f.begin, user); may != want || want && status != 200 {
					t.Errorf("%s: %t, status %d, want %t", f.name, may, status, want)
				}
			}
		})
	}
}
