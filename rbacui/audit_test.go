package rbacui_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbacui"
)

// everyChange makes a change of every kind, with people of these names.
func everyChange(s *site, admin, one, list, a, b, c string) {
	s.Helper()
	ctx := context.Background()
	do := func(err error) { s.Helper(); require.NoError(s, err) }
	s.assign("Administrator", admin)
	as := s.az.As(admin)
	do(as.Assign(ctx, s.roles[one], a, b, c))
	do(as.Assign(ctx, s.roles[list], c))
	do(as.SetTeam(ctx, "Σ", a, b))
	do(as.SetTeam(ctx, "Τ", a))
	do(as.SetTeam(ctx, "", a))
	do(as.Suspend(ctx, b))
	do(as.Because("ι").Via("κ").Suspend(ctx, a))
	do(as.Reinstate(ctx, a))
	do(as.Rename(ctx, a, a+"2"))
	do(as.Rename(ctx, a+"2", a))
	do(s.az.System("λ").Remove(ctx, c))
	s.edits(admin, one, func(r *rbac.Role) { r.Description, r.Permissions[rbac.Tasks] = "Δδδ", rbac.Access{Read: rbac.All} })
	s.edits(admin, one, func(r *rbac.Role) { r.Name += "2" })
	s.edits(admin, one, func(r *rbac.Role) { r.Name, r.Description = strings.TrimSuffix(r.Name, "2"), "" })
	s.edits(admin, list, func(r *rbac.Role) { r.Assigns = nil })
	do(as.DeleteRole(ctx, s.roles[list]))
}

// lines are the sentences of the record on a page, with their numbers.
func (a answer) lines() []string {
	var lines []string
	for _, found := range regexp.MustCompile(`(?s)<span class="event-text">(.*?)<svg`).FindAllStringSubmatch(a.body, -1) {
		lines = append(lines, answer{body: found[1]}.text())
	}
	return lines
}

// changed reads the table of an event.
func (a answer) changed(t testing.TB, seq int64) []string {
	t.Helper()
	event := regexp.MustCompile(`(?s)<details class="event" id="e-` + itoa(seq) + `">.*?</details></div></details>`).FindString(a.body)
	require.NotEmpty(t, event)
	var rows []string
	for _, row := range regexp.MustCompile(`(?s)<tr><th scope="row">.*?</tr>`).FindAllString(event, -1) {
		var cells []string
		for _, cell := range regexp.MustCompile(`(?s)<t[hd][^>]*>.*?</t[hd]>`).FindAllString(row, -1) {
			cells = append(cells, answer{body: cell}.text())
		}
		rows = append(rows, strings.Join(cells, "|"))
	}
	return rows
}

// The record is sentences, the newest first, events of one change on one line, and
// each has what changed and nothing else.
func TestAudit(t *testing.T) {
	s := newSite(t, rbacui.WithDirectory(people{names: map[string]rbacui.Person{mara: {Name: "Mara Lindhagen"}, "ann": {Name: "Ann Ek"}}}))
	s.add("Night lead", "users: read all", "Sales")
	everyChange(s, mara, "Sales", "Night lead", "ann", "bob", "cy")
	page := s.get(lena, "audit")
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Equal(t, []string{
		"Mara Lindhagen deleted the role Night lead. no. 39",
		"Mara Lindhagen changed the role Night lead: the roles it may assign. no. 38",
		"Mara Lindhagen renamed the role Sales2 to Sales, and changed its description. no. 37",
		"Mara Lindhagen renamed the role Sales to Sales2. no. 36",
		"Mara Lindhagen changed the role Sales: its description and 2 rights. no. 35",
		"The application removed cy, before: Night lead. Reason: “λ”. no. 34",
		"Mara Lindhagen changed the id ann2 to ann. no. 33",
		"Mara Lindhagen changed the id ann to ann2. no. 32",
		"Mara Lindhagen reinstated Ann Ek. no. 31",
		"Mara Lindhagen suspended Ann Ek. Reason: “ι”. no. 30",
		"Mara Lindhagen suspended bob. no. 29",
		"Mara Lindhagen took Ann Ek out of the team Τ. no. 28",
		"Mara Lindhagen moved Ann Ek into the team Τ, before: Σ. no. 27",
		"Mara Lindhagen moved bob and Ann Ek into the team Σ. no. 25–26",
		"Mara Lindhagen gave cy the role Night lead, before: Sales. no. 24",
		"Mara Lindhagen admitted cy and 2 others as Sales. no. 21–23",
		"The application created the role Night lead, with 1 right. Reason: “test”. no. 20",
	}, page.lines()[:17])
	for seq, want := range map[int64][]string{
		39: {"Name|Night lead|gone", "Users: read|all|no"},
		38: {"May assign: Sales|yes|no"},
		37: {"Name|Sales2|Sales", "Description|Δδδ|empty"},
		35: {"Description|empty|Δδδ", "Tasks: read|team|all", "Tasks: manage|own|no"},
		34: {"Role|Night lead|not a member"},
		33: {"Id|ann2|ann"},
		31: {"State|Suspended|Active"},
		28: {"Team|Τ|none"},
		27: {"Team|Σ|Τ"},
		26: {"bob|Sales|Sales, team Σ", "Ann Ek|Sales|Sales, team Σ"},
		24: {"Role|Sales|Night lead"},
		23: {"cy|not a member|Sales", "bob|not a member|Sales", "Ann Ek|not a member|Sales"},
	} {
		require.Equal(t, want, page.changed(t, seq), "event %d", seq)
	}
	require.Contains(t, page.text(), "Through κ")
	require.Regexp(t, `<h3 class="event-day">Today, \d+ \w+ 20\d\d</h3>`, page.body)

	// Restoring leads to a form that has what was before, and saves nothing.
	before := s.revision()
	restore := regexp.MustCompile(`href="(role\?id=[^"]*restore=35)"`).FindStringSubmatch(page.body)
	require.NotNil(t, restore)
	form := s.get(lena, unescape(restore[1]))
	require.Contains(t, form.text(), "The form below has the role as it was before the change of")
	require.Equal(t, "team", form.filled().Get("tasks.read"))
	require.Equal(t, http.StatusOK, s.get(lena, "role-new?restore=39").StatusCode)
	require.Contains(t, page.body, `href="role-new?restore=39"`)
	require.NotContains(t, page.body, "restore=38", "that role is gone")
	require.Equal(t, before, s.revision())
}

// A filter selects what the same query of package rbac selects.
func TestAuditFilters(t *testing.T) {
	found := &searching{people: people{names: map[string]rbacui.Person{mara: {Name: "Mara Lindhagen"}}}, found: map[string][]rbacui.Person{
		"lindhagen": {{User: mara, Name: "Mara Lindhagen"}},
		"a":         {{User: "ann", Name: "Ann Ek"}, {User: "anna", Name: "Anna Ek"}},
	}}
	s := newSite(t, rbacui.WithDirectory(found))
	s.add("Night lead", "users: read all", "Sales")
	everyChange(s, mara, "Sales", "Night lead", "ann", "bob", "cy")
	today := time.Now().UTC()
	day := func(days int) string { return today.AddDate(0, 0, days).Format(time.DateOnly) }
	for path, want := range map[string]struct {
		query rbac.EventQuery
		say   string
	}{
		"actor=" + mara:                                     {rbac.EventQuery{Actor: mara}, "Only: changed by Mara Lindhagen."},
		"actor=lindhagen":                                   {rbac.EventQuery{Actor: mara}, "Only: changed by Mara Lindhagen."},
		"user=bob":                                          {rbac.EventQuery{User: "bob"}, "Only: about bob."},
		"role=" + string(s.roles["Sales"]):                  {rbac.EventQuery{Role: s.roles["Sales"]}, "Only: role Sales."},
		"role=" + string(s.roles["Night lead"]):             {rbac.EventQuery{Role: s.roles["Night lead"]}, "Only: role"},
		"kind=member.suspended&user=ann":                    {rbac.EventQuery{User: "ann", Kinds: []rbac.EventKind{rbac.MemberSuspended}}, "Only: about ann, Member suspended."},
		"from=" + day(1):                                    {rbac.EventQuery{Since: today.AddDate(0, 0, 1)}, "No event matches"},
		"from=" + day(0) + "&until=" + day(0):               {rbac.EventQuery{}, "Days begin at midnight UTC."},
		"until=" + day(-1):                                  {rbac.EventQuery{Until: today.AddDate(0, 0, -1)}, "No event matches"},
		"from=never&until=" + url.QueryEscape("2026-13-13"): {rbac.EventQuery{}, "Role created"},
	} {
		page := s.get(lena, "audit?"+path)
		require.Equal(t, http.StatusOK, page.StatusCode, path)
		require.Contains(t, page.text(), want.say, path)
		var seqs []int64
		for e, err := range s.az.Events(context.Background(), want.query) {
			require.NoError(t, err)
			seqs = append(seqs, e.Seq)
		}
		require.Equal(t, seqs, exported(t, s.get(lena, "audit.jsonl?"+path)), path)
		require.Equal(t, len(seqs), len(page.numbers(t)), path)
	}
	several := s.get(lena, "audit?user=a&kind=member.suspended")
	require.Contains(t, several.text(), "Several people are called that. Whom do you mean? AE Ann Ek ann AE Anna Ek anna")
	require.Contains(t, several.body, `href="audit?kind=member.suspended&amp;user=ann"`)
	require.Equal(t, http.StatusSeeOther, s.get(lena, "audit.csv?user=a").StatusCode, "somebody has to say whom they mean")

	// Who may not read users finds nobody by name.
	s.add("Only audit", "audit: read all")
	s.assign("Only audit", "otto")
	asked := found.asked
	require.Contains(t, s.get("otto", "audit?user=a").text(), "No event matches")
	require.Equal(t, asked, found.asked)
	// A day or a name that nothing can have is a filter like another.
	for _, query := range []string{"until=9999-12-31", "from=0000-01-01", "user=" + strings.Repeat("x", 300), "actor=%FF"} {
		page := s.get(lena, "audit?"+query)
		require.Equal(t, http.StatusOK, page.StatusCode, query)
		require.Contains(t, page.text(), "No event matches Clear the filter", query)
	}
}

// numbers are the events on a page, from the numbers of its lines.
func (a answer) numbers(t testing.TB) (all []int64) {
	t.Helper()
	for _, found := range regexp.MustCompile(`>no\. (\d+)(?:–(\d+))?<`).FindAllStringSubmatch(a.body, -1) {
		first, err := strconv.ParseInt(found[1], 10, 64)
		require.NoError(t, err)
		last := first
		if found[2] != "" {
			last, err = strconv.ParseInt(found[2], 10, 64)
			require.NoError(t, err)
		}
		for seq := last; seq >= first; seq-- {
			all = append(all, seq)
		}
	}
	return all
}

// Pages follow each other by number, whichever way, and each event is on one. What a
// page reads does not grow with the record.
func TestAuditPages(t *testing.T) {
	store := &counting{Store: rbac.NewMemStore()}
	s := openSite(t, store)
	users := numbered(1000)
	s.assign("Sales", users...)
	for i := range 100 {
		s.edits(mara, "Sales", func(r *rbac.Role) { r.Description = fmt.Sprint(i) })
	}
	last := s.revision()
	require.Equal(t, int64(19+1000+100), last)
	require.NoError(t, s.az.Sync(context.Background())) // what checks answer from is read once
	var down, up []int64
	path, end := "audit", ""
	for path != "" {
		store.events.Store(0)
		store.members.Store(0)
		page := s.get(mara, path)
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.Less(t, store.events.Load(), int64(410))
		require.Zero(t, store.members.Load())
		down, end = append(down, page.numbers(t)...), path
		path = page.leads("Older")
	}
	require.Len(t, down, int(last))
	require.True(t, slices.IsSortedFunc(down, func(a, b int64) int { return int(b - a) }), "the newest first")
	page := s.get(mara, "audit?before=1020")
	require.Contains(t, page.lines()[0], "and 399 others as Sales.")
	require.Contains(t, page.text(), "And 392 more people. The exports have everybody. This change goes on among the older events.")
	for path = end; path != ""; {
		page := s.get(mara, path)
		if page.StatusCode == http.StatusSeeOther {
			page = s.get(mara, page.Header.Get("Location"))
		}
		up = append(up, page.numbers(t)...)
		path = page.leads("Newer")
	}
	slices.Sort(up)
	require.Len(t, slices.Compact(up), int(last))
}

func (a answer) leads(label string) string {
	found := regexp.MustCompile(`href="([^"]*)">` + label).FindStringSubmatch(a.body)
	if found == nil {
		return ""
	}
	return unescape(found[1])
}

// The record is verified when somebody asks for it, by a form, and the pages say when
// that was and what came of it.
func TestAuditVerified(t *testing.T) {
	store := &counting{Store: rbac.NewMemStore()}
	s := openSite(t, store)
	for range 20 {
		s.edits(mara, "Sales", func(r *rbac.Role) { r.Description += "x" })
	}
	never := func() string { return "The record has not been checked since the program started." }
	require.Contains(t, s.get(lena, "audit").text(), never()+" Each event has the hash of the one before, so that a change of an old one shows. It has 39 events. Check the record")
	for _, forged := range []answer{
		s.get(lena, "audit?do=verify"), s.post(lena, "audit", url.Values{"do": {"verify"}}, "Sec-Fetch-Site", "cross-site"),
		s.post(lena, "audit?do=verify", url.Values{}), s.ask(lena, http.MethodHead, "audit?do=verify", nil), s.post("hedda.dorn", "audit", url.Values{"do": {"verify"}}),
	} {
		require.NotEqual(t, http.StatusSeeOther, forged.StatusCode)
	}
	require.Contains(t, s.get(lena, "audit").text(), never())
	done := s.post(lena, "audit", url.Values{"do": {"verify"}})
	require.Equal(t, http.StatusSeeOther, done.StatusCode)
	require.Equal(t, "audit", done.Header.Get("Location"))
	store.events.Store(0)
	page := s.get(mara, "audit")
	require.Less(t, store.events.Load(), int64(45), "no page verifies by itself")
	require.Regexp(t, `The record is whole\. 39 events form one chain, checked \d+ \w+ 20\d\d, \d\d:\d\d UTC\. Newest hash ([0-9a-f]{4} ){3}[0-9a-f]{4} ?… Check again`, page.text())
	require.Regexp(t, `Record of changes whole checked \d+ \w+ 20`, s.get(lena, "review").text())
	require.Contains(t, s.get(lena, "review").text(), "The record of changes was whole on")
}

// bent is a store in which somebody altered an event, or of which one cannot be read.
type bent struct {
	rbac.Store
	altered, unreadable int64
	fails               error
	hold                chan struct{}
	held                chan struct{}
}

func (b *bent) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return b.Store.View(ctx, workspace, func(r rbac.Reader) error { return fn(bentReader{r, b}) })
}

type bentReader struct {
	rbac.Reader
	b *bent
}

func (r bentReader) Events(q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	return func(yield func(rbac.Event, error) bool) {
		if r.b.hold != nil && q.Limit == 0 {
			r.b.held <- struct{}{}
			<-r.b.hold
		}
		if r.b.fails != nil && q.After > 0 {
			yield(rbac.Event{}, r.b.fails)
			return
		}
		for e, err := range r.Reader.Events(q) {
			switch e.Seq {
			case r.b.altered:
				e.Actor = "somebody else"
			case r.b.unreadable:
				e, err = rbac.Event{Seq: e.Seq}, &rbac.MalformedError{Kind: "event", ID: itoa(e.Seq), Err: errors.New("bent")}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func TestAuditAltered(t *testing.T) {
	store := &bent{Store: rbac.NewMemStore()}
	s := openSite(t, store)
	store.altered = 7
	require.Equal(t, http.StatusSeeOther, s.post(lena, "audit", url.Values{"do": {"verify"}}).StatusCode)
	say := "The record was altered at event 7. What stands there is not what was recorded. Events up to 6 are whole. Keep a copy of the store as it is, and tell whoever runs it. Checked"
	require.Contains(t, s.get(lena, "audit").text(), say)
	require.Contains(t, s.get(lena, "review").text(), "Record of changes altered at event 7 checked")
	require.Contains(t, s.get(lena, "review").text(), "The record of changes was altered at event 7, as of")

	// While one verification runs there is no other.
	store.altered, store.hold, store.held = 0, make(chan struct{}), make(chan struct{})
	first := make(chan answer)
	go func() { first <- s.post(mara, "audit", url.Values{"do": {"verify"}}) }()
	<-store.held
	busy := s.post(lena, "audit", url.Values{"do": {"verify"}})
	require.Equal(t, "audit", busy.Header.Get("Location"))
	page := s.get(lena, "audit")
	require.Contains(t, page.text(), "Somebody is checking it right now. Look again in a moment.")
	require.Contains(t, page.text(), say, "the last result stays")
	close(store.hold)
	require.Equal(t, http.StatusSeeOther, (<-first).StatusCode)
	store.hold = nil
	require.Contains(t, s.get(lena, "audit").text(), "The record is whole.")
	require.NotContains(t, s.get(lena, "audit?busy=1").text(), "Somebody is checking it right now.", "whatever the address says")
}

// An event that cannot be read has its line, and the others theirs.
func TestAuditUnreadable(t *testing.T) {
	store := &bent{Store: rbac.NewMemStore()}
	s := openSite(t, store)
	for _, seq := range []int64{1, 7, 12, 19} {
		store.unreadable = seq
		page := s.get(lena, "audit")
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.Len(t, page.numbers(t), 19)
		require.Contains(t, page.lines(), "What stands at this number cannot be read. Whoever runs the application can look at its row. no. "+itoa(seq))
		require.Contains(t, s.get(lena, "audit.jsonl").body, `{"seq":`+itoa(seq)+`,"unreadable":true}`)
		require.Equal(t, 19, strings.Count(s.get(lena, "audit.jsonl").body, "\n"))
		require.Contains(t, s.get(lena, "audit.csv").body, "\n"+itoa(seq)+",,cannot be read,")
	}
	require.Contains(t, s.get(lena, "review").text(), "revision 19 no hash")
	require.Equal(t, http.StatusOK, s.get(lena, "review.csv").StatusCode)
}
