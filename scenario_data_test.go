package rbac_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// An unknown area or action: denied, with the reason, to everybody.
func TestScenario25_UnknownAreaOrAction(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	az := openOn(t, newStore(t))
	own := addRole(t, az.Workspace, "Own", rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.Own)})
	assign(t, az.Workspace, rbac.Administrator, "ann", "sue")
	assign(t, az.Workspace, own.ID, "vic")
	require.NoError(t, az.System("test").Suspend(ctx, "sue"))
	for _, test := range []struct {
		name   string
		area   rbac.Area
		action rbac.Action
		reason rbac.Reason
	}{
		{"known", rbac.Deals, rbac.Manage, rbac.ReasonGranted},
		{"no area", "", rbac.Manage, rbac.ReasonUnknownArea},
		{"an area of another program", "billing", rbac.Read, rbac.ReasonUnknownArea},
		{"in upper case", "Deals", rbac.Read, rbac.ReasonUnknownArea},
		{"with a blank", "deals ", rbac.Read, rbac.ReasonUnknownArea},
		{"with NUL", "deals\x00", rbac.Read, rbac.ReasonUnknownArea},
		{"not UTF-8", "\xff\xfe", rbac.Read, rbac.ReasonUnknownArea},
		{"a very long one", rbac.Area(strings.Repeat("deals", 100_000)), rbac.Read, rbac.ReasonUnknownArea},
		{"no action", rbac.Deals, 0, rbac.ReasonInvalidAction},
		{"an action after the last", rbac.Deals, 3, rbac.ReasonInvalidAction},
		{"the last number", rbac.Deals, 255, rbac.ReasonInvalidAction},
		{"of the last area", rbac.Audit, 3, rbac.ReasonInvalidAction},
		{"of the first area", rbac.Contacts, 0, rbac.ReasonInvalidAction},
		{"neither", "billing", 77, rbac.ReasonUnknownArea},
	} {
		for _, user := range []string{"ann", "vic", "sue", "nobody", ""} {
			d, err := az.Explain(ctx, user, test.area, test.action)
			require.NoError(t, err)
			s, err := az.Subject(ctx, user)
			require.NoError(t, err)
			require.Equal(t, d, s.Explain(test.area, test.action))
			allowed := test.reason == rbac.ReasonGranted && user == "ann"
			require.Equal(t, allowed, d.Allowed, "%s: %s", test.name, user)
			if test.reason != rbac.ReasonGranted || user == "ann" {
				require.Equal(t, test.reason, d.Reason, "%s: %s", test.name, user)
			}
			require.Equal(t, allowed, az.Can(ctx, user, test.area, test.action), "%s: %s", test.name, user)
			require.Equal(t, allowed, s.Can(test.area, test.action), "%s: %s", test.name, user)
			record := allowed || test.reason == rbac.ReasonGranted && user == "vic"
			require.Equal(t, record, az.CanRecord(ctx, user, test.area, test.action, user), "%s: %s", test.name, user)
			require.Equal(t, record, s.CanRecord(test.area, test.action, user), "%s: %s", test.name, user)
			err = az.Authorize(ctx, user, test.area, test.action)
			require.Equal(t, !allowed, errors.Is(err, rbac.ErrDenied), "%s: %s", test.name, user)
			if test.reason != rbac.ReasonGranted {
				scope, err := az.Scope(ctx, user, test.area, test.action)
				require.NoError(t, err)
				require.Equal(t, rbac.None, scope)
				require.Equal(t, rbac.None, s.Limit(rbac.Permissions{test.area: access(rbac.All, rbac.All)}).Scope(test.area, test.action))
				require.Equal(t, rbac.ErrInvalid, errors.Unwrap(firstError(az.WhoCan(ctx, test.area, test.action))))
			}
		}
	}
}

// malformedRows are rows that no program of this library writes.
func malformedRows() (roles []rbac.Role, members []rbac.Member) {
	p := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.All)}
	roles = []rbac.Role{
		{ID: "nine", Name: "Nine", Permissions: rbac.Permissions{rbac.Users: access(9, 9), rbac.Deals: access(rbac.All, rbac.All)}},
		{ID: "three", Name: "Three", Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, 3)}},
		{ID: "unnamed", Permissions: p},
		{ID: "blank", Name: " \t ", Permissions: p},
		{ID: "longname", Name: strings.Repeat("x", 81), Permissions: p},
		{ID: "control", Name: "a\x1b[2Jb", Permissions: p},
		{ID: rbac.RoleID(strings.Repeat("r", 256)), Name: "Long", Permissions: p},
		{ID: "nul\x00", Name: "NUL", Permissions: p},
		{ID: " ", Name: "Blank id", Permissions: p},
		{ID: "odd", Name: "Odd area", Permissions: rbac.Permissions{"\xff": access(200, 0), rbac.Deals: access(rbac.All, rbac.All)}},
	}
	members = []rbac.Member{
		{User: "norole"},
		{User: "blankrole", Role: "  "},
		{User: "longrole", Role: rbac.RoleID(strings.Repeat("r", 256))},
		{User: strings.Repeat("u", 256), Role: rbac.Administrator},
		{User: "nul\x00", Role: rbac.Administrator},
		{User: "\xff", Role: rbac.Administrator},
		{User: " ", Role: rbac.Administrator},
		{User: "", Role: rbac.Administrator},
		{User: "held-nine", Role: "nine"},
		{User: "held-three", Role: "three"},
		{User: "held-unnamed", Role: "unnamed"},
		{User: "held-control", Role: "control"},
		{User: "held-odd", Role: "odd"},
	}
	return roles, members
}

// grantsNothing checks that users are denied everything.
func grantsNothing(t *testing.T, w *rbac.Workspace, users ...string) {
	t.Helper()
	for _, user := range users {
		s, err := w.Subject(t.Context(), user)
		require.NoError(t, err)
		require.Empty(t, s.Permissions(), "%q", user)
		for _, info := range rbac.DefaultAreas() {
			for _, action := range []rbac.Action{rbac.Read, rbac.Manage} {
				require.False(t, w.Can(t.Context(), user, info.Area, action), "%q", user)
				require.False(t, w.CanRecord(t.Context(), user, info.Area, action, user), "%q", user)
			}
		}
		require.ErrorIs(t, w.As(user).Assign(t.Context(), rbac.Administrator, "new"), rbac.ErrDenied, "%q", user)
	}
}

// A malformed row grants nothing and is reported to the log and by Lint; the
// rest of the workspace serves, checks and changes and reviews alike.
func TestScenario26_MalformedRows(t *testing.T) {
	t.Parallel()
	ctx, store, log := t.Context(), newStore(t), &record{}
	app := openOn(t, store)
	viewer := addRole(t, app.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
	assign(t, app.Workspace, rbac.Administrator, "ann", "bob")
	assign(t, app.Workspace, viewer.ID, "vic")
	roles, members := malformedRows()
	update(t, store, "", func(tx rbac.Tx) error {
		for _, role := range roles {
			if err := tx.PutRole(role); err != nil {
				return err
			}
		}
		return tx.PutMembers(members...)
	})

	az := openOn(t, store, log.option())
	allows(t, az.Workspace, "ann")
	require.True(t, az.Can(ctx, "vic", rbac.Deals, rbac.Read))
	for _, role := range roles {
		shown := role.ID[:min(len(role.ID), 100)]
		require.Len(t, log.containing("ERROR", "malformed and grants nothing", fmt.Sprintf("role %q", shown)), 1, "%q", role.ID)
	}
	for _, member := range members {
		grantsNothing(t, az.Workspace, member.User)
	}
	for i, member := range members[:8] {
		require.NotEmpty(t, log.containing("ERROR", "malformed and grants nothing", ": member "), "%d: %q", i, member.User)
	}
	require.Len(t, log.containing("ERROR", "malformed and grants nothing", ": member "), 8)

	findings, err := az.Lint(ctx)
	require.NoError(t, err)
	malformed := 0
	for _, f := range findings {
		if f.Code == rbac.FindingMalformedRow {
			require.Equal(t, rbac.Danger, f.Severity)
			malformed++
		}
	}
	require.Equal(t, len(roles)+8, malformed)

	listed, err := az.Roles(ctx)
	require.NoError(t, err)
	require.Len(t, listed, 2, "Administrator and Viewer")
	var who []string
	for m, err := range az.Members(ctx, rbac.MemberQuery{}) {
		require.NoError(t, err)
		who = append(who, m.User)
	}
	require.Equal(t, []string{"ann", "bob", "held-control", "held-nine", "held-odd", "held-three", "held-unnamed", "vic"}, who)
	for h, err := range az.WhoCan(ctx, rbac.Deals, rbac.Manage) {
		require.NoError(t, err)
		require.Contains(t, []string{"ann", "bob"}, h.Member.User)
	}
	require.NoError(t, az.VerifyEvents(ctx))

	// Administration goes on, and malformed administrators do not count.
	require.NoError(t, az.As("ann").Remove(ctx, "bob"))
	require.ErrorIs(t, az.System("test").Remove(ctx, "ann"), rbac.ErrLastAdministrator)
	require.NoError(t, az.As("ann").Assign(ctx, viewer.ID, "held-nine", "new"))
	require.True(t, az.Can(ctx, "held-nine", rbac.Deals, rbac.Read))
	require.False(t, az.Can(ctx, "held-nine", rbac.Users, rbac.Manage))
	_, err = az.As("ann").CreateRole(ctx, rbac.Role{Name: "Nine"})
	require.NoError(t, err, "the name of a role that cannot be read is free")
}

// Rows that the store itself cannot read come as *MalformedError.
func TestScenario26_RowsThatTheStoreCannotRead(t *testing.T) {
	t.Parallel()
	ctx, inner, log := t.Context(), newStore(t), &record{}
	app := openOn(t, inner)
	viewing := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}
	good, bad := addRole(t, app.Workspace, "Good", viewing), addRole(t, app.Workspace, "Bad", viewing)
	assign(t, app.Workspace, rbac.Administrator, "ann", "eve")
	assign(t, app.Workspace, good.ID, "vic")
	assign(t, app.Workspace, bad.ID, "bob")
	unreadable := errors.New("unexpected end of JSON input")
	badRole := func(role rbac.Role) (rbac.Role, error) {
		if role.ID != bad.ID {
			return role, nil
		}
		return rbac.Role{ID: bad.ID}, &rbac.MalformedError{Kind: "role", ID: string(bad.ID), Err: unreadable}
	}
	badMember := func(m rbac.Member) (rbac.Member, error) {
		if m.User != "eve" {
			return m, nil
		}
		return rbac.Member{User: "eve"}, &rbac.MalformedError{Kind: "member", ID: "eve", Err: unreadable}
	}
	store := newFaultStore(inner)
	store.setRows(&rowFaults{
		role: badRole, member: badMember,
		roles: func(rows rowSeq[rbac.Role]) rowSeq[rbac.Role] { return mapped(rows, badRole) },
		members: func(rows rowSeq[rbac.Member]) rowSeq[rbac.Member] {
			return mapped(rows, badMember)
		},
	})
	az := openOn(t, store, log.option())
	allows(t, az.Workspace, "ann")
	require.True(t, az.Can(ctx, "vic", rbac.Deals, rbac.Read))
	grantsNothing(t, az.Workspace, "bob", "eve")
	require.Len(t, log.containing("ERROR", "malformed and grants nothing", ": role ", unreadable.Error()), 1)
	require.Len(t, log.containing("ERROR", "malformed and grants nothing", `member "eve"`, unreadable.Error()), 1)
	d, err := az.Explain(ctx, "bob", rbac.Deals, rbac.Read)
	require.NoError(t, err)
	require.Equal(t, rbac.ReasonRoleGone, d.Reason)
	d, err = az.Explain(ctx, "eve", rbac.Deals, rbac.Read)
	require.NoError(t, err)
	require.Equal(t, rbac.ReasonNotMember, d.Reason)
	findings, err := az.Lint(ctx)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(findings, func(f rbac.Finding) bool {
		return f.Code == rbac.FindingMalformedRow && f.Role == bad.ID
	}))
	require.True(t, slices.ContainsFunc(findings, func(f rbac.Finding) bool {
		return f.Code == rbac.FindingMalformedRow && strings.Contains(f.Message, `"eve"`)
	}))
	// Whoever asks for the row itself learns that it cannot be read.
	_, err = az.As("ann").UpdateRole(ctx, bad)
	require.ErrorIs(t, err, rbac.ErrMalformed)
	var malformed *rbac.MalformedError
	require.ErrorAs(t, err, &malformed)
	require.Equal(t, &rbac.MalformedError{Kind: "role", ID: string(bad.ID), Err: unreadable}, malformed)
	require.NotErrorIs(t, err, rbac.ErrInvalid)
	require.ErrorIs(t, az.As("ann").Suspend(ctx, "eve"), rbac.ErrMalformed)
	require.ErrorIs(t, az.System("test").Remove(ctx, "ann"), rbac.ErrLastAdministrator)
	require.ErrorIs(t, az.As("ann").DeleteRole(ctx, bad.ID), rbac.ErrMalformed)
}

func mapped[V any](rows rowSeq[V], fn func(V) (V, error)) rowSeq[V] {
	return func(yield func(V, error) bool) {
		for v, err := range rows {
			if err == nil {
				v, err = fn(v)
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// Malformed rows that come as events, while following, grant nothing either,
// and take away what was there before.
func TestScenario26_MalformedEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store, log := t.Context(), newStore(t), &record{}
		az := openOn(t, store, log.option())
		viewer := addRole(t, az.Workspace, "Viewer", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
		assign(t, az.Workspace, rbac.Administrator, "ann")
		assign(t, az.Workspace, viewer.ID, "vic", "sam")
		require.True(t, az.Can(ctx, "vic", rbac.Deals, rbac.Read))
		unnamed, now := viewer, time.Now().UTC()
		unnamed.Name = ""
		forge(t, store, "",
			rbac.Event{Time: now, Kind: rbac.RoleUpdated, Actor: "ann", RoleBefore: &viewer, RoleAfter: &unnamed},
			rbac.Event{Time: now, Kind: rbac.MemberAssigned, Actor: "ann", MemberAfter: &rbac.Member{User: "blank", Role: " "}},
			rbac.Event{Time: now, Kind: rbac.MemberAssigned, Actor: "ann", MemberAfter: &rbac.Member{User: "", Role: rbac.Administrator}},
			rbac.Event{Time: now, Kind: rbac.MemberAssigned, Actor: "ann", MemberAfter: &rbac.Member{User: "lost", Role: "never was"}},
			rbac.Event{Time: now, Kind: rbac.RoleDeleted, Actor: "ann", RoleBefore: &rbac.Role{ID: "never was", Name: "Never was"}},
		)
		synctest.Wait()
		for _, row := range []string{string(viewer.ID), `"blank"`, `member ""`} {
			require.Len(t, log.containing("ERROR", "malformed and grants nothing", row), 1, "%s: %q", row, log.lines)
		}
		for _, w := range []*rbac.Workspace{az.Workspace, openOn(t, store).Workspace} { // followed, and loaded
			allows(t, w, "ann")
			d, err := w.Explain(ctx, "lost", rbac.Deals, rbac.Read)
			require.NoError(t, err)
			require.EqualValues(t, 9, d.Revision)
			require.Equal(t, rbac.ReasonRoleGone, d.Reason)
			grantsNothing(t, w, "vic", "sam", "blank", "", "lost")
		}
		require.NoError(t, az.VerifyEvents(ctx))
	})
}

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
	ctx, inner := t.Context(), newStore(t)
	store := newFaultStore(inner)
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
					_, err := ann.UpdateRole(ctx, rbac.Role{ID: rbac.RoleID(id), Name: "New"})
					return err
				}, "id"},
			} {
				store.reset()
				unchanged(t, inner, "", func() {
					err := test.act()
					require.ErrorIs(t, err, rbac.ErrInvalid, what)
					var v *rbac.ValidationError
					require.ErrorAs(t, err, &v)
					require.Len(t, v.Fields, 1, what)
					require.Equal(t, test.field, v.Fields[0].Field, what)
					require.Less(t, len(err.Error()), 500, "what is wrong is not repeated at length")
				})
				require.Zero(t, store.total(), what)
			}

			// Whoever has such an id is nobody, and is not asked for in a store.
			store.reset()
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
	ctx, store := t.Context(), newFaultStore(newStore(t))
	az := openOn(t, store)
	for name, id := range badIDs {
		if strings.TrimSpace(id) == "" && !strings.ContainsRune(id, '\t') {
			continue // blanks are not forbidden in the id of a workspace
		}
		t.Run(name, func(t *testing.T) {
			w := az.For(id)
			store.reset()
			require.Equal(t, id, w.ID())
			require.False(t, w.Can(ctx, "ann", rbac.Deals, rbac.Read))
			require.ErrorIs(t, w.Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrDenied)
			for what, err := range map[string]error{
				"Assign":       w.System("test").Assign(ctx, rbac.Administrator, "ann"),
				"Sync":         w.Sync(ctx),
				"Members":      firstError(w.Members(ctx, rbac.MemberQuery{})),
				"VerifyEvents": w.VerifyEvents(ctx),
				"Roles":        func() error { _, err := w.Roles(ctx); return err }(),
				"Plan":         func() error { _, err := w.System("test").Plan(ctx, rbac.Role{Name: "New"}); return err }(),
			} {
				require.ErrorIs(t, err, rbac.ErrInvalid, what)
				var v *rbac.ValidationError
				require.ErrorAs(t, err, &v)
				require.Equal(t, "workspace", v.Fields[0].Field, what)
			}
			require.Zero(t, store.total())
		})
	}
}

// The longest ids and texts that are allowed, and what comes just short of
// being refused.
func TestScenario27_GoodIDs(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	az := openOn(t, store)
	for _, workspace := range []string{"", " ", strings.Repeat("w", 255), strings.Repeat("é", 127)} {
		w := az.For(workspace)
		role, err := w.System(strings.Repeat("ü", 500)).CreateRole(ctx, rbac.Role{
			Name: strings.Repeat("Ü", 80), Description: strings.Repeat("é", 500),
		})
		require.NoError(t, err)
		for _, user := range []string{
			strings.Repeat("u", 255), strings.Repeat("🦊", 63) + "abc", "\ufffd", "a b", " a", "a ", "\u200b", "\ufeff", "\u00a0x",
		} {
			require.NoError(t, w.System("test").Assign(ctx, role.ID, user), "%q", user)
			s, err := w.Subject(ctx, user)
			require.NoError(t, err)
			require.Equal(t, role.ID, s.Role(), "%q", user)
		}
		checkInvariants(t, store, workspace)
	}
}

// An empty user never equals an empty owner.
func TestScenario27_EmptyUserOwnsNothing(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
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

// alike are ids that are not the same.
var alike = []string{
	"bob", "Bob", "BOB", "bob ", " bob", "b\u200bob", "bоb", // the last has a Cyrillic o
	"caf\u00e9", "cafe\u0301", "CAFE\u0301", "Straße", "STRASSE", "strasse", "ﬁ", "fi", "i", "I", "İ", "ı",
	"0", "00", "0.0", "1e0", "1", "null", "NULL", "nil", "true",
}

// Ids are compared byte for byte: Bob is not bob, in members, workspaces,
// owners and actors.
func TestScenario28_IDsAreComparedByteForByte(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	az := openOn(t, store)
	own := addRole(t, az.Workspace, "Own", rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.None)})
	for _, member := range alike {
		assign(t, az.Workspace, own.ID, member)
		for _, other := range alike {
			d, err := az.Explain(ctx, other, rbac.Deals, rbac.Read)
			require.NoError(t, err)
			require.Equal(t, member == other, d.Reason == rbac.ReasonOwnOnly, "%q is %q", member, other)
			require.Equal(t, member == other, az.CanRecord(ctx, member, rbac.Deals, rbac.Read, other), "%q owns what is %q's", member, other)
		}
		require.NoError(t, az.System("test").Remove(ctx, member))
	}
	// All of them together, with different fates.
	assign(t, az.Workspace, own.ID, alike...)
	for i, user := range alike {
		if i%2 == 0 {
			require.NoError(t, az.System("test").Suspend(ctx, user))
		}
	}
	for i, user := range alike {
		require.Equal(t, i%2 != 0, az.CanRecord(ctx, user, rbac.Deals, rbac.Read, user), "%q", user)
	}
	for i, id := range alike {
		assign(t, az.For(id), rbac.Administrator, fmt.Sprint("ann", i))
	}
	for i, id := range alike {
		for j := range alike {
			require.Equal(t, i == j, az.For(id).Can(ctx, fmt.Sprint("ann", j), rbac.Deals, rbac.Read), "%q", id)
		}
	}
	require.ErrorIs(t, az.As("Ann").Assign(ctx, own.ID, "x"), rbac.ErrDenied)
	checkInvariants(t, store, "")
}

// Role names that differ only in case, blanks or Unicode form are the same.
func TestScenario29_RoleNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		why, one, other string
		same            bool
	}{
		{"equal", "Sales", "Sales", true},
		{"another word", "Sales", "Sale", false},
		{"case", "Sales Lead", "sALES lEAD", true},
		{"blanks around", "Sales", "  Sales\u3000", true},
		{"blanks within", "Sales lead", "Sales \u00a0  lead", true},
		{"no blank within", "Sales lead", "Saleslead", false},
		{"composed and decomposed", "Caf\u00e9", "cafe\u0301", true},
		{"an accent", "Café", "Cafe", false},
		{"sharp s", "Straße", "STRASSE", true},
		{"full width", "Ｓａｌｅｓ", "sales", true},
		{"ligature", "Oﬃce", "office", true},
		{"invisible", "Sa\u200bles\u00ad", "Sales", true},
		{"another script", "Sales", "Ѕales", false},
		{"Greek final sigma", "ΣΊΣΥΦΟΣ", "σίσυφος", true},
		{"Hangul", "\ud55c", "\u1112\u1161\u11ab", true},
	} {
		t.Run(test.why, func(t *testing.T) {
			t.Parallel()
			ctx, store := t.Context(), newStore(t)
			az := openOn(t, store)
			one := addRole(t, az.Workspace, test.one, nil)
			require.Equal(t, strings.TrimSpace(test.one), one.Name, "a name is shown as it was given")
			third := addRole(t, az.Workspace, "Third", nil)
			_, createErr := az.System("test").CreateRole(ctx, rbac.Role{Name: test.other})
			third.Name = test.other
			if test.same {
				want := &rbac.RefusalError{Rule: rbac.ErrNameTaken, Role: one.ID, RoleName: one.Name}
				var refused *rbac.RefusalError
				require.ErrorAs(t, createErr, &refused)
				require.Equal(t, want, refused)
				_, err := az.System("test").UpdateRole(ctx, third)
				require.ErrorAs(t, err, &refused)
				require.Equal(t, want, refused)
				one.Name = test.other
				_, err = az.System("test").UpdateRole(ctx, one)
				require.NoError(t, err, "a role may be respelt")
			} else {
				require.NoError(t, createErr)
			}
			_, err := az.For("another").System("test").CreateRole(ctx, rbac.Role{Name: test.other})
			require.NoError(t, err, "names are unique in one workspace")
			checkInvariants(t, store, "")
		})
	}
	for _, name := range []string{"Administrator", " ADMINISTRATOR ", "ａdministrator", "Admin\u00adistrator", "administrator"} {
		t.Run(fmt.Sprintf("shadowing %q", name), func(t *testing.T) {
			t.Parallel()
			az := openOn(t, newStore(t))
			_, err := az.System("test").CreateRole(t.Context(), rbac.Role{Name: name})
			require.ErrorIs(t, err, rbac.ErrProtectedRole)
			role := addRole(t, az.Workspace, "Other", nil)
			role.Name = name
			_, err = az.System("test").UpdateRole(t.Context(), role)
			require.ErrorIs(t, err, rbac.ErrProtectedRole)
		})
	}
}

// A role or user id used again after deletion inherits nothing.
func TestScenario30_NothingIsInherited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store := t.Context(), newStore(t)
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

// hostile are texts that mean something to SQL, HTML, CSV, logs, shells,
// patterns and paths. All are valid ids, names and descriptions.
var hostile = []string{
	`'; DROP TABLE rbac_members; --`, `" OR ""="`, `\'; --`, "`id`", `$(id)`, `${jndi:ldap://x}`, `%s%n%d`, `%00`, `\x00`, `\u0000`,
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `&lt;b&gt;`, `</title>`, `{{.}}`, `<!--`, `]]>`,
	`=1+1`, `=cmd|' /C calc'!A0`, `+1`, `-1`, `@SUM(A1)`, `a,b;c`, `"quoted"`, `a""b`,
	`level=ERROR msg="forged"`, `\n`, `\r\n`, `\\`, `/`, `../../etc/passwd`, `C:\x`, `%2e%2e`, `*`, `?`, `_`, `%`, `[a-z]`, `^$`,
	`null`, `undefined`, `NaN`, `true`, `0`, `{}`, `[]`, `{"a":1}`, `a=b&c=d`, `a#b`, `a:b`, `~`, `|`, `😀‍🚀`, `العربية`, `e̋`, "\ufffd",
}

// Metacharacters in every id, name and description are stored and shown as
// data: they come back as they were, and give nobody anything else.
func TestScenario31_Metacharacters(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	az := openOn(t, store)
	for i, s := range hostile {
		w := az.For(s)
		role, err := w.System(s).CreateRole(ctx, rbac.Role{
			Name: s, Description: s, Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)},
		})
		require.NoError(t, err, "%q", s)
		require.Equal(t, s, role.Name)
		require.Equal(t, s, role.Description)
		require.NoError(t, w.System(s).Assign(ctx, rbac.Administrator, s))
		require.NoError(t, w.As(s).Assign(ctx, role.ID, "vic"))

		for _, w := range []*rbac.Workspace{w, openOn(t, store).For(s)} { // followed, and loaded
			roles, err := w.Roles(ctx)
			require.NoError(t, err)
			require.Len(t, roles, 2)
			require.Equal(t, s, roles[1].Name)
			require.Equal(t, s, roles[1].Description)
			d, err := w.Explain(ctx, "vic", rbac.Deals, rbac.Read)
			require.NoError(t, err)
			require.True(t, d.Allowed)
			require.Equal(t, s, d.RoleName)
			require.Equal(t, s, d.Workspace)
			require.Contains(t, d.String(), fmt.Sprintf("%q", s))
			for j, other := range hostile {
				require.Equal(t, i == j, w.Can(ctx, other, rbac.Users, rbac.Manage), "%q in %q", other, s)
			}
			events := eventsOf(t, w, rbac.EventQuery{})
			require.Equal(t, s, events[0].Reason)
			require.Equal(t, s, events[1].MemberAfter.User)
			require.Equal(t, s, events[2].Actor)
			require.NoError(t, w.VerifyEvents(ctx))
			for _, e := range events {
				form, err := json.Marshal(e)
				require.NoError(t, err)
				var back rbac.Event
				require.NoError(t, json.Unmarshal(form, &back))
				require.Equal(t, text(e), text(back))
			}
			m, err := w.Matrix(ctx)
			require.NoError(t, err)
			var out bytes.Buffer
			require.NoError(t, m.WriteCSV(&out))
			rows, err := csv.NewReader(&out).ReadAll()
			require.NoError(t, err)
			require.Len(t, rows, 3)
			require.Contains(t, []string{s, "'" + s}, rows[2][0])
			require.NoError(t, m.WriteMarkdown(&out))
			require.Equal(t, 4, strings.Count(out.String(), "\n"), "%q stays in its line", s)
		}
		require.NoError(t, w.As(s).Remove(ctx, "vic"))
		checkInvariants(t, store, s)
	}
	// And all of them in one workspace.
	w := az.For("all")
	assign(t, w, rbac.Administrator, hostile...)
	for _, s := range hostile {
		allows(t, w, s)
	}
	require.NoError(t, w.System("test").Remove(ctx, hostile[1:]...))
	for i, s := range hostile {
		require.Equal(t, i == 0, w.Can(ctx, s, rbac.Users, rbac.Manage), "%q", s)
	}
	checkInvariants(t, store, "all")
}

// randomChange makes one change of a workspace, which is often refused. It
// returns what became of it, in words that do not depend on random ids.
func randomChange(ctx context.Context, random *rand.Rand, w *rbac.Workspace) string {
	users := []string{"ann", "bob", "cy", "dan", "Ann", "o'neil", "<b>"}
	names := []string{"Sales", "SALES ", "Café", "Cafe\u0301", "Lead", "Administrator", "=1", ""}
	user := func() string { return users[random.IntN(len(users))] }
	roles, err := w.Roles(ctx)
	if err != nil {
		return "Roles: " + err.Error()
	}
	role := roles[random.IntN(len(roles))]
	permissions := rbac.Permissions{}
	for _, area := range []rbac.Area{rbac.Contacts, rbac.Deals, rbac.Users, rbac.Audit} {
		if random.IntN(2) == 0 {
			permissions[area] = access(rbac.Scope(random.IntN(3)), rbac.Scope(random.IntN(3)))
		}
	}
	admin := w.System("random")
	if random.IntN(2) == 0 {
		admin = w.As(user())
	}
	what := random.IntN(8)
	switch what {
	case 0:
		_, err = admin.CreateRole(ctx, rbac.Role{Name: names[random.IntN(len(names))], Permissions: permissions})
	case 1:
		role.Permissions, role.Name = permissions, names[random.IntN(len(names))]
		role.Version -= int64(random.IntN(5) / 4)
		_, err = admin.UpdateRole(ctx, role)
	case 2:
		err = admin.DeleteRole(ctx, role.ID)
	case 3, 4:
		err = admin.Assign(ctx, role.ID, user(), user())
	case 5:
		err = admin.Suspend(ctx, user())
	case 6:
		err = admin.Reinstate(ctx, user(), user())
	case 7:
		err = admin.Remove(ctx, user())
	}
	rule := "done"
	for _, known := range []error{
		rbac.ErrInvalid, rbac.ErrDenied, rbac.ErrRoleNotFound, rbac.ErrMemberNotFound, rbac.ErrProtectedRole, rbac.ErrSelf,
		rbac.ErrConflict, rbac.ErrEscalation, rbac.ErrNameTaken, rbac.ErrRoleInUse, rbac.ErrLastAdministrator,
	} {
		if errors.Is(err, known) {
			rule = known.Error()
			err = nil
		}
	}
	if err != nil {
		rule = err.Error()
	}
	return fmt.Sprintf("%d: %s", what, rule)
}

// answersOf returns every answer of a workspace, in words that do not depend
// on random ids.
func answersOf(t *testing.T, w *rbac.Workspace) []string {
	t.Helper()
	var answers []string
	for _, user := range []string{"ann", "bob", "cy", "dan", "Ann", "o'neil", "<b>", "nobody"} {
		for _, info := range rbac.DefaultAreas() {
			for _, action := range []rbac.Action{rbac.Read, rbac.Manage} {
				d, err := w.Explain(t.Context(), user, info.Area, action)
				require.NoError(t, err)
				answers = append(answers, fmt.Sprint(d.Revision, d, w.CanRecord(t.Context(), user, info.Area, action, "ann", user)))
			}
		}
	}
	m, err := w.Matrix(t.Context())
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, m.WriteText(&out))
	return append(answers, out.String())
}

// Every store gives the same answers as MemStore on random histories; and
// following gives the same answers as loading.
func TestScenario31_SameAnswersAsMemStore(t *testing.T) {
	t.Parallel()
	for range scaled(20) {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				mem, store := rbac.NewMemStore(), newStore(t)
				reference, tested, follower := openOn(t, mem).For("w"), openOn(t, store).For("w"), openOn(t, store).For("w")
				assign(t, reference, rbac.Administrator, "ann")
				assign(t, tested, rbac.Administrator, "ann")
				one, other := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 1))
				for step := range 100 {
					want := randomChange(ctx, one, reference)
					require.Equal(t, want, randomChange(ctx, other, tested), "step %d", step)
					if step%10 == 9 {
						answers := answersOf(t, reference)
						require.Equal(t, answers, answersOf(t, tested))
						synctest.Wait()
						require.Equal(t, answers, answersOf(t, follower), "by notifications")
						require.Equal(t, answers, answersOf(t, openOn(t, store).For("w")), "loaded")
						checkInvariants(t, store, "w")
					}
				}
			})
		})
	}
}
