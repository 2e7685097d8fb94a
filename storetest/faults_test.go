package storetest_test

import (
	"context"
	"iter"

	"github.com/areagate/rbac"
)

// faults is a Store that works but for the methods that are set.
type faults struct {
	*rbac.MemStore

	view       func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Reader) error) error
	update     func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error
	revisions  func(s *rbac.MemStore, ctx context.Context, workspaces []string) (map[string]rbac.Revision, error)
	workspaces func(s *rbac.MemStore, ctx context.Context, q rbac.WorkspaceQuery) ([]string, error)
	notify     func(s *rbac.MemStore, ctx context.Context, hint func(...string)) error

	revision func(rbac.Reader) (rbac.Revision, error)
	role     func(rbac.Reader, rbac.RoleID) (rbac.Role, error)
	roles    func(rbac.Reader) iter.Seq2[rbac.Role, error]
	member   func(rbac.Reader, string) (rbac.Member, error)
	members  func(rbac.Reader, rbac.MemberQuery) iter.Seq2[rbac.Member, error]
	holders  func(rbac.Reader) (map[rbac.RoleID]int, error)
	events   func(rbac.Reader, rbac.EventQuery) iter.Seq2[rbac.Event, error]

	putRole       func(rbac.Tx, rbac.Role) error
	deleteRole    func(rbac.Tx, rbac.RoleID) error
	putMembers    func(rbac.Tx, ...rbac.Member) error
	deleteMembers func(rbac.Tx, ...string) error
	appendEvents  func(rbac.Tx, ...rbac.Event) error
	clear         func(rbac.Tx) error
}

func (f *faults) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	view := (*rbac.MemStore).View
	if f.view != nil {
		view = f.view
	}
	return view(f.MemStore, ctx, workspace, func(r rbac.Reader) error { return fn(faultyReader{r, f}) })
}

func (f *faults) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	update := (*rbac.MemStore).Update
	if f.update != nil {
		update = f.update
	}
	return update(f.MemStore, ctx, workspace, func(tx rbac.Tx) error { return fn(faultyTx{faultyReader{tx, f}, tx}) })
}

func (f *faults) Revisions(ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
	if f.revisions != nil {
		return f.revisions(f.MemStore, ctx, workspaces)
	}
	return f.MemStore.Revisions(ctx, workspaces)
}

func (f *faults) Workspaces(ctx context.Context, q rbac.WorkspaceQuery) ([]string, error) {
	if f.workspaces != nil {
		return f.workspaces(f.MemStore, ctx, q)
	}
	return f.MemStore.Workspaces(ctx, q)
}

func (f *faults) Notify(ctx context.Context, hint func(...string)) error {
	if f.notify != nil {
		return f.notify(f.MemStore, ctx, hint)
	}
	return f.MemStore.Notify(ctx, hint)
}

type faultyReader struct {
	rbac.Reader
	f *faults
}

func (r faultyReader) Revision() (rbac.Revision, error) {
	if r.f.revision != nil {
		return r.f.revision(r.Reader)
	}
	return r.Reader.Revision()
}

func (r faultyReader) Role(id rbac.RoleID) (rbac.Role, error) {
	if r.f.role != nil {
		return r.f.role(r.Reader, id)
	}
	return r.Reader.Role(id)
}

func (r faultyReader) Roles() iter.Seq2[rbac.Role, error] {
	if r.f.roles != nil {
		return r.f.roles(r.Reader)
	}
	return r.Reader.Roles()
}

func (r faultyReader) Member(user string) (rbac.Member, error) {
	if r.f.member != nil {
		return r.f.member(r.Reader, user)
	}
	return r.Reader.Member(user)
}

func (r faultyReader) Members(q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	if r.f.members != nil {
		return r.f.members(r.Reader, q)
	}
	return r.Reader.Members(q)
}

func (r faultyReader) Holders() (map[rbac.RoleID]int, error) {
	if r.f.holders != nil {
		return r.f.holders(r.Reader)
	}
	return r.Reader.Holders()
}

func (r faultyReader) Events(q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	if r.f.events != nil {
		return r.f.events(r.Reader, q)
	}
	return r.Reader.Events(q)
}

type faultyTx struct {
	faultyReader
	tx rbac.Tx
}

func (t faultyTx) PutRole(role rbac.Role) error {
	if t.f.putRole != nil {
		return t.f.putRole(t.tx, role)
	}
	return t.tx.PutRole(role)
}

func (t faultyTx) DeleteRole(id rbac.RoleID) error {
	if t.f.deleteRole != nil {
		return t.f.deleteRole(t.tx, id)
	}
	return t.tx.DeleteRole(id)
}

func (t faultyTx) PutMembers(members ...rbac.Member) error {
	if t.f.putMembers != nil {
		return t.f.putMembers(t.tx, members...)
	}
	return t.tx.PutMembers(members...)
}

func (t faultyTx) DeleteMembers(users ...string) error {
	if t.f.deleteMembers != nil {
		return t.f.deleteMembers(t.tx, users...)
	}
	return t.tx.DeleteMembers(users...)
}

func (t faultyTx) AppendEvents(events ...rbac.Event) error {
	if t.f.appendEvents != nil {
		return t.f.appendEvents(t.tx, events...)
	}
	return t.tx.AppendEvents(events...)
}

func (t faultyTx) Clear() error {
	if t.f.clear != nil {
		return t.f.clear(t.tx)
	}
	return t.tx.Clear()
}
