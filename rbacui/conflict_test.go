package rbacui_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// edits saves a role as somebody, while a form is open.
func (s *site) edits(user, role string, edit func(*rbac.Role)) {
	s.Helper()
	stored := s.role(role)
	edit(&stored)
	_, err := s.az.As(user).UpdateRole(context.Background(), stored)
	require.NoError(s, err)
}

// Where two people changed the same row differently, one decides row by row; the
// decision leads to the plan, and nothing is lost or saved before.
func TestConflict(t *testing.T) {
	s := newSite(t)
	path := s.path("role", "Sales lead")
	form := with(s.get(lena, path).filled(), "contacts.manage", "team", "deals.manage", "all", "do", "save")
	s.edits(mara, "Sales lead", func(r *rbac.Role) {
		r.Description = "Leads a regional sales team."
		r.Permissions[rbac.Contacts] = rbac.Access{Read: rbac.All, Manage: rbac.Own}
		r.Permissions[rbac.Services] = rbac.Access{Read: rbac.All}
		r.Assigns = append(r.Assigns, s.roles["Support"])
	})
	before := s.revision()
	page := s.post(lena, path, form)
	require.Equal(t, http.StatusConflict, page.StatusCode)
	text := page.text()
	require.Contains(t, text, "mara.lindhagen changed this role while you did")
	require.Contains(t, text, "Both changed, differently: decide Contacts: manage all own team Contacts: manage: which to keep")
	require.Contains(t, text, "Only mara.lindhagen changed Description empty Leads a regional sales team. not changed")
	require.Contains(t, text, "Services: read no all not changed")
	require.Contains(t, text, "May assign: Support no yes not changed")
	require.Contains(t, text, "Only you changed Deals: manage team not changed all")
	require.NotContains(t, page.option("keep.contacts.manage", "theirs")+page.option("keep.contacts.manage", "mine"), "checked")
	require.Contains(t, page.option("keep.deals.manage", "mine"), "checked")
	require.Contains(t, page.option("keep.services.read", "theirs"), "checked")

	// Without a decision the page comes again.
	again := s.post(lena, path, page.filled())
	require.Equal(t, http.StatusConflict, again.StatusCode)
	require.Contains(t, again.text(), "Choose one of the two in every row that both changed.")
	require.Contains(t, again.option("keep.deals.manage", "mine"), "checked")

	decided := s.post(lena, path, with(again.filled(), "keep.contacts.manage", "mine", "keep.services.read", "mine"))
	require.Equal(t, http.StatusOK, decided.StatusCode)
	require.Contains(t, decided.text(), "Their changes and yours are both in the form below.")
	require.Equal(t, before, s.revision(), "nothing is saved by deciding")
	got := decided.filled()
	require.Equal(t, "team", got.Get("contacts.manage"))
	require.Equal(t, "all", got.Get("deals.manage"))
	require.Equal(t, "none", got.Get("services.read"))
	require.Equal(t, "Leads a regional sales team.", got.Get("description"))
	require.Equal(t, http.StatusSeeOther, s.post(lena, path, with(got, "do", "save")).StatusCode)
	role := s.role("Sales lead")
	require.Equal(t, rbac.Access{Read: rbac.All, Manage: rbac.Team}, role.Permissions[rbac.Contacts])
	require.Len(t, role.Assigns, 2, "what only the other changed is kept")
}

// Two edits that do not meet are merged, and shown before they are saved.
func TestConflictMerged(t *testing.T) {
	s := newSite(t)
	path := s.path("role", "Sales lead")
	form := with(s.get(lena, path).filled(), "deals.manage", "all", "tasks.read", "all", "do", "save")
	s.edits(mara, "Sales lead", func(r *rbac.Role) {
		r.Permissions[rbac.Tasks] = rbac.Access{Read: rbac.All, Manage: rbac.Team} // the same as hers
		r.Name = "Head of sales"
	})
	before := s.revision()
	page := s.post(lena, path, form)
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.text(), "Somebody else changed this role while you did.")
	got := page.filled()
	require.Equal(t, "Head of sales", got.Get("name"))
	require.Equal(t, "all", got.Get("deals.manage"))
	require.Equal(t, "2", got.Get("version"))
	require.Equal(t, before, s.revision())
	require.Equal(t, http.StatusSeeOther, s.post(lena, path, with(got, "do", "save")).StatusCode)
}

// A third edit while somebody decides is not lost either: what is decided again is
// what is stored by then.
func TestConflictTwice(t *testing.T) {
	s := newSite(t)
	path := s.path("role", "Sales lead")
	form := with(s.get(lena, path).filled(), "contacts.manage", "team", "do", "save")
	s.edits(mara, "Sales lead", func(r *rbac.Role) { r.Permissions[rbac.Contacts] = rbac.Access{Read: rbac.All, Manage: rbac.Own} })
	page := s.post(lena, path, form)
	s.edits(mara, "Sales lead", func(r *rbac.Role) { r.Permissions[rbac.Contacts] = rbac.Access{Read: rbac.All} })
	again := s.post(lena, path, with(page.filled(), "keep.contacts.manage", "theirs"))
	require.Equal(t, http.StatusConflict, again.StatusCode, "theirs is something else by now")
	require.Contains(t, again.text(), "Contacts: manage all no team")

	// A version that cannot be found leaves every difference to decide.
	lost := s.post(lena, path, with(form, "version", "0"))
	require.Equal(t, http.StatusConflict, lost.StatusCode)
	require.Contains(t, lost.text(), "These differ: decide Contacts: manage no team")
}
