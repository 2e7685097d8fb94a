package rbac

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"time"
	"weak"
)

// engine is what the workspaces of one Authorizer share: the store, the
// model, the options, the registry of workspaces, and what keeps those in
// memory in step with the store. Polling is the guarantee (P2); notifications
// only make it fast (P3).
//
// No lock of this package is held while code runs that is not ours: the
// store, the logger's handler, the observer. The locks are those of a replica,
// of flights, of reports and of the engine, taken in this order.
type engine struct {
	options
	store   Store
	model   *model
	nothing *snapshot        // of a workspace that was never written
	nobody  *snapshot        // of the default workspace that is nobody's
	now     func() time.Time // for the times of events only
	flights *flights
	reports *reports
	counts  counts

	observing chan struct{} // a place for each call of the observer under way

	ctx    context.Context // ends with close
	cancel context.CancelFunc
	wake   chan struct{} // asks for a poll at once

	handles sync.Map // workspace id to weak.Pointer[Workspace]

	mu     sync.Mutex
	closed bool
	loaded map[*replica]struct{} // those in memory, which this keeps alive
	tasks  sync.WaitGroup
}

func newEngine(store Store, m *model, o options) *engine {
	e := &engine{
		options:   o,
		store:     store,
		nothing:   newSnapshot(m, Revision{}),
		nobody:    newSnapshot(m, Revision{}),
		model:     m,
		now:       time.Now,
		reports:   &reports{logger: o.logger},
		observing: make(chan struct{}, mostObserving),
		wake:      make(chan struct{}, 1),
		loaded:    map[*replica]struct{}{},
	}
	e.nobody.absent = ReasonNoWorkspace
	e.flights = newFlights(e)
	m.misspelt = &misspelt{report: func(area string) {
		e.reports.later("rbac: a check asks for an area that the catalogue does not have, and is denied to everybody", "area", quote(area))
	}}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

func (e *engine) start() {
	e.keepUp(e.pollLoop)
	if n, ok := e.store.(Notifier); ok {
		e.keepUp(func() { e.notifyLoop(n) })
	}
}

// keepUp runs a loop until close, anew if a store ends its goroutine.
func (e *engine) keepUp(loop func()) {
	e.spawn(func() {
		defer func() {
			if e.ctx.Err() == nil {
				e.keepUp(loop)
			}
		}()
		loop()
	})
}

// nobodys returns the snapshot of a workspace that there cannot be.
func (e *engine) nobodys(id string) *snapshot {
	if id == "" {
		return e.nobody
	}
	return e.nothing
}

// spawn runs a task that close waits for. It reports false after close.
func (e *engine) spawn(task func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.tasks.Go(task)
	return true
}

func (e *engine) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	for _, r := range e.all() {
		r.close()
	}
	e.tasks.Wait()
}

// workspace returns the handle of a workspace. Handles are weak, so that
// asking about workspaces that do not exist takes no memory; loaded holds on
// to those that are in memory. There is never more than one live handle of a
// workspace.
func (e *engine) workspace(id string) *Workspace {
	if w := e.handle(id); w != nil {
		return w
	}
	id = strings.Clone(id) // it may be part of a request
	fresh := newWorkspace(e, id)
	pointer := weak.Make(fresh)
	for {
		found, taken := e.handles.LoadOrStore(id, pointer)
		if !taken {
			break
		}
		if w := found.(weak.Pointer[Workspace]).Value(); w != nil {
			return w
		}
		if e.handles.CompareAndSwap(id, found, pointer) {
			break
		}
	}
	runtime.AddCleanup(fresh, func(id string) { e.handles.CompareAndDelete(id, pointer) }, id)
	return fresh
}

// handle returns the live handle of a workspace, nil if there is none.
func (e *engine) handle(id string) *Workspace {
	if found, ok := e.handles.Load(id); ok {
		return found.(weak.Pointer[Workspace]).Value()
	}
	return nil
}

// all returns the workspaces in memory.
func (e *engine) all() []*replica {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]*replica, 0, len(e.loaded))
	for r := range e.loaded {
		list = append(list, r)
	}
	return list
}

// keep adds a workspace to those in memory. It reports false after close,
// when nothing is kept.
func (e *engine) keep(r *replica) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.loaded[r] = struct{}{}
	return true
}

func (e *engine) forget(r *replica) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.loaded, r)
}

func (e *engine) pollLoop() {
	tick := time.NewTicker(e.pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-tick.C:
			for _, r := range e.all() {
				r.dropIfIdle(time.Now())
			}
		case <-e.wake:
		}
		e.poll()
	}
}

// poll compares the revisions of all workspaces in memory with the store, in
// one round trip, and asks for a reading of those that differ. It gives up in
// time for another attempt within the maximum staleness.
func (e *engine) poll() {
	e.flights.relieve()
	list := e.all()
	if len(list) == 0 {
		return
	}
	ids := make([]string, len(list))
	marks := make([]mark, len(list))
	for i, r := range list {
		ids[i], marks[i] = r.id, r.mark()
	}
	asked := time.Now()
	found, err := e.revisions(ids)
	e.counts.polls.Add(1)
	if err != nil && e.ctx.Err() == nil {
		e.counts.failures.Add(1)
		e.reports.warn("rbac: the store cannot be asked for revisions", "workspaces", len(ids), "error", err)
	}
	for i, r := range list {
		r.polled(marks[i], found[ids[i]], asked, err)
	}
}

// revisions is Store.Revisions, given up in time for another attempt within
// the maximum staleness.
func (e *engine) revisions(workspaces []string) (found map[string]Revision, err error) {
	ctx, cancel := context.WithTimeout(e.ctx, e.maxStaleness/2)
	defer cancel()
	err = safely(func() error {
		found, err = e.store.Revisions(ctx, workspaces)
		return err
	})
	if err == nil {
		err = ctx.Err() // an answer that comes too late is none, whatever the store makes of ctx
	}
	return found, err
}

// hint is what a Notifier calls.
func (e *engine) hint(workspaces ...string) {
	e.counts.hints.Add(1)
	if len(workspaces) == 0 {
		select {
		case e.wake <- struct{}{}:
		default: // a poll is about to begin anyway
		}
	}
	for _, id := range workspaces {
		if w := e.handle(id); w != nil {
			w.replica.hinted()
		}
	}
}

// notifyLoop listens, and listens again when that ends, after a pause that
// doubles up to the poll interval.
func (e *engine) notifyLoop(n Notifier) {
	const shortest = 50 * time.Millisecond
	pause := shortest
	for e.ctx.Err() == nil {
		began := time.Now()
		err := safely(func() error { return n.Notify(e.ctx, e.hint) })
		if e.ctx.Err() != nil {
			return
		}
		e.reports.warn("rbac: the store's notifications ended; polling goes on", "error", err)
		if time.Since(began) > e.pollInterval {
			pause = shortest
		}
		sleep(e.ctx, jitter(pause))
		pause = min(2*pause, max(e.pollInterval, shortest))
	}
}

// fetch returns the newest snapshot of a workspace, and when the store was
// asked for it: base itself if it still is, base and the events behind it if
// they continue it, or else a new one. Alone, it reads in an Update that
// writes nothing, which is serial with all changes: so that a stream of them
// from several instances does not overtake it for ever.
func (e *engine) fetch(ctx context.Context, workspace string, base *snapshot, alone bool) (s *snapshot, asked time.Time, err error) {
	e.counts.readings.Add(1)
	transaction := e.store.View
	if alone {
		transaction = serialStore{e.store}.View
	}
	err = safely(func() error {
		return retry(ctx, func() error {
			s, asked = nil, time.Now()
			return transaction(ctx, workspace, func(r Reader) (err error) {
				s, err = e.newest(ctx, reading{Reader: r, model: e.model}, workspace, base)
				return err
			})
		})
	})
	if err == nil && s == nil {
		err = errNoTransaction
	}
	return s, asked, err
}

// serialStore is a Store whose Views are serial with all changes: Updates that
// write nothing.
type serialStore struct{ Store }

func (s serialStore) View(ctx context.Context, workspace string, fn func(Reader) error) error {
	return s.Store.Update(ctx, workspace, func(tx Tx) error { return fn(tx) })
}

// newest is fetch inside a transaction.
func (e *engine) newest(ctx context.Context, in reading, workspace string, base *snapshot) (*snapshot, error) {
	revision, err := in.Revision()
	if err != nil {
		return nil, err
	}
	if base != nil && !base.unsettled {
		if revision == base.revision {
			return base, nil
		}
		s, err := base.advance(in, workspace, revision, e.reports)
		if s != nil || ctx.Err() != nil {
			return s, ctx.Err()
		}
		if err != nil {
			e.reports.warn("rbac: a workspace is loaded anew", "workspace", workspace, "reason", err,
				"known", base.revision.Seq, "stored", revision.Seq)
		}
	}
	return load(in, workspace, e.reports)
}
