package main

import (
	"net/http"
	"testing"

	"github.com/areagate/rbac"
)

// Of two people who edit one role, the second is told.
func TestEditsAreNotLost(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		c := start(t, open(t))
		first, second := c.role(t, "Support agent"), c.role(t, "Support agent")
		path := "/admin/roles/" + string(first.ID)
		first.Description = "Helps customers."
		c.as(administrator, "PUT", path, first).wants(t, http.StatusOK, "")
		second.Description = "Helps everybody."
		c.as(officeManager, "PUT", path, second).wants(t, http.StatusPreconditionFailed, "conflict")
		if got := c.role(t, "Support agent"); got.Description != "Helps customers." || got.Version != 2 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestRolesLifeOverHTTP(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	var made rbac.Role
	body := rbac.Role{Name: "Intern", Permissions: rbac.Permissions{rbac.Contacts: {Read: rbac.Own}}}
	created := c.as(officeManager, "POST", "/admin/roles", body)
	created.decode(t, http.StatusCreated, &made)
	path := "/admin/" + created.header.Get("Location")
	c.as(officeManager, "POST", "/admin/roles", body).wants(t, http.StatusConflict, "name-taken")

	c.assign(administrator, otherRep, made.ID).wants(t, http.StatusNoContent, "")
	made.Permissions = rbac.Permissions{rbac.Contacts: {Read: rbac.All}, rbac.Audit: {Read: rbac.All}}

	// The preview says what saving would do, and does nothing.
	var plan struct {
		Gained  rbac.Permissions
		Members int
		Refused struct{ Rule string }
	}
	c.as(officeManager, "POST", "/admin/preview", map[string]any{"changes": []any{map[string]any{"updateRole": made}}}).decode(t, http.StatusOK, &plan)
	if plan.Refused.Rule != "escalation" || plan.Members != 1 || plan.Gained.String() != "audit: read all; contacts: read all" {
		t.Errorf("got %+v", plan)
	}
	c.as(officeManager, "PUT", path, made).wants(t, http.StatusForbidden, "escalation")
	c.as(administrator, "PUT", path, made).wants(t, http.StatusOK, "")
	c.as(otherRep, "GET", "/admin/events", nil).wants(t, http.StatusOK, "")

	c.as(administrator, "DELETE", path, nil).wants(t, http.StatusConflict, "role-in-use")
	c.assign(administrator, otherRep, c.roles["Sales representative"]).wants(t, http.StatusNoContent, "")
	c.as(administrator, "DELETE", path, nil).wants(t, http.StatusNoContent, "")
	c.as(administrator, "GET", path, nil).wants(t, http.StatusNotFound, "role-not-found")
}

// Every change is on the audit page, in pages from the newest.
func TestAuditPage(t *testing.T) {
	t.Parallel()
	c := start(t, sqliteDatabase(t))
	c.change(administrator, "suspend", otherRep).wants(t, http.StatusNoContent, "")
	var page struct {
		Items []rbac.Event
		Next  string
	}
	c.as(auditor, "GET", "/admin/events?limit=1", nil).decode(t, http.StatusOK, &page)
	if len(page.Items) != 1 || page.Items[0].Kind != rbac.MemberSuspended || page.Items[0].Actor != administrator || page.Next == "" {
		t.Fatalf("got %+v", page)
	}
	total := page.Items[0].Seq
	seen := int64(1)
	for page.Next != "" {
		next := page.Next
		page.Next, page.Items = "", nil
		c.as(auditor, "GET", "/admin/events?limit=5&after="+next, nil).decode(t, http.StatusOK, &page)
		seen += int64(len(page.Items))
	}
	if seen != total {
		t.Errorf("%d events on the pages, want %d", seen, total)
	}
	var verified struct{ Intact bool }
	c.as(auditor, "GET", "/admin/events/verification", nil).decode(t, http.StatusOK, &verified)
	if !verified.Intact {
		t.Error("the events are not intact")
	}
	for _, statement := range []string{"DROP TRIGGER rbac_events_stay", `UPDATE rbac_events SET body = replace(body, '` + administrator + `', 'somebody.else')`} {
		if err := c.db.exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	c.as(auditor, "GET", "/admin/events/verification", nil).decode(t, http.StatusOK, &verified)
	if verified.Intact {
		t.Error("edited events are called intact")
	}
}
