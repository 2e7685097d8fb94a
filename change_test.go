package rbac_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
	"github.com/areagate/rbac/internal/fault"
)

// E7: areas that storage holds and this program does not know survive an edit
// by this program, and do not show in the roles that it returns.
func TestUpdateRoleKeepsAreasOfAnotherProgram(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	old, newer := openOn(t, store), openOn(t, store, company.Billing())
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

// What a store's failure inside a change becomes: the store's own error, and
// nothing is changed.
func TestChangesFailWithTheStore(t *testing.T) {
	t.Parallel()
	ctx, inner := t.Context(), rbac.NewMemStore()
	store := fault.New(inner)
	az := openOn(t, store)
	assign(t, az.Workspace, rbac.Administrator, "ada", "abe")
	role, spare := addRole(t, az.Workspace, "Clerk", nil), addRole(t, az.Workspace, "Spare", nil)
	manager := addRole(t, az.Workspace, "Manager", rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)})
	assign(t, az.Workspace, role.ID, "cleo")
	assign(t, az.Workspace, manager.ID, "max")
	allows(t, az.Workspace, "abe")
	edited := role
	edited.Name = "New"
	brokenMembers, brokenRoles := &fault.Rows{Members: fault.Broken[rbac.Member](0)}, &fault.Rows{Roles: fault.Broken[rbac.Role](0)}
	roleFails := &fault.Rows{Role: func(rbac.Role) (rbac.Role, error) { return rbac.Role{}, errBoom }}
	lastBreaks := 0
	for name, test := range map[string]struct {
		rows *fault.Rows
		try  func() error
	}{
		"PutRole":                     {fault.FailWrite("PutRole"), func() error { _, err := az.As("ada").CreateRole(ctx, rbac.Role{Name: "New"}); return err }},
		"PutRole, edited":             {fault.FailWrite("PutRole"), func() error { _, err := az.As("ada").UpdateRole(ctx, edited); return err }},
		"DeleteRole":                  {fault.FailWrite("DeleteRole"), func() error { return az.As("ada").DeleteRole(ctx, spare.ID) }},
		"PutMembers":                  {fault.FailWrite("PutMembers"), func() error { return az.As("ada").Suspend(ctx, "cleo") }},
		"DeleteMembers":               {fault.FailWrite("DeleteMembers"), func() error { return az.As("ada").Remove(ctx, "cleo") }},
		"AppendEvents":                {fault.FailWrite("AppendEvents"), func() error { return az.As("ada").Remove(ctx, "cleo") }},
		"the role to assign":          {roleFails, func() error { return az.As("ada").Assign(ctx, role.ID, "new") }},
		"members to assign":           {brokenMembers, func() error { return az.As("ada").Assign(ctx, role.ID, "new") }},
		"members to remove":           {brokenMembers, func() error { return az.As("ada").Remove(ctx, "cleo") }},
		"holders of a role to delete": {brokenMembers, func() error { return az.As("ada").DeleteRole(ctx, spare.ID) }},
		"holders of a role to replace": {brokenMembers, func() error {
			return az.As("ada").ReplaceRole(ctx, role.ID, spare.ID)
		}},
		"names": {brokenRoles, func() error { _, err := az.As("ada").CreateRole(ctx, rbac.Role{Name: "New"}); return err }},
		"other administrators": {&fault.Rows{Members: func(rows iter.Seq2[rbac.Member, error]) iter.Seq2[rbac.Member, error] {
			if lastBreaks++; lastBreaks == 1 {
				return rows
			}
			return fault.Broken[rbac.Member](0)(rows)
		}}, func() error { return az.As("ada").Remove(ctx, "abe") }},
		"the role of a member": {&fault.Rows{Role: func(r rbac.Role) (rbac.Role, error) {
			if r.ID == role.ID {
				return rbac.Role{}, errBoom
			}
			return r, nil
		}}, func() error { return az.As("max").Remove(ctx, "cleo") }},
	} {
		t.Run(name, func(t *testing.T) {
			store.SetRows(test.rows)
			defer store.SetRows(nil)
			unchanged(t, inner, "", func() { require.ErrorIs(t, test.try(), errBoom) })
			require.True(t, az.Can(ctx, "abe", rbac.Users, rbac.Manage))
		})
	}
	checkInvariants(t, inner, "")
}

// A11: within the caller's transaction, the actor's rights are those of the
// transaction, which nobody else sees yet.
func TestA11_RightsAreReadInTheTransaction(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
	require.NoError(t, c.Store.Update(ctx, "", func(tx rbac.Tx) error {
		in := rbac.TxStore("", tx)
		require.ErrorIs(t, c.W.In(in).As("cleo").Assign(ctx, c.Role("Clerk").ID, "new"), rbac.ErrDenied)
		require.NoError(t, c.W.In(in).As("ada").Assign(ctx, rbac.Administrator, "cleo"))
		require.NoError(t, c.W.In(in).As("cleo").Assign(ctx, c.Role("Clerk").ID, "ada"))
		require.ErrorIs(t, c.W.In(in).As("ada").Assign(ctx, c.Role("Clerk").ID, "other"), rbac.ErrDenied)
		require.True(t, c.W.Can(ctx, "ada", rbac.Users, rbac.Manage), "checks see it after the commit")
		return nil
	}))
	require.NoError(t, c.W.Sync(ctx))
	require.False(t, c.W.Can(ctx, "ada", rbac.Users, rbac.Manage))
	require.True(t, c.W.Can(ctx, "cleo", rbac.Users, rbac.Manage))
	c.Check(t)
}

// A12: a change that changes nothing writes nothing, makes no event and no
// version, and is no error.
func TestA12_NoChangeIsNoEvent(t *testing.T) {
	t.Parallel()
	for name, try := range map[string]company.Try{
		"edit to what it is":      company.Editing("Clerk", func(*rbac.Role) {}),
		"edit with a blank":       company.Editing("Clerk", func(r *rbac.Role) { r.Name = " Clerk " }),
		"edit with empty entries": company.Editing("Clerk", func(r *rbac.Role) { r.Permissions[rbac.Deals] = rbac.Access{} }),
		"edit of other fields": company.Editing("Clerk", func(r *rbac.Role) {
			r.CreatedAt, r.UpdatedAt = time.Time{}, time.Now()
		}),
		"edit of what cannot be seen": company.Editing("Biller", func(r *rbac.Role) { r.Permissions = rbac.Permissions{} }),
		"assign what they hold":       company.Assigning("Clerk", "cleo", "cody", "cleo"),
		"assign nobody":               company.Assigning("Clerk"),
		"suspend the suspended":       company.Suspending("cody", "sam"),
		"suspend nobody":              company.Suspending(),
		"reinstate the active":        company.Reinstating("cleo"),
		"reinstate nobody":            company.Reinstating(),
		"remove nobody":               company.Removing(),
		"replace a role by itself": func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.Role("Clerk").ID, c.Role("Clerk").ID)
		},
		"replace a role that nobody holds": func(ctx context.Context, c *company.Company, a *rbac.Admin) error {
			return a.ReplaceRole(ctx, c.Role("Unused").ID, c.Role("Clerk").ID)
		},
	} {
		for _, actor := range []string{"ada", ""} {
			t.Run(name+" by "+actor, func(t *testing.T) {
				t.Parallel()
				c := company.New(t, rbac.NewMemStore(), "")
				a := c.W.System("test")
				if actor != "" {
					a = c.W.As(actor)
				}
				unchanged(t, c.Store, "", func() { require.NoError(t, try(t.Context(), c, a)) })
			})
		}
	}
	t.Run("an edit that changes nothing returns the role", func(t *testing.T) {
		t.Parallel()
		c := company.New(t, rbac.NewMemStore(), "")
		role := c.Role("Clerk")
		role.UpdatedAt = time.Time{}
		same, err := c.W.As("ada").UpdateRole(t.Context(), role)
		require.NoError(t, err)
		require.Equal(t, c.Role("Clerk"), same)
	})
}

func TestA14_SeveralUsersAreOneChange(t *testing.T) {
	t.Parallel()
	runRule(t, []ruleCase{
		{"all can be removed", "ada", company.Removing("cleo", "stan"), nil},
		{"one of them is nobody", "ada", company.Removing("cleo", "nobody", "stan"), rbac.ErrMemberNotFound},
		{"all can be suspended", "ada", company.Suspending("cleo", "stan"), nil},
		{"one of them is nobody to suspend", "ada", company.Suspending("cleo", "nobody"), rbac.ErrMemberNotFound},
		{"all can be reinstated", "ada", company.Reinstating("cody", "sid"), nil},
		{"one of them is nobody to reinstate", "ada", company.Reinstating("cody", "nobody"), rbac.ErrMemberNotFound},
		{"all can be assigned", "max", company.Assigning("Unused", "cleo", "new"), nil},
		{"one of them holds more", "max", company.Assigning("Unused", "cleo", "stan", "new"), rbac.ErrEscalation},
		{"one of them is the last", "", company.Removing("cleo", "ada", "abe"), rbac.ErrLastAdministrator},
	})
	t.Run("duplicates count once", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
		before := contentsOf(t, c.Store, "").Revision.Seq
		require.NoError(t, c.W.As("ada").Assign(ctx, c.Role("Unused").ID, "new", "cleo", "new", "cleo", "new"))
		require.NoError(t, c.W.As("ada").Suspend(ctx, "new", "new"))
		require.NoError(t, c.W.As("ada").Reinstate(ctx, "new", "new"))
		require.NoError(t, c.W.As("ada").Remove(ctx, "new", "cleo", "new"))
		require.Equal(t, before+6, contentsOf(t, c.Store, "").Revision.Seq)
		c.Check(t)
	})
	t.Run("of nobody it is none, by whoever may, of a role that exists", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
		unchanged(t, c.Store, "", func() {
			require.NoError(t, c.W.As("ada").Assign(ctx, c.Role("Unused").ID))
			require.ErrorIs(t, c.W.As("ada").Assign(ctx, "gone"), rbac.ErrRoleNotFound)
			require.ErrorIs(t, c.W.As("cleo").Assign(ctx, c.Role("Unused").ID), rbac.ErrDenied)
		})
	})
	t.Run("who is missing is named, at most ten", func(t *testing.T) {
		t.Parallel()
		c := company.New(t, rbac.NewMemStore(), "")
		var users []string
		for i := range 12 {
			users = append(users, fmt.Sprintf("x%02d", 11-i))
		}
		err := c.W.As("ada").Suspend(t.Context(), append(users, "cleo", "x00")...)
		slices.Sort(users)
		require.Equal(t, &rbac.RefusalError{Rule: rbac.ErrMemberNotFound, Users: users[:10]}, err)
	})
	t.Run("Assign keeps a suspension", func(t *testing.T) {
		t.Parallel()
		ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
		require.NoError(t, c.W.As("ada").Assign(ctx, rbac.Administrator, "cody", "cleo"))
		require.True(t, c.Member("cody").Suspended)
		require.False(t, c.Member("cleo").Suspended)
		require.False(t, c.W.Can(ctx, "cody", rbac.Deals, rbac.Read))
		require.True(t, c.W.Can(ctx, "cleo", rbac.Deals, rbac.Read))
		c.Check(t)
	})
}

func TestA15_NewRoles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, c := t.Context(), company.New(t, rbac.NewMemStore(), "")
		ada := c.W.As("ada")
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
		require.False(t, c.W.Can(ctx, "new", rbac.Users, rbac.Manage))
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
		c.Check(t)
	})
}

// A member whose row cannot be read can be removed or given a role by an
// Administrator and by the application, and does not keep a role from being
// replaced and deleted.
func TestMalformedMembersCanBeMended(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	az := openOn(t, store)
	assign(t, az.Workspace, rbac.Administrator, "ann")
	manager := addRole(t, az.Workspace, "Manager", rbac.Permissions{rbac.Users: access(rbac.All, rbac.All)})
	clerk := addRole(t, az.Workspace, "Clerk", nil)
	assign(t, az.Workspace, manager.ID, "uma")
	assign(t, az.Workspace, clerk.ID, "joe")
	update(t, store, "", func(tx rbac.Tx) error {
		return tx.PutMembers(
			rbac.Member{User: "bad"}, rbac.Member{User: "worse"}, // without a role
			rbac.Member{User: "\xff", Role: clerk.ID},
		)
	})
	for _, change := range []func(a *rbac.Admin) error{
		func(a *rbac.Admin) error { return a.Remove(ctx, "bad") },
		func(a *rbac.Admin) error { return a.Assign(ctx, clerk.ID, "bad") },
		func(a *rbac.Admin) error { return a.ReplaceRole(ctx, clerk.ID, manager.ID) },
	} {
		require.ErrorIs(t, change(az.As("uma")), rbac.ErrMalformed)
	}
	require.ErrorIs(t, az.As("ann").Suspend(ctx, "bad"), rbac.ErrMalformed)
	require.NoError(t, az.As("ann").Remove(ctx, "bad"))
	require.ErrorIs(t, az.As("ann").Remove(ctx, "bad"), rbac.ErrMemberNotFound)
	require.NoError(t, az.System("repair").Assign(ctx, clerk.ID, "worse"))
	require.NoError(t, az.As("ann").ReplaceRole(ctx, clerk.ID, manager.ID))
	require.ErrorIs(t, az.As("uma").DeleteRole(ctx, clerk.ID), rbac.ErrRoleInUse)
	require.NoError(t, az.As("ann").DeleteRole(ctx, clerk.ID))
	require.NoError(t, az.VerifyEvents(ctx))
	other := openOn(t, store)
	require.NoError(t, other.Sync(ctx))
	d, err := other.Explain(ctx, "worse", rbac.Users, rbac.Read)
	require.NoError(t, err)
	require.Equal(t, manager.ID, d.Role)
}
