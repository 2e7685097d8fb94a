package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/areagate/rbac"
)

// autocommit is a Tx without a transaction: every write is committed at once,
// and every read sees what is committed.
type autocommit struct {
	s         *rbac.MemStore
	ctx       context.Context
	workspace string
}

func readCommitted[V any](a autocommit, read func(rbac.Reader) (V, error)) (v V, err error) {
	err = a.s.View(a.ctx, a.workspace, func(r rbac.Reader) error {
		v, err = read(r)
		return err
	})
	return v, err
}

func iterateCommitted[V any](a autocommit, all func(rbac.Reader) iter.Seq2[V, error]) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		err := a.s.View(a.ctx, a.workspace, func(r rbac.Reader) error {
			all(r)(yield)
			return nil
		})
		if err != nil {
			var none V
			yield(none, err)
		}
	}
}

func (a autocommit) write(fn func(rbac.Tx) error) error { return a.s.Update(a.ctx, a.workspace, fn) }

func (a autocommit) Revision() (rbac.Revision, error) {
	return readCommitted(a, rbac.Reader.Revision)
}

func (a autocommit) Role(id rbac.RoleID) (rbac.Role, error) {
	return readCommitted(a, func(r rbac.Reader) (rbac.Role, error) { return r.Role(id) })
}

func (a autocommit) Roles() iter.Seq2[rbac.Role, error] {
	return iterateCommitted(a, rbac.Reader.Roles)
}

func (a autocommit) Member(user string) (rbac.Member, error) {
	return readCommitted(a, func(r rbac.Reader) (rbac.Member, error) { return r.Member(user) })
}

func (a autocommit) Members(q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	return iterateCommitted(a, func(r rbac.Reader) iter.Seq2[rbac.Member, error] { return r.Members(q) })
}

func (a autocommit) Holders() (map[rbac.RoleID]int, error) {
	return readCommitted(a, rbac.Reader.Holders)
}

func (a autocommit) Events(q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	return iterateCommitted(a, func(r rbac.Reader) iter.Seq2[rbac.Event, error] { return r.Events(q) })
}

func (a autocommit) PutRole(role rbac.Role) error {
	return a.write(func(tx rbac.Tx) error { return tx.PutRole(role) })
}

func (a autocommit) DeleteRole(id rbac.RoleID) error {
	return a.write(func(tx rbac.Tx) error { return tx.DeleteRole(id) })
}

func (a autocommit) PutMembers(members ...rbac.Member) error {
	return a.write(func(tx rbac.Tx) error { return tx.PutMembers(members...) })
}

func (a autocommit) DeleteMembers(users ...string) error {
	return a.write(func(tx rbac.Tx) error { return tx.DeleteMembers(users...) })
}

func (a autocommit) AppendEvents(events ...rbac.Event) error {
	return a.write(func(tx rbac.Tx) error { return tx.AppendEvents(events...) })
}

func (a autocommit) Clear() error { return a.write(rbac.Tx.Clear) }

func brokenTransactions() []brokenStore {
	const (
		oneState  = "a View reads one state whatever others commit"
		half      = "a View never sees half an Update"
		unseen    = "an Update is seen by others only when it commits"
		serial    = "Updates of a workspace are serial"
		lost      = "concurrent Updates lose nothing"
		safe      = "all methods are safe for concurrent use"
		fails     = "an Update whose function fails leaves nothing behind"
		panics    = "an Update whose function panics leaves nothing behind"
		before    = "a context that is done beforehand is an error"
		cancelled = "an Update whose context ends is not committed"
		waits     = "an Update that waits ends with its context"
		methods   = "Reader and Tx use the context of View and Update"
	)
	type updateFunc = func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error
	updating := func(update updateFunc) func() *faults {
		return func() *faults { return &faults{update: update} }
	}
	return []brokenStore{
		{"views are not isolated", func() *faults {
			return &faults{view: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
				return fn(autocommit{s, ctx, workspace})
			}}
		}, []string{oneState}},
		{"views hide their errors", func() *faults {
			return &faults{view: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
				if err := s.View(ctx, workspace, fn); err != nil {
					return fmt.Errorf("view: %v", err)
				}
				return nil
			}}
		}, []string{"View returns the error of its function", before}},
		{"no transactions", updating(func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
			return fn(autocommit{s, ctx, workspace})
		}), []string{unseen, serial, lost, safe, fails, panics, cancelled}},
		{"events are committed later", func() *faults {
			var events []rbac.Event
			return &faults{
				update: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
					events = nil
					if err := s.Update(ctx, workspace, fn); err != nil {
						return err
					}
					time.Sleep(3 * time.Millisecond)
					return s.Update(ctx, workspace, func(tx rbac.Tx) error { return tx.AppendEvents(events...) })
				},
				appendEvents: func(_ rbac.Tx, more ...rbac.Event) error {
					events = append(events, more...)
					return nil
				},
			}
		}, []string{half, "an Update sees its own writes at once"}},
		{"commits come later", updating(func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
			go func() {
				<-ctx.Done()
				_ = s.Update(context.WithoutCancel(ctx), workspace, fn)
			}()
			return nil
		}), []string{"an Update commits all its writes before it returns"}},
		{"an Update does not see its own writes", updating(func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
			return s.Update(ctx, workspace, func(tx rbac.Tx) error {
				return fn(struct {
					rbac.Reader
					writer
				}{autocommit{s, ctx, workspace}, tx})
			})
		}), []string{"an Update sees its own writes at once"}},
		{"Updates hide their errors", updating(func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
			if err := s.Update(ctx, workspace, fn); err != nil {
				return fmt.Errorf("update: %v", err)
			}
			return nil
		}), []string{fails, before}},
		{"no rollback at an error", updating(func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
			var failed error
			return errors.Join(s.Update(ctx, workspace, func(tx rbac.Tx) error {
				failed = fn(tx)
				return nil
			}), failed)
		}), []string{fails}},
		{"no rollback at a panic", updating(func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
			var panicked any
			err := s.Update(ctx, workspace, func(tx rbac.Tx) error {
				defer func() { panicked = recover() }()
				return fn(tx)
			})
			if panicked != nil {
				panic(panicked)
			}
			return err
		}), []string{panics}},
		{"a panic is swallowed", updating(func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
			defer func() { _ = recover() }()
			return s.Update(ctx, workspace, fn)
		}), []string{panics}},
		{"a panic keeps the lock", func() *faults {
			lock := make(chan struct{}, 1)
			return &faults{update: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
				select {
				case lock <- struct{}{}:
				case <-ctx.Done():
					return ctx.Err()
				}
				err := s.Update(ctx, workspace, fn)
				<-lock
				return err
			}}
		}, []string{panics}},
		{"contexts are ignored", func() *faults {
			return &faults{
				view: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
					return s.View(context.WithoutCancel(ctx), workspace, fn)
				},
				update: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
					return s.Update(context.WithoutCancel(ctx), workspace, fn)
				},
				revisions: func(s *rbac.MemStore, ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
					return s.Revisions(context.WithoutCancel(ctx), workspaces)
				},
			}
		}, []string{before, cancelled, waits, methods}},
		{"Reader and Tx ignore the context", func() *faults {
			return &faults{
				view: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
					err := s.View(context.WithoutCancel(ctx), workspace, fn)
					return errors.Join(err, ctx.Err())
				},
				update: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
					return s.Update(context.WithoutCancel(ctx), workspace, func(tx rbac.Tx) error { return errors.Join(fn(tx), ctx.Err()) })
				},
			}
		}, []string{methods, "an iterator yields an error once and ends"}},
		{"Updates wait whatever their context says", func() *faults {
			var lock sync.Mutex
			return &faults{update: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
				lock.Lock()
				defer lock.Unlock()
				return s.Update(ctx, workspace, fn)
			}}
		}, []string{waits}},
		{"too many writes are an error", func() *faults {
			return &faults{putMembers: func(tx rbac.Tx, members ...rbac.Member) error {
				if len(members) > 1000 {
					return errBroken
				}
				return tx.PutMembers(members...)
			}}
		}, []string{"an Update holds ten thousand writes"}},
		{"too many users are an error", func() *faults {
			return &faults{members: func(r rbac.Reader, q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
				if len(q.Users) > 32766 {
					return func(yield func(rbac.Member, error) bool) { yield(rbac.Member{}, errBroken) }
				}
				return r.Members(q)
			}}
		}, []string{"an Update holds ten thousand writes"}},
		{"errors do not end an iteration", func() *faults {
			return &faults{roles: func(r rbac.Reader) iter.Seq2[rbac.Role, error] {
				return func(yield func(rbac.Role, error) bool) {
					for role, err := range r.Roles() {
						if !yield(role, err) || err != nil && !yield(role, err) {
							return
						}
					}
				}
			}}
		}, []string{"an iterator yields an error once and ends"}},
		{"errors come with a value", func() *faults {
			return &faults{members: func(r rbac.Reader, q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
				return func(yield func(rbac.Member, error) bool) {
					for m, err := range r.Members(q) {
						if err != nil {
							m.User = "left over"
						}
						if !yield(m, err) {
							return
						}
					}
				}
			}}
		}, []string{"an iterator yields an error once and ends"}},
	}
}

// writer is what a Tx has beyond a Reader.
type writer interface {
	PutRole(rbac.Role) error
	DeleteRole(rbac.RoleID) error
	PutMembers(...rbac.Member) error
	DeleteMembers(...string) error
	AppendEvents(...rbac.Event) error
	Clear() error
}
