package company

import (
	"context"

	"github.com/areagate/rbac"
)

// Try is a change that somebody tries.
type Try = func(ctx context.Context, c *Company, a *rbac.Admin) error

// Creating makes a role with permissions.
func Creating(p rbac.Permissions) Try {
	return func(ctx context.Context, _ *Company, a *rbac.Admin) error {
		_, err := a.CreateRole(ctx, rbac.Role{Name: "New", Permissions: p})
		return err
	}
}

// Naming makes a role with a name.
func Naming(name string) Try {
	return func(ctx context.Context, _ *Company, a *rbac.Admin) error {
		_, err := a.CreateRole(ctx, rbac.Role{Name: name})
		return err
	}
}

// Editing changes a role.
func Editing(name string, edit func(*rbac.Role)) Try {
	return func(ctx context.Context, c *Company, a *rbac.Admin) error {
		role := c.Role(name)
		edit(&role)
		_, err := a.UpdateRole(ctx, role)
		return err
	}
}

// Deleting deletes a role.
func Deleting(name string) Try {
	return func(ctx context.Context, c *Company, a *rbac.Admin) error { return a.DeleteRole(ctx, c.Role(name).ID) }
}

// Replacing gives the holders of a role another.
func Replacing(old, with string) Try {
	return func(ctx context.Context, c *Company, a *rbac.Admin) error {
		return a.ReplaceRole(ctx, c.Role(old).ID, c.Role(with).ID)
	}
}

// Adding gives a role to those of users who are no members.
func Adding(role string, users ...string) Try {
	return func(ctx context.Context, c *Company, a *rbac.Admin) error {
		return a.Add(ctx, c.Role(role).ID, users...)
	}
}

// Assigning gives users a role.
func Assigning(role string, users ...string) Try {
	return func(ctx context.Context, c *Company, a *rbac.Admin) error {
		return a.Assign(ctx, c.Role(role).ID, users...)
	}
}

// Suspending suspends users.
func Suspending(users ...string) Try {
	return func(ctx context.Context, _ *Company, a *rbac.Admin) error { return a.Suspend(ctx, users...) }
}

// Reinstating reinstates users.
func Reinstating(users ...string) Try {
	return func(ctx context.Context, _ *Company, a *rbac.Admin) error { return a.Reinstate(ctx, users...) }
}

// Removing removes users.
func Removing(users ...string) Try {
	return func(ctx context.Context, _ *Company, a *rbac.Admin) error { return a.Remove(ctx, users...) }
}
