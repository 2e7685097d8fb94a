package rbac

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"github.com/areagate/rbac/internal/cow"
)

var errMemEnded = errors.New("rbac: a Reader or Tx was used after its function had returned")

// memReader reads one state: a committed one, or the one a memTx is making.
type memReader struct {
	ctx   context.Context
	state *memState
	ended atomic.Bool
}

// usable returns why r cannot be used any more.
func (r *memReader) usable() error {
	if r.ended.Load() {
		return errMemEnded
	}
	return r.ctx.Err()
}

func (r *memReader) Revision() (Revision, error) {
	if err := r.usable(); err != nil {
		return Revision{}, err
	}
	return r.state.revision(), nil
}

func (r *memReader) Role(id RoleID) (Role, error) {
	if err := r.usable(); err != nil {
		return Role{}, err
	}
	role := r.state.roles.Get(id)
	if role == nil {
		return Role{}, ErrRoleNotFound
	}
	return role.clone(), nil
}

func (r *memReader) Roles() iter.Seq2[Role, error] {
	all := func(*Role) bool { return true }
	return memSelect(r, 0, Role.clone, all, func() iter.Seq[*Role] {
		return r.state.roles.Behind("")
	})
}

func (r *memReader) Member(user string) (Member, error) {
	if err := r.usable(); err != nil {
		return Member{}, err
	}
	member := r.state.members.Get(user)
	if member == nil {
		return Member{}, ErrMemberNotFound
	}
	return *member, nil
}

func (r *memReader) Members(q MemberQuery) iter.Seq2[Member, error] {
	users := slices.Clone(q.Users)
	slices.Sort(users)
	users = slices.Compact(users)
	if q.After != "" {
		users = slices.DeleteFunc(users, func(user string) bool { return user <= q.After })
	}
	itself := func(m Member) Member { return m }
	wanted := func(m *Member) bool {
		return (q.Role == "" || m.Role == q.Role) && (q.Team == "" || m.Team == q.Team) && q.State.selects(m.Suspended)
	}
	return memSelect(r, q.Limit, itself, wanted, func() iter.Seq[*Member] {
		if users != nil {
			return r.state.members.At(users)
		}
		return r.state.members.Behind(q.After)
	})
}

// Holders counts the members one by one.
func (r *memReader) Holders() (map[RoleID]int, error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	holders := map[RoleID]int{}
	for m := range r.state.members.Behind("") {
		holders[m.Role]++
	}
	return holders, nil
}

func (r *memReader) Events(q EventQuery) iter.Seq2[Event, error] {
	q.Kinds = slices.Clone(q.Kinds)
	wanted := func(e *Event) bool { return q.selects(*e) }
	return memSelect(r, q.Limit, Event.clone, wanted, func() iter.Seq[*Event] {
		events := r.state.events
		if q.Before != 0 && q.Before <= int64(len(events)) {
			events = events[:max(q.Before, 1)-1]
		}
		events = events[min(max(q.After, 0), int64(len(events))):]
		return func(yield func(*Event) bool) {
			for i := range events {
				if q.Newest {
					i = len(events) - 1 - i
				}
				if !yield(events[i]) {
					return
				}
			}
		}
	})
}

// memSelect yields copies of the wanted values of a source, up to limit. It
// asks for the source anew each time it is ranged over, and looks at the
// context now and then.
func memSelect[V any](r *memReader, limit int, copied func(V) V, wanted func(*V) bool, source func() iter.Seq[*V]) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var none V
		err := r.usable()
		if err != nil {
			yield(none, err)
			return
		}
		seen, yielded := 0, 0
		for v := range source() {
			if seen++; seen%256 == 0 {
				err = r.usable()
			} else if r.ended.Load() {
				err = errMemEnded
			}
			if err != nil {
				yield(none, err)
				return
			}
			if !wanted(v) {
				continue
			}
			if yielded++; !yield(copied(*v), nil) || yielded == limit {
				return
			}
		}
	}
}

// memTx writes to a state that nobody else has seen.
type memTx struct {
	memReader
	wrote bool
	tells bool // those who wait in Notify
}

func (tx *memTx) PutRole(role Role) error {
	role = role.clone()
	role.CreatedAt, role.UpdatedAt = memTime(role.CreatedAt), memTime(role.UpdatedAt)
	return tx.editRole(cow.Edit[RoleID, Role]{Key: role.ID, Value: &role})
}

func (tx *memTx) DeleteRole(id RoleID) error {
	return tx.editRole(cow.Edit[RoleID, Role]{Key: id})
}

func (tx *memTx) editRole(edit cow.Edit[RoleID, Role]) error {
	if err := tx.usable(); err != nil {
		return err
	}
	tx.state.roles = tx.state.roles.With([]cow.Edit[RoleID, Role]{edit})
	tx.wrote = true
	return nil
}

func (tx *memTx) PutMembers(members ...Member) error {
	edits := make([]cow.Edit[string, Member], len(members))
	for i, m := range members {
		m.UpdatedAt = memTime(m.UpdatedAt)
		edits[i] = cow.Edit[string, Member]{Key: m.User, Value: &m}
	}
	return tx.editMembers(edits)
}

func (tx *memTx) DeleteMembers(users ...string) error {
	edits := make([]cow.Edit[string, Member], len(users))
	for i, user := range users {
		edits[i] = cow.Edit[string, Member]{Key: user}
	}
	return tx.editMembers(edits)
}

func (tx *memTx) editMembers(edits []cow.Edit[string, Member]) error {
	if err := tx.usable(); err != nil || len(edits) == 0 {
		return err
	}
	tx.state.members = tx.state.members.With(edits)
	tx.wrote = true
	return nil
}

// AppendEvents returns an error, and appends nothing, if the events do not
// continue the Revision: the index of an event follows from its number.
func (tx *memTx) AppendEvents(events ...Event) error {
	if err := tx.usable(); err != nil || len(events) == 0 {
		return err
	}
	for i, e := range events {
		if next := int64(len(tx.state.events) + i + 1); e.Seq != next {
			return fmt.Errorf("rbac: event %d was appended where event %d belongs", e.Seq, next)
		}
	}
	for _, e := range events {
		e = e.clone()
		e.Time = memTime(e.Time)
		for _, r := range []*Role{e.RoleBefore, e.RoleAfter} {
			if r != nil {
				r.CreatedAt, r.UpdatedAt = memTime(r.CreatedAt), memTime(r.UpdatedAt)
			}
		}
		for _, m := range []*Member{e.MemberBefore, e.MemberAfter} {
			if m != nil {
				m.UpdatedAt = memTime(m.UpdatedAt)
			}
		}
		tx.state.events = append(tx.state.events, &e)
	}
	tx.wrote, tx.tells = true, true
	return nil
}

func (tx *memTx) Clear() error {
	if err := tx.usable(); err != nil {
		return err
	}
	*tx.state = memState{}
	tx.wrote, tx.tells = true, true
	return nil
}

// memTime returns the instant alone: in UTC, without a monotonic clock.
func memTime(t time.Time) time.Time { return t.Round(0).UTC() }
