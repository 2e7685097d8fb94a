package rbac

import (
	"cmp"
	"errors"
	"iter"
	"maps"
	"slices"
)

// draft is a Tx laid over a Reader: it keeps what is written, and its reads show
// the rows of the Reader as that would leave them. Nothing reaches a store.
type draft struct {
	Reader  // what is stored
	roles   map[RoleID]*Role
	members map[string]*Member // nil for one who would be gone, as in roles
	events  []Event
	cleared bool // what is stored would be gone
}

// under returns what the draft is laid over.
func (d *draft) under() Reader {
	if d.cleared {
		return noRows{}
	}
	return d.Reader
}

func (d *draft) Revision() (Revision, error) {
	if n := len(d.events); n > 0 {
		return d.events[n-1].Revision(), nil
	}
	return d.under().Revision()
}

func (d *draft) Role(id RoleID) (Role, error) {
	switch role, drafted := d.roles[id]; {
	case !drafted:
		return d.under().Role(id)
	case role == nil:
		return Role{}, ErrRoleNotFound
	default:
		return role.clone(), nil
	}
}

func (d *draft) Roles() iter.Seq2[Role, error] {
	return laid(0, d.under().Roles(), func(r Role) RoleID { return r.ID }, d.roles, func(*Role) bool { return true }, Role.clone)
}

func (d *draft) Member(user string) (Member, error) {
	switch member, drafted := d.members[user]; {
	case !drafted:
		return d.under().Member(user)
	case member == nil:
		return Member{}, ErrMemberNotFound
	default:
		return *member, nil
	}
}

func (d *draft) Members(q MemberQuery) iter.Seq2[Member, error] {
	q.Users = slices.Clone(q.Users)
	slices.Sort(q.Users)
	selected := func(m *Member) bool {
		named := q.Users == nil
		if !named {
			_, named = slices.BinarySearch(q.Users, m.User)
		}
		return named && (q.Role == "" || m.Role == q.Role) && (q.Team == "" || m.Team == q.Team) &&
			q.State.selects(m.Suspended) && m.User > q.After
	}
	stored := q
	if q.Limit > 0 {
		stored.Limit += len(d.members) // as many of those stored may be left out
	}
	itself := func(m Member) Member { return m }
	return laid(q.Limit, d.under().Members(stored), func(m Member) string { return m.User }, d.members, selected, itself)
}

// laid yields rows in the order of their keys, at most so many if limit is
// greater than 0: those that are stored and not drafted, and those that are
// drafted and selected.
func laid[K cmp.Ordered, V any](limit int, stored iter.Seq2[V, error], keyOf func(V) K, drafted map[K]*V, selected func(*V) bool, copied func(V) V) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var keys []K
		for key, row := range drafted {
			if row != nil && selected(row) {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		yielded := 0
		send := func(row V, err error) bool {
			yielded++
			return yield(row, err) && yielded != limit
		}
		for row, err := range stored {
			if err != nil && !errors.Is(err, ErrMalformed) {
				yield(row, err)
				return
			}
			key := keyOf(row)
			for len(keys) > 0 && keys[0] < key {
				if !send(copied(*drafted[keys[0]]), nil) {
					return
				}
				keys = keys[1:]
			}
			if _, replaced := drafted[key]; !replaced && !send(row, err) {
				return
			}
		}
		for _, key := range keys {
			if !send(copied(*drafted[key]), nil) {
				return
			}
		}
	}
}

func (d *draft) Holders() (map[RoleID]int, error) {
	holders, err := d.under().Holders()
	if err != nil {
		return nil, err
	}
	for user, drafted := range d.members {
		stored, err := d.under().Member(user)
		if err == nil {
			if holders[stored.Role]--; holders[stored.Role] == 0 {
				delete(holders, stored.Role)
			}
		} else if !errors.Is(err, ErrMemberNotFound) && !errors.Is(err, ErrMalformed) {
			return nil, err
		}
		if drafted != nil {
			holders[drafted.Role]++
		}
	}
	return holders, nil
}

func (d *draft) Events(q EventQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		yielded := 0
		send := func(e Event, err error) bool {
			yielded++
			return yield(e, err) && yielded != q.Limit && err == nil
		}
		drafted := func() bool {
			for i := range d.events {
				if q.Newest {
					i = len(d.events) - 1 - i
				}
				e := d.events[i]
				if e.Seq > q.After && (q.Before == 0 || e.Seq < q.Before) && q.selects(e) && !send(e.clone(), nil) {
					return false
				}
			}
			return true
		}
		if q.Newest && !drafted() {
			return
		}
		for e, err := range d.under().Events(q) {
			if !send(e, err) {
				return
			}
		}
		if !q.Newest {
			drafted()
		}
	}
}

func (d *draft) PutRole(role Role) error {
	role = role.clone()
	d.setRole(role.ID, &role)
	return nil
}

func (d *draft) DeleteRole(id RoleID) error {
	d.setRole(id, nil)
	return nil
}

func (d *draft) setRole(id RoleID, role *Role) {
	if d.roles == nil {
		d.roles = map[RoleID]*Role{}
	}
	d.roles[id] = role
}

func (d *draft) PutMembers(members ...Member) error {
	for _, member := range members {
		d.setMember(member.User, &member)
	}
	return nil
}

func (d *draft) DeleteMembers(users ...string) error {
	for _, user := range users {
		d.setMember(user, nil)
	}
	return nil
}

func (d *draft) setMember(user string, member *Member) {
	if d.members == nil {
		d.members = map[string]*Member{}
	}
	d.members[user] = member
}

func (d *draft) AppendEvents(events ...Event) error {
	for _, e := range events {
		d.events = append(d.events, e.clone())
	}
	return nil
}

func (d *draft) Clear() error {
	d.roles, d.members, d.events, d.cleared = nil, nil, nil, true
	return nil
}

// writeTo writes what the draft has to a Tx that reads as its Reader does.
func (d *draft) writeTo(tx Tx) error {
	if d.cleared {
		if err := tx.Clear(); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(d.roles)) {
		var err error
		if role := d.roles[id]; role != nil {
			err = tx.PutRole(*role)
		} else {
			err = tx.DeleteRole(id)
		}
		if err != nil {
			return err
		}
	}
	var puts []Member
	var deletes []string
	for _, user := range slices.Sorted(maps.Keys(d.members)) {
		if member := d.members[user]; member != nil {
			puts = append(puts, *member)
		} else {
			deletes = append(deletes, user)
		}
	}
	if len(puts) > 0 {
		if err := tx.PutMembers(puts...); err != nil {
			return err
		}
	}
	if len(deletes) > 0 {
		if err := tx.DeleteMembers(deletes...); err != nil {
			return err
		}
	}
	if len(d.events) == 0 {
		return nil
	}
	return tx.AppendEvents(d.events...)
}

// noRows is the Reader of a workspace that was never written.
type noRows struct{}

func (noRows) Revision() (Revision, error)                  { return Revision{}, nil }
func (noRows) Role(RoleID) (Role, error)                    { return Role{}, ErrRoleNotFound }
func (noRows) Roles() iter.Seq2[Role, error]                { return func(func(Role, error) bool) {} }
func (noRows) Member(string) (Member, error)                { return Member{}, ErrMemberNotFound }
func (noRows) Members(MemberQuery) iter.Seq2[Member, error] { return func(func(Member, error) bool) {} }
func (noRows) Holders() (map[RoleID]int, error)             { return map[RoleID]int{}, nil }
func (noRows) Events(EventQuery) iter.Seq2[Event, error]    { return func(func(Event, error) bool) {} }
