package sqlitestore

import (
	"context"
	"database/sql"
	"iter"
	"slices"
	"sync/atomic"

	"github.com/areagate/rbac"
)

// reader is an [rbac.Reader] in an open transaction.
type reader struct {
	ctx       context.Context
	on        querier
	place     place
	workspace string
	ended     atomic.Bool
}

func newReader(ctx context.Context, on querier, place place, workspace string) *reader {
	return &reader{ctx: ctx, on: on, place: place, workspace: workspace}
}

// lend gives r to fn, and ends it.
func (r *reader) lend(fn func(rbac.Reader) error) error {
	defer r.ended.Store(true)
	return fn(r)
}

func (r *reader) query(text string, args []any, scan func(*sql.Rows) error) error {
	if r.ended.Load() {
		return errEnded
	}
	return r.place.failed("read from", query(r.ctx, r.on, text, args, scan))
}

// Revision implements [rbac.Reader].
func (r *reader) Revision() (rbac.Revision, error) {
	var revision rbac.Revision
	err := r.query(selectRevision, []any{r.workspace}, func(rows *sql.Rows) error {
		return rows.Scan(&revision.Seq, scanHash{&revision.Hash})
	})
	return revision, err
}

// Role implements [rbac.Reader].
func (r *reader) Role(id rbac.RoleID) (rbac.Role, error) {
	s := r.selection(selectRoles)
	s.and(`id = ?`, string(id))
	found, err := r.roles(s)
	return single(found, err, rbac.ErrRoleNotFound)
}

// Roles implements [rbac.Reader].
func (r *reader) Roles() iter.Seq2[rbac.Role, error] {
	return pages(0, func(last *rbac.Role, n int) ([]row[rbac.Role], error) {
		s := r.selection(selectRoles)
		if last != nil {
			s.and(`id > ?`, string(last.ID))
		}
		return r.roles(s.ordered(`id`, n))
	})
}

// Member implements [rbac.Reader].
func (r *reader) Member(user string) (rbac.Member, error) {
	s := r.selection(selectMembers)
	s.and(`user = ?`, user)
	found, err := r.members(s)
	return single(found, err, rbac.ErrMemberNotFound)
}

// Members implements [rbac.Reader].
func (r *reader) Members(q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	users := slices.Clone(q.Users)
	slices.Sort(users)
	users = slices.Compact(users)
	return pages(q.Limit, func(last *rbac.Member, n int) ([]row[rbac.Member], error) {
		after := q.After
		if last != nil {
			after = last.User
		}
		if users == nil {
			return r.members(r.selectMembers(q, after).ordered(`user`, n))
		}
		var page []row[rbac.Member]
		from, found := slices.BinarySearch(users, after)
		if found && after != "" {
			from++
		}
		for some := range slices.Chunk(users[from:], batch) {
			s := r.selectMembers(q, "")
			s.and(`user IN `+list(len(some)), values(some)...)
			more, err := r.members(s.ordered(`user`, n-len(page)))
			page = append(page, more...)
			if err != nil || len(page) == n {
				return page, err
			}
		}
		return page, nil
	})
}

// Holders implements [rbac.Reader].
func (r *reader) Holders() (map[rbac.RoleID]int, error) {
	holders := map[rbac.RoleID]int{}
	err := r.query(countHolders, []any{r.workspace}, func(rows *sql.Rows) error {
		var role string
		var n int
		err := rows.Scan(&role, &n)
		holders[rbac.RoleID(role)] = n
		return err
	})
	if err != nil {
		return nil, err
	}
	return holders, nil
}

// Events implements [rbac.Reader].
func (r *reader) Events(q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	q.Kinds = slices.Compact(slices.Sorted(slices.Values(q.Kinds)))
	return func(yield func(rbac.Event, error) bool) {
		left, err := r.span(q)
		if err != nil {
			yield(rbac.Event{}, err)
			return
		}
		pages(q.Limit, func(last *rbac.Event, n int) ([]row[rbac.Event], error) {
			switch {
			case last == nil:
			case q.Newest:
				left.Before = last.Seq
			default:
				left.After = last.Seq
			}
			return r.events(r.selectEvents(left, n))
		})(yield)
	}
}
