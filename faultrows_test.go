package rbac_test

import (
	"iter"

	"github.com/areagate/rbac"
)

// rowSeq is what a Reader's iterators are.
type rowSeq[V any] = iter.Seq2[V, error]

// rowFaults is what goes wrong inside a transaction. What is nil behaves.
type rowFaults struct {
	roles    func(rowSeq[rbac.Role]) rowSeq[rbac.Role]
	members  func(rowSeq[rbac.Member]) rowSeq[rbac.Member]
	events   func(rowSeq[rbac.Event]) rowSeq[rbac.Event]
	role     func(rbac.Role) (rbac.Role, error)
	member   func(rbac.Member) (rbac.Member, error)
	revision error                   // of Revision
	write    func(what string) error // asked before each write; its error replaces the write
	swallow  bool                    // the store does not return what goes wrong inside
}

type faultReader struct {
	rbac.Reader
	f *rowFaults
}

func (r faultReader) Revision() (rbac.Revision, error) {
	if r.f.revision != nil {
		return rbac.Revision{}, r.f.revision
	}
	return r.Reader.Revision()
}

func (r faultReader) Roles() rowSeq[rbac.Role] {
	return wrong(r.Reader.Roles(), r.f.roles)
}

func (r faultReader) Members(q rbac.MemberQuery) rowSeq[rbac.Member] {
	return wrong(r.Reader.Members(q), r.f.members)
}

func (r faultReader) Events(q rbac.EventQuery) rowSeq[rbac.Event] {
	return wrong(r.Reader.Events(q), r.f.events)
}

func (r faultReader) Role(id rbac.RoleID) (rbac.Role, error) {
	role, err := r.Reader.Role(id)
	if err == nil && r.f.role != nil {
		return r.f.role(role)
	}
	return role, err
}

func (r faultReader) Member(user string) (rbac.Member, error) {
	member, err := r.Reader.Member(user)
	if err == nil && r.f.member != nil {
		return r.f.member(member)
	}
	return member, err
}

func wrong[V any](rows rowSeq[V], fault func(rowSeq[V]) rowSeq[V]) rowSeq[V] {
	if fault == nil {
		return rows
	}
	return fault(rows)
}

type faultTx struct {
	faultReader
	tx rbac.Tx
}

func (t faultTx) write(what string, write func() error) error {
	if t.f.write != nil {
		if err := t.f.write(what); err != nil {
			return err
		}
	}
	return write()
}

func (t faultTx) PutRole(r rbac.Role) error {
	return t.write("PutRole", func() error { return t.tx.PutRole(r) })
}

func (t faultTx) DeleteRole(id rbac.RoleID) error {
	return t.write("DeleteRole", func() error { return t.tx.DeleteRole(id) })
}

func (t faultTx) PutMembers(m ...rbac.Member) error {
	return t.write("PutMembers", func() error { return t.tx.PutMembers(m...) })
}

func (t faultTx) DeleteMembers(users ...string) error {
	return t.write("DeleteMembers", func() error { return t.tx.DeleteMembers(users...) })
}

func (t faultTx) AppendEvents(e ...rbac.Event) error {
	return t.write("AppendEvents", func() error { return t.tx.AppendEvents(e...) })
}

// failWrite fails the writes of one kind.
func failWrite(kind string) *rowFaults {
	return &rowFaults{write: func(what string) error {
		if what == kind {
			return errBoom
		}
		return nil
	}}
}

// cut yields only the first n rows, as if there were no more.
func cut[V any](n int) func(rowSeq[V]) rowSeq[V] {
	return func(rows rowSeq[V]) rowSeq[V] {
		return func(yield func(V, error) bool) {
			i := 0
			for v, err := range rows {
				if i++; i > n || !yield(v, err) {
					return
				}
			}
		}
	}
}

// broken yields the first n rows and then an error.
func broken[V any](n int) func(rowSeq[V]) rowSeq[V] {
	return func(rows rowSeq[V]) rowSeq[V] {
		return func(yield func(V, error) bool) {
			for v, err := range cut[V](n)(rows) {
				if !yield(v, err) {
					return
				}
			}
			var zero V
			yield(zero, errBoom)
		}
	}
}

// doubled yields every row two times.
func doubled[V any](rows rowSeq[V]) rowSeq[V] {
	return func(yield func(V, error) bool) {
		for v, err := range rows {
			for range 2 {
				if !yield(v, err) {
					return
				}
			}
		}
	}
}

// changed yields every row after fn changed it.
func changed[V any](fn func(*V)) func(rowSeq[V]) rowSeq[V] {
	return func(rows rowSeq[V]) rowSeq[V] {
		return func(yield func(V, error) bool) {
			for v, err := range rows {
				if fn(&v); !yield(v, err) {
					return
				}
			}
		}
	}
}
