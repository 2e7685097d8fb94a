package rbac

import (
	"errors"
	"slices"
	"strings"
)

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
