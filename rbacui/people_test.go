package rbacui_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbacui"
	"github.com/stretchr/testify/require"
)

// people is a directory in memory.
type people struct {
	names map[string]rbacui.Person
	err   error
	then  func() // what it does before it answers
}

func (p people) People(_ context.Context, _ string, users []string) (map[string]rbacui.Person, error) {
	if p.then != nil {
		p.then()
	}
	found := map[string]rbacui.Person{}
	for _, user := range users {
		if person, ok := p.names[user]; ok {
			found[user] = person
		}
	}
	return found, p.err
}

func (p people) Search(context.Context, string, string, int) ([]rbacui.Person, bool, error) {
	return nil, false, p.err
}

func (p people) Waiting(context.Context, string, int) ([]rbacui.Person, bool, error) {
	return nil, false, p.err
}

// Names are those of the directory. Without one, or when it fails, pages show ids,
// and say so.
func TestDirectory(t *testing.T) {
	known := people{names: map[string]rbacui.Person{
		lena:         {Name: "Lena Ahlgrund", Avatar: "/avatars/lena.png"},
		"hedda.dorn": {Name: "Hedda Dorn"},
	}}
	s := newSite(t, rbacui.WithDirectory(known), rbacui.WithName(func(*http.Request, string) string { return "Ostervik Supply" }))
	page := s.get(lena, s.path("role", "Sales lead"))
	require.Contains(t, page.body, "<title>Sales lead · Ostervik Supply</title>")
	require.Contains(t, page.text(), "Lena Ahlgrund Operations manager")
	require.Contains(t, page.body, `<img src="/avatars/lena.png" alt=""`)
	require.Contains(t, page.body, `<span class="avatar avatar-s" aria-hidden="true">HD</span><span class="avatar avatar-s" aria-hidden="true">IO</span>`)
	known.err = errors.New("the directory is down")
	s = newSite(t, rbacui.WithDirectory(known))
	page = s.get(lena, s.path("role", "Sales lead"))
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.text(), "Names cannot be shown right now.")
	require.Contains(t, page.text(), "lena.ahlgrund Operations manager")
}

// single is a store with one connection, for which nobody waits longer than a minute.
type single struct {
	rbac.Store
	taken chan struct{}
}

func (s single) alone(do func() error) error {
	select {
	case s.taken <- struct{}{}:
		defer func() { <-s.taken }()
		return do()
	case <-time.After(time.Minute):
		return errors.New("there is no other connection")
	}
}

func (s single) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return s.alone(func() error { return s.Store.View(ctx, workspace, fn) })
}

func (s single) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	return s.alone(func() error { return s.Store.Update(ctx, workspace, fn) })
}

// No page asks the directory, or the store a second time, while it reads: a directory
// may need the same connection.
func TestDirectoryOfTheSameStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := single{rbac.NewMemStore(), make(chan struct{}, 1)}
		reads := func() { _ = store.View(context.Background(), "", func(rbac.Reader) error { return nil }) }
		s := openSite(t, store, rbacui.WithDirectory(people{then: reads}))
		s.edits(lena, "Sales lead", func(r *rbac.Role) { r.Description = "Leads a team." })
		require.NoError(t, s.az.As(lena).DeleteRole(t.Context(), s.roles["Data import"]))
		require.NoError(t, s.az.As(lena).Suspend(t.Context(), tomas, "nia.tamsworth"))
		for path, say := range map[string]string{
			s.path("role", "Sales lead"):                         "by lena.ahlgrund. History",
			s.path("role", "Data import"):                        "lena.ahlgrund deleted “Data import”",
			"?done=" + string(s.roles["Sales lead"]):             "Saved “Sales lead”",
			"members?done=" + tomas:                              "lena.ahlgrund suspended tomas.vikberg. And 1 person more with it.",
			link("member", tomas):                                "lena.ahlgrund suspended tomas.vikberg.",
			s.path("role-delete", "Sales"):                       "nia.tamsworth and tomas.vikberg get the role",
			"members-change?team=North&move=to&user=" + tomas:    "Change tomas.vikberg?",
			"review?area=deals&action=manage&person=samir.bassi": "samir.bassi May manage deals",
			"audit":     "lena.ahlgrund suspended tomas.vikberg and nia.tamsworth.",
			"audit.csv": "lena.ahlgrund",
			"members":   "samir.bassi",
			s.path("role", "Sales lead") + "&restore=" + itoa(20): "as it was before the change",
		} {
			page := s.get(lena, path)
			require.Contains(t, page.text(), say, path)
			require.NotContains(t, page.text(), "Names cannot be shown", path)
		}
	})
}

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
