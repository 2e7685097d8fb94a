package rbactest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/areagate/rbac"
)

// faultyStore is the Store that Faulty returns.
type faultyStore struct{ f *Faults }

// faultyNotifier is one for a store that notifies.
type faultyNotifier struct{ faultyStore }

func (s faultyStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return s.f.call(ctx, OpView, []string{workspace}, func(end error) error {
		store, err := s.f.readable(ctx, workspace)
		if err != nil {
			return err
		}
		wrap, _, _ := s.f.within(workspace)
		return store.View(ctx, workspace, func(r rbac.Reader) error {
			if wrap != nil {
				r = wrap(r)
			}
			return cmp.Or(fn(r), end)
		})
	})
}

func (s faultyStore) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	return s.f.call(ctx, OpUpdate, []string{workspace}, func(end error) error {
		_, wrap, lost := s.f.within(workspace)
		if lost == commitsRolledBack {
			end = cmp.Or(end, errLost)
		}
		err := s.f.behind().Update(ctx, workspace, func(tx rbac.Tx) error {
			if wrap != nil {
				tx = wrap(tx)
			}
			return cmp.Or(fn(tx), end)
		})
		if err == nil && lost == commitsUnanswered {
			return errLost
		}
		return err
	})
}

func (s faultyStore) Revisions(ctx context.Context, workspaces []string) (found map[string]rbac.Revision, err error) {
	err = s.f.call(ctx, OpRevisions, workspaces, func(end error) (err error) {
		found, err = s.f.revisions(ctx, workspaces)
		return cmp.Or(err, end)
	})
	return found, err
}

func (s faultyStore) Workspaces(ctx context.Context, q rbac.WorkspaceQuery) (found []string, err error) {
	err = s.f.call(ctx, OpWorkspaces, nil, func(end error) (err error) {
		found, err = s.f.behind().Workspaces(ctx, q)
		return cmp.Or(err, end)
	})
	return found, err
}

// revisions asks the store, or what is left of it while it is stale.
func (f *Faults) revisions(ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
	if !f.isStale() {
		return f.behind().Revisions(ctx, workspaces)
	}
	found := map[string]rbac.Revision{}
	for _, workspace := range workspaces {
		store, err := f.readable(ctx, workspace)
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
		err, cut := s.listen(ctx, hint)
		if !cut {
			return err
		}
	}
}

// listen is Notify until it is to look for a fault again.
func (s faultyNotifier) listen(ctx context.Context, hint func(workspaces ...string)) (err error, cut bool) {
	// Listening before the fault is looked for: one that is set between the
	// two is not overlooked.
	listening, end := s.f.listen(ctx, hint)
	defer end()
	instead, err := s.f.fault(OpNotify, nil)
	if err != nil {
		return err, false
	}
	err = instead(listening, func(error) error {
		return s.f.behind().(rbac.Notifier).Notify(listening, func(workspaces ...string) { s.f.hint(listening, hint, workspaces) })
	})
	return err, ctx.Err() == nil && listening.Err() != nil
}

// notifying is a Notify that is under way.
type notifying struct {
	hint func(workspaces ...string)
	cut  context.CancelFunc
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

// listen returns a context that ends when listeners are cut off.
func (f *Faults) listen(ctx context.Context, hint func(workspaces ...string)) (listening context.Context, end func()) {
	listening, cut := context.WithCancel(ctx)
	l := &notifying{hint, cut}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listeners[l] = struct{}{}
	return listening, func() {
		cut()
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.listeners, l)
	}
}

// call makes a call as it is told: it waits, and then panics, returns an
// error, or does something else.
func (f *Faults) call(ctx context.Context, op Op, workspaces []string, call func(end error) error) error {
	if err := pause(ctx, f.count(op, workspaces)); err != nil {
		return err
	}
	instead, err := f.fault(op, workspaces)
	if err != nil {
		return err
	}
	return instead(ctx, call)
}

// count counts a call and returns how long it has to wait.
func (f *Faults) count(op Op, workspaces []string) (delay time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ops[op].calls++
	for _, workspace := range workspaces {
		f.seen[workspace] = struct{}{}
	}
	if f.spared(op, workspaces) {
		return 0
	}
	return f.ops[op].delay
}

// fault panics, or returns the error that a call has to return, or what it has
// to do.
func (f *Faults) fault(op Op, workspaces []string) (instead Fault, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := &f.ops[op]
	switch {
	case f.spared(op, workspaces):
		return behave, nil
	case o.panic != nil:
		panic(*o.panic)
	case o.err != nil:
		err = o.err
		if !o.lasting {
			if o.times--; o.times == 0 {
				o.err = nil
			}
		}
		return nil, err
	case o.instead != nil:
		return o.instead, nil
	}
	return behave, nil
}

func behave(_ context.Context, call func(end error) error) error { return call(nil) }

// spared reports whether a call is one that Only leaves alone. The caller holds
// f.mu.
func (f *Faults) spared(op Op, workspaces []string) bool {
	return len(f.only) > 0 && (op == OpView || op == OpUpdate) && !slices.Contains(f.only, workspaces[0])
}

// within returns what is wrong inside the transactions of a workspace.
func (f *Faults) within(workspace string) (func(rbac.Reader) rbac.Reader, func(rbac.Tx) rbac.Tx, commits) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.spared(OpView, []string{workspace}) {
		return nil, nil, commitsMade
	}
	return f.reader, f.tx, f.lost
}

// behind returns the store that works.
func (f *Faults) behind() rbac.Store {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.store
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
