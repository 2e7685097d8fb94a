package scenarios

import (
	"errors"
	"slices"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
)

// house is a workspace of a program with teams, whose roles go by their names.
// Ada is its Administrator.
type house struct {
	*testing.T
	db    Database
	store rbac.Store
	w     *rbac.Workspace
	ids   map[string]rbac.RoleID
}

// newHouse makes a house in a workspace that is named after the test.
func newHouse(t *testing.T, db Database, opts ...rbac.Option) *house {
	t.Helper()
	store := db.Store()
	az := workspacetest.Open(t, store, append([]rbac.Option{rbac.WithTeams()}, opts...)...)
	h := &house{t, db, store, az.For(t.Name()), map[string]rbac.RoleID{}}
	workspacetest.Assign(t, h.w, rbac.Administrator, "ada")
	return h
}

// again opens the workspace as another instance does, or another program.
func (h *house) again(opts ...rbac.Option) *rbac.Workspace {
	h.Helper()
	return workspacetest.Open(h, h.db.Store(), opts...).For(h.w.ID())
}

// role makes a role with a list.
func (h *house) role(name string, permissions rbac.Permissions, lists ...string) {
	h.Helper()
	role, err := h.w.System("test").CreateRole(h.Context(), rbac.Role{Name: name, Permissions: permissions, Assigns: h.roles(lists...)})
	assert.NoError(h, err)
	h.ids[name] = role.ID
}

func (h *house) roles(names ...string) (ids []rbac.RoleID) {
	for _, name := range names {
		ids = append(ids, h.ids[name])
	}
	return ids
}

// stored returns a role, ready to be edited.
func (h *house) stored(name string) rbac.Role {
	h.Helper()
	roles, err := h.w.Roles(h.Context())
	assert.NoError(h, err)
	for _, role := range roles {
		if role.ID == h.ids[name] {
			return role
		}
	}
	h.Fatalf("there is no role %q", name)
	return rbac.Role{}
}

// edit edits a role as the application.
func (h *house) edit(name string, edit func(*rbac.Role)) {
	h.Helper()
	role := h.stored(name)
	edit(&role)
	_, err := h.w.System("test").UpdateRole(h.Context(), role)
	assert.NoError(h, err)
}

// join makes users members with a role, in a team if it is not empty.
func (h *house) join(role, team string, users ...string) {
	h.Helper()
	workspacetest.Assign(h, h.w, h.ids[role], users...)
	assert.NoError(h, h.w.System("test").SetTeam(h.Context(), team, users...))
}

// member returns a member as the store has them.
func (h *house) member(user string) rbac.Member {
	h.Helper()
	found := workspacetest.All(h, h.w.Members(h.Context(), rbac.MemberQuery{Users: []string{user}}))
	assert.Equal(h, 1, len(found), user)
	return found[0]
}

// holds checks what role a member has.
func (h *house) holds(user, role string) {
	h.Helper()
	assert.Equal(h, h.ids[role], h.member(user).Role, user)
}

// sees checks whether a user may read a deal of an owner.
func (h *house) sees(user, owner string, want bool) {
	h.Helper()
	assert.Equal(h, want, h.w.CanRecord(h.Context(), user, rbac.Deals, rbac.Read, owner), user, "sees the deals of", owner)
}

// refuses checks that a rule refuses a change, which leaves all as it was.
func (h *house) refuses(want error, try func() error) {
	h.Helper()
	workspacetest.Unchanged(h, h.store, h.w.ID(), func() { assert.ErrorIs(h, try(), want) })
}

// escalates checks that a change is refused as beyond the actor, and that the
// refusal names what is missing and these roles.
func (h *house) escalates(missing rbac.Permissions, roles []rbac.RoleID, try func() error) {
	h.Helper()
	h.refuses(rbac.ErrEscalation, func() error {
		err := try()
		var e *rbac.EscalationError
		if errors.As(err, &e) {
			assert.Equal(h, missing.String(), e.Missing.String())
			assert.Equal(h, len(roles), len(e.Roles), "roles", e.Roles)
			for _, id := range roles {
				assert.True(h, slices.Contains(e.Roles, id), "the refusal names", id, e.Roles)
			}
		}
		return err
	})
}

// check checks the invariants, and that memory agrees with what is stored.
func (h *house) check() {
	h.Helper()
	workspacetest.CheckInvariants(h, h.store, h.w.ID())
}

var (
	managesUsers = rbac.Permissions{rbac.Users: {Read: rbac.All, Manage: rbac.All}}
	ownDeals     = rbac.Permissions{rbac.Deals: {Read: rbac.Own, Manage: rbac.Own}}
	teamDeals    = rbac.Permissions{rbac.Deals: {Read: rbac.Team, Manage: rbac.Own}}
	readsAll     = rbac.Permissions{rbac.Deals: {Read: rbac.All}}
)
