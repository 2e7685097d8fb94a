package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

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

// A member whose role does not exist can hold anything in another program, so
// an Administrator sorts them out.
func TestA3_MembersWithoutARole(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), newCompany(t)
	update(t, c.store, "", func(tx rbac.Tx) error {
		return tx.PutMembers(rbac.Member{User: "gil", Role: "gone"}, rbac.Member{User: "gus", Role: "gone"}, rbac.Member{User: "gay", Role: "gone"})
	})
	ada, max := c.w.As("ada"), c.w.As("max")
	require.ErrorIs(t, max.Remove(ctx, "gay"), rbac.ErrEscalation)
	require.NoError(t, ada.Remove(ctx, "gay"))
	require.NoError(t, ada.Assign(ctx, c.role("Clerk").ID, "gil"))
	require.True(t, c.w.Can(ctx, "gil", rbac.Contacts, rbac.Read))
	require.NoError(t, ada.ReplaceRole(ctx, "gone", c.role("Clerk").ID), "a role that is gone can be replaced")
	require.True(t, c.w.Can(ctx, "gus", rbac.Contacts, rbac.Read))
	require.ErrorIs(t, ada.ReplaceRole(ctx, "gone", c.role("Clerk").ID), rbac.ErrRoleNotFound, "when somebody holds it")
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

// AsSubject acts as its user, who holds no more than the subject's limit left:
// an API key does not get around its limit by way of administration.
func TestAsSubject(t *testing.T) {
	t.Parallel()
	ctx, az := t.Context(), openOn(t, newStore(t))
	reader := addRole(t, az.Workspace, "Reader", rbac.Permissions{rbac.Deals: access(rbac.Own, rbac.None)})
	wide := addRole(t, az.Workspace, "Wide", rbac.Permissions{rbac.Deals: access(rbac.All, rbac.All), rbac.Contacts: access(rbac.Own, rbac.None)})
	assign(t, az.Workspace, rbac.Administrator, "ada", "bea")
	assign(t, az.Workspace, reader.ID, "rob")
	ada, err := az.Subject(ctx, "ada")
	require.NoError(t, err)
	key := ada.Limit(rbac.Permissions{rbac.Users: access(rbac.None, rbac.All), rbac.Deals: access(rbac.All, rbac.None)})
	missing := func(err error) rbac.Permissions {
		var escalation *rbac.EscalationError
		require.ErrorAs(t, err, &escalation)
		require.Equal(t, "ada", escalation.Actor)
		return escalation.Missing
	}

	// What the key covers, it may do, in its user's name.
	require.NoError(t, az.AsSubject(key).Assign(ctx, reader.ID, "new"))
	require.NoError(t, az.AsSubject(key).Remove(ctx, "new"))
	for e, err := range az.Events(ctx, rbac.EventQuery{Newest: true, Limit: 2}) {
		require.NoError(t, err)
		require.Equal(t, "ada", e.Actor)
	}
	// What it does not cover, it neither grants nor touches.
	beyond := rbac.Permissions{rbac.Deals: access(rbac.None, rbac.All), rbac.Contacts: access(rbac.Own, rbac.None)}
	require.Equal(t, beyond, missing(az.AsSubject(key).Assign(ctx, wide.ID, "rob")))
	_, err = az.AsSubject(key).CreateRole(ctx, rbac.Role{Name: "Mine", Permissions: wide.Permissions})
	require.Equal(t, beyond, missing(err))
	require.Equal(t, beyond, missing(az.AsSubject(key).DeleteRole(ctx, wide.ID)))
	require.ErrorIs(t, az.AsSubject(key).Assign(ctx, rbac.Administrator, "rob"), rbac.ErrEscalation)
	require.ErrorIs(t, az.AsSubject(key).Suspend(ctx, "bea"), rbac.ErrEscalation)
	require.ErrorIs(t, az.AsSubject(key).Suspend(ctx, "ada"), rbac.ErrSelf)

	// A key without Manage All on Users does not administer, and the reason is
	// the limit.
	var denied *rbac.DeniedError
	require.ErrorAs(t, az.AsSubject(ada.Limit(nil)).Assign(ctx, reader.ID, "new"), &denied)
	require.Equal(t, rbac.ReasonLimited, denied.Decision.Reason)
	require.ErrorAs(t, az.AsSubject(ada.Limit(rbac.Permissions{rbac.Users: access(rbac.All, rbac.Own)})).Assign(ctx, reader.ID, "new"), &denied)
	require.Equal(t, rbac.ReasonLimited, denied.Decision.Reason)

	// A limit adds nothing: rights are read in the transaction (A11).
	require.NoError(t, az.System("test").Suspend(ctx, "ada"))
	require.ErrorAs(t, az.AsSubject(key).Assign(ctx, reader.ID, "new"), &denied)
	require.Equal(t, rbac.ReasonSuspended, denied.Decision.Reason)
	require.NoError(t, az.System("test").Reinstate(ctx, "ada"))

	// A subject of another workspace is nobody here, and neither is the zero
	// Subject anybody.
	assign(t, az.For("acme"), rbac.Administrator, "ada")
	require.ErrorIs(t, az.For("acme").AsSubject(ada).Assign(ctx, rbac.Administrator, "eve"), rbac.ErrDenied)
	require.ErrorIs(t, az.AsSubject(rbac.Subject{}).Assign(ctx, reader.ID, "eve"), rbac.ErrDenied)

	// Without a limit it is As: an Administrator covers areas that this program
	// does not know.
	store := newStore(t)
	newer := openOn(t, store, rbac.WithAreas(append(rbac.DefaultAreas(), rbac.AreaInfo{Area: "billing"})...))
	assign(t, newer.Workspace, rbac.Administrator, "ada")
	billing := addRole(t, newer.Workspace, "Billing", rbac.Permissions{"billing": access(rbac.All, rbac.All)})
	older := openOn(t, store)
	ada, err = older.Subject(ctx, "ada")
	require.NoError(t, err)
	require.NoError(t, older.AsSubject(ada).Assign(ctx, billing.ID, "bob"))
	require.ErrorIs(t, older.AsSubject(ada.Limit(ada.Permissions())).Remove(ctx, "bob"), rbac.ErrEscalation)
}
