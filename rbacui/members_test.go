package rbacui_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbacui"
)

// staff is a directory that finds its people by name, and has some who wait.
type staff struct {
	people
	known   []rbacui.Person
	waiting []rbacui.Person
	more    bool
}

func newStaff(known ...rbacui.Person) staff {
	s := staff{people: people{names: map[string]rbacui.Person{}}, known: known}
	for _, p := range known {
		s.names[p.User] = p
	}
	return s
}

func (s staff) Search(_ context.Context, _, query string, limit int) ([]rbacui.Person, bool, error) {
	var found []rbacui.Person
	for _, p := range s.known {
		if strings.Contains(strings.ToLower(p.Name), strings.ToLower(query)) {
			found = append(found, p)
		}
	}
	if len(found) > limit {
		return found[:limit], true, s.err
	}
	return found, s.more, s.err
}

func (s staff) Waiting(_ context.Context, _ string, limit int) ([]rbacui.Person, bool, error) {
	return s.waiting[:min(limit, len(s.waiting))], len(s.waiting) > limit, s.err
}

func chosen(users ...string) url.Values { return url.Values{"user": users} }

// row is the row of somebody in the list of members.
func (a answer) row(user string) string {
	for _, row := range strings.Split(a.body, "<tr ") {
		if strings.Contains(row, link("member", user)) {
			return answer{body: "<tr " + strings.ReplaceAll(row, "</tbody>", "</tr>")}.body
		}
	}
	return ""
}

func link(segment, user string) string {
	return segment + "?" + url.Values{"user": {user}}.Encode()
}

// member returns a member as they are stored.
func (s *site) member(user string) (rbac.Member, bool) {
	s.Helper()
	m, err := s.az.Member(context.Background(), user)
	if errors.Is(err, rbac.ErrMemberNotFound) {
		return m, false
	}
	require.NoError(s, err)
	return m, true
}

func TestMembers(t *testing.T) {
	s := newSite(t)
	require.NoError(t, s.az.System("test").SetTeam(context.Background(), "North", tomas, "hedda.dorn"))
	page := s.get(lena, "members")
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.text(), "11 of 11, by id: anton.weissenau to viktor.hallgreen")
	require.NotContains(t, page.body, "?after=")
	// What one may not do is off, and says why.
	for user, why := range map[string]string{
		lena: "This is you. Nobody changes their own membership.", mara: "Holds more than you: API access and Audit.", "celeste.amundry": "Holds more than you: API access.",
	} {
		require.Regexp(t, ` disabled aria-describedby="why-\d+"`, page.row(user))
		require.Contains(t, answer{body: page.row(user)}.text(), why)
	}
	for _, user := range []string{tomas, "iris.okada"} {
		require.NotContains(t, page.row(user), "disabled")
		require.NotContains(t, page.row(user), "why-row")
	}
	require.Contains(t, page.row(tomas), "<bdi>North</bdi>")
	require.Contains(t, page.row("iris.okada"), "Suspended")
	require.Regexp(t, `<option value="administrator" disabled>`, page.body)
	require.NotRegexp(t, `<option value="administrator" disabled>`, s.get(mara, "members").body)

	for query, users := range map[string][]string{
		"role=" + string(s.roles["Sales"]):                           {"nia.tamsworth", tomas},
		"role=" + string(s.roles["Sales lead"]) + "&state=suspended": {"iris.okada"},
		"team=North": {"hedda.dorn", tomas},
		"team=North&role=" + string(s.roles["Sales"]) + "&state=active": {tomas},
		"q=tomas.v":    {tomas},
		"q=" + tomas:   {tomas},
		"q=x":          {},
		"team=%00":     nil,
		"after=tomas":  {tomas, "viktor.hallgreen"},
		"state=active": nil,
	} {
		page := s.get(lena, "members?"+query)
		if users == nil {
			continue
		}
		require.Equal(t, http.StatusOK, page.StatusCode)
		var found []string
		for _, m := range regexp.MustCompile(`name="user" value="([^"]*)"`).FindAllStringSubmatch(page.body, -1) {
			found = append(found, m[1])
		}
		require.ElementsMatch(t, users, found, query)
	}
	require.Contains(t, s.get(lena, "members?q=x").text(), "Nobody matches “x”")
	require.Equal(t, http.StatusNotFound, s.get(lena, "members?team=%00").StatusCode)

	// Who only reads is told so, and has nothing to press.
	reader := s.get("anton.weissenau", "members", "X-Limit", "users: read all")
	require.Contains(t, reader.text(), "The key or session that you use gives no roles")
	require.NotRegexp(t, `type="checkbox"|name="do"`, reader.body)
}

// One can leaf through a crowd, forth and back.
func TestMembersPages(t *testing.T) {
	s := newSite(t)
	var users []string
	for i := range 300 {
		users = append(users, fmt.Sprintf("user-%03d", i))
	}
	s.assign("Support", users...)
	path := "members?role=" + string(s.roles["Support"])
	next := regexp.MustCompile(`<a class="btn btn-s" href="([^"]*)">Next`)
	back := regexp.MustCompile(`<a class="btn btn-s" href="([^"]*)">(Back|First page)<`)
	var paths, seen []string
	for {
		page := s.get(mara, path)
		require.Equal(t, http.StatusOK, page.StatusCode)
		for _, m := range regexp.MustCompile(`name="user" value="([^"]*)"`).FindAllStringSubmatch(page.body, -1) {
			seen = append(seen, m[1])
		}
		paths = append(paths, path)
		if len(paths) == 1 {
			require.Contains(t, page.text(), "25 of 300, by id: user-000 to user-024")
			require.Nil(t, back.FindStringSubmatch(page.body))
		}
		found := next.FindStringSubmatch(page.body)
		if found == nil {
			break
		}
		path = unescape(found[1])
	}
	require.Equal(t, users, seen)
	require.Len(t, paths, 12)
	at := len(paths) - 1
	for {
		found := back.FindStringSubmatch(s.get(mara, path).body)
		if found == nil {
			break
		}
		path = unescape(found[1])
		require.Less(t, strings.Count(path, "%0A"), 8, "the trail is bounded")
		if found[2] == "First page" {
			require.Equal(t, paths[0], path)
			break
		}
		at--
		require.Equal(t, regexp.MustCompile(`after=[^&]*`).FindString(paths[at]), regexp.MustCompile(`after=[^&]*`).FindString(path))
	}
	require.Less(t, at, 5)
}

// The directory finds members, and people who are none yet; whatever it returns.
func TestMembersSearch(t *testing.T) {
	dir := newStaff(
		rbacui.Person{User: "viktor.hallgreen", Name: "Hallgreen, Viktor", Email: "v@ostervik.example"},
		rbacui.Person{User: "a.hall", Name: "Ann Hall", Note: "Malmö"}, rbacui.Person{User: tomas, Name: "Hall of Fame"},
		rbacui.Person{User: "", Name: "Hall without an id"}, rbacui.Person{User: "bad\x00id", Name: "Hall with a bad one"}, rbacui.Person{User: "a.hall", Name: "Ann Hall twice"},
	)
	s := newSite(t, rbacui.WithDirectory(dir))
	page := s.get(lena, "members?q=hall")
	require.Equal(t, http.StatusOK, page.StatusCode)
	text := page.text()
	require.Less(t, strings.Index(text, "Hallgreen, Viktor v@ostervik.example"), strings.Index(text, "Hall of Fame"), "in the order of the directory")
	require.Contains(t, text, "Found, and no members yet AH Ann Hall Malmö Admit… Ann Hall")
	require.NotContains(t, text, "twice")
	require.NotContains(t, text, "Hall with a bad one")
	require.Contains(t, page.body, `href="member?user=a.hall"`)
	require.Contains(t, s.get(lena, "members?q=nia.tamsworth").row("nia.tamsworth"), "nia.tamsworth", "by the id")
	require.NotContains(t, s.get(lena, "members?q=hall&role="+string(s.roles["Sales"])).text(), "Viktor")
	require.NotContains(t, s.get(mara, "members?q=hall", "X-Limit", "users: read all").text(), "Ann Hall", "who admits nobody")

	var many []rbacui.Person
	for i := range 260 {
		many = append(many, rbacui.Person{User: fmt.Sprintf("user-%03d", 999-i), Name: fmt.Sprintf("Kim %03d", i)})
	}
	s = newSite(t, rbacui.WithDirectory(newStaff(many...)))
	for _, p := range many[:60] {
		s.assign("Support", p.User)
	}
	page = s.get(lena, "members?q=kim")
	require.Contains(t, page.text(), "The directory knows more people of that name")
	require.Less(t, len(page.body), 200_000)
	require.Contains(t, page.row("user-999"), "Kim 000")
	next := regexp.MustCompile(`<a class="btn btn-s" href="([^"]*)">Next`).FindStringSubmatch(page.body)
	page = s.get(lena, unescape(next[1]))
	require.Contains(t, page.row("user-974"), "Kim 025")
	require.NotContains(t, page.text(), "no members yet")

	dir.err = errors.New("down")
	s = newSite(t, rbacui.WithDirectory(dir))
	page = s.get(lena, "members?q=tomas")
	require.Contains(t, page.text(), "Names cannot be shown right now.")
	require.NotEmpty(t, page.row(tomas), "ids are found all the same")
}

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

// If a rule refuses one, nothing changes for any, and the row says so.
func TestChangeMembersRefused(t *testing.T) {
	s := newSite(t)
	s.add("User manager", "users: read all, manage all; contacts: read all; claims: read all, manage all; tasks: read team, manage all")
	s.add("Clerk", "contacts: read all")
	s.assign("User manager", "u.m")
	var crowd []string
	for i := range 101 {
		crowd = append(crowd, fmt.Sprint("user-", i))
	}
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

// Who manages nothing and assigns some roles sees the people who hold them, and no
// more.
func TestDelegates(t *testing.T) {
	dir := newStaff(rbacui.Person{User: tomas, Name: "Same Name"}, rbacui.Person{User: "celeste.amundry", Name: "Same Name"}, rbacui.Person{User: "new", Name: "Same Name"})
	dir.waiting = []rbacui.Person{{User: "new", Name: "New"}}
	s := newSite(t, rbacui.WithDirectory(dir))
	s.add("Help desk", "contacts: read own", "Sales", "Data import")
	s.assign("Help desk", "dan", "don")
	page := s.get("dan", "members")
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.NotEmpty(t, page.row(tomas))
	require.NotEmpty(t, page.row("nia.tamsworth"))
	for _, hidden := range []string{"celeste", "don<", mara, "Support", "Integrations", "Administrator", "role?id"} {
		require.NotContains(t, page.body, hidden)
	}
	require.Contains(t, page.text(), "1 person waits to be admitted")
	require.NotContains(t, s.get("dan", "members?q=same").text(), "celeste.amundry")
	for _, path := range []string{"members?role=" + string(s.roles["Support"]), "members?q=celeste.amundry"} {
		page := s.get("dan", path)
		require.NotContains(t, strings.ReplaceAll(page.body, `value="celeste.amundry"`, ""), "member?user=", path)
	}
	for _, user := range []string{"celeste.amundry", "dan", "don", mara, "%00"} {
		require.Equal(t, http.StatusNotFound, s.get("dan", "member?user="+user).StatusCode, user)
		require.Equal(t, http.StatusNotFound, s.get("dan", "members-change?remove=1&user="+user).StatusCode, user)
	}
	require.NotContains(t, s.get("dan", "members-change?user="+mara).body, `href="./">All roles`, "which is nothing to them")
	require.Contains(t, s.get("dan", link("member", tomas)).text(), "What Same Name may do")
	// What another role says is nothing to them, whatever id they write.
	for _, path := range []string{link("member", tomas), "members-change?user=" + tomas} {
		require.NotContains(t, s.get("dan", path+"&role="+string(s.roles["Support"])).text(), "warranty claims; their team", path)
		refused := s.post("dan", path, with(chosen(tomas), "role", string(s.roles["Support"]), "do", "save")).text()
		require.Contains(t, refused, "Nothing was changed. Refused: nobody gives a role that is not theirs to give. This one is not among the roles that you may give.")
		require.NotContains(t, refused, "Your role does not")
	}
	require.Equal(t, http.StatusUnprocessableEntity, s.post("dan", "members", url.Values{"user": {"celeste.amundry"}, "role": {string(s.roles["Integrations"])}}).StatusCode,
		"or they would find out who holds what")
	before := s.revision()
	for _, form := range []url.Values{
		with(chosen(tomas, "celeste.amundry"), "remove", "1"), with(chosen("celeste.amundry"), "role", string(s.roles["Sales"])),
		with(chosen(tomas), "role", string(s.roles["Support"])), with(chosen(tomas), "role", "administrator"), with(chosen("dan"), "role", string(s.roles["Sales"])),
	} {
		require.Contains(t, []int{404, 422}, s.post("dan", "members-change", with(form, "do", "save")).StatusCode)
	}
	s.post("dan", link("member", mara), url.Values{"role": {string(s.roles["Sales"])}, "do": {"save"}})
	s.post("dan", link("member", tomas), url.Values{"role": {string(s.roles["Support"])}, "do": {"save"}})
	require.Equal(t, before, s.revision())
	saved := s.post("dan", "members-change", with(chosen(tomas), "role", string(s.roles["Data import"]), "do", "save"))
	require.Equal(t, http.StatusSeeOther, saved.StatusCode)
	require.Equal(t, http.StatusForbidden, s.get("dan", "").StatusCode, "the roles are not theirs to read")
	// A key has no list, and who has neither sees nothing.
	require.Equal(t, http.StatusForbidden, s.get("dan", "members", "X-Limit", "users: read all, manage all").StatusCode)
	for _, path := range []string{"members", link("member", "nia.tamsworth"), "members-change", "member-new"} {
		require.Equal(t, http.StatusForbidden, s.get(tomas, path).StatusCode)
		require.Equal(t, http.StatusForbidden, s.get(nobo, path).StatusCode)
	}
	// One who reads everybody sees them, and may act on those of the list only.
	page = s.get("hedda.dorn", "members")
	require.Contains(t, answer{body: page.row("celeste.amundry")}.text(), "Holds a role that is not among those that you may give.")
	require.NotContains(t, page.row("nia.tamsworth"), "disabled")
}

// A limit stays: what the key cannot do, the pages do not.
func TestMembersLimited(t *testing.T) {
	s := newSite(t)
	before := s.revision()
	limit := []string{"X-Limit", "users: read all, manage all; contacts: read all, manage all"}
	form := with(chosen(tomas), "role", string(s.roles["Support"]), "do", "save")
	page := s.post(mara, "members-change", form, limit...)
	require.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
	require.Equal(t, http.StatusUnprocessableEntity, s.post(mara, link("member", tomas), form, limit...).StatusCode)
	require.Equal(t, http.StatusUnprocessableEntity, s.post(mara, "members", with(form, "user", "new", "do", "admit"), limit...).StatusCode)
	require.Equal(t, http.StatusForbidden, s.post(mara, "members-change", form, "X-Limit", "users: manage own").StatusCode)
	s.post(mara, "members-change", form, "X-Limit", "users: read all")
	s.post(mara, "members", with(form, "user", "new", "do", "admit"), "X-Limit", "users: read all")
	require.Equal(t, before, s.revision())
}

// No page of members reads them all: the rows that it reads do not grow with them.
func TestMemberRows(t *testing.T) {
	var known []rbacui.Person
	var users []string
	for i := range 2000 {
		users = append(users, fmt.Sprintf("user-%04d", i))
		known = append(known, rbacui.Person{User: users[i], Name: "Kim " + users[i]})
	}
	dir := newStaff(known...)
	dir.waiting = append(slices.Clone(known[:100]), rbacui.Person{User: "new", Name: "New"})
	store := &counting{Store: rbac.NewMemStore()}
	s := openSite(t, store, rbacui.WithDirectory(dir))
	s.assign("Support", users...)
	s.add("Desk", "contacts: read own", "Support", "Sales")
	s.assign("Desk", "dan")
	require.NoError(t, s.az.System("test").SetTeam(context.Background(), "North", users...))
	require.NoError(t, s.az.Sync(context.Background()))
	form := with(chosen(users[:25]...), "role", string(s.roles["Sales"]), "do", "plan", "move", "to", "team", "South")
	for _, test := range []struct {
		user, path string
		form       url.Values
		most       int64
	}{
		{mara, "members", nil, 250}, {mara, "members?after=user-1000", nil, 60}, {mara, "members?q=kim", nil, 450}, {mara, "members?team=North&state=active", nil, 60},
		{mara, "members?q=kim&role=" + string(s.roles["Support"]) + "&team=North", nil, 450}, {"dan", "members", nil, 250}, {mara, "member-new", nil, 150}, {mara, "member-new?q=kim", nil, 250},
		{mara, link("member", "user-0001"), nil, 20}, {mara, link("member", "user-0001") + "&area=deals&action=read&role=" + string(s.roles["Sales"]), nil, 20},
		{mara, "members-change", form, 250}, {"dan", link("member", "user-0001"), nil, 20},
	} {
		store.views.Store(0)
		store.members.Store(0)
		store.events.Store(0)
		store.roles.Store(0)
		page := s.get(test.user, test.path)
		if test.form != nil {
			page = s.post(test.user, test.path, test.form)
		}
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.Less(t, store.members.Load(), test.most, "members for %q", test.path)
		require.Less(t, store.events.Load(), int64(20), "events for %q", test.path)
		require.Less(t, store.views.Load(), int64(14), "views for %q", test.path)
		require.Less(t, store.roles.Load(), int64(300), "roles for %q", test.path)
	}
}

// With 200 roles, 60 areas and a hundred people in one change, pages stay small.
func TestMemberSizes(t *testing.T) {
	store := rbac.NewMemStore()
	var areas = many(t, 60)
	az := workspacetest.Open(t, store, rbac.WithAreas(areas...), rbac.WithTeams())
	var dir staff
	for i := range 100 {
		dir.waiting = append(dir.waiting, rbacui.Person{User: fmt.Sprint("waits-", i), Name: fmt.Sprintf("Somebody of a name %d", i), Email: "somebody.of.a.name@ostervik.example"})
	}
	s := &site{TB: t, az: az, store: store, roles: map[string]rbac.RoleID{"Administrator": rbac.Administrator}, ui: rbacui.New(az, identify, rbacui.WithDirectory(dir))}
	s.assign("Administrator", mara)
	ctx := context.Background()
	var users []string
	require.NoError(t, az.System("test").Together(ctx, func(a *rbac.Admin) error {
		scopes := []rbac.Scope{rbac.None, rbac.Own, rbac.Team, rbac.All}
		for i := range 199 {
			p := rbac.Permissions{}
			for j, info := range areas {
				if info.Owned && info.Area != rbac.Users {
					p[info.Area] = rbac.Access{Read: scopes[(i+j)%4], Manage: scopes[(i/4+j)%4]}
				}
			}
			role, err := a.CreateRole(ctx, rbac.Role{Name: fmt.Sprintf("A role with a name of some length, number %03d", i), Permissions: p})
			if err != nil {
				return err
			}
			s.roles[fmt.Sprint(i)] = role.ID
			if i < 100 {
				users = append(users, fmt.Sprintf("somebody-with-an-id-%03d@ostervik.example", i))
				if err := a.Assign(ctx, role.ID, users[i]); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	for i, page := range []answer{
		s.get(mara, "members"), s.get(mara, "member-new"), s.get(mara, link("member", users[3])+"&role="+string(s.roles["150"])),
		s.post(mara, "members-change", with(chosen(users...), "role", string(s.roles["150"]), "do", "plan")),
		s.post(mara, "members-change", with(chosen(users...), "role", "gone", "do", "save")),
	} {
		require.Contains(t, []int{200, 422}, page.StatusCode, i)
		require.Less(t, len(page.body), 200_000, regexp.MustCompile("<title>.*</title>").FindString(page.body))
	}
	page := s.get(mara, "members")
	require.Contains(t, page.body, `<a class="btn" href="member?user=waits-0">`, "a link, and no list of 200 roles for each")
	require.Equal(t, 2, strings.Count(page.body, "number 150<"))
}
