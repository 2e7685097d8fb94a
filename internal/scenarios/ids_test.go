package scenarios_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/workspacetest"
)

// badIDs are ids and texts that the library refuses to write.
var badIDs = map[string]string{
	"empty":               "",
	"a space":             " ",
	"blanks":              " \u3000 ",
	"a tab":               "\t",
	"256 bytes":           strings.Repeat("x", 256),
	"128 letters of two":  strings.Repeat("é", 128),
	"very long":           strings.Repeat("x", 1<<20),
	"not UTF-8":           "a\xffb",
	"half a letter":       "caf\xc3",
	"a surrogate":         "a\xed\xa0\x80",
	"NUL":                 "a\x00b",
	"NUL at the end":      "a\x00",
	"a line feed":         "a\nb",
	"a carriage return":   "a\rb",
	"escape":              "a\x1b[31mb",
	"delete":              "a\x7fb",
	"a C1 control":        "a\u0085b",
	"a line separator":    "a\u2028b",
	"a paragraph's":       "a\u2029b",
	"right-to-left":       "a\u202eb",
	"an embedding's end":  "a\u202cb",
	"an isolate":          "a\u2066b",
	"an isolate's end":    "a\u2069b",
	"control after 😀":     "😀\x01",
	"not UTF-8 after 255": strings.Repeat("x", 254) + "\xff",
}

// Ids that a database might refuse, fold or cut are refused by the library,
// before the store is asked.
func TestScenario27_BadIDsAreRefusedOnWrite(t *testing.T) {
	t.Parallel()
	ctx, inner := t.Context(), rbac.NewMemStore()
	store := fault.New(inner)
	az := openOn(t, store)
	viewer := addRole(t, az.Workspace, "Viewer", nil)
	assign(t, az.Workspace, rbac.Administrator, "ann")
	ann := az.As("ann")
	for name, id := range badIDs {
		t.Run(name, func(t *testing.T) {
			for what, test := range map[string]struct {
				act   func() error
				field string
			}{
				"Assign, user":      {func() error { return ann.Assign(ctx, viewer.ID, "vic", id) }, "users[1]"},
				"Assign, role":      {func() error { return ann.Assign(ctx, rbac.RoleID(id), "vic") }, "role"},
				"Suspend":           {func() error { return ann.Suspend(ctx, id) }, "users[0]"},
				"Reinstate":         {func() error { return ann.Reinstate(ctx, "ann", "ann", id) }, "users[2]"},
				"Remove":            {func() error { return ann.Remove(ctx, id) }, "users[0]"},
				"DeleteRole":        {func() error { return ann.DeleteRole(ctx, rbac.RoleID(id)) }, "id"},
				"ReplaceRole, old":  {func() error { return ann.ReplaceRole(ctx, rbac.RoleID(id), viewer.ID) }, "old"},
				"ReplaceRole, with": {func() error { return ann.ReplaceRole(ctx, viewer.ID, rbac.RoleID(id)) }, "with"},
				"UpdateRole": {func() error {
					_, err := ann.UpdateRole(ctx, rbac.Role{ID: rbac.RoleID(id), Name: "New", Permissions: rbac.Permissions{}})
					return err
				}, "id"},
			} {
				store.ResetCalls()
				unchanged(t, inner, "", func() {
					err := test.act()
					require.ErrorIs(t, err, rbac.ErrInvalid, what)
					var v *rbac.ValidationError
					require.ErrorAs(t, err, &v)
					require.Len(t, v.Fields, 1, what)
					require.Equal(t, test.field, v.Fields[0].Field, what)
					require.Less(t, len(err.Error()), 500, "what is wrong is not repeated at length")
				})
				require.Zero(t, store.Total(), what)
			}

			// Whoever has such an id is nobody, and is not asked for in a store.
			store.ResetCalls()
			require.ErrorIs(t, az.As(id).Assign(ctx, viewer.ID, "vic"), rbac.ErrDenied)
			require.False(t, az.Can(ctx, id, rbac.Deals, rbac.Read))
			require.False(t, az.CanRecord(ctx, id, rbac.Deals, rbac.Read, id))
			require.ErrorIs(t, az.Authorize(ctx, id, rbac.Deals, rbac.Read), rbac.ErrDenied)
		})
	}
	checkInvariants(t, inner, "")
}

// A workspace with such an id is empty, and cannot be written. Only the empty
// id is the default workspace.
func TestScenario27_BadWorkspaceIDs(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), fault.New(rbac.NewMemStore())
	az := openOn(t, store)
	for name, id := range badIDs {
		if strings.TrimSpace(id) == "" && !strings.ContainsRune(id, '\t') {
			continue // blanks are not forbidden in the id of a workspace
		}
		t.Run(name, func(t *testing.T) {
			w := az.For(id)
			store.ResetCalls()
			require.Equal(t, id, w.ID())
			require.False(t, w.Can(ctx, "ann", rbac.Deals, rbac.Read))
			require.ErrorIs(t, w.Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrDenied)
			for what, err := range map[string]error{
				"Assign":       w.System("test").Assign(ctx, rbac.Administrator, "ann"),
				"Sync":         w.Sync(ctx),
				"Members":      workspacetest.FirstError(w.Members(ctx, rbac.MemberQuery{})),
				"VerifyEvents": w.VerifyEvents(ctx),
				"Roles":        func() error { _, err := w.Roles(ctx); return err }(),
				"Preview":      func() error { _, err := planOf(ctx, w.System("test"), rbac.Role{Name: "New"}); return err }(),
			} {
				require.ErrorIs(t, err, rbac.ErrInvalid, what)
				var v *rbac.ValidationError
				require.ErrorAs(t, err, &v)
				require.Equal(t, "workspace", v.Fields[0].Field, what)
			}
			require.Zero(t, store.Total())
		})
	}
}

// An empty user never equals an empty owner.
func TestScenario27_EmptyUserOwnsNothing(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	az := openOn(t, store)
	own := addRole(t, az.Workspace, "Own", rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.Own)})
	assign(t, az.Workspace, own.ID, "vic")
	update(t, store, "", func(tx rbac.Tx) error { // somebody wrote it by hand
		return tx.PutMembers(rbac.Member{User: "", Role: own.ID})
	})
	az = openOn(t, store)
	for _, test := range []struct {
		user   string
		owners []string
		want   bool
	}{
		{"vic", []string{"vic"}, true},
		{"vic", []string{"", "ann", "vic"}, true},
		{"vic", []string{""}, false},
		{"vic", []string{"Vic"}, false},
		{"vic", []string{"vic "}, false},
		{"vic", nil, false},
		{"", []string{""}, false},
		{"", []string{"", "vic"}, false},
		{"", nil, false},
	} {
		require.Equal(t, test.want, az.CanRecord(ctx, test.user, rbac.Deals, rbac.Read, test.owners...), "%q %q", test.user, test.owners)
		s, err := az.Subject(ctx, test.user)
		require.NoError(t, err)
		require.Equal(t, test.want, s.CanRecord(rbac.Deals, rbac.Read, test.owners...), "%q %q", test.user, test.owners)
	}
	require.False(t, rbac.Subject{}.CanRecord(rbac.Deals, rbac.Read, ""))
}

// A role or user id used again after deletion inherits nothing.
func TestScenario30_NothingIsInherited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store := t.Context(), rbac.NewMemStore()
		az := openOn(t, store)
		system := az.System("test")
		all := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.All)}
		strong, weak := addRole(t, az.Workspace, "Strong", all), addRole(t, az.Workspace, "Weak", nil)

		assign(t, az.Workspace, strong.ID, "vic")
		require.NoError(t, system.Suspend(ctx, "vic"))
		require.NoError(t, system.Remove(ctx, "vic"))
		assign(t, az.Workspace, weak.ID, "vic")
		d, err := az.Explain(ctx, "vic", rbac.Deals, rbac.Read)
		require.NoError(t, err)
		require.Equal(t, rbac.ReasonNotGranted, d.Reason, "neither the role nor the suspension")
		assign(t, az.Workspace, strong.ID, "vic")
		require.True(t, az.Can(ctx, "vic", rbac.Deals, rbac.Read))

		require.NoError(t, system.ReplaceRole(ctx, strong.ID, weak.ID))
		seen := map[rbac.RoleID]bool{strong.ID: true, weak.ID: true}
		for range 20 {
			require.NoError(t, system.DeleteRole(ctx, strong.ID))
			strong, err = system.CreateRole(ctx, rbac.Role{Name: "Strong"})
			require.NoError(t, err)
			require.False(t, seen[strong.ID], "an id is never used again")
			require.EqualValues(t, 1, strong.Version)
			require.Empty(t, strong.Permissions)
			seen[strong.ID] = true
		}
		checkInvariants(t, store, "")

		// A role that is written by hand under the id of a deleted one, with
		// members who were left behind by hand, is what it says and no more.
		gone := &rbac.Role{ID: "hand", Name: "Hand", Version: 1, Permissions: all}
		less := &rbac.Role{ID: "hand", Name: "Hand", Version: 1, Permissions: rbac.Permissions{rbac.Tasks: access(rbac.All, rbac.None)}}
		now := time.Now().UTC()
		for i, e := range []rbac.Event{
			{Kind: rbac.RoleCreated, RoleAfter: gone},
			{Kind: rbac.MemberAssigned, MemberAfter: &rbac.Member{User: "left", Role: "hand"}},
			{Kind: rbac.RoleDeleted, RoleBefore: gone},
			{Kind: rbac.RoleCreated, RoleAfter: less},
		} {
			e.Time, e.Reason = now, "by hand"
			forge(t, store, "", e)
			synctest.Wait()
			for _, w := range []*rbac.Workspace{az.Workspace, openOn(t, store).Workspace} {
				require.Equal(t, i == 1, w.Can(ctx, "left", rbac.Deals, rbac.Manage), "step %d", i)
				require.Equal(t, i == 3, w.Can(ctx, "left", rbac.Tasks, rbac.Read), "step %d", i)
			}
		}
	})
}
