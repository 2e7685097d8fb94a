package rbacui_test

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
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
