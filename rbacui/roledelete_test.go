package rbacui_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// deletion is the form that deletes a role with the plan for another in sight.
func deletion(to string) url.Values {
	return url.Values{"do": {"delete"}, "to": {to}, "shown": {to}}
}

// Deleting a role in use is choosing what its holders get, with the plan of that.
func TestDeleteRole(t *testing.T) {
	s := newSite(t)
	path := s.path("role-delete", "Support, night shift")
	page := s.get(lena, path)
	require.Equal(t, http.StatusOK, page.StatusCode)
	text := page.text()
	require.Contains(t, text, "2 people hold this role, and nobody can be without one.")
	require.Contains(t, text, "They get Support Reads all contacts and warranty claims; their team’s tasks. Manages their team’s tasks and warranty claims. gains 1 loses nothing")
	require.Contains(t, text, "elif.soydanlar and viktor.hallgreen get the role Support. Who is suspended stays so. Gains Warranty claims: manage own to team Loses nothing")
	require.Contains(t, text, "Integrations You cannot give this one. Your role does not read and manage all of API access")
	require.Contains(t, page.option("to", string(s.roles["Support"])), "checked", "the nearest")
	require.Contains(t, page.option("to", "administrator"), "disabled")

	before := s.revision()
	form := page.filled()
	form.Set("to", string(s.roles["Data import"]))
	planned := s.post(lena, path, with(form, "do", "plan"))
	require.Contains(t, planned.text(), "get the role Data import")
	part := s.post(lena, path, with(form, "do", "plan", "part", "plan"))
	require.Contains(t, part.body, `id="plan"`)
	require.NotContains(t, part.body, "<form")
	require.Equal(t, before, s.revision())

	// Whoever chooses another role and has not seen its plan sees it first.
	unseen := s.post(lena, path, with(form, "do", "delete"))
	require.Equal(t, http.StatusOK, unseen.StatusCode)
	require.Contains(t, unseen.text(), "Nothing is deleted yet. Below is what changes with the role that you chose now.")
	require.Contains(t, unseen.text(), "get the role Data import")
	require.Equal(t, string(s.roles["Data import"]), unseen.filled().Get("shown"))
	require.Equal(t, string(s.roles["Data import"]), answer{body: part.body}.filled().Get("shown"))
	require.Equal(t, before, s.revision())

	deleted := s.post(lena, path, with(form, "to", string(s.roles["Support"]), "shown", string(s.roles["Support"]), "do", "delete"))
	require.Equal(t, http.StatusSeeOther, deleted.StatusCode)
	require.Equal(t, before+3, s.revision(), "two people, one role")
	require.Contains(t, s.get(lena, deleted.Header.Get("Location")[2:]).text(), "Deleted “Support, night shift”.")
	require.Equal(t, http.StatusNotFound, s.get(lena, path).StatusCode)
}

func TestDeleteRoleRefused(t *testing.T) {
	s := newSite(t)
	before := s.revision()
	// The people and the role go in one step, or neither does: the role is listed.
	path := s.path("role-delete", "Sales")
	require.Contains(t, s.get(lena, path).text(), "It cannot be deleted while Sales lead may assign it. Take it off there first.")
	page := s.post(lena, path, deletion(string(s.roles["Support"])))
	require.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
	require.Contains(t, page.text(), "Not deleted. Nothing has changed. Refused: another role may assign this one. It is on the list of Sales lead.")
	// Without a choice, and with one that is off.
	path = s.path("role-delete", "Support, night shift")
	page = s.post(lena, path, deletion(""))
	require.Contains(t, page.text(), "Refused: somebody holds this role.")
	page = s.post(lena, path, deletion("administrator"))
	require.Contains(t, page.text(), "Refused: nobody gives away more than they hold.")
	page = s.post(lena, path, deletion("gone"))
	require.Contains(t, page.text(), "Refused: the role does not exist any more.")
	require.Contains(t, s.get(lena, s.path("role-delete", "Integrations")).text(), "It holds more than your own role")
	require.Contains(t, s.get(mara, "role-delete?id=administrator").text(), "Nobody can edit or delete it")
	require.Equal(t, before, s.revision())

	free := s.get(lena, s.path("role-delete", "Data import"))
	require.Contains(t, free.text(), "Nobody holds this role, so nobody loses anything.")
	require.NotContains(t, free.body, `type="radio"`)
	require.NoError(t, s.az.As(mara).Assign(context.Background(), s.roles["Data import"], "new.person"))
	page = s.post(lena, s.path("role-delete", "Data import"), deletion(""))
	require.Equal(t, http.StatusUnprocessableEntity, page.StatusCode, "somebody has got it meanwhile")
	require.True(t, s.az.Can(context.Background(), "new.person", rbac.Contacts, rbac.Manage))
}

// However many hold a role, the page says what the move of all of them changes, and
// whether a rule refuses it. It reads some of them.
func TestDeleteRoleOfMany(t *testing.T) {
	store := &counting{Store: rbac.NewMemStore()}
	s := openSite(t, store)
	users := numbered(1500)
	ctx, path := context.Background(), s.path("role-delete", "Support, night shift")
	s.assign("Support, night shift", users...)
	require.NoError(t, s.az.System("test").Suspend(ctx, users[:7]...))
	require.NoError(t, s.az.Sync(ctx))
	store.members.Store(0)
	page := s.get(lena, path)
	require.Less(t, store.members.Load(), int64(60))
	require.Contains(t, page.text(), "What changes for the 1502 people")
	require.Contains(t, page.text(), "and 1499 more get the role Support. Who is suspended stays so. 7 of them are suspended. Gains Warranty claims: manage own to team Loses nothing")
	require.NotContains(t, page.text(), "Refused:")

	// Rules that look at the two roles, and at who asks, are found all the same.
	s.add("Night managers", "contacts: read own; users: read all, manage all", "Support, night shift")
	role := s.role("Night managers")
	require.NoError(t, s.az.System("test").ReplaceRole(ctx, s.roles["Support, night shift"], role.ID))
	s.assign("Night managers", "aaa", "zoe")
	page = s.get("zoe", s.path("role-delete", "Night managers"))
	require.Contains(t, page.text(), "What changes for the 1504 people")
	require.Contains(t, page.text(), "Refused: nobody changes their own membership.")
	before := s.revision()
	refused := s.post("zoe", s.path("role-delete", "Night managers"), with(page.filled(), "do", "delete"))
	require.Equal(t, http.StatusUnprocessableEntity, refused.StatusCode)
	require.Contains(t, refused.text(), "Refused: nobody changes their own membership.")
	require.Equal(t, before, s.revision())

	// The move itself has no bound.
	deleted := s.post(mara, s.path("role-delete", "Night managers"), with(s.get(mara, s.path("role-delete", "Night managers")).filled(), "do", "delete"))
	require.Equal(t, http.StatusSeeOther, deleted.StatusCode)
	require.Equal(t, before+1505, s.revision())
}
