package rbactest

import (
	"context"
	"maps"
	"time"

	"github.com/areagate/rbac"
)

// faultyStore is the Store that Faulty returns.
type faultyStore struct{ f *Faults }

// faultyNotifier is one for a store that notifies.
type faultyNotifier struct {
	faultyStore
	inner rbac.Notifier
}

func (s faultyStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	if err := s.f.enter(ctx, OpView, workspace); err != nil {
		return err
	}
	store, err := s.f.readable(ctx, workspace)
	if err != nil {
		return err
	}
	return store.View(ctx, workspace, fn)
}

func (s faultyStore) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	if err := s.f.enter(ctx, OpUpdate, workspace); err != nil {
		return err
	}
	switch s.f.commits() {
	case commitsRolledBack:
		return s.f.store.Update(ctx, workspace, func(tx rbac.Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return errLost
		})
	case commitsUnanswered:
		if err := s.f.store.Update(ctx, workspace, fn); err != nil {
			return err
		}
		return errLost
	default:
		return s.f.store.Update(ctx, workspace, fn)
	}
}

func (s faultyStore) Revisions(ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
	if err := s.f.enter(ctx, OpRevisions, workspaces...); err != nil {
		return nil, err
	}
	if !s.f.isStale() {
		return s.f.store.Revisions(ctx, workspaces)
	}
	found := map[string]rbac.Revision{}
	for _, workspace := range workspaces {
		store, err := s.f.readable(ctx, workspace)
		if err != nil {
			return nil, err
		}
		revision, err := store.Revisions(ctx, []string{workspace})
		if err != nil {
			return nil, err
		}
		maps.Copy(found, revision)
	}
	return found, nil
}

func (s faultyNotifier) Notify(ctx context.Context, hint func(workspaces ...string)) error {
	s.f.count(OpNotify, nil)
	for {
		if err, cut := s.listen(ctx, hint); !cut {
			return err
		}
		if err := s.f.fault(OpNotify); err != nil {
			return err
		}
		// Another listener took the fault, or it was healed at once.
	}
}

// listen is Notify until a fault cuts it off.
func (s faultyNotifier) listen(ctx context.Context, hint func(workspaces ...string)) (err error, cut bool) {
	// Listening before the fault is looked for: one that is set between the
	// two is not overlooked.
	listening, end := s.f.listen(ctx)
	defer end()
	if err := s.f.fault(OpNotify); err != nil {
		return err, false
	}
	err = s.inner.Notify(listening, func(workspaces ...string) { s.f.hint(listening, hint, workspaces) })
	return err, ctx.Err() == nil && listening.Err() != nil
}

// hint passes a hint on, late if it has to be.
func (f *Faults) hint(ctx context.Context, hint func(...string), workspaces []string) {
	f.mu.Lock()
	delay := f.ops[OpNotify].delay
	f.mu.Unlock()
	if delay <= 0 {
		hint(workspaces...)
		return
	}
	time.AfterFunc(delay, func() {
		if ctx.Err() == nil {
			hint(workspaces...)
		}
	})
}

// listen returns a context that ends when a fault cuts listeners off.
func (f *Faults) listen(ctx context.Context) (listening context.Context, end func()) {
	listening, cut := context.WithCancel(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	key := &cut
	f.listeners[key] = struct{}{}
	return listening, func() {
		cut()
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.listeners, key)
	}
}

// enter begins a call: it waits, and then panics or returns an error, as it
// is told.
func (f *Faults) enter(ctx context.Context, op Op, workspaces ...string) error {
	if err := pause(ctx, f.count(op, workspaces)); err != nil {
		return err
	}
	return f.fault(op)
}

// count counts a call and returns how long it has to wait.
func (f *Faults) count(op Op, workspaces []string) (delay time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ops[op].calls++
	for _, workspace := range workspaces {
		f.seen[workspace] = struct{}{}
	}
	return f.ops[op].delay
}

// fault panics, or returns the error that a call has to return.
func (f *Faults) fault(op Op) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := &f.ops[op]
	if o.panic != nil {
		panic(*o.panic)
	}
	err := o.err
	if err != nil && !o.lasting {
		if o.times--; o.times == 0 {
			o.err = nil
		}
	}
	return err
}

func (f *Faults) commits() commits {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost
}

// pause waits, but no longer than until the context is done.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
