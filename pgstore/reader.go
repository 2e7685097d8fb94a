package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/areagate/rbac"
)

var errEnded = errors.New("pgstore: a Reader or Tx was used after its function had returned")

// reader reads one workspace in an open transaction. It reads whole pages, so
// that the connection is free between them and may be asked from inside a
// loop.
type reader struct {
	ctx       context.Context
	sql       *statements
	db        pgx.Tx
	workspace string
	revision  rbac.Revision
	ended     atomic.Bool
}

func newReader(ctx context.Context, sql *statements, db pgx.Tx, workspace string, revision rbac.Revision) *reader {
	return &reader{ctx: ctx, sql: sql, db: db, workspace: workspace, revision: revision}
}

// lend gives r to fn, and ends it.
func (r *reader) lend(fn func(rbac.Reader) error) error {
	defer r.ended.Store(true)
	if err := fn(r); err != nil {
		return err
	}
	return r.ctx.Err()
}

// usable returns why r cannot be used any more.
func (r *reader) usable() error {
	if r.ended.Load() {
		return errEnded
	}
	return r.ctx.Err()
}

func (r *reader) Revision() (rbac.Revision, error) {
	if err := r.usable(); err != nil {
		return rbac.Revision{}, err
	}
	return r.revision, nil
}

func (r *reader) Role(id rbac.RoleID) (rbac.Role, error) {
	if !storable(string(id)) {
		return rbac.Role{}, rbac.ErrRoleNotFound
	}
	found, err := fetch(r, nil, scanRole, r.sql.role, r.workspace, string(id))
	if err != nil {
		return rbac.Role{}, err
	}
	if len(found) == 0 {
		return rbac.Role{}, rbac.ErrRoleNotFound
	}
	return found[0].value, found[0].malformed
}

func (r *reader) Roles() iter.Seq2[rbac.Role, error] {
	return paged(r, 0, func(last *rbac.Role, n int, page []row[rbac.Role]) ([]row[rbac.Role], error) {
		after := ""
		if last != nil {
			after = string(last.ID)
		}
		return fetch(r, page, scanRole, r.sql.roles, r.workspace, after, n)
	})
}

func (r *reader) Member(user string) (rbac.Member, error) {
	if !storable(user) {
		return rbac.Member{}, rbac.ErrMemberNotFound
	}
	found, err := fetch(r, nil, scanMember, r.sql.member, r.workspace, user)
	if err != nil {
		return rbac.Member{}, err
	}
	if len(found) == 0 {
		return rbac.Member{}, rbac.ErrMemberNotFound
	}
	return found[0].value, nil
}

func (r *reader) Members(q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	if !storable(string(q.Role)) || !storable(q.After) {
		return func(yield func(rbac.Member, error) bool) {
			yield(rbac.Member{}, unstorable("a query for members", string(q.Role)+q.After))
		}
	}
	if q.Users == nil {
		return paged(r, q.Limit, func(last *rbac.Member, n int, page []row[rbac.Member]) ([]row[rbac.Member], error) {
			q := q
			if q.Limit = n; last != nil {
				q.After = last.User
			}
			sql, args := r.sql.selectMembers(r.workspace, q)
			return fetch(r, page, scanMember, sql, args...)
		})
	}
	users := slices.DeleteFunc(slices.Clone(q.Users), func(user string) bool { return !storable(user) || user <= q.After })
	slices.Sort(users)
	users = slices.Compact(users)
	return func(yield func(rbac.Member, error) bool) {
		if err := r.usable(); err != nil {
			yield(rbac.Member{}, err)
			return
		}
		left := q.Limit
		var page []row[rbac.Member]
		for some := range slices.Chunk(users, largestPage) { // in order, since users are
			sql, args := r.sql.selectMembers(r.workspace, rbac.MemberQuery{Users: some, Role: q.Role, State: q.State, Limit: left})
			var err error
			if page, err = fetch(r, page[:0], scanMember, sql, args...); err != nil {
				yield(rbac.Member{}, err)
				return
			}
			for _, found := range page {
				if left--; !yield(found.value, nil) || left == 0 {
					return
				}
			}
		}
	}
}

func (r *reader) Events(q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	after, upTo, sql := q.After, int64(math.MaxInt64), r.sql.events
	if q.Before != 0 {
		upTo = max(q.Before, math.MinInt64+1) - 1
	}
	if q.Newest {
		sql = r.sql.newestEvents
	}
	return paged(r, q.Limit, func(last *rbac.Event, n int, page []row[rbac.Event]) ([]row[rbac.Event], error) {
		after, upTo := after, upTo
		switch {
		case last == nil:
		case q.Newest:
			upTo = last.Seq - 1
		default:
			after = last.Seq
		}
		return fetch(r, page, scanEvent, sql, r.workspace, after, upTo, n)
	})
}

// The sizes of pages grow from the first to the largest: whoever reads one row
// does not pay for many, and a million members are read in 60 pages.
const (
	firstPage   = 256
	largestPage = 16384
)

// row is a row that was read: its value, or just its id if it is malformed.
type row[V any] struct {
	value     V
	malformed error
}

// paged yields rows page by page, up to limit if that is greater than 0. next
// reads at most n rows behind the last of the page before, which is nil at
// first. A page with fewer rows is the last one.
func paged[V any](r *reader, limit int, next func(last *V, n int, page []row[V]) ([]row[V], error)) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var none V
		var last *V
		var page []row[V]
		left := limit
		for size := firstPage; ; size = min(4*size, largestPage) {
			n := size
			if limit > 0 {
				n = min(n, left)
				left -= n
			}
			var err error
			if page, err = next(last, n, page[:0]); err != nil {
				yield(none, err)
				return
			}
			for i := range page {
				if !yield(page[i].value, page[i].malformed) {
					return
				}
			}
			if len(page) < n || limit > 0 && left == 0 {
				return
			}
			end := page[len(page)-1].value
			last = &end
		}
	}
}

// fetch appends the rows of a query to page.
func fetch[V any](r *reader, page []row[V], scan func() (into []any, value func() (V, error)), sql string, args ...any) ([]row[V], error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	rows, err := r.db.Query(r.ctx, sql, args...)
	if err != nil {
		return nil, failed(r.ctx, "query", err)
	}
	defer rows.Close()
	into, value := scan()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, failed(r.ctx, "query", err)
		}
		v, malformed := value()
		page = append(page, row[V]{v, malformed})
	}
	return page, failed(r.ctx, "query", rows.Err())
}

// scanRole and the like return where to scan the columns of a row to, and a
// function that makes the value of them, or else an error that concerns only
// this row.
func scanRole() ([]any, func() (rbac.Role, error)) {
	var role rbac.Role
	var permissions string
	into := []any{
		(*string)(&role.ID), &role.Name, &role.Description, &permissions, &role.Version, &role.CreatedAt, &role.UpdatedAt,
	}
	return into, func() (rbac.Role, error) {
		role := role
		role.CreatedAt, role.UpdatedAt = role.CreatedAt.UTC(), role.UpdatedAt.UTC()
		role.Permissions = nil
		if err := json.Unmarshal([]byte(permissions), &role.Permissions); err != nil {
			return rbac.Role{ID: role.ID}, &rbac.MalformedError{Kind: "role", ID: string(role.ID), Err: err}
		}
		return role, nil
	}
}

func scanMember() ([]any, func() (rbac.Member, error)) {
	var member rbac.Member
	into := []any{&member.User, (*string)(&member.Role), &member.Suspended, &member.UpdatedAt}
	shared := map[rbac.RoleID]rbac.RoleID{} // one string for all holders of a role
	return into, func() (rbac.Member, error) {
		member := member
		if role, ok := shared[member.Role]; ok {
			member.Role = role
		} else {
			shared[member.Role] = member.Role
		}
		member.UpdatedAt = member.UpdatedAt.UTC()
		return member, nil
	}
}

func scanEvent() ([]any, func() (rbac.Event, error)) {
	var seq int64
	var hash []byte
	var document string
	return []any{&seq, &hash, &document}, func() (rbac.Event, error) {
		var event rbac.Event
		err := json.Unmarshal([]byte(document), &event)
		if err != nil {
			event = rbac.Event{}
			err = &rbac.MalformedError{Kind: "event", ID: strconv.FormatInt(seq, 10), Err: err}
		}
		event.Seq = seq
		copy(event.Hash[:], hash)
		inUTC(&event)
		return event, err
	}
}

// inUTC puts the times of an event, and of what it refers to, in UTC.
func inUTC(e *rbac.Event) {
	e.Time = e.Time.UTC()
	for _, role := range []*rbac.Role{e.RoleBefore, e.RoleAfter} {
		if role != nil {
			role.CreatedAt, role.UpdatedAt = role.CreatedAt.UTC(), role.UpdatedAt.UTC()
		}
	}
	for _, member := range []*rbac.Member{e.MemberBefore, e.MemberAfter} {
		if member != nil {
			member.UpdatedAt = member.UpdatedAt.UTC()
		}
	}
}

// asker runs a query: a pool or a transaction.
type asker interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func revisions(ctx context.Context, sql *statements, db asker, workspaces []string) (map[string]rbac.Revision, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	named := make([]string, 0, len(workspaces))
	for _, workspace := range workspaces {
		if storable(workspace) { // any other was never written
			named = append(named, workspace)
		}
	}
	rows, err := db.Query(ctx, sql.revisions, named)
	if err != nil {
		return nil, failed(ctx, "revisions", err)
	}
	defer rows.Close()
	found := make(map[string]rbac.Revision, len(named))
	for rows.Next() {
		var id string
		var revision rbac.Revision
		var hash []byte
		if err := rows.Scan(&id, &revision.Seq, &hash); err != nil {
			return nil, failed(ctx, "revisions", err)
		}
		if len(hash) != len(revision.Hash) {
			return nil, fmt.Errorf("pgstore: workspace %q has a hash of %d bytes", id, len(hash))
		}
		copy(revision.Hash[:], hash)
		found[id] = revision
	}
	if err := rows.Err(); err != nil {
		return nil, failed(ctx, "revisions", err)
	}
	return found, nil
}
