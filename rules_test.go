package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
)

func TestA1_ActorsNeedManageAllOnUsers(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"an Administrator", "ada", company.Assigning("Clerk", "new"), nil},
		{"who manages all users", "max", company.Assigning("Clerk", "new"), nil},
		{"the application", "", company.Assigning("Clerk", "new"), nil},
		{"who manages own users", "hal", company.Assigning("Half", "new"), rbac.ErrDenied},
		{"who reads users", "wes", company.Assigning("Watcher", "new"), rbac.ErrDenied},
		{"who does neither", "cleo", company.Assigning("Clerk", "new"), rbac.ErrDenied},
		{"who is suspended", "sam", company.Assigning("Clerk", "new"), rbac.ErrDenied},
		{"who is nobody", "nobody", company.Assigning("Clerk", "new"), rbac.ErrDenied},
		{"who has no id", "\x00", company.Assigning("Clerk", "new"), rbac.ErrDenied},
		{"also to create", "wes", company.Naming("New"), rbac.ErrDenied},
		{"also to edit", "wes", company.Editing("Watcher", func(r *rbac.Role) { r.Name = "New" }), rbac.ErrDenied},
		{"also to delete", "wes", company.Deleting("Unused"), rbac.ErrDenied},
		{"also to suspend", "wes", company.Suspending("cleo"), rbac.ErrDenied},
		{"also to reinstate", "wes", company.Reinstating("cody"), rbac.ErrDenied},
		{"also to remove", "wes", company.Removing("cleo"), rbac.ErrDenied},
		{"also for no change", "wes", company.Removing(), rbac.ErrDenied},
		{"also to replace", "wes", func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.Role("Clerk").ID, c.Role("Unused").ID)
		}, rbac.ErrDenied},
	})
}

// A denial of administration explains itself like one of a check.
func TestA1_Decision(t *testing.T) {
	t.Parallel()
	c := company.New(t, rbac.NewMemStore(), "")
	update(t, c.Store, "", func(tx rbac.Tx) error { // by hand
		return tx.PutMembers(rbac.Member{User: "gil", Role: "gone"})
	})
	revision := contentsOf(t, c.Store, "").Revision.Seq
	for _, test := range []struct {
		actor, role string
		scope       rbac.Scope
		reason      rbac.Reason
	}{
		{"hal", "Half", rbac.Own, rbac.ReasonOwnOnly},
		{"wes", "Watcher", rbac.None, rbac.ReasonNotGranted},
		{"sam", "Manager", rbac.None, rbac.ReasonSuspended},
		{"gil", "", rbac.None, rbac.ReasonRoleGone},
		{"nobody", "", rbac.None, rbac.ReasonNotMember},
	} {
		want := rbac.Decision{
			User: test.actor, Area: rbac.Users, Action: rbac.Manage, Scope: test.scope,
			Role: c.Role(test.role).ID, RoleName: test.role, Reason: test.reason, Revision: revision,
		}
		if test.actor == "gil" {
			want.Role = "gone"
		}
		err := c.W.As(test.actor).Remove(t.Context(), "cleo")
		var denied *rbac.DeniedError
		require.ErrorAs(t, err, &denied)
		require.Equal(t, want, denied.Decision)
		require.Equal(t, "rbac: denied: "+want.String(), err.Error())
		require.NoError(t, c.W.Sync(t.Context()))
		if test.actor != "gil" { // whom only a load would find
			d, err := c.W.Explain(t.Context(), test.actor, rbac.Users, rbac.Manage)
			require.NoError(t, err)
			require.Equal(t, want, d, "a check says the same")
		}
	}
}

func TestA2_NobodyGrantsWhatTheyDoNotHold(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"create what one holds", "max", company.Creating(rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.Own)}), nil},
		{"create All from Own", "max", company.Creating(rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.All)}), rbac.ErrEscalation},
		{"assign what one holds", "max", company.Assigning("Clerk", "new"), nil},
		{"assign more", "max", company.Assigning("Seller", "new"), rbac.ErrEscalation},
		{"edit to what one holds", "max", company.Editing("Clerk", func(r *rbac.Role) {
			r.Permissions[rbac.Deals] = access(rbac.Own, rbac.None)
		}), nil},
		{"edit to more", "max", company.Editing("Clerk", func(r *rbac.Role) {
			r.Permissions[rbac.Deals] = access(rbac.Own, rbac.Own)
		}), rbac.ErrEscalation},
		{"the application grants anything", "", company.Assigning("Biller", "new"), nil},
	})
}

func TestA3_NobodyTouchesWhoHoldsMore(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"delete less", "max", company.Deleting("Unused"), nil},
		{"delete more", "max", company.Deleting("Unused more"), rbac.ErrEscalation},
		{"edit less", "max", company.Editing("Clerk", func(r *rbac.Role) { r.Name = "New" }), nil},
		{"edit more", "max", company.Editing("Seller", func(r *rbac.Role) { r.Name = "New" }), rbac.ErrEscalation},
		{"reassign who holds as much", "max", company.Assigning("Clerk", "mia"), nil},
		{"reassign who holds more", "max", company.Assigning("Clerk", "stan"), rbac.ErrEscalation},
		{"suspend who holds as much", "max", company.Suspending("mia"), nil},
		{"suspend who holds more", "max", company.Suspending("stan"), rbac.ErrEscalation},
		{"reinstate who holds as much", "max", company.Reinstating("sam"), nil},
		{"reinstate who holds more", "max", company.Reinstating("sid"), rbac.ErrEscalation},
		{"remove who holds as much", "max", company.Removing("mia"), nil},
		{"remove who holds more", "max", company.Removing("stan"), rbac.ErrEscalation},
		{"remove who holds what this program does not know", "max", company.Removing("bill"), rbac.ErrEscalation},
		{"the same as Administrator", "ada", company.Removing("bill"), nil},
		{"the application touches anybody", "", company.Removing("bill", "stan", "abe"), nil},
	})
}

// A member whose role does not exist can hold anything in another program, so
// an Administrator sorts them out.
func TestA3_MembersWithoutARole(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	update(t, c.Store, "", func(tx rbac.Tx) error {
		return tx.PutMembers(rbac.Member{User: "gil", Role: "gone"}, rbac.Member{User: "gus", Role: "gone"}, rbac.Member{User: "gay", Role: "gone"})
	})
	ada, max := c.W.As("ada"), c.W.As("max")
	require.ErrorIs(t, max.Remove(ctx, "gay"), rbac.ErrEscalation)
	require.NoError(t, ada.Remove(ctx, "gay"))
	require.NoError(t, ada.Assign(ctx, c.Role("Clerk").ID, "gil"))
	require.True(t, c.W.Can(ctx, "gil", rbac.Contacts, rbac.Read))
	require.NoError(t, ada.ReplaceRole(ctx, "gone", c.Role("Clerk").ID), "a role that is gone can be replaced")
	require.True(t, c.W.Can(ctx, "gus", rbac.Contacts, rbac.Read))
	require.ErrorIs(t, ada.ReplaceRole(ctx, "gone", c.Role("Clerk").ID), rbac.ErrRoleNotFound, "when somebody holds it")
}

func TestA4_NobodyChangesTheirOwnMembership(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"somebody else's", "ada", company.Assigning("Clerk", "abe"), nil},
		{"one's own", "ada", company.Assigning("Clerk", "ada"), rbac.ErrSelf},
		{"one's own, to what it is", "ada", company.Assigning("Administrator", "ada"), rbac.ErrSelf},
		{"one's own among others", "max", company.Removing("cleo", "max", "mia"), rbac.ErrSelf},
		{"others", "max", company.Removing("cleo", "mia"), nil},
		{"one's own standing", "max", company.Reinstating("max"), rbac.ErrSelf},
		{"somebody else's standing", "max", company.Reinstating("sam"), nil},
		{"one's own suspension", "max", company.Suspending("max"), rbac.ErrSelf},
		{"somebody's with an id that looks like one's own", "max", company.Assigning("Clerk", "Max"), nil},
	})
}

func TestA5_SystemRolesAreProtected(t *testing.T) {
	t.Parallel()
	system := func(ctx context.Context, _ *company.Company, a *rbac.Admin) error {
		_, err := a.CreateRole(ctx, rbac.Role{Name: "New", System: true})
		return err
	}
	runRule(t, []ruleCase{
		{"create a role", "ada", company.Naming("New"), nil},
		{"create a system role", "ada", system, rbac.ErrProtectedRole},
		{"create a system role as the application", "", system, rbac.ErrProtectedRole},
		{"edit a role", "ada", company.Editing("Clerk", func(r *rbac.Role) { r.Name = "New" }), nil},
		{"edit a system role", "ada", company.Editing("Administrator", func(r *rbac.Role) { r.Permissions = rbac.Permissions{} }), rbac.ErrProtectedRole},
		{"edit a system role as the application", "", company.Editing("Administrator", func(r *rbac.Role) { r.Name = "New" }), rbac.ErrProtectedRole},
		{"edit a system role to what it is", "ada", company.Editing("Administrator", func(*rbac.Role) {}), rbac.ErrProtectedRole},
		{"make a role a system role", "ada", company.Editing("Clerk", func(r *rbac.Role) { r.System = true }), rbac.ErrProtectedRole},
		{"delete a role", "ada", company.Deleting("Unused"), nil},
		{"delete a system role", "ada", company.Deleting("Administrator"), rbac.ErrProtectedRole},
		{"delete a system role as the application", "", company.Deleting("Administrator"), rbac.ErrProtectedRole},
		{"create under its name", "ada", company.Naming("ADMINISTRATOR "), rbac.ErrProtectedRole},
		{"create under its name as the application", "", company.Naming("Ａdministrator"), rbac.ErrProtectedRole},
		{"create under a name close by", "ada", company.Naming("Administrators"), nil},
		{"rename to its name", "ada", company.Editing("Clerk", func(r *rbac.Role) { r.Name = "administrator" }), rbac.ErrProtectedRole},
		{"assign it", "ada", company.Assigning("Administrator", "cleo"), nil},
	})
}

// What refuses about a system role names it.
func TestA5_RefusalNamesTheRole(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	az := openOn(t, rbac.NewMemStore(), rbac.WithSystemRoles(rbac.Role{ID: "support", Name: "Support"}))
	admin := az.System("test")
	role := addRole(t, az.Workspace, "Other", nil)
	role.Name = "SUPPORT"
	_, shadowed := admin.UpdateRole(ctx, role)
	_, created := admin.CreateRole(ctx, rbac.Role{Name: " support"})
	_, edited := admin.UpdateRole(ctx, rbac.Role{ID: "support", Name: "Helpers", Permissions: rbac.Permissions{}})
	for what, err := range map[string]error{
		"rename to it": shadowed, "create under its name": created, "edit it": edited, "delete it": admin.DeleteRole(ctx, "support"),
	} {
		var refused *rbac.RefusalError
		require.ErrorAs(t, err, &refused, what)
		require.Equal(t, &rbac.RefusalError{Rule: rbac.ErrProtectedRole, Role: "support", RoleName: "Support"}, refused, what)
		require.Equal(t, `rbac: system roles are protected: role "Support"`, err.Error())
	}
	_, err := admin.CreateRole(ctx, rbac.Role{Name: "New", System: true})
	require.Equal(t, &rbac.RefusalError{Rule: rbac.ErrProtectedRole, RoleName: "New"}, err)
}

// Only Administrator covers everything: the program's other system roles are
// compared like any role, areas of a newer program included.
func TestA3_OtherSystemRolesAreComparedLikeAny(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	everything := rbac.Permissions{}
	for _, info := range rbac.DefaultAreas() {
		everything[info.Area] = access(rbac.All, rbac.All)
	}
	az := openOn(t, store, rbac.WithSystemRoles(
		rbac.Role{ID: "steward", Name: "Steward", Permissions: rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)}},
		rbac.Role{ID: "owner", Name: "Owner", Permissions: everything},
	))
	biller := addRole(t, openOn(t, store, company.Billing()).Workspace, "Biller", rbac.Permissions{"billing": access(rbac.All, rbac.None)})
	seller := addRole(t, az.Workspace, "Seller", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)})
	assign(t, az.Workspace, "steward", "sue")
	assign(t, az.Workspace, "owner", "oda")
	assign(t, az.Workspace, rbac.Administrator, "ada")
	require.ErrorIs(t, az.As("sue").Assign(ctx, seller.ID, "new"), rbac.ErrEscalation)
	require.ErrorIs(t, az.As("sue").Remove(ctx, "oda"), rbac.ErrEscalation)
	require.NoError(t, az.As("sue").Assign(ctx, "steward", "new"))
	require.NoError(t, az.As("oda").Assign(ctx, seller.ID, "new"))
	require.NoError(t, az.As("oda").Assign(ctx, rbac.Administrator, "abe"), "who holds as much as this program knows")
	require.ErrorIs(t, az.As("oda").Assign(ctx, biller.ID, "new"), rbac.ErrEscalation)
	require.NoError(t, az.As("ada").Assign(ctx, biller.ID, "new"))
	checkInvariants(t, store, "", "steward", "owner")
}

func TestA6_AnActiveAdministratorStays(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"one of two is removed", "", company.Removing("ada"), nil},
		{"both are removed", "", company.Removing("ada", "abe"), rbac.ErrLastAdministrator},
		{"one of two is suspended", "", company.Suspending("ada"), nil},
		{"both are suspended", "", company.Suspending("ada", "abe"), rbac.ErrLastAdministrator},
		{"one of two is demoted", "ada", company.Assigning("Clerk", "abe"), nil},
		{"both are demoted", "", company.Assigning("Clerk", "ada", "abe"), rbac.ErrAdministrator},
		{"both are demoted and one is suspended already", "", func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			if err := a.Suspend(ctx, "abe"); err != nil {
				return err
			}
			if err := a.Assign(ctx, c.Role("Clerk").ID, "abe"); err != nil {
				return err
			}
			return a.Assign(ctx, c.Role("Clerk").ID, "cody")
		}, nil},
		{"the role of both is replaced", "", func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, rbac.Administrator, c.Role("Clerk").ID)
		}, rbac.ErrLastAdministrator},
		{"another role is replaced by theirs", "", func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.Role("Clerk").ID, rbac.Administrator)
		}, nil},
	})
}

func TestA7_RolesInUseStay(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"nobody holds it", "ada", company.Deleting("Unused"), nil},
		{"somebody holds it", "ada", company.Deleting("Half"), rbac.ErrRoleInUse},
		{"as the application", "", company.Deleting("Half"), rbac.ErrRoleInUse},
		{"only somebody suspended holds it", "ada", func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			return company.Deleting("Unused")(ctx, c, c.W.System("test"))
		}, nil},
		{"nobody holds it any more", "ada", func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			return errors.Join(a.Remove(ctx, "hal"), a.DeleteRole(ctx, c.Role("Half").ID))
		}, nil},
	})
	t.Run("suspended holders hold it", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
		require.NoError(t, c.W.As("ada").Suspend(ctx, "hal"))
		require.ErrorIs(t, c.W.As("ada").DeleteRole(ctx, c.Role("Half").ID), rbac.ErrRoleInUse)
		c.Check(t)
	})
	t.Run("at most ten holders are named", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
		var users []string
		for i := range 12 {
			users = append(users, fmt.Sprintf("u%02d", i))
		}
		assign(t, c.W, c.Role("Unused").ID, users...)
		err := c.W.As("ada").DeleteRole(ctx, c.Role("Unused").ID)
		var refused *rbac.RefusalError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, &rbac.RefusalError{
			Rule: rbac.ErrRoleInUse, Role: c.Role("Unused").ID, RoleName: "Unused", Users: users[:10],
		}, refused)
		require.Equal(t, `rbac: role is in use: role "Unused": "u00", "u01", "u02", "u03", "u04", "u05", "u06", "u07", "u08", "u09"`, err.Error())
	})
}

// A16: an import, of which some are Administrators, takes that from nobody.
func TestA16_AnAssignmentOfSeveralDemotesNobody(t *testing.T) {
	t.Parallel()
	suspended := func(try company.Try) company.Try {
		return func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			return errors.Join(c.W.System("test").Suspend(ctx, "abe"), try(ctx, c, a))
		}
	}
	runRule(t, []ruleCase{
		{"one by themselves", "ada", company.Assigning("Clerk", "abe"), nil},
		{"one by themselves, named twice", "ada", company.Assigning("Clerk", "abe", "abe"), nil},
		{"one among members", "ada", company.Assigning("Clerk", "stan", "abe"), rbac.ErrAdministrator},
		{"one among new people", "ada", company.Assigning("Clerk", "abe", "new"), rbac.ErrAdministrator},
		{"by the application", "", company.Assigning("Clerk", "abe", "new"), rbac.ErrAdministrator},
		{"nobody", "ada", company.Assigning("Clerk", "stan", "new"), nil},
		{"to what they are", "ada", company.Assigning("Administrator", "abe", "new"), nil},
		{"by replacing the role", "", func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			return errors.Join(a.Assign(ctx, rbac.Administrator, "new"), a.ReplaceRole(ctx, c.Role("Clerk").ID, c.Role("Unused").ID))
		}, nil},
		{"who is added only", "ada", company.Adding("Clerk", "abe", "new"), nil},
	})
	t.Run("they are named, suspended ones too", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
		err := suspended(company.Assigning("Clerk", "stan", "new", "abe", "ada"))(ctx, c, c.W.System("import"))
		var refused *rbac.RefusalError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, &rbac.RefusalError{
			Rule: rbac.ErrAdministrator, Role: rbac.Administrator, RoleName: "Administrator", Users: []string{"abe", "ada"},
		}, refused)
	})
}

// ruleCase is a change that somebody tries, and what comes of it.
type ruleCase struct {
	name  string
	actor string // empty for System
	try   company.Try
	want  error // the rule that refuses; nil if none does
}

// runRule runs the cases of one rule, each in a company of its own. A refused
// change leaves store and memory as they were; an allowed one is made.
func runRule(t *testing.T, cases []ruleCase) {
	t.Helper()
	names := map[string]bool{}
	allowed, refused := 0, 0
	for _, test := range cases {
		require.False(t, names[test.name], "%q is there twice", test.name)
		names[test.name] = true
		if test.want == nil {
			allowed++
		} else {
			refused++
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := company.New(t, rbac.NewMemStore(), "")
			a := c.W.System("test")
			if test.actor != "" {
				a = c.W.As(test.actor)
			}
			before, answers := contentsOf(t, c.Store, ""), c.Answers(t)
			err := test.try(t.Context(), c, a)
			if test.want == nil {
				require.NoError(t, err)
				require.NotEqual(t, text(before), text(contentsOf(t, c.Store, "")))
			} else {
				require.ErrorIs(t, err, test.want)
				require.Equal(t, text(before), text(contentsOf(t, c.Store, "")))
				require.Equal(t, answers, c.Answers(t))
			}
			c.Check(t)
		})
	}
	require.NotZero(t, allowed, "a rule refuses something and allows something beside it")
	require.NotZero(t, refused, "a rule refuses something and allows something beside it")
}

func TestA8_RoleNamesAreUnique(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"create under a new name", "ada", company.Naming("Clerks"), nil},
		{"create under a taken one", "ada", company.Naming(" CLERK"), rbac.ErrNameTaken},
		{"create under a taken one as the application", "", company.Naming("clerk"), rbac.ErrNameTaken},
		{"rename to a new one", "ada", company.Editing("Clerk", func(r *rbac.Role) { r.Name = "Sellers" }), nil},
		{"rename to a taken one", "ada", company.Editing("Clerk", func(r *rbac.Role) { r.Name = "ｓeller" }), rbac.ErrNameTaken},
		{"respell one's own", "ada", company.Editing("Clerk", func(r *rbac.Role) { r.Name = "CLERK" }), nil},
		{"take a name that was given up", "ada", func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			return errors.Join(a.DeleteRole(ctx, c.Role("Unused").ID), company.Naming("unused")(ctx, c, a))
		}, nil},
	})
}

func TestA9_EditsOfAnotherVersionConflict(t *testing.T) {
	t.Parallel()
	versioned := func(by int64) func(*rbac.Role) {
		return func(r *rbac.Role) { r.Name, r.Version = "New", r.Version+by }
	}
	runRule(t, []ruleCase{
		{"the version that was read", "ada", company.Editing("Clerk", versioned(0)), nil},
		{"an older one", "ada", company.Editing("Clerk", versioned(-1)), rbac.ErrConflict},
		{"a newer one", "ada", company.Editing("Clerk", versioned(1)), rbac.ErrConflict},
		{"an impossible one", "ada", company.Editing("Clerk", versioned(-100)), rbac.ErrConflict},
		{"an older one as the application", "", company.Editing("Clerk", versioned(-1)), rbac.ErrConflict},
		{"two edits in turn", "ada", func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			role := c.Role("Clerk")
			role.Name = "One"
			role, err := a.UpdateRole(ctx, role)
			if err != nil {
				return err
			}
			role.Name = "Two"
			_, err = a.UpdateRole(ctx, role)
			return err
		}, nil},
	})
}

// A13: when several rules refuse, the first in the order answers.
func TestA13_TheFirstRuleAnswers(t *testing.T) {
	t.Parallel()
	dealsAll := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}
	create := func(r rbac.Role) func(context.Context, *company.Company, *rbac.Admin) error {
		return func(ctx context.Context, _ *company.Company, a *rbac.Admin) error {
			_, err := a.CreateRole(ctx, r)
			return err
		}
	}
	update := func(r rbac.Role) func(context.Context, *company.Company, *rbac.Admin) error {
		return func(ctx context.Context, _ *company.Company, a *rbac.Admin) error {
			_, err := a.UpdateRole(ctx, r)
			return err
		}
	}
	assignTo := func(role rbac.RoleID, users ...string) func(context.Context, *company.Company, *rbac.Admin) error {
		return func(ctx context.Context, _ *company.Company, a *rbac.Admin) error {
			return a.Assign(ctx, role, users...)
		}
	}
	stale := func(name string, edit func(*rbac.Role)) func(context.Context, *company.Company, *rbac.Admin) error {
		return company.Editing(name, func(r *rbac.Role) {
			r.Version = 99
			edit(r)
		})
	}
	for _, test := range []struct {
		actor       string
		first, then error
		try         company.Try
	}{
		{"nobody", rbac.ErrInvalid, rbac.ErrDenied, company.Assigning("Clerk", "")},
		{"ada", rbac.ErrInvalid, rbac.ErrRoleNotFound, assignTo("gone", "")},
		{"ada", rbac.ErrInvalid, rbac.ErrMemberNotFound, company.Removing("nobody", "")},
		{"ada", rbac.ErrInvalid, rbac.ErrProtectedRole, create(rbac.Role{System: true})},
		{"ada", rbac.ErrInvalid, rbac.ErrSelf, company.Removing("ada", "")},
		{"ada", rbac.ErrInvalid, rbac.ErrConflict, stale("Clerk", func(r *rbac.Role) { r.Name = "" })},
		{"max", rbac.ErrInvalid, rbac.ErrEscalation, create(rbac.Role{Permissions: dealsAll})},
		{"ada", rbac.ErrInvalid, rbac.ErrNameTaken, create(rbac.Role{Name: "Clerk", Version: 1})},
		{"ada", rbac.ErrInvalid, rbac.ErrLastAdministrator, company.Removing("ada", "abe", " ")},

		{"nobody", rbac.ErrDenied, rbac.ErrRoleNotFound, assignTo("gone", "new")},
		{"cleo", rbac.ErrDenied, rbac.ErrMemberNotFound, company.Removing("nobody")},
		{"cleo", rbac.ErrDenied, rbac.ErrProtectedRole, company.Deleting("Administrator")},
		{"cleo", rbac.ErrDenied, rbac.ErrSelf, company.Removing("cleo")},
		{"cleo", rbac.ErrDenied, rbac.ErrConflict, stale("Clerk", func(*rbac.Role) {})},
		{"cleo", rbac.ErrDenied, rbac.ErrEscalation, company.Assigning("Seller", "new")},
		{"cleo", rbac.ErrDenied, rbac.ErrNameTaken, company.Naming("Seller")},
		{"cleo", rbac.ErrDenied, rbac.ErrRoleInUse, company.Deleting("Clerk")},
		{"cleo", rbac.ErrDenied, rbac.ErrLastAdministrator, company.Removing("ada", "abe")},

		{"ada", rbac.ErrRoleNotFound, rbac.ErrProtectedRole, update(rbac.Role{ID: "gone", Name: "Administrator", System: true, Permissions: dealsAll})},
		{"ada", rbac.ErrRoleNotFound, rbac.ErrSelf, assignTo("gone", "ada")},
		{"ada", rbac.ErrMemberNotFound, rbac.ErrSelf, company.Removing("ada", "nobody")},
		{"ada", rbac.ErrRoleNotFound, rbac.ErrConflict, update(rbac.Role{ID: "gone", Name: "New", Version: 9, Permissions: dealsAll})},
		{"max", rbac.ErrRoleNotFound, rbac.ErrEscalation, assignTo("gone", "stan")},
		{"max", rbac.ErrMemberNotFound, rbac.ErrEscalation, company.Removing("stan", "nobody")},
		{"ada", rbac.ErrRoleNotFound, rbac.ErrNameTaken, update(rbac.Role{ID: "gone", Name: "Clerk", Permissions: dealsAll})},
		{"", rbac.ErrRoleNotFound, rbac.ErrLastAdministrator, assignTo("gone", "ada", "abe")},
		{"", rbac.ErrMemberNotFound, rbac.ErrLastAdministrator, company.Removing("ada", "abe", "nobody")},

		{"ada", rbac.ErrProtectedRole, rbac.ErrConflict, stale("Administrator", func(*rbac.Role) {})},
		{"ada", rbac.ErrProtectedRole, rbac.ErrConflict, stale("Clerk", func(r *rbac.Role) { r.Name = "administrator" })},
		{"ada", rbac.ErrProtectedRole, rbac.ErrConflict, stale("Clerk", func(r *rbac.Role) { r.System = true })},
		{"max", rbac.ErrProtectedRole, rbac.ErrEscalation, company.Deleting("Administrator")},
		{"max", rbac.ErrProtectedRole, rbac.ErrEscalation, create(rbac.Role{Name: "administrator", Permissions: dealsAll})},
		{"ada", rbac.ErrProtectedRole, rbac.ErrNameTaken, create(rbac.Role{Name: "Clerk", System: true})},
		{"ada", rbac.ErrProtectedRole, rbac.ErrRoleInUse, company.Deleting("Administrator")},

		{"max", rbac.ErrSelf, rbac.ErrEscalation, company.Assigning("Seller", "max")},
		{"max", rbac.ErrSelf, rbac.ErrEscalation, company.Removing("stan", "max")},
		{"ada", rbac.ErrSelf, rbac.ErrLastAdministrator, company.Removing("ada", "abe")},

		{"ada", rbac.ErrInvalid, rbac.ErrAdministrator, company.Assigning("Clerk", "abe", "")},
		{"cleo", rbac.ErrDenied, rbac.ErrAdministrator, company.Assigning("Clerk", "ada", "abe")},
		{"ada", rbac.ErrRoleNotFound, rbac.ErrAdministrator, assignTo("gone", "abe", "new")},
		{"ada", rbac.ErrSelf, rbac.ErrAdministrator, company.Assigning("Clerk", "ada", "abe")},
		{"max", rbac.ErrAdministrator, rbac.ErrEscalation, company.Assigning("Seller", "ada", "new")},
		{"", rbac.ErrAdministrator, rbac.ErrLastAdministrator, company.Assigning("Clerk", "ada", "abe")},

		{"max", rbac.ErrConflict, rbac.ErrEscalation, stale("Seller", func(r *rbac.Role) { r.Name = "New" })},
		{"ada", rbac.ErrConflict, rbac.ErrNameTaken, stale("Clerk", func(r *rbac.Role) { r.Name = "Seller" })},

		{"max", rbac.ErrEscalation, rbac.ErrNameTaken, create(rbac.Role{Name: "Clerk", Permissions: dealsAll})},
		{"max", rbac.ErrEscalation, rbac.ErrNameTaken, company.Editing("Seller", func(r *rbac.Role) { r.Name = "Clerk" })},
		{"max", rbac.ErrEscalation, rbac.ErrRoleInUse, company.Deleting("Seller")},
		{"max", rbac.ErrEscalation, rbac.ErrLastAdministrator, company.Removing("ada", "abe")},
		{"max", rbac.ErrEscalation, rbac.ErrLastAdministrator, company.Assigning("Clerk", "ada")},
	} {
		name := fmt.Sprintf("%v before %v", test.first, test.then)
		t.Run(strings.ReplaceAll(name, "rbac: ", ""), func(t *testing.T) {
			t.Parallel()
			c := company.New(t, rbac.NewMemStore(), "")
			a := c.W.System("test")
			if test.actor != "" {
				a = c.W.As(test.actor)
			}
			unchanged(t, c.Store, "", func() {
				err := test.try(t.Context(), c, a)
				require.ErrorIs(t, err, test.first)
				require.NotErrorIs(t, err, test.then)
			})
		})
	}
}

// Whom an Admin denies, it denies for the reason that Explain gives.
func TestDeniedActorHasTheReasonOfExplain(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	err := store.Update(ctx, "", func(tx rbac.Tx) error {
		return tx.PutMembers(rbac.Member{User: "cem", Role: "vanished", Suspended: true}, rbac.Member{User: "dee", Role: "vanished"},
			rbac.Member{User: "eve", Role: rbac.Administrator, Suspended: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	az, err := rbac.Open(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	defer az.Close()
	for _, user := range []string{"cem", "dee", "eve", "nobody", ""} {
		want, err := az.Explain(ctx, user, rbac.Users, rbac.Manage)
		if err != nil {
			t.Fatal(err)
		}
		var denied *rbac.DeniedError
		if err := az.As(user).Suspend(ctx, "dee"); !errors.As(err, &denied) || denied.Decision != want {
			t.Errorf("As(%q): %v, but Explain says: %v", user, err, want)
		}
	}
}
