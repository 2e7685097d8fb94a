package rbac

import (
	"errors"
	"time"
)

// change is one administrative change inside its transaction: who acts, and
// what is to be written once every rule has passed. Its methods apply the
// rules in the order of A13; the rules themselves are the methods of rules.go.
type change struct {
	reading
	tx    Tx // nil for a plan
	admin *Admin
	began time.Time // monotonic, when the transaction began
	now   time.Time // for the rows and events

	// Who acts, why and how: copies, which the events share.
	user, reason, via string

	// The actor, after authorize.
	everything bool            // covers whatever there is
	held       Permissions     // what the actor can use, if not everything
	manages    bool            // the actor has Manage All on Users
	list       map[RoleID]Role // what the actor's list gives
	team       string          // the actor's own
	delegable  bool            // a list is enough for this change

	roles map[RoleID]Role  // after stored
	found map[RoleID]found // by lookUp
	stay  *stay            // by administratorStays

	puts    []Member
	deletes []string
	role    *Role  // to be put
	drop    RoleID // to be deleted
	events  []Event
	clear   bool // the workspace is to be deleted

	// After flush.
	base    Revision // before the change
	earlier []Event  // those of step
	flushed bool
	cleared bool // the workspace was deleted
}

// run applies the rules and then writes.
func (c *change) run(apply func(*change) error, tx Tx) error {
	if err := c.authorize(); err != nil {
		return err
	}
	c.tx = tx
	if err := apply(c); err != nil {
		return err
	}
	return c.flush()
}

// step writes what was noted, so that the rules see it in what follows.
func (c *change) step() error {
	if err := c.flush(); err != nil {
		return err
	}
	c.earlier = append(c.earlier, c.events...)
	c.puts, c.deletes, c.role, c.drop, c.events = nil, nil, nil, "", nil
	c.roles, c.found = nil, nil
	return nil
}

// recorded returns the events of all steps.
func (c *change) recorded() []Event {
	if len(c.earlier) == 0 {
		return c.events
	}
	return append(c.earlier, c.events...)
}

// record adds an event. Number and hash are given by flush.
func (c *change) record(e Event) {
	e.Time, e.Form = c.now, 2
	e.Actor, e.Reason, e.Via, e.Limited = c.user, c.reason, c.via, c.admin.limit.set
	c.events = append(c.events, e)
}

// flush writes the change and its events (V1).
func (c *change) flush() error {
	tx := c.tx
	at, err := tx.Revision()
	if err != nil {
		return err
	}
	if !c.flushed {
		c.base = at
	}
	if c.clear {
		return c.flushClear()
	}
	if len(c.events) == 0 {
		return nil
	}
	for i, e := range c.events {
		if err := c.nameRoles(e); err != nil {
			return err
		}
		c.events[i] = e.sealAfter(c.admin.workspace.replica.id, at)
		at = c.events[i].Revision()
	}
	if c.role != nil {
		if err := tx.PutRole(c.role.clone()); err != nil {
			return err
		}
	}
	if c.drop != "" {
		if err := tx.DeleteRole(c.drop); err != nil {
			return err
		}
	}
	if len(c.puts) > 0 {
		if err := tx.PutMembers(c.puts...); err != nil {
			return err
		}
	}
	if len(c.deletes) > 0 {
		if err := tx.DeleteMembers(c.deletes...); err != nil {
			return err
		}
	}
	given := make([]Event, len(c.events)) // the store owns what it is given
	for i, e := range c.events {
		given[i] = e.clone()
	}
	if err := tx.AppendEvents(given...); err != nil {
		return err
	}
	c.flushed = true
	return nil
}

// forEverything returns a reading that leaves out rows that cannot be read, if
// the actor covers whatever there is: what is not known is theirs to mend.
func (c *change) forEverything(malformed func(*MalformedError)) reading {
	if !c.everything {
		return c.reading
	}
	return c.skipping(malformed)
}

// found is a role as it was read once in the transaction.
type found struct {
	role Role
	err  error
}

// lookUp returns a role in its stored form, which is not to be changed. It asks
// the store once.
func (c *change) lookUp(id RoleID) (Role, error) {
	if _, ok := c.found[id]; !ok {
		if c.found == nil {
			c.found = map[RoleID]found{}
		}
		role, err := c.reading.role(id)
		c.found[id] = found{role, err}
	}
	return c.found[id].role, c.found[id].err
}

// nameRoles writes the names of roles into the members of an event (V4).
func (c *change) nameRoles(e Event) error {
	for _, member := range []*Member{e.MemberBefore, e.MemberAfter} {
		if member == nil || member.Role == "" {
			continue
		}
		role, err := c.lookUp(member.Role)
		if err != nil && !errors.Is(err, ErrRoleNotFound) && !errors.Is(err, ErrMalformed) {
			return err
		}
		member.RoleName = role.Name
	}
	return nil
}

// findRole is lookUp with the error of a rule for a role that is not there.
func (c *change) findRole(id RoleID) (Role, error) {
	role, err := c.lookUp(id)
	return role, refuseMissing(id, err)
}

// findMembers returns those of the users who are members. One whose row cannot
// be read is a member without a role to an Administrator and to the
// application, who may give one or remove the row, and an error to others.
func (c *change) findMembers(users []string) (map[string]Member, error) {
	found := map[string]Member{} // often of few: new users are not members
	if len(users) == 0 {
		return found, nil
	}
	for member, err := range c.forEverything(func(row *MalformedError) { found[row.ID] = Member{User: row.ID} }).members(MemberQuery{Users: users}) {
		if err != nil {
			return nil, err
		}
		found[member.User] = member
	}
	return found, nil
}
