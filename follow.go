package rbac

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// follower keeps the loaded workspaces of an Authorizer in step with the
// store. Polling is the guarantee (P2); notifications only make it fast (P3).
type follower struct {
	store  Store
	model  *model
	lookup func(workspace string) *Workspace

	maxStaleness time.Duration
	pollInterval time.Duration
	idleTime     time.Duration
	logger       *slog.Logger
	observer     func(context.Context, Decision)
	now          func() time.Time // for the times of events only

	ctx    context.Context // ends with close
	cancel context.CancelFunc
	wake   chan struct{} // asks for a poll at once

	mu     sync.Mutex
	closed bool
	loaded map[*Workspace]struct{}
	tasks  sync.WaitGroup
}

func newFollower(store Store, m *model, o options, lookup func(string) *Workspace) *follower {
	f := &follower{
		store:        store,
		model:        m,
		lookup:       lookup,
		maxStaleness: o.maxStaleness,
		pollInterval: *o.pollInterval,
		idleTime:     o.idleTime,
		logger:       o.logger,
		observer:     o.observer,
		now:          time.Now,
		wake:         make(chan struct{}, 1),
		loaded:       map[*Workspace]struct{}{},
	}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

func (f *follower) start() {
	f.spawn(f.pollLoop)
	if n, ok := f.store.(Notifier); ok {
		f.spawn(func() { f.notifyLoop(n) })
	}
}

// spawn runs a task that close waits for. It reports false after close.
func (f *follower) spawn(task func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.tasks.Go(task)
	return true
}

func (f *follower) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.cancel()
	for _, w := range f.all() {
		w.mu.Lock()
		w.unload()
		w.mu.Unlock()
	}
	f.tasks.Wait()
}

// all returns the loaded workspaces.
func (f *follower) all() []*Workspace {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]*Workspace, 0, len(f.loaded))
	for w := range f.loaded {
		list = append(list, w)
	}
	return list
}

// keep adds a workspace to the loaded ones, or removes it. It reports false
// after close, when nothing is kept.
func (f *follower) keep(w *Workspace, loaded bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !loaded || f.closed {
		delete(f.loaded, w)
		return false
	}
	f.loaded[w] = struct{}{}
	return true
}

func (f *follower) pollLoop() {
	tick := time.NewTicker(f.pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-tick.C:
			f.dropIdle()
		case <-f.wake:
		}
		f.poll()
	}
}

// poll compares the revisions of all loaded workspaces with the store, in one
// round trip, and starts reading those that differ. It gives up in time for
// another attempt within the maximum staleness.
func (f *follower) poll() {
	list := f.all()
	if len(list) == 0 {
		return
	}
	ids := make([]string, len(list))
	changes := make([]uint64, len(list))
	for i, w := range list {
		w.mu.Lock()
		ids[i], changes[i] = w.id, w.changes
		w.mu.Unlock()
	}
	ctx, cancel := context.WithTimeout(f.ctx, f.maxStaleness/2)
	defer cancel()
	asked := time.Now()
	var found map[string]Revision
	err := safely(func() (err error) {
		found, err = f.store.Revisions(ctx, ids)
		return err
	})
	if err != nil && f.ctx.Err() == nil {
		f.logger.Warn("rbac: the store cannot be asked for revisions", "workspaces", len(ids), "error", err)
	}
	for i, w := range list {
		w.polled(changes[i], found[ids[i]], asked, err)
	}
}

// dropIdle unloads the workspaces that nobody asked about for the idle time.
func (f *follower) dropIdle() {
	for _, w := range f.all() {
		w.dropIfIdle(time.Now())
	}
}

// hint is what a Notifier calls.
func (f *follower) hint(workspaces ...string) {
	if len(workspaces) == 0 {
		select {
		case f.wake <- struct{}{}:
		default: // a poll is about to begin anyway
		}
	}
	for _, id := range workspaces {
		if w := f.lookup(id); w != nil {
			w.hinted()
		}
	}
}

// notifyLoop listens, and listens again when that ends, after a pause that
// doubles up to the poll interval.
func (f *follower) notifyLoop(n Notifier) {
	const shortest = 50 * time.Millisecond
	pause := shortest
	for f.ctx.Err() == nil {
		began := time.Now()
		err := safely(func() error { return n.Notify(f.ctx, f.hint) })
		if f.ctx.Err() != nil {
			return
		}
		f.logger.Warn("rbac: the store's notifications ended; polling goes on", "error", err)
		if time.Since(began) > f.pollInterval {
			pause = shortest
		}
		sleep(f.ctx, jitter(pause))
		pause = min(2*pause, max(f.pollInterval, shortest))
	}
}
