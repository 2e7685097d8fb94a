package rbacui_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbachttp"
	"github.com/areagate/rbac/rbacui"
)

// The people of an invented company.
const (
	mara  = "mara.lindhagen" // Administrator
	lena  = "lena.ahlgrund"  // manages users, and holds no API access
	tomas = "tomas.vikberg"  // Sales, who may see nothing here
	nobo  = "nobody"         // no member
)

// site is the pages with a company in them.
type site struct {
	testing.TB
	az    *rbac.Authorizer
	store rbac.Store
	roles map[string]rbac.RoleID // by name
	ui    http.Handler
}

func catalogue() []rbac.AreaInfo {
	areas := rbac.DefaultAreas()
	areas[2].OwnWords = "they lead"
	return slices.Insert(areas, 5,
		rbac.AreaInfo{Area: "claims", Label: "Warranty claims", Description: "Repairs and replacements that customers ask for.", Section: "Records", Owned: true},
		rbac.AreaInfo{Area: "approvals", Label: "Deal approvals", Description: "Discounts above the limit.", Section: "Records", Only: rbac.Manage},
	)
}

// permissions reads "contacts: read all, manage own; deals: read own".
func permissions(t testing.TB, text string) rbac.Permissions {
	t.Helper()
	var p rbac.Permissions
	require.NoError(t, p.UnmarshalText([]byte(text)))
	return p
}

func newSite(t testing.TB, opts ...rbacui.Option) *site {
	t.Helper()
	return openSite(t, rbac.NewMemStore(), opts...)
}

func openSite(t testing.TB, store rbac.Store, opts ...rbacui.Option) *site {
	t.Helper()
	auditor := rbac.Role{ID: "auditor", Name: "Auditor", Permissions: permissions(t, "users: read all; audit: read all")}
	az := workspacetest.Open(t, store, rbac.WithAreas(catalogue()...), rbac.WithTeams(), rbac.WithSystemRoles(auditor))
	s := &site{TB: t, az: az, store: store, roles: map[string]rbac.RoleID{"Administrator": rbac.Administrator, "Auditor": "auditor"}}
	s.add("Operations manager", "contacts: read all, manage all; organizations: read all, manage all; deals: read all, manage all; services: read all, manage all; "+
		"tasks: read all, manage all; claims: read all, manage all; approvals: manage all; users: read all, manage all; audit: read all")
	s.add("Sales", "contacts: read all, manage own; deals: read team, manage own; tasks: read team, manage own; users: read own")
	s.add("Sales lead", "contacts: read all, manage all; deals: read all, manage team; tasks: read team, manage team; users: read all", "Sales")
	s.add("Support", "contacts: read all; claims: read all, manage team; tasks: read team, manage team")
	s.add("Support, night shift", "contacts: read all; claims: read all, manage own; tasks: read team, manage team")
	s.add("Integrations", "contacts: read all, manage all; api: read all, manage all")
	s.add("Data import", "contacts: manage all")
	s.assign("Administrator", mara, "anton.weissenau")
	s.assign("Operations manager", lena)
	s.assign("Sales", tomas, "nia.tamsworth")
	s.assign("Sales lead", "hedda.dorn", "samir.bassi", "iris.okada")
	s.assign("Support, night shift", "elif.soydanlar", "viktor.hallgreen")
	s.assign("Integrations", "celeste.amundry")
	require.NoError(t, az.System("test").Suspend(context.Background(), "iris.okada"))
	s.ui = rbacui.New(az, identify, append([]rbacui.Option{rbacui.WithLogger(slog.New(slog.DiscardHandler))}, opts...)...)
	return s
}

// identify takes the user from a header, and a limit from another.
func identify(r *http.Request) (rbachttp.Caller, error) {
	caller := rbachttp.User(r.Header.Get("X-User"))
	if limit := r.Header.Get("X-Limit"); limit != "" {
		var p rbac.Permissions
		if err := p.UnmarshalText([]byte(limit)); err != nil {
			return rbachttp.Caller{}, err
		}
		caller = caller.Key("", p)
	}
	return caller, nil
}

func (s *site) add(name, permitted string, assigns ...string) {
	s.Helper()
	role := rbac.Role{Name: name, Permissions: permissions(s, permitted)}
	for _, other := range assigns {
		role.Assigns = append(role.Assigns, s.roles[other])
	}
	created, err := s.az.System("test").CreateRole(context.Background(), role)
	require.NoError(s, err)
	s.roles[name] = created.ID
}

func (s *site) assign(role string, users ...string) {
	s.Helper()
	require.NoError(s, s.az.System("test").Assign(context.Background(), s.roles[role], users...))
}

// role returns a role as it is stored.
func (s *site) role(name string) rbac.Role {
	s.Helper()
	roles, err := s.az.Roles(context.Background())
	require.NoError(s, err)
	for _, role := range roles {
		if role.ID == s.roles[name] {
			return role
		}
	}
	require.Fail(s, "no such role", name)
	return rbac.Role{}
}

// revision is the number of the newest event: whether something was written.
func (s *site) revision() int64 {
	s.Helper()
	revisions, err := s.store.Revisions(context.Background(), []string{""})
	require.NoError(s, err)
	return revisions[""].Seq
}

// answer is what a page answered.
type answer struct {
	*http.Response
	body string
}

// text is the page without its markup, each run of space as one.
func (a answer) text() string {
	text := regexp.MustCompile(`(?s)<(script|style|svg).*?</(script|style|svg)>|<[^>]*>`).ReplaceAllString(a.body, " ")
	for entity, char := range map[string]string{"&#34;": `"`, "&#39;": "'", "&lt;": "<", "&gt;": ">", "&amp;": "&", "&#43;": "+"} {
		text = strings.ReplaceAll(text, entity, char)
	}
	return strings.NewReplacer(" .", ".", " ,", ",", " ;", ";", " :", ":", "“ ", "“", " ”", "”").Replace(strings.Join(strings.Fields(text), " "))
}

// ask sends a request to the pages, as if they were mounted at the root.
func (s *site) ask(user, method, target string, form url.Values, headers ...string) answer {
	s.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, "/"+target, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	r.Header.Set("X-User", user)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return serve(s, s.ui, r)
}

func serve(t testing.TB, h http.Handler, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Result(), w.Body.String()}
}

func (s *site) get(user, target string, headers ...string) answer {
	s.Helper()
	return s.ask(user, http.MethodGet, target, nil, headers...)
}

func (s *site) post(user, target string, form url.Values, headers ...string) answer {
	s.Helper()
	return s.ask(user, http.MethodPost, target, form, headers...)
}

// path is the address of a page about a role.
func (s *site) path(segment, role string) string {
	return segment + "?" + url.Values{"id": {string(s.roles[role])}}.Encode()
}

var (
	inputs = regexp.MustCompile(`<input [^>]*>`)
	attr   = regexp.MustCompile(`([a-z-]+)(?:="([^"]*)")?`)
)

// inputs returns the attributes of each input.
func (a answer) inputs() []map[string]string {
	var all []map[string]string
	for _, input := range inputs.FindAllString(a.body, -1) {
		attrs := map[string]string{}
		for _, found := range attr.FindAllStringSubmatch(strings.TrimPrefix(input, "<input"), -1) {
			attrs[found[1]] = unescape(found[2])
		}
		all = append(all, attrs)
	}
	return all
}

// filled returns what a browser would send of the forms on a page: the inputs that
// are on.
func (a answer) filled() url.Values {
	form := url.Values{}
	for _, attrs := range a.inputs() {
		_, off := attrs["disabled"]
		_, checked := attrs["checked"]
		choice := attrs["type"] == "radio" || attrs["type"] == "checkbox"
		if attrs["name"] != "" && !off && (checked || !choice) {
			form.Add(attrs["name"], attrs["value"])
		}
	}
	return form
}

func unescape(s string) string {
	return strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&#43;", "+", "&amp;", "&").Replace(s)
}

// with returns a copy of a form with other values.
func with(form url.Values, pairs ...string) url.Values {
	changed := url.Values{}
	for key, values := range form {
		changed[key] = slices.Clone(values)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		changed.Set(pairs[i], pairs[i+1])
	}
	return changed
}

func itoa(n int64) string { return fmt.Sprint(n) }

func many(t testing.TB, n int) []rbac.AreaInfo {
	t.Helper()
	areas := catalogue()
	for i := len(areas); i < n; i++ {
		areas = append(areas, rbac.AreaInfo{
			Area: rbac.Area(fmt.Sprintf("area-%02d", i)), Label: fmt.Sprintf("Invented area %02d", i),
			Description: "Something that the company has besides.", Section: fmt.Sprintf("Section %d", i/10), Owned: true,
		})
	}
	return areas
}

// numbered are so many users, in the order of their ids.
func numbered(n int) []string {
	users := make([]string, n)
	for i := range users {
		users[i] = fmt.Sprintf("user-%04d", i)
	}
	return users
}

func chosen(users ...string) url.Values { return url.Values{"user": users} }

// row is the row of somebody in the list of members.
func (a answer) row(user string) string {
	for _, row := range strings.Split(a.body, "<tr ") {
		if strings.Contains(row, link("member", user)) {
			return answer{body: "<tr " + strings.ReplaceAll(row, "</tbody>", "</tr>")}.body
		}
	}
	return ""
}

func link(segment, user string) string {
	return segment + "?" + url.Values{"user": {user}}.Encode()
}

// member returns a member as they are stored.
func (s *site) member(user string) (rbac.Member, bool) {
	s.Helper()
	m, err := s.az.Member(context.Background(), user)
	if errors.Is(err, rbac.ErrMemberNotFound) {
		return m, false
	}
	require.NoError(s, err)
	return m, true
}
