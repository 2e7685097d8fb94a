package rbacui_test

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbacui"
)

// A directory that panics, or does not look at its context, takes no page along, and
// no more than so many goroutines.
func TestDirectoryThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, rbacui.WithDirectory(people{then: func() { panic("no rows") }}))
		require.Contains(t, s.get(lena, "members").text(), "Names cannot be shown right now.")
		s = newSite(t, rbacui.WithDirectory(people{then: runtime.Goexit}))
		require.Contains(t, s.get(lena, "members").text(), "Names cannot be shown right now.")

		hung := make(chan struct{})
		defer close(hung)
		var asked atomic.Int64
		s = newSite(t, rbacui.WithDirectory(people{then: func() { asked.Add(1); <-hung }}))
		for range 110 {
			began := time.Now()
			require.Contains(t, s.get(lena, "no.page").body, "Names cannot be shown right now.")
			require.Equal(t, 2*time.Second, time.Since(began))
		}
		require.EqualValues(t, 100, asked.Load())
	})
}

// hostile is text that would do something if it were not shown as text.
const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`

// Whatever names say, they are text: markup, quotes, the other direction of writing,
// eighty wide characters.
func TestScenario31_HostileNames(t *testing.T) {
	user := `"><script>alert(2)</script>&role=administrator#?/../%2f`
	names := people{names: map[string]rbacui.Person{
		user: {Name: "\u202egnirednaw\u2066" + hostile, Avatar: "javascript:alert(3)"},
		mara: {Name: " \u200f "},
	}}
	s := newSite(t, rbacui.WithDirectory(names), rbacui.WithName(func(*http.Request, string) string { return hostile }))
	ctx := context.Background()
	hebrew := strings.Repeat("ש", 40) + " " + strings.Repeat("Ｗ", 39)
	for _, name := range []string{hostile, hebrew} {
		role, err := s.az.As(mara).CreateRole(ctx, rbac.Role{Name: name, Description: name + hostile, Permissions: permissions(t, "deals: read own")})
		require.NoError(t, err)
		s.roles[name] = role.ID
		require.NoError(t, s.az.As(mara).Assign(ctx, role.ID, user+name))
	}
	require.NoError(t, s.az.As(mara).Assign(ctx, s.roles[hostile], user))
	s.edits(mara, hostile, func(r *rbac.Role) { r.Assigns = []rbac.RoleID{s.roles[hebrew]} })
	stale := with(s.get(mara, s.path("role", hostile)).filled(), "description", hostile+"!", "version", "1", "do", "save")
	var pages []answer
	for _, path := range []string{"", "?q=" + url.QueryEscape(hostile), s.path("role", hostile), s.path("role", hebrew), "role-new?copy=" + url.QueryEscape(hostile),
		s.path("role-delete", hostile), s.path("role-delete", hebrew), "role?id=" + url.QueryEscape(hostile), "?done=" + string(s.roles[hostile])} {
		pages = append(pages, s.get(mara, path))
	}
	pages = append(pages, s.post(mara, s.path("role", hostile), stale),
		s.post(mara, s.path("role", hostile), url.Values{"name": {hostile + "\u202e"}, "contacts.read": {hostile}, "assign": {hostile}, "assigns": {"1"}, "version": {hostile}, "copy": {hostile}, "do": {"save"}}),
		s.post("", s.path("role", hostile), url.Values{hostile: {hostile}}))
	for i, page := range pages {
		require.NotRegexp(t, `(?i)<script>|<img src=x|onerror=alert\(1\)>|javascript:`, strings.ReplaceAll(page.body, template.HTMLEscapeString(hostile), ""), "page %d", i)
		page.body = regexp.MustCompile(`value="[^"]*"`).ReplaceAllString(page.body, "") // an input keeps what was written, apart from the text around it
		require.NotContains(t, page.body, "\u202e", "page %d", i)
		require.NotContains(t, page.body, "\u200f", "page %d", i)
		require.NotContains(t, page.body, "ZgotmplZ\"", "page %d", i)
	}
	require.Contains(t, pages[0].body, "<bdi>"+hebrew+"</bdi>")
	require.Contains(t, pages[2].body, `name="name" value="`+template.HTMLEscapeString(hostile)+`"`)
}

// A layout of the application's puts the pages into its own document.
func TestLayout(t *testing.T) {
	frame := func(w io.Writer, r *http.Request, page rbacui.Page) error {
		if r.URL.Query().Has("fails") {
			return errors.New("the layout failed")
		}
		_, err := fmt.Fprintf(w, "<!doctype html><title>%s</title>%s<body><h1>Ours</h1>%s", template.HTMLEscapeString(page.Title), page.Head, page.Body)
		return err
	}
	s := newSite(t, rbacui.WithLayout(frame), rbacui.WithSources("img-src", "https://cdn.example"), rbacui.WithSources("font-src", "https://cdn.example"))
	page := s.get(mara, "")
	require.True(t, strings.HasPrefix(page.body, `<!doctype html><title>Roles · Access</title><link rel="stylesheet" href="rbacui-`))
	require.Contains(t, page.body, `<h1>Ours</h1><div class="rbac" lang="en">`)
	require.Equal(t, 1, strings.Count(page.body, "<body"))
	require.Contains(t, page.Header.Get("Content-Security-Policy"), "img-src 'self' https://cdn.example; font-src https://cdn.example; connect-src 'self';")
	failed := s.get(mara, "?fails")
	require.Equal(t, http.StatusInternalServerError, failed.StatusCode)
	require.Contains(t, failed.body, "This page cannot be shown right now.")
	for _, bad := range []rbacui.Option{
		rbacui.WithSources("default-src", "https://cdn.example"), rbacui.WithSources("script-src", "'unsafe-inline'"), rbacui.WithSources("style-src", "'Unsafe-Inline'"), rbacui.WithSources("script-src", "'wasm-unsafe-eval'"),
		rbacui.WithSources("script-src", "https:"),
		rbacui.WithSources("script-src", "*"), rbacui.WithSources("script-src", "a; b"), rbacui.WithLogger(nil), rbacui.WithTexts("", nil), nil,
	} {
		require.Panics(t, func() { rbacui.New(s.az, identify, bad) })
	}
	require.Panics(t, func() { rbacui.New(nil, identify) })
	require.Panics(t, func() { rbacui.New(s.az, nil) })
}

// Where the application has no teams there are three slots, and nobody reads of
// teams.
func TestWithoutTeams(t *testing.T) {
	az := workspacetest.Open(t, rbac.NewMemStore())
	s := &site{TB: t, az: az, roles: map[string]rbac.RoleID{"Administrator": rbac.Administrator}, ui: rbacui.New(az, identify)}
	first := s.get(mara, "")
	require.Equal(t, http.StatusForbidden, first.StatusCode)
	s.assign("Administrator", mara)
	first = s.get(mara, "")
	require.Contains(t, first.text(), "Set up access in three steps You are an administrator")
	page := s.get(mara, "role-new")
	require.Contains(t, page.body, `class="cols no-teams"`)
	require.Empty(t, page.option("deals.read", "team"))
	require.NotRegexp(t, `(?i)team`, page.text())
}

// Names from anywhere are text on all of these pages.
func TestScenario31_ReviewAndAuditOfHostileNames(t *testing.T) {
	hebrew := strings.Repeat("ש", 40) + " " + strings.Repeat("Ｗ", 39)
	names := people{names: map[string]rbacui.Person{hostile: {Name: "\u202egnirednaw\u2066" + hostile, Avatar: "javascript:alert(3)"}}}
	s := newSite(t, rbacui.WithDirectory(names), rbacui.WithName(func(*http.Request, string) string { return hostile }))
	ctx := context.Background()
	for _, name := range []string{hostile, hebrew} {
		role, err := s.az.As(mara).CreateRole(ctx, rbac.Role{Name: name, Description: name + hostile, Permissions: permissions(t, "deals: read own")})
		require.NoError(t, err)
		s.roles[name] = role.ID
	}
	s.assign(hostile, hostile, "b"+hostile)
	require.NoError(t, s.az.System(hostile).SetTeam(ctx, hostile, hostile))
	require.NoError(t, s.az.System(hostile).Suspend(ctx, hostile))
	s.assign("Administrator", hostile)
	require.NoError(t, s.az.System("back").Reinstate(ctx, hostile))
	require.NoError(t, s.az.As(hostile).Via(hostile).Because(hostile).Rename(ctx, "b"+hostile, "c"+hostile))
	s.edits(hostile, hebrew, func(r *rbac.Role) { r.Assigns = []rbac.RoleID{s.roles[hostile]} })
	q := url.QueryEscape(hostile)
	for _, path := range []string{
		"review", "review?by=area", "review?area=" + q + "&action=" + q + "&from=" + q + "&after=" + q, "review?person=" + q + "&roles=" + q + "&findings=" + q,
		"audit", "audit?actor=" + q + "&user=" + q, "audit?actor=" + q, "audit?user=" + q, "audit?role=" + q, "audit?kind=" + q + "&from=" + q + "&until=" + q, "audit?before=" + q + "&after=" + q,
	} {
		page := s.get(mara, path)
		require.Equal(t, http.StatusOK, page.StatusCode, path)
		shown := strings.ReplaceAll(page.body, template.HTMLEscapeString(hostile), "")
		for _, bad := range []string{`(?i)<script>|<img src=x|onerror=alert\(1\)|javascript:`, `<[a-z][^>]* (style|on[a-z]+)=|<style|data:|ZgotmplZ`, "[\u202a-\u202e\u2066-\u2069\u200f]"} {
			require.Empty(t, regexp.MustCompile(bad).FindString(shown), path)
		}
	}
	require.Contains(t, s.get(mara, "audit").body, "<bdi>"+hebrew+"</bdi>")
	require.Contains(t, s.get(mara, "review").body, "<bdi>"+hebrew+"</bdi>")
	require.Contains(t, s.get(mara, "audit.jsonl").body, `\u003cscript\u003e`)
}

// Whatever names and ids say, on the pages of members they are text.
func TestScenario31_HostileMembers(t *testing.T) {
	user := `"><script>alert(2)</script>&role=administrator#?/../%2f`
	dir := newStaff(rbacui.Person{User: user, Name: "\u202egnirednaw\u2066" + hostile, Email: hostile, Note: "\u200f" + hostile, Avatar: "javascript:alert(3)"})
	dir.waiting = []rbacui.Person{{User: user + "2", Name: hostile, Email: "\u202e", Note: hostile}}
	s := newSite(t, rbacui.WithDirectory(dir))
	ctx := context.Background()
	role, err := s.az.As(mara).CreateRole(ctx, rbac.Role{Name: hostile, Description: hostile, Permissions: permissions(t, "deals: read own")})
	require.NoError(t, err)
	require.NoError(t, s.az.As(mara).Assign(ctx, role.ID, user))
	require.NoError(t, s.az.As(mara).Because(hostile).SetTeam(ctx, hostile, user))
	escaped := url.QueryEscape(hostile)
	for i, page := range []answer{
		s.get(mara, "members"), s.get(mara, "members?q=wand"), s.get(mara, "members?q=gnir"), s.get(mara, "members?q="+escaped+"&team="+escaped+"&state="+escaped+"&after="+escaped+"&trail="+escaped),
		s.get(mara, "members?role="+escaped), s.get(mara, "members?done="+url.QueryEscape(user)), s.get(mara, link("member", user)+"&role="+string(role.ID)+"&area="+escaped+"&action="+escaped),
		s.get(mara, link("member", user)+"&area=deals"), s.get(mara, link("member", user+"2")+"&role="+string(role.ID)), s.get(mara, link("member", hostile)), s.get(mara, "member-new"), s.get(mara, "member-new?q="+escaped),
		s.post(mara, "members-change", with(chosen(user, hostile), "role", escaped, "move", "to", "team", hostile, "state", hostile, "do", "save")),
		s.post(mara, "members-change", with(chosen(user), "role", string(s.roles["Sales"]), "move", "out")),
		s.post(mara, "members", with(chosen(user+"2"), "role", hostile)), s.post(mara, link("member", user), with(chosen(user), "role", hostile, "do", "save")),
		s.post("", "members-change", url.Values{hostile: {hostile}}),
	} {
		require.Less(t, page.StatusCode, 500, i)
		bare := strings.ReplaceAll(page.body, template.HTMLEscapeString(hostile), "")
		require.NotRegexp(t, `(?i)<script>|<img src=x|onerror=alert\(1\)>|javascript:|<[a-z][^>]* (style|on[a-z]+)=|href="[a-z]+:`, bare, "page %d", i)
		page.body = regexp.MustCompile(`value="[^"]*"`).ReplaceAllString(page.body, "")
		require.NotContains(t, page.body, "\u202e", "page %d", i)
		require.NotContains(t, page.body, "\u200f", "page %d", i)
		require.NotContains(t, page.body, "ZgotmplZ", "page %d", i)
	}
}
