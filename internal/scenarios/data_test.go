package scenarios_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/workspacetest"
)

// An unknown area or action: denied, with the reason, to everybody.
func TestScenario25_UnknownAreaOrAction(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	az := openOn(t, rbac.NewMemStore())
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
				require.Equal(t, rbac.ErrInvalid, errors.Unwrap(workspacetest.FirstError(az.WhoCan(ctx, test.area, test.action))))
			}
		}
	}
}

// malformedRows are rows that no program of this library writes.
func malformedRows() (roles []rbac.Role, members []rbac.Member) {
	p := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.All)}
	roles = []rbac.Role{
		{ID: "nine", Name: "Nine", Permissions: rbac.Permissions{rbac.Users: access(9, 9), rbac.Deals: access(rbac.All, rbac.All)}},
		{ID: "three", Name: "Three", Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, 4)}},
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
	synctest.Test(t, func(t *testing.T) {
		ctx, store, log := t.Context(), rbac.NewMemStore(), &workspacetest.Log{}
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

		az := openOn(t, store, log.Option())
		allows(t, az.Workspace, "ann")
		require.True(t, az.Can(ctx, "vic", rbac.Deals, rbac.Read))
		for _, role := range roles {
			shown := role.ID[:min(len(role.ID), 100)]
			require.Len(t, log.Containing("ERROR", "malformed and grants nothing", fmt.Sprintf("role %q", shown)), 1, "%q", role.ID)
		}
		for _, member := range members {
			grantsNothing(t, az.Workspace, member.User)
		}
		for i, member := range members[:8] {
			require.NotEmpty(t, log.Containing("ERROR", "malformed and grants nothing", ": member "), "%d: %q", i, member.User)
		}
		require.Len(t, log.Containing("ERROR", "malformed and grants nothing", ": member "), 8)

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
	})
}

// Rows that the store itself cannot read come as *MalformedError.
func TestScenario26_RowsThatTheStoreCannotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner, log := t.Context(), rbac.NewMemStore(), &workspacetest.Log{}
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
		store := fault.New(inner)
		store.SetRows(&fault.Rows{
			Role: badRole, Member: badMember,
			Roles: func(rows iter.Seq2[rbac.Role, error]) iter.Seq2[rbac.Role, error] { return mapped(rows, badRole) },
			Members: func(rows iter.Seq2[rbac.Member, error]) iter.Seq2[rbac.Member, error] {
				return mapped(rows, badMember)
			},
		})
		az := openOn(t, store, log.Option())
		allows(t, az.Workspace, "ann")
		require.True(t, az.Can(ctx, "vic", rbac.Deals, rbac.Read))
		grantsNothing(t, az.Workspace, "bob", "eve")
		require.Len(t, log.Containing("ERROR", "malformed and grants nothing", ": role ", unreadable.Error()), 1)
		require.Len(t, log.Containing("ERROR", "malformed and grants nothing", `member "eve"`, unreadable.Error()), 1)
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
	})
}

func mapped[V any](rows iter.Seq2[V, error], fn func(V) (V, error)) iter.Seq2[V, error] {
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
		ctx, store, log := t.Context(), rbac.NewMemStore(), &workspacetest.Log{}
		az := openOn(t, store, log.Option())
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
			require.Len(t, log.Containing("ERROR", "malformed and grants nothing", row), 1, "%s: %q", row, log)
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
