package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// company is a workspace with somebody of every kind.
//
//	Administrator  ada, abe
//	Manager        max, mia, sam (suspended): manages all users; contacts read all, manage own; deals read own
//	Watcher        wes: reads all users
//	Half           hal: reads all users, manages own
//	Clerk          cleo, cody (suspended): contacts read all
//	Seller         stan, sid (suspended): deals read all, more than Manager
//	Biller         bill: an area of a newer program
//	Unused         nobody: contacts read own
//	Unused more    nobody: deals read all
type company struct {
	store rbac.Store
	w     *rbac.Workspace
	roles map[string]rbac.Role
}

// billing is the catalogue of a newer program.
func billing() rbac.Option {
	return rbac.WithAreas(append(rbac.DefaultAreas(), rbac.AreaInfo{Area: "billing", Label: "Billing"})...)
}

func newCompany(t *testing.T) *company {
	t.Helper()
	c := &company{store: newStore(t), roles: map[string]rbac.Role{}}
	c.w = openOn(t, c.store).Workspace
	newer := openOn(t, c.store, billing()).Workspace
	for _, r := range []struct {
		w           *rbac.Workspace
		name        string
		permissions rbac.Permissions
		holders     []string
	}{
		{c.w, "Manager", rbac.Permissions{
			rbac.Users: access(rbac.All, rbac.All), rbac.Contacts: access(rbac.All, rbac.Own), rbac.Deals: access(rbac.Own, rbac.None),
		}, []string{"max", "mia", "sam"}},
		{c.w, "Watcher", rbac.Permissions{rbac.Users: access(rbac.All, rbac.None)}, []string{"wes"}},
		{c.w, "Half", rbac.Permissions{rbac.Users: access(rbac.All, rbac.Own)}, []string{"hal"}},
		{c.w, "Clerk", rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.None)}, []string{"cleo", "cody"}},
		{c.w, "Seller", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}, []string{"stan", "sid"}},
		{newer, "Biller", rbac.Permissions{"billing": access(rbac.All, rbac.All)}, []string{"bill"}},
		{c.w, "Unused", rbac.Permissions{rbac.Contacts: access(rbac.Own, rbac.None)}, nil},
		{c.w, "Unused more", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}, nil},
	} {
		role := addRole(t, r.w, r.name, r.permissions)
		assign(t, r.w, role.ID, r.holders...)
		c.roles[r.name] = role
	}
	assign(t, c.w, rbac.Administrator, "ada", "abe")
	require.NoError(t, c.w.System("test").Suspend(t.Context(), "sam", "cody", "sid"))
	roles, err := c.w.Roles(t.Context())
	require.NoError(t, err)
	for _, role := range roles {
		c.roles[role.Name] = role // as this program shows it
	}
	return c
}

// role returns a role by name, one that the caller may change.
func (c *company) role(name string) rbac.Role {
	role := c.roles[name]
	role.Permissions = maps.Clone(role.Permissions)
	return role
}

func (c *company) member(user string) (found rbac.Member) {
	for member, err := range c.w.Members(context.Background(), rbac.MemberQuery{Users: []string{user}}) {
		if err == nil {
			found = member
		}
	}
	return found
}

func (c *company) check(t *testing.T) {
	t.Helper()
	checkInvariants(t, c.store, "")
	require.NoError(t, c.w.VerifyEvents(t.Context()))
}

// ruleCase is a change that somebody tries, and what comes of it.
type ruleCase struct {
	name  string
	actor string // empty for System
	try   func(ctx context.Context, c *company, a *rbac.Admin) error
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
			c := newCompany(t)
			a := c.w.System("test")
			if test.actor != "" {
				a = c.w.As(test.actor)
			}
			before, answers := contentsOf(t, c.store, ""), c.answers(t)
			err := test.try(t.Context(), c, a)
			if test.want == nil {
				require.NoError(t, err)
				require.NotEqual(t, text(before), text(contentsOf(t, c.store, "")))
			} else {
				require.ErrorIs(t, err, test.want)
				require.Equal(t, text(before), text(contentsOf(t, c.store, "")))
				require.Equal(t, answers, c.answers(t))
			}
			c.check(t)
		})
	}
	require.NotZero(t, allowed, "a rule refuses something and allows something beside it")
	require.NotZero(t, refused, "a rule refuses something and allows something beside it")
}

// answers returns what memory says about everybody.
func (c *company) answers(t *testing.T) (answers []string) {
	t.Helper()
	for _, user := range []string{"ada", "abe", "max", "mia", "sam", "wes", "hal", "cleo", "cody", "stan", "sid", "bill", "new"} {
		s, err := c.w.Subject(t.Context(), user)
		require.NoError(t, err)
		answers = append(answers, fmt.Sprint(user, s.Role(), s.Permissions(), s.Explain(rbac.Deals, rbac.Read)))
	}
	return answers
}

func removing(users ...string) func(context.Context, *company, *rbac.Admin) error {
	return func(ctx context.Context, _ *company, a *rbac.Admin) error { return a.Remove(ctx, users...) }
}

func suspending(users ...string) func(context.Context, *company, *rbac.Admin) error {
	return func(ctx context.Context, _ *company, a *rbac.Admin) error { return a.Suspend(ctx, users...) }
}

func reinstating(users ...string) func(context.Context, *company, *rbac.Admin) error {
	return func(ctx context.Context, _ *company, a *rbac.Admin) error { return a.Reinstate(ctx, users...) }
}

func deleting(name string) func(context.Context, *company, *rbac.Admin) error {
	return func(ctx context.Context, c *company, a *rbac.Admin) error { return a.DeleteRole(ctx, c.role(name).ID) }
}

func naming(name string) func(context.Context, *company, *rbac.Admin) error {
	return func(ctx context.Context, _ *company, a *rbac.Admin) error {
		_, err := a.CreateRole(ctx, rbac.Role{Name: name})
		return err
	}
}

func TestA1_ActorsNeedManageAllOnUsers(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"an Administrator", "ada", assigning("Clerk", "new"), nil},
		{"who manages all users", "max", assigning("Clerk", "new"), nil},
		{"the application", "", assigning("Clerk", "new"), nil},
		{"who manages own users", "hal", assigning("Half", "new"), rbac.ErrDenied},
		{"who reads users", "wes", assigning("Watcher", "new"), rbac.ErrDenied},
		{"who does neither", "cleo", assigning("Clerk", "new"), rbac.ErrDenied},
		{"who is suspended", "sam", assigning("Clerk", "new"), rbac.ErrDenied},
		{"who is nobody", "nobody", assigning("Clerk", "new"), rbac.ErrDenied},
		{"who has no id", "\x00", assigning("Clerk", "new"), rbac.ErrDenied},
		{"also to create", "wes", naming("New"), rbac.ErrDenied},
		{"also to edit", "wes", editing("Watcher", func(r *rbac.Role) { r.Name = "New" }), rbac.ErrDenied},
		{"also to delete", "wes", deleting("Unused"), rbac.ErrDenied},
		{"also to suspend", "wes", suspending("cleo"), rbac.ErrDenied},
		{"also to reinstate", "wes", reinstating("cody"), rbac.ErrDenied},
		{"also to remove", "wes", removing("cleo"), rbac.ErrDenied},
		{"also for no change", "wes", removing(), rbac.ErrDenied},
		{"also to replace", "wes", func(ctx context.Context, c *company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.role("Clerk").ID, c.role("Unused").ID)
		}, rbac.ErrDenied},
	})
}

// A denial of administration explains itself like one of a check.
func TestA1_Decision(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	update(t, c.store, "", func(tx rbac.Tx) error { // by hand
		return tx.PutMembers(rbac.Member{User: "gil", Role: "gone"})
	})
	revision := contentsOf(t, c.store, "").Revision.Seq
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
			Role: c.role(test.role).ID, RoleName: test.role, Reason: test.reason, Revision: revision,
		}
		if test.actor == "gil" {
			want.Role = "gone"
		}
		err := c.w.As(test.actor).Remove(t.Context(), "cleo")
		var denied *rbac.DeniedError
		require.ErrorAs(t, err, &denied)
		require.Equal(t, want, denied.Decision)
		require.Equal(t, "rbac: denied: "+want.String(), err.Error())
		require.NoError(t, c.w.Sync(t.Context()))
		if test.actor != "gil" { // whom only a load would find
			d, err := c.w.Explain(t.Context(), test.actor, rbac.Users, rbac.Manage)
			require.NoError(t, err)
			require.Equal(t, want, d, "a check says the same")
		}
	}
}

func TestA2_NobodyGrantsWhatTheyDoNotHold(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"create what one holds", "max", creating(rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.Own)}), nil},
		{"create All from Own", "max", creating(rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.All)}), rbac.ErrEscalation},
		{"assign what one holds", "max", assigning("Clerk", "new"), nil},
		{"assign more", "max", assigning("Seller", "new"), rbac.ErrEscalation},
		{"edit to what one holds", "max", editing("Clerk", func(r *rbac.Role) {
			r.Permissions[rbac.Deals] = access(rbac.Own, rbac.None)
		}), nil},
		{"edit to more", "max", editing("Clerk", func(r *rbac.Role) {
			r.Permissions[rbac.Deals] = access(rbac.Own, rbac.Own)
		}), rbac.ErrEscalation},
		{"the application grants anything", "", assigning("Biller", "new"), nil},
	})
}

func TestA3_NobodyTouchesWhoHoldsMore(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"delete less", "max", deleting("Unused"), nil},
		{"delete more", "max", deleting("Unused more"), rbac.ErrEscalation},
		{"edit less", "max", editing("Clerk", func(r *rbac.Role) { r.Name = "New" }), nil},
		{"edit more", "max", editing("Seller", func(r *rbac.Role) { r.Name = "New" }), rbac.ErrEscalation},
		{"reassign who holds as much", "max", assigning("Clerk", "mia"), nil},
		{"reassign who holds more", "max", assigning("Clerk", "stan"), rbac.ErrEscalation},
		{"suspend who holds as much", "max", suspending("mia"), nil},
		{"suspend who holds more", "max", suspending("stan"), rbac.ErrEscalation},
		{"reinstate who holds as much", "max", reinstating("sam"), nil},
		{"reinstate who holds more", "max", reinstating("sid"), rbac.ErrEscalation},
		{"remove who holds as much", "max", removing("mia"), nil},
		{"remove who holds more", "max", removing("stan"), rbac.ErrEscalation},
		{"remove who holds what this program does not know", "max", removing("bill"), rbac.ErrEscalation},
		{"the same as Administrator", "ada", removing("bill"), nil},
		{"the application touches anybody", "", removing("bill", "stan", "abe"), nil},
	})
}

// A member whose role does not exist holds nothing, so whoever manages users
// may sort them out.
func TestA3_MembersWithoutARole(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), newCompany(t)
	update(t, c.store, "", func(tx rbac.Tx) error {
		return tx.PutMembers(rbac.Member{User: "gil", Role: "gone"}, rbac.Member{User: "gus", Role: "gone"}, rbac.Member{User: "gay", Role: "gone"})
	})
	max := c.w.As("max")
	require.NoError(t, max.Remove(ctx, "gay"))
	require.NoError(t, max.Assign(ctx, c.role("Clerk").ID, "gil"))
	require.True(t, c.w.Can(ctx, "gil", rbac.Contacts, rbac.Read))
	require.NoError(t, max.ReplaceRole(ctx, "gone", c.role("Clerk").ID), "a role that is gone can be replaced")
	require.True(t, c.w.Can(ctx, "gus", rbac.Contacts, rbac.Read))
	require.ErrorIs(t, max.ReplaceRole(ctx, "gone", c.role("Clerk").ID), rbac.ErrRoleNotFound, "when somebody holds it")
}

func TestA4_NobodyChangesTheirOwnMembership(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"somebody else's", "ada", assigning("Clerk", "abe"), nil},
		{"one's own", "ada", assigning("Clerk", "ada"), rbac.ErrSelf},
		{"one's own, to what it is", "ada", assigning("Administrator", "ada"), rbac.ErrSelf},
		{"one's own among others", "max", removing("cleo", "max", "mia"), rbac.ErrSelf},
		{"others", "max", removing("cleo", "mia"), nil},
		{"one's own standing", "max", reinstating("max"), rbac.ErrSelf},
		{"somebody else's standing", "max", reinstating("sam"), nil},
		{"one's own suspension", "max", suspending("max"), rbac.ErrSelf},
		{"somebody's with an id that looks like one's own", "max", assigning("Clerk", "Max"), nil},
	})
}

func TestA5_SystemRolesAreProtected(t *testing.T) {
	t.Parallel()
	system := func(ctx context.Context, _ *company, a *rbac.Admin) error {
		_, err := a.CreateRole(ctx, rbac.Role{Name: "New", System: true})
		return err
	}
	runRule(t, []ruleCase{
		{"create a role", "ada", naming("New"), nil},
		{"create a system role", "ada", system, rbac.ErrProtectedRole},
		{"create a system role as the application", "", system, rbac.ErrProtectedRole},
		{"edit a role", "ada", editing("Clerk", func(r *rbac.Role) { r.Name = "New" }), nil},
		{"edit a system role", "ada", editing("Administrator", func(r *rbac.Role) { r.Permissions = nil }), rbac.ErrProtectedRole},
		{"edit a system role as the application", "", editing("Administrator", func(r *rbac.Role) { r.Name = "New" }), rbac.ErrProtectedRole},
		{"edit a system role to what it is", "ada", editing("Administrator", func(*rbac.Role) {}), rbac.ErrProtectedRole},
		{"make a role a system role", "ada", editing("Clerk", func(r *rbac.Role) { r.System = true }), rbac.ErrProtectedRole},
		{"delete a role", "ada", deleting("Unused"), nil},
		{"delete a system role", "ada", deleting("Administrator"), rbac.ErrProtectedRole},
		{"delete a system role as the application", "", deleting("Administrator"), rbac.ErrProtectedRole},
		{"create under its name", "ada", naming("ADMINISTRATOR "), rbac.ErrProtectedRole},
		{"create under its name as the application", "", naming("Ａdministrator"), rbac.ErrProtectedRole},
		{"create under a name close by", "ada", naming("Administrators"), nil},
		{"rename to its name", "ada", editing("Clerk", func(r *rbac.Role) { r.Name = "administrator" }), rbac.ErrProtectedRole},
		{"assign it", "ada", assigning("Administrator", "cleo"), nil},
	})
}

// What refuses about a system role names it.
func TestA5_RefusalNamesTheRole(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	az := openOn(t, newStore(t), rbac.WithSystemRoles(rbac.Role{ID: "support", Name: "Support"}))
	admin := az.System("test")
	role := addRole(t, az.Workspace, "Other", nil)
	role.Name = "SUPPORT"
	_, shadowed := admin.UpdateRole(ctx, role)
	_, created := admin.CreateRole(ctx, rbac.Role{Name: " support"})
	_, edited := admin.UpdateRole(ctx, rbac.Role{ID: "support", Name: "Helpers"})
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
	ctx, store := t.Context(), newStore(t)
	everything := rbac.Permissions{}
	for _, info := range rbac.DefaultAreas() {
		everything[info.Area] = access(rbac.All, rbac.All)
	}
	az := openOn(t, store, rbac.WithSystemRoles(
		rbac.Role{ID: "steward", Name: "Steward", Permissions: rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)}},
		rbac.Role{ID: "owner", Name: "Owner", Permissions: everything},
	))
	biller := addRole(t, openOn(t, store, billing()).Workspace, "Biller", rbac.Permissions{"billing": access(rbac.All, rbac.None)})
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
		{"one of two is removed", "", removing("ada"), nil},
		{"both are removed", "", removing("ada", "abe"), rbac.ErrLastAdministrator},
		{"one of two is suspended", "", suspending("ada"), nil},
		{"both are suspended", "", suspending("ada", "abe"), rbac.ErrLastAdministrator},
		{"one of two is demoted", "ada", assigning("Clerk", "abe"), nil},
		{"both are demoted", "", assigning("Clerk", "ada", "abe"), rbac.ErrLastAdministrator},
		{"both are demoted and one is suspended already", "", func(ctx context.Context, c *company, a *rbac.Admin) error {
			if err := a.Suspend(ctx, "abe"); err != nil {
				return err
			}
			if err := a.Assign(ctx, c.role("Clerk").ID, "abe"); err != nil {
				return err
			}
			return a.Assign(ctx, c.role("Clerk").ID, "cody")
		}, nil},
		{"the role of both is replaced", "", func(ctx context.Context, c *company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, rbac.Administrator, c.role("Clerk").ID)
		}, rbac.ErrLastAdministrator},
		{"another role is replaced by theirs", "", func(ctx context.Context, c *company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.role("Clerk").ID, rbac.Administrator)
		}, nil},
	})
}

func TestA7_RolesInUseStay(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"nobody holds it", "ada", deleting("Unused"), nil},
		{"somebody holds it", "ada", deleting("Half"), rbac.ErrRoleInUse},
		{"as the application", "", deleting("Half"), rbac.ErrRoleInUse},
		{"only somebody suspended holds it", "ada", func(ctx context.Context, c *company, a *rbac.Admin) error {
			return deleting("Unused")(ctx, c, c.w.System("test"))
		}, nil},
		{"nobody holds it any more", "ada", func(ctx context.Context, c *company, a *rbac.Admin) error {
			return errors.Join(a.Remove(ctx, "hal"), a.DeleteRole(ctx, c.role("Half").ID))
		}, nil},
	})
	t.Run("suspended holders hold it", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), newCompany(t)
		require.NoError(t, c.w.As("ada").Suspend(ctx, "hal"))
		require.ErrorIs(t, c.w.As("ada").DeleteRole(ctx, c.role("Half").ID), rbac.ErrRoleInUse)
		c.check(t)
	})
	t.Run("at most ten holders are named", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), newCompany(t)
		var users []string
		for i := range 12 {
			users = append(users, fmt.Sprintf("u%02d", i))
		}
		assign(t, c.w, c.role("Unused").ID, users...)
		err := c.w.As("ada").DeleteRole(ctx, c.role("Unused").ID)
		var refused *rbac.RefusalError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, &rbac.RefusalError{
			Rule: rbac.ErrRoleInUse, Role: c.role("Unused").ID, RoleName: "Unused", Users: users[:10],
		}, refused)
		require.Equal(t, `rbac: role is in use: role "Unused": "u00", "u01", "u02", "u03", "u04", "u05", "u06", "u07", "u08", "u09"`, err.Error())
	})
}

func TestA8_RoleNamesAreUnique(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"create under a new name", "ada", naming("Clerks"), nil},
		{"create under a taken one", "ada", naming(" CLERK"), rbac.ErrNameTaken},
		{"create under a taken one as the application", "", naming("clerk"), rbac.ErrNameTaken},
		{"rename to a new one", "ada", editing("Clerk", func(r *rbac.Role) { r.Name = "Sellers" }), nil},
		{"rename to a taken one", "ada", editing("Clerk", func(r *rbac.Role) { r.Name = "ｓeller" }), rbac.ErrNameTaken},
		{"respell one's own", "ada", editing("Clerk", func(r *rbac.Role) { r.Name = "CLERK" }), nil},
		{"take a name that was given up", "ada", func(ctx context.Context, c *company, a *rbac.Admin) error {
			return errors.Join(a.DeleteRole(ctx, c.role("Unused").ID), naming("unused")(ctx, c, a))
		}, nil},
	})
}

func TestA9_EditsOfAnotherVersionConflict(t *testing.T) {
	t.Parallel()
	versioned := func(by int64) func(*rbac.Role) {
		return func(r *rbac.Role) { r.Name, r.Version = "New", r.Version+by }
	}
	runRule(t, []ruleCase{
		{"the version that was read", "ada", editing("Clerk", versioned(0)), nil},
		{"an older one", "ada", editing("Clerk", versioned(-1)), rbac.ErrConflict},
		{"a newer one", "ada", editing("Clerk", versioned(1)), rbac.ErrConflict},
		{"an impossible one", "ada", editing("Clerk", versioned(-100)), rbac.ErrConflict},
		{"an older one as the application", "", editing("Clerk", versioned(-1)), rbac.ErrConflict},
		{"two edits in turn", "ada", func(ctx context.Context, c *company, a *rbac.Admin) error {
			role := c.role("Clerk")
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

// fields are what a ValidationError names, in order.
func fields(t *testing.T, err error) []string {
	t.Helper()
	require.ErrorIs(t, err, rbac.ErrInvalid)
	var v *rbac.ValidationError
	require.ErrorAs(t, err, &v)
	var names []string
	for _, f := range v.Fields {
		require.NotEmpty(t, f.Problem)
		require.Contains(t, err.Error(), f.String())
		names = append(names, f.Field)
	}
	return names
}

func TestA10_BadInputNamesEveryField(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 80)
	for _, test := range []struct {
		name string
		role rbac.Role
		want []string // of CreateRole; UpdateRole with a good id names the same, but for id and version
	}{
		{"the longest name and description", rbac.Role{Name: long, Description: strings.Repeat("é", 500)}, nil},
		{"every area and scope", rbac.Role{Name: "New", Permissions: rbac.Permissions{
			rbac.Contacts: access(rbac.Own, rbac.All), rbac.Audit: access(rbac.All, rbac.None), rbac.Users: access(rbac.Own, rbac.Own),
		}}, nil},
		{"an area that is not known and grants nothing", rbac.Role{Name: "New", Permissions: rbac.Permissions{"billing": {}}}, []string{"permissions.billing"}},
		{"no name", rbac.Role{}, []string{"name"}},
		{"a blank name", rbac.Role{Name: " \t\n"}, []string{"name"}},
		{"a name too long", rbac.Role{Name: long + "x"}, []string{"name"}},
		{"a name with a control character", rbac.Role{Name: "a\x00b"}, []string{"name"}},
		{"a name that is not UTF-8", rbac.Role{Name: "a\xff"}, []string{"name"}},
		{"a description too long", rbac.Role{Name: "New", Description: strings.Repeat("x", 501)}, []string{"description"}},
		{"a description with a line feed", rbac.Role{Name: "New", Description: "a\nb"}, []string{"description"}},
		{"an unknown area", rbac.Role{Name: "New", Permissions: rbac.Permissions{"billing": access(rbac.All, rbac.None)}}, []string{"permissions.billing"}},
		{"a hostile area", rbac.Role{Name: "New", Permissions: rbac.Permissions{"a b\n": access(rbac.All, rbac.None)}}, []string{`permissions."a b\n"`}},
		{"unknown scopes", rbac.Role{Name: "New", Permissions: rbac.Permissions{rbac.Deals: access(3, 255)}}, []string{"permissions.deals.read", "permissions.deals.manage"}},
		{"Own where nobody owns", rbac.Role{Name: "New", Permissions: rbac.Permissions{
			rbac.API: access(rbac.Own, rbac.All), rbac.Audit: access(rbac.All, rbac.Own),
		}}, []string{"permissions.api.read", "permissions.audit.manage"}},
		{"everything at once", rbac.Role{Description: "\x00", Permissions: rbac.Permissions{
			"z": access(rbac.All, rbac.All), rbac.API: access(rbac.Own, 9), rbac.Deals: access(9, rbac.All),
		}}, []string{"name", "description", "permissions.api.read", "permissions.api.manage", "permissions.deals.read", "permissions.z"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, c := t.Context(), newCompany(t)
			admin := c.w.System("test")
			edited := test.role
			edited.ID, edited.Version = c.role("Clerk").ID, c.role("Clerk").Version
			if test.want == nil {
				_, err := admin.CreateRole(ctx, test.role)
				require.NoError(t, err)
				edited.Name = "Edited"
				_, err = admin.UpdateRole(ctx, edited)
				require.NoError(t, err)
				return
			}
			unchanged(t, c.store, "", func() {
				_, err := admin.CreateRole(ctx, test.role)
				require.Equal(t, test.want, fields(t, err))
				_, err = admin.Plan(ctx, test.role)
				require.Equal(t, test.want, fields(t, err))
				_, err = admin.UpdateRole(ctx, edited)
				require.Equal(t, test.want, fields(t, err))
				_, err = admin.Plan(ctx, edited)
				require.Equal(t, test.want, fields(t, err))
			})
		})
	}
}

// Users, roles, reasons and workspaces alike; and all that is wrong at once.
func TestA10_BadIDsAndReasons(t *testing.T) {
	t.Parallel()
	ctx, az := t.Context(), openOn(t, newStore(t))
	role, err := az.System("test").CreateRole(ctx, rbac.Role{Name: "New"})
	require.NoError(t, err)
	for _, test := range []struct {
		name string
		err  error
		want []string
	}{
		{"one user of many", az.System("x").Assign(ctx, role.ID, "a", "", "b", "c\x00"), []string{"users[1]", "users[3]"}},
		{"users and role", az.System("x").Assign(ctx, " ", ""), []string{"users[0]", "role"}},
		{"both roles", az.System("x").ReplaceRole(ctx, "", "\xff"), []string{"old", "with"}},
		{"no reason", az.System("").Assign(ctx, role.ID, "a"), []string{"reason"}},
		{"a blank reason", az.System(" ").Assign(ctx, role.ID, "a"), []string{"reason"}},
		{"a reason too long", az.System(strings.Repeat("x", 501)).Assign(ctx, role.ID, "a"), []string{"reason"}},
		{"a reason with a line feed", az.System("a\nb").Assign(ctx, role.ID, "a"), []string{"reason"}},
		{"everything", az.For("\x00").System("").Assign(ctx, "", "a", ""), []string{"users[1]", "role", "workspace", "reason"}},
		{"also for no change", az.System("").Remove(ctx), []string{"reason"}},
	} {
		require.Equal(t, test.want, fields(t, test.err), test.name)
	}
	require.Equal(t,
		`rbac: invalid input: users[1]: is empty; role: is empty; workspace: has the control character U+0000 at byte 0; reason: is empty`,
		az.For("\x00").System("").Assign(ctx, "", "a", "").Error())
}

// A11: within the caller's transaction, the actor's rights are those of the
// transaction, which nobody else sees yet.
func TestA11_RightsAreReadInTheTransaction(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), newCompany(t)
	require.NoError(t, c.store.Update(ctx, "", func(tx rbac.Tx) error {
		in := rbac.TxStore("", tx)
		require.ErrorIs(t, c.w.As("cleo").In(in).Assign(ctx, c.role("Clerk").ID, "new"), rbac.ErrDenied)
		require.NoError(t, c.w.As("ada").In(in).Assign(ctx, rbac.Administrator, "cleo"))
		require.NoError(t, c.w.As("cleo").In(in).Assign(ctx, c.role("Clerk").ID, "ada", "new"))
		require.ErrorIs(t, c.w.As("ada").In(in).Assign(ctx, c.role("Clerk").ID, "other"), rbac.ErrDenied)
		require.True(t, c.w.Can(ctx, "ada", rbac.Users, rbac.Manage), "checks see it after the commit")
		return nil
	}))
	require.NoError(t, c.w.Sync(ctx))
	require.False(t, c.w.Can(ctx, "ada", rbac.Users, rbac.Manage))
	require.True(t, c.w.Can(ctx, "cleo", rbac.Users, rbac.Manage))
	c.check(t)
}

// A12: a change that changes nothing writes nothing, makes no event and no
// version, and is no error.
func TestA12_NoChangeIsNoEvent(t *testing.T) {
	t.Parallel()
	for name, try := range map[string]func(ctx context.Context, c *company, a *rbac.Admin) error{
		"edit to what it is":      editing("Clerk", func(*rbac.Role) {}),
		"edit with a blank":       editing("Clerk", func(r *rbac.Role) { r.Name = " Clerk " }),
		"edit with empty entries": editing("Clerk", func(r *rbac.Role) { r.Permissions[rbac.Deals] = rbac.Access{} }),
		"edit of other fields": editing("Clerk", func(r *rbac.Role) {
			r.CreatedAt, r.UpdatedAt = time.Time{}, time.Now()
		}),
		"edit of what cannot be seen": editing("Biller", func(r *rbac.Role) { r.Permissions = nil }),
		"assign what they hold":       assigning("Clerk", "cleo", "cody", "cleo"),
		"assign nobody":               assigning("Clerk"),
		"suspend the suspended":       suspending("cody", "sam"),
		"suspend nobody":              suspending(),
		"reinstate the active":        reinstating("cleo"),
		"reinstate nobody":            reinstating(),
		"remove nobody":               removing(),
		"replace a role by itself": func(ctx context.Context, c *company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.role("Clerk").ID, c.role("Clerk").ID)
		},
		"replace a role that nobody holds": func(ctx context.Context, c *company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.role("Unused").ID, c.role("Clerk").ID)
		},
	} {
		for _, actor := range []string{"ada", ""} {
			t.Run(name+" by "+actor, func(t *testing.T) {
				t.Parallel()
				c := newCompany(t)
				a := c.w.System("test")
				if actor != "" {
					a = c.w.As(actor)
				}
				unchanged(t, c.store, "", func() { require.NoError(t, try(t.Context(), c, a)) })
			})
		}
	}
	t.Run("an edit that changes nothing returns the role", func(t *testing.T) {
		t.Parallel()
		c := newCompany(t)
		role := c.role("Clerk")
		role.UpdatedAt = time.Time{}
		same, err := c.w.As("ada").UpdateRole(t.Context(), role)
		require.NoError(t, err)
		require.Equal(t, c.role("Clerk"), same)
	})
}

// A13: when several rules refuse, the first in the order answers.
func TestA13_TheFirstRuleAnswers(t *testing.T) {
	t.Parallel()
	dealsAll := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}
	create := func(r rbac.Role) func(context.Context, *company, *rbac.Admin) error {
		return func(ctx context.Context, _ *company, a *rbac.Admin) error {
			_, err := a.CreateRole(ctx, r)
			return err
		}
	}
	update := func(r rbac.Role) func(context.Context, *company, *rbac.Admin) error {
		return func(ctx context.Context, _ *company, a *rbac.Admin) error {
			_, err := a.UpdateRole(ctx, r)
			return err
		}
	}
	assignTo := func(role rbac.RoleID, users ...string) func(context.Context, *company, *rbac.Admin) error {
		return func(ctx context.Context, _ *company, a *rbac.Admin) error { return a.Assign(ctx, role, users...) }
	}
	stale := func(name string, edit func(*rbac.Role)) func(context.Context, *company, *rbac.Admin) error {
		return editing(name, func(r *rbac.Role) {
			r.Version = 99
			edit(r)
		})
	}
	for _, test := range []struct {
		actor       string
		first, then error
		try         func(ctx context.Context, c *company, a *rbac.Admin) error
	}{
		{"nobody", rbac.ErrInvalid, rbac.ErrDenied, assigning("Clerk", "")},
		{"ada", rbac.ErrInvalid, rbac.ErrRoleNotFound, assignTo("gone", "")},
		{"ada", rbac.ErrInvalid, rbac.ErrMemberNotFound, removing("nobody", "")},
		{"ada", rbac.ErrInvalid, rbac.ErrProtectedRole, create(rbac.Role{System: true})},
		{"ada", rbac.ErrInvalid, rbac.ErrSelf, removing("ada", "")},
		{"ada", rbac.ErrInvalid, rbac.ErrConflict, stale("Clerk", func(r *rbac.Role) { r.Name = "" })},
		{"max", rbac.ErrInvalid, rbac.ErrEscalation, create(rbac.Role{Permissions: dealsAll})},
		{"ada", rbac.ErrInvalid, rbac.ErrNameTaken, create(rbac.Role{Name: "Clerk", Version: 1})},
		{"ada", rbac.ErrInvalid, rbac.ErrLastAdministrator, removing("ada", "abe", " ")},

		{"nobody", rbac.ErrDenied, rbac.ErrRoleNotFound, assignTo("gone", "new")},
		{"cleo", rbac.ErrDenied, rbac.ErrMemberNotFound, removing("nobody")},
		{"cleo", rbac.ErrDenied, rbac.ErrProtectedRole, deleting("Administrator")},
		{"cleo", rbac.ErrDenied, rbac.ErrSelf, removing("cleo")},
		{"cleo", rbac.ErrDenied, rbac.ErrConflict, stale("Clerk", func(*rbac.Role) {})},
		{"cleo", rbac.ErrDenied, rbac.ErrEscalation, assigning("Seller", "new")},
		{"cleo", rbac.ErrDenied, rbac.ErrNameTaken, naming("Seller")},
		{"cleo", rbac.ErrDenied, rbac.ErrRoleInUse, deleting("Clerk")},
		{"cleo", rbac.ErrDenied, rbac.ErrLastAdministrator, removing("ada", "abe")},

		{"ada", rbac.ErrRoleNotFound, rbac.ErrProtectedRole, update(rbac.Role{ID: "gone", Name: "Administrator", System: true})},
		{"ada", rbac.ErrRoleNotFound, rbac.ErrSelf, assignTo("gone", "ada")},
		{"ada", rbac.ErrMemberNotFound, rbac.ErrSelf, removing("ada", "nobody")},
		{"ada", rbac.ErrRoleNotFound, rbac.ErrConflict, update(rbac.Role{ID: "gone", Name: "New", Version: 9})},
		{"max", rbac.ErrRoleNotFound, rbac.ErrEscalation, assignTo("gone", "stan")},
		{"max", rbac.ErrMemberNotFound, rbac.ErrEscalation, removing("stan", "nobody")},
		{"ada", rbac.ErrRoleNotFound, rbac.ErrNameTaken, update(rbac.Role{ID: "gone", Name: "Clerk"})},
		{"", rbac.ErrRoleNotFound, rbac.ErrLastAdministrator, assignTo("gone", "ada", "abe")},
		{"", rbac.ErrMemberNotFound, rbac.ErrLastAdministrator, removing("ada", "abe", "nobody")},

		{"ada", rbac.ErrProtectedRole, rbac.ErrConflict, stale("Administrator", func(*rbac.Role) {})},
		{"ada", rbac.ErrProtectedRole, rbac.ErrConflict, stale("Clerk", func(r *rbac.Role) { r.Name = "administrator" })},
		{"ada", rbac.ErrProtectedRole, rbac.ErrConflict, stale("Clerk", func(r *rbac.Role) { r.System = true })},
		{"max", rbac.ErrProtectedRole, rbac.ErrEscalation, deleting("Administrator")},
		{"max", rbac.ErrProtectedRole, rbac.ErrEscalation, create(rbac.Role{Name: "administrator", Permissions: dealsAll})},
		{"ada", rbac.ErrProtectedRole, rbac.ErrNameTaken, create(rbac.Role{Name: "Clerk", System: true})},
		{"ada", rbac.ErrProtectedRole, rbac.ErrRoleInUse, deleting("Administrator")},

		{"max", rbac.ErrSelf, rbac.ErrEscalation, assigning("Seller", "max")},
		{"max", rbac.ErrSelf, rbac.ErrEscalation, removing("stan", "max")},
		{"ada", rbac.ErrSelf, rbac.ErrLastAdministrator, removing("ada", "abe")},

		{"max", rbac.ErrConflict, rbac.ErrEscalation, stale("Seller", func(r *rbac.Role) { r.Name = "New" })},
		{"ada", rbac.ErrConflict, rbac.ErrNameTaken, stale("Clerk", func(r *rbac.Role) { r.Name = "Seller" })},

		{"max", rbac.ErrEscalation, rbac.ErrNameTaken, create(rbac.Role{Name: "Clerk", Permissions: dealsAll})},
		{"max", rbac.ErrEscalation, rbac.ErrNameTaken, editing("Seller", func(r *rbac.Role) { r.Name = "Clerk" })},
		{"max", rbac.ErrEscalation, rbac.ErrRoleInUse, deleting("Seller")},
		{"max", rbac.ErrEscalation, rbac.ErrLastAdministrator, removing("ada", "abe")},
	} {
		name := fmt.Sprintf("%v before %v", test.first, test.then)
		t.Run(strings.ReplaceAll(name, "rbac: ", ""), func(t *testing.T) {
			t.Parallel()
			c := newCompany(t)
			a := c.w.System("test")
			if test.actor != "" {
				a = c.w.As(test.actor)
			}
			unchanged(t, c.store, "", func() {
				err := test.try(t.Context(), c, a)
				require.ErrorIs(t, err, test.first)
				require.NotErrorIs(t, err, test.then)
			})
		})
	}
}

func TestA14_SeveralUsersAreOneChange(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"all can be removed", "ada", removing("cleo", "stan"), nil},
		{"one of them is nobody", "ada", removing("cleo", "nobody", "stan"), rbac.ErrMemberNotFound},
		{"all can be suspended", "ada", suspending("cleo", "stan"), nil},
		{"one of them is nobody to suspend", "ada", suspending("cleo", "nobody"), rbac.ErrMemberNotFound},
		{"all can be reinstated", "ada", reinstating("cody", "sid"), nil},
		{"one of them is nobody to reinstate", "ada", reinstating("cody", "nobody"), rbac.ErrMemberNotFound},
		{"all can be assigned", "max", assigning("Unused", "cleo", "new"), nil},
		{"one of them holds more", "max", assigning("Unused", "cleo", "stan", "new"), rbac.ErrEscalation},
		{"one of them is the last", "", removing("cleo", "ada", "abe"), rbac.ErrLastAdministrator},
	})
	t.Run("duplicates count once", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), newCompany(t)
		before := contentsOf(t, c.store, "").Revision.Seq
		require.NoError(t, c.w.As("ada").Assign(ctx, c.role("Unused").ID, "new", "cleo", "new", "cleo", "new"))
		require.NoError(t, c.w.As("ada").Suspend(ctx, "new", "new"))
		require.NoError(t, c.w.As("ada").Reinstate(ctx, "new", "new"))
		require.NoError(t, c.w.As("ada").Remove(ctx, "new", "cleo", "new"))
		require.Equal(t, before+6, contentsOf(t, c.store, "").Revision.Seq)
		c.check(t)
	})
	t.Run("who is missing is named, at most ten", func(t *testing.T) {
		t.Parallel()
		c := newCompany(t)
		var users []string
		for i := range 12 {
			users = append(users, fmt.Sprintf("x%02d", 11-i))
		}
		err := c.w.As("ada").Suspend(t.Context(), append(users, "cleo", "x00")...)
		slices.Sort(users)
		require.Equal(t, &rbac.RefusalError{Rule: rbac.ErrMemberNotFound, Users: users[:10]}, err)
	})
	t.Run("Assign keeps a suspension", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), newCompany(t)
		require.NoError(t, c.w.As("ada").Assign(ctx, rbac.Administrator, "cody", "cleo"))
		require.True(t, c.member("cody").Suspended)
		require.False(t, c.member("cleo").Suspended)
		require.False(t, c.w.Can(ctx, "cody", rbac.Deals, rbac.Read))
		require.True(t, c.w.Can(ctx, "cleo", rbac.Deals, rbac.Read))
		c.check(t)
	})
}

func TestA15_NewRoles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, c := t.Context(), newCompany(t)
		ada := c.w.As("ada")
		time.Sleep(time.Minute + 1500*time.Nanosecond)
		now := time.Now().UTC().Truncate(time.Microsecond)
		given := rbac.Role{
			Name: "  New ", Description: " As it is. ", CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(2, 0),
			Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None), rbac.Tasks: {}},
		}
		role, err := ada.CreateRole(ctx, given)
		require.NoError(t, err)
		require.NotEmpty(t, role.ID)
		require.Equal(t, rbac.Role{
			ID: role.ID, Name: "New", Description: " As it is. ", Version: 1, CreatedAt: now, UpdatedAt: now,
			Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)},
		}, role)

		// What was given and what came back belong to the caller.
		given.Permissions[rbac.Users] = access(rbac.All, rbac.All)
		role.Permissions[rbac.Users] = access(rbac.All, rbac.All)
		require.NoError(t, ada.Assign(ctx, role.ID, "new"))
		require.False(t, c.w.Can(ctx, "new", rbac.Users, rbac.Manage))
		delete(role.Permissions, rbac.Users)

		// Each stored edit adds 1, and changes UpdatedAt alone.
		for version := int64(2); version < 5; version++ {
			time.Sleep(time.Second)
			role.Description = fmt.Sprint("Version ", version)
			want := role
			want.Version, want.UpdatedAt = version, time.Now().UTC().Truncate(time.Microsecond)
			role.CreatedAt = time.Unix(1, 0) // is not taken
			role, err = ada.UpdateRole(ctx, role)
			require.NoError(t, err)
			require.Equal(t, want, role)
		}

		for name, test := range map[string]struct {
			role rbac.Role
			want []string
		}{
			"an id":      {rbac.Role{ID: "mine", Name: "Other"}, []string{"id"}},
			"a version":  {rbac.Role{Name: "Other", Version: 1}, []string{"version"}},
			"a negative": {rbac.Role{Name: "Other", Version: -1}, []string{"version"}},
			"both":       {rbac.Role{ID: "mine", Name: "", Version: 1}, []string{"id", "version", "name"}},
		} {
			_, err := ada.CreateRole(ctx, test.role)
			require.Equal(t, test.want, fields(t, err), name)
		}
		_, err = ada.CreateRole(ctx, rbac.Role{Name: "Other", System: true})
		require.ErrorIs(t, err, rbac.ErrProtectedRole)
		c.check(t)
	})
}

// E7: areas that storage holds and this program does not know survive an edit
// by this program, and do not show in the roles that it returns.
func TestUpdateRoleKeepsAreasOfAnotherProgram(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	old, newer := openOn(t, store), openOn(t, store, billing())
	mixed := rbac.Permissions{"billing": access(rbac.All, rbac.All), rbac.Deals: access(rbac.All, rbac.None)}
	role := addRole(t, newer.Workspace, "Mixed", mixed)
	assign(t, newer.Workspace, role.ID, "vic")
	require.NoError(t, old.Sync(ctx))

	roles, err := old.Roles(ctx)
	require.NoError(t, err)
	shown := roles[1]
	require.Equal(t, rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}, shown.Permissions)
	require.False(t, old.Can(ctx, "vic", "billing", rbac.Read))
	shown.Permissions = rbac.Permissions{rbac.Tasks: access(rbac.All, rbac.None)}
	shown, err = old.System("test").UpdateRole(ctx, shown)
	require.NoError(t, err)
	require.Equal(t, rbac.Permissions{rbac.Tasks: access(rbac.All, rbac.None)}, shown.Permissions)
	_, err = old.System("test").UpdateRole(ctx, rbac.Role{
		ID: shown.ID, Name: shown.Name, Version: shown.Version, Permissions: rbac.Permissions{"billing": access(rbac.All, rbac.All)},
	})
	require.Equal(t, []string{"permissions.billing"}, fields(t, err))

	require.NoError(t, newer.Sync(ctx))
	require.True(t, newer.Can(ctx, "vic", "billing", rbac.Manage))
	require.True(t, newer.Can(ctx, "vic", rbac.Tasks, rbac.Read))
	require.False(t, newer.Can(ctx, "vic", rbac.Deals, rbac.Read))
	checkInvariants(t, store, "")
}

// Plan says what saving would do, and does nothing.
func TestPlan(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), newCompany(t)
	ada := c.w.As("ada")
	clerk := c.role("Clerk")
	edited := clerk
	edited.Name = " Clerks "
	edited.Permissions = rbac.Permissions{
		rbac.Contacts: access(rbac.Own, rbac.All), rbac.Deals: access(rbac.Own, rbac.None), rbac.Tasks: {},
	}
	var plan, created rbac.Plan
	unchanged(t, c.store, "", func() {
		var err error
		plan, err = ada.Plan(ctx, edited)
		require.NoError(t, err)
		created, err = ada.Plan(ctx, rbac.Role{Name: " New ", Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}})
		require.NoError(t, err)
	})
	require.Equal(t, &clerk, plan.Before)
	require.Equal(t, "Clerks", plan.Role.Name)
	require.Equal(t, rbac.Permissions{rbac.Contacts: access(rbac.None, rbac.All), rbac.Deals: access(rbac.Own, rbac.None)}, plan.Gained)
	require.Equal(t, rbac.Permissions{rbac.Contacts: access(rbac.All, rbac.None)}, plan.Lost)
	require.Equal(t, 2, plan.Members, "a suspended one included")
	require.NoError(t, plan.Refused)
	require.Equal(t, `role "Clerks", 2 members: gains contacts: manage all; deals: read own; loses contacts: read all`, plan.String())

	require.Nil(t, created.Before)
	require.Zero(t, created.Members)
	require.Equal(t, `role "New", 0 members: gains deals: read all; loses nothing`, created.String())

	// The plan can be carried out, once.
	role, err := ada.UpdateRole(ctx, plan.Role)
	require.NoError(t, err)
	require.Equal(t, "Clerks", role.Name)
	_, err = ada.UpdateRole(ctx, plan.Role)
	require.ErrorIs(t, err, rbac.ErrConflict)
	role, err = ada.CreateRole(ctx, created.Role)
	require.NoError(t, err)
	require.Equal(t, "New", role.Name)
	c.check(t)
}

// What a rule would refuse is in the plan; what cannot be planned is an error.
func TestPlanRefused(t *testing.T) {
	t.Parallel()
	dealsAll := rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}
	for _, test := range []struct {
		name    string
		actor   string
		role    func(c *company) rbac.Role
		refused error // in the plan
		err     error
	}{
		{"nothing refuses", "max", func(c *company) rbac.Role { return c.role("Clerk") }, nil, nil},
		{"a system role", "ada", func(c *company) rbac.Role { return c.role("Administrator") }, rbac.ErrProtectedRole, nil},
		{"its name", "ada", func(c *company) rbac.Role { return rbac.Role{Name: "administrator"} }, rbac.ErrProtectedRole, nil},
		{"another version", "ada", func(c *company) rbac.Role {
			r := c.role("Clerk")
			r.Version++
			return r
		}, rbac.ErrConflict, nil},
		{"more than one holds", "max", func(*company) rbac.Role { return rbac.Role{Name: "New", Permissions: dealsAll} }, rbac.ErrEscalation, nil},
		{"a role that holds more", "max", func(c *company) rbac.Role { return c.role("Seller") }, rbac.ErrEscalation, nil},
		{"a name that is taken", "ada", func(*company) rbac.Role { return rbac.Role{Name: "CLERK"} }, rbac.ErrNameTaken, nil},
		{"bad input", "ada", func(*company) rbac.Role { return rbac.Role{} }, nil, rbac.ErrInvalid},
		{"who may not", "cleo", func(*company) rbac.Role { return rbac.Role{Name: "New"} }, nil, rbac.ErrDenied},
		{"no such role", "ada", func(*company) rbac.Role { return rbac.Role{ID: "gone", Name: "New"} }, nil, rbac.ErrRoleNotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, c := t.Context(), newCompany(t)
			role := test.role(c)
			unchanged(t, c.store, "", func() {
				plan, err := c.w.As(test.actor).Plan(ctx, role)
				if test.err != nil {
					require.ErrorIs(t, err, test.err)
					require.Equal(t, rbac.Plan{}, plan)
					return
				}
				require.NoError(t, err)
				if test.refused == nil {
					require.NoError(t, plan.Refused)
					return
				}
				require.ErrorIs(t, plan.Refused, test.refused)
				require.True(t, strings.HasSuffix(plan.String(), "; refused: "+plan.Refused.Error()))
				if role.ID == "" {
					_, err = c.w.As(test.actor).CreateRole(ctx, role)
				} else {
					_, err = c.w.As(test.actor).UpdateRole(ctx, role)
				}
				require.Equal(t, plan.Refused, err, "the plan says what saving would say")
			})
		})
	}
	t.Run("the store fails", func(t *testing.T) {
		t.Parallel()
		store := newFaultStore(newStore(t))
		az := openOn(t, store)
		role := addRole(t, az.Workspace, "Clerk", nil)
		store.set(opView, failing(errBoom))
		_, err := az.System("test").Plan(t.Context(), role)
		require.ErrorIs(t, err, errBoom)
		store.set(opView, nil)
		store.setRows(&rowFaults{members: broken[rbac.Member](0)})
		_, err = az.System("test").Plan(t.Context(), role)
		require.ErrorIs(t, err, errBoom)
		store.setRows(&rowFaults{roles: broken[rbac.Role](0)})
		_, err = az.System("test").Plan(t.Context(), rbac.Role{Name: "New"})
		require.ErrorIs(t, err, errBoom)
	})
}

// ReplaceRole moves every holder, suspended ones too, so that the old role
// can be deleted.
func TestReplaceRole(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), newCompany(t)
	ada := c.w.As("ada")
	clerk, unused := c.role("Clerk").ID, c.role("Unused").ID
	before := contentsOf(t, c.store, "").Revision.Seq
	require.NoError(t, ada.ReplaceRole(ctx, clerk, unused))
	events := eventsOf(t, c.w, rbac.EventQuery{After: before})
	require.Len(t, events, 2)
	for i, user := range []string{"cleo", "cody"} {
		require.Equal(t, rbac.MemberAssigned, events[i].Kind)
		require.Equal(t, "ada", events[i].Actor)
		require.Equal(t, clerk, events[i].MemberBefore.Role)
		require.Equal(t, unused, events[i].MemberAfter.Role)
		require.Equal(t, user, events[i].MemberAfter.User)
		require.Equal(t, user == "cody", events[i].MemberAfter.Suspended, "a suspension is kept")
		require.Equal(t, events[i].Time, events[i].MemberAfter.UpdatedAt)
	}
	scope, err := c.w.Scope(ctx, "cleo", rbac.Contacts, rbac.Read)
	require.NoError(t, err)
	require.Equal(t, rbac.Own, scope)
	require.NoError(t, ada.DeleteRole(ctx, clerk))
	for name, err := range map[string]error{
		"an old role that is gone":   ada.ReplaceRole(ctx, clerk, unused),
		"an old role that never was": ada.ReplaceRole(ctx, "never", unused),
		"a new role that is gone":    ada.ReplaceRole(ctx, unused, clerk),
	} {
		var refused *rbac.RefusalError
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, rbac.ErrRoleNotFound, refused.Rule, name)
		require.NotEmpty(t, refused.Role, name)
	}
	require.NoError(t, c.w.System("merge").ReplaceRole(ctx, c.role("Seller").ID, rbac.Administrator))
	require.True(t, c.w.Can(ctx, "stan", rbac.Users, rbac.Manage))
	require.False(t, c.w.Can(ctx, "sid", rbac.Users, rbac.Manage))
	c.check(t)
}

// In: several changes in the caller's transaction become one, committed or
// rolled back together.
func TestIn(t *testing.T) {
	t.Parallel()
	for _, commit := range []bool{true, false} {
		t.Run(fmt.Sprintf("commit %t", commit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, store := t.Context(), newStore(t)
				az, other := openOn(t, store), openOn(t, store)
				assign(t, az.Workspace, rbac.Administrator, "ada")
				allows(t, other.Workspace, "ada")
				before := contentsOf(t, store, "")
				var role rbac.Role
				err := store.Update(ctx, "", func(tx rbac.Tx) (err error) {
					in := az.As("ada").In(rbac.TxStore("", tx))
					role, err = in.CreateRole(ctx, rbac.Role{Name: "Viewer", Permissions: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}})
					if err != nil {
						return err
					}
					if err := in.Assign(ctx, role.ID, "vic", "zoe"); err != nil {
						return err
					}
					plan, err := in.Plan(ctx, role)
					require.NoError(t, err)
					require.Equal(t, 2, plan.Members, "a plan in the transaction sees it")
					if err := in.DeleteRole(ctx, role.ID); !errors.Is(err, rbac.ErrRoleInUse) {
						return fmt.Errorf("a refusal leaves the transaction as it was: %v", err)
					}
					if err := in.Remove(ctx, "zoe"); err != nil {
						return err
					}
					require.False(t, az.Can(ctx, "vic", rbac.Deals, rbac.Read), "not before the commit")
					if !commit {
						return errBoom
					}
					return nil
				})
				synctest.Wait()
				if !commit {
					require.ErrorIs(t, err, errBoom)
					require.Equal(t, text(before), text(contentsOf(t, store, "")))
				} else {
					require.NoError(t, err)
					require.Len(t, contentsOf(t, store, "").Events, 5)
				}
				for _, w := range []*rbac.Authorizer{az, other} {
					require.NoError(t, w.Sync(ctx))
					require.Equal(t, commit, w.Can(ctx, "vic", rbac.Deals, rbac.Read))
					require.False(t, w.Can(ctx, "zoe", rbac.Deals, rbac.Read))
				}
				checkInvariants(t, store, "")
			})
		})
	}
}

// A transaction of one workspace is refused for another.
func TestInAnotherWorkspace(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	az := openOn(t, store)
	unchanged(t, store, "acme", func() {
		require.NoError(t, store.Update(ctx, "acme", func(tx rbac.Tx) error {
			in := rbac.TxStore("acme", tx)
			for _, workspace := range []string{"", "Acme", "other"} {
				err := az.For(workspace).System("test").In(in).Assign(ctx, rbac.Administrator, "ada")
				require.ErrorContains(t, err, "acme")
				_, err = az.For(workspace).System("test").In(in).Plan(ctx, rbac.Role{Name: "New"})
				require.ErrorContains(t, err, "acme")
			}
			found, err := in.Revisions(ctx, []string{"acme"})
			require.NoError(t, err)
			require.Equal(t, map[string]rbac.Revision{"acme": {}}, found)
			_, err = in.Revisions(ctx, []string{"acme", "other"})
			require.Error(t, err)
			cancelled, cancel := context.WithCancel(ctx)
			cancel()
			_, err = in.Revisions(cancelled, []string{"acme"})
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, in.View(cancelled, "acme", nil), context.Canceled)
			require.ErrorIs(t, in.Update(cancelled, "acme", nil), context.Canceled)
			return nil
		}))
	})
	ended := rbac.TxStore("acme", nil)
	require.NoError(t, store.Update(ctx, "acme", func(tx rbac.Tx) error {
		ended = rbac.TxStore("acme", tx)
		return nil
	}))
	require.Error(t, az.For("acme").System("test").In(ended).Assign(ctx, rbac.Administrator, "ada"), "after the transaction")
	_, err := ended.Revisions(ctx, []string{"acme"})
	require.Error(t, err)
	require.Panics(t, func() { az.System("test").In(nil) }, "a wiring mistake")
}

// What a store's failure inside a change becomes: the store's own error, and
// nothing is changed.
func TestChangesFailWithTheStore(t *testing.T) {
	t.Parallel()
	ctx, inner := t.Context(), newStore(t)
	store := newFaultStore(inner)
	az := openOn(t, store)
	assign(t, az.Workspace, rbac.Administrator, "ada", "abe")
	role, spare := addRole(t, az.Workspace, "Clerk", nil), addRole(t, az.Workspace, "Spare", nil)
	manager := addRole(t, az.Workspace, "Manager", rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)})
	assign(t, az.Workspace, role.ID, "cleo")
	assign(t, az.Workspace, manager.ID, "max")
	allows(t, az.Workspace, "abe")
	edited := role
	edited.Name = "New"
	brokenMembers, brokenRoles := &rowFaults{members: broken[rbac.Member](0)}, &rowFaults{roles: broken[rbac.Role](0)}
	roleFails := &rowFaults{role: func(rbac.Role) (rbac.Role, error) { return rbac.Role{}, errBoom }}
	lastBreaks := 0
	for name, test := range map[string]struct {
		rows *rowFaults
		try  func() error
	}{
		"PutRole":                     {failWrite("PutRole"), func() error { _, err := az.As("ada").CreateRole(ctx, rbac.Role{Name: "New"}); return err }},
		"PutRole, edited":             {failWrite("PutRole"), func() error { _, err := az.As("ada").UpdateRole(ctx, edited); return err }},
		"DeleteRole":                  {failWrite("DeleteRole"), func() error { return az.As("ada").DeleteRole(ctx, spare.ID) }},
		"PutMembers":                  {failWrite("PutMembers"), func() error { return az.As("ada").Suspend(ctx, "cleo") }},
		"DeleteMembers":               {failWrite("DeleteMembers"), func() error { return az.As("ada").Remove(ctx, "cleo") }},
		"AppendEvents":                {failWrite("AppendEvents"), func() error { return az.As("ada").Remove(ctx, "cleo") }},
		"the role to assign":          {roleFails, func() error { return az.As("ada").Assign(ctx, role.ID, "new") }},
		"members to assign":           {brokenMembers, func() error { return az.As("ada").Assign(ctx, role.ID, "new") }},
		"members to remove":           {brokenMembers, func() error { return az.As("ada").Remove(ctx, "cleo") }},
		"holders of a role to delete": {brokenMembers, func() error { return az.As("ada").DeleteRole(ctx, spare.ID) }},
		"holders of a role to replace": {brokenMembers, func() error {
			return az.As("ada").ReplaceRole(ctx, role.ID, spare.ID)
		}},
		"names": {brokenRoles, func() error { _, err := az.As("ada").CreateRole(ctx, rbac.Role{Name: "New"}); return err }},
		"other administrators": {&rowFaults{members: func(rows rowSeq[rbac.Member]) rowSeq[rbac.Member] {
			if lastBreaks++; lastBreaks == 1 {
				return rows
			}
			return broken[rbac.Member](0)(rows)
		}}, func() error { return az.As("ada").Remove(ctx, "abe") }},
		"the role of a member": {&rowFaults{role: func(r rbac.Role) (rbac.Role, error) {
			if r.ID == role.ID {
				return rbac.Role{}, errBoom
			}
			return r, nil
		}}, func() error { return az.As("max").Remove(ctx, "cleo") }},
	} {
		t.Run(name, func(t *testing.T) {
			store.setRows(test.rows)
			defer store.setRows(nil)
			unchanged(t, inner, "", func() { require.ErrorIs(t, test.try(), errBoom) })
			require.True(t, az.Can(ctx, "abe", rbac.Users, rbac.Manage))
		})
	}
	checkInvariants(t, inner, "")
}

// Every exported error is returned through the public API, alone or wrapped,
// and is told from the others.
func TestEveryErrorIsReturned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testEveryErrorIsReturned) // which waits for no pause between attempts
}

func testEveryErrorIsReturned(t *testing.T) {
	ctx, c := t.Context(), newCompany(t)
	ada, max := c.w.As("ada"), c.w.As("max")
	stale, taken := c.role("Clerk"), c.role("Clerk")
	stale.Version, taken.Name = 0, "Seller"

	faulty := newFaultStore(c.store)
	onFaulty := openOn(t, faulty)
	closed := openOn(t, newStore(t))
	require.NoError(t, closed.Close())
	update(t, c.store, "malformed", func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "bad"}) })
	tampered := newFaultStore(c.store)
	tampered.setRows(&rowFaults{events: cut[rbac.Event](1)})

	with := func(o op, b behaviour, try func() error) error {
		faulty.set(o, b)
		defer faulty.set(o, nil)
		return try()
	}
	_, conflict := ada.UpdateRole(ctx, stale)
	_, nameTaken := ada.UpdateRole(ctx, taken)
	_, unavailable := rbac.Open(ctx, func() rbac.Store {
		s := newFaultStore(c.store)
		s.set(opRevisions, failing(errBoom))
		return s
	}(), quiet)
	returned := map[string]struct{ got, sentinel error }{
		"ErrDenied":            {c.w.Authorize(ctx, "cleo", rbac.Deals, rbac.Read), rbac.ErrDenied},
		"ErrUnavailable":       {unavailable, rbac.ErrUnavailable},
		"ErrClosed":            {closed.System("test").Assign(ctx, rbac.Administrator, "x"), rbac.ErrClosed},
		"ErrInvalid":           {ada.Remove(ctx, ""), rbac.ErrInvalid},
		"ErrRoleNotFound":      {ada.DeleteRole(ctx, "gone"), rbac.ErrRoleNotFound},
		"ErrMemberNotFound":    {ada.Remove(ctx, "nobody"), rbac.ErrMemberNotFound},
		"ErrProtectedRole":     {ada.DeleteRole(ctx, rbac.Administrator), rbac.ErrProtectedRole},
		"ErrSelf":              {ada.Remove(ctx, "ada"), rbac.ErrSelf},
		"ErrConflict":          {conflict, rbac.ErrConflict},
		"ErrEscalation":        {max.Remove(ctx, "stan"), rbac.ErrEscalation},
		"ErrNameTaken":         {nameTaken, rbac.ErrNameTaken},
		"ErrRoleInUse":         {ada.DeleteRole(ctx, c.role("Clerk").ID), rbac.ErrRoleInUse},
		"ErrLastAdministrator": {c.w.System("test").Remove(ctx, "ada", "abe"), rbac.ErrLastAdministrator},
		"ErrContention": {with(opUpdate, rolledBack(rbac.ErrContention), func() error {
			return onFaulty.As("ada").Remove(ctx, "cleo")
		}), rbac.ErrContention},
		"ErrOutcomeUnknown": {with(opUpdate, lost(false), func() error {
			return onFaulty.As("ada").Remove(ctx, "cleo")
		}), rbac.ErrOutcomeUnknown},
		"ErrMalformed": {openOn(t, c.store).For("malformed").System("test").Remove(ctx, "bad"), rbac.ErrMalformed},
		"ErrTampered":  {openOn(t, tampered).VerifyEvents(ctx), rbac.ErrTampered},
	}
	var declared []string
	for _, file := range rootFiles(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			if _, isFunc := n.(*ast.FuncDecl); isFunc {
				return false
			}
			if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Err") {
				declared = append(declared, v.Names[0].Name)
			}
			return true
		})
	}
	slices.Sort(declared)
	require.Equal(t, declared, slices.Sorted(maps.Keys(returned)))
	for name, r := range returned {
		require.ErrorIs(t, r.got, r.sentinel, name)
		require.Contains(t, r.got.Error(), "rbac: ", name)
		for other, o := range returned {
			require.Equal(t, name == other, errors.Is(r.got, o.sentinel), "the %s that was returned is %s", name, other)
		}
	}
	c.check(t)
}

// The texts of the typed errors: what an operator reads. What comes from
// outside is quoted and bounded.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	hostileName := "x\n\"y\"" + strings.Repeat("z", 200)
	for _, test := range []struct {
		err  error
		want string
		is   error
	}{
		{&rbac.RefusalError{Rule: rbac.ErrRoleNotFound, Role: "r1"}, `rbac: role not found: role "r1"`, rbac.ErrRoleNotFound},
		{
			&rbac.RefusalError{Rule: rbac.ErrConflict, Role: "r1", RoleName: "Sales", Version: 7},
			`rbac: the role was changed in the meantime: role "Sales" is at version 7`, rbac.ErrConflict,
		},
		{&rbac.RefusalError{Rule: rbac.ErrNameTaken, Role: "r1", RoleName: "Sales"}, `rbac: role name is taken: role "Sales"`, rbac.ErrNameTaken},
		{
			&rbac.RefusalError{Rule: rbac.ErrMemberNotFound, Users: []string{"a\nb", "c"}},
			`rbac: member not found: "a\nb", "c"`, rbac.ErrMemberNotFound,
		},
		{
			&rbac.EscalationError{Actor: "max", Role: "r1", Missing: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}},
			`rbac: more than the actor holds: the role has what "max" does not hold: deals: read all`, rbac.ErrEscalation,
		},
		{
			&rbac.EscalationError{Actor: "max", User: "stan", Missing: rbac.Permissions{rbac.Deals: access(rbac.All, rbac.None)}},
			`rbac: more than the actor holds: member "stan" has what "max" does not hold: deals: read all`, rbac.ErrEscalation,
		},
		{
			&rbac.ValidationError{Fields: []rbac.FieldError{{Field: "name", Problem: "is empty"}, {Problem: "must be an object"}}},
			`rbac: invalid input: name: is empty; must be an object`, rbac.ErrInvalid,
		},
		{
			&rbac.MalformedError{Kind: "role", ID: "r1", Err: errBoom},
			`rbac: malformed row in the store: role "r1": boom`, rbac.ErrMalformed,
		},
		{&rbac.TamperedError{Seq: 7, Problem: "is missing"}, `rbac: the event chain is broken: event 7 is missing`, rbac.ErrTampered},
		{
			&rbac.DeniedError{Decision: rbac.Decision{User: "vic", Area: rbac.Deals, Action: rbac.Read, Reason: rbac.ReasonNotMember}},
			`rbac: denied: "vic" may not read deals: not a member of the workspace`, rbac.ErrDenied,
		},
		{
			&rbac.RefusalError{Rule: rbac.ErrNameTaken, RoleName: hostileName},
			`rbac: role name is taken: role "x\n\"y\"` + strings.Repeat("z", 95) + `"…`, rbac.ErrNameTaken,
		},
	} {
		require.Equal(t, test.want, test.err.Error())
		require.ErrorIs(t, test.err, test.is)
	}
	require.NotErrorIs(t, &rbac.MalformedError{Err: &rbac.ValidationError{}}, rbac.ErrInvalid, "it is no fault of the caller's input")
}
