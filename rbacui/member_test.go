package rbacui_test

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbacui"
)

// The page of a member says what they can do and why, since when and by whom, and
// what was changed.
func TestMember(t *testing.T) {
	s := newSite(t)
	ctx := context.Background()
	require.NoError(t, s.az.As(mara).Assign(ctx, s.roles["Support"], tomas))
	require.NoError(t, s.az.As(mara).SetTeam(ctx, "North", tomas))
	require.NoError(t, s.az.System("from the staff directory").Suspend(ctx, tomas))
	require.NoError(t, s.az.As(lena).Because("ticket 7").Reinstate(ctx, tomas))
	require.NoError(t, s.az.As(lena).Rename(ctx, "nia.tamsworth", "nia.t"))
	page := s.get(lena, link("member", tomas))
	require.Equal(t, http.StatusOK, page.StatusCode)
	text := page.text()
	require.Contains(t, text, "All of it comes from one place: the role Support, held since ")
	require.Contains(t, text, " and given by mara.lindhagen. There are no exceptions for single people.")
	require.Contains(t, text, "Reads all contacts and warranty claims; their team’s tasks. Manages their team’s tasks and warranty claims.")
	require.Contains(t, text, "Warranty claims all team")
	require.Contains(t, text, "Deal approvals – no", "an area with one action")
	for _, say := range []string{
		"lena.ahlgrund reinstated tomas.vikberg.", "Reason: “ticket 7”", "The application suspended tomas.vikberg.",
		"Reason: “from the staff directory”", "mara.lindhagen moved tomas.vikberg into the team North.",
		"mara.lindhagen gave tomas.vikberg the role Support, before: Sales.", "The application admitted tomas.vikberg as Sales.",
	} {
		require.Contains(t, text, say)
	}
	require.Contains(t, s.get(lena, link("member", "nia.t")).text(), "lena.ahlgrund gave nia.t another id: nia.t, before: nia.tamsworth.")
	require.Contains(t, s.get(lena, link("member", "nia.t")).text(), "The application admitted nia.tamsworth as Sales.", "under the id before")

	// Who does not read the record learns since when, and not by whom.
	less := s.get("hedda.dorn", link("member", tomas)).text()
	require.Contains(t, less, "the role Support, held since ")
	require.Contains(t, less, "The history is part of the record of changes, which your own role does not read.")
	require.NotContains(t, less, mara)
	require.Contains(t, less, "Holds a role that is not among those that you may give.")

	for query, say := range map[string]string{
		"&action=manage&area=claims":   "Warranty claims: manage: In part, for records of their team: the role Support says team there. Of the roles that you may give, these say more: Operations manager.",
		"&action=read&area=contacts":   "Contacts: read: Yes: the role Support says all there. As of revision",
		"&action=read&area=deals":      "Deals: read: No: the role Support says no there. Of the roles that you may give, these say more: Operations manager, Sales and Sales lead.",
		"&action=read&area=approvals":  "No: there is nothing like that to do in this area.",
		"&action=manage&area=nonsense": "Why, or why not?",
	} {
		require.Contains(t, s.get(lena, link("member", tomas)+query).text(), say)
	}
	self := s.get(lena, link("member", lena))
	require.Contains(t, self.text(), "This is you. Nobody changes their own membership.")
	require.NotRegexp(t, `name="do"|members-change`, self.body)
	require.Contains(t, s.get(lena, link("member", "iris.okada")).text(), "Suspended: nothing at the moment.")
	require.Contains(t, s.get(lena, link("member", "iris.okada")+"&area=deals").text(), "No: who is suspended may do nothing, whatever the role says.")
	require.Equal(t, http.StatusNotFound, s.get("anton.weissenau", link("member", "no.body"), "X-Limit", "users: read all").StatusCode)
	require.Equal(t, http.StatusNotFound, s.get(lena, "member").StatusCode)
}

// Another role is shown with its plan, and given; an administrator is asked about
// once more.
func TestGiveRole(t *testing.T) {
	s := newSite(t)
	path, before := link("member", tomas), s.revision()
	page := s.get(lena, path)
	require.Contains(t, page.text(), "Choose another role to see what it would change.")
	require.Contains(t, page.text(), "Administrator and Integrations: more than your own role holds, so you cannot give that.")
	form := with(page.filled(), "role", string(s.roles["Sales lead"]))
	part := s.post(lena, path, with(form, "do", "plan", "part", "plan"))
	require.NotContains(t, part.body, "<form")
	require.Contains(t, part.text(), "Gains Contacts: manage own to all Deals: read team to all Deals: manage own to team Tasks: manage own to team Users: read own to all May assign: Sales Loses nothing")
	require.Contains(t, part.text(), "No rule refuses this. ")
	for role, say := range map[string]string{
		string(s.roles["Integrations"]): "nobody gives away more than they hold", "gone": "the role does not exist any more", "": "Choose a role.",
	} {
		refused := s.post(lena, path, with(form, "role", role, "do", "save"))
		require.Equal(t, http.StatusUnprocessableEntity, refused.StatusCode)
		require.Contains(t, refused.text(), say)
	}
	asked := s.post(lena, path, with(form, "role", "administrator", "do", "save"))
	require.Contains(t, asked.Header.Get("Location"), "members-change?")
	require.Contains(t, s.get(lena, asked.Header.Get("Location")).text(), "nobody gives away more than they hold")
	require.NotContains(t, s.get(lena, asked.Header.Get("Location")).body, `value="save"`)
	require.Equal(t, before, s.revision())
	saved := s.post(lena, path, with(form, "do", "save"))
	require.Equal(t, "member?done=tomas.vikberg&user=tomas.vikberg", saved.Header.Get("Location"))
	require.Contains(t, s.get(lena, saved.Header.Get("Location")).text(), "lena.ahlgrund gave tomas.vikberg the role Sales lead, before: Sales.")

	// From administrator to another role it asks as well, and the last one stays.
	asked = s.post(mara, link("member", "anton.weissenau"), url.Values{"role": {string(s.roles["Support"])}, "do": {"save"}})
	page = s.get(mara, asked.Header.Get("Location"))
	require.Contains(t, page.text(), "Give anton.weissenau a new role?")
	saved = s.post(mara, "members-change", with(page.filled(), "role", string(s.roles["Support"]), "do", "save"))
	require.Equal(t, "member?done=anton.weissenau&user=anton.weissenau", saved.Header.Get("Location"))
	m, _ := s.member("anton.weissenau")
	require.Equal(t, s.roles["Support"], m.Role)
}

// A form that was open while somebody else removed the person, or let them in, does
// not do the one in place of the other.
func TestGiveRoleMeanwhile(t *testing.T) {
	s := newSite(t)
	system := s.az.System("test")
	give := with(s.get(lena, link("member", tomas)).filled(), "role", string(s.roles["Sales lead"]), "do", "save")
	admit := with(s.get(lena, link("member", "new")).filled(), "role", string(s.roles["Sales"]), "do", "save")
	plan := with(s.get(lena, "members-change?admit=1&user=new&state=suspended&role="+string(s.roles["Sales"])).filled(),
		"role", string(s.roles["Sales"]), "state", "suspended", "do", "save")
	require.NoError(t, system.Remove(t.Context(), tomas))
	require.NoError(t, system.Assign(t.Context(), s.roles["Support"], "new"))
	before := s.revision()
	for say, page := range map[string]answer{
		"Refused: somebody is no member any more. tomas.vikberg: no member.": s.post(lena, link("member", tomas), give),
		"Refused: somebody is a member already. new: a member already.":      s.post(lena, link("member", "new"), admit),
		"new: a member already. Open their page":                             s.post(lena, "members-change", plan),
		"a member already. Open their page to change what they hold.":        s.post(lena, "members", url.Values{"user": {"new"}, "role": {string(s.roles["Sales"])}}),
	} {
		require.Equal(t, http.StatusUnprocessableEntity, page.StatusCode, say)
		require.Contains(t, page.text(), say)
	}
	require.Equal(t, before, s.revision())

	// Sent twice, it does the same once.
	s.assign("Support", "left")
	require.NoError(t, system.Remove(t.Context(), "left"))
	for _, sent := range []struct {
		to   string
		form url.Values
	}{
		{"members", url.Values{"user": {"twice"}, "role": {string(s.roles["Sales"])}}},
		{link("member", "left"), with(s.get(lena, link("member", "left")).filled(), "role", string(s.roles["Sales"]), "do", "save")},
		{link("member", "elif.soydanlar"), with(s.get(lena, link("member", "elif.soydanlar")).filled(), "role", string(s.roles["Sales"]), "do", "save")},
	} {
		for range 2 {
			require.Equal(t, http.StatusSeeOther, s.post(lena, sent.to, sent.form).StatusCode, sent.to)
		}
	}

	// Nor does it undo what somebody else has just given them, without a word.
	path := link("member", "nia.tamsworth")
	form := with(s.get(lena, path).filled(), "role", string(s.roles["Sales lead"]), "do", "save")
	require.NoError(t, system.Assign(t.Context(), s.roles["Support"], "nia.tamsworth"))
	page := s.post(lena, path, form)
	require.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
	require.Contains(t, page.text(), "Refused: somebody else changed it in the meantime. The role is another now: Support. Look at what this would change")
	require.Contains(t, page.body, `value="save">Give the role Sales lead`)
	again := with(page.filled(), "role", string(s.roles["Sales lead"]), "do", "save")
	require.Equal(t, http.StatusSeeOther, s.post(lena, path, again).StatusCode)

	// Who has got more than one may change is refused with the reason.
	require.NoError(t, system.Assign(t.Context(), s.roles["Integrations"], "nia.tamsworth"))
	form = with(form, "held", string(s.roles["Integrations"]))
	require.Contains(t, s.post(lena, path, form).text(), "Nothing was changed. Refused: nobody changes people who hold more.")
}

// The grave steps ask once more, and say what they mean.
func TestGraveSteps(t *testing.T) {
	s := newSite(t)
	page := s.get(lena, link("member", tomas))
	links := map[string]string{}
	for _, found := range regexp.MustCompile(`<a class="btn[^"]*" href="(members-change[^"]*)">([^<]*)<`).FindAllStringSubmatch(page.body, -1) {
		links[found[2]] = unescape(found[1])
	}
	before := s.revision()
	suspend := s.get(lena, links["Suspend…"])
	require.Contains(t, suspend.text(), "Suspend tomas.vikberg? ")
	require.Contains(t, suspend.text(), "tomas.vikberg keeps the role Sales and may do nothing until reinstated.")
	require.Contains(t, suspend.text(), "Keep active Suspend tomas.vikberg")
	remove := s.get(lena, links["Remove…"])
	require.Contains(t, remove.text(), "tomas.vikberg is a member no longer and loses everything that Sales allows.")
	require.Equal(t, before, s.revision())

	saved := s.post(lena, "members-change", with(suspend.filled(), "do", "save"))
	require.Equal(t, "member?done=tomas.vikberg&user=tomas.vikberg", saved.Header.Get("Location"))
	page = s.get(lena, saved.Header.Get("Location"))
	require.Contains(t, page.text(), "lena.ahlgrund suspended tomas.vikberg.")
	require.Contains(t, page.text(), "Reinstate…")
	require.NotContains(t, page.text(), "Suspend…")
	reinstate := s.get(lena, "members-change?back=1&state=active&user="+tomas)
	require.Contains(t, reinstate.text(), "Reinstate tomas.vikberg?")
	require.Equal(t, http.StatusSeeOther, s.post(lena, "members-change", with(reinstate.filled(), "state", "active", "do", "save")).StatusCode)
	m, _ := s.member(tomas)
	require.False(t, m.Suspended)
	saved = s.post(lena, "members-change", with(remove.filled(), "do", "save"))
	require.Equal(t, "members?done=tomas.vikberg", saved.Header.Get("Location"))
	require.Contains(t, s.get(lena, saved.Header.Get("Location")).text(), "lena.ahlgrund removed tomas.vikberg, before: Sales.")
	_, ok := s.member(tomas)
	require.False(t, ok)

	require.NoError(t, s.az.System("test").Suspend(context.Background(), "anton.weissenau"))
	last := s.post(mara, "members-change", with(chosen(mara), "remove", "1", "do", "save"))
	require.Contains(t, last.text(), "nobody changes their own membership")
}

// What was before an event is restored by the ordinary rules, after a look at the
// plan.
func TestRestore(t *testing.T) {
	s := newSite(t)
	ctx := context.Background()
	admin := s.az.As(mara)
	require.NoError(t, admin.SetTeam(ctx, "North", tomas))
	require.NoError(t, admin.Assign(ctx, s.roles["Integrations"], tomas))
	require.NoError(t, admin.Assign(ctx, s.roles["Support"], tomas))
	toIntegrations := s.revision()
	require.NoError(t, admin.SetTeam(ctx, "", tomas))
	require.NoError(t, admin.Suspend(ctx, tomas))
	require.NoError(t, admin.Remove(ctx, tomas))
	removed := s.revision()

	page := s.get(lena, link("member", tomas))
	require.Contains(t, page.text(), "No member yet")
	restore := "members-change?back=1&restore=" + itoa(removed) + "&user=" + tomas
	require.Contains(t, page.body, `href="`+template.HTMLEscapeString(restore)+`"`)
	plan := s.get(lena, restore)
	require.Contains(t, plan.text(), "This is what was before the change of ")
	require.Contains(t, plan.text(), "Admit tomas.vikberg?")
	form := with(plan.filled(), "role", string(s.roles["Support"]), "state", "suspended", "do", "save")
	require.Equal(t, removed, s.revision())
	require.Equal(t, http.StatusSeeOther, s.post(lena, "members-change", form).StatusCode)
	m, _ := s.member(tomas)
	require.Equal(t, s.roles["Support"], m.Role)
	require.True(t, m.Suspended)

	// The role, the team and the state before, all at once; a rule refuses the role.
	restore = "members-change?back=1&restore=" + itoa(toIntegrations) + "&user=" + tomas
	refused := s.get(lena, restore)
	require.Contains(t, refused.text(), "Refused: nobody gives away more than they hold.")
	require.NotContains(t, refused.body, `value="save"`)
	unread := s.get(mara, restore, "X-Limit", "users: read all, manage all").text()
	require.Contains(t, unread, "Nothing would change.", "the record is not read")
	plan = s.get(mara, restore)
	require.Contains(t, plan.text(), "No rule refuses this.")
	for _, selected := range []string{string(s.roles["Integrations"]), "to", "active"} {
		require.Contains(t, plan.body, `value="`+selected+`" selected`)
	}
	require.Contains(t, plan.body, `name="team" value="North"`)
	saved := s.post(mara, "members-change", with(plan.filled(), "role", string(s.roles["Integrations"]), "move", "to", "state", "active", "do", "save"))
	require.Equal(t, http.StatusSeeOther, saved.StatusCode)
	m, _ = s.member(tomas)
	require.Equal(t, rbac.Member{User: tomas, Role: s.roles["Integrations"], RoleName: "Integrations", Team: "North", UpdatedAt: m.UpdatedAt}, m)

	// The event of somebody else, or for who does not read the record, restores nothing.
	require.Contains(t, s.get(mara, "members-change?back=1&restore="+itoa(toIntegrations)+"&user=samir.bassi").text(), "Nothing would change.")
}

// What another site sends, or what is sent by GET, changes nothing: for every button
// about members.
func TestScenario39_MembersForged(t *testing.T) {
	dir := newStaff()
	dir.waiting = []rbacui.Person{{User: "new", Name: "New"}}
	s := newSite(t, rbacui.WithDirectory(dir))
	button := regexp.MustCompile(`<button[^>]* name="([a-z]+)" value="([a-z]+)"`)
	sent := 0
	for path, to := range map[string]string{
		"members": "members-change", "members?": "members", link("member", tomas) + "&role=" + string(s.roles["Support"]): link("member", tomas),
		link("member", "new") + "&role=" + string(s.roles["Support"]):              link("member", "new"),
		"members-change?remove=1&user=" + tomas:                                    "members-change",
		"members-change?state=suspended&move=to&team=X&user=" + tomas:              "members-change",
		"members-change?user=" + tomas + "&role=" + string(s.roles["Data import"]): "members-change",
	} {
		page := s.get(mara, path)
		form := with(page.filled(), "role", string(s.roles["Data import"]))
		if !form.Has("user") || form.Get("user") == "new" && to == "members-change" {
			form.Set("user", tomas)
		}
		for _, found := range button.FindAllStringSubmatch(page.body, -1) {
			form := with(form, found[1], found[2])
			before := s.revision()
			for _, headers := range [][]string{
				{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
				{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, {"Sec-Fetch-Site", "", "Origin", "null"},
			} {
				require.Equal(t, http.StatusForbidden, s.post(mara, to, form, headers...).StatusCode)
			}
			sep := "?"
			if strings.Contains(to, "?") {
				sep = "&"
			}
			s.get(mara, to+sep+form.Encode())
			s.post(mara, to+sep+form.Encode(), url.Values{}) // what is in the address is no form
			for _, method := range []string{http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
				require.NotEqual(t, http.StatusSeeOther, s.ask(mara, method, to, form).StatusCode)
			}
			require.Equal(t, before, s.revision(), "%s %s", path, found[0])
			sent++
		}
	}
	require.Greater(t, sent, 20)
}

// Whatever names and ids say, on the pages of members they are text.
func TestScenario31_HostileMembers(t *testing.T) {
	user := `"><script>alert(2)</script>&role=administrator#?/../%2f`
	dir := newStaff(rbacui.Person{User: user, Name: "\u202egnirednaw\u2066" + hostile, Email: hostile, Note: "\u200f" + hostile, Avatar: "javascript:alert(3)"})
	dir.waiting = []rbacui.Person{{User: user + "2", Name: hostile, Email: "\u202e", Note: hostile}}
	s := newSite(t, rbacui.WithDirectory(dir))
	ctx := context.Background()
	role, err := s.az.As(mara).CreateRole(ctx, rbac.Role{Name: hostile, Description: hostile, Permissions: permissions(t, "deals: read own")})
	require.NoError(t, err)
	require.NoError(t, s.az.As(mara).Assign(ctx, role.ID, user))
	require.NoError(t, s.az.As(mara).Because(hostile).SetTeam(ctx, hostile, user))
	escaped := url.QueryEscape(hostile)
	for i, page := range []answer{
		s.get(mara, "members"), s.get(mara, "members?q=wand"), s.get(mara, "members?q=gnir"), s.get(mara, "members?q="+escaped+"&team="+escaped+"&state="+escaped+"&after="+escaped+"&trail="+escaped),
		s.get(mara, "members?role="+escaped), s.get(mara, "members?done="+url.QueryEscape(user)), s.get(mara, link("member", user)+"&role="+string(role.ID)+"&area="+escaped+"&action="+escaped),
		s.get(mara, link("member", user)+"&area=deals"), s.get(mara, link("member", user+"2")+"&role="+string(role.ID)), s.get(mara, link("member", hostile)), s.get(mara, "member-new"), s.get(mara, "member-new?q="+escaped),
		s.post(mara, "members-change", with(chosen(user, hostile), "role", escaped, "move", "to", "team", hostile, "state", hostile, "do", "save")),
		s.post(mara, "members-change", with(chosen(user), "role", string(s.roles["Sales"]), "move", "out")),
		s.post(mara, "members", with(chosen(user+"2"), "role", hostile)), s.post(mara, link("member", user), with(chosen(user), "role", hostile, "do", "save")),
		s.post("", "members-change", url.Values{hostile: {hostile}}),
	} {
		require.Less(t, page.StatusCode, 500, i)
		bare := strings.ReplaceAll(page.body, template.HTMLEscapeString(hostile), "")
		require.NotRegexp(t, `(?i)<script>|<img src=x|onerror=alert\(1\)>|javascript:|<[a-z][^>]* (style|on[a-z]+)=|href="[a-z]+:`, bare, "page %d", i)
		page.body = regexp.MustCompile(`value="[^"]*"`).ReplaceAllString(page.body, "")
		require.NotContains(t, page.body, "\u202e", "page %d", i)
		require.NotContains(t, page.body, "\u200f", "page %d", i)
		require.NotContains(t, page.body, "ZgotmplZ", "page %d", i)
	}
}
