package rbacui_test

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
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

// The pages are bounded: with 200 roles and 60 areas, each is below 200 KB.
func TestSizes(t *testing.T) {
	store := rbac.NewMemStore()
	s := &site{TB: t, store: store, roles: map[string]rbac.RoleID{"Administrator": rbac.Administrator}}
	scopes := []rbac.Scope{rbac.None, rbac.Own, rbac.Team, rbac.All}
	require.NoError(t, store.Update(context.Background(), "", func(tx rbac.Tx) error {
		for i := range 199 {
			role := rbac.Role{
				ID: rbac.RoleID(fmt.Sprintf("role-of-twenty-six-bytes-%03d", i)), Name: fmt.Sprintf("A role with a name of some length, number %03d", i),
				Description: "Something that tells people what it is for.", Permissions: rbac.Permissions{}, Version: 1, CreatedAt: time.Unix(1, 0).UTC(), UpdatedAt: time.Unix(1, 0).UTC(),
			}
			for j, info := range many(t, 60) {
				if info.Owned && info.Area != rbac.Users {
					role.Permissions[info.Area] = rbac.Access{Read: scopes[(i+j)%4], Manage: scopes[(i/4+j)%4]}
				}
			}
			if i == 198 {
				for n := range 100 {
					role.Assigns = append(role.Assigns, rbac.RoleID(fmt.Sprintf("role-of-twenty-six-bytes-%03d", n)))
				}
			}
			s.roles[role.Name] = role.ID
			if err := tx.PutRole(role); err != nil {
				return err
			}
		}
		return nil
	}))
	s.az = workspacetest.Open(t, store, rbac.WithAreas(many(t, 60)...), rbac.WithTeams())
	s.ui = rbacui.New(s.az, identify)
	s.assign("Administrator", mara)
	role := "A role with a name of some length, number 198"
	s.assign(role, "bob", "cy")
	stale := with(s.get(mara, s.path("role", role)).filled(), "do", "save")
	for name, value := range stale {
		if strings.HasSuffix(name, ".read") && value[0] == "all" {
			stale.Set(name, "none")
		}
	}
	s.edits(mara, role, func(r *rbac.Role) {
		for area := range r.Permissions {
			r.Permissions[area] = rbac.Access{Read: rbac.Own}
		}
	})
	for _, page := range []answer{
		s.get(mara, ""), s.get(mara, "?q=number"), s.get(mara, s.path("role", role)), s.get(mara, "role-new"), s.get(mara, "role?id=administrator"),
		s.get(mara, s.path("role-delete", role)), s.post(mara, s.path("role", role), stale),
	} {
		require.Contains(t, []int{200, 409}, page.StatusCode)
		require.Less(t, len(page.body), 200_000, regexp.MustCompile("<title>.*</title>").FindString(page.body))
	}
	first := s.get(mara, "")
	require.Contains(t, first.text(), "200 of 200 roles match. Next")
	next := regexp.MustCompile(`href="(\./\?from=[^"]*)"`).FindStringSubmatch(first.body)
	require.NotNil(t, next)
	require.Contains(t, s.get(mara, next[1][2:]).text(), "number 198")
}

// Every text can be replaced: nothing on a page is said in English then.
func TestTextsReplaced(t *testing.T) {
	greek := map[string]string{}
	for _, text := range rbacui.Texts() {
		replaced := regexp.MustCompile(`%s`).ReplaceAllString(text, "\x00")
		replaced = regexp.MustCompile(`\p{L}`).ReplaceAllString(replaced, "ж")
		greek[text] = strings.ReplaceAll(replaced, "\x00", "%s")
	}
	var areas []rbac.AreaInfo
	for i, info := range many(t, 14) {
		info.Label, info.Section, info.Description = "Ωωω"+strings.Repeat("ω", i), "Σσσ", "Δδδ"
		info.OwnWords = ""
		areas = append(areas, info)
	}
	store := rbac.NewMemStore()
	az := workspacetest.Open(t, store, rbac.WithAreas(areas...), rbac.WithTeams(),
		rbac.WithSystemRoles(rbac.Role{ID: "α", Name: "Ααα", Permissions: permissions(t, "users: read all")}))
	s := &site{TB: t, az: az, store: store, roles: map[string]rbac.RoleID{}, ui: rbacui.New(az, identify, rbacui.WithTexts("ru", greek), rbacui.WithLogger(slog.New(slog.DiscardHandler)))}
	ctx := context.Background()
	system := az.System("λόγος")
	require.NoError(t, system.Assign(ctx, rbac.Administrator, "ada"))
	role, err := system.CreateRole(ctx, rbac.Role{Name: "Βββ", Permissions: permissions(t, "contacts: read all, manage own; api: manage all")})
	require.NoError(t, err)
	list, err := system.CreateRole(ctx, rbac.Role{Name: "Γγγ", Permissions: permissions(t, "users: read all"), Assigns: []rbac.RoleID{role.ID}})
	require.NoError(t, err)
	require.NoError(t, system.Assign(ctx, role.ID, "β", "γ"))
	require.NoError(t, system.Assign(ctx, list.ID, "δ"))
	s.roles["Βββ"], s.roles["Γγγ"] = role.ID, list.ID
	form := with(s.get("ada", s.path("role", "Βββ")).filled(), "do", "save")
	s.edits("ada", "Βββ", func(r *rbac.Role) { r.Permissions[rbac.Contacts] = rbac.Access{Read: rbac.Team} })
	for i, page := range []answer{
		s.get("ada", ""), s.get("ada", "?q=000"), s.get("ada", "?done="+string(role.ID)), s.get("ada", s.path("role", "Βββ")), s.get("δ", s.path("role", "Βββ")),
		s.get("ada", "role-new"), s.get("ada", "role?id=administrator"), s.get("ada", "role?id=0"), s.get("ada", s.path("role-delete", "Βββ")), s.get("ada", s.path("role-delete", "Γγγ")),
		s.get("δ", "role-new"), s.get("0", ""), s.get("", ""), s.get("ada", "0.0"), s.post("", "role-new", url.Values{"name": {"0"}}),
		s.post("ada", s.path("role", "Βββ"), with(form, "contacts.read", "own")),
		s.post("ada", s.path("role", "Βββ"), with(form, "name", "Γγγ", "version", "2")),
		s.post("ada", s.path("role", "Βββ"), with(form, "name", "", "description", strings.Repeat("x", 501))),
		s.post("ada", "role-new", form, "Sec-Fetch-Site", "cross-site"),
		s.get("ada", "members"), s.get("ada", "members?q=000"), s.get("ada", "members?done=β"), s.get("δ", "members"), s.get("ada", "member-new"), s.get("ada", "member-new?q=β"),
		s.get("ada", "member?user=β&area=contacts&action=read&role="+string(list.ID)), s.get("δ", "member?user=ada"), s.get("ada", "member?user=ada"), s.get("ada", "member?user=000"),
		s.get("ada", "members-change"), s.get("ada", "members-change?user=β&remove=1"), s.get("ada", "members-change?user=β&user=000&state=suspended"),
		s.post("ada", "members-change", url.Values{"user": {"β", "γ", "δ"}, "role": {string(list.ID)}, "move": {"to"}, "team": {"τ"}, "state": {"suspended"}}),
		s.post("ada", "members-change", url.Values{"user": {"β", "ada"}, "role": {"administrator"}, "do": {"save"}}), s.post("ada", "members", url.Values{"user": {"000"}}),
	} {
		text := strings.ReplaceAll(page.text(), "Administrator", "") // a name
		text = regexp.MustCompile(`May read and manage everything\.|ada|AD?\b`).ReplaceAllString(text, "")
		require.NotRegexp(t, `[A-Za-z]{2,}`, text, "page %d", i)
		for _, attr := range regexp.MustCompile(` (?:aria-label|placeholder|data-label|title|alt)="([^"]*)"`).FindAllStringSubmatch(strings.ReplaceAll(page.body, " UTC\"", "\""), -1) {
			require.NotRegexp(t, `[A-Za-z]{2,}`, strings.ReplaceAll(attr[1], "ada", ""), "page %d", i)
		}
		require.Contains(t, page.body, `<html lang="ru">`)
	}
	require.Panics(t, func() {
		rbacui.New(az, identify, rbacui.WithTexts("de", map[string]string{"nothing here says this": ""}))
	})
	require.Panics(t, func() { rbacui.New(az, identify, rbacui.WithTexts("de", map[string]string{"%s people": "Leute"})) })
	for _, bad := range []string{"%[2]s und %[2]s", "%[2]s und %s", "%[1]s und %[9]s", "%[0]s und %[1]s"} {
		require.Panics(t, func() { rbacui.New(az, identify, rbacui.WithTexts("de", map[string]string{"%s and %s": bad})) }, bad)
	}
	rbacui.New(az, identify, rbacui.WithTexts("de", map[string]string{"%s and %s": "%[2]s und %[1]s"}))
	rbacui.New(az, identify, rbacui.WithTexts("de", map[string]string{"%s people": "%s Personen"}))
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

// Times are in UTC, as elements that say so.
func TestTimes(t *testing.T) {
	s := newSite(t)
	updated := s.role("Sales").UpdatedAt
	page := s.get(mara, s.path("role", "Sales"))
	require.Contains(t, page.body, fmt.Sprintf(`<time datetime="%s" title="%s UTC" data-local="date">%s</time>`,
		updated.Format(time.RFC3339), updated.Format("2006-01-02 15:04:05"), updated.Format("2 January 2006")))
}
