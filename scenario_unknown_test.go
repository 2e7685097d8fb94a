package rbac_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// escalated returns the error with which A2 and A3 refuse.
func escalated(t *testing.T, err error) *rbac.EscalationError {
	t.Helper()
	var escalation *rbac.EscalationError
	require.ErrorAs(t, err, &escalation)
	require.ErrorIs(t, err, rbac.ErrEscalation)
	return escalation
}

// The limit of a key is what Limit was given, whatever its owner may do at the
// moment. So it holds when the owner comes to be an Administrator between the
// request's first check and its change.
func TestScenario47_LimitOfAnOwnerWhoMayDoNothingYet(t *testing.T) {
	t.Parallel()
	contacts := rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.All)}
	keys := map[string]struct {
		limits []rbac.Permissions
		manage bool
	}{
		"contacts":           {[]rbac.Permissions{contacts}, false},
		"nothing, nil":       {[]rbac.Permissions{nil}, false},
		"nothing, empty":     {[]rbac.Permissions{{}}, false},
		"no scope":           {[]rbac.Permissions{{rbac.Users: access(3, 255)}}, false},
		"nothing, then more": {[]rbac.Permissions{nil, contacts, {rbac.Users: access(rbac.All, rbac.All)}}, false},
		"users and contacts": {[]rbac.Permissions{contacts.Union(rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)})}, true},
		"twice": {[]rbac.Permissions{
			{rbac.Users: access(rbac.All, rbac.All), rbac.Contacts: access(rbac.All, rbac.All), rbac.Deals: access(rbac.All, rbac.All)},
			{rbac.Users: access(rbac.None, rbac.All), rbac.Contacts: access(rbac.All, rbac.All), rbac.Audit: access(rbac.All, rbac.All)},
		}, true},
	}
	for name, owner := range map[string]struct {
		before, then func(ctx context.Context, w *rbac.Workspace) error
		reason       rbac.Reason
	}{
		"suspended": {
			func(ctx context.Context, w *rbac.Workspace) error { return w.System("test").Suspend(ctx, "kay") },
			func(ctx context.Context, w *rbac.Workspace) error { return w.System("test").Reinstate(ctx, "kay") },
			rbac.ReasonSuspended,
		},
		"no member": {
			func(ctx context.Context, w *rbac.Workspace) error { return w.System("test").Remove(ctx, "kay") },
			func(ctx context.Context, w *rbac.Workspace) error {
				return w.System("test").Assign(ctx, rbac.Administrator, "kay")
			},
			rbac.ReasonNotMember,
		},
		"with a role of a newer program": {
			func(ctx context.Context, w *rbac.Workspace) error { return w.System("test").Assign(ctx, "desk", "kay") },
			func(ctx context.Context, w *rbac.Workspace) error {
				return w.System("test").Assign(ctx, rbac.Administrator, "kay")
			},
			rbac.ReasonRoleGone,
		},
	} {
		for key, test := range keys {
			t.Run(name+", "+key, func(t *testing.T) {
				t.Parallel()
				ctx, store := t.Context(), newStore(t)
				az, other := openOn(t, store), openOn(t, store, rbac.WithSystemRoles(rbac.Role{ID: "desk", Name: "Desk"}))
				assign(t, az.Workspace, rbac.Administrator, "ada", "kay")
				clerk := addRole(t, az.Workspace, "Clerk", contacts)
				require.NoError(t, owner.before(ctx, other.Workspace))
				require.NoError(t, az.Sync(ctx))
				limited, err := az.Subject(ctx, "kay")
				require.NoError(t, err)
				require.False(t, limited.Limited())
				for _, most := range test.limits {
					limited = limited.Limit(most)
				}
				require.True(t, limited.Limited())
				require.Empty(t, limited.Permissions())
				require.Equal(t, owner.reason, limited.Explain(rbac.Contacts, rbac.Read).Reason, "it is not the limit that denies")

				require.NoError(t, owner.then(ctx, other.Workspace))
				before := contentsOf(t, store, "")
				admin := az.AsSubject(limited)
				err = admin.Assign(ctx, rbac.Administrator, "eve")
				if !test.manage {
					var denied *rbac.DeniedError
					require.ErrorAs(t, err, &denied)
					require.Equal(t, rbac.ReasonLimited, denied.Decision.Reason, "now it is")
					require.Equal(t, text(before), text(contentsOf(t, store, "")))
					return
				}
				require.NotContains(t, escalated(t, err).Missing, rbac.Contacts)
				require.ErrorIs(t, admin.Suspend(ctx, "ada"), rbac.ErrEscalation)
				_, err = admin.CreateRole(ctx, rbac.Role{Name: "Mine", Permissions: rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.None)}})
				require.Equal(t, rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.None)}, escalated(t, err).Missing)
				require.Equal(t, text(before), text(contentsOf(t, store, "")))
				require.NoError(t, admin.Assign(ctx, clerk.ID, "new"), "what owner and limit have in common")
				checkInvariants(t, store, "", "desk")
			})
		}
	}
}

// An owner who is promoted meanwhile acts with the new role, as far as the
// limit goes; one who is demoted with what is left.
func TestScenario47_LimitOfAnOwnerWhoseRoleChanges(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), newCompany(t)
	key := func(user string) rbac.Subject {
		s, err := c.w.Subject(ctx, user)
		require.NoError(t, err)
		return s.Limit(rbac.Permissions{rbac.Users: access(rbac.All, rbac.All), rbac.Deals: access(rbac.All, rbac.None)})
	}
	max, abe := key("max"), key("abe")
	require.Equal(t, rbac.ReasonLimited, max.Explain(rbac.Contacts, rbac.Read).Reason)
	require.Equal(t, rbac.ReasonOwnOnly, max.Explain(rbac.Deals, rbac.Read).Reason, "the role does not reach further")
	require.ErrorIs(t, c.w.AsSubject(max).Assign(ctx, c.role("Seller").ID, "new"), rbac.ErrEscalation)
	require.NoError(t, c.w.As("ada").Assign(ctx, rbac.Administrator, "max"))
	require.NoError(t, c.w.AsSubject(max).Assign(ctx, c.role("Seller").ID, "new"))
	require.ErrorIs(t, c.w.AsSubject(max).Assign(ctx, c.role("Clerk").ID, "new"), rbac.ErrEscalation)

	require.NoError(t, c.w.As("ada").Assign(ctx, c.role("Manager").ID, "abe"))
	require.ErrorIs(t, c.w.AsSubject(abe).Assign(ctx, c.role("Seller").ID, "new"), rbac.ErrEscalation)
	c.check(t)
}

// A handler that asks whether a subject is limited is not told otherwise of
// one of which nothing is known.
func TestScenario47_ZeroSubjectIsLimited(t *testing.T) {
	t.Parallel()
	ctx, az := t.Context(), openOn(t, newStore(t))
	assign(t, az.Workspace, rbac.Administrator, "ada")
	ada, err := az.Subject(ctx, "ada")
	require.NoError(t, err)
	require.False(t, ada.Limited())
	require.True(t, ada.Limit(ada.Permissions()).Limited(), "though it takes nothing")
	require.False(t, ada.Limited(), "it is a copy that was limited")
	require.True(t, ada.Limit(nil).Observe(func(rbac.Decision) {}).Limited())
	everything := ada.Permissions()
	for name, s := range map[string]rbac.Subject{
		"the zero Subject": {}, "limited to everything": rbac.Subject{}.Limit(everything), "limited to nothing": rbac.Subject{}.Limit(nil),
	} {
		require.True(t, s.Limited(), name)
		require.Empty(t, s.Permissions(), name)
		require.False(t, s.Can(rbac.Users, rbac.Manage), name)
		require.ErrorIs(t, az.AsSubject(s).Assign(ctx, rbac.Administrator, "eve"), rbac.ErrDenied, name)
	}
}

// Scopes beyond All are None in everything that permissions answer, and no
// way to more than was given.
func TestScenario50_ScopesThatDoNotExist(t *testing.T) {
	t.Parallel()
	all := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.All)}
	own := rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.Own)}
	for n := 3; n <= 255; n++ {
		scope := rbac.Scope(n)
		p := rbac.Permissions{rbac.Deals: access(scope, scope)}
		half := rbac.Permissions{rbac.Deals: access(scope, rbac.Own)}
		require.False(t, p.Can(rbac.Deals, rbac.Read))
		require.Equal(t, rbac.None, p.Scope(rbac.Deals, rbac.Manage))
		require.Equal(t, rbac.None, p[rbac.Deals].Scope(rbac.Read))
		require.False(t, p.Covers(own), "%d", n)
		require.True(t, rbac.Permissions(nil).Covers(p))
		require.Equal(t, own, p.Missing(own))
		require.Empty(t, all.Missing(p))
		require.Empty(t, p.Missing(p))
		require.Empty(t, p.Union(p))
		require.Equal(t, all, p.Union(all))
		require.Equal(t, all, all.Union(p))
		require.Empty(t, p.Intersect(all))
		require.Empty(t, all.Intersect(p))
		require.Empty(t, p.Intersect(p))
		require.Equal(t, rbac.Permissions{rbac.Deals: access(rbac.None, rbac.Own)}, half.Intersect(all))
		require.Equal(t, rbac.Permissions{rbac.Deals: access(rbac.None, rbac.Own)}, half.Union(nil))

		// It is still said that they do not exist.
		_, err := p.MarshalJSON()
		require.ErrorIs(t, err, rbac.ErrInvalid)
		_, err = half.MarshalText()
		require.ErrorIs(t, err, rbac.ErrInvalid)
	}
	ctx, az := t.Context(), openOn(t, newStore(t))
	_, err := az.System("test").CreateRole(ctx, rbac.Role{Name: "New", Permissions: rbac.Permissions{rbac.Deals: access(3, rbac.All), rbac.Audit: access(rbac.All, 255)}})
	require.Equal(t, []string{"permissions.audit.manage", "permissions.deals.read"}, fields(t, err))
}
