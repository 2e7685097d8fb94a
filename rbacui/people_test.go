package rbacui_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

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
