package rbacui_test

import (
	"context"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbacui"
)

// The review is of one revision, says which, and leads from each finding to the
// place that mends it.
func TestReview(t *testing.T) {
	s := newSite(t, rbacui.WithDirectory(people{names: map[string]rbacui.Person{lena: {Name: "Lena Ahlgrund"}}}))
	page := s.get(lena, "review")
	require.Equal(t, http.StatusOK, page.StatusCode)
	text := page.text()
	revisions, err := s.store.Revisions(context.Background(), []string{""})
	require.NoError(t, err)
	hash := hex.EncodeToString(func() []byte { h := revisions[""].Hash; return h[:] }())
	require.Contains(t, text, "This page revision 19 "+hash[:4]+" "+hash[4:8]+" "+hash[8:12]+" "+hash[12:16]+" Roles and people 9 roles 11 members")
	require.Contains(t, text, "Record of changes not checked since the program started")
	require.Regexp(t, `<p class="only-print">Access review, exported by <bdi>Lena Ahlgrund</bdi> on <time [^>]*>\d+ \w+ 20\d\d, \d\d:\d\d UTC</time>\. Revision 19, hash `+hash+`\.</p>`, page.body)
	require.Contains(t, text, "Reviewed by Date Signature")
	for _, say := range []string{
		"Findings 9 What deserves a look, the gravest first. None of it is forbidden. Data import manages more than it reads " +
			"It manages more of contacts than it reads. That may be meant: an import need not browse. Open the row Integrations manages API keys " +
			"A role of this workspace manages a sensitive area. People who hold it: 1 person. Open the row Operations manager manages users",
		"Support, night shift is nearly the same as Support They differ in one area: warranty claims. Compare",
		"Some people with the role Sales are in no team The role reaches the team’s records, so they reach their own only. See who",
		"Nobody holds Data import It may be for later. If not, it can go. Delete…",
	} {
		require.Contains(t, text, say)
	}
	for what, to := range map[string]string{
		"f-manage-without-read-" + string(s.roles["Data import"]):          "role?id=" + string(s.roles["Data import"]) + "#area-contacts",
		"f-sensitive-manage-" + string(s.roles["Integrations"]):            "role?id=" + string(s.roles["Integrations"]) + "#area-api",
		"f-near-duplicate-role-" + string(s.roles["Support, night shift"]): "role-delete?id=" + string(s.roles["Support, night shift"]) + "&amp;to=" + string(s.roles["Support"]),
		"f-unused-role-" + string(s.roles["Support"]):                      "role-delete?id=" + string(s.roles["Support"]),
	} {
		require.Regexp(t, `(?s)<li class="\w+" id="`+what+`">[^\n]*<a class="btn btn-s" href="`+regexp.QuoteMeta(to)+`">`, page.body)
	}
	for _, chip := range regexp.MustCompile(`href="review[?]finding=[^"]*#([^"]*)"`).FindAllStringSubmatch(s.get(lena, "").body, -1) {
		require.Contains(t, page.body, ` id="`+chip[1]+`"`, "what a chip of the list of roles leads to")
	}
	// Who only reads is not led to what they may not do.
	read := s.get("hedda.dorn", "review")
	require.NotContains(t, read.body, "role-delete?")
	require.NotContains(t, read.text(), "Record of changes", "which needs Audit")
	require.NotContains(t, read.body, `href="audit`)
}

// What is wrong with the rows of the store is said, too, and areas that nobody has
// decided about.
func TestReviewFindings(t *testing.T) {
	ctx, store := context.Background(), rbac.NewMemStore()
	require.NoError(t, store.Update(ctx, "", func(tx rbac.Tx) error {
		for _, role := range []rbac.Role{
			{ID: "old", Name: "Old", Version: 1, Permissions: rbac.Permissions{"invoices": {Read: rbac.All}, rbac.Deals: {Read: rbac.Own}}, Assigns: []rbac.RoleID{"lost"}},
			{ID: "x", Name: "ADMINISTRATOR", Version: 1, Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Own}}},
			{ID: "y", Name: "Twin", Version: 1, Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.Own}}},
		} {
			if err := tx.PutRole(role); err != nil {
				return err
			}
		}
		return tx.PutMembers(rbac.Member{User: "bob", Role: "lost"}, rbac.Member{User: "cy", Role: "lost"})
	}))
	az := workspacetest.Open(t, store)
	s := &site{TB: t, az: az, store: store, roles: map[string]rbac.RoleID{"Administrator": rbac.Administrator}, ui: rbacui.New(az, identify)}
	s.assign("Administrator", mara)
	page := s.get(mara, "review")
	text := page.text()
	for _, say := range []string{
		"No role of this workspace reaches contacts, organizations, services and tasks Until somebody decides, only system roles do. Decide in: ADMINISTRATOR, Old, Twin All roles",
		"The role lost does not exist any more Its people may do nothing until somebody gives them another role: 2 people. See who",
		"There is one active administrator Have a second one soon",
		"ADMINISTRATOR has the name of a system role",
		"Old lists a role that it cannot give",
		"Twin is the same as ADMINISTRATOR",
		"Old has rights in an area that this program does not know They allow nothing here: invoices.",
	} {
		require.Contains(t, strings.ToLower(text), strings.ToLower(say))
	}
	require.Contains(t, page.body, `id="new-areas"`)
	require.Contains(t, page.body, `<a href="role?id=x#area-contacts">`)
	require.Less(t, strings.Index(text, "does not exist any more"), strings.Index(text, "one active administrator"), "the gravest first")
	require.NoError(t, az.System("test").Suspend(ctx, "bob"))

	// A finding of a role is found from the role, however many there are.
	for i := range 60 {
		s.add(fmt.Sprint("Unused ", i), "users: manage all")
	}
	chips := regexp.MustCompile(`href="(review[?][^"]*)#(f-[^"]*)"`).FindAllStringSubmatch(s.get(mara, "").body, -1)
	require.Greater(t, len(chips), 100)
	for _, i := range []int{0, 1, 50, 80, len(chips) - 1} {
		require.Contains(t, s.get(mara, chips[i][1]).body, `id="`+chips[i][2]+`"`)
	}
}

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
		{tomas, "manage", "deals", "Tomas Vikberg Can manage deals of their own, and no others: the role Sales reaches no further."},
		{"vik", "read", "deals", "Tomas Vikberg Can read deals of their team, and no others: the role Sales reaches no further."},
		{tomas, "read", "contacts", "Tomas Vikberg Can read contacts, all of it: the role Sales allows it."},
		{tomas, "manage", "api", "Tomas Vikberg Cannot manage API keys: the role Sales does not allow it."},
		{"sven", "read", "deals", "sven Cannot read deals: suspended, and may do nothing until reinstated."},
		{nobo, "read", "deals", "nobody Cannot read deals: not a member."},
		{"\x01", "read", "deals", "Cannot read deals: not a member."},
		{"tomas", "manage", "deals", "Whom do you mean? TV Tomas Vikberg tomas.vikberg TO Tomasz Orlecki to@ostervik.example"},
	} {
		page := s.get(lena, "review?"+url.Values{"person": {test.person}, "action": {test.action}, "area": {test.area}}.Encode())
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.Contains(t, page.text(), test.say)
	}
	several := s.get(lena, "review?person=tomas&action=manage&area=deals")
	require.Contains(t, several.body, `href="review?action=manage&amp;area=deals&amp;person=tomas.vikberg#why"`)
	found.err = errors.New("the directory is down")
	require.Contains(t, s.get(lena, "review?person="+tomas+"&action=manage&area=deals").text(), "tomas.vikberg Can manage deals of their own")
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

var markup = regexp.MustCompile(`<[^>]*>`)

// matrix reads the table of a page: its columns, and the texts of its rows.
func (a answer) matrix(t testing.TB) (columns []string, rows [][]string) {
	t.Helper()
	table := regexp.MustCompile(`(?s)<table class="matrix">.*?</table>`).FindString(a.body)
	for _, tr := range regexp.MustCompile(`(?s)<tr>.*?</tr>`).FindAllString(table, -1) {
		var row []string
		for _, cell := range regexp.MustCompile(`(?s)<(t[hd])[^>]*>.*?</t[hd]>`).FindAllString(tr, -1) {
			row = append(row, strings.Join(strings.Fields(markup.ReplaceAllString(cell, " ")), " "))
		}
		rows = append(rows, row)
	}
	heads := 1
	if strings.Contains(table, "colgroup") {
		heads = 2
	}
	return rows[heads-1], rows[heads:]
}

// The matrix shows each role and area once, whichever are the columns.
func TestMatrix(t *testing.T) {
	s := newSite(t)
	columns, rows := s.get(lena, "review").matrix(t)
	require.Equal(t, []string{"Role", "Contacts", "Organizations", "Deals", "Services", "Tasks", "Warranty claims", "Deal approvals", "Users", "API access", "Audit"}, columns)
	none := "read no – manage no –"
	require.Equal(t, []string{"Sales 2 people", "read all manage own", none, "read team manage own", none, "read team manage own", none, "manage no –", "read own manage no –", none, none}, rows[5])
	require.Len(t, rows, 9)
	columns, turned := s.get(lena, "review?by=area").matrix(t)
	require.Equal(t, "Sales 2 people", columns[6])
	require.Len(t, turned, 10)
	for i, row := range turned {
		for j, cell := range row[1:] {
			require.Equal(t, rows[j][i+1], cell)
		}
	}
	require.Equal(t, []string{"Deals Records", rows[0][3], rows[1][3]}, turned[2][:3])
	require.Regexp(t, `<div class="scroll" role="region" aria-labelledby="matrix-h" tabindex="0">\s*<table class="matrix">`, s.get(lena, "review").body)

	for i := range 45 {
		s.add(fmt.Sprintf("Another %02d", i), "deals: read own")
	}
	for _, by := range []string{"", "?by=area"} {
		names := map[string]int{}
		path, pages := "review"+by, 0
		for ; path != ""; pages++ {
			page := s.get(lena, path)
			columns, rows := page.matrix(t)
			heads := columns[1:]
			if by == "" {
				heads = nil
				for _, row := range rows {
					heads = append(heads, row[0])
				}
			}
			require.LessOrEqual(t, len(heads), 20)
			for _, name := range heads {
				names[name]++
			}
			require.Contains(t, page.text(), fmt.Sprintf("Roles %d to %d of 54.", 20*pages+1, 20*pages+len(heads)))
			next := regexp.MustCompile(`href="([^"]*)#matrix">Next`).FindStringSubmatch(page.body)
			path = ""
			if next != nil {
				path = unescape(next[1])
			}
		}
		require.Equal(t, 3, pages)
		require.Len(t, names, 54)
	}
}

// The CSV of the review is the whole table, with when and of what it is. A cell that a
// spreadsheet would take for a formula is text.
func TestScenario40_ReviewIsNeutralisedInCSV(t *testing.T) {
	s := newSite(t, rbacui.WithName(func(*http.Request, string) string { return "@Ostervik" }))
	s.add("=HYPERLINK(0)", "deals: read own", "Sales", "Support")
	s.add("+49, \"quoted\"", "contacts: read all")
	s.assign("Auditor", "-1+1")
	file := s.get("-1+1", "review.csv")
	require.Equal(t, http.StatusOK, file.StatusCode)
	require.Equal(t, "text/csv; charset=utf-8; header=present", file.Header.Get("Content-Type"))
	require.Equal(t, `attachment; filename="access-review-22.csv"`, file.Header.Get("Content-Disposition"))
	require.Equal(t, "no-store", file.Header.Get("Cache-Control"))
	rows, err := csv.NewReader(strings.NewReader(file.body)).ReadAll()
	require.NoError(t, err)
	line := func(row []string) string { return strings.Join(row, "|") }
	require.Equal(t, "Role|Kind|People|Contacts: read|Contacts: manage|Organizations: read|Organizations: manage|Deals: read|Deals: manage|Services: read|Services: manage|"+
		"Tasks: read|Tasks: manage|Warranty claims: read|Warranty claims: manage|Deal approvals: manage|Users: read|Users: manage|API access: read|API access: manage|Audit: read|Audit: manage|May assign", line(rows[0]))
	byName := map[string]string{}
	for _, row := range rows[1:] {
		byName[row[0]] = line(row[1:])
	}
	require.Equal(t, "System role|2|all|all|all|all|all|all|all|all|all|all|all|all|all|all|all|all|all|all|all|", byName["Administrator"])
	require.Equal(t, "Role of this workspace|3|all|all|no|no|all|team|no|no|team|team|no|no|no|all|no|no|no|no|no|Sales", byName["Sales lead"])
	require.Equal(t, "Role of this workspace|0|no|no|no|no|own|no|no|no|no|no|no|no|no|no|no|no|no|no|no|Sales; Support", byName["'=HYPERLINK(0)"])
	require.Equal(t, "Role of this workspace|0|all|no|no|no|no|no|no|no|no|no|no|no|no|no|no|no|no|no|no|", byName["'+49, \"quoted\""])
	require.Equal(t, "'@Ostervik", strings.Split(byName["Workspace"], "|")[0])
	require.Equal(t, "'-1+1", strings.Split(byName["Exported by"], "|")[0])
	require.Equal(t, "22", strings.Split(byName["Revision"], "|")[0])
	require.Regexp(t, `^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, strings.Split(byName["Time (UTC)"], "|")[0])
	require.Regexp(t, `^[0-9a-f]{64}$`, strings.Split(byName["Hash"], "|")[0])
	require.Len(t, rows, 1+11+6)
}

// changing is a store whose roles change once while somebody reads them.
type changing struct {
	rbac.Store
	views  int
	at     int // the view after which they change
	change func()
}

func (c *changing) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	err := c.Store.View(ctx, workspace, fn)
	if c.views++; c.change != nil && c.views == c.at {
		change := c.change
		c.change = nil
		change()
	}
	return err
}

// What is filed as evidence is not of two revisions.
func TestReviewIsOfOneRevision(t *testing.T) {
	store := &changing{Store: rbac.NewMemStore()}
	s := openSite(t, store)
	require.NoError(t, s.az.Sync(context.Background()))
	for at := 1; at < 7; at++ {
		revision := s.revision()
		name := fmt.Sprint("Unused ", at)
		store.views, store.at, store.change = 0, at, func() { s.add(name, "deals: read own") }
		page := s.get(mara, "review?area=deals&action=read")
		made := strings.Contains(page.body, `id="f-unused-role-`+string(s.roles[name]))
		require.Equal(t, made, strings.Contains(page.text(), fmt.Sprint("This page revision ", revision+1)), "after view %d", at)
	}
	revision := s.revision()
	store.views, store.at, store.change = 0, 2, func() { s.add("Made meanwhile", "deals: read own") }
	file := s.get(mara, "review.csv")
	require.Equal(t, http.StatusOK, file.StatusCode)
	require.Contains(t, file.body, "Made meanwhile")
	require.Contains(t, file.body, fmt.Sprintf("Revision,%d,", revision+1))
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

// Every text of these pages can be replaced.
func TestTextsOfReviewAndAuditReplaced(t *testing.T) {
	greek := map[string]string{}
	for _, text := range rbacui.Texts() {
		replaced := strings.ReplaceAll(text, "%s", "\x00")
		greek[text] = strings.ReplaceAll(regexp.MustCompile(`\p{L}`).ReplaceAllString(replaced, "ж"), "\x00", "%s")
	}
	var areas []rbac.AreaInfo
	for i, info := range many(t, 14) {
		info.Label, info.Section, info.Description, info.OwnWords = "Ωωω"+strings.Repeat("ω", i), "Σσσ", "Δδδ", ""
		areas = append(areas, info)
	}
	store := rbac.NewMemStore()
	az := workspacetest.Open(t, store, rbac.WithAreas(areas...), rbac.WithTeams())
	s := &site{TB: t, az: az, store: store, roles: map[string]rbac.RoleID{"Administrator": rbac.Administrator}, ui: rbacui.New(az, identify, rbacui.WithTexts("ru", greek), rbacui.WithLogger(slog.New(slog.DiscardHandler)))}
	s.add("Βββ", "contacts: read all, manage own; api: manage all; area-12: read own")
	s.add("Γγγ", "contacts: manage all", "Βββ")
	everyChange(s, "ада", "Βββ", "Γγγ", "α", "β", "γ")
	pages := []answer{
		s.get("ада", "audit"), s.get("ада", "audit?user=0"), s.get("ада", "audit?before=12&role="+string(s.roles["Βββ"])+"&kind=role.updated&actor=1&user=2&from=2026-01-01&until=2026-01-02"),
		s.get("ада", "review"), s.get("ада", "review?by=area&area=contacts&action=manage&person=0"), s.get("ада", "review?area=contacts&action=read&person=β"),
		s.get("ада", "review?area=contacts&action=read&person=α"),
	}
	require.Equal(t, http.StatusSeeOther, s.post("ада", "audit", url.Values{"do": {"verify"}}).StatusCode)
	pages = append(pages, s.get("ада", "audit"), s.get("ада", "review"))
	for i, page := range pages {
		require.Equal(t, http.StatusOK, page.StatusCode, "page %d", i)
		text := strings.ReplaceAll(page.text(), "Administrator", "") // a name
		text = regexp.MustCompile(`May read and manage everything\.|(role|member)\.[a-z]+|\btest\b|20\d\d-\d\d-\d\dT[0-9:.]*Z|\b[0-9a-f]{4,64}…?`).ReplaceAllString(text, "")
		require.Empty(t, regexp.MustCompile(`[A-Za-z]{2,}`).FindAllString(text, -1), "page %d", i)
		for _, attr := range regexp.MustCompile(` (?:aria-label|placeholder|title|alt)="([^"]*)"`).FindAllStringSubmatch(strings.ReplaceAll(page.body, " UTC\"", "\""), -1) {
			require.NotRegexp(t, `[A-Za-z]{2,}`, attr[1], "page %d", i)
		}
	}
	head, _, _ := strings.Cut(s.get("ада", "audit.csv").body, "\n")
	require.NotRegexp(t, `[A-Za-z]`, head)
	head, _, _ = strings.Cut(s.get("ада", "review.csv").body, "\n")
	require.NotRegexp(t, `[A-Za-z]`, head)
}

// With 200 roles and 60 areas, and what people write as long as it may be, each page
// is below 200 KB.
func TestSizesOfReviewAndAudit(t *testing.T) {
	store := rbac.NewMemStore()
	s := &site{TB: t, store: store, roles: map[string]rbac.RoleID{"Administrator": rbac.Administrator}}
	s.az = workspacetest.Open(t, store, rbac.WithAreas(many(t, 60)...), rbac.WithTeams())
	s.ui = rbacui.New(s.az, identify, rbacui.WithLogger(slog.New(slog.DiscardHandler)))
	s.assign("Administrator", mara)
	scopes := []rbac.Scope{rbac.None, rbac.Own, rbac.Team, rbac.All}
	sized := func(i int) rbac.Role {
		role := rbac.Role{
			ID: rbac.RoleID(fmt.Sprintf("role-of-twenty-six-bytes-%03d", i)), Name: fmt.Sprintf("%s%03d", strings.Repeat("Ｗ", 77), i),
			Description: strings.Repeat("&", 500), Permissions: rbac.Permissions{}, Version: 1,
		}
		for j, info := range many(t, 60) {
			if info.Owned && info.Area != rbac.Users {
				role.Permissions[info.Area] = rbac.Access{Read: scopes[(i+j)%4], Manage: scopes[(i/4+j)%4]}
			}
		}
		return role
	}
	const stored = 189
	require.NoError(t, store.Update(context.Background(), "", func(tx rbac.Tx) error {
		for i := range stored {
			if err := tx.PutRole(sized(i)); err != nil {
				return err
			}
		}
		return nil
	}))
	for i := range 10 {
		role := sized(stored + i)
		role.ID, role.Version = "", 0
		_, err := s.az.System(strings.Repeat("<", 100)).CreateRole(context.Background(), role)
		require.NoError(t, err)
	}
	paths := []string{"review", "review?by=area", "review?area=deals&person=" + mara, "review?findings=50", "review?area=area-20&action=manage&roles=role-of-twenty-six-bytes-100"}
	seen := map[string]bool{}
	for path, pages := "audit", 0; path != ""; pages++ {
		page := s.get(mara, path)
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.Less(t, len(page.body), 200_000, path)
		for _, id := range regexp.MustCompile(`id="e-(\d+)"`).FindAllStringSubmatch(page.body, -1) {
			seen[id[1]] = true
		}
		next := regexp.MustCompile(`href="([^"]*)">Older`).FindStringSubmatch(page.body)
		path = ""
		if next != nil {
			path = unescape(next[1])
		}
		require.Less(t, pages, 11)
	}
	require.Len(t, seen, 11)
	for _, path := range paths {
		page := s.get(mara, path)
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.Less(t, len(page.body), 200_000, path)
	}
}
