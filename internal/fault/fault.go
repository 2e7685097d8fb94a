// Package fault is what the tests of this repository tell a store to do wrong,
// in words: what happens in place of a call, and to the rows inside one. The
// store is that of [rbactest.Faulty].
package fault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// Err is a failure of a store that the library knows nothing about.
var Err = errors.New("boom")

// Store is a store and what is wrong with it. It does not notify.
type Store struct {
	rbac.Store
	*rbactest.Faults
}

// Notifier is a Store that notifies.
type Notifier struct {
	Store
	rbac.Notifier
}

// New returns a store with nothing wrong yet, on another.
func New(inner rbac.Store) Store {
	store, faults := rbactest.Faulty(inner)
	return Store{store, faults}
}

// NewNotifier is New for a store that notifies.
func NewNotifier(inner rbac.Store) Notifier {
	s := New(inner)
	return Notifier{s, s.Store.(rbac.Notifier)}
}

// Total returns how often the store was asked since the last ResetCalls: the
// calls of all methods but Notify.
func (s Store) Total() int {
	return s.Calls(rbactest.OpView) + s.Calls(rbactest.OpUpdate) + s.Calls(rbactest.OpRevisions) + s.Calls(rbactest.OpWorkspaces)
}

// SetAll puts a fault in place of all calls but Notify.
func (s Store) SetAll(f rbactest.Fault) {
	s.Set(f, rbactest.OpView, rbactest.OpUpdate, rbactest.OpRevisions, rbactest.OpWorkspaces)
}

// SetRows makes what transactions read and write go wrong; nil behaves.
func (s Store) SetRows(rows *Rows) {
	if rows == nil {
		s.WrapReader(nil)
		s.WrapTx(nil)
		return
	}
	s.WrapReader(func(r rbac.Reader) rbac.Reader { return reader{r, rows} })
	s.WrapTx(func(t rbac.Tx) rbac.Tx { return tx{reader{t, rows}, t} })
}

// Behaves makes the call.
func Behaves(_ context.Context, call func(error) error) error { return call(nil) }

// Fails returns an error and does nothing else.
func Fails(err error) rbactest.Fault {
	return func(context.Context, func(error) error) error { return err }
}

// Panics panics.
func Panics(context.Context, func(error) error) error { panic("the store has a bug") }

// Skips claims success without doing anything.
func Skips(context.Context, func(error) error) error { return nil }

// Hides makes the call and does not return its error.
func Hides(_ context.Context, call func(error) error) error {
	_ = call(nil)
	return nil
}

// Twice makes the call two times.
func Twice(_ context.Context, call func(error) error) error {
	return errors.Join(call(nil), call(nil))
}

// Blocks waits for the context.
func Blocks(ctx context.Context, _ func(error) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// Stuck ignores the context until it is released.
func Stuck(release <-chan struct{}) rbactest.Fault {
	return func(_ context.Context, call func(error) error) error {
		<-release
		return call(nil)
	}
}

// Slow waits before it makes the call.
func Slow(d time.Duration) rbactest.Fault {
	return func(ctx context.Context, call func(error) error) error {
		if err := Pause(ctx, d); err != nil {
			return err
		}
		return call(nil)
	}
}

// Late makes the call and holds back its result.
func Late(d time.Duration) rbactest.Fault {
	return func(ctx context.Context, call func(error) error) error {
		err := call(nil)
		if late := Pause(ctx, d); late != nil {
			return late
		}
		return err
	}
}

// Pause waits, but no longer than until the context is done.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RollsBack makes the call up to its commit, and fails.
func RollsBack(err error) rbactest.Fault {
	return func(_ context.Context, call func(error) error) error { return call(err) }
}

// Loses loses contact during the commit, which was made or was not.
func Loses(committed bool) rbactest.Fault {
	return func(_ context.Context, call func(error) error) error {
		unknown := fmt.Errorf("connection reset: %w", rbac.ErrOutcomeUnknown)
		if !committed {
			return call(unknown)
		}
		if err := call(nil); err != nil {
			return err
		}
		return unknown
	}
}

// First misbehaves n times and then behaves.
func First(n int, f rbactest.Fault) rbactest.Fault {
	return sometimes(f, func(calls int) bool { return calls <= n })
}

// EverySecond misbehaves every second time.
func EverySecond(f rbactest.Fault) rbactest.Fault {
	return sometimes(f, func(calls int) bool { return calls%2 == 0 })
}

func sometimes(f rbactest.Fault, bad func(calls int) bool) rbactest.Fault {
	var mu sync.Mutex
	calls := 0
	return func(ctx context.Context, call func(error) error) error {
		mu.Lock()
		calls++
		wrong := bad(calls)
		mu.Unlock()
		if wrong {
			return f(ctx, call)
		}
		return call(nil)
	}
}
