package main

import (
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/areagate/rbac"
)

// browser keeps the session in a cookie, as browsers do.
type browser struct {
	*crm
	t testing.TB
}

// be opens a browser of somebody.
func (c *crm) be(t testing.TB, company, user string) browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	own := *c
	client := *c.client
	client.Jar, own.client = jar, &client
	b := browser{&own, t}
	b.become(company, user)
	return b
}

// become switches to somebody else.
func (b browser) become(company, user string) {
	b.t.Helper()
	b.post("/demo/session", url.Values{"person": {choice(company, user)}}).wants(b.t, http.StatusSeeOther, "")
}

func (b browser) get(path string) answer { return b.with("", "GET", path, nil) }

func (b browser) post(path string, form url.Values) answer { return b.with("", "POST", path, form) }

// main returns what the page itself says, without its frame.
func (a answer) main() string {
	_, main, _ := strings.Cut(a.body, "<main")
	return html.UnescapeString(main)
}

// shows fails the test if a page says something else than it should.
func (a answer) shows(t testing.TB, yes, no []string) {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	for _, text := range yes {
		if !strings.Contains(a.main(), text) {
			t.Errorf("the page lacks %q: %s", text, a.main())
		}
	}
	for _, text := range no {
		if strings.Contains(a.main(), text) {
			t.Errorf("the page has %q: %s", text, a.main())
		}
	}
}

func TestPagesAskWhoOneIs(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	first := c.with("", "GET", "/", nil)
	first.shows(t, []string{"Aisha Rahman", "Idris Bell", "Walter Quist", "waits to be let in"}, nil)
	for _, page := range []string{"/app/", "/app/deals", "/settings/access/members"} {
		a := c.with("", "GET", page, nil)
		if a.status != http.StatusUnauthorized || !strings.Contains(a.body, `name="next" value="`+page+`"`) {
			t.Errorf("%s answers nobody with %d", page, a.status)
		}
	}
	for next, want := range map[string]string{
		"/app/deals":           "/app/deals",
		"/settings/access/a?b": "/settings/access/a?b",
		"//elsewhere.example":  "/app/",
		"/\\elsewhere.example": "/app/",
		"https://elsewhere":    "/app/",
		"https://elsewhere/":   "/app/",
		"/me/session":          "/app/",
		"\n":                   "/app/",
	} {
		a := c.with("", "POST", "/demo/session", url.Values{"person": {choice(brightwell, salesRep)}, "next": {next}})
		if a.status != http.StatusSeeOther || a.header.Get("Location") != want {
			t.Errorf("%q leads to %d %q, want %q", next, a.status, a.header.Get("Location"), want)
		}
		if cookie := a.header.Get("Set-Cookie"); !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") {
			t.Errorf("the cookie is %q", cookie)
		}
	}
	for _, person := range []string{"", "/", salesRep, brightwell + "/nobody", oakline + "/" + salesRep, "nowhere/" + salesRep, "/" + salesRep} {
		c.with("", "POST", "/demo/session", url.Values{"person": {person}}).wants(t, http.StatusUnprocessableEntity, "unknown-person")
	}
}

// Every page has a button to sign out, which ends the session and takes the cookie
// back. A form of another site signs nobody out.
func TestPagesSignOut(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	b := c.be(t, brightwell, salesLead)
	for _, page := range []string{"/", "/app/", "/app/deals", "/app/nothing", "/app/api-keys", "/demo/beside/deals?company=brightwell", "/settings/access/members", "/settings/access/audit"} {
		if a := b.get(page); !strings.Contains(a.body, `<form method="post" action="/app/sign-out">`) || !strings.Contains(a.body, `action="/demo/session"`) {
			t.Errorf("%s has no way to be somebody else: %d %s", page, a.status, a.body)
		}
	}
	address, _ := url.Parse(c.url)
	token := b.client.Jar.Cookies(address)[0].Value
	forged := c.request("", "POST", "/app/sign-out", url.Values{})
	forged.Header.Set("Sec-Fetch-Site", "cross-site")
	b.send(forged).wants(t, http.StatusForbidden, "cross-origin")
	c.with(token, "GET", "/me", nil).wants(t, http.StatusOK, "")

	a := b.post("/app/sign-out", nil)
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/" || len(b.client.Jar.Cookies(address)) > 0 {
		t.Errorf("got %d %v, and kept %v", a.status, a.header, b.client.Jar.Cookies(address))
	}
	c.with(token, "GET", "/me", nil).wants(t, http.StatusUnauthorized, "unauthenticated")
	if a := b.get("/app/deals"); a.status != http.StatusUnauthorized || strings.Contains(a.body, "/app/sign-out") {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

// One list, as two people: by switching, and beside each other.
func TestTwoPeopleSeeDifferentLists(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	b := c.be(t, brightwell, salesRep)
	mine, others := []string{"Packing tables", "School library"}, []string{"Lobby refit", "Drawing desks"}
	b.get("/app/deals").shows(t, mine, others)
	b.become(brightwell, salesLead)
	b.get("/app/deals").shows(t, append(mine, others...), nil)
	b.become(brightwell, teamLead)
	b.get("/app/deals").shows(t, append(mine, "Depot offices"), others)

	one, two, ok := strings.Cut(b.get("/demo/beside/deals?company=brightwell&one=aisha.rahman&two=carla.mendes").main(), "As Carla Mendes")
	if !ok || strings.Contains(one, "Lobby refit") || !strings.Contains(one, "Packing tables") || !strings.Contains(two, "Lobby refit") {
		t.Errorf("got %s\nand %s", one, two)
	}
	// The role changes, and with it the list.
	role, err := c.az.Role(t.Context(), c.roles["Sales representative"])
	if err != nil {
		t.Fatal(err)
	}
	role.Permissions[rbac.Deals] = rbac.Access{Read: rbac.Team}
	if _, err := c.az.As(administrator).UpdateRole(t.Context(), role); err != nil {
		t.Fatal(err)
	}
	b.become(brightwell, salesRep)
	b.get("/app/deals").shows(t, append(mine, "Depot offices"), others)
	b.get("/app/teams").shows(t, []string{"Aisha Rahman"}, []string{"Chloe Martin"})
	if a := b.get("/app/api-keys"); a.status != http.StatusForbidden || !strings.Contains(a.body, "This is not for your role") {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

// Chloe Martin works for both companies, and is somebody else in each.
func TestPersonInTwoCompanies(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		b := c.be(t, brightwell, "chloe.martin")
		b.get("/app/deals").shows(t, []string{"Depot offices"}, []string{"Opening night", "Staff party", "Lobby refit"})
		if a := b.get("/settings/access/"); a.status != http.StatusForbidden {
			t.Errorf("the role editor answers %d", a.status)
		}
		b.become(oakline, "chloe.martin")
		b.get("/app/deals").shows(t, []string{"Opening night", "Staff party"}, []string{"Depot offices", "Lobby refit"})
		b.get("/app/contacts").shows(t, []string{"Greta Maes"}, []string{"Ingrid Dahl"})
		b.get("/app/teams").shows(t, []string{"Idris Bell"}, []string{"Grace Okafor"})
		b.get("/settings/access/members").shows(t, []string{"Idris Bell", "Milo Ferri"}, []string{"Grace Okafor", "Walter Quist"})
		b.get("/settings/access/members?q=a").shows(t, []string{"Yuki Tanaka"}, []string{"Grace Okafor", "Aisha Rahman"})

		// Whoever administers one company is not told who works for the other.
		for _, path := range []string{"member?user=" + salesRep, "member-new?q=" + salesRep, "audit?user=" + salesRep} {
			b.get("/settings/access/"+path).shows(t, []string{salesRep}, []string{"Aisha Rahman", "@brightwell"})
		}

		// Nor do they reach anything there.
		for _, path := range []string{"/deals/deal-01", "/contacts/contact-01", "/organizations/org-1/deals"} {
			b.with("", "GET", path, nil).wants(t, http.StatusNotFound, "not-found")
		}
		b.with("", "DELETE", "/deals/deal-01", nil).wants(t, http.StatusNotFound, "not-found")
		b.with("", "PUT", "/deals/oak-deal-3/owner", map[string]string{"owner": salesRep}).wants(t, http.StatusUnprocessableEntity, "invalid")
		b.with("", "POST", "/contacts", `{"name": "X", "organization": "org-1"}`).wants(t, http.StatusUnprocessableEntity, "invalid")
		b.with("", "GET", "/search?q=depot", nil).wants(t, http.StatusOK, "")
		if found := b.with("", "GET", "/search?q=depot", nil).body; strings.Contains(found, "deal-12") {
			t.Errorf("the search found %s", found)
		}
		if all := b.with("", "GET", "/deals/summary", nil).body; !strings.Contains(all, `"stage":"won","deals":1,`) {
			t.Errorf("got %s", all)
		}
		// Who is invited by one company keeps the name that they have.
		b.with("", "POST", "/users", map[string]any{"user": salesRep, "name": "Nobody Else", "email": "x", "role": rbac.Administrator}).wants(t, http.StatusCreated, "")
		if people, err := c.people(t.Context(), brightwell, salesRep); err != nil || people[salesRep].Name != "Aisha Rahman" {
			t.Errorf("got %v, %v", people, err)
		}
		// Who is removed from one company stays signed in to the other.
		token := c.token("chloe.martin")
		c.as(administrator, "POST", "/admin/members/remove", map[string]any{"users": []string{"chloe.martin"}}).wants(t, http.StatusNoContent, "")
		c.with(token, "GET", "/deals", nil).wants(t, http.StatusUnauthorized, "unauthenticated")
		b.get("/app/deals").shows(t, []string{"Opening night"}, nil)
	})
}

// in sends a request with a token that says which company it is for.
func (c *crm) in(company, token, path string) answer {
	c.t.Helper()
	r := c.request(token, "GET", path, nil)
	r.Header.Set(companyHeader, company)
	return c.send(r)
}

// A key that is made on the page works, in its own company only.
func TestKeyOfOneCompanyIsRefusedInTheOther(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		b := c.be(t, oakline, "chloe.martin")
		page := b.post("/app/api-keys", url.Values{"name": {"Web <shop>"}, "read": {"contacts", "deals"}})
		page.shows(t, []string{"Web <shop>", "It is shown this once"}, nil)
		key := regexp.MustCompile(`crm_key_\w+`).FindString(page.main())
		if list := b.get("/app/api-keys"); strings.Contains(list.body, key) || strings.Contains(list.body, "Web <shop>") {
			t.Errorf("got %s", list.body)
		}
		// Its owner is a member of both.
		c.with(key, "GET", "/contacts", nil).wants(t, http.StatusOK, "")
		c.in(oakline, key, "/contacts").wants(t, http.StatusOK, "")
		c.in(brightwell, key, "/contacts").wants(t, http.StatusForbidden, "denied")
		c.in("nowhere", key, "/contacts").wants(t, http.StatusForbidden, "denied")
		c.with(key, "GET", "/contacts/contact-01", nil).wants(t, http.StatusNotFound, "not-found")
		c.with(key, "GET", "/services", nil).wants(t, http.StatusForbidden, "denied") // which it may not read
		// Nor does a session count for the other.
		token := c.token("chloe.martin")
		c.in(brightwell, token, "/contacts").wants(t, http.StatusOK, "")
		c.in(oakline, token, "/contacts").wants(t, http.StatusUnauthorized, "unauthenticated")

		// The other company neither sees the key nor deletes it.
		id := regexp.MustCompile(`/app/api-keys/(\w+)/delete`).FindStringSubmatch(page.main())[1]
		if list := c.as(administrator, "GET", "/api-keys", nil); strings.Contains(list.body, id) {
			t.Errorf("got %s", list.body)
		}
		c.as(administrator, "DELETE", "/api-keys/"+id, nil).wants(t, http.StatusNotFound, "not-found")
		b.post("/app/api-keys/"+id+"/delete", nil).wants(t, http.StatusSeeOther, "")
		c.with(key, "GET", "/contacts", nil).wants(t, http.StatusUnauthorized, "unauthenticated")
	})
}

// Every link of every page leads somewhere, from the frame to the role editor and
// back, and every page says what it may load.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	b := c.be(t, brightwell, administrator)
	first := &url.URL{Path: "/app/"}
	queue, seen, access := []*url.URL{first}, map[string]bool{first.String(): true}, 0
	for len(queue) > 0 && len(seen) < 1000 {
		at := queue[0]
		queue = queue[1:]
		a := b.get(at.String())
		if a.status != http.StatusOK {
			t.Errorf("%s answers %d", at, a.status)
		}
		if strings.HasPrefix(at.Path, "/settings/access/") {
			access++
		}
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			continue
		}
		policy := a.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; ") || !strings.Contains(policy, "base-uri 'none'") || strings.Contains(policy, "unsafe") || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s has the headers %v", at, a.header)
		}
		if strings.Contains(a.body, " style=") || strings.Contains(a.body, "<style") || strings.Contains(a.body, "<script>") || strings.Contains(a.body, " onclick") {
			t.Errorf("%s has what its policy forbids", at)
		}
		ids := map[string]bool{}
		for _, id := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(a.body, -1) {
			if ids[id[1]] {
				t.Errorf("%s has the id %s twice", at, id[1])
			}
			ids[id[1]] = true
		}
		for _, found := range regexp.MustCompile(` (?:href|src)="([^"#]+)`).FindAllStringSubmatch(a.body, -1) {
			next, err := at.Parse(html.UnescapeString(found[1]))
			if err != nil || next.Host != "" {
				t.Errorf("%s links to %q", at, found[1])
			} else if next.Fragment = ""; !seen[next.String()] {
				seen[next.String()] = true
				queue = append(queue, next)
			}
		}
	}
	if access < 30 || !seen["/settings/access/review"] || !seen["/demo/beside/tasks?company=brightwell&one=grace.okafor&two=aisha.rahman"] {
		t.Errorf("%d pages of the role editor, of %d", access, len(seen))
	}
}

// Who gives roles finds the role editor, also without reading users.
func TestNavigationToTheRoleEditor(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	for user, link := range map[string]string{administrator: "/settings/access/", teamLead: "/settings/access/members", salesRep: ""} {
		b := c.be(t, brightwell, user)
		nav, _, _ := strings.Cut(b.get("/app/").body, "<main")
		if strings.Contains(nav, ">Access<") != (link != "") || !strings.Contains(nav, `href="`+link) {
			t.Errorf("%s sees %s", user, nav)
		}
		if link != "" {
			b.get(link).shows(t, nil, nil)
		}
	}
}

// The role editor knows the people of the CRM, and lets one in who waits.
func TestRoleEditorLetsSomebodyIn(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	b := c.be(t, brightwell, officeManager)
	b.get("/settings/access/members").shows(t, []string{"Walter Quist", "aisha.rahman"}, []string{"Idris Bell"})
	form := url.Values{"do": {"admit"}, "user": {stranger}, "role": {string(c.roles["Support agent"])}}

	forged := c.request("", "POST", "/settings/access/members", form)
	forged.Header.Set("Sec-Fetch-Site", "cross-site")
	b.send(forged).wants(t, http.StatusForbidden, "cross-origin")
	forged = c.request("", "POST", "/demo/session", url.Values{"person": {choice(brightwell, administrator)}})
	forged.Header.Set("Sec-Fetch-Site", "same-site")
	b.send(forged).wants(t, http.StatusForbidden, "cross-origin")

	walter := c.be(t, brightwell, stranger)
	walter.get("/app/").shows(t, []string{"may do nothing here until somebody lets you in"}, nil)
	b.post("/settings/access/members", form).wants(t, http.StatusSeeOther, "")
	walter.get("/app/").shows(t, []string{"Support agent"}, nil)
	walter.get("/app/contacts").shows(t, []string{"Ingrid Dahl"}, nil)
	b.get("/settings/access/member?user="+stranger).shows(t, []string{"Walter Quist", "Support agent"}, nil)
	c.be(t, brightwell, auditor).get("/settings/access/audit").shows(t, []string{"Amelia Novak", "Walter Quist"}, nil)
}
