package rbac

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// flight is one reading of a workspace, shared by all who wait for it.
type flight struct {
	done chan struct{}
	snap *snapshot
	err  error
}

// current returns the snapshot to check against: the live one, or else the
// result of a reading that is shared with everybody who asks meanwhile.
func (w *Workspace) current(ctx context.Context) (*snapshot, error) {
	if s := w.live.Load(); s != nil {
		if s.detour.Load()&detourUnused != 0 {
			s.detour.And(^uint32(detourUnused))
		}
		return s, nil
	}
	if bytesProblem(w.id) != "" {
		return newSnapshot(w.follower.model, Revision{}), nil // nothing can be in it
	}
	if ctx == nil {
		ctx = context.Background() // a check never panics (E1)
	}
	if err := ctx.Err(); err != nil {
		return nil, unavailable(err)
	}
	w.mu.Lock()
	if s := w.live.Load(); s != nil {
		w.mu.Unlock()
		return s, nil
	}
	w.lastUsed = time.Now()
	if w.snap != nil && w.fault != nil {
		// The store was asked and did not answer. The poll asks again; a
		// crowd of waiting checks would not help it to recover.
		defer w.mu.Unlock()
		return nil, unavailable(w.fault)
	}
	f := w.running
	if f == nil {
		f = w.fly()
	}
	w.mu.Unlock()
	return f.wait(ctx, w.follower.maxStaleness)
}

func (f *flight) wait(ctx context.Context, most time.Duration) (*snapshot, error) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-f.done:
		return f.snap, f.err
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	case <-timer.C:
		return nil, unavailable(fmt.Errorf("the store did not answer within %v", most))
	}
}

// sync waits for a reading that begins now or later.
func (w *Workspace) sync(ctx context.Context) error {
	if problem := bytesProblem(w.id); problem != "" {
		return invalid("workspace", problem)
	}
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	w.mu.Lock()
	f := w.refresh()
	w.mu.Unlock()
	_, err := f.wait(ctx, w.follower.maxStaleness)
	return err
}

// refresh returns a flight that begins now, or after the running one. The
// caller holds w.mu.
func (w *Workspace) refresh() *flight {
	if w.running == nil {
		return w.fly()
	}
	if w.queued == nil {
		w.queued = &flight{done: make(chan struct{})}
	}
	return w.queued
}

// fly starts a flight. The caller holds w.mu, and no flight is running.
func (w *Workspace) fly() *flight {
	f := &flight{done: make(chan struct{})}
	w.running = f
	if !w.follower.spawn(w.runFlights) {
		w.running = nil
		f.err = unavailable(ErrClosed)
		close(f.done)
	}
	return f
}

// runFlights runs the running flight and those queued behind it.
func (w *Workspace) runFlights() {
	w.mu.Lock()
	defer w.land()
	for w.running != nil {
		f := w.running
		f.snap, f.err = w.read()
		close(f.done)
		w.running, w.queued = w.queued, nil
	}
}

// land ends runFlights. Flights are left only if the store ended the
// goroutine, as a fake does that calls testing.T.FailNow. The caller holds
// w.mu, which it releases.
func (w *Workspace) land() {
	defer w.mu.Unlock()
	for _, f := range []*flight{w.running, w.queued} {
		if f != nil {
			f.err = w.failed(errGoexit)
			close(f.done)
		}
	}
	w.running, w.queued, w.own = nil, nil, nil
}

// read reads the store and publishes what it finds. The caller holds w.mu,
// which is released while the store is asked.
func (w *Workspace) read() (*snapshot, error) {
	most := w.follower.maxStaleness
	for rounds, overtaken := 1, 0; ; {
		base := w.snap
		w.own, w.reread = nil, false
		asked := time.Now()
		s, err := w.fetch(base, overtaken >= 3)
		whole := false
		if err == nil {
			s, whole = w.withOwn(s)
		}
		switch {
		case w.follower.ctx.Err() != nil:
			return nil, unavailable(ErrClosed)
		case err != nil:
			return nil, w.failed(err)
		case !whole:
			// Something newer was committed or published while we read. Throw
			// away what we have.
			overtaken++
			continue
		case s.empty() && w.id != "":
			// Whoever asks about workspaces that do not exist gets an answer,
			// and takes no memory.
			w.unload()
		case w.snap != nil && s.revision == w.snap.revision:
			s = w.snap // before confirm, which may unload it
			w.confirm(asked)
		default:
			w.publish(s, asked)
		}
		// If reading took so long that the answer is old already, read again:
		// following from here is quick. But only so often.
		age := time.Since(asked)
		if age < most/2 || rounds == 3 && age < most {
			return s, nil
		}
		if rounds == 3 {
			return nil, w.failed(fmt.Errorf("the store takes %v to read the workspace", age))
		}
		rounds++
	}
}

var errGoexit = errors.New("rbac: the store ended its goroutine")

// withOwn returns a snapshot that was just read with the changes that were
// committed through this Authorizer meanwhile, so that a stream of them does
// not keep a workspace from being loaded. It reports false if the snapshot
// lacks something that is known, and has to be read again. The caller holds
// w.mu.
func (w *Workspace) withOwn(s *snapshot) (*snapshot, bool) {
	slices.SortFunc(w.own, func(a, b Event) int { return cmp.Compare(a.Seq, b.Seq) })
	at := s.revision
	var behind []Event
	for _, event := range w.own {
		if event.Seq <= s.revision.Seq {
			continue
		}
		if !event.follows(w.id, at) {
			return s, false
		}
		at = event.Revision()
		behind = append(behind, event)
	}
	if len(behind) > 0 {
		s = s.apply(behind)
	}
	older := w.snap != nil && len(w.own) > 0 && s.revision.Seq < w.snap.revision.Seq
	return s, !w.reread && !older
}

// failed records why the workspace could not be read. The caller holds w.mu.
func (w *Workspace) failed(err error) error {
	w.fault = err
	w.follower.logger.Warn("rbac: a workspace cannot be read", "workspace", w.id, "error", err)
	return unavailable(err)
}

// fetch returns the newest snapshot: base itself if it still is, base and the
// events behind it if they continue it, or else a new one. Alone, it reads in
// an Update that writes nothing, which is serial with all changes: so that a
// stream of them from several instances does not overtake it for ever. The
// caller holds w.mu, which is released meanwhile.
func (w *Workspace) fetch(base *snapshot, alone bool) (s *snapshot, err error) {
	w.mu.Unlock()
	defer w.mu.Lock()
	f := w.follower
	// A large workspace may take longer to load than a check may wait; those
	// who gave up find it loaded when they ask again.
	ctx, cancel := context.WithTimeout(f.ctx, max(f.maxStaleness, time.Minute))
	defer cancel()
	err = safely(func() error {
		transaction := f.store.View
		if alone {
			transaction = func(ctx context.Context, workspace string, fn func(Reader) error) error {
				return f.store.Update(ctx, workspace, func(tx Tx) error { return fn(tx) })
			}
		}
		return retry(ctx, func() error {
			return transaction(ctx, w.id, func(r Reader) (err error) {
				in := reading{r, f.model}
				revision, err := r.Revision()
				if err != nil {
					return err
				}
				if base != nil {
					if revision == base.revision {
						s = base
						return nil
					}
					if behind := revision.Seq - base.revision.Seq; behind > 0 && behind <= int64(1000+len(base.members)) && !base.wantsReload() {
						if s, err = base.follow(in, w.id, revision, f.logger); err == nil {
							return nil
						}
					} else if behind <= 0 {
						err = errBroken
					}
					if ctx.Err() != nil {
						return ctx.Err()
					}
					if err != nil {
						f.logger.Warn("rbac: a workspace is loaded anew", "workspace", w.id, "reason", err,
							"known", base.revision.Seq, "stored", revision.Seq)
					}
				}
				s, err = load(in, w.id, f.logger)
				return err
			})
		})
	})
	if err == nil && s == nil {
		err = errNoTransaction
	}
	return s, err
}

// publish puts a snapshot into service. asked is when the store was asked for
// it. The caller holds w.mu.
func (w *Workspace) publish(s *snapshot, asked time.Time) {
	w.install(s)
	w.confirmed = time.Time{}
	w.confirm(asked)
	if s.wantsFold() && !w.folding {
		w.folding = w.follower.spawn(func() { w.fold(s) })
	}
}

// install makes a snapshot the newest known. The caller holds w.mu.
func (w *Workspace) install(s *snapshot) {
	w.noteUse(time.Now())
	w.changes++
	w.snap = s
	s.detour.Store(detourUnused)
	if s.overlay != nil {
		s.detour.Or(detourOverlay)
	}
	if w.follower.observer != nil {
		s.detour.Or(detourObserved)
	}
}

// confirm records that w.snap was the newest when the store was asked, and
// arms the timer that takes it out of service. It is a timer, and not a look
// at the clock in every check, because that look costs more than the check.
// The caller holds w.mu.
func (w *Workspace) confirm(asked time.Time) {
	if w.lastUsed.IsZero() {
		w.lastUsed = time.Now()
	}
	if !w.follower.keep(w, true) {
		w.unload() // closed meanwhile
		return
	}
	if asked.Before(w.confirmed) {
		asked = w.confirmed // a slow answer takes nothing back
	}
	w.confirmed, w.fault = asked, nil
	left := w.follower.maxStaleness - time.Since(asked)
	if left <= 0 {
		w.live.Store(nil)
		return
	}
	if w.expiry == nil {
		w.expiry = time.AfterFunc(left, w.expire)
	} else {
		w.expiry.Reset(left)
	}
	w.live.Store(w.snap)
}

// expire takes the snapshot out of service if it was not confirmed meanwhile.
func (w *Workspace) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.live.Load() == nil {
		return
	}
	if left := w.follower.maxStaleness - time.Since(w.confirmed); left > 0 {
		w.expiry.Reset(left)
		return
	}
	w.noteUse(time.Now())
	w.live.Store(nil)
	w.follower.logger.Error("rbac: a workspace is out of service: its data could not be confirmed in time",
		"workspace", w.id, "maxStaleness", w.follower.maxStaleness, "cause", w.fault)
}

// unload forgets the snapshot. The caller holds w.mu.
func (w *Workspace) unload() {
	w.live.Store(nil)
	w.changes++
	w.snap, w.fault, w.lastUsed = nil, nil, time.Time{}
	if w.expiry != nil {
		w.expiry.Stop()
	}
	w.follower.keep(w, false)
}

// polled takes the poll's answer for a workspace. changes is what w.changes
// was before the poll asked: if something was published meanwhile, the answer
// may be older than what is known.
func (w *Workspace) polled(changes uint64, found Revision, asked time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.snap == nil || w.changes != changes:
	case err != nil:
		w.fault = err
	case found == w.snap.revision:
		w.confirm(asked)
	default:
		w.refresh()
	}
}

// hinted takes a notification. However many come while one flight reads, one
// more follows.
func (w *Workspace) hinted() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.snap != nil || w.running != nil {
		w.refresh()
	}
}

// noteUse moves the mark that checks leave in the live snapshot to lastUsed.
// The caller holds w.mu.
func (w *Workspace) noteUse(now time.Time) {
	if s := w.live.Load(); s != nil && s.detour.Load()&detourUnused == 0 {
		s.detour.Or(detourUnused)
		w.lastUsed = now
	}
}

func (w *Workspace) dropIfIdle(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noteUse(now)
	if w.snap != nil && w.running == nil && now.Sub(w.lastUsed) >= w.follower.idleTime {
		w.unload()
	}
}

// committed takes a change that was made through this Authorizer, so that its
// next check sees it (P1). base is the revision before the change, confirmed
// at the time asked. If the snapshot is at base, the events are applied to
// it; if not, the store is asked. Until then nothing is served.
func (w *Workspace) committed(ctx context.Context, base Revision, events []Event, asked time.Time) {
	w.mu.Lock()
	w.changes++
	if w.running != nil {
		w.own = append(w.own, events...)
	}
	last := events[len(events)-1].Revision()
	switch {
	case w.snap == nil || w.snap.revision == last:
		w.mu.Unlock()
	case w.snap.revision == base && !w.snap.wantsReload():
		w.publish(w.snap.apply(events), asked)
		w.mu.Unlock()
	default:
		w.catchUp(ctx)
	}
}

// doubt takes a change whose outcome is not known: the store must be asked
// before the next check.
func (w *Workspace) doubt(ctx context.Context) {
	w.mu.Lock()
	w.changes++
	w.reread = true
	if w.snap == nil {
		w.mu.Unlock()
		return
	}
	w.catchUp(ctx)
}

// catchUp takes the workspace out of service until the store was asked. The
// caller holds w.mu, which it releases.
func (w *Workspace) catchUp(ctx context.Context) {
	w.noteUse(time.Now())
	w.live.Store(nil)
	f := w.refresh()
	w.mu.Unlock()
	_, _ = f.wait(context.WithoutCancel(ctx), w.follower.maxStaleness) // a failure shows in the next check
}

// fold merges the overlay of an earlier snapshot into its large map, beside
// the checks and changes that go on, and publishes the result.
func (w *Workspace) fold(earlier *snapshot) {
	members := earlier.folded()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.folding = false
	if w.snap == nil || w.snap.generation != earlier.generation {
		return // loaded anew meanwhile
	}
	serving := w.live.Load() != nil
	w.install(w.snap.onto(members, earlier))
	if serving {
		w.live.Store(w.snap)
	}
}
