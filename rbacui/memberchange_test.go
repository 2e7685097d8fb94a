package rbacui_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/stretchr/testify/require"
)

// Role, team and state of many are one change with one plan.
func TestChangeMembers(t *testing.T) {
	s := newSite(t)
	ctx := context.Background()
	require.NoError(t, s.az.System("test").SetTeam(ctx, "North", "hedda.dorn"))
	support := string(s.roles["Support"])
	form := with(chosen(tomas, "samir.bassi", "iris.okada"), "role", support, "do", "assign")
	before := s.revision()
	page := s.post(lena, "members-change", form)
	require.Equal(t, http.StatusOK, page.StatusCode)
	text := page.text()
	require.Contains(t, text, "Give 3 people a new role? ")
	require.Contains(t, text, "iris.okada Sales lead Suspended, and stays so")
	require.Contains(t, text, "1 person, from Sales to Support Gains Tasks: manage own to team Warranty claims: read no to all Warranty claims: manage no to team Loses Contacts: manage own to no")
	require.Contains(t, text, "1 person, from Sales lead to Support")
	require.NotContains(t, text, "2 people, from Sales lead", "who is suspended loses nothing")
	require.Contains(t, text, "No rule refuses this.")

	whole := with(page.filled(), "role", support, "move", "to", "team", "North", "state", "active", "do", "plan")
	part := s.post(lena, "members-change", with(whole, "part", "plan"))
	require.NotContains(t, part.body, "<form")
	require.Contains(t, part.text(), "Change 3 people?")
	require.Contains(t, part.text(), "what belongs to who comes (3 people), and who comes sees what belongs to who is there (1 person)")
	require.Contains(t, part.text(), "1 person, who could do nothing before")
	require.Equal(t, before, s.revision())

	saved := s.post(lena, "members-change", with(whole, "do", "save"))
	require.Equal(t, http.StatusSeeOther, saved.StatusCode)
	for _, user := range form["user"] {
		m, _ := s.member(user)
		require.Equal(t, rbac.Member{User: user, Role: s.roles["Support"], RoleName: "Support", Team: "North", UpdatedAt: m.UpdatedAt}, m)
	}
	require.Equal(t, before+7, s.revision(), "three roles, three teams, one state")

	for _, test := range []struct{ do, title, say, after string }{
		{"suspend", "Suspend 2 people?", "They keep their roles", "lena.ahlgrund suspended samir.bassi. And 1 person more with it."},
		{"reinstate", "Reinstate 2 people?", "They may do again", "lena.ahlgrund reinstated samir.bassi. And 1 person more with it."},
		{"remove", "Remove 2 people?", "They are members no longer", "lena.ahlgrund removed samir.bassi, before: Support. And 1 person more with it."},
	} {
		page := s.post(lena, "members-change", with(chosen(tomas, "samir.bassi"), "role", string(s.roles["Sales"]), "do", test.do))
		require.Contains(t, page.text(), test.title)
		require.Contains(t, page.text(), test.say)
		saved := s.post(lena, "members-change", with(page.filled(), "do", "save", "state", map[string]string{"suspend": "suspended", "reinstate": "active"}[test.do]))
		require.Equal(t, http.StatusSeeOther, saved.StatusCode)
		require.Contains(t, s.get(lena, saved.Header.Get("Location")).text(), test.after)
	}
	_, ok := s.member(tomas)
	require.False(t, ok)
}

// A change is made of people who are as its plan showed them. Else it is planned anew.
func TestChangeMembersMeanwhile(t *testing.T) {
	s, ctx := newSite(t), context.Background()
	people := []string{tomas, "nia.tamsworth", "samir.bassi"}
	for _, test := range []struct {
		change    url.Values
		meanwhile func(*rbac.Admin) error
		say       string
	}{
		{url.Values{"role": {string(s.roles["Support"])}}, func(a *rbac.Admin) error { return a.Assign(ctx, s.roles["Data import"], tomas) }, "tomas.vikberg Data import Active"},
		{url.Values{"state": {"suspended"}}, func(a *rbac.Admin) error { return a.SetTeam(ctx, "South", tomas) }, "tomas.vikberg Support team South Active"},
		{url.Values{"move": {"to"}, "team": {"North"}}, func(a *rbac.Admin) error { return a.Reinstate(ctx, tomas) }, "tomas.vikberg Support team South Active"},
		{url.Values{"remove": {"1"}}, func(a *rbac.Admin) error { return a.Suspend(ctx, tomas) }, "tomas.vikberg Support team North Suspended"},
	} {
		form := test.change
		form["user"] = people
		planned := s.post(lena, "members-change", with(form, "do", "plan"))
		form.Set("were", planned.filled().Get("were"))
		require.NoError(t, test.meanwhile(s.az.As(mara)))
		before := s.revision()
		page := s.post(lena, "members-change", with(form, "do", "save"))
		require.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
		require.Contains(t, page.text(), "Nothing was changed: ")
		require.Contains(t, page.text(), "Somebody else changed one of these people in the meantime. Below is what the change does now.")
		require.Contains(t, page.text(), test.say)
		require.Contains(t, page.body, `role="alert" tabindex="-1" id="errors"`)
		require.Equal(t, before, s.revision())

		part := s.post(lena, "members-change", with(form, "do", "plan", "part", "plan"))
		require.Equal(t, page.filled().Get("were"), part.filled().Get("were"))
		seen := with(form, "were", page.filled().Get("were"), "do", "save")
		require.Equal(t, http.StatusSeeOther, s.post(lena, "members-change", seen).StatusCode)
		if !form.Has("remove") { // sent twice, which changes nothing
			before = s.revision()
			require.Equal(t, http.StatusSeeOther, s.post(lena, "members-change", seen).StatusCode)
			require.Equal(t, before, s.revision())
		}
	}
	// Of who is gone the rule tells.
	gone := s.post(lena, "members-change", with(chosen(tomas), "state", "suspended", "were", "", "do", "save"))
	require.Contains(t, gone.text(), "Refused: somebody is no member any more.")
}

// If a rule refuses one, nothing changes for any, and the row says so.
func TestChangeMembersRefused(t *testing.T) {
	s := newSite(t)
	s.add("User manager", "users: read all, manage all; contacts: read all; claims: read all, manage all; tasks: read team, manage all")
	s.add("Clerk", "contacts: read all")
	s.assign("User manager", "u.m")
	crowd := numbered(101)
	s.assign("Clerk", append(crowd, "viktor.hallgreen")...)
	require.NoError(t, s.az.System("test").SetTeam(context.Background(), "North", tomas))
	before := s.revision()
	support := string(s.roles["Support"])
	for _, test := range []struct {
		as    string
		form  url.Values
		title string
		says  []string
	}{
		{lena, with(chosen(tomas, "celeste.amundry"), "role", support), "nobody changes people who hold more", []string{"celeste.amundry Integrations Active Holds more than you: API access."}},
		{lena, with(chosen(tomas, lena), "state", "suspended"), "nobody changes their own membership", []string{"This is you."}},
		{lena, with(chosen(tomas, "gone"), "role", support), "somebody is no member any more", []string{"gone no member No member any more."}},
		{lena, with(chosen(tomas), "role", "administrator"), "nobody gives away more than they hold", nil},
		{lena, with(chosen(tomas), "role", "gone"), "the role does not exist any more", nil},
		{mara, with(chosen(tomas, "anton.weissenau"), "role", support), "nobody stops being an administrator among others", []string{"anton.weissenau Administrator Active An administrator."}},
		{"u.m", with(chosen("viktor.hallgreen"), "move", "to", "team", "North"), "nobody shares more than they see", []string{"your own role lacks Deals and Tasks."}},
		{lena, with(chosen(tomas), "move", "to", "team", strings.Repeat("x", 300)), "Something here cannot be stored", nil},
	} {
		planned := s.post(test.as, "members-change", with(test.form, "do", "plan"))
		require.NotContains(t, planned.body, `value="save"`)
		require.Contains(t, planned.text(), test.title)
		page := s.post(test.as, "members-change", with(test.form, "do", "save"))
		require.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
		require.Contains(t, page.text(), test.title)
		for _, say := range test.says {
			require.Contains(t, page.text(), say)
		}
	}
	// Nobody, nothing, too many.
	require.Contains(t, s.get(lena, "members-change").text(), "Nobody is selected")
	require.Contains(t, s.post(lena, "members-change", with(chosen(tomas), "do", "save")).text(), "Nothing would change.")
	require.Contains(t, s.post(lena, "members-change", with(chosen(crowd...), "remove", "1", "do", "save")).text(), "This is too much at once")
	require.Equal(t, before, s.revision())
}
