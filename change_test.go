package rbac_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/company"
	"github.com/areagate/rbac/internal/fault"
)

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
