package rbacui_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/crawl"
	"github.com/areagate/rbac/rbacui"
)

// Under any prefix, stripped or not, behind a proxy that rewrites it, with a slash
// at the end or not, every link, asset and redirect leads to where it should.
func TestMounted(t *testing.T) {
	s := newSite(t)
	stripped := http.NewServeMux()
	stripped.Handle("/settings/access/", http.StripPrefix("/settings/access", s.ui))
	stripped.Handle("/settings/access", http.StripPrefix("/settings/access", s.ui)) // else the mux adds the slash
	full := http.NewServeMux()                                                      // as chi's Mount and gin do
	full.Handle("/settings/access/", s.ui)
	full.Handle("/settings/access", s.ui)
	named := http.NewServeMux()
	named.Handle("GET /company/{id}/access", s.ui)
	named.Handle("/company/{id}/access/{page...}", s.ui)
	behind := httptest.NewServer(stripped)
	t.Cleanup(behind.Close)
	target, err := url.Parse(behind.URL)
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.URL.Path = strings.Replace(r.In.URL.Path, "/company/9/access", "/settings/access", 1)
		r.Out.URL.RawPath = ""
	}}
	for name, test := range map[string]struct {
		h      http.Handler
		prefix string
	}{
		"StripPrefix":   {stripped, "/settings/access"},
		"full path":     {full, "/settings/access"},
		"a wildcard":    {named, "/company/9/access"},
		"proxy":         {proxy, "/company/9/access"},
		"at the root":   {s.ui, ""},
		"below nothing": {http.StripPrefix("/x", s.ui), "/x"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.h)
			t.Cleanup(server.Close)
			c := crawl.Site{Server: server.URL, Prefix: test.prefix, Header: http.Header{"X-User": {mara}}}
			require.Greater(t, len(c.Visit(t)), 30)
			if test.prefix != "" {
				c.Slash(t)
				res, _ := c.Do(t, http.MethodGet, test.prefix+"/x.html", nil)
				require.Equal(t, http.StatusNotFound, res.StatusCode)
			}

			// A name that no page has says so, and leads back.
			if test.prefix != "" {
				path := test.prefix + "/rolls"
				res, page := c.Do(t, http.MethodGet, path+"?id=1", nil)
				require.Equal(t, http.StatusNotFound, res.StatusCode)
				require.Contains(t, answer{body: page}.text(), "There is nothing here")
				require.Contains(t, page, `aria-label="Access"`, "with the navigation")
				require.NotContains(t, page, "aria-current")
				require.Equal(t, test.prefix+"/", c.Resolve(t, path, answer{body: page}.leads("All roles")))
			}

			// A form leads on, too.
			path := test.prefix + "/role-new"
			_, page := c.Do(t, http.MethodGet, path, nil)
			res, _ := c.Do(t, http.MethodPost, path, with(answer{body: page}.filled(), "name", "Made in "+t.Name(), "do", "save"))
			require.Equal(t, http.StatusSeeOther, res.StatusCode)
			_, page = c.Do(t, http.MethodGet, c.Resolve(t, path, res.Header.Get("Location")), nil)
			require.Contains(t, answer{body: page}.text(), "is made.")
		})
	}
}

// Pages may not be kept, framed or scripted; assets are kept for ever.
func TestHeaders(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"", "role-new", s.path("role", "Sales"), "nothing.here"} {
		page := s.get(mara, path)
		require.Equal(t, "no-store", page.Header.Get("Cache-Control"))
		require.Equal(t, "nosniff", page.Header.Get("X-Content-Type-Options"))
		require.Equal(t, "text/html; charset=utf-8", page.Header.Get("Content-Type"))
		require.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
			"form-action 'self'; frame-ancestors 'none'; base-uri 'none'", page.Header.Get("Content-Security-Policy"))
		require.NotRegexp(t, `<[a-z][^>]* (style|on[a-z]+)=|<script>|<style|javascript:|data:`, page.body)
	}
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
	found := regexp.MustCompile(`(?:href|src)="(rbacui-([0-9a-f]{16})(\.[a-z]+))"`).FindAllStringSubmatch(s.get(mara, "").body, -1)
	require.Len(t, found, 2)
	for _, asset := range found {
		file := s.get("", asset[1])
		require.Equal(t, http.StatusOK, file.StatusCode)
		require.Equal(t, kinds[asset[3]], file.Header.Get("Content-Type"))
		require.Equal(t, "public, max-age=31536000, immutable", file.Header.Get("Cache-Control"))
		sum := sha256.Sum256([]byte(file.body))
		require.Equal(t, asset[2], hex.EncodeToString(sum[:8]))
		if asset[3] == ".js" {
			require.LessOrEqual(t, len(file.body), 12<<10)
		} else {
			require.NotContains(t, file.body, "url(")
			require.Equal(t, rbacui.StyleSheet(), file.body)
		}
	}
	require.Equal(t, http.StatusMethodNotAllowed, s.post("", found[0][1], url.Values{}).StatusCode)
}

// What another site sends, or what is sent by GET, changes nothing: for every button
// of every form.
func TestScenario39_Forged(t *testing.T) {
	s := newSite(t)
	sent := 0
	for _, path := range []string{s.path("role", "Sales lead"), "role-new", s.path("role-delete", "Support, night shift")} {
		page := s.get(mara, path)
		sent += s.forge(page, path, with(page.filled(), "name", "Forged", "to", string(s.roles["Support"]), "deals.manage", "all"))
	}
	require.Greater(t, sent, 14)
	require.Equal(t, http.StatusMethodNotAllowed, s.post(mara, "", url.Values{"do": {"save"}}).StatusCode)

	// The page of two edits, whose button saves nothing, either.
	edits := with(s.get(mara, s.path("role", "Sales lead")).filled(), "version", "0", "name", "Mine", "do", "save")
	two := s.post(mara, s.path("role", "Sales lead"), edits)
	require.Equal(t, http.StatusConflict, two.StatusCode)
	before := s.revision()
	decided := with(two.filled(), "keep.name", "mine", "do", "plan")
	require.Equal(t, http.StatusForbidden, s.post(mara, s.path("role", "Sales lead"), decided, "Sec-Fetch-Site", "cross-site").StatusCode)
	require.Equal(t, http.StatusOK, s.post(mara, s.path("role", "Sales lead"), decided).StatusCode)
	require.Equal(t, before, s.revision())
}

// forge sends a form by each button of a page as another site would, and by methods
// that no form has, and returns how many buttons there are.
func (s *site) forge(page answer, to string, form url.Values) int {
	s.Helper()
	buttons := regexp.MustCompile(`<button[^>]* name="([a-z]+)" value="([a-z]+)"`).FindAllStringSubmatch(page.body, -1)
	for _, button := range buttons {
		form := with(form, button[1], button[2])
		before := s.revision()
		for _, headers := range [][]string{
			{"Sec-Fetch-Site", "cross-site"},
			{"Sec-Fetch-Site", "same-site"},
			{"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
			{"Sec-Fetch-Site", "", "Origin", "null"},
		} {
			answered := s.post(mara, to, form, headers...)
			require.Equal(s, http.StatusForbidden, answered.StatusCode)
			require.Contains(s, answered.text(), "This form was sent from another site")
		}
		sep := "?"
		if strings.Contains(to, "?") {
			sep = "&"
		}
		s.get(mara, to+sep+form.Encode())
		s.post(mara, to+sep+form.Encode(), url.Values{}) // what is in the address is no form
		for _, method := range []string{http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
			require.NotEqual(s, http.StatusSeeOther, s.ask(mara, method, to, form).StatusCode)
		}
		require.Equal(s, before, s.revision(), "%s %s", to, button[0])
	}
	return len(buttons)
}

// A form that cannot be answered now comes back, to be sent again.
func TestFormComesBack(t *testing.T) {
	s := newSite(t)
	path := s.path("role", "Sales lead")
	form := with(s.get(lena, path).filled(), "name", `Head of "sales"`, "do", "save")
	out := s.post("", path, form)
	require.Equal(t, http.StatusUnauthorized, out.StatusCode)
	require.Contains(t, out.text(), "You are not signed in Nothing was saved.")
	require.NotContains(t, out.text(), "The key or session that you use", "of nobody")
	require.Equal(t, form, out.filled())
	require.NoError(t, s.az.Close())
	down := s.post(lena, path, form)
	require.Equal(t, http.StatusServiceUnavailable, down.StatusCode)
	require.Contains(t, down.text(), "No safe answer right now")
	require.Equal(t, form, down.filled())
	require.Contains(t, s.get(lena, path).body, `href="`+strings.ReplaceAll(path, "&", "&amp;")+`"`, "to try again")

	large := with(form, "description", strings.Repeat("x", 1<<19))
	require.Equal(t, http.StatusServiceUnavailable, s.post(lena, path, large).StatusCode)
	s = newSite(t)
	page := s.post(lena, s.path("role", "Sales lead"), large)
	require.Equal(t, http.StatusRequestEntityTooLarge, page.StatusCode)
	require.Contains(t, page.text(), "This is too much at once")
	many := with(form, "merge", "1")
	for i := range 2000 {
		many.Add("assign", "role-"+itoa(int64(i)))
	}
	require.Contains(t, s.post(lena, s.path("role", "Sales lead"), many).text(), "This is too much at once")
}

// unsure is a store of which nobody knows whether it kept what it was told.
type unsure struct {
	rbac.Store
	lost bool
}

func (u *unsure) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	err := u.Store.Update(ctx, workspace, fn)
	if err == nil && u.lost {
		return rbac.ErrOutcomeUnknown
	}
	return err
}

// Where nobody knows whether a change was made, one is led to where it would show.
func TestOutcomeUnknown(t *testing.T) {
	store := &unsure{Store: rbac.NewMemStore()}
	s := openSite(t, store)
	store.lost = true
	for target, test := range map[string]struct {
		look string
		form url.Values
	}{
		"role-new":                      {"./", url.Values{"name": {"New"}, "assigns": {"1"}}},
		s.path("role", "Sales"):         {s.path("role", "Sales"), with(s.get(mara, s.path("role", "Sales")).filled(), "name", "Sellers")},
		"members-change":                {"members", url.Values{"user": {tomas}, "state": {"suspended"}}},
		"members":                       {"members", url.Values{"user": {"new"}, "role": {string(s.roles["Support"])}}},
		link("member", "nia.tamsworth"): {link("member", "nia.tamsworth"), url.Values{"role": {string(s.roles["Support"])}}},
	} {
		page := s.post(mara, target, with(test.form, "do", "save"))
		require.Equal(t, http.StatusInternalServerError, page.StatusCode, target)
		require.Contains(t, page.text(), "It is not known whether this was saved", target)
		require.Contains(t, page.body, `href="`+test.look+`">Look</a>`, target)
	}
}

func TestSignIn(t *testing.T) {
	s := newSite(t, rbacui.WithSignIn(http.RedirectHandler("/sign-in", http.StatusSeeOther)))
	require.Equal(t, http.StatusSeeOther, s.get("", "role-new").StatusCode)
	require.Equal(t, http.StatusUnauthorized, s.post("", "role-new", url.Values{"name": {"kept"}}).StatusCode)
}

// Who may not see the pages is told what they need, and never who has it.
func TestNotAllowed(t *testing.T) {
	s := newSite(t)
	require.NoError(t, s.az.System("test").Suspend(context.Background(), "anton.weissenau"))
	for user, say := range map[string]string{
		tomas:             "This needs Users: read. Your role, Sales, does not reach that far.",
		nobo:              "You are no member of this workspace.",
		"anton.weissenau": "You are suspended here",
	} {
		for _, path := range []string{"", "role-new", s.path("role", "Sales"), s.path("role-delete", "Sales")} {
			page := s.get(user, path)
			require.Equal(t, http.StatusForbidden, page.StatusCode)
			require.Contains(t, page.text(), say)
			require.NotContains(t, page.body, mara)
			require.NotContains(t, page.body, "Support")
			page = s.post(user, path, url.Values{"do": {"save"}, "name": {"Mine"}})
			require.Equal(t, http.StatusForbidden, page.StatusCode)
		}
	}
}

// Review and audit are for whoever may read users, or the record: nobody else learns
// what is in them, and a limited key no more than its limit.
func TestReviewAndAuditNeedTheirAreas(t *testing.T) {
	s := newSite(t)
	audits, reviews := []string{"audit", "audit.csv", "audit.jsonl"}, []string{"review", "review.csv"}
	s.add("Only audit", "audit: read all")
	s.assign("Only audit", "otto")
	for _, test := range []struct {
		user, limit    string
		review, record bool
	}{
		{mara, "", true, true},
		{lena, "", true, true},
		{"hedda.dorn", "", true, false},
		{"otto", "", false, true},
		{tomas, "", false, false},
		{nobo, "", false, false},
		{"iris.okada", "", false, false},
		{mara, "users: read all", true, false},
		{mara, "audit: read all", false, true},
	} {
		status := func(may bool) int {
			if may {
				return http.StatusOK
			}
			return http.StatusForbidden
		}
		for _, path := range reviews {
			require.Equal(t, status(test.review), s.get(test.user, path, "X-Limit", test.limit).StatusCode, "%v %s", test, path)
		}
		for _, path := range audits {
			page := s.get(test.user, path, "X-Limit", test.limit)
			require.Equal(t, status(test.record), page.StatusCode, "%v %s", test, path)
			if !test.record {
				require.NotContains(t, page.body, "Support")
			}
		}
		require.Equal(t, test.record, s.post(test.user, "audit", url.Values{"do": {"verify"}}, "X-Limit", test.limit).StatusCode == http.StatusSeeOther)
	}
	require.Equal(t, http.StatusUnauthorized, s.get("", "audit").StatusCode)
	page := s.get("otto", "audit")
	require.NotRegexp(t, `href="(role|member|role-new|review)[?"]`, page.body, "they could not open it")
}

// What another site sends, or what is sent by GET, changes nothing: for every button
// about members.
func TestScenario39_MembersForged(t *testing.T) {
	dir := newStaff()
	dir.waiting = []rbacui.Person{{User: "new", Name: "New"}}
	s := newSite(t, rbacui.WithDirectory(dir))
	sent := 0
	for path, to := range map[string]string{
		"members": "members-change", "members?": "members", link("member", tomas) + "&role=" + string(s.roles["Support"]): link("member", tomas),
		link("member", "new") + "&role=" + string(s.roles["Support"]):              link("member", "new"),
		"members-change?remove=1&user=" + tomas:                                    "members-change",
		"members-change?state=suspended&move=to&team=X&user=" + tomas:              "members-change",
		"members-change?user=" + tomas + "&role=" + string(s.roles["Data import"]): "members-change",
	} {
		page := s.get(mara, path)
		form := with(page.filled(), "role", string(s.roles["Data import"]))
		if !form.Has("user") || form.Get("user") == "new" && to == "members-change" {
			form.Set("user", tomas)
		}
		sent += s.forge(page, to, form)
	}
	require.Greater(t, sent, 20)
}
