package rbac_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// dangerous are names that a spreadsheet would take for a formula, and names
// that it would not.
var dangerous = []struct {
	name  string
	bites bool
}{
	{"=1+1", true},
	{"=HYPERLINK(\"http://x\",\"y\")", true},
	{"+49 30", true},
	{"-1", true},
	{"@SUM(A1)", true},
	{"Sales = all", false},
	{"a+b-c@d", false},
	{"'=1", false},
	{"\"quoted\", and more", false},
	{"comma, semicolon; tab", false},
	{"1", false},
}

// A cell of a CSV export that begins with = + - @ is neutralised, in names as
// in labels; every other comes back as it was.
func TestScenario40_CSVIsNeutralised(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	areas := rbac.DefaultAreas()
	areas[0].Label, areas[1].Label, areas[2].Label = "=cmd|' /C calc'!A0", "@label, with a comma", "-"
	az := openOn(t, store, rbac.WithAreas(areas...), rbac.WithSystemRoles(rbac.Role{ID: "s", Name: "=system"}))
	for _, d := range dangerous {
		addRole(t, az.Workspace, d.name, rbac.Permissions{rbac.Deals: access(rbac.All, rbac.Own)})
	}
	m, err := az.Matrix(ctx)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, m.WriteCSV(&out))
	rows, err := csv.NewReader(bytes.NewReader(out.Bytes())).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{
		"Role", "'=cmd|' /C calc'!A0", "'@label, with a comma", "'-", "Services", "Tasks", "Users", "API access", "Audit",
	}, rows[0])
	require.Len(t, rows, 1+2+len(dangerous))
	require.Equal(t, "'=system", rows[2][0])
	shown := map[string]bool{}
	for _, row := range rows[1:] {
		shown[row[0]] = true
		for _, cell := range row {
			require.NotContains(t, "=+-@\t\r", cell[:1], "%q", cell)
		}
	}
	for _, d := range dangerous {
		want := d.name
		if d.bites {
			want = "'" + want
		}
		require.True(t, shown[want], "%q", want)
	}
	require.Equal(t, "read all, manage own", rows[3][3])
	require.Equal(t, "no access", rows[3][4])
}

// The library does not store names with control characters, but another
// program might, and a Matrix can be made by hand.
func TestScenario40_ControlCharacters(t *testing.T) {
	t.Parallel()
	var names []string
	for c := range rune(0x20) {
		names = append(names, string(c)+"=1+1", "a"+string(c)+"b")
	}
	names = append(names, "\x7f", "\u0085=1", "\u2028", "\u202egnirts", "\ufeff=1", "a|b", "<script>alert(1)</script>", "*b* _i_ `c` [l](u) #h ~s~ | & \\")
	m := rbac.Matrix{Areas: rbac.DefaultAreas()[:1]}
	for _, name := range names {
		m.Roles = append(m.Roles, rbac.Role{Name: name})
	}
	var table, text, markdown bytes.Buffer
	require.NoError(t, m.WriteCSV(&table))
	require.NoError(t, m.WriteText(&text))
	require.NoError(t, m.WriteMarkdown(&markdown))
	rows, err := csv.NewReader(&table).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+len(names))
	for _, row := range rows {
		require.NotContains(t, "=+-@\t\r", row[0][:1], "%q", row[0])
	}
	require.Equal(t, 2+len(names), strings.Count(text.String(), "\n"), "a name does not break its line")
	require.Equal(t, 2+len(names), strings.Count(markdown.String(), "\n"), "a name does not break its line")
	for _, out := range []string{text.String(), markdown.String()} {
		for _, r := range out {
			require.True(t, r == '\n' || r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f) && r != '\u202e' && r != '\u2028', "%U", r)
		}
	}
	require.NotContains(t, markdown.String(), "<script")
	for line := range strings.Lines(markdown.String()) {
		unescaped := strings.ReplaceAll(strings.ReplaceAll(line, `\\`, ""), `\|`, "")
		require.Equal(t, 3, strings.Count(unescaped, "|"), "%q has two cells", line)
	}
	require.Contains(t, markdown.String(), `| \*b\* \_i\_ \`+"`"+`c\`+"`"+` \[l\]\(u\) \#h \~s\~ \| &amp; \\ |`)
	require.Contains(t, markdown.String(), `| &lt;script&gt;alert\(1\)&lt;/script&gt; |`)
}

// A writer that fails is an error, not a shorter file.
func TestScenario40_WriterThatFails(t *testing.T) {
	t.Parallel()
	m := rbac.Matrix{Areas: rbac.DefaultAreas(), Roles: []rbac.Role{{Name: strings.Repeat("x", 10_000)}}}
	for name, write := range map[string]func(io.Writer) error{
		"CSV": m.WriteCSV, "text": m.WriteText, "Markdown": m.WriteMarkdown,
	} {
		pipe, out := io.Pipe()
		require.NoError(t, pipe.CloseWithError(errBoom))
		require.ErrorIs(t, write(out), errBoom, name)
	}
}

// An event cannot be written: the change fails too, whatever it is.
func TestScenario43_EventThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	ctx, inner := t.Context(), newStore(t)
	store := newFaultStore(inner)
	az := openOn(t, store)
	assign(t, az.Workspace, rbac.Administrator, "ann", "bob", "sue")
	require.NoError(t, az.System("test").Suspend(ctx, "sue"))
	role, spare := addRole(t, az.Workspace, "Viewer", nil), addRole(t, az.Workspace, "Spare", nil)
	assign(t, az.Workspace, role.ID, "vic")
	allows(t, az.Workspace, "bob")
	ann := az.As("ann")
	edited := role
	edited.Permissions = rbac.Permissions{rbac.Deals: access(rbac.All, rbac.All)}
	changes := map[string]func() error{
		"CreateRole":  func() error { _, err := ann.CreateRole(ctx, rbac.Role{Name: "New"}); return err },
		"UpdateRole":  func() error { _, err := ann.UpdateRole(ctx, edited); return err },
		"DeleteRole":  func() error { return ann.DeleteRole(ctx, spare.ID) },
		"ReplaceRole": func() error { return ann.ReplaceRole(ctx, role.ID, rbac.Administrator) },
		"Assign":      func() error { return ann.Assign(ctx, rbac.Administrator, "vic") },
		"Suspend":     func() error { return ann.Suspend(ctx, "bob") },
		"Reinstate":   func() error { return ann.Reinstate(ctx, "sue") },
		"Remove":      func() error { return ann.Remove(ctx, "bob") },
	}
	store.setRows(failWrite("AppendEvents"))
	for name, change := range changes {
		unchanged(t, inner, "", func() { require.ErrorIs(t, change(), errBoom, name) })
	}
	require.True(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage))
	require.False(t, az.Can(ctx, "sue", rbac.Users, rbac.Manage))
	require.False(t, az.Can(ctx, "vic", rbac.Deals, rbac.Read))
	store.setRows(nil)
	for _, name := range []string{"CreateRole", "UpdateRole", "DeleteRole", "Suspend", "Reinstate", "Remove", "ReplaceRole"} {
		require.NoError(t, changes[name](), "%s, when events can be written", name)
	}
	checkInvariants(t, inner, "")
}

// Nothing of one workspace shows in another: ids, names, members, events,
// notifications.
func TestScenario44_WorkspacesAreApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), newStore(t)
		store := notifyStore{newFaultStore(inner)}
		az := openOn(t, store)
		ids := []string{"", "acme", "Acme", "acme ", "administrator", "w\u200b"}
		roles := map[string]rbac.Role{}
		for i, id := range ids {
			w := az.For(id)
			// The same names and users everywhere; each workspace gives Viewer
			// another area, and has another user in it.
			roles[id] = addRole(t, w, "Viewer", rbac.Permissions{rbac.DefaultAreas()[i].Area: access(rbac.All, rbac.None)})
			assign(t, w, rbac.Administrator, "ann")
			assign(t, w, roles[id].ID, fmt.Sprint("vic", i), "vic")
		}
		for i, id := range ids {
			w := az.For(id)
			require.Same(t, w, az.For(id))
			for j, info := range rbac.DefaultAreas() {
				require.Equal(t, i == j, w.Can(ctx, "vic", info.Area, rbac.Read), "%q", id)
				require.Equal(t, i == j, w.Can(ctx, fmt.Sprint("vic", i), info.Area, rbac.Read), "%q", id)
				require.False(t, w.Can(ctx, fmt.Sprint("vic", (i+1)%len(ids)), info.Area, rbac.Read), "%q", id)
			}
			events := eventsOf(t, w, rbac.EventQuery{})
			require.Len(t, events, 4)
			require.EqualValues(t, 1, events[0].Seq)
			listed, err := w.Roles(ctx)
			require.NoError(t, err)
			require.Len(t, listed, 2)
			for m, err := range w.Members(ctx, rbac.MemberQuery{}) {
				require.NoError(t, err)
				require.Contains(t, []string{"ann", "vic", fmt.Sprint("vic", i)}, m.User)
			}
			for other, role := range roles {
				if other != id {
					require.ErrorIs(t, w.As("ann").Assign(ctx, role.ID, "new"), rbac.ErrRoleNotFound, "a role of %q in %q", other, id)
					_, err := w.As("ann").UpdateRole(ctx, role)
					require.ErrorIs(t, err, rbac.ErrRoleNotFound)
				}
			}
		}
		// Rights, the last administrator and denials are those of one workspace.
		require.ErrorIs(t, az.For("acme").System("test").Remove(ctx, "ann"), rbac.ErrLastAdministrator)
		require.ErrorIs(t, az.For("nobody's").As("ann").Assign(ctx, rbac.Administrator, "eve"), rbac.ErrDenied)
		var before []string
		for _, id := range ids {
			before = append(before, text(contentsOf(t, inner, id)))
		}
		synctest.Wait()

		// A change of one is heard of by that one alone, and read by it alone.
		other := notifyStore{newFaultStore(inner)}
		watching := openOn(t, other)
		for _, id := range ids {
			allows(t, watching.For(id), "ann")
		}
		synctest.Wait()
		other.reset()
		heard := other.notified()
		require.NoError(t, az.For("acme").As("ann").Remove(ctx, "vic"))
		synctest.Wait()
		require.Equal(t, heard+1, other.notified())
		require.Equal(t, 1, other.calls(opView))
		for i, id := range ids {
			require.Equal(t, id == "acme", text(contentsOf(t, inner, id)) != before[i], "%q", id)
			require.Equal(t, id != "acme", watching.For(id).Can(ctx, "vic", rbac.DefaultAreas()[i].Area, rbac.Read), "%q", id)
			checkInvariants(t, inner, id)
		}
	})
}

// One workspace that cannot be read takes no other with it; see scenario 23.
func TestScenario44_WorkspacesFailApart(t *testing.T) {
	t.Parallel()
	ctx, inner := t.Context(), newStore(t)
	store := newFaultStore(inner)
	az := openOn(t, store)
	for _, id := range []string{"good", "bad"} {
		assign(t, az.For(id), rbac.Administrator, "ann")
	}
	allows(t, az.For("good"), "ann")
	store.set(opView, failing(errBoom))
	refusesAll(t, az.For("bad"), "ann", errBoom)
	allows(t, az.For("good"), "ann")
	require.NoError(t, az.For("good").As("ann").Assign(ctx, rbac.Administrator, "bob"))
	allows(t, az.For("good"), "bob")
}

// A user whose id is a role's id or name, or an area's, gets nothing from it;
// and a role whose name is a user's id gives nothing.
func TestScenario45_IDsOfUsersAndRolesAreApart(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	az := openOn(t, store, rbac.WithSystemRoles(rbac.Role{
		ID: "support", Name: "Support", Permissions: rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.All)},
	}))
	everything := rbac.Permissions{}
	for _, info := range rbac.DefaultAreas() {
		everything[info.Area] = access(rbac.All, rbac.All)
	}
	strong := addRole(t, az.Workspace, "Strong", everything)
	named := addRole(t, az.Workspace, "vic", everything) // named as a user
	nothing := addRole(t, az.Workspace, "Nothing", nil)
	users := []string{
		"administrator", "Administrator", "support", "Support", string(strong.ID), "Strong", string(named.ID), "vic", string(nothing.ID),
		"users", "deals", "manage", "system", "*",
	}
	for _, member := range []bool{false, true} {
		if member {
			assign(t, az.Workspace, nothing.ID, users...)
		}
		for _, user := range users {
			s, err := az.Subject(ctx, user)
			require.NoError(t, err)
			require.Empty(t, s.Permissions(), "%q", user)
			require.Equal(t, member, s.Role() == nothing.ID)
			for _, info := range rbac.DefaultAreas() {
				for _, action := range []rbac.Action{rbac.Read, rbac.Manage} {
					require.False(t, az.Can(ctx, user, info.Area, action), "%q", user)
				}
			}
			require.ErrorIs(t, az.As(user).Assign(ctx, strong.ID, "new"), rbac.ErrDenied, "%q", user)
		}
	}
	// A role is not held by holding a role, and a user is no role.
	require.ErrorIs(t, az.System("test").Assign(ctx, "vic", "new"), rbac.ErrRoleNotFound)
	require.ErrorIs(t, az.System("test").Assign(ctx, "Strong", "new"), rbac.ErrRoleNotFound)
	require.ErrorIs(t, az.System("test").Remove(ctx, "nobody"), rbac.ErrMemberNotFound)
	// Who is given a role has it, whatever their id.
	assign(t, az.Workspace, strong.ID, string(strong.ID))
	require.True(t, az.Can(ctx, string(strong.ID), rbac.Users, rbac.Manage))
	require.NoError(t, az.System("test").Remove(ctx, users...))
	require.ErrorIs(t, az.System("test").DeleteRole(ctx, "administrator"), rbac.ErrProtectedRole)
	require.NoError(t, az.System("test").DeleteRole(ctx, strong.ID))
	checkInvariants(t, store, "", "support")
}

// Memory is bounded by members and roles, however many questions are asked;
// and no question reaches the store.
func TestScenario46_MemoryIsBounded(t *testing.T) {
	ctx, store := t.Context(), newFaultStore(newStore(t))
	az := openOn(t, store, rbac.WithMaxStaleness(time.Hour))
	viewer := addRole(t, az.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.Own)})
	var members []string
	for i := range 1000 {
		members = append(members, fmt.Sprint("user-", i))
	}
	assign(t, az.Workspace, viewer.ID, members...)
	require.True(t, az.Can(ctx, members[0], rbac.Deals, rbac.Read))
	areas := rbac.DefaultAreas()
	ask := func(n int) {
		for i := range n {
			user, area, action := members[i%len(members)], areas[i/len(members)%len(areas)].Area, rbac.Action(1+i%2)
			can := az.Can(ctx, user, area, action)
			if can != (area == rbac.Deals && action == rbac.Read) {
				t.Fatalf("%s %s %s: %t", user, action, area, can)
			}
			az.CanRecord(ctx, user, area, action, fmt.Sprint("owner-", i))
			s, err := az.Subject(ctx, user)
			if err != nil {
				t.Fatal(err)
			}
			s.Limit(rbac.Permissions{area: access(rbac.Own, rbac.Own)}).Can(area, action)
			if _, err := az.Explain(ctx, user, rbac.Area(fmt.Sprint("area-", i)), action); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask(10_000)
	store.reset()
	before := heapInUse()
	n := scaled(500_000)
	ask(n)
	require.Zero(t, store.total())
	require.Less(t, heapInUse()-before, int64(1<<20), "after %d questions", n)
}

// Nor does memory grow with changes: members who come and go, roles that are
// made and deleted. What grows is the store's, and is let go of here.
func TestScenario46_MemoryDoesNotGrowWithChanges(t *testing.T) {
	follower := newFaultStore(newStore(t))
	az := openOn(t, follower, rbac.WithMaxStaleness(time.Hour))
	n := scaled(10_000)
	before := heapInUse()
	churn(t, az, follower, n)
	follower.use(newStore(t))
	require.Less(t, heapInUse()-before, int64(512<<10), "after %d members and roles have come and gone", n)
	require.True(t, az.Can(t.Context(), "ann", rbac.Users, rbac.Manage), "still in memory")
}

// churn makes members and roles come and go in a new store, and has az follow.
func churn(t *testing.T, az *rbac.Authorizer, follower *faultStore, n int) {
	ctx, store := t.Context(), newStore(t)
	follower.use(store)
	other, err := rbac.Open(ctx, store, quiet)
	require.NoError(t, err)
	defer other.Close()
	assign(t, other.Workspace, rbac.Administrator, "ann")
	for i := range n {
		role := addRole(t, other.Workspace, fmt.Sprint("Role ", i), nil)
		user := fmt.Sprint("user-", i)
		assign(t, other.Workspace, role.ID, user)
		require.NoError(t, other.As("ann").Remove(ctx, user))
		require.NoError(t, other.As("ann").DeleteRole(ctx, role.ID))
		if i%10 == 0 {
			require.NoError(t, az.Sync(ctx))
		}
	}
	require.NoError(t, az.Sync(ctx))
	allows(t, az.Workspace, "ann")
}

// An observer sees every decision that a check makes, once, and cannot change
// it.
func TestObserverSeesEveryDecision(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "request")
	var seen []rbac.Decision
	store := newFaultStore(newStore(t))
	az := openOn(t, store, rbac.WithObserver(func(ctx context.Context, d rbac.Decision) {
		if ctx.Value(key{}) != "request" {
			t.Error("the observer gets the request's context")
		}
		seen = append(seen, d)
		d.Allowed = true
	}))
	own := addRole(t, az.Workspace, "Own", rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.All)})
	assign(t, az.Workspace, own.ID, "vic")
	s, err := az.Subject(ctx, "vic")
	require.NoError(t, err)
	require.Empty(t, seen, "resolving decides nothing")
	for name, test := range map[string]struct {
		check   func() bool
		allowed bool
		reason  rbac.Reason
	}{
		"Can":                {func() bool { return az.Can(ctx, "vic", rbac.Deals, rbac.Read) }, false, rbac.ReasonOwnOnly},
		"Can, granted":       {func() bool { return az.Can(ctx, "vic", rbac.Deals, rbac.Manage) }, true, rbac.ReasonGranted},
		"CanRecord":          {func() bool { return az.CanRecord(ctx, "vic", rbac.Deals, rbac.Read, "vic") }, true, rbac.ReasonOwnRecord},
		"CanRecord, another": {func() bool { return az.CanRecord(ctx, "vic", rbac.Deals, rbac.Read, "eve") }, false, rbac.ReasonNotOwner},
		"Scope": {func() bool {
			scope, _ := az.Scope(ctx, "vic", rbac.Deals, rbac.Manage)
			return scope == rbac.All
		}, true, rbac.ReasonGranted},
		"Authorize":          {func() bool { return az.Authorize(ctx, "eve", rbac.Deals, rbac.Read) == nil }, false, rbac.ReasonNotMember},
		"Subject.Can":        {func() bool { return s.Can(rbac.Deals, rbac.Manage) }, true, rbac.ReasonGranted},
		"Subject.CanRecord":  {func() bool { return s.CanRecord(rbac.Deals, rbac.Read, "vic") }, true, rbac.ReasonOwnRecord},
		"Subject.Scope":      {func() bool { return s.Scope(rbac.Tasks, rbac.Read) != rbac.None }, false, rbac.ReasonNotGranted},
		"Subject.Authorize":  {func() bool { return s.Authorize("x", rbac.Read) == nil }, false, rbac.ReasonUnknownArea},
		"Subject.Limit":      {func() bool { return s.Limit(nil).Can(rbac.Deals, rbac.Manage) }, false, rbac.ReasonLimited},
		"a check that fails": {func() bool { return az.For("bad").Can(ctx, "vic", rbac.Deals, rbac.Read) }, false, rbac.ReasonUnavailable},
	} {
		store.set(opView, failing(errBoom))
		seen = nil
		require.Equal(t, test.allowed, test.check(), name)
		require.Len(t, seen, 1, name)
		require.Equal(t, test.allowed, seen[0].Allowed, name)
		require.Equal(t, test.reason, seen[0].Reason, name)
	}
	store.set(opView, nil)
	require.False(t, errors.Is(az.Sync(ctx), rbac.ErrUnavailable))
	checkInvariants(t, store, "")
}
