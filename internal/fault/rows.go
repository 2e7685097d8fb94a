package fault

import (
	"iter"

	"github.com/areagate/rbac"
)

// Rows is what goes wrong inside a transaction. What is nil behaves.
type Rows struct {
	Roles    func(iter.Seq2[rbac.Role, error]) iter.Seq2[rbac.Role, error]
	Members  func(iter.Seq2[rbac.Member, error]) iter.Seq2[rbac.Member, error]
	Events   func(iter.Seq2[rbac.Event, error]) iter.Seq2[rbac.Event, error]
	Role     func(rbac.Role) (rbac.Role, error)
	Member   func(rbac.Member) (rbac.Member, error)
	Revision error                   // of Revision
	Write    func(what string) error // asked before each write; its error replaces the write
}

type reader struct {
	rbac.Reader
	rows *Rows
}

func (r reader) Revision() (rbac.Revision, error) {
	if r.rows.Revision != nil {
		return rbac.Revision{}, r.rows.Revision
	}
	return r.Reader.Revision()
}

func (r reader) Roles() iter.Seq2[rbac.Role, error] {
	return wrong(r.Reader.Roles(), r.rows.Roles)
}

func (r reader) Members(q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	return wrong(r.Reader.Members(q), r.rows.Members)
}

func (r reader) Events(q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	return wrong(r.Reader.Events(q), r.rows.Events)
}

func (r reader) Role(id rbac.RoleID) (rbac.Role, error) {
	role, err := r.Reader.Role(id)
	if err == nil && r.rows.Role != nil {
		return r.rows.Role(role)
	}
	return role, err
}

func (r reader) Member(user string) (rbac.Member, error) {
	member, err := r.Reader.Member(user)
	if err == nil && r.rows.Member != nil {
		return r.rows.Member(member)
	}
	return member, err
}

func wrong[V any](rows iter.Seq2[V, error], fault func(iter.Seq2[V, error]) iter.Seq2[V, error]) iter.Seq2[V, error] {
	if fault == nil {
		return rows
	}
	return fault(rows)
}

type tx struct {
	reader
	tx rbac.Tx
}

func (t tx) write(what string, write func() error) error {
	if t.rows.Write != nil {
		if err := t.rows.Write(what); err != nil {
			return err
		}
	}
	return write()
}

func (t tx) PutRole(r rbac.Role) error {
	return t.write("PutRole", func() error { return t.tx.PutRole(r) })
}

func (t tx) DeleteRole(id rbac.RoleID) error {
	return t.write("DeleteRole", func() error { return t.tx.DeleteRole(id) })
}

func (t tx) PutMembers(m ...rbac.Member) error {
	return t.write("PutMembers", func() error { return t.tx.PutMembers(m...) })
}

func (t tx) DeleteMembers(users ...string) error {
	return t.write("DeleteMembers", func() error { return t.tx.DeleteMembers(users...) })
}

func (t tx) AppendEvents(e ...rbac.Event) error {
	return t.write("AppendEvents", func() error { return t.tx.AppendEvents(e...) })
}

func (t tx) Clear() error {
	return t.write("Clear", func() error { return t.tx.Clear() })
}

// FailWrite fails the writes of one method with Err.
func FailWrite(method string) *Rows {
	return &Rows{Write: func(what string) error {
		if what == method {
			return Err
		}
		return nil
	}}
}

// Cut yields only the first n rows, as if there were no more.
func Cut[V any](n int) func(iter.Seq2[V, error]) iter.Seq2[V, error] {
	return func(rows iter.Seq2[V, error]) iter.Seq2[V, error] {
		return func(yield func(V, error) bool) {
			if n == 0 {
				return
			}
			i := 0
			for v, err := range rows {
				if i++; !yield(v, err) || i == n {
					return
				}
			}
		}
	}
}

// Broken yields the first n rows and then Err.
func Broken[V any](n int) func(iter.Seq2[V, error]) iter.Seq2[V, error] {
	return BrokenBy[V](n, func() error { return Err })
}

// BrokenBy yields the first n rows, and then what end returns when it is
// called.
func BrokenBy[V any](n int, end func() error) func(iter.Seq2[V, error]) iter.Seq2[V, error] {
	return func(rows iter.Seq2[V, error]) iter.Seq2[V, error] {
		return func(yield func(V, error) bool) {
			for v, err := range Cut[V](n)(rows) {
				if !yield(v, err) {
					return
				}
			}
			var zero V
			yield(zero, end())
		}
	}
}

// BrokenAll breaks off the rows of every kind as BrokenBy does.
func BrokenAll(n int, end func() error) *Rows {
	return &Rows{Roles: BrokenBy[rbac.Role](n, end), Members: BrokenBy[rbac.Member](n, end), Events: BrokenBy[rbac.Event](n, end)}
}

// Doubled yields every row two times.
func Doubled[V any](rows iter.Seq2[V, error]) iter.Seq2[V, error] {
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

// Changed yields every row after fn changed it.
func Changed[V any](fn func(*V)) func(iter.Seq2[V, error]) iter.Seq2[V, error] {
	return func(rows iter.Seq2[V, error]) iter.Seq2[V, error] {
		return func(yield func(V, error) bool) {
			for v, err := range rows {
				if fn(&v); !yield(v, err) {
					return
				}
			}
		}
	}
}

// Listed yields these rows, whatever the store has.
func Listed[V any](rows []V) func(iter.Seq2[V, error]) iter.Seq2[V, error] {
	return func(iter.Seq2[V, error]) iter.Seq2[V, error] {
		return func(yield func(V, error) bool) {
			for _, v := range rows {
				if !yield(v, nil) {
					return
				}
			}
		}
	}
}
