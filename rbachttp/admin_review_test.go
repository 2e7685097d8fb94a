package rbachttp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbachttp"
)

// follow reads all pages of a list, and returns what each item shows.
func (a *administration) follow(t *testing.T, user, target string, shows func(map[string]any) string) (all []string) {
	t.Helper()
	after := ""
	for range 100 {
		w := a.send(user, "GET", target+after, "")
		require.Equal(t, "200", code(w), w.Body)
		var list struct {
			Items []map[string]any
			Next  string
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &list))
		for _, item := range list.Items {
			all = append(all, shows(item))
		}
		if list.Next == "" {
			return all
		}
		require.NotEmpty(t, list.Items)
		after = "&after=" + url.QueryEscape(list.Next)
	}
	t.Fatal("the pages do not end")
	return nil
}

// The pages of a list are the list, whatever their size.
func TestAdminPages(t *testing.T) {
	t.Parallel()
	a := newAdministration(t)
	app := a.System("test")
	var users []string
	for i := range 12 {
		users = append(users, fmt.Sprintf("u%02d &/%%", i))
	}
	require.NoError(t, app.Assign(t.Context(), rbac.Administrator, "zoe")) // behind whom the next role begins with sal
	require.NoError(t, app.Assign(t.Context(), a.roles["Sales"], users...))
	require.NoError(t, app.Assign(t.Context(), a.roles["Editor"], users[4:6]...))
	require.NoError(t, app.Suspend(t.Context(), users[3]))

	var members, holders, events []string
	for m, err := range a.Members(t.Context(), rbac.MemberQuery{}) {
		require.NoError(t, err)
		members = append(members, m.User)
	}
	for h, err := range a.WhoCan(t.Context(), rbac.Deals, rbac.Read) {
		require.NoError(t, err)
		holders = append(holders, h.Member.User)
	}
	for e, err := range a.Events(t.Context(), rbac.EventQuery{}) {
		require.NoError(t, err)
		events = append(events, fmt.Sprint(e.Seq))
	}
	user := func(item map[string]any) string { return item["user"].(string) }
	holder := func(item map[string]any) string { return user(item["member"].(map[string]any)) }
	seq := func(item map[string]any) string { return fmt.Sprint(item["seq"]) }
	for _, limit := range []int{1, 2, 3, 7, len(members), len(events), 1000} {
		page := fmt.Sprintf("?limit=%d", limit)
		require.Equal(t, members, a.follow(t, "ed", "/members"+page, user))
		require.Equal(t, holders, a.follow(t, "ed", "/who-can"+page+"&area=deals&action=read", holder))
		require.Equal(t, events, a.follow(t, "ada", "/events"+page+"&order=oldest", seq))
		newest := slices.Clone(events)
		slices.Reverse(newest)
		require.Equal(t, newest, a.follow(t, "ada", "/events"+page, seq))
	}
	require.Equal(t, users[:4], a.follow(t, "ed", "/members?limit=2&user="+url.QueryEscape(users[0])+"&user=nobody&user="+url.QueryEscape(users[1])+
		"&user="+url.QueryEscape(users[2])+"&user="+url.QueryEscape(users[3]), user))
	require.Equal(t, users[3:4], a.follow(t, "ed", "/members?state=suspended", user))

	// Who was last on a page has another role when the next one is asked for, and
	// nobody is left out. A place that is gone says so.
	var first struct{ Next string }
	require.NoError(t, json.Unmarshal(a.send("ed", "GET", "/who-can?area=deals&action=read&limit=4", "").Body.Bytes(), &first))
	require.NoError(t, app.Remove(t.Context(), holders[3]))
	require.Equal(t, holders[4:], a.follow(t, "ed", "/who-can?area=deals&action=read&limit=1000&after="+first.Next, holder))
	require.NoError(t, app.ReplaceRole(t.Context(), a.roles["Sales"], a.roles["Guest"]))
	gone := a.send("ed", "GET", "/who-can?area=deals&action=read&after="+first.Next, "")
	require.Equal(t, "422 invalid", code(gone))
	require.Contains(t, gone.Body.String(), "begin anew")
	require.Equal(t, "422 invalid", code(a.send("ed", "GET", "/who-can?area=deals&action=read&after=x", "")))
}

// Whoever sees some users only gets those, from the list and one by one.
func TestAdminShowsMembersWithinReach(t *testing.T) {
	t.Parallel()
	a := newAdministration(t, rbachttp.WithUnusedScope(func(r *http.Request, need rbachttp.Requirement) {
		t.Errorf("%s did not look at the scope of %v", r.URL, need)
	}))
	user := func(item map[string]any) string { return item["user"].(string) + " " + item["roleName"].(string) }
	require.Equal(t, []string{"lea Lead", "sal Sales"}, a.follow(t, "lea", "/members?limit=1", user))
	require.Equal(t, []string{"sal Sales"}, a.follow(t, "lea", "/members?user=sal&user=sam", user))
	require.Empty(t, a.follow(t, "lea", "/members?user=sam", user))
	require.Equal(t, "200", code(a.send("lea", "GET", "/members/sal", "")))
	require.Equal(t, "404 member-not-found", code(a.send("lea", "GET", "/members/sam", "")))
	require.Equal(t, a.send("lea", "GET", "/members/nobody", "").Body.String(), a.send("lea", "GET", "/members/sam", "").Body.String())
	for _, target := range []string{"/roles", "/matrix", "/findings", "/who-can?area=deals&action=read", "/explain?user=sam&area=deals&action=read", "/events"} {
		require.Equal(t, "403 denied", code(a.send("lea", "GET", target, "")), target)
	}
	require.Equal(t, "403 denied", code(a.send("ed", "GET", "/events", "")), "who manages users does not see the record")
	require.Equal(t, "200", code(a.send("gus", "GET", "/areas", "")))
	require.Equal(t, "403 denied", code(a.send("eve", "GET", "/areas", "")))
	require.Equal(t, "200", code(a.send("eve", "GET", "/permissions", "")), "as for everybody who is signed in")
}
