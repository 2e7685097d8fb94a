package rbac

import (
	"context"
	"errors"

	"github.com/areagate/rbac/internal/fold"
)

// Role returns a role, system roles included, as the store has it now. One that
// does not exist is [ErrRoleNotFound], one that cannot be read a
// *[MalformedError], and a malformed id [ErrInvalid].
func (w *Workspace) Role(ctx context.Context, id RoleID) (Role, error) {
	return roleByID(id).in(ctx, w.review)
}

// RoleByName is Role by the name, compared as [ErrNameTaken] does: trimmed,
// normalised and with case folded. It is for programs that know a role by name,
// as a configuration does: a name may change, and an id does not. A role that
// cannot be read has no name.
func (w *Workspace) RoleByName(ctx context.Context, name string) (Role, error) {
	return roleByName(name).in(ctx, w.review)
}

// Member returns a member, suspended or not, with the name of their role. Who is
// not one is [ErrMemberNotFound], one that cannot be read a *[MalformedError], and
// a malformed id [ErrInvalid].
func (w *Workspace) Member(ctx context.Context, user string) (Member, error) {
	return memberByID(user).in(ctx, w.review)
}

// Holders returns how many members hold each role, suspended ones included, by the
// role that is stored with them, whether it exists or not. A role that nobody holds
// is missing. It is one question to the store, which counts.
func (w *Workspace) Holders(ctx context.Context) (map[RoleID]int, error) {
	return holders.in(ctx, w.review)
}

// Role is [Workspace.Role] inside the transaction.
func (t *Transaction) Role(ctx context.Context, id RoleID) (Role, error) {
	return roleByID(id).in(ctx, t.review)
}

// RoleByName is [Workspace.RoleByName] inside the transaction.
func (t *Transaction) RoleByName(ctx context.Context, name string) (Role, error) {
	return roleByName(name).in(ctx, t.review)
}

// Member is [Workspace.Member] inside the transaction.
func (t *Transaction) Member(ctx context.Context, user string) (Member, error) {
	return memberByID(user).in(ctx, t.review)
}

// Holders is [Workspace.Holders] inside the transaction.
func (t *Transaction) Holders(ctx context.Context) (map[RoleID]int, error) {
	return holders.in(ctx, t.review)
}

// lookUp is a question about one thing: what is wrong with it, and its answer.
type lookUp[T any] struct {
	bad  problems
	find func(reading) (T, error)
}

// in asks what review reads.
func (l lookUp[T]) in(ctx context.Context, review func(context.Context, func(reading) error) error) (found T, err error) {
	if err := l.bad.err(); err != nil {
		return found, err
	}
	err = review(ctx, func(r reading) (err error) {
		found, err = l.find(r)
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return found, nil
}

func roleByID(id RoleID) lookUp[Role] {
	var bad problems
	bad.check("id", idProblem(string(id)))
	return lookUp[Role]{bad, func(r reading) (Role, error) {
		role, err := r.role(id)
		if err != nil {
			return Role{}, refuseMissing(id, err)
		}
		return r.model.shown(role), nil
	}}
}

// refuseMissing returns the error of a rule for a role that is not there.
func refuseMissing(id RoleID, err error) error {
	if errors.Is(err, ErrRoleNotFound) {
		return &RefusalError{Rule: ErrRoleNotFound, Role: id}
	}
	return err
}

func roleByName(name string) lookUp[Role] {
	var bad problems
	bad.check("name", nameProblem(name))
	return lookUp[Role]{bad, func(r reading) (Role, error) {
		role, err := r.named(name)
		if err == nil && role == nil {
			err = &RefusalError{Rule: ErrRoleNotFound, RoleName: trimName(name)}
		}
		if err != nil {
			return Role{}, err
		}
		return r.model.shown(*role), nil
	}}
}

// named returns the role of a name, nil if there is none.
func (r reading) named(name string) (*Role, error) {
	folded := fold.Name(name)
	for role, err := range r.readable().roles() {
		if err != nil {
			return nil, err
		}
		if fold.Name(role.Name) == folded {
			return &role, nil
		}
	}
	return nil, nil
}

func memberByID(user string) lookUp[Member] {
	var bad problems
	bad.check("user", idProblem(user))
	return lookUp[Member]{bad, func(r reading) (Member, error) {
		member, err := r.member(user)
		if errors.Is(err, ErrMemberNotFound) {
			return Member{}, &RefusalError{Rule: ErrMemberNotFound, Users: []string{user}}
		}
		if err != nil {
			return Member{}, err
		}
		role, err := r.role(member.Role)
		switch {
		case err == nil:
			member.RoleName = role.Name
		case !errors.Is(err, ErrRoleNotFound) && !errors.Is(err, ErrMalformed):
			return Member{}, err
		}
		return member, nil
	}}
}

var holders = lookUp[map[RoleID]int]{find: func(r reading) (map[RoleID]int, error) { return r.Holders() }}
