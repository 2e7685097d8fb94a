package rbacui_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/areagate/rbac/rbacui"
	"github.com/stretchr/testify/require"
)

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
