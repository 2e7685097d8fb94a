package storetest

import (
	"context"
	"iter"
	"sync/atomic"

	"github.com/areagate/rbac"
)

// Faulty is a store with a fault, while one is set. It counts what it is
// asked.
type Faulty struct {
	rbac.Store
	Only string // if not empty, the one workspace whose View and Update have the fault

	Views, Polls atomic.Int64
	fault        atomic.Pointer[Fault]
}

// Fault is what goes wrong. Nil functions are right.
type Fault struct {
	View, Update, Revisions, Notify func(ctx context.Context, call func() error) error // around the call
	Reader                          func(rbac.Reader) rbac.Reader                      // in place of what View gives
}

// Set sets the fault. Nil heals the store.
func (s *Faulty) Set(f *Fault) { s.fault.Store(f) }

func (s *Faulty) now() Fault {
	if f := s.fault.Load(); f != nil {
		return *f
	}
	return Fault{}
}

func (s *Faulty) of(workspace string) Fault {
	if s.Only != "" && workspace != s.Only {
		return Fault{}
	}
	return s.now()
}

func around(ctx context.Context, fault func(context.Context, func() error) error, call func() error) error {
	if fault == nil {
		return call()
	}
	return fault(ctx, call)
}

// View implements [rbac.Store].
func (s *Faulty) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	s.Views.Add(1)
	f := s.of(workspace)
	return around(ctx, f.View, func() error {
		return s.Store.View(ctx, workspace, func(r rbac.Reader) error {
			if f.Reader != nil {
				r = f.Reader(r)
			}
			return fn(r)
		})
	})
}

// Update implements [rbac.Store].
func (s *Faulty) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	return around(ctx, s.of(workspace).Update, func() error { return s.Store.Update(ctx, workspace, fn) })
}

// Revisions implements [rbac.Store].
func (s *Faulty) Revisions(ctx context.Context, workspaces []string) (found map[string]rbac.Revision, err error) {
	s.Polls.Add(1)
	err = around(ctx, s.now().Revisions, func() (err error) {
		found, err = s.Store.Revisions(ctx, workspaces)
		return err
	})
	return found, err
}

// Notify implements [rbac.Notifier]; the store must be one. See [Deaf].
func (s *Faulty) Notify(ctx context.Context, hint func(workspaces ...string)) error {
	return around(ctx, s.now().Notify, func() error { return s.Store.(rbac.Notifier).Notify(ctx, hint) })
}

// CutReader gives so many rows of each kind, and then the error of Row.
type CutReader struct {
	rbac.Reader
	Rows int
	Row  func() error
}

// Roles implements [rbac.Reader].
func (r CutReader) Roles() iter.Seq2[rbac.Role, error] { return cut(r, r.Reader.Roles()) }

// Members implements [rbac.Reader].
func (r CutReader) Members(q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	return cut(r, r.Reader.Members(q))
}

// Events implements [rbac.Reader].
func (r CutReader) Events(q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	return cut(r, r.Reader.Events(q))
}

func cut[V any](r CutReader, rows iter.Seq2[V, error]) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		n := 0
		for v, err := range rows {
			if n == r.Rows {
				break
			}
			if n++; !yield(v, err) {
				return
			}
		}
		var zero V
		yield(zero, r.Row())
	}
}
