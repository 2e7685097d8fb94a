package scenarios_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
)

// A Subject is of the workspace of the Authorizer that resolved it. The ids of
// another one may be the same; it acts there for nobody.
func TestScenario58_SubjectOfAnotherAuthorizer(t *testing.T) {
	t.Parallel()
	ctx, staff, customers := t.Context(), openOn(t, rbac.NewMemStore()), openOn(t, rbac.NewMemStore())
	var subjects []rbac.Subject
	for _, w := range []*rbac.Workspace{staff.Workspace, customers.Workspace, staff.For("acme")} {
		assign(t, w, rbac.Administrator, "ada")
		s, err := w.Subject(ctx, "ada")
		require.NoError(t, err)
		subjects = append(subjects, s)
	}
	for i, w := range []*rbac.Workspace{staff.Workspace, customers.Workspace, staff.For("acme")} {
		for j, s := range subjects {
			for _, s := range []rbac.Subject{s, s.Observe(func(rbac.Decision) {}), s.Limit(s.Permissions())} {
				require.Equal(t, i == j, s.Of(w))
				err := w.AsSubject(s).Assign(ctx, rbac.Administrator, "bea")
				if i == j {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, rbac.ErrDenied)
				}
			}
		}
		require.False(t, rbac.Subject{}.Of(w))
	}
	require.False(t, subjects[0].Of(nil))

	// Nobody is somebody, too: a user who is no member, resolved by w.
	eve, err := staff.Subject(ctx, "eve")
	require.NoError(t, err)
	require.True(t, eve.Of(staff.Workspace))
	// Another Authorizer on the same store is another one.
	store := rbac.NewMemStore()
	one, two := openOn(t, store), openOn(t, store)
	s, err := one.Subject(ctx, "ada")
	require.NoError(t, err)
	require.False(t, s.Of(two.Workspace))
}

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
		"no scope":           {[]rbac.Permissions{{rbac.Users: access(4, 255)}}, false},
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
				ctx, store := t.Context(), rbac.NewMemStore()
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
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	key := func(user string) rbac.Subject {
		s, err := c.W.Subject(ctx, user)
		require.NoError(t, err)
		return s.Limit(rbac.Permissions{rbac.Users: access(rbac.All, rbac.All), rbac.Deals: access(rbac.All, rbac.None)})
	}
	max, abe := key("max"), key("abe")
	require.Equal(t, rbac.ReasonLimited, max.Explain(rbac.Contacts, rbac.Read).Reason)
	require.Equal(t, rbac.ReasonOwnOnly, max.Explain(rbac.Deals, rbac.Read).Reason, "the role does not reach further")
	require.ErrorIs(t, c.W.AsSubject(max).Assign(ctx, c.Role("Seller").ID, "new"), rbac.ErrEscalation)
	require.NoError(t, c.W.As("ada").Assign(ctx, rbac.Administrator, "max"))
	require.NoError(t, c.W.AsSubject(max).Assign(ctx, c.Role("Seller").ID, "new"))
	require.ErrorIs(t, c.W.AsSubject(max).Assign(ctx, c.Role("Clerk").ID, "new"), rbac.ErrEscalation)

	require.NoError(t, c.W.As("ada").Assign(ctx, c.Role("Manager").ID, "abe"))
	require.ErrorIs(t, c.W.AsSubject(abe).Assign(ctx, c.Role("Seller").ID, "new"), rbac.ErrEscalation)
	c.Check(t)
}

// A handler that asks whether a subject is limited is not told otherwise of
// one of which nothing is known.
func TestScenario47_ZeroSubjectIsLimited(t *testing.T) {
	t.Parallel()
	ctx, az := t.Context(), openOn(t, rbac.NewMemStore())
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

// What a role that this program does not know holds, nobody can tell: its
// holders are for Administrators and the application.
func TestScenario48_MembersWhoseRoleIsNotKnown(t *testing.T) {
	t.Parallel()
	changes := map[string]company.Try{
		"assign":  company.Assigning("Clerk", "uma"),
		"suspend": company.Suspending("uma"), "reinstate": company.Reinstating("uma"), "remove": company.Removing("uma"),
		"suspend among others": company.Suspending("cleo", "uma"),
		"remove among others":  company.Removing("uma", "cleo"),
		"replace": func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.Member("uma").Role, c.Role("Clerk").ID)
		},
		"replace by nothing": func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.Member("uma").Role, c.Role("Unused").ID)
		},
	}
	for kind, id := range map[string]rbac.RoleID{
		"a system role of a newer program": "desk", "gone": "gone", "with a scope that does not exist": "odd", "without a name": "unnamed",
	} {
		for name, try := range changes {
			t.Run(kind+", "+name, func(t *testing.T) {
				t.Parallel()
				ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
				newer := openOn(t, c.Store, rbac.WithSystemRoles(rbac.Role{ID: "desk", Name: "Desk", Permissions: rbac.Permissions{rbac.Contacts: access(rbac.Own, rbac.None)}}))
				assign(t, newer.Workspace, "desk", "uma")
				if id != "desk" { // by hand
					update(t, c.Store, "", func(tx rbac.Tx) error {
						for _, role := range []rbac.Role{
							{ID: "odd", Name: "Odd", Permissions: rbac.Permissions{rbac.Contacts: access(4, rbac.None)}},
							{ID: "unnamed"},
						} {
							if err := tx.PutRole(role); err != nil {
								return err
							}
						}
						return tx.PutMembers(rbac.Member{User: "uma", Role: id})
					})
				}
				ada, err := c.W.Subject(ctx, "ada")
				require.NoError(t, err)
				everything := ada.Limit(ada.Permissions())
				before := contentsOf(t, c.Store, "")
				for actor, admin := range map[string]*rbac.Admin{"max": c.W.As("max"), "ada": c.W.AsSubject(everything)} {
					err := try(ctx, c, admin)
					require.Equal(t, &rbac.EscalationError{Actor: actor, Role: id, User: "uma", Missing: rbac.Permissions{}, Roles: []rbac.RoleID{id}}, escalated(t, err))
					require.Equal(t, fmt.Sprintf(`rbac: more than the actor holds: member "uma" has the role %q, which is not known: only an Administrator may change that`, id), err.Error())
				}
				require.ErrorIs(t, try(ctx, c, c.W.As("wes")), rbac.ErrDenied)
				require.Equal(t, before, contentsOf(t, c.Store, ""))
				require.NoError(t, try(ctx, c, c.W.As("ada")))
				if id == "desk" {
					checkInvariants(t, c.Store, "", "desk")
				}
			})
			t.Run(kind+", "+name+", as the application", func(t *testing.T) {
				t.Parallel()
				ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
				update(t, c.Store, "", func(tx rbac.Tx) error {
					return tx.PutMembers(rbac.Member{User: "uma", Role: id})
				})
				require.NoError(t, try(ctx, c, c.W.System("test")))
			})
		}
	}
}

// The rules that come before A3 still answer first.
func TestScenario48_OrderOfRefusals(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	update(t, c.Store, "", func(tx rbac.Tx) error {
		return tx.PutMembers(rbac.Member{User: "uma", Role: "gone"})
	})
	max, clerk := c.W.As("max"), c.Role("Clerk").ID
	unchanged(t, c.Store, "", func() {
		require.ErrorIs(t, max.Remove(ctx, "uma", "nobody"), rbac.ErrMemberNotFound)
		require.ErrorIs(t, max.Assign(ctx, "gone", "uma"), rbac.ErrRoleNotFound)
		require.ErrorIs(t, max.ReplaceRole(ctx, "gone", "never"), rbac.ErrRoleNotFound)
		require.ErrorIs(t, max.ReplaceRole(ctx, "never", clerk), rbac.ErrRoleNotFound, "nobody holds it")
		require.ErrorIs(t, max.DeleteRole(ctx, "gone"), rbac.ErrRoleNotFound)
		require.ErrorIs(t, max.Remove(ctx, "uma", "max"), rbac.ErrSelf)
		require.Equal(t, "uma", escalated(t, max.Assign(ctx, clerk, "new", "uma")).User)
	})
	require.NoError(t, c.W.VerifyEvents(ctx))
}

// owners is a catalogue in which the records of audit have owners.
func owners() rbac.Option {
	areas := rbac.DefaultAreas()
	for i := range areas {
		areas[i].Owned = areas[i].Owned || areas[i].Area == rbac.Audit
	}
	return rbac.WithAreas(areas...)
}

// Two versions of a program disagree whether the records of an area have
// owners. Own there is nothing in checks of the one, and Own when its rules
// compare: nobody gives away through the one what means something in the other.
func TestScenario49_ComparedAsStored(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	newer := openOn(t, c.Store, owners())
	auditing := rbac.Permissions{rbac.Audit: access(rbac.Own, rbac.None)}
	reviewer := addRole(t, newer.Workspace, "Reviewer", auditing)
	assign(t, newer.Workspace, reviewer.ID, "rae")
	lead := addRole(t, newer.Workspace, "Lead reviewer", auditing.Union(rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)}))
	assign(t, newer.Workspace, lead.ID, "lea")
	require.NoError(t, c.W.Sync(ctx))
	require.False(t, c.W.CanRecord(ctx, "rae", rbac.Audit, rbac.Read, "rae"), "it counts as nothing in a check")
	require.True(t, newer.CanRecord(ctx, "rae", rbac.Audit, rbac.Read, "rae"))
	shown := reviewer
	shown.Permissions = rbac.Permissions{}

	// Neither who holds nothing there, nor who holds what they cannot use here.
	for _, actor := range []string{"max", "lea"} {
		a := c.W.As(actor)
		_, edit := a.UpdateRole(ctx, shown)
		unchanged(t, c.Store, "", func() {
			for name, err := range map[string]error{
				"assign": a.Assign(ctx, reviewer.ID, "new"), "edit": edit, "delete": a.DeleteRole(ctx, reviewer.ID),
				"replace": a.ReplaceRole(ctx, c.Role("Clerk").ID, reviewer.ID), "remove": a.Remove(ctx, "rae"), "suspend": a.Suspend(ctx, "rae"),
			} {
				missing := auditing
				if name == "replace" && actor == "lea" { // who does not hold what is replaced, either
					missing = auditing.Union(c.Role("Clerk").Permissions)
				}
				require.Equal(t, missing, escalated(t, err).Missing, "%s as %s", name, actor)
			}
			plan, err := planOf(ctx, a, shown)
			require.NoError(t, err)
			require.Equal(t, auditing, escalated(t, plan.Refused).Missing)
		})
	}
	require.NoError(t, newer.As("lea").Assign(ctx, reviewer.ID, "new"), "who holds it gives it where it means something")
	require.NoError(t, c.W.As("ada").Assign(ctx, reviewer.ID, "newer"))
	require.NoError(t, c.W.System("test").Remove(ctx, "rae"))
	c.Check(t)
}

// What means nothing here survives an edit that leaves it as it is shown, and
// the plan of the edit says what becomes of it.
func TestScenario49_EditsKeepWhatTheyLeaveAsShown(t *testing.T) {
	t.Parallel()
	stored := rbac.Permissions{rbac.Audit: access(rbac.Own, rbac.All), rbac.Deals: access(rbac.All, rbac.Own)}
	for name, test := range map[string]struct {
		written, after rbac.Permissions
		plan           string
	}{
		"another area": {
			rbac.Permissions{rbac.Audit: access(rbac.None, rbac.All), rbac.Tasks: access(rbac.Own, rbac.None)},
			rbac.Permissions{rbac.Audit: access(rbac.Own, rbac.All), rbac.Tasks: access(rbac.Own, rbac.None)},
			"gains tasks: read own; loses deals: read all, manage own",
		},
		"the other action": {
			rbac.Permissions{rbac.Deals: access(rbac.All, rbac.Own)},
			rbac.Permissions{rbac.Audit: access(rbac.Own, rbac.None), rbac.Deals: access(rbac.All, rbac.Own)},
			"gains nothing; loses audit: manage all",
		},
		"the same scope": {
			rbac.Permissions{rbac.Audit: access(rbac.All, rbac.All), rbac.Deals: access(rbac.All, rbac.Own)},
			rbac.Permissions{rbac.Audit: access(rbac.All, rbac.All), rbac.Deals: access(rbac.All, rbac.Own)},
			"gains audit: read all; loses nothing",
		},
		"nothing": {
			rbac.Permissions{rbac.Audit: access(rbac.None, rbac.All), rbac.Deals: access(rbac.All, rbac.Own)},
			stored, "gains nothing; loses nothing",
		},
		"everything": {
			rbac.Permissions{}, rbac.Permissions{rbac.Audit: access(rbac.Own, rbac.None)},
			"gains nothing; loses audit: manage all; deals: read all, manage own",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, store := t.Context(), rbac.NewMemStore()
			az, newer := openOn(t, store), openOn(t, store, owners())
			role := addRole(t, newer.Workspace, "Auditor", stored)
			assign(t, newer.Workspace, role.ID, "aud")
			assign(t, newer.Workspace, rbac.Administrator, "ada")
			role.Permissions = test.written
			plan, err := planOf(ctx, az.As("ada"), role)
			require.NoError(t, err)
			require.Equal(t, `role "Auditor", 1 member: `+test.plan, plan.String())
			saved, err := az.As("ada").UpdateRole(ctx, plan.Role)
			require.NoError(t, err)
			require.Equal(t, test.written.Union(nil), saved.Permissions)
			require.Equal(t, test.after, contentsOf(t, store, "").Roles[0].Permissions)
			require.Equal(t, name == "nothing", saved.Version == 1)
			require.NoError(t, newer.Sync(ctx))
			s, err := newer.Subject(ctx, "aud")
			require.NoError(t, err)
			require.Equal(t, test.after, s.Permissions())
			checkInvariants(t, store, "")
		})
	}
}

// Scopes beyond All are None in everything that permissions answer, and no
// way to more than was given.
func TestScenario50_ScopesThatDoNotExist(t *testing.T) {
	t.Parallel()
	all := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.All)}
	own := rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.Own)}
	for n := 4; n <= 255; n++ {
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
	ctx, az := t.Context(), openOn(t, rbac.NewMemStore())
	_, err := az.System("test").CreateRole(ctx, rbac.Role{Name: "New", Permissions: rbac.Permissions{rbac.Deals: access(4, rbac.All), rbac.Audit: access(rbac.All, 255)}})
	var v *rbac.ValidationError
	require.ErrorAs(t, err, &v)
	require.Len(t, v.Fields, 2)
	require.Equal(t, "permissions.audit.manage", v.Fields[0].Field)
	require.Equal(t, "permissions.deals.read", v.Fields[1].Field)
}
