package rbactest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/areagate/rbac"
)

// Workspace is a workspace made by [New] for one test. It embeds the
// [rbac.Workspace], so that w.Can and w.As work as they do in the application.
type Workspace struct {
	*rbac.Workspace

	// Authorizer is what the workspace belongs to: for an application that
	// takes one, and for other workspaces.
	Authorizer *rbac.Authorizer
}

// New returns a workspace with roles and members, and fails the test if it
// cannot be made as described. It is closed when the test ends.
//
// A workspace without an Administrator is fine. What the library logs goes to
// the test's output, unless [Options] say otherwise. Roles and members are
// created with System("rbactest"), so that their events come first.
func New(t testing.TB, setups ...Setup) *Workspace {
	t.Helper()
	s, err := newSetup(t, setups)
	if err != nil {
		t.Fatalf("rbactest.New: %v", err)
	}
	az, err := rbac.Open(t.Context(), s.store, s.options...)
	if err != nil {
		t.Fatalf("rbactest.New: %v", err)
	}
	t.Cleanup(func() {
		if err := az.Close(); err != nil {
			t.Errorf("rbactest: Close: %v", err)
		}
	})
	w := az.For(s.id)
	if err := s.fill(t.Context(), w); err != nil {
		t.Fatalf("rbactest.New: %v", err)
	}
	return &Workspace{Workspace: w, Authorizer: az}
}

// Role returns a role as it is stored now, ready to be edited. It is named as
// for [Member]. A role that does not exist fails the test.
func (w *Workspace) Role(t testing.TB, name string) rbac.Role {
	t.Helper()
	roles, err := w.Roles(t.Context())
	if err != nil {
		t.Fatalf("rbactest: Role: %v", err)
	}
	role, err := roleNamed(roles, name)
	if err != nil {
		t.Fatalf("rbactest: Role: %v", err)
	}
	return role
}

func newSetup(t testing.TB, setups []Setup) (*setup, error) {
	s := &setup{}
	for i, set := range setups {
		if set == nil {
			return nil, fmt.Errorf("argument %d is a nil Setup", i+1)
		}
		set(s)
	}
	if s.mistake != "" {
		return nil, fmt.Errorf("%s", s.mistake)
	}
	if s.store == nil {
		s.store = rbac.NewMemStore()
	}
	options := []rbac.Option{rbac.WithLogger(slog.New(slog.NewTextHandler(t.Output(), nil)))}
	if len(s.areas) > 0 {
		options = append(options, rbac.WithAreas(append(rbac.DefaultAreas(), s.areas...)...))
	}
	if len(s.teams) > 0 {
		options = append(options, rbac.WithTeams())
	}
	s.options = append(options, s.options...)
	return s, nil
}

// fill creates the roles and members.
func (s *setup) fill(ctx context.Context, w *rbac.Workspace) error {
	if err := s.createRoles(ctx, w); err != nil {
		return err
	}
	app := w.System("rbactest")
	if len(s.members) == 0 && len(s.teams) == 0 {
		return nil
	}
	roles, err := w.Roles(ctx)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	var suspended []string
	for _, m := range s.members {
		if seen[m.user] {
			return fmt.Errorf("member %q is there twice: a member holds one role", m.user)
		}
		seen[m.user] = true
		role, err := roleNamed(roles, m.role)
		if err != nil {
			return fmt.Errorf("member %q: %w", m.user, err)
		}
		if err := app.Assign(ctx, role.ID, m.user); err != nil {
			return fmt.Errorf("member %q: %w", m.user, err)
		}
		if m.suspended {
			suspended = append(suspended, m.user)
		}
	}
	// Only when all are members: the last administrator cannot be suspended,
	// and who is the last does not depend on the order of the arguments.
	if err := app.Suspend(ctx, suspended...); err != nil {
		return fmt.Errorf("suspended %q: %w", suspended, err)
	}
	for _, team := range s.teams {
		if err := app.SetTeam(ctx, team.id, team.users...); err != nil {
			return fmt.Errorf("team %q: %w", team.id, err)
		}
	}
	return nil
}

// createRoles creates the roles, those with lists behind those that can be in
// one.
func (s *setup) createRoles(ctx context.Context, w *rbac.Workspace) error {
	var listing []rbac.Role
	for _, role := range s.roles {
		if len(role.Assigns) > 0 {
			listing = append(listing, role)
			continue
		}
		if _, err := w.System("rbactest").CreateRole(ctx, role); err != nil {
			return fmt.Errorf("role %q: %w", role.Name, err)
		}
	}
	if len(listing) == 0 {
		return nil
	}
	roles, err := w.Roles(ctx)
	if err != nil {
		return err
	}
	for _, role := range listing {
		names := role.Assigns
		role.Assigns = nil
		for _, name := range names {
			listed, err := roleNamed(roles, string(name))
			if err != nil {
				return fmt.Errorf("list of the role %q: %w, and roles with lists are in none", role.Name, err)
			}
			role.Assigns = append(role.Assigns, listed.ID)
		}
		if _, err := w.System("rbactest").CreateRole(ctx, role); err != nil {
			return fmt.Errorf("role %q: %w", role.Name, err)
		}
	}
	return nil
}

// roleNamed finds a role by its name, or a system role by its id.
func roleNamed(roles []rbac.Role, name string) (rbac.Role, error) {
	var names []string
	for _, role := range roles {
		if role.Name == strings.TrimSpace(name) || role.System && string(role.ID) == name {
			return role, nil
		}
		names = append(names, fmt.Sprintf("%q", role.Name))
	}
	return rbac.Role{}, fmt.Errorf("there is no role %q; there is %s", name, strings.Join(names, ", "))
}
