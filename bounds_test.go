package rbac_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// allocated returns how many bytes a call allocates.
func allocated(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A name is counted before anything that costs more than its length is done
// with it.
func TestLongNamesCostNothing(t *testing.T) {
	az := openOn(t, newStore(t))
	long := strings.Repeat("ﷺ", 1<<20) // each would become 18 characters
	for name, change := range map[string]func() error{
		"create": func() error {
			_, err := az.System("test").CreateRole(t.Context(), rbac.Role{Name: long})
			return err
		},
		"update": func() error {
			_, err := az.As("nobody").UpdateRole(t.Context(), rbac.Role{ID: "x", Name: long, Permissions: rbac.Permissions{}})
			return err
		},
		"plan": func() error {
			_, err := az.As("nobody").Plan(t.Context(), rbac.Role{Name: long})
			return err
		},
	} {
		require.Less(t, allocated(func() { require.ErrorIs(t, change(), rbac.ErrInvalid) }), uint64(1<<20), name)
	}
}

// Names that show nothing are no names, and nothing that does not show makes
// another name of one.
func TestNamesThatShowNothing(t *testing.T) {
	t.Parallel()
	az := openOn(t, newStore(t))
	for _, name := range []string{
		"\u2800", "\u2800\u2800", "\ufdd0", "\ufffe", "\U0001ffff", "\u0301", " \u0301 ", "\U0001d159", "\u0301\u0302", "\u20dd",
		"Administrator\u2800", "Admin\ufdd0istrator", "\ufffeAdministrator", "Administrator\U0001d159",
	} {
		_, err := az.System("test").CreateRole(t.Context(), rbac.Role{Name: name})
		require.ErrorIs(t, err, rbac.ErrInvalid, "%+q", name)
	}
	for _, name := range []string{"é", "e\u0301", "1", "*", "日本", "👩‍💻", "(x)"} {
		_, err := az.System("test").CreateRole(t.Context(), rbac.Role{Name: name})
		if name != "e\u0301" { // the first one again
			require.NoError(t, err, "%+q", name)
		}
	}
}

// A workspace has at most 1,000 roles of its own, and who may not create one
// does not learn how many there are.
func TestTooManyRoles(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	az := openOn(t, store)
	require.NoError(t, store.Update(ctx, "", func(tx rbac.Tx) error {
		for i := range 999 {
			if err := tx.PutRole(rbac.Role{ID: rbac.RoleID(fmt.Sprintf("r%03d", i)), Name: fmt.Sprint("Role ", i), Version: 1}); err != nil {
				return err
			}
		}
		return nil
	}))
	assign(t, az.Workspace, rbac.Administrator, "ann")
	last, err := az.As("ann").CreateRole(ctx, rbac.Role{Name: "The last"})
	require.NoError(t, err)
	_, err = az.As("ann").CreateRole(ctx, rbac.Role{Name: "One more"})
	require.ErrorIs(t, err, rbac.ErrTooManyRoles)
	_, err = az.As("ann").CreateRole(ctx, rbac.Role{Name: "Administrator"})
	require.ErrorIs(t, err, rbac.ErrTooManyRoles)
	_, err = az.As("bob").CreateRole(ctx, rbac.Role{Name: "One more"})
	require.ErrorIs(t, err, rbac.ErrDenied)
	plan, err := az.As("ann").Plan(ctx, rbac.Role{Name: "One more"})
	require.NoError(t, err)
	require.ErrorIs(t, plan.Refused, rbac.ErrTooManyRoles)
	require.NoError(t, az.As("ann").DeleteRole(ctx, last.ID))
	_, err = az.As("ann").CreateRole(ctx, rbac.Role{Name: "One more"})
	require.NoError(t, err)

	// All of them have the same permissions: one finding each, bounded.
	var findings []rbac.Finding
	require.Less(t, allocated(func() {
		findings, err = az.Lint(ctx)
		require.NoError(t, err)
	}), uint64(64<<20))
	duplicates := 0
	for _, f := range findings {
		if f.Code == rbac.FindingDuplicateRole {
			duplicates++
		}
	}
	require.Equal(t, 101, duplicates)
	require.Contains(t, fmt.Sprint(findings), "There are 899 more findings of this kind.")
}

// What an application passes and the library keeps does not keep what it was
// cut from.
func TestWhatIsKeptIsCopied(t *testing.T) {
	ctx, store := t.Context(), newStore(t)
	az := openOn(t, store)
	assign(t, az.Workspace, rbac.Administrator, "ann")
	const size = 1 << 20
	cut := func(text string) string { return (text + strings.Repeat(" ", size))[:len(text)] }
	before := heapInUse()
	var kept []*rbac.Workspace
	for i := range 50 {
		w := az.For(cut(fmt.Sprint("w", i)))
		kept = append(kept, w)
		require.NoError(t, w.System(cut("sign-up")).Assign(ctx, rbac.Administrator, cut(fmt.Sprint("u", i))))
		role, err := w.As(cut(fmt.Sprint("u", i))).CreateRole(ctx, rbac.Role{
			Name: cut("Name"), Description: cut("Text"), Permissions: rbac.Permissions{rbac.Area(cut("deals")): {Read: rbac.All}},
		})
		require.NoError(t, err)
		role.Name, role.Permissions = cut("Another"), rbac.Permissions{rbac.Area(cut("tasks")): {Read: rbac.All}}
		_, err = w.System(cut("test")).UpdateRole(ctx, role)
		require.NoError(t, err)
		allows(t, w, fmt.Sprint("u", i))
	}
	require.Less(t, heapInUse()-before, int64(10*size))
	runtime.KeepAlive(kept)
}

// Malformed ids in a query are the caller's mistake, with every store.
func TestMalformedQueries(t *testing.T) {
	t.Parallel()
	az := openOn(t, newStore(t))
	for name, q := range map[string]rbac.MemberQuery{
		"users[1]": {Users: []string{"ann", "a\x00"}},
		"users[0]": {Users: []string{"\xff"}},
		"role":     {Role: "\x00"},
		"after":    {After: "\xff"},
	} {
		err := firstError(az.Members(t.Context(), q))
		var invalid *rbac.ValidationError
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, name, invalid.Fields[0].Field)
	}
}

// A page of members is short only at the end, also where rows cannot be read.
func TestPagesAreFull(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	az := openOn(t, store)
	require.NoError(t, store.Update(ctx, "", func(tx rbac.Tx) error {
		var members []rbac.Member
		for i := range 40 {
			m := rbac.Member{User: fmt.Sprintf("u%02d", i), Role: rbac.Administrator}
			if i%4 != 0 && i < 30 {
				m.Role = "" // cannot be read
			}
			members = append(members, m)
		}
		return tx.PutMembers(members...)
	}))
	after, pages, seen := "", []int{}, 0
	for {
		n := 0
		for m, err := range az.Members(ctx, rbac.MemberQuery{After: after, Limit: 5}) {
			require.NoError(t, err)
			require.Greater(t, m.User, after)
			after, n = m.User, n+1
		}
		seen += n
		pages = append(pages, n)
		if n < 5 {
			break
		}
	}
	require.Equal(t, []int{5, 5, 5, 3}, pages)
	require.Equal(t, 18, seen)
}

// Cells that a spreadsheet runs are neutralised in every width.
func TestCSVInEveryWidth(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{"=1", "+1", "-1", "@x", "＝1", "＋1", "－1", "＠x", "\t=1", "\r=1", "\n=1"} {
		var out bytes.Buffer
		require.NoError(t, rbac.Table{{"Name"}, {cell}}.WriteCSV(&out))
		require.True(t, strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(out.String(), "Name\n"), `"`), "'"), "%q", out.String())
	}
}

// Refused changes leave no event. Whoever wants to know of them is told.
func TestRefusalObserver(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var told []string
	az := openOn(t, newStore(t), rbac.WithRefusalObserver(func(_ context.Context, r rbac.Refusal) {
		require.ErrorIs(t, r.Err, r.Rule)
		told = append(told, fmt.Sprintf("%s %q %s %q %v: %v", r.Workspace, r.Actor, r.Method, r.Role, r.Users, r.Rule))
	}))
	w := az.For("acme")
	assign(t, w, rbac.Administrator, "ann")
	viewer := addRole(t, w, "Viewer", nil)
	assign(t, w, viewer.ID, "vic")
	_ = w.As("vic").Assign(ctx, rbac.Administrator, "x", "y")
	_ = w.As("ann").Remove(ctx, "ann")
	_ = w.System("test").Suspend(ctx, "ann")
	_ = w.As("ann").DeleteRole(ctx, viewer.ID)
	_, _ = w.As("ann").CreateRole(ctx, rbac.Role{Name: "viewer"})
	_ = w.As("ann").Suspend(ctx, "")
	_ = w.As("ann").ReplaceRole(ctx, "gone", viewer.ID)
	_ = w.As("ann").Suspend(ctx, "vic") // not refused
	_, err := w.As("ann").Plan(ctx, rbac.Role{Name: "viewer"})
	require.NoError(t, err) // a plan is no attempt
	require.Equal(t, []string{
		`acme "vic" Assign "administrator" [x y]: rbac: denied`,
		`acme "ann" Remove "" [ann]: rbac: nobody changes their own membership`,
		`acme "" Suspend "" [ann]: rbac: the last active administrator must stay`,
		fmt.Sprintf(`acme "ann" DeleteRole %q []: rbac: role is in use`, viewer.ID),
		`acme "ann" CreateRole "" []: rbac: role name is taken`,
		`acme "ann" Suspend "" []: rbac: invalid input`,
		`acme "ann" ReplaceRole "gone" []: rbac: role not found`,
	}, told)
}
