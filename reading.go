package rbac

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
)

// reading is a Reader with the system roles in place and every row checked:
// what the rest of the library reads a store through. Roles are in their
// stored form, with areas that this program does not know.
type reading struct {
	Reader
	model *model

	// malformed is told of each row that cannot be read, and roles and members
	// leave it out. If it is nil, such a row ends them, as any error does.
	malformed func(*MalformedError)
}

// skipping returns a reading that leaves out rows that cannot be read.
func (r reading) skipping(malformed func(*MalformedError)) reading {
	r.malformed = malformed
	return r
}

// readable returns a reading that leaves out rows that cannot be read, without
// a word.
func (r reading) readable() reading { return r.skipping(func(*MalformedError) {}) }

// skip reports whether a row is to be left out.
func (r reading) skip(err error, kind, id string) bool {
	if r.malformed == nil || !errors.Is(err, ErrMalformed) {
		return false
	}
	var row *MalformedError
	if !errors.As(err, &row) {
		row = &MalformedError{kind, id, err}
	}
	r.malformed(row)
	return true
}

// role returns a role. A stored row with the id of a system role is ignored:
// the code's definition decides.
func (r reading) role(id RoleID) (Role, error) {
	if role, ok := r.model.byID[id]; ok {
		return role.clone(), nil
	}
	role, err := r.Role(id)
	if err != nil {
		return Role{}, err
	}
	if role.ID != id {
		return Role{}, fmt.Errorf("rbac: the store returned role %s for %s", quote(string(role.ID)), quote(string(id)))
	}
	role.System = false
	return role, malformedRole(role)
}

// roles yields the system roles first, then those of the store. An error is
// the last thing yielded.
func (r reading) roles() iter.Seq2[Role, error] {
	return func(yield func(Role, error) bool) {
		for _, role := range r.model.system {
			if !yield(role.clone(), nil) {
				return
			}
		}
		for role, err := range r.Roles() {
			if err == nil {
				if _, forged := r.model.byID[role.ID]; forged {
					continue
				}
				role.System = false
				err = malformedRole(role)
			}
			if r.skip(err, "role", string(role.ID)) {
				continue
			}
			if !yield(role, err) || err != nil {
				return
			}
		}
	}
}

// member returns a member.
func (r reading) member(user string) (Member, error) {
	member, err := r.Member(user)
	if err != nil {
		return Member{}, err
	}
	if member.User != user {
		return Member{}, fmt.Errorf("rbac: the store returned member %s for %s", quote(member.User), quote(user))
	}
	member.Team = teamOf(member)
	return member, malformedMember(member)
}

// members yields members as roles does roles.
func (r reading) members(q MemberQuery) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		for member, err := range r.Members(q) {
			if err == nil {
				member.Team = teamOf(member)
				err = malformedMember(member)
			}
			if r.skip(err, "member", member.User) {
				continue
			}
			if !yield(member, err) || err != nil {
				return
			}
		}
	}
}

// events yields events that can be read. An error is the last thing yielded.
func (r reading) events(q EventQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for event, err := range r.Events(q) {
			if bad := event.textProblems(); err == nil && bad != nil {
				event, err = Event{Seq: event.Seq}, &MalformedError{"event", strconv.FormatInt(event.Seq, 10), bad.err()}
			}
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// trail returns the revisions of the newest events, oldest first, and whether
// the newest is that of the workspace. One that cannot be read is there, and
// that is all that matters here.
func (r reading) trail(revision Revision) (trail []Revision, settled bool) {
	settled = revision == Revision{}
	for event, err := range r.Events(EventQuery{Newest: true, Limit: trailLength}) {
		if len(trail) == 0 {
			settled = errors.Is(err, ErrMalformed) || err == nil && event.Revision() == revision
		}
		if err != nil {
			break
		}
		trail = append(trail, event.Revision())
	}
	slices.Reverse(trail)
	return trail, settled
}

// readableMembers is members, leaving out rows that cannot be read, which do
// not count towards the limit of the query.
func (r reading) readableMembers(q MemberQuery) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		for wanted := q.Limit; ; {
			skipped, from := 0, q.After
			r := r.skipping(func(row *MalformedError) { skipped++; q.After = row.ID })
			for member, err := range r.members(q) {
				if !yield(member, err) || err != nil {
					return
				}
				q.After = member.User
				wanted--
			}
			if q.Limit == 0 || skipped == 0 || wanted == 0 || q.After <= from {
				return
			}
			q.Limit = wanted // as many as were left out
		}
	}
}
