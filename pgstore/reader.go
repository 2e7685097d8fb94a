package pgstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"

	"github.com/areagate/rbac"
)

var errEnded = errors.New("pgstore: a Reader or Tx was used after its function had returned")

// reader reads one workspace in an open transaction. It reads whole pages, so
// that the connection is free between them and may be asked from inside a
// loop.
type reader struct {
	ctx       context.Context
	sql       *statements
	on        asker
	workspace string
	revision  rbac.Revision
	ended     atomic.Bool
}

func newReader(ctx context.Context, sql *statements, on asker, workspace string, revision rbac.Revision) *reader {
	return &reader{ctx: ctx, sql: sql, on: on, workspace: workspace, revision: revision}
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
	if text := string(q.Role) + q.Team + q.After; !storable(text) {
		return func(yield func(rbac.Member, error) bool) {
			yield(rbac.Member{}, unstorable("a query for members", text))
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
			sql, args := r.sql.selectMembers(r.workspace, rbac.MemberQuery{Users: some, Role: q.Role, Team: q.Team, State: q.State, Limit: left})
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

func (r *reader) Holders() (map[rbac.RoleID]int, error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	holders := map[rbac.RoleID]int{}
	var b batch
	b.query(func(scan scan) error {
		var role string
		var n int
		err := scan(&role, &n)
		holders[rbac.RoleID(role)] = n
		return err
	}, r.sql.holders, r.workspace)
	if err := r.on.ask(r.ctx, b); err != nil {
		return nil, failed(r.ctx, "count holders", err)
	}
	return holders, nil
}

// revisions asks in one batch, which outside a transaction is one of its own.
func revisions(ctx context.Context, sql *statements, on asker, b batch, workspaces []string) (map[string]rbac.Revision, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	named := make([]string, 0, len(workspaces))
	for _, workspace := range workspaces {
		if storable(workspace) { // any other was never written
			named = append(named, workspace)
		}
	}
	found := make(map[string]rbac.Revision, len(named))
	b.query(func(scan scan) error {
		var id string
		var revision rbac.Revision
		var hash []byte
		if err := scan(&id, &revision.Seq, &hash); err != nil {
			return err
		}
		if len(hash) != len(revision.Hash) {
			return fmt.Errorf("workspace %q has a hash of %d bytes", id, len(hash))
		}
		copy(revision.Hash[:], hash)
		found[id] = revision
		return nil
	}, sql.revisions, named)
	if err := on.ask(ctx, b); err != nil {
		return nil, failed(ctx, "revisions", err)
	}
	return found, nil
}

// workspaces asks as the last part of a batch, as revisions does.
func workspaces(ctx context.Context, sql *statements, on asker, b batch, q rbac.WorkspaceQuery) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if q.After != nil && !storable(*q.After) {
		return nil, unstorable("a query for workspaces", *q.After)
	}
	if !storable(q.User) { // who is nobody
		return nil, nil
	}
	var found []string
	text, args := sql.selectWorkspaces(q)
	b.query(func(scan scan) error {
		var id string
		err := scan(&id)
		found = append(found, id)
		return err
	}, text, args...)
	if err := on.ask(ctx, b); err != nil {
		return nil, failed(ctx, "workspaces", err)
	}
	return found, nil
}
