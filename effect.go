package rbac

import (
	"cmp"
	"errors"
	"maps"
	"slices"
)

// Effect is what a change would do to some members: what [Subject.Permissions]
// would have more and less for each of them. A suspended member reaches
// nothing. Who comes into a team, or out of one, is in the events of the plan.
type Effect struct {
	Users   []string    `json:"users"`   // the first ten of them, in byte order
	Members int         `json:"members"` // how many they are
	Gained  Permissions `json:"gained"`
	Lost    Permissions `json:"lost"`
}

// String returns `member "bob": gains nothing; loses contacts: read all`, or
// `3 members: gains …`.
func (e Effect) String() string {
	if e.Members == 1 && len(e.Users) == 1 {
		return "member " + quote(e.Users[0]) + ": " + changed(e.Gained, e.Lost)
	}
	return count(e.Members, "member") + ": " + changed(e.Gained, e.Lost)
}

// effects compares what is stored with what the draft would leave, by the
// members that are in the draft and the holders of the roles that are.
func (d *draft) effects(m *model) ([]Effect, error) {
	e := effects{
		before: tables{reading{Reader: d.Reader, model: m}.readable(), map[RoleID]Permissions{}},
		after:  tables{reading{Reader: d, model: m}.readable(), map[RoleID]Permissions{}},
		pairs:  map[[2]RoleID]*Effect{},
		groups: map[string]*Effect{},
	}
	was := map[string]RoleID{} // by user; the role that they are active in
	users := slices.Collect(maps.Keys(d.members))
	if len(users) > 0 {
		for member, err := range e.before.members(MemberQuery{Users: users, State: ActiveOnly}) {
			if err != nil {
				return nil, err
			}
			was[member.User] = member.Role
		}
	}
	for user, member := range d.members {
		var is RoleID
		if member != nil && !member.Suspended {
			is = member.Role
		}
		if err := e.add(user, was[user], is); err != nil {
			return nil, err
		}
	}
	if d.cleared {
		if err := e.addRest(d, MemberQuery{State: ActiveOnly}); err != nil {
			return nil, err
		}
	}
	for id := range d.roles {
		if group, err := e.group(id, id); err != nil {
			return nil, err
		} else if group == nil || d.cleared {
			continue
		}
		holders := e.addHolders
		if len(d.members) > 0 {
			holders = func(id RoleID) error { return e.addRest(d, MemberQuery{Role: id, State: ActiveOnly}) }
		}
		if err := holders(id); err != nil {
			return nil, err
		}
	}
	all := make([]Effect, 0, len(e.groups))
	for _, effect := range e.groups {
		if effect.Members > 0 { // a role that is edited may have no holder
			all = append(all, *effect)
		}
	}
	slices.SortFunc(all, func(a, b Effect) int { return cmp.Compare(a.Users[0], b.Users[0]) })
	return all, nil
}

// effects collects who gains and loses what.
type effects struct {
	before, after tables
	pairs         map[[2]RoleID]*Effect // by role before and after; nil if nothing is gained or lost
	groups        map[string]*Effect    // by what is gained and lost
}

// addHolders adds the active holders of a role that is edited, where the draft has
// no members. It names the first of them and lets the store count the rest, so that a
// plan costs as much for a hundred thousand as for ten; one whose row cannot be read
// counts among many, as it does for Plan.Members.
func (e *effects) addHolders(id RoleID) error {
	active := 0
	for member, err := range e.before.members(MemberQuery{Role: id, State: ActiveOnly, Limit: mostNamed}) {
		if err != nil {
			return err
		}
		if err := e.add(member.User, id, id); err != nil {
			return err
		}
		active++
	}
	if active < mostNamed {
		return nil
	}
	holders, err := e.before.Holders()
	if err != nil {
		return err
	}
	rest := holders[id] - active
	for _, err := range e.before.members(MemberQuery{Role: id, State: SuspendedOnly}) {
		if err != nil {
			return err
		}
		rest--
	}
	group, err := e.group(id, id)
	if err == nil {
		group.Members += max(rest, 0)
	}
	return err
}

// addRest adds the members that a query selects and that the draft does not have:
// they keep their role, unless everything is cleared.
func (e *effects) addRest(d *draft, q MemberQuery) error {
	for member, err := range e.before.members(q) {
		if err != nil {
			return err
		}
		if _, drafted := d.members[member.User]; drafted {
			continue
		}
		after := member.Role
		if d.cleared {
			after = ""
		}
		if err := e.add(member.User, member.Role, after); err != nil {
			return err
		}
	}
	return nil
}

// add adds somebody who is active in a role before and after; an empty one is no
// role.
func (e *effects) add(user string, before, after RoleID) error {
	group, err := e.group(before, after)
	if err != nil || group == nil {
		return err
	}
	group.Members++
	at, _ := slices.BinarySearch(group.Users, user)
	group.Users = some(slices.Insert(group.Users, at, user))
	return nil
}

// group returns the effect that is to come from one role to another, nil if
// that changes nothing.
func (e *effects) group(before, after RoleID) (*Effect, error) {
	pair := [2]RoleID{before, after}
	if group, known := e.pairs[pair]; known {
		return group, nil
	}
	was, err := e.before.of(before)
	if err != nil {
		return nil, err
	}
	is, err := e.after.of(after)
	if err != nil {
		return nil, err
	}
	e.pairs[pair] = nil
	if gained, lost := was.Missing(is), is.Missing(was); len(gained) > 0 || len(lost) > 0 {
		key := gained.String() + "\n" + lost.String()
		if e.groups[key] == nil {
			e.groups[key] = &Effect{Gained: gained, Lost: lost}
		}
		e.pairs[pair] = e.groups[key]
	}
	return e.pairs[pair], nil
}

// tables looks up what roles grant, each of them once.
type tables struct {
	reading
	known map[RoleID]Permissions
}

func (t tables) of(id RoleID) (Permissions, error) {
	table, known := t.known[id]
	if known || id == "" {
		return table, nil
	}
	role, err := t.role(id)
	if err != nil && !errors.Is(err, ErrRoleNotFound) && !errors.Is(err, ErrMalformed) {
		return nil, err
	}
	if err == nil {
		table = t.model.effective(role.Permissions)
	}
	t.known[id] = table
	return table, nil
}
