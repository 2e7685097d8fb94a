package scenarios

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
)

// No path removes, suspends or demotes the last active administrator, not
// even the application's.
func lastAdministratorStays(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	az := workspacetest.Open(t, store)
	type act func(ctx context.Context, w *rbac.Workspace, viewer rbac.RoleID) error
	system := func(w *rbac.Workspace) *rbac.Admin { return w.System("test") }
	for _, test := range []struct {
		name string
		act  act
		last []string // the administrators in the way; nil if it is allowed
		rule error    // if it is another than ErrLastAdministrator
	}{
		{"demote one of two", func(ctx context.Context, w *rbac.Workspace, viewer rbac.RoleID) error {
			return system(w).Assign(ctx, viewer, "bob")
		}, nil, nil},
		{"demote both", func(ctx context.Context, w *rbac.Workspace, viewer rbac.RoleID) error {
			return system(w).Assign(ctx, viewer, "bob", "ann", "bob")
		}, []string{"ann", "bob"}, rbac.ErrAdministrator},
		{"demote both among others", func(ctx context.Context, w *rbac.Workspace, viewer rbac.RoleID) error {
			return system(w).Assign(ctx, viewer, "ann", "bob", "new", "sue")
		}, []string{"ann", "bob", "sue"}, rbac.ErrAdministrator},
		{"demote the last", func(ctx context.Context, w *rbac.Workspace, viewer rbac.RoleID) error {
			if err := system(w).Remove(ctx, "bob"); err != nil {
				return fmt.Errorf("the first of two: %v", err)
			}
			return system(w).Assign(ctx, viewer, "ann")
		}, []string{"ann"}, nil},
		{"replace the role of all", func(ctx context.Context, w *rbac.Workspace, viewer rbac.RoleID) error {
			return system(w).ReplaceRole(ctx, rbac.Administrator, viewer)
		}, []string{"ann", "bob"}, nil},
		{"replace the role by itself", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).ReplaceRole(ctx, rbac.Administrator, rbac.Administrator)
		}, nil, nil},
		{"suspend one of two", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).Suspend(ctx, "ann")
		}, nil, nil},
		{"suspend both", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).Suspend(ctx, "ann", "bob")
		}, []string{"ann", "bob"}, nil},
		{"suspend the one who is suspended already", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).Suspend(ctx, "sue")
		}, nil, nil},
		{"remove one of two", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).Remove(ctx, "ann")
		}, nil, nil},
		{"remove the suspended one", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).Remove(ctx, "sue")
		}, nil, nil},
		{"remove all but the suspended one", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).Remove(ctx, "ann", "bob")
		}, []string{"ann", "bob"}, nil},
		{"remove all", func(ctx context.Context, w *rbac.Workspace, _ rbac.RoleID) error {
			return system(w).Remove(ctx, "ann", "bob", "sue")
		}, []string{"ann", "bob"}, nil},
		{"one after the other", func(ctx context.Context, w *rbac.Workspace, viewer rbac.RoleID) error {
			if err := system(w).Assign(ctx, viewer, "ann"); err != nil {
				return fmt.Errorf("the first of two: %v", err)
			}
			if err := w.As("bob").Reinstate(ctx, "sue"); err != nil {
				return fmt.Errorf("by the last: %v", err)
			}
			if err := w.As("sue").Remove(ctx, "bob"); err != nil {
				return fmt.Errorf("by another: %v", err)
			}
			return system(w).Suspend(ctx, "sue")
		}, []string{"sue"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := az.For(test.name)
			viewer := workspacetest.AddRole(t, w, "Viewer", nil)
			workspacetest.Assign(t, w, rbac.Administrator, "ann", "bob", "sue")
			assert.NoError(t, w.System("test").Suspend(ctx, "sue"))
			before := workspacetest.Read(t, store, test.name)
			err := test.act(ctx, w, viewer.ID)
			workspacetest.CheckInvariants(t, store, test.name)
			if test.last == nil {
				assert.NoError(t, err)
				return
			}
			rule := rbac.ErrLastAdministrator
			if test.rule != nil {
				rule = test.rule
			}
			assert.ErrorIs(t, err, rule)
			var refused *rbac.RefusalError
			assert.True(t, errors.As(err, &refused), err)
			assert.Equal(t, &rbac.RefusalError{
				Rule: rule, Role: rbac.Administrator, RoleName: "Administrator", Users: test.last,
			}, refused)
			if len(test.last) == 2 {
				assert.Equal(t, workspacetest.Text(before), workspacetest.Text(workspacetest.Read(t, store, test.name)), "nothing is written")
			}
		})
	}

	// In a transaction of the application, which commits what it had to write
	// besides; and the second of two removals sees the first.
	w, other := az.For("w"), workspace(t, db)
	boss := workspacetest.AddRole(t, w, "Boss", rbac.Permissions{rbac.Users: {Read: rbac.All, Manage: rbac.All}})
	workspacetest.Assign(t, w, rbac.Administrator, "ann", "eve")
	assert.NoError(t, w.System("test").Suspend(ctx, "eve"))
	ways := append(workspacetest.Farewells(ctx, boss.ID), func(a *rbac.Admin, _ string) error {
		return a.ReplaceRole(ctx, rbac.Administrator, boss.ID)
	})
	workspacetest.Unchanged(t, store, "w", func() {
		for i, way := range ways {
			for _, w := range []*rbac.Workspace{w, other} {
				assert.ErrorIs(t, way(w.System("test"), "ann"), rbac.ErrLastAdministrator, "way", i)
				assert.ErrorIs(t, db.Transaction(ctx, "w", func(in rbac.Store) error {
					return way(w.In(in).System("test"), "ann")
				}), rbac.ErrLastAdministrator, "way", i)
			}
		}
	})
	workspacetest.Assign(t, w, rbac.Administrator, "bob")
	workspacetest.Unchanged(t, store, "w", func() {
		assert.ErrorIs(t, db.Transaction(ctx, "w", func(in rbac.Store) error {
			admin := w.In(in).System("off-boarding")
			if err := admin.Remove(ctx, "ann"); err != nil {
				return fmt.Errorf("the first: %v", err)
			}
			return admin.Remove(ctx, "bob")
		}), rbac.ErrLastAdministrator)
	})
	workspacetest.CheckInvariants(t, store, "w")
}
