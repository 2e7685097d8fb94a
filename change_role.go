package rbac

import (
	"slices"
	"strings"
)

// saving is a role before and after it is saved. before is nil for a new one.
type saving struct {
	before *Role
	after  Role
}

// changes reports whether saving would write anything. The new name of an area
// alone is no change (E11).
func (c *change) changes(s saving) bool {
	return s.before == nil || s.before.Name != s.after.Name ||
		s.before.Description != s.after.Description ||
		!c.model.renamed(s.before.Permissions).equal(c.model.renamed(s.after.Permissions)) ||
		!slices.Equal(listed(s.before.Assigns), listed(s.after.Assigns))
}

// findAdded returns the roles that saving adds to the list. Those that are in it
// already are not judged again.
func (c *change) findAdded(s saving) ([]Role, error) {
	var added []Role
	for _, id := range s.after.Assigns {
		if s.before != nil && slices.Contains(s.before.Assigns, id) {
			continue
		}
		role, err := c.findRole(id)
		if err != nil {
			return nil, err
		}
		added = append(added, role)
	}
	return added, nil
}

// createRole applies the rules to a new role.
func (c *change) createRole(role Role) (saving, error) {
	after := Role{
		ID:          newRoleID(),
		Name:        strings.Clone(trimName(role.Name)),
		Description: strings.Clone(role.Description),
		Permissions: c.model.edited(nil, role.Permissions),
		Assigns:     listed(role.Assigns),
		Version:     1,
		CreatedAt:   c.now,
		UpdatedAt:   c.now,
	}
	s := saving{after: after}
	if err := c.refuseTooMany(); err != nil {
		return s, err
	}
	added, err := c.findAdded(s)
	if err != nil {
		return s, err
	}
	if err := c.refuseSystem(role); err != nil {
		return s, err
	}
	if err := c.refuseShadow(after); err != nil {
		return s, err
	}
	if err := c.refuseListing(after, added); err != nil {
		return s, err
	}
	if err := c.refuseUncovered("", added, after); err != nil {
		return s, err
	}
	return s, c.refuseTakenName(after)
}

// updateRole applies the rules to the edit of a role.
func (c *change) updateRole(role Role) (saving, error) {
	before, err := c.findRole(role.ID)
	if err != nil {
		return saving{}, err
	}
	after := before
	after.Name = strings.Clone(trimName(role.Name))
	after.Description = strings.Clone(role.Description)
	after.Permissions = c.model.edited(before.Permissions, role.Permissions)
	after.Assigns = listed(role.Assigns)
	s := saving{&before, after}
	if problems := c.model.removedProblems(before.Permissions, role.Permissions); len(problems) > 0 {
		return saving{}, problems.err()
	}
	added, err := c.findAdded(s)
	if err != nil {
		return saving{}, err
	}
	if err := c.refuseSystem(before); err != nil {
		return s, err
	}
	if err := c.refuseSystem(role); err != nil {
		return s, err
	}
	if err := c.refuseShadow(after); err != nil {
		return s, err
	}
	if err := c.refuseListing(after, added); err != nil {
		return s, err
	}
	if err := c.refuseStale(role.Version, before); err != nil {
		return s, err
	}
	if err := c.refuseUncovered(before.ID, added, before, after); err != nil {
		return s, err
	}
	if err := c.refuseTakenName(after); err != nil {
		return s, err
	}
	if !c.changes(s) {
		s.after = before
		return s, nil
	}
	s.after.Version++
	s.after.UpdatedAt = c.now
	return s, nil
}

// save applies the rules to a role that is saved, and notes it. It returns the
// role as it is then.
func (c *change) save(role Role, rules func(Role) (saving, error)) (Role, error) {
	s, err := rules(role)
	if p := c.admin.preview; p != nil && s.after.ID != "" {
		plan, failed := c.plan(role, s)
		if failed != nil {
			return Role{}, failed
		}
		p.plan = plan
	}
	if err != nil {
		return Role{}, err
	}
	return s.after, c.saveRole(s)
}

// saveRole notes a role to be written, unless nothing changes (A12).
func (c *change) saveRole(s saving) error {
	if !c.changes(s) {
		return nil
	}
	kind := RoleUpdated
	if s.before == nil {
		kind = RoleCreated
	}
	c.role = &s.after
	c.record(Event{Kind: kind, RoleBefore: s.before, RoleAfter: &s.after})
	return nil
}

// ensureRole returns the role of a name, and creates it if there is none.
func (c *change) ensureRole(role Role) (found Role, made bool, err error) {
	there, err := c.named(role.Name)
	if err != nil {
		return Role{}, false, err
	}
	if there != nil {
		return *there, false, c.refuseSystem(role)
	}
	created, err := c.save(role, c.createRole)
	if err != nil {
		return Role{}, false, err
	}
	return created, true, nil
}

// setUp fills a workspace that was never written. In the list of a role, the name
// of one before it stands for the id that this was given.
func (c *change) setUp(roles []Role, administrators []string) error {
	if at, err := c.Revision(); err != nil || at != (Revision{}) {
		return err
	}
	ids := map[RoleID]RoleID{} // by name
	for _, role := range roles {
		role.Assigns = slices.Clone(role.Assigns)
		for i, id := range role.Assigns {
			if made, ok := ids[id]; ok {
				role.Assigns[i] = made
			}
		}
		created, err := c.save(role, c.createRole)
		if err == nil {
			err = c.step()
		}
		if err != nil {
			return err
		}
		if id := RoleID(created.Name); c.model.byID[id].ID == "" {
			ids[id] = created.ID
		}
	}
	return c.assign(Administrator, administrators)
}

func (c *change) deleteRole(id RoleID) error {
	role, err := c.findRole(id)
	if err != nil {
		return err
	}
	if err := c.refuseSystem(role); err != nil {
		return err
	}
	if err := c.refuseUncovered(id, nil, role); err != nil {
		return err
	}
	if err := c.refuseInUse(role); err != nil {
		return err
	}
	c.drop = id
	c.record(Event{Kind: RoleDeleted, RoleBefore: &role})
	return nil
}
