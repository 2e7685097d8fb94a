package rbac

import (
	"errors"
	"slices"
	"strings"
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

func (c *change) assign(id RoleID, users []string) error {
	role, err := c.findRole(id)
	if err != nil {
		return err
	}
	users = distinct(users)
	if len(users) == 0 {
		return nil
	}
	found, err := c.findMembers(users)
	if err != nil {
		return err
	}
	if err := c.refuseAssigning(users, inOrder(users, found), role); err != nil {
		return err
	}
	c.puts, c.events = slices.Grow(c.puts, len(users)), slices.Grow(c.events, len(users))
	for _, user := range users {
		after := Member{User: user, Role: id, UpdatedAt: c.now}
		before, was := found[user]
		if was {
			if before.Role == id {
				continue
			}
			after.Suspended, after.Team = before.Suspended, before.Team
			c.putMember(MemberAssigned, &before, after)
		} else {
			c.putMember(MemberAssigned, nil, after)
		}
	}
	return nil
}

// inOrder returns the members among users whom findMembers found, in their order.
func inOrder(users []string, found map[string]Member) []Member {
	members := make([]Member, 0, len(found))
	for _, user := range users {
		if member, ok := found[user]; ok {
			members = append(members, member)
		}
	}
	return members
}

// add gives a role to those of the users who are no members.
func (c *change) add(id RoleID, users []string) error {
	role, err := c.findRole(id)
	if err != nil {
		return err
	}
	users = distinct(users)
	members, err := c.findMembers(users)
	if err != nil {
		return err
	}
	users = slices.DeleteFunc(users, func(user string) bool { _, is := members[user]; return is })
	if len(users) == 0 {
		return nil
	}
	if err := c.refuseReassigning(nil, role); err != nil {
		return err
	}
	for _, user := range users {
		c.putMember(MemberAssigned, nil, Member{User: user, Role: id, UpdatedAt: c.now})
	}
	return nil
}

// refuseAssigning applies the rules to giving a role to users, of whom some are
// members already.
func (c *change) refuseAssigning(users []string, members []Member, role Role) error {
	if err := c.refuseSelf(users); err != nil {
		return err
	}
	if err := c.refuseDemoting(users, members, role); err != nil {
		return err
	}
	return c.refuseReassigning(members, role)
}

// refuseReassigning applies the rules to giving a role to whoever is not a member,
// and to these members.
func (c *change) refuseReassigning(members []Member, role Role) error {
	var e excess
	if err := c.addBeyond(&e, &role, members); err != nil {
		return err
	}
	if err := c.refuseExcess(e); err != nil {
		return err
	}
	if role.ID == Administrator {
		return nil
	}
	return c.refuseLastAdministrator(members)
}

func (c *change) suspend(users []string, suspended bool) error {
	members, err := c.touch(users, nil)
	if err != nil {
		return err
	}
	if suspended {
		if err := c.refuseLastAdministrator(members); err != nil {
			return err
		}
	}
	kind := MemberReinstated
	if suspended {
		kind = MemberSuspended
	}
	for _, before := range members {
		if before.Role == "" {
			return withoutRole(before)
		}
		if before.Suspended == suspended {
			continue
		}
		after := before
		after.Suspended, after.UpdatedAt = suspended, c.now
		c.putMember(kind, &before, after)
	}
	return nil
}

func (c *change) remove(users []string) error {
	members, err := c.touch(users, nil)
	if err != nil {
		return err
	}
	if err := c.refuseLastAdministrator(members); err != nil {
		return err
	}
	for _, before := range members {
		c.deletes = append(c.deletes, before.User)
		c.record(Event{Kind: MemberRemoved, MemberBefore: &before})
	}
	return nil
}

// rename gives a member another id. Whoever is behind it comes into the
// member's team, with the records that are theirs, as with setTeam (T4).
func (c *change) rename(from, to string) error {
	found, err := c.findMembers(distinct([]string{from, to}))
	if err != nil {
		return err
	}
	before, known := found[from]
	if !known {
		return &RefusalError{Rule: ErrMemberNotFound, Users: []string{from}}
	}
	if _, taken := found[to]; taken && to != from {
		return &RefusalError{Rule: ErrMemberExists, Users: []string{to}}
	}
	if err := c.refuseSelf([]string{from, to}); err != nil {
		return err
	}
	var e excess
	if err := c.addBeyond(&e, nil, []Member{before}); err != nil {
		return err
	}
	if to != from {
		if err := c.addSharing(&e, before.Team, []Member{before}); err != nil {
			return err
		}
	}
	if err := c.refuseExcess(e); err != nil {
		return err
	}
	switch {
	case before.Role == "":
		return withoutRole(before)
	case to == from:
		return nil
	}
	after := before
	after.User, after.UpdatedAt = to, c.now
	c.deletes = append(c.deletes, from)
	c.putMember(MemberRenamed, &before, after)
	return nil
}

// setTeam puts members into a team, or takes them out of theirs.
func (c *change) setTeam(team string, users []string) error {
	team = strings.Clone(team)
	members, err := c.touch(users, &team)
	if err != nil {
		return err
	}
	for _, before := range members {
		if before.Role == "" {
			return withoutRole(before)
		}
		if before.Team == team {
			continue
		}
		after := before
		after.Team, after.UpdatedAt = team, c.now
		c.putMember(MemberMoved, &before, after)
	}
	return nil
}

// withoutRole refuses to write a row that could not be read.
func withoutRole(member Member) error {
	return &MalformedError{"member", member.User, errors.New("remove the member, or assign a role")}
}

// touch finds the members of a change that gives no role, and applies the rules
// that all such changes have in common. team is where they come in, if that
// changes.
func (c *change) touch(users []string, team *string) ([]Member, error) {
	users = distinct(users)
	if len(users) == 0 {
		return nil, nil
	}
	found, err := c.findMembers(users)
	if err != nil {
		return nil, err
	}
	members := make([]Member, 0, len(users))
	var missing []string
	for _, user := range users {
		if member, ok := found[user]; ok {
			members = append(members, member)
		} else {
			missing = append(missing, user)
		}
	}
	if len(missing) > 0 {
		return nil, &RefusalError{Rule: ErrMemberNotFound, Users: some(missing)}
	}
	if err := c.refuseSelf(users); err != nil {
		return nil, err
	}
	var e excess
	if err := c.addBeyond(&e, nil, members); err != nil {
		return nil, err
	}
	if team != nil {
		coming := slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return m.Team == *team })
		if err := c.addSharing(&e, *team, coming); err != nil {
			return nil, err
		}
	}
	return members, c.refuseExcess(e)
}

func (c *change) replaceRole(old, with RoleID) error {
	target, err := c.findRole(with)
	if err != nil {
		return err
	}
	var members []Member
	var users []string
	// A row that cannot be read grants nothing, and holds nobody back.
	for member, err := range c.forEverything(func(*MalformedError) {}).members(MemberQuery{Role: old}) {
		if err != nil {
			return err
		}
		members = append(members, member)
		users = append(users, member.User)
	}
	if len(members) == 0 {
		// Nobody is touched; but an id that never was is a mistake.
		_, err := c.findRole(old)
		return err
	}
	if err := c.refuseSelf(users); err != nil {
		return err
	}
	if err := c.refuseReassigning(members, target); err != nil {
		return err
	}
	if old == with {
		return nil
	}
	for _, before := range members {
		after := before
		after.Role, after.UpdatedAt = with, c.now
		c.putMember(MemberAssigned, &before, after)
	}
	return nil
}

func (c *change) putMember(kind EventKind, before *Member, after Member) {
	c.puts = append(c.puts, after)
	c.record(Event{Kind: kind, MemberBefore: before, MemberAfter: &after})
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
