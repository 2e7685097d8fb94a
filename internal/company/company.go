// Package company is a workspace with somebody of every kind, and what they
// may try to change.
package company

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
)

// Company is a workspace with somebody of every kind.
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
type Company struct {
	Store rbac.Store
	W     *rbac.Workspace

	roles map[string]rbac.Role
}

// Billing is the catalogue of a newer program.
func Billing() rbac.Option {
	return rbac.WithAreas(append(rbac.DefaultAreas(), rbac.AreaInfo{Area: "billing", Label: "Billing"})...)
}

// New makes a company of an empty workspace.
func New(t testing.TB, store rbac.Store, workspace string) *Company {
	t.Helper()
	c := &Company{Store: store, roles: map[string]rbac.Role{}}
	c.W = workspacetest.Open(t, store).For(workspace)
	newer := workspacetest.Open(t, store, Billing()).For(workspace)
	for _, r := range []struct {
		w           *rbac.Workspace
		name        string
		permissions rbac.Permissions
		holders     []string
	}{
		{c.W, "Manager", rbac.Permissions{
			rbac.Users: {Read: rbac.All, Manage: rbac.All}, rbac.Contacts: {Read: rbac.All, Manage: rbac.Own}, rbac.Deals: {Read: rbac.Own},
		}, []string{"max", "mia", "sam"}},
		{c.W, "Watcher", rbac.Permissions{rbac.Users: {Read: rbac.All}}, []string{"wes"}},
		{c.W, "Half", rbac.Permissions{rbac.Users: {Read: rbac.All, Manage: rbac.Own}}, []string{"hal"}},
		{c.W, "Clerk", rbac.Permissions{rbac.Contacts: {Read: rbac.All}}, []string{"cleo", "cody"}},
		{c.W, "Seller", rbac.Permissions{rbac.Deals: {Read: rbac.All}}, []string{"stan", "sid"}},
		{newer, "Biller", rbac.Permissions{"billing": {Read: rbac.All, Manage: rbac.All}}, []string{"bill"}},
		{c.W, "Unused", rbac.Permissions{rbac.Contacts: {Read: rbac.Own}}, nil},
		{c.W, "Unused more", rbac.Permissions{rbac.Deals: {Read: rbac.All}}, nil},
	} {
		role := workspacetest.AddRole(t, r.w, r.name, r.permissions)
		workspacetest.Assign(t, r.w, role.ID, r.holders...)
		c.roles[r.name] = role
	}
	workspacetest.Assign(t, c.W, rbac.Administrator, "ada", "abe")
	assert.NoError(t, c.W.System("test").Suspend(context.Background(), "sam", "cody", "sid"))
	roles, err := c.W.Roles(context.Background())
	assert.NoError(t, err)
	for _, role := range roles {
		c.roles[role.Name] = role // as this program shows it
	}
	return c
}

// Role returns a role by name, one that the caller may change.
func (c *Company) Role(name string) rbac.Role {
	role := c.roles[name]
	role.Permissions = maps.Clone(role.Permissions)
	return role
}

// Member returns a member as the store has them.
func (c *Company) Member(user string) (found rbac.Member) {
	for member, err := range c.W.Members(context.Background(), rbac.MemberQuery{Users: []string{user}}) {
		if err == nil {
			found = member
		}
	}
	return found
}

// Check checks the invariants.
func (c *Company) Check(t testing.TB) {
	t.Helper()
	workspacetest.CheckInvariants(t, c.Store, c.W.ID())
}

// Admin returns the Admin of an actor, of the application if there is none.
func (c *Company) Admin(actor string) *rbac.Admin {
	if actor == "" {
		return c.W.System("test")
	}
	return c.W.As(actor)
}

// Answers returns what memory says about everybody.
func (c *Company) Answers(t testing.TB) (answers []string) {
	t.Helper()
	for _, user := range []string{"ada", "abe", "max", "mia", "sam", "wes", "hal", "cleo", "cody", "stan", "sid", "bill", "new"} {
		s, err := c.W.Subject(context.Background(), user)
		assert.NoError(t, err)
		answers = append(answers, fmt.Sprint(user, s.Role(), s.Permissions(), s.Explain(rbac.Deals, rbac.Read)))
	}
	return answers
}
