package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"

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
