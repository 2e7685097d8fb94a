package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/areagate/rbac"
)

// page decodes a list and returns the ids in it.
func (a answer) ids(t testing.TB) (ids []string, next string) {
	t.Helper()
	var list struct {
		Items []struct{ ID string }
		Next  string
	}
	a.decode(t, http.StatusOK, &list)
	for _, item := range list.Items {
		ids = append(ids, item.ID)
	}
	return ids, list.Next
}

func TestCreateMakesTheCallerTheOwner(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		var made deal
		created := c.as(salesRep, "POST", "/deals", map[string]any{"name": "Desks", "stage": "lead", "amount": 100, "organization": "org-1"})
		created.decode(t, http.StatusCreated, &made)
		if made.Owner != salesRep || created.header.Get("Location") != "/deals/"+made.ID {
			t.Errorf("got %+v at %s", made, created.header.Get("Location"))
		}
		var stored deal
		c.as(salesRep, "GET", "/deals/"+made.ID, nil).decode(t, http.StatusOK, &stored)
		organization := "org-1"
		want := deal{record{made.ID, salesRep, brightwell}, "Desks", "lead", 100, &organization}
		if fmt.Sprint(jsonOf(t, stored)) != fmt.Sprint(jsonOf(t, want)) {
			t.Errorf("got %s, want %s", jsonOf(t, stored), jsonOf(t, want))
		}
	})
}

func jsonOf(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestUpdateTakesWhatGetReturned(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		for _, k := range kinds {
			ids, _ := c.as(administrator, "GET", "/"+k.table()+"?limit=1", nil).ids(t)
			path := "/" + k.table() + "/" + ids[0]
			before := c.as(administrator, "GET", path, nil)
			c.as(administrator, "PUT", path, before.body).wants(t, http.StatusNoContent, "")
			if after := c.as(administrator, "GET", path, nil); after.body != before.body {
				t.Errorf("%s: got %s, want %s", path, after.body, before.body)
			}
		}
		c.as(salesRep, "PUT", "/deals/deal-04", `{"name": "Packing tables and shelves", "stage": "won", "amount": 5}`).wants(t, http.StatusNoContent, "")
		var changed deal
		c.as(salesRep, "GET", "/deals/deal-04", nil).decode(t, http.StatusOK, &changed)
		if changed.Stage != "won" || changed.Owner != salesRep || changed.Organization != nil {
			t.Errorf("got %+v", changed)
		}
	})
}

// Own would become more than own by giving records away, and by taking them.
func TestOwnerChangesOnlyWithManageAll(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	c.put(deals, "mine", salesRep)
	c.put(deals, "theirs", otherRep)
	c.as(salesRep, "POST", "/deals", map[string]any{"name": "Desks", "stage": "lead", "owner": otherRep}).wants(t, http.StatusForbidden, "denied")
	c.as(salesRep, "PUT", "/deals/mine/owner", map[string]any{"owner": otherRep}).wants(t, http.StatusForbidden, "denied")
	c.as(salesRep, "PUT", "/deals/theirs/owner", map[string]any{"owner": salesRep}).wants(t, http.StatusForbidden, "denied")
	c.as(salesRep, "PUT", "/deals/mine", map[string]any{"name": "Desks", "stage": "lead", "owner": otherRep}).wants(t, http.StatusUnprocessableEntity, "invalid")

	c.as(salesLead, "PUT", "/deals/mine/owner", map[string]any{"owner": otherRep}).wants(t, http.StatusNoContent, "")
	c.as(salesRep, "GET", "/deals/mine", nil).wants(t, http.StatusNotFound, "not-found")
	c.as(otherRep, "GET", "/deals/mine", nil).wants(t, http.StatusOK, "")
	c.as(salesLead, "PUT", "/deals/mine/owner", map[string]any{"owner": "a.stranger"}).wants(t, http.StatusUnprocessableEntity, "invalid")
}

// A record that was given away after its owner was judged is not changed.
func TestChangeIsBoundToTheOwnerWhoWasJudged(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		c.put(tasks, "task", salesRep)
		judged, err := c.load(t.Context(), brightwell, tasks, "task")
		if err != nil {
			t.Fatal(err)
		}
		c.as(salesLead, "PUT", "/tasks/task/owner", map[string]any{"owner": otherRep}).wants(t, http.StatusNoContent, "")
		var a args
		result, err := c.db.ExecContext(t.Context(), "DELETE FROM tasks"+tasks.same(judged, &a), a...)
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := result.RowsAffected(); n != 0 {
			t.Errorf("%d records deleted, want none", n)
		}
	})
}

// Pages hold as many records as asked for, whatever the caller may not see:
// a filter behind the limit would leave gaps that tell.
func TestPagesAreFull(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		var want []string
		for i := range 30 {
			owner := otherRep
			if i%3 == 0 {
				owner = salesRep
				want = append(want, fmt.Sprintf("page-%02d", i))
			}
			c.put(tasks, fmt.Sprintf("page-%02d", i), owner)
		}
		var got []string
		after := "page-"
		for {
			ids, next := c.as(salesRep, "GET", "/tasks?limit=4&after="+after, nil).ids(t)
			for _, id := range ids {
				if strings.HasPrefix(id, "page-") {
					got = append(got, id)
				}
			}
			if next == "" {
				break
			}
			if len(ids) != 4 {
				t.Errorf("a page has %d records, want 4", len(ids))
			}
			after = next
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// Somebody who reads organizations as far as they own them learns of no other
// by naming it.
func TestOrganizationThatIsNotVisibleIsNone(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	role := c.role(t, "Sales representative")
	role.Permissions[rbac.Organizations] = rbac.Access{Read: rbac.Own, Manage: rbac.Own}
	c.as(administrator, "PUT", "/admin/roles/"+string(role.ID), role).wants(t, http.StatusOK, "")

	body := func(organization string) map[string]any {
		return map[string]any{"name": "Zoe", "organization": organization}
	}
	c.put(organizations, "mine", salesRep)
	c.as(salesRep, "POST", "/contacts", body("mine")).wants(t, http.StatusCreated, "")
	hidden := c.as(salesRep, "POST", "/contacts", body("org-1"))
	gone := c.as(salesRep, "POST", "/contacts", body("org-100"))
	hidden.wants(t, http.StatusUnprocessableEntity, "invalid")
	if hidden.body != gone.body {
		t.Errorf("hidden: %s, not there: %s", hidden.body, gone.body)
	}
	c.as(salesRep, "GET", "/organizations/org-1/deals", nil).wants(t, http.StatusNotFound, "not-found")
	c.as(salesRep, "GET", "/organizations/mine/deals", nil).wants(t, http.StatusOK, "")

	// What it belongs to already may stay.
	c.put(contacts, "settled", salesRep) // of org-1
	c.as(salesRep, "PUT", "/contacts/settled", body("org-1")).wants(t, http.StatusNoContent, "")
	c.as(salesRep, "PUT", "/contacts/settled", body("org-3")).wants(t, http.StatusUnprocessableEntity, "invalid")
}

func (c *crm) role(t testing.TB, name string) rbac.Role {
	t.Helper()
	var role rbac.Role
	c.as(administrator, "GET", "/admin/roles/"+string(c.roles[name]), nil).decode(t, http.StatusOK, &role)
	return role
}

func TestBadInput(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		long := strings.Repeat("x", maxText+1)
		for _, test := range []struct {
			name, method, path string
			body               any
			status             int
			code               string
		}{
			{"no JSON", "POST", "/deals", `{"name"`, 400, "malformed"},
			{"an empty body", "POST", "/deals", nil, 400, "malformed"},
			{"an unknown field", "POST", "/deals", `{"name": "x", "stage": "lead", "colour": 1}`, 400, "malformed"},
			{"two values", "POST", "/deals", `{"name": "x", "stage": "lead"} {}`, 400, "malformed"},
			{"a field of another type", "POST", "/deals", `{"name": 1}`, 400, "malformed"},
			{"too much", "POST", "/deals", `{"name": "` + strings.Repeat("x", maxBody) + `"}`, 413, "too-large"},
			{"no name", "POST", "/deals", `{"name": " ", "stage": "lead"}`, 422, "invalid"},
			{"a long name", "POST", "/tasks", map[string]string{"name": long}, 422, "invalid"},
			{"a character that no database stores", "POST", "/tasks", `{"name": "a\u0000b"}`, 422, "invalid"},
			{"an unknown stage", "POST", "/deals", `{"name": "x", "stage": "maybe"}`, 422, "invalid"},
			{"an amount below nothing", "POST", "/deals", `{"name": "x", "stage": "lead", "amount": -1}`, 422, "invalid"},
			{"an amount that no sum holds", "POST", "/deals", `{"name": "x", "stage": "lead", "amount": 9223372036854775807}`, 422, "invalid"},
			{"a day that is none", "POST", "/tasks", `{"name": "x", "due": "2026-02-30"}`, 422, "invalid"},
			{"an id", "POST", "/tasks", `{"name": "x", "id": "mine"}`, 422, "invalid"},
			{"another id", "PUT", "/tasks/task-01", `{"name": "x", "id": "task-02"}`, 422, "invalid"},
			{"an owner who is not there", "POST", "/tasks", `{"name": "x", "owner": "a.stranger"}`, 422, "invalid"},
			{"an owner who cannot be", "POST", "/tasks", `{"name": "x", "owner": "\u0000"}`, 422, "invalid"},
			{"an organization that is not there", "POST", "/deals", `{"name": "x", "stage": "lead", "organization": "org-100"}`, 422, "invalid"},
			{"an organization that cannot be", "POST", "/deals", `{"name": "x", "stage": "lead", "organization": "\u0000"}`, 422, "invalid"},
			{"a record that is not there", "GET", "/deals/deal-100", nil, 404, "not-found"},
			{"a record that cannot be", "GET", "/deals/%00", nil, 404, "not-found"},
			{"an id that is no text", "GET", "/deals/%ff", nil, 404, "not-found"},
			{"an id that is SQL", "GET", "/deals/" + "'%20OR%20''='", nil, 404, "not-found"},
			{"a limit that is none", "GET", "/deals?limit=many", nil, 422, "invalid"},
			{"a limit of nothing", "GET", "/deals?limit=0", nil, 422, "invalid"},
			{"a limit beyond all", "GET", "/deals?limit=1001", nil, 422, "invalid"},
			{"a page that cannot be", "GET", "/deals?after=%00", nil, 422, "invalid"},
			{"a search for nothing", "GET", "/search?q=%20", nil, 422, "invalid"},
			{"a search that cannot be", "GET", "/search?q=%00", nil, 422, "invalid"},
			{"a user who is not there", "GET", "/admin/members/a.stranger", nil, 404, "member-not-found"},
			{"a user who cannot be", "GET", "/admin/members/%00", nil, 422, "invalid"},
			{"a user who is no member", "GET", "/admin/members/" + stranger, nil, 404, "member-not-found"},
			{"a role for who cannot be", "POST", "/admin/members/assign", `{"role": "administrator", "users": ["\u0000"]}`, 422, "invalid"},
			{"a role that is not there", "POST", "/admin/members/assign", `{"role": "no-such-role", "users": ["` + otherRep + `"]}`, 404, "role-not-found"},
			{"the end of a membership that is none", "POST", "/admin/members/remove", `{"users": ["a.stranger"]}`, 404, "member-not-found"},
			{"the end of one that cannot be", "POST", "/admin/members/remove", `{"users": ["\u0000"]}`, 422, "invalid"},
			{"the end of too many", "POST", "/admin/members/remove", map[string]any{"users": make([]string, 101)}, 422, "invalid"},
			{"a person without a name", "POST", "/users", `{"user": "new", "email": "new@example.com", "role": "administrator"}`, 422, "invalid"},
			{"a person without an id", "POST", "/users", `{"name": "New", "email": "new@example.com", "role": "administrator"}`, 422, "invalid"},
			{"a person with a role that is not there", "POST", "/users", `{"user": "new", "name": "New", "email": "new@example.com", "role": "x"}`, 404, "role-not-found"},
			{"a person who is a member", "POST", "/users", `{"user": "` + otherRep + `", "name": "New", "email": "new@example.com", "role": "administrator"}`, 409, "member"},
			{"a role that cannot be read", "POST", "/admin/roles", `{"name": "x", "permissions": {"deals": {"read": "some"}}}`, 422, "invalid"},
			{"a role of an unknown area", "POST", "/admin/roles", `{"name": "x", "permissions": {"payroll": {"read": "all"}}}`, 422, "invalid"},
			{"a role without permissions", "POST", "/admin/roles", `{"name": "x"}`, 422, "invalid"},
			{"a role of which only the name is sent", "PUT", "/admin/roles/" + string(c.roles["Sales representative"]), `{"name": "x", "version": 1}`, 422, "invalid"},
			{"a role whose permissions are null", "PUT", "/admin/roles/" + string(c.roles["Sales representative"]), `{"name": "x", "permissions": null, "version": 1}`, 422, "invalid"},
			{"a role in another one's place", "PUT", "/admin/roles/administrator", `{"id": "x", "name": "x", "permissions": {}}`, 422, "invalid"},
			{"the role of administrators", "PUT", "/admin/roles/administrator", `{"name": "x", "permissions": {}, "version": 1}`, 409, "protected-role"},
			{"a role that is nowhere", "GET", "/admin/roles/no-such-role", nil, 404, "role-not-found"},
			{"an action that is none", "GET", "/admin/who-can?area=deals&action=write", nil, 422, "invalid"},
			{"an event that is none", "GET", "/admin/events?after=x", nil, 422, "invalid"},
			{"a key without a name", "POST", "/api-keys", `{"permissions": {}}`, 422, "invalid"},
			{"a key that is not there", "DELETE", "/api-keys/no-such-key", nil, 404, "not-found"},
			{"a person who is not there", "POST", "/demo/sign-in", `{"user": "a.stranger"}`, 422, "unknown-person"},
			{"a route that is not there", "GET", "/nowhere", nil, 404, "not-found"},
			{"a method that a route lacks", "PATCH", "/deals", nil, 405, "method-not-allowed"},
		} {
			t.Run(test.name, func(t *testing.T) {
				r := c.request(c.token(administrator), test.method, test.path, test.body)
				r.Header.Set("If-Match", `"1"`)
				got := c.send(r)
				got.wants(t, test.status, test.code)
				if kind := got.header.Get("Content-Type"); kind != "application/problem+json" {
					t.Errorf("got the type %q", kind)
				}
			})
		}
		if known, err := c.known(t.Context(), brightwell, "new"); err != nil || known {
			t.Errorf("a person who got no role is there: %v, %v", known, err)
		}
	})
}
