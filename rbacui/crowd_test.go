package rbacui_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbacui"
)

// The roles of a crowd that are not like the others.
const (
	crowdedRole = "A role with a name of some length, number 007" // a quarter of the members hold it
	deletedRole = "A role with a name of some length, number 180" // so does another, and no list has it
	deskRole    = "A role with a name of some length, number 194" // lists two
	readingRole = "A role with a name of some length, number 195" // reads users
	managerRole = "A role with a name of some length, number 196" // manages users, and holds little else
	listingRole = "A role with a name of some length, number 198" // lists a hundred
)

// crowd is the pages with the largest company that they are made for: 200 roles, 60
// areas and so many members.
func crowd(t testing.TB, store rbac.Store, members int) *site {
	t.Helper()
	ctx := context.Background()
	s := &site{TB: t, store: store, roles: map[string]rbac.RoleID{"Administrator": rbac.Administrator}}
	areas := many(t, 60)
	scopes := []rbac.Scope{rbac.None, rbac.Own, rbac.Team, rbac.All}
	at := time.Unix(1, 0).UTC()
	require.NoError(t, store.Update(ctx, "", func(tx rbac.Tx) error {
		for i := range 199 {
			role := rbac.Role{
				ID: rbac.RoleID(fmt.Sprintf("role-of-twenty-six-bytes-%03d", i)), Name: fmt.Sprintf("A role with a name of some length, number %03d", i),
				Description: "Something that tells people what it is for.", Permissions: rbac.Permissions{}, Version: 1, CreatedAt: at, UpdatedAt: at,
			}
			for j, info := range areas {
				if info.Owned && info.Area != rbac.Users {
					role.Permissions[info.Area] = rbac.Access{Read: scopes[(i+j)%4], Manage: scopes[(i/4+j)%4]}
				}
			}
			lists := 0
			switch role.Name {
			case deskRole:
				lists = 2
			case readingRole:
				role.Permissions[rbac.Users] = rbac.Access{Read: rbac.All}
			case managerRole:
				role.Permissions[rbac.Users] = rbac.Access{Read: rbac.All, Manage: rbac.All}
			case listingRole:
				lists = 100
			}
			for n := range lists {
				role.Assigns = append(role.Assigns, rbac.RoleID(fmt.Sprintf("role-of-twenty-six-bytes-%03d", n)))
			}
			s.roles[role.Name] = role.ID
			if err := tx.PutRole(role); err != nil {
				return err
			}
		}
		var people []rbac.Member
		for i := range members {
			m := rbac.Member{User: fmt.Sprintf("user-%06d", i), Role: s.roles[crowdedRole], Team: fmt.Sprintf("team-%d", i%50), UpdatedAt: at}
			switch {
			case i%4 == 2:
				m.Role = s.roles[deletedRole]
			case i%2 == 1:
				m.Role = rbac.RoleID(fmt.Sprintf("role-of-twenty-six-bytes-%03d", i/2%199))
			}
			m.Suspended = i%20 == 4
			people = append(people, m)
		}
		return tx.PutMembers(people...)
	}))
	known := make([]rbacui.Person, min(members, 500))
	for i := range known {
		known[i] = rbacui.Person{User: fmt.Sprintf("user-%06d", i), Name: fmt.Sprintf("Somebody of a name %d", i), Email: fmt.Sprintf("somebody.%d@ostervik.example", i)}
	}
	dir := newStaff(known...)
	for i := range 100 {
		dir.waiting = append(dir.waiting, rbacui.Person{User: fmt.Sprint("waits-", i), Name: fmt.Sprintf("Somebody who waits %d", i)})
	}
	s.az = workspacetest.Open(t, store, rbac.WithAreas(areas...), rbac.WithTeams())
	s.ui = rbacui.New(s.az, identify, rbacui.WithDirectory(dir), rbacui.WithLogger(slog.New(slog.DiscardHandler)))
	s.assign("Administrator", mara)
	for role, user := range map[string]string{listingRole: "dan", deskRole: "don", readingRole: "rita", managerRole: "vera"} {
		s.assign(role, user)
	}
	// Enough events for the record to have pages.
	everyone := make([]string, 300)
	for i := range everyone {
		everyone[i] = fmt.Sprintf("user-%06d", 1000+i)
	}
	admin := s.az.As(mara)
	require.NoError(t, admin.Suspend(ctx, everyone...))
	require.NoError(t, admin.Reinstate(ctx, everyone...))
	for i := range 40 {
		require.NoError(t, admin.SetTeam(ctx, fmt.Sprint("north-", i%2), "user-000003"))
		s.edits(mara, listingRole, func(r *rbac.Role) { r.Description = fmt.Sprint("Edit ", i) })
	}
	require.NoError(t, s.az.Sync(ctx))
	return s
}

// asked is a request of one page.
type asked struct {
	user, target string
	form         url.Values
}

// everyPage are requests of every page, in the ways that make it read and show the
// most.
func (s *site) everyPage() []asked {
	role, listing, deleted := s.path("role", crowdedRole), s.path("role", listingRole), s.path("role-delete", deletedRole)
	to := string(s.roles["A role with a name of some length, number 150"])
	var users []string
	for i := range 100 {
		users = append(users, fmt.Sprintf("user-%06d", i))
	}
	member, change := link("member", "user-000003"), with(chosen(users...), "role", to, "move", "to", "team", "team-7")
	edited := with(s.get(mara, role).filled(), "deals.read", "none", "contacts.manage", "all")
	made := with(s.get(mara, "role-new").filled(), "contacts.manage", "all")
	desk := s.path("role", deskRole)
	stale := with(s.get(mara, desk).filled(), "do", "save")
	for name, value := range stale {
		if strings.HasSuffix(name, ".read") && value[0] == "all" {
			stale.Set(name, "none")
		}
	}
	s.edits(mara, deskRole, func(r *rbac.Role) {
		for area := range r.Permissions {
			r.Permissions[area] = rbac.Access{Read: rbac.Own}
		}
	})
	get := func(user string, targets ...string) (all []asked) {
		for _, target := range targets {
			all = append(all, asked{user, target, nil})
		}
		return all
	}
	post := func(target string, form url.Values, pairs ...string) asked {
		return asked{mara, target, with(form, pairs...)}
	}
	return slices.Concat(
		get(mara, "", "?q=number", "?from="+string(s.roles[listingRole]), "?done="+string(s.roles[listingRole])),
		get(mara, role, listing, "role?id=administrator", "role-new", "role-new?copy="+string(s.roles[listingRole]), deleted, s.path("role-delete", listingRole)),
		get("rita", "", role, listing), get("vera", "", s.path("role", managerRole), listing, "role-new", "role-new?copy="+string(s.roles[managerRole])),
		[]asked{
			post(role, edited, "do", "plan"), post(role, edited, "do", "plan", "part", "plan"), post(role, edited, "preset", "full"), post(desk, stale),
			post("role-new", made, "do", "plan"), post("role-new", made, "do", "plan", "part", "plan"), post("role-new", made, "do", "save"),
			post(deleted, nil, "to", to, "do", "plan"), post(deleted, nil, "to", to, "do", "plan", "part", "plan"),
		},
		get(mara, "members", "members?after=user-001000", "members?q=somebody", "members?q=user-0010", "members?team=team-7&state=active", "members?role="+string(s.roles[crowdedRole])+"&team=team-4&state=suspended"),
		get("dan", "members", "members?q=somebody", member), get("don", "members", "members?q=somebody", "members?team=team-1"), get("vera", "members", member), get("rita", "members", member),
		get(mara, "member-new", "member-new?q=somebody", member, member+"&area=deals&action=read&role="+to, "members-change?suspend=1&back=1&user=user-000003&restore=300"),
		[]asked{
			post(member, nil, "role", to, "do", "plan"), post(member, nil, "role", to, "do", "plan", "part", "plan"),
			post("members-change", change, "do", "plan"), post("members-change", change, "do", "plan", "part", "plan"), post("members-change", with(change, "role", "gone"), "do", "save"),
		},
		get(mara, "review", "review?by=area", "review?area=deals&action=manage&person=user-000007", "review?findings=50",
			"review?area=deals&action=manage&from="+string(s.roles[crowdedRole])+"&after=user-001000", "review.csv"),
		get(mara, "audit", "audit?before=300", "audit?after=20", "audit?kind=role.updated&role="+string(s.roles[listingRole]), "audit?actor=somebody&user=somebody",
			"audit.jsonl?user=user-000003", "audit.csv?user=user-000003"),
	)
}

func (s *site) does(a asked) answer {
	if a.form != nil {
		return s.post(a.user, a.target, a.form)
	}
	return s.get(a.user, a.target)
}

// String names the request in a report.
func (a asked) String() string {
	what := a.target
	for _, key := range []string{"do", "part", "preset"} {
		if a.form.Has(key) {
			what += " " + key + "=" + a.form.Get(key)
		}
	}
	return a.user + ": " + strings.ReplaceAll(what, "role-of-twenty-six-bytes-", "…")
}

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

func (c *counting) reset() {
	for _, n := range []*atomic.Int64{&c.views, &c.roles, &c.members, &c.events} {
		n.Store(0)
	}
}

// No page is larger than 200 KB, and none reads all members or all events: what one
// reads does not grow with them.
func TestEveryPage(t *testing.T) {
	store := &counting{Store: rbac.NewMemStore()}
	s := crowd(t, store, 1500)
	left := map[string]bool{}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, found := range regexp.MustCompile(`= page\{segment: "([^"]*)"`).FindAllSubmatch(source, -1) {
			left[string(found[1])] = true
		}
	}
	require.Len(t, left, 13)
	for _, a := range s.everyPage() {
		segment, _, _ := strings.Cut(a.target, "?")
		delete(left, segment)
		store.reset()
		page := s.does(a)
		require.Contains(t, []int{http.StatusOK, http.StatusConflict, http.StatusUnprocessableEntity}, page.StatusCode, a)
		require.Less(t, len(page.body), 200_000, a)
		require.LessOrEqual(t, store.views.Load(), int64(16), "readings for %s", a)
		require.LessOrEqual(t, store.roles.Load(), int64(5*199), "roles for %s", a)
		require.Less(t, store.members.Load(), int64(650), "members for %s", a)
		require.Less(t, store.events.Load(), int64(410), "events for %s", a)
	}
	require.Empty(t, left, "pages that were not asked for")

	first := s.get(mara, "")
	require.Contains(t, first.text(), "200 of 200 roles match. Next")
	require.Contains(t, s.get(mara, strings.TrimPrefix(first.leads("Next"), "./")).text(), "number 198")
	list := s.get(mara, "members")
	require.Contains(t, list.body, `<a class="btn" href="member?user=waits-0">`, "a link, and no list of 200 roles for each")
	require.Equal(t, 2, strings.Count(list.body, "number 150<"))
	require.Contains(t, s.get(mara, s.path("role", crowdedRole)).text(), "379 people hold this role. It changes for all of them. 60 of them are suspended.")
	require.Contains(t, s.get("rita", s.path("role", crowdedRole)).text(), "Held by 379 people")
	require.Contains(t, s.get(mara, s.path("role-delete", deletedRole)).text(), "Move 378 people and delete the role")
}

// BenchmarkPages is how long each page takes with 100,000 members.
func BenchmarkPages(b *testing.B) {
	s := crowd(b, rbac.NewMemStore(), 100_000)
	for _, a := range s.everyPage() {
		b.Run(strings.ReplaceAll(a.String(), " ", "_"), func(b *testing.B) {
			size := 0
			for b.Loop() {
				size = len(s.does(a).body)
			}
			b.ReportMetric(float64(size)/1000, "KB")
		})
	}
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
