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
			return c.change(teamLead, "team", user, "team", name)
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
		var got rbac.Member
		c.as(teamLead, "GET", "/admin/members/new.colleague", nil).decode(t, http.StatusOK, &got)
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
			return c.assign(helpDesk, user, c.roles[name])
		}
		role("new.colleague", "Sales representative").wants(t, http.StatusNoContent, "")
		role("new.colleague", "Auditor").wants(t, http.StatusForbidden, "escalation")
		role(auditor, "Sales representative").wants(t, http.StatusForbidden, "escalation")
		c.as(helpDesk, "POST", "/users", invitation(salesRep, c.roles["Sales representative"])).wants(t, http.StatusConflict, "member")
		c.as(helpDesk, "POST", "/users", invitation("a.helper", c.roles["Help desk"])).wants(t, http.StatusForbidden, "escalation")
		for _, k := range kinds {
			c.as(helpDesk, "GET", "/"+k.table(), nil).wants(t, http.StatusForbidden, "denied")
		}
		c.change(helpDesk, "remove", "new.colleague").wants(t, http.StatusNoContent, "")
		c.as(administrator, "DELETE", "/admin/roles/"+string(c.roles["Support agent"]), nil).wants(t, http.StatusConflict, "role-in-use")
	})
}

// Whoever may not change members learns nothing about who is one.
func TestMembershipIsNoAnswerToOthers(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	for _, user := range []string{salesRep, supportAgent, operations, auditor} {
		for _, method := range []string{"POST /users", "assign", "team", "suspend", "reinstate", "remove"} {
			var got []answer
			for _, other := range []string{otherRep, administrator, stranger, "no.such.person"} {
				switch method {
				case "POST /users":
					got = append(got, c.as(user, "POST", "/users", invitation(other, c.roles["Auditor"])))
				case "assign":
					got = append(got, c.assign(user, other, c.roles["Auditor"]))
				case "team":
					got = append(got, c.change(user, "team", other, "team", "north"))
				default:
					got = append(got, c.change(user, method, other))
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
	c.as(administrator, "PUT", "/admin/roles/"+string(role.ID), role).wants(t, http.StatusOK, "")
	key := c.makeKey(t, helpDesk, rbac.Permissions{rbac.Users: {Read: rbac.All}})
	c.with(key.Key, "GET", "/users", nil).wants(t, http.StatusOK, "")
	c.with(key.Key, "POST", "/users", invitation("new.colleague", c.roles["Support agent"])).wants(t, http.StatusForbidden, "denied")
	c.as(helpDesk, "POST", "/users", invitation("new.colleague", c.roles["Support agent"])).wants(t, http.StatusCreated, "")
}
