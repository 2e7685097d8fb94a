package rbacui_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbacui"
)

// counting is a store that counts what it is asked, and the rows that it returns.
type counting struct {
	rbac.Store
	views, roles, members, events atomic.Int64
}

func (c *counting) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	c.views.Add(1)
	return c.Store.View(ctx, workspace, func(r rbac.Reader) error { return fn(countingReader{r, c}) })
}

type countingReader struct {
	rbac.Reader
	c *counting
}

func (r countingReader) Roles() iter.Seq2[rbac.Role, error] {
	return counted(r.Reader.Roles(), &r.c.roles)
}

func (r countingReader) Members(q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	return counted(r.Reader.Members(q), &r.c.members)
}

func (r countingReader) Events(q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	return counted(r.Reader.Events(q), &r.c.events)
}

func counted[T any](rows iter.Seq2[T, error], n *atomic.Int64) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for row, err := range rows {
			n.Add(1)
			if !yield(row, err) {
				return
			}
		}
	}
}

// No page reads all members or all events: what it reads does not grow with them.
func TestRows(t *testing.T) {
	store := &counting{Store: rbac.NewMemStore()}
	s := openSite(t, store)
	const crowd = 2000
	var users []string
	for i := range crowd {
		users = append(users, fmt.Sprintf("user-%04d", i))
	}
	s.assign("Support", users...)
	require.NoError(t, s.az.System("test").Suspend(context.Background(), users[:300]...))
	require.NoError(t, s.az.Sync(context.Background())) // what checks answer from is read once
	for _, path := range []string{"", "?done=" + string(s.roles["Support"]), "role?id=administrator", s.path("role-delete", "Support"), s.path("role", "Sales lead"), s.path("role", "Support") + "&hedda"} {
		user := mara
		if path == s.path("role", "Support")+"&hedda" {
			user = "hedda.dorn" // who only reads it
		}
		store.views.Store(0)
		store.roles.Store(0)
		store.members.Store(0)
		store.events.Store(0)
		page := s.get(user, path)
		require.Equal(t, 200, page.StatusCode)
		require.Less(t, store.members.Load(), int64(120), "members for %q", path)
		require.Less(t, store.events.Load(), int64(5), "events for %q", path)
		require.Less(t, store.roles.Load(), int64(60), "roles for %q", path)
		require.Less(t, store.views.Load(), int64(12), "views for %q", path)
	}
	// Nor does the plan of a role that nearly everybody holds, but for the suspended.
	path := s.path("role", "Support")
	form := with(s.get(mara, path).filled(), "deals.read", "all", "do", "plan")
	store.members.Store(0)
	page := s.post(mara, path, form)
	require.Contains(t, page.text(), "2000 people hold this role.")
	require.Less(t, store.members.Load(), int64(300+120))

	require.Contains(t, s.get("hedda.dorn", s.path("role", "Support")).text(), "Held by 2000 people")
	require.Contains(t, s.get(mara, s.path("role-delete", "Support")).text(), "Move 2000 people and delete the role")
}

// No page of the review reads all members, and only who asks for it, by a form, has
// each looked at.
func TestReviewRows(t *testing.T) {
	store := &counting{Store: rbac.NewMemStore()}
	s := openSite(t, store)
	var users []string
	for i := range 2000 {
		users = append(users, fmt.Sprintf("user-%04d", i))
	}
	s.assign("Operations manager", users...)
	require.NoError(t, s.az.Sync(context.Background()))
	for _, path := range []string{
		"review", "review?by=area", "review?area=deals&action=manage", "review?area=deals&action=manage&from=" + string(s.roles["Operations manager"]) + "&after=user-1000",
		"review?area=deals&action=manage&person=user-0007", "review?do=look", "review.csv",
	} {
		store.views.Store(0)
		store.roles.Store(0)
		store.members.Store(0)
		store.events.Store(0)
		require.Equal(t, http.StatusOK, s.get(mara, path).StatusCode)
		require.Less(t, store.members.Load(), int64(60), path)
		require.Less(t, store.events.Load(), int64(4), path)
		require.Less(t, store.roles.Load(), int64(60), path)
		require.Less(t, store.views.Load(), int64(16), path)
	}
	page := s.get(mara, "review")
	require.Contains(t, page.text(), "Members are many, so they were counted and not looked at one by one. Look at every member")
	require.NotContains(t, page.text(), "Many people can change roles and members")
	page = s.post(mara, "review", url.Values{"do": {"look"}})
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.text(), "Many people can change roles and members It is more than one in five. Each can give others what they hold. See who")
	require.Equal(t, http.StatusForbidden, s.post(mara, "review", url.Values{"do": {"look"}}, "Sec-Fetch-Site", "cross-site").StatusCode)
	require.Equal(t, http.StatusMethodNotAllowed, s.post(mara, "review.csv", url.Values{}).StatusCode)
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
