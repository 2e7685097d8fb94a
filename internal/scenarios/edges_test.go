package scenarios_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/heap"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
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
	ctx, store := t.Context(), rbac.NewMemStore()
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
	ctx, inner := t.Context(), rbac.NewMemStore()
	store := fault.New(inner)
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
	store.SetRows(fault.FailWrite("AppendEvents"))
	for name, change := range changes {
		unchanged(t, inner, "", func() { require.ErrorIs(t, change(), errBoom, name) })
	}
	require.True(t, az.Can(ctx, "bob", rbac.Users, rbac.Manage))
	require.False(t, az.Can(ctx, "sue", rbac.Users, rbac.Manage))
	require.False(t, az.Can(ctx, "vic", rbac.Deals, rbac.Read))
	store.SetRows(nil)
	for _, name := range []string{"CreateRole", "UpdateRole", "DeleteRole", "Suspend", "Reinstate", "Remove", "ReplaceRole"} {
		require.NoError(t, changes[name](), "%s, when events can be written", name)
	}
	checkInvariants(t, inner, "")
}

// Nothing of one workspace shows in another: ids, names, members, events,
// notifications.
func TestScenario44_NothingShowsElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), rbac.NewMemStore()
		store := fault.NewNotifier(inner)
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
		other := fault.NewNotifier(inner)
		watching := openOn(t, other)
		for _, id := range ids {
			allows(t, watching.For(id), "ann")
		}
		synctest.Wait()
		other.ResetCalls()
		hints := workspacetest.Listen(t, inner)
		require.NoError(t, az.For("acme").As("ann").Remove(ctx, "vic"))
		synctest.Wait()
		require.Equal(t, []string{"acme"}, hints())
		require.Equal(t, 1, other.Calls(opView))
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
	ctx, inner := t.Context(), rbac.NewMemStore()
	store := fault.New(inner)
	az := openOn(t, store)
	for _, id := range []string{"good", "bad"} {
		assign(t, az.For(id), rbac.Administrator, "ann")
	}
	allows(t, az.For("good"), "ann")
	store.Set(fault.Fails(errBoom), opView)
	refusesAll(t, az.For("bad"), "ann", errBoom)
	allows(t, az.For("good"), "ann")
	require.NoError(t, az.For("good").As("ann").Assign(ctx, rbac.Administrator, "bob"))
	allows(t, az.For("good"), "bob")
}

// Memory does not grow with changes: members who come and go, roles that are
// made and deleted. What grows is the store's, and is let go of here.
func TestScenario46_MemoryDoesNotGrowWithChanges(t *testing.T) {
	follower := fault.New(rbac.NewMemStore())
	az := openOn(t, follower, rbac.WithMaxStaleness(time.Hour))
	n := long.Scale(10_000)
	before := heap.InUse()
	churn(t, az, follower, n)
	follower.Replace(rbac.NewMemStore())
	require.Less(t, heap.InUse()-before, int64(512<<10), "after %d members and roles have come and gone", n)
	require.True(t, az.Can(t.Context(), "ann", rbac.Users, rbac.Manage), "still in memory")
}

// churn makes members and roles come and go in a new store, and has az follow.
func churn(t *testing.T, az *rbac.Authorizer, follower fault.Store, n int) {
	ctx, store := t.Context(), rbac.NewMemStore()
	follower.Replace(store)
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
