package rbacui_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
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
	require.Contains(t, s.get(lena, link("member", "nia.t")).text(), "lena.ahlgrund changed the id nia.tamsworth to nia.t.")
	require.Contains(t, s.get(lena, link("member", "nia.t")).text(), "The application admitted nia.tamsworth as Sales.", "under the id before")

	// Who does not read the record learns since when, and not by whom.
	less := s.get("hedda.dorn", link("member", tomas)).text()
	require.Contains(t, less, "the role Support, held since ")
	require.Contains(t, less, "The history is part of the record of changes, which your own role does not read.")
	require.NotContains(t, less, mara)
	require.Contains(t, less, "Holds a role that is not among those that you may give.")

	for query, say := range map[string]string{
		"&action=manage&area=claims":   "May manage warranty claims of their team, and no others: the role Support says team there. Of the roles that you may give, these say more: Operations manager.",
		"&action=read&area=contacts":   "May read contacts: the role Support says all there. As of revision",
		"&action=read&area=deals":      "May not read deals: the role Support says no there. Of the roles that you may give, these say more: Operations manager, Sales and Sales lead.",
		"&action=read&area=approvals":  "May not read deal approvals: there is nothing like that to do in this area.",
		"&action=manage&area=nonsense": "Why, or why not?",
	} {
		require.Contains(t, s.get(lena, link("member", tomas)+query).text(), say)
	}
	self := s.get(lena, link("member", lena))
	require.Contains(t, self.text(), "This is you. Nobody changes their own membership.")
	require.NotRegexp(t, `name="do"|members-change`, self.body)
	require.Contains(t, s.get(lena, link("member", "iris.okada")).text(), "Suspended: nothing at the moment.")
	require.Contains(t, s.get(lena, link("member", "iris.okada")+"&area=deals").text(), "May not read deals: who is suspended may do nothing, whatever the role says.")
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
