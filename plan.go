package rbac

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Plan is what saving a role would do.
type Plan struct {
	// Role is the role as it would be saved; an area that the edit takes away
	// has no access there. Give it to [Admin.CreateRole] or [Admin.UpdateRole] to
	// carry the plan out; if somebody edited the role meanwhile, that is
	// ErrConflict.
	Role Role

	Before  *Role       // the role as it is; nil for a new one
	Gained  Permissions // what its holders would gain: the scopes that they would reach
	Lost    Permissions // what its holders would lose: the scopes that they reach no longer
	Members int         // how many members hold the role, suspended ones included

	// The roles whose holders may give and take this one, as it is and as it
	// would be: who strengthens it lets them hand that out. In byte order.
	AssignedBefore, AssignedAfter []RoleID

	// Refused is the rule that would refuse, as the error that CreateRole or
	// UpdateRole would return; nil if none would.
	Refused error
}

// String returns the plan in a few words: `role "Sales lead", 3 members:
// gains deals: manage all; loses nothing`.
func (p Plan) String() string {
	var b strings.Builder
	b.WriteString("role " + quote(p.Role.Name) + ", " + count(p.Members, "member") + ": ")
	for i, part := range []struct {
		verb        string
		permissions Permissions
	}{{"gains", p.Gained}, {"loses", p.Lost}} {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(part.verb + " ")
		if len(part.permissions) == 0 {
			b.WriteString("nothing")
		} else {
			b.WriteString(part.permissions.String())
		}
	}
	if len(p.Role.Assigns) > 0 {
		b.WriteString("; may hand out " + quoteRoles(p.Role.Assigns))
	}
	if len(p.AssignedAfter) > 0 {
		b.WriteString("; handed out by holders of " + quoteRoles(p.AssignedAfter))
	}
	if p.Refused != nil {
		b.WriteString("; refused: " + p.Refused.Error())
	}
	return b.String()
}

// Plan tells what saving a role would do, without doing it: a new role if its
// ID is empty, else an edit. It applies the rules of CreateRole and
// UpdateRole in the same code. A rule that would refuse is in the plan; the
// error is for a plan that cannot be made, because the input is [ErrInvalid],
// the actor is [ErrDenied], the role is not there, or the store fails.
func (a *Admin) Plan(ctx context.Context, role Role) (Plan, error) {
	isNew, m := role.ID == "", a.workspace.engine.model
	bad := m.updateProblems(role)
	if isNew {
		bad = m.createProblems(role)
	}
	if err := a.validate(bad); err != nil {
		return Plan{}, err
	}
	var p Plan
	err := a.workspace.reviewIn(ctx, a.in, nil, func(r reading) (err error) {
		c := a.begin(r.Reader)
		if err := c.authorize(); err != nil {
			return err
		}
		var s saving
		if isNew {
			s, err = c.createRole(role)
		} else {
			s, err = c.updateRole(role)
		}
		if rule := ruleOf(err); err != nil && (rule == nil || rule == ErrInvalid || rule == ErrRoleNotFound) {
			return err
		}
		p, err = c.plan(role, s, err)
		return err
	})
	if err != nil {
		return Plan{}, err
	}
	return p, nil
}

// plan describes a saving that a rule refused, if refused is not nil.
func (c *change) plan(role Role, s saving, refused error) (Plan, error) {
	p := Plan{Refused: refused, Role: role.clone()}
	p.Role.Name = s.after.Name
	p.Role.Permissions = role.Permissions.normalised()
	for area := range role.Permissions {
		if c.model.cells[area] == 0 {
			p.Role.Permissions[area] = Access{} // carrying the plan out takes it away, too
		}
	}
	p.Role.Assigns = listed(role.Assigns)
	var before Permissions
	if s.before != nil {
		shown := c.model.shown(*s.before)
		p.Before, before = &shown, shown.Permissions
		unreadable := func(*MalformedError) { p.Members++ }
		for _, err := range c.skipping(unreadable).members(MemberQuery{Role: s.before.ID}) {
			if err != nil {
				return Plan{}, err
			}
			p.Members++
		}
	}
	if s.before != nil {
		var err error
		if p.AssignedBefore, err = c.assigners(*s.before); err != nil {
			return Plan{}, err
		}
		if p.AssignedAfter, err = c.assigners(s.after); err != nil {
			return Plan{}, err
		}
	}
	p.Gained, p.Lost = before.Missing(p.Role.Permissions), p.Role.Permissions.Missing(before)
	return p, nil
}

// assigners returns the roles in whose lists a role is, unless it administers and
// so cannot be given by a list (D4).
func (c *change) assigners(role Role) ([]RoleID, error) {
	stored, err := c.stored()
	if err != nil || c.model.administers(role) {
		return nil, err
	}
	var ids []RoleID
	for id, other := range stored {
		if slices.Contains(other.Assigns, role.ID) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// count returns "1 member", "2 members".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
