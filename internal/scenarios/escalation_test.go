package scenarios_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
)

// The actor was demoted, suspended or removed by another instance a moment
// before: refused, though this instance does not know it yet (A11).
func TestScenario36_TheActorWasDemotedAMomentBefore(t *testing.T) {
	t.Parallel()
	for name, farewell := range map[string]func(ctx context.Context, a *rbac.Admin, viewer rbac.RoleID) error{
		"demoted": func(ctx context.Context, a *rbac.Admin, viewer rbac.RoleID) error {
			return a.Assign(ctx, viewer, "bob")
		},
		"suspended": func(ctx context.Context, a *rbac.Admin, _ rbac.RoleID) error { return a.Suspend(ctx, "bob") },
		"removed":   func(ctx context.Context, a *rbac.Admin, _ rbac.RoleID) error { return a.Remove(ctx, "bob") },
	} {
		for what, try := range map[string]func(ctx context.Context, a *rbac.Admin, viewer rbac.Role) error{
			"CreateRole": func(ctx context.Context, a *rbac.Admin, _ rbac.Role) error {
				_, err := a.CreateRole(ctx, rbac.Role{Name: "New"})
				return err
			},
			"UpdateRole": func(ctx context.Context, a *rbac.Admin, viewer rbac.Role) error {
				viewer.Permissions = rbac.Permissions{rbac.Deals: access(rbac.All, rbac.All)}
				_, err := a.UpdateRole(ctx, viewer)
				return err
			},
			"DeleteRole": func(ctx context.Context, a *rbac.Admin, viewer rbac.Role) error { return a.DeleteRole(ctx, viewer.ID) },
			"ReplaceRole": func(ctx context.Context, a *rbac.Admin, v rbac.Role) error {
				return a.ReplaceRole(ctx, v.ID, rbac.Administrator)
			},
			"Assign": func(ctx context.Context, a *rbac.Admin, _ rbac.Role) error {
				return a.Assign(ctx, rbac.Administrator, "eve")
			},
			"Suspend":   func(ctx context.Context, a *rbac.Admin, _ rbac.Role) error { return a.Suspend(ctx, "ann") },
			"Reinstate": func(ctx context.Context, a *rbac.Admin, _ rbac.Role) error { return a.Reinstate(ctx, "sue") },
			"Remove":    func(ctx context.Context, a *rbac.Admin, _ rbac.Role) error { return a.Remove(ctx, "ann") },
			"Plan": func(ctx context.Context, a *rbac.Admin, _ rbac.Role) error {
				return refused(planOf(ctx, a, rbac.Role{Name: "New"}))
			},
		} {
			t.Run(name+": "+what, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, inner := t.Context(), rbac.NewMemStore()
					here, there := openOn(t, fault.New(inner)), openOn(t, inner)
					viewer := addRole(t, there.Workspace, "Viewer", nil)
					assign(t, there.Workspace, rbac.Administrator, "ann", "bob", "sue")
					assign(t, there.Workspace, viewer.ID, "vic")
					require.NoError(t, there.As("ann").Suspend(ctx, "sue"))
					require.True(t, here.Can(ctx, "bob", rbac.Users, rbac.Manage))
					require.NoError(t, farewell(ctx, there.As("ann"), viewer.ID))

					require.True(t, here.Can(ctx, "bob", rbac.Users, rbac.Manage), "not known here yet")
					unchanged(t, inner, "", func() {
						err := try(ctx, here.As("bob"), viewer)
						require.ErrorIs(t, err, rbac.ErrDenied)
						var denied *rbac.DeniedError
						require.ErrorAs(t, err, &denied)
						require.Equal(t, rbac.Users, denied.Decision.Area)
						require.Equal(t, rbac.Manage, denied.Decision.Action)
						require.Equal(t, contentsOf(t, inner, "").Revision.Seq, denied.Decision.Revision, "decided in the transaction")
					})
				})
			})
		}
	}
}

// The other way round: a promotion that this instance does not know yet
// counts.
func TestScenario36_TheActorWasPromotedAMomentBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, inner := t.Context(), rbac.NewMemStore()
		here, there := openOn(t, fault.New(inner)), openOn(t, inner)
		assign(t, there.Workspace, rbac.Administrator, "ann")
		require.False(t, here.Can(ctx, "bob", rbac.Users, rbac.Manage))
		require.NoError(t, there.As("ann").Assign(ctx, rbac.Administrator, "bob"))
		require.False(t, here.Can(ctx, "bob", rbac.Users, rbac.Manage))
		require.NoError(t, here.As("bob").Remove(ctx, "ann"))
		require.True(t, here.Can(ctx, "bob", rbac.Users, rbac.Manage))
	})
}
