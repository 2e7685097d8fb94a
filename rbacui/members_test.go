package rbacui_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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

	// The end of the list says what is known of it.
	for query, say := range map[string]string{
		"role=" + string(s.roles["Operations manager"]): "1 of 1, by id: lena.ahlgrund",
		"role=" + string(s.roles["Sales"]):              "2 of 2, by id: nia.tamsworth to tomas.vikberg",
		"state=active&q=":                               "10 people on this page, by id: anton.weissenau to viktor.hallgreen",
		"q=hedda":                                       "1 person on this page",
	} {
		require.Contains(t, s.get(lena, "members?"+query).text(), say)
	}

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
