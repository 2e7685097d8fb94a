package rbac

import (
	"errors"
	"slices"

	"github.com/areagate/rbac/internal/fold"
)

// The rules of administration that judge who does what to whom, each in one
// place: A1 to A9, with the numbers of docs/guarantees.md, where each is
// explained. A method returns nil, or the error with which its rule refuses.
// The order in which they are asked (A13) is that of the methods in change.go;
// input that is malformed (A10) is refused before, by validate.go.

// authorize applies A1: the actor must be an active member with Manage All on
// Users. It reads the actor in the transaction (A11), and notes what they
// hold for the rules that compare with it.
func (c *change) authorize() error {
	if c.admin.system {
		c.everything = true
		return nil
	}
	d, err := c.actor()
	if err != nil {
		return err
	}
	if !d.Allowed {
		return &DeniedError{d}
	}
	return nil
}

func (c *change) actor() (Decision, error) {
	d := Decision{
		Workspace: c.admin.workspace.replica.id, User: c.admin.actor, Area: Users, Action: Manage,
		Reason: ReasonNotMember,
	}
	revision, err := c.Revision()
	if err != nil {
		return d, err
	}
	d.Revision = revision.Seq
	if idProblem(c.admin.actor) != "" {
		return d, nil // not to be asked of a store
	}
	member, err := c.member(c.admin.actor)
	if errors.Is(err, ErrMemberNotFound) || errors.Is(err, ErrMalformed) {
		return d, nil
	}
	if err != nil {
		return d, err
	}
	d.Role = member.Role
	if member.Suspended {
		d.Reason = ReasonSuspended
	}
	role, err := c.reading.role(member.Role)
	if errors.Is(err, ErrRoleNotFound) || errors.Is(err, ErrMalformed) {
		if !member.Suspended {
			d.Reason = ReasonRoleGone
		}
		return d, nil
	}
	if err != nil {
		return d, err
	}
	d.RoleName = role.Name
	if member.Suspended {
		return d, nil
	}
	full := c.model.effective(role.Permissions)
	c.held = c.admin.limit.of(full)
	c.everything = role.ID == Administrator && !c.admin.limit.set
	d.settle(c.held.Scope(Users, Manage))
	if d.Scope < full.Scope(Users, Manage) {
		d.Reason = ReasonLimited
	}
	return d, nil
}

// missing returns what the actor does not hold of stored permissions. An
// Administrator without a limit, and the application, hold everything; others
// hold what a check would grant them. Don't narrow what is stored as well: what
// grants nothing here may grant something in another version of the program.
func (c *change) missing(stored Permissions) Permissions {
	if c.everything {
		return nil
	}
	return c.held.Missing(stored)
}

// refuseEscalation applies A2 and A3 to the permissions of a role: before and
// after an edit, or of a role that is created, deleted or assigned.
func (c *change) refuseEscalation(role RoleID, user string, stored ...Permissions) error {
	var missing Permissions
	for _, p := range stored {
		missing = missing.Union(c.missing(p))
	}
	if len(missing) == 0 {
		return nil
	}
	return &EscalationError{Actor: c.admin.actor, Role: role, User: user, Missing: missing}
}

// refuseStronger applies A3 to members: none of them may hold more than the
// actor. What a role holds that this program does not know or cannot read is
// anybody's guess, so it is more than all but those hold who hold everything.
func (c *change) refuseStronger(members []Member) error {
	if c.everything {
		return nil
	}
	passed := map[RoleID]bool{}
	for _, member := range members {
		if passed[member.Role] {
			continue
		}
		role, err := c.reading.role(member.Role)
		if errors.Is(err, ErrRoleNotFound) || errors.Is(err, ErrMalformed) {
			return &EscalationError{Actor: c.admin.actor, Role: member.Role, User: member.User}
		}
		if err != nil {
			return err
		}
		if err := c.refuseEscalation(member.Role, member.User, role.Permissions); err != nil {
			return err
		}
		passed[member.Role] = true
	}
	return nil
}

// refuseSelf applies A4: nobody changes their own membership.
func (c *change) refuseSelf(users []string) error {
	if c.admin.system || !slices.Contains(users, c.admin.actor) {
		return nil
	}
	return &RefusalError{Rule: ErrSelf, Users: []string{c.admin.actor}}
}

// refuseSystem applies A5 to a role: nobody creates, edits or deletes a system
// role, or makes one.
func (c *change) refuseSystem(role Role) error {
	if !role.System {
		return nil
	}
	return &RefusalError{Rule: ErrProtectedRole, Role: role.ID, RoleName: role.Name}
}

// refuseShadow applies A5 to a name: no custom role passes for a system role.
func (c *change) refuseShadow(role Role) error {
	id, taken := c.model.byFolded[fold.Name(role.Name)]
	if !taken || id == role.ID {
		return nil
	}
	return &RefusalError{Rule: ErrProtectedRole, Role: id, RoleName: c.model.byID[id].Name}
}

// mostRoles bounds the roles of a workspace beside the system roles. What
// compares roles with each other, and people who choose one, need a bound.
const mostRoles = 1000

// refuseTooMany refuses a role beyond mostRoles.
func (c *change) refuseTooMany() error {
	n := 0
	for _, err := range c.skipping(func(*MalformedError) { n++ }).roles() {
		if err != nil {
			return err
		}
		n++
	}
	if n-len(c.model.system) < mostRoles {
		return nil
	}
	return &RefusalError{Rule: ErrTooManyRoles}
}

// refuseStale applies A9: the caller must have read the version they change.
func (c *change) refuseStale(version int64, stored Role) error {
	if version == stored.Version {
		return nil
	}
	return &RefusalError{Rule: ErrConflict, Role: stored.ID, RoleName: stored.Name, Version: stored.Version}
}

// refuseTakenName applies A8: names are unique in a workspace.
func (c *change) refuseTakenName(role Role) error {
	folded := fold.Name(role.Name)
	for other, err := range c.readable().roles() {
		if err != nil {
			return err
		}
		if other.ID != role.ID && fold.Name(other.Name) == folded {
			return &RefusalError{Rule: ErrNameTaken, Role: other.ID, RoleName: other.Name}
		}
	}
	return nil
}

// refuseHeld applies A7: a role that members hold stays. A member whose row
// cannot be read may hold it, for all but those who may mend the row.
func (c *change) refuseHeld(role Role) error {
	var holders []string
	unreadable := func(row *MalformedError) {
		if !c.everything {
			holders = append(holders, row.ID)
		}
	}
	for member, err := range c.skipping(unreadable).members(MemberQuery{Role: role.ID, Limit: mostNamed}) {
		if err != nil {
			return err
		}
		holders = append(holders, member.User)
	}
	if len(holders) == 0 {
		return nil
	}
	return &RefusalError{Rule: ErrRoleInUse, Role: role.ID, RoleName: role.Name, Users: holders}
}

// refuseLastAdministrator applies A6: if there is an active Administrator
// among the members who leave, in whatever way, one must be left. The
// transaction is serial with every other of the workspace, which is what
// makes this safe when two administrators demote each other at once.
func (c *change) refuseLastAdministrator(leaving []Member) error {
	var users []string
	for _, member := range leaving {
		if member.Role == Administrator && !member.Suspended {
			users = append(users, member.User)
		}
	}
	if len(users) == 0 {
		return nil
	}
	slices.Sort(users)
	for member, err := range c.readable().members(MemberQuery{Role: Administrator, State: ActiveOnly}) {
		if err != nil {
			return err
		}
		if _, leaves := slices.BinarySearch(users, member.User); !leaves {
			return nil
		}
	}
	return &RefusalError{
		Rule: ErrLastAdministrator, Role: Administrator,
		RoleName: c.model.byID[Administrator].Name, Users: some(users),
	}
}

// mostNamed bounds the users that a refusal names.
const mostNamed = 10

func some(users []string) []string {
	return users[:min(len(users), mostNamed)]
}
