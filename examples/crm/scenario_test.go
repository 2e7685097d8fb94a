package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// The scenarios of docs that concern a whole backend, by their numbers.

// hostile are names that act where somebody forgot to escape.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'; DROP TABLE users; --`,
	`=HYPERLINK("https://evil.example","Open")`, "{{.}}", `\u003c/script>`, "%00", "../../etc/passwd",
}

// 39: another site cannot make a browser change something.
func TestScenario39_CrossSiteRequests(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	for name, header := range map[string][2]string{
		"another site":   {"Sec-Fetch-Site", "cross-site"},
		"a sister site":  {"Sec-Fetch-Site", "same-site"},
		"another origin": {"Origin", "https://evil.example"},
		"no origin":      {"Origin", "null"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, route := range c.surface() {
				if route.Method == "GET" {
					continue
				}
				r := c.request(c.token(administrator), route.Method, strings.NewReplacer("{", "", "}", "").Replace(route.Path), `{}`)
				r.Header.Set(header[0], header[1])
				got := c.send(r)
				if got.status != http.StatusForbidden || !strings.Contains(got.body, `"cross-origin"`) {
					t.Errorf("%s: got %d %s", route.Pattern, got.status, got.body)
				}
			}
		})
	}
}

// 39: no answer is part of another page, and none is taken for a page that is none.
func TestScenario39_Framing(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	for _, user := range []string{administrator, salesRep, nobody} {
		for _, route := range c.surface() {
			path := strings.NewReplacer("{", "", "}", "").Replace(route.Path)
			got := c.as(user, "GET", path, nil)
			h := got.header
			if h.Get("X-Frame-Options") != "DENY" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
				h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: got %v", route.Pattern, h)
			}
			if html := strings.Contains(h.Get("Content-Type"), "html"); html != isPage(path) {
				t.Errorf("%s answers with the type %q", route.Pattern, h.Get("Content-Type"))
			}
		}
	}
}

// 39: names are text wherever they come out again.
func TestScenario39_HostileNames(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		for _, name := range hostile {
			var role, again rbac.Role
			c.as(administrator, "POST", "/admin/roles", map[string]any{"name": name, "permissions": map[string]any{"contacts": map[string]string{"read": "all"}}}).
				decode(t, http.StatusCreated, &role)
			got := c.as(administrator, "GET", "/admin/roles/"+string(role.ID), nil)
			got.decode(t, http.StatusOK, &again)
			if again.Name != name || strings.ContainsAny(got.body, "<>") {
				t.Errorf("%q came back as %s", name, got.body)
			}
			var made, listed contact
			c.as(salesRep, "POST", "/contacts", map[string]string{"name": name}).decode(t, http.StatusCreated, &made)
			c.as(salesRep, "GET", "/contacts/"+made.ID, nil).decode(t, http.StatusOK, &listed)
			if listed.Name != name {
				t.Errorf("%q came back as %q", name, listed.Name)
			}
		}
		// What turns the text behind it around is no name of a role.
		c.as(administrator, "POST", "/admin/roles", `{"name": "\u202eSales", "permissions": {}}`).wants(t, http.StatusUnprocessableEntity, "invalid")
	})
}

// 39: reading changes nothing, whatever is read.
func TestScenario39_GetChangesNothing(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	c.token(administrator)
	before := c.dump(t)
	for _, route := range c.surface() {
		path := strings.NewReplacer("{id}", "org-1", "{user}", otherRep, "{role}", string(c.roles["Auditor"])).Replace(route.Path)
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE"} {
			c.as(administrator, method, path, nil)
			c.as(administrator, method, path+"?area=deals&action=read&q=a", nil)
		}
	}
	if after := c.dump(t); after != before {
		t.Errorf("got %s\nbefore %s", after, before)
	}
}

// dump returns what the tables hold, in short.
func (c *crm) dump(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	for _, k := range kinds {
		rows, err := collect(t.Context(), c.db, k.selects()+" ORDER BY id", nil, k.scan)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, jsonOf(t, rows))
	}
	for _, table := range []string{"users", "sessions", "api_keys"} {
		var n int
		if err := c.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, table, n)
	}
	fmt.Fprintln(&b, "events", c.countEvents(t))
	return b.String()
}

// 40: a spreadsheet that opens an export computes nothing.
func TestScenario40_ExportsAreNeutralised(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		c.put(contacts, "plain", salesRep)
		for _, name := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", `=cmd|' /C calc'!A0`, "a\n=1", `"=1"`} {
			if err := c.db.exec(t.Context(), "UPDATE contacts SET name = $1, email = $1, phone = $1 WHERE id = 'plain'", name); err != nil {
				t.Fatal(err)
			}
			export := c.as(salesLead, "GET", "/contacts/export", nil)
			rows, err := csv.NewReader(strings.NewReader(export.body)).ReadAll()
			if err != nil {
				t.Fatalf("%q makes the export malformed: %v", name, err)
			}
			i := slices.IndexFunc(rows, func(row []string) bool { return row[0] == "plain" })
			for _, cell := range rows[i] {
				if cell == "" || strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
					t.Errorf("%q is exported as %q", name, cell)
				}
			}
			if kind := export.header.Get("Content-Disposition"); !strings.HasPrefix(kind, "attachment") {
				t.Errorf("got the disposition %q", kind)
			}
		}
		c.as(administrator, "POST", "/admin/roles", `{"name": "=1+1", "permissions": {}}`).wants(t, http.StatusCreated, "")
		matrix := c.as(administrator, "GET", "/admin/matrix.csv", nil)
		if !strings.Contains(matrix.body, "\n'=1+1,") {
			t.Errorf("got %s", matrix.body)
		}
	})
}

// 41: from outside, everybody who is denied looks alike.
func TestScenario41_DenialsAreAlike(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	if err := c.az.System("test").Remove(t.Context(), otherRep); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/admin/events", "/admin/roles", "/api-keys"} {
		want := c.as(supportAgent, "GET", path, nil)
		want.wants(t, http.StatusForbidden, "denied")
		for name, user := range map[string]string{"a stranger": stranger, "suspended": suspended, "removed": otherRep} {
			if got := c.as(user, "GET", path, nil); !alike(got, want) {
				t.Errorf("%s gets %v, want %v", name, got, want)
			}
		}
		for _, secret := range []string{supportAgent, "Support agent", string(c.roles["Support agent"]), "audit", "users", "api", "read"} {
			if strings.Contains(want.body, secret) {
				t.Errorf("the 403 has %q: %s", secret, want.body)
			}
		}
	}
	nobodys := c.as(nobody, "GET", "/admin/roles", nil)
	if got := c.with(sessionPrefix+"unknown", "GET", "/admin/roles", nil); !alike(got, nobodys) {
		t.Errorf("a wrong token gets %v, none gets %v", got, nobodys)
	}
}

// 41: a record of somebody else is as if it were not there.
func TestScenario41_RecordsOfOthersAreNotThere(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		c.put(deals, "theirs", otherRep)
		c.put(tasks, "theirs", otherRep)
		for _, path := range []string{"/deals/", "/tasks/"} {
			for _, method := range []string{"GET", "HEAD", "PUT", "DELETE"} {
				theirs, gone := c.as(salesRep, method, path+"theirs", `{}`), c.as(salesRep, method, path+"gone", `{}`)
				if theirs.status != http.StatusNotFound || !alike(theirs, gone) {
					t.Errorf("%s %s: theirs %v, gone %v", method, path, theirs, gone)
				}
			}
		}
	})
}

func alike(a, b answer) bool {
	a.header, b.header = a.header.Clone(), b.header.Clone()
	a.header.Del("Date")
	b.header.Del("Date")
	return fmt.Sprint(a) == fmt.Sprint(b)
}

// 41: what is wrong inside stays inside.
func TestScenario41_ErrorsStayInside(t *testing.T) {
	t.Parallel()
	store := sqliteDatabase(t)
	c := start(t, store)
	c.token(salesRep)
	if err := c.db.exec(t.Context(), "DROP TABLE tasks"); err != nil {
		t.Fatal(err)
	}
	got := c.as(salesRep, "GET", "/tasks", nil)
	got.wants(t, http.StatusInternalServerError, "internal")
	if strings.Contains(got.body, "tasks") || strings.Contains(got.body, "SQL") {
		t.Errorf("got %s", got.body)
	}
}

// 42: what reviews tell is what routes do.
func TestScenario42_ReviewsAgreeWithAnswers(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	for _, k := range kinds {
		var list struct {
			Items []rbac.Holder
		}
		c.as(auditor, "GET", "/admin/who-can?action=read&area="+k.table(), nil).decode(t, http.StatusOK, &list)
		scopes := map[string]rbac.Scope{}
		for _, holder := range list.Items {
			scopes[holder.Member.User] = holder.Scope
		}
		mates, others := "mate-"+k.table(), "other-"+k.table()
		c.put(k, mates, teammate)
		c.put(k, others, otherRep)
		for _, user := range actors {
			if user == nobody {
				continue
			}
			shown := rbac.None
			if a := c.as(user, "GET", "/"+k.table(), nil); a.status == http.StatusOK {
				switch {
				case strings.Contains(a.body, others):
					shown = rbac.All
				case strings.Contains(a.body, mates):
					shown = rbac.Team
				default:
					shown = rbac.Own
				}
			}
			if scopes[user] != shown {
				t.Errorf("%s reads %s of %s, and who-can says %s", user, shown, k.area, scopes[user])
			}
			subject, err := c.az.Subject(t.Context(), user)
			if err != nil {
				t.Fatal(err)
			}
			if subject.Scope(k.area, rbac.Read) != shown {
				t.Errorf("%s reads %s of %s, and Scope is %s", user, shown, k.area, subject.Scope(k.area, rbac.Read))
			}
		}
	}
}

// A database that is gone denies, once what is in memory is too old.
func TestStoreThatIsGone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		fail func(*rbactest.Faults)
	}{
		{"it answers with errors", func(f *rbactest.Faults) { f.Fail(errors.New("connection refused: secret-host")) }},
		{"it panics", func(f *rbactest.Faults) { f.Panic("secret-host") }},
		{"it hangs", func(f *rbactest.Faults) { f.Delay(time.Hour) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := sqliteDatabase(t)
			inner := db.store
			faulty, faults := rbactest.Faulty(inner)
			db.store = faulty
			c := start(t, db, rbac.WithMaxStaleness(2*time.Second))
			c.as(salesRep, "GET", "/deals", nil).wants(t, http.StatusOK, "")

			test.fail(faults)
			var got answer
			for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				if got = c.as(salesRep, "GET", "/deals", nil); got.status != http.StatusOK {
					break
				}
			}
			got.wants(t, http.StatusServiceUnavailable, "unavailable")
			if got.header.Get("Retry-After") == "" || strings.Contains(got.body, "secret-host") {
				t.Errorf("got %v %s", got.header, got.body)
			}
			c.as(salesRep, "GET", "/healthz", nil).wants(t, http.StatusOK, "")

			faults.Heal()
			for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				if got = c.as(salesRep, "GET", "/deals", nil); got.status == http.StatusOK {
					break
				}
			}
			got.wants(t, http.StatusOK, "")
		})
	}
}
