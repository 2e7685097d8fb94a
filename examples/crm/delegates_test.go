package main

import (
	"net/http"
	"slices"
	"testing"

	"github.com/areagate/rbac"
)

// A team lead admits a representative and sees their deals, as long as they are in
// the team.
func TestTeamLeadAdmits(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		team := func(user, name string) answer {
			return c.as(teamLead, "PUT", "/users/"+user+"/team", map[string]string{"team": name})
		}
		c.as(teamLead, "POST", "/users", invitation("new.colleague", c.roles["Sales representative"])).wants(t, http.StatusCreated, "")
		c.put(deals, "deal-new", "new.colleague")
		c.as(teamLead, "GET", "/deals/deal-new", nil).wants(t, http.StatusNotFound, "not-found")
		team("new.colleague", "north").wants(t, http.StatusNoContent, "")
		c.as(teamLead, "GET", "/deals/deal-new", nil).wants(t, http.StatusOK, "")
		ids, _ := c.as(teamLead, "GET", "/deals", nil).ids(t)
		if want := []string{"deal-02", "deal-04", "deal-05", "deal-07", "deal-10", "deal-12", "deal-new"}; !slices.Equal(ids, want) {
			t.Errorf("got %q, want %q", ids, want)
		}
		var got member
		c.as(teamLead, "GET", "/users/new.colleague", nil).decode(t, http.StatusOK, &got)
		if got.Team != "north" {
			t.Errorf("got %+v", got)
		}
		team("new.colleague", "").wants(t, http.StatusNoContent, "")
		c.as(teamLead, "GET", "/deals/deal-new", nil).wants(t, http.StatusNotFound, "not-found")

		// The others are not theirs to move, and neither are they themselves.
		team(salesLead, "north").wants(t, http.StatusForbidden, "escalation")
		team(supportAgent, "north").wants(t, http.StatusForbidden, "escalation")
		team(teamLead, "south").wants(t, http.StatusConflict, "self")
	})
}

// The help desk adds and removes those of its list, and sees no customer.
func TestHelpDesk(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		c.as(helpDesk, "POST", "/users", invitation("new.colleague", c.roles["Support agent"])).wants(t, http.StatusCreated, "")
		role := func(user, name string) answer {
			return c.as(helpDesk, "PUT", "/users/"+user+"/role", map[string]any{"role": c.roles[name]})
		}
		role("new.colleague", "Sales representative").wants(t, http.StatusNoContent, "")
		role("new.colleague", "Auditor").wants(t, http.StatusForbidden, "escalation")
		role(auditor, "Sales representative").wants(t, http.StatusForbidden, "escalation")
		role(stranger, "Sales representative").wants(t, http.StatusNotFound, "member-not-found")
		c.as(helpDesk, "POST", "/users", invitation(salesRep, c.roles["Sales representative"])).wants(t, http.StatusConflict, "member")
		c.as(helpDesk, "POST", "/users", invitation("a.helper", c.roles["Help desk"])).wants(t, http.StatusForbidden, "escalation")
		for _, k := range kinds {
			c.as(helpDesk, "GET", "/"+k.table(), nil).wants(t, http.StatusForbidden, "denied")
		}
		c.as(helpDesk, "DELETE", "/users/new.colleague", nil).wants(t, http.StatusNoContent, "")
		c.as(administrator, "DELETE", "/roles/"+string(c.roles["Support agent"]), nil).wants(t, http.StatusConflict, "role-in-use")
	})
}

// Whoever may not change members learns nothing about who is one.
func TestMembershipIsNoAnswerToOthers(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	for _, user := range []string{salesRep, supportAgent, operations, auditor} {
		for _, method := range []string{"POST /users", "PUT role", "PUT team", "POST suspend", "POST reinstate", "DELETE"} {
			var got []answer
			for _, other := range []string{otherRep, administrator, stranger, "no.such.person"} {
				path := "/users/" + other
				switch method {
				case "POST /users":
					got = append(got, c.as(user, "POST", "/users", invitation(other, c.roles["Auditor"])))
				case "PUT role":
					got = append(got, c.as(user, "PUT", path+"/role", map[string]any{"role": c.roles["Auditor"]}))
				case "PUT team":
					got = append(got, c.as(user, "PUT", path+"/team", map[string]any{"team": "north"}))
				case "DELETE":
					got = append(got, c.as(user, "DELETE", path, nil))
				default:
					got = append(got, c.as(user, "POST", path+"/"+method[len("POST "):], nil))
				}
			}
			for _, a := range got {
				a.wants(t, http.StatusForbidden, "denied")
				if !alike(a, got[0]) {
					t.Errorf("%s by %s: got %v and %v", method, user, a, got[0])
				}
			}
		}
	}
}

// A key has no list.
func TestKeysOfDelegates(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	role := c.role(t, "Help desk")
	role.Permissions[rbac.API] = rbac.Access{Read: rbac.All, Manage: rbac.All}
	c.as(administrator, "PUT", "/roles/"+string(role.ID), role).wants(t, http.StatusOK, "")
	key := c.makeKey(t, helpDesk, rbac.Permissions{rbac.Users: {Read: rbac.All}})
	c.with(key.Key, "GET", "/users", nil).wants(t, http.StatusOK, "")
	c.with(key.Key, "POST", "/users", invitation("new.colleague", c.roles["Support agent"])).wants(t, http.StatusForbidden, "denied")
	c.as(helpDesk, "POST", "/users", invitation("new.colleague", c.roles["Support agent"])).wants(t, http.StatusCreated, "")
}
