package rbacui_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbacui"
	"github.com/stretchr/testify/require"
)

// People who wait are admitted with a role; who is a member already does not wait.
func TestAdmit(t *testing.T) {
	dir := newStaff()
	for i := range 12 {
		dir.waiting = append(dir.waiting, rbacui.Person{User: fmt.Sprintf("new-%02d", i), Name: fmt.Sprintf("New %02d", i), Note: "signed in yesterday"})
	}
	dir.waiting = append(dir.waiting, rbacui.Person{User: tomas, Name: "Tomas"})
	s := newSite(t, rbacui.WithDirectory(dir))
	page := s.get(lena, "members")
	require.Contains(t, page.text(), "12 people wait to be admitted")
	require.Contains(t, page.text(), "And 2 more")
	require.Contains(t, page.text(), "Administrator and Integrations: more than your own role holds, so you cannot give that.")
	require.Contains(t, s.get(lena, "member-new").text(), "New 11")
	require.NotContains(t, s.get(mara, "members", "X-Limit", "users: read all").text(), "New 01")

	support := string(s.roles["Support"])
	done := s.post(lena, "members", url.Values{"user": {"new-00"}, "role": {support}, "do": {"admit"}})
	require.Equal(t, "members?done=new-00", done.Header.Get("Location"))
	require.Contains(t, s.get(lena, "members?done=new-00").text(), "lena.ahlgrund admitted new-00 as Support.")
	require.NotContains(t, s.get(mara, "members?done=new-00").text(), "admitted new-00", "somebody else did it")
	require.Contains(t, s.get(lena, "members").text(), "11 people wait")
	before := s.revision()
	for role, say := range map[string]string{
		"": "Choose the role that new-01 gets.", string(s.roles["Integrations"]): "nobody gives away more than they hold", "gone": "the role does not exist any more",
	} {
		page := s.post(lena, "members", url.Values{"user": {"new-01"}, "role": {role}, "do": {"admit"}})
		require.Equal(t, http.StatusUnprocessableEntity, page.StatusCode, role)
		require.Contains(t, page.text(), "Nothing was changed. ")
		require.Contains(t, page.text(), say)
	}
	// Who is a member keeps their role; an administrator is asked about once more.
	s.post(lena, "members", url.Values{"user": {tomas}, "role": {support}, "do": {"admit"}})
	asked := s.post(mara, "members", url.Values{"user": {"new-01"}, "role": {"administrator"}, "do": {"admit"}})
	require.Equal(t, before, s.revision())
	page = s.get(mara, asked.Header.Get("Location"))
	require.Contains(t, page.text(), "Admit new-01?")
	saved := s.post(mara, "members-change", with(page.filled(), "role", "administrator", "do", "save"))
	require.Equal(t, http.StatusSeeOther, saved.StatusCode)
	m, _ := s.member("new-01")
	require.Equal(t, rbac.Administrator, m.Role)
}

// Without a directory, somebody is added by their id.
func TestAddByID(t *testing.T) {
	s := newSite(t)
	require.Contains(t, s.get(lena, "member-new").text(), "Write the id by which the application knows the person.")
	require.Contains(t, s.get(lena, "member-new?q=new.person").body, `href="member?user=new.person"`)
	require.Contains(t, s.get(lena, "member-new?q="+tomas).text(), "Nobody to admit matches")
	page := s.get(lena, "member?user=new.person")
	require.Contains(t, page.text(), "No member yet")
	form := with(page.filled(), "role", string(s.roles["Sales"]))
	require.Contains(t, s.post(lena, "member?user=new.person", with(form, "do", "plan")).text(), "Contacts: read no to all")
	saved := s.post(lena, "member?user=new.person", with(form, "do", "save"))
	require.Equal(t, http.StatusSeeOther, saved.StatusCode)
	m, ok := s.member("new.person")
	require.True(t, ok)
	require.Equal(t, s.roles["Sales"], m.Role)
}
