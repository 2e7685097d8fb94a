package rbacui_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbacui"
	"github.com/stretchr/testify/require"
)

// Who can is all whom WhoCan of package rbac returns, a page at a time.
func TestWhoCan(t *testing.T) {
	s := newSite(t)
	var users []string
	for i := range 60 {
		users = append(users, fmt.Sprintf("crowd-%02d", i))
	}
	s.assign("Sales", users...)
	require.NoError(t, s.az.System("test").Suspend(context.Background(), "crowd-03", "crowd-25"))
	path, listed := "review?action=manage&area=deals", []string{}
	for pages := 0; path != ""; pages++ {
		require.Less(t, pages, 10)
		page := s.get(lena, path)
		text := page.text()
		require.Contains(t, text, "People who hold a role that can manage deals: 68 people. Administrator all 2 Operations manager all 1 Sales lead team 3 Sales own 62 Active people, by role")
		answer := page.body[strings.Index(page.body, `id="who-can"`):strings.Index(page.body, `id="why"`)]
		for _, user := range regexp.MustCompile(`href="member\?user=([^"]*)"`).FindAllStringSubmatch(answer, -1) {
			listed = append(listed, user[1])
		}
		next := regexp.MustCompile(`href="([^"]*)#who-can">More people`).FindStringSubmatch(answer)
		path = ""
		if next != nil {
			path = unescape(next[1])
			require.Contains(t, text, "More people")
		}
	}
	var want []string
	for holder, err := range s.az.WhoCan(context.Background(), rbac.Deals, rbac.Manage) {
		require.NoError(t, err)
		want = append(want, holder.Member.User)
	}
	require.Len(t, want, 65)
	require.Equal(t, want, listed)
	require.Contains(t, s.get(lena, "review?action=read&area=approvals").text(), "that can manage deal approvals: 3 people", "there is nothing else to do there")
	require.Contains(t, s.get(lena, "review?area=nothing").text(), "that can read contacts")
}

// searching is a directory that finds people.
type searching struct {
	people
	found map[string][]rbacui.Person
	asked int
}

func (d *searching) Search(_ context.Context, _, query string, _ int) ([]rbacui.Person, bool, error) {
	d.asked++
	return d.found[query], false, d.err
}

// Why not says what decided, for one person whom an id or a name means.
func TestWhyNot(t *testing.T) {
	found := &searching{people: people{names: map[string]rbacui.Person{tomas: {Name: "Tomas Vikberg"}, lena: {Name: "Lena Ahlgrund"}}}, found: map[string][]rbacui.Person{
		"tomas": {{User: tomas, Name: "Tomas Vikberg"}, {User: "tomasz", Name: "Tomasz Orlecki", Email: "to@ostervik.example"}},
		"vik":   {{User: tomas, Name: "Tomas Vikberg"}},
	}}
	s := newSite(t, rbacui.WithDirectory(found))
	require.NoError(t, s.az.System("test").Assign(context.Background(), s.roles["Sales"], "sven"))
	require.NoError(t, s.az.System("test").Suspend(context.Background(), "sven"))
	require.NoError(t, s.store.Update(context.Background(), "", func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "lost", Role: "gone"}) }))
	require.NoError(t, s.az.Sync(context.Background()))
	for _, test := range []struct{ person, action, area, say string }{
		{tomas, "manage", "deals", "Tomas Vikberg May manage deals of their own, and no others: the role Sales says own there."},
		{"vik", "read", "deals", "Tomas Vikberg May read deals of their team, and no others: the role Sales says team there."},
		{tomas, "read", "contacts", "Tomas Vikberg May read contacts: the role Sales says all there."},
		{tomas, "manage", "api", "Tomas Vikberg May not manage API keys: the role Sales says no there."},
		{"sven", "read", "deals", "sven May not read deals: who is suspended may do nothing, whatever the role says."},
		{"lost", "read", "deals", "lost May not read deals: the role does not exist any more, or cannot be read."},
		{nobo, "read", "deals", "nobody May not read deals: not a member."},
		{"\x01", "read", "deals", "May not read deals: not a member."},
		{"tomas", "manage", "deals", "Whom do you mean? TV Tomas Vikberg tomas.vikberg TO Tomasz Orlecki to@ostervik.example"},
	} {
		page := s.get(lena, "review?"+url.Values{"person": {test.person}, "action": {test.action}, "area": {test.area}}.Encode())
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.Contains(t, page.text(), test.say)
	}
	several := s.get(lena, "review?person=tomas&action=manage&area=deals")
	require.Contains(t, several.body, `href="review?action=manage&amp;area=deals&amp;person=tomas.vikberg#why"`)
	found.err = errors.New("the directory is down")
	require.Contains(t, s.get(lena, "review?person="+tomas+"&action=manage&area=deals").text(), "tomas.vikberg May manage deals of their own")
}
