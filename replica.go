package rbac

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// replica is one workspace in memory: it loads it, follows the store, serves
// checks and expires.
//
// A reading of the store and a change of one's own may end in any order. What
// a snapshot must have in it to be served is therefore kept beside the
// snapshot: floor, the newest change made through this Authorizer or found by
// one that had nothing to do, and doubted, whether there was one whose outcome
// is not known, or which the numbers do not place. Both stand until the store
// has been asked after them, and serveLocked, the only place that puts a
// snapshot into service, looks at both.
//
// A workspace may be deleted and begin anew at number 1, here or elsewhere, at
// any moment. So a snapshot has another revision in it only if it is known to
// (snapshot.has), whatever their numbers; where it is not known, the store is
// read again.
//
// Methods whose names end in Locked are called with mu held, all others
// without. Nothing that can wait is done with mu held: expiry needs it.
type replica struct {
	// live is the snapshot that checks use. It is nil while there is none to
	// trust: not loaded, too old, in doubt, or closed.
	live atomic.Pointer[snapshot]

	id     string
	engine *engine

	mu        sync.Mutex
	snap      *snapshot   // the newest known, kept while it must not be served
	confirmed time.Time   // when snap was last known to be the newest; monotonic
	expiry    *time.Timer // takes snap out of service at confirmed + maxStaleness
	fault     error       // why snap could not be confirmed, nil after success
	lastUsed  time.Time
	merging   bool
	streams   map[*openStream]struct{} // to be told what is served: see stream.go

	changes mark     // counts publications, own changes and doubts
	floor   Revision // the newest that an own change made or found; zero for none
	floorAt mark     // what changes was after that change
	doubted mark     // what changes was after a change whose outcome is not known; 0 for none
	own     []Event  // own changes that snap may lack

	running *flight // reading the store, or waiting to
	next    *flight // to begin when running ends
}

// idProblem says why there can be no such workspace.
func (r *replica) idProblem() string {
	if r.id == "" && r.engine.nowhere {
		return "is empty: the default workspace is nobody's"
	}
	return bytesProblem(r.id)
}

// mark is a moment in the life of a replica: a value of replica.changes.
type mark uint64

// current returns the snapshot to check against: the live one, or else the
// result of a reading that is shared with everybody who asks meanwhile.
func (r *replica) current(ctx context.Context) (*snapshot, error) {
	if s := r.live.Load(); s != nil {
		if s.detour.Load()&detourUnused != 0 {
			s.detour.And(^uint32(detourUnused))
		}
		return s, nil
	}
	if r.idProblem() != "" {
		return r.engine.nobodys(r.id), nil
	}
	if ctx == nil {
		ctx = context.Background() // a check never panics (E1)
	}
	if err := ctx.Err(); err != nil {
		return nil, unavailable(err)
	}
	s, f, fault := r.currentOrFlight()
	switch {
	case f != nil:
		return r.wait(ctx, f)
	case fault != nil:
		return nil, unavailable(fault)
	}
	return s, nil
}

// currentOrFlight returns the live snapshot, the fault that keeps it from
// being one, or a flight that the caller has joined. Don't wrap the fault here:
// that asks the store's error for its text, with the lock held.
func (r *replica) currentOrFlight() (s *snapshot, f *flight, fault error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.live.Load(); s != nil {
		return s, nil, nil
	}
	r.lastUsed = time.Now()
	if r.snap != nil && r.fault != nil {
		// The store was asked and did not answer. The poll asks again; a
		// crowd of waiting checks would not help it to recover.
		return nil, nil, r.fault
	}
	// One that has landed may lack what came since.
	if f := r.running; f != nil && !f.landed && r.engine.flights.join(f) {
		return nil, f, nil
	}
	return nil, r.joinNewLocked(), nil
}

// sync waits for a reading that begins now or later.
func (r *replica) sync(ctx context.Context) error {
	if problem := r.idProblem(); problem != "" {
		return invalid("workspace", problem)
	}
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	r.mu.Lock()
	f := r.joinNewLocked()
	r.mu.Unlock()
	_, err := r.wait(ctx, f)
	return err
}

// joinNewLocked joins a flight that begins to read now or later.
func (r *replica) joinNewLocked() *flight {
	if f := r.running; f != nil && !f.begun && r.engine.flights.join(f) {
		return f
	}
	if r.running == nil {
		f := &flight{replica: r, done: make(chan struct{}), waiters: 1}
		r.startLocked(f)
		return f
	}
	if r.next == nil {
		r.next = &flight{replica: r, done: make(chan struct{})}
	}
	r.engine.flights.join(r.next)
	return r.next
}

// followLocked asks for a flight that begins to read now or later, whoever
// waits for it.
func (r *replica) followLocked() {
	if f := r.running; f != nil && !f.begun && r.engine.flights.claim(f) {
		return
	}
	if r.running == nil {
		r.startLocked(&flight{replica: r, done: make(chan struct{}), follow: true})
		return
	}
	if r.next == nil {
		r.next = &flight{replica: r, done: make(chan struct{})}
	}
	r.engine.flights.claim(r.next)
}

func (r *replica) startLocked(f *flight) {
	r.running = f
	if !r.engine.flights.submit(f, r.snap == nil && r.id != "") {
		r.running = nil
		f.err = unavailable(ErrClosed)
		close(f.done)
	}
}

// wait waits for a flight that the caller has joined, as long as its context
// and the maximum staleness allow.
func (r *replica) wait(ctx context.Context, f *flight) (*snapshot, error) {
	most := r.engine.maxStaleness
	timer := time.NewTimer(most)
	defer timer.Stop()
	var err error
	select {
	case <-f.done:
		return f.snap, f.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = fmt.Errorf("the store did not answer within %v", most)
	}
	if r.engine.flights.leave(f) {
		f.err = unavailable(errUnneeded)
		r.end(f)
	}
	return nil, unavailable(err)
}

// end ends a flight, whose snap or err is set, and starts the one behind it.
func (r *replica) end(f *flight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.next
	r.running, r.next = nil, nil
	if next != nil && r.engine.flights.stillWanted(next) {
		r.startLocked(next)
	} else {
		r.own = nil
	}
	close(f.done)
}

// read reads the store and publishes what it finds. It is called in the
// flight's place.
func (r *replica) read(ctx context.Context, f *flight) (*snapshot, error) {
	most, placed := r.engine.maxStaleness, time.Now()
	for rounds, overtaken := 1, 0; ; {
		base, began := r.begin(f)
		s, asked, err := r.engine.fetch(ctx, r.id, base, overtaken >= 3)
		switch {
		case r.engine.ctx.Err() != nil:
			return nil, unavailable(ErrClosed)
		case err != nil && r.engine.flights.unneeded(f) && time.Since(placed) < most:
			return nil, unavailable(err) // those who asked were in more of a hurry than the store has to be
		case err != nil:
			return nil, r.failed(err)
		}
		s, whole := r.land(f, s, began, asked)
		if !whole {
			overtaken++
			continue
		}
		// If reading took so long that the answer is old already, read again:
		// following from here is quick. But only so often.
		age := time.Since(asked)
		if age < most/2 || rounds == 3 && age < most {
			return s, nil
		}
		if rounds == 3 {
			return nil, r.failed(fmt.Errorf("the store takes %v to read the workspace", age))
		}
		rounds++
	}
}

// begin notes that a flight begins to read, and returns what it reads on.
func (r *replica) begin(f *flight) (base *snapshot, began mark) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.begun, f.landed = true, false
	return r.snap, r.changes
}

// land takes what a reading found that began at a mark, and puts it into
// service. asked is when the store was asked for it. It returns the snapshot
// with the own changes behind it, and reports false, having published
// nothing, if it lacks something that is known.
func (r *replica) land(f *flight, s *snapshot, began mark, asked time.Time) (*snapshot, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heardLocked(began)
	s = r.withOwnLocked(s)
	switch {
	case r.lacksLocked(s):
		return s, false
	case r.snap != nil && began != r.changes && !s.has(r.snap.revision):
		return s, false // something newer may have been published since, and be confirmed already
	case s.empty() && r.id != "":
		// Whoever asks about workspaces that do not exist gets an answer, and
		// takes no memory.
		r.dropLocked()
	case r.snap != nil && s.revision == r.snap.revision && !r.snap.unsettled:
		s = r.snap // before serveLocked, which may drop it
		r.serveLocked(asked)
	default:
		r.publishLocked(s, asked)
	}
	f.landed = true
	return s, true
}

// heardLocked notes that the store was asked at a mark: what was known, or in
// doubt, before is in the answer.
func (r *replica) heardLocked(at mark) {
	if at >= r.floorAt {
		r.floor, r.own = Revision{}, nil
	}
	if at >= r.doubted {
		r.doubted = 0
	}
}

// failed records why the workspace could not be read.
func (r *replica) failed(err error) error {
	r.mu.Lock()
	r.fault = err
	r.mu.Unlock()
	r.engine.counts.failures.Add(1)
	r.engine.reports.warn("rbac: a workspace cannot be read", "workspace", r.id, "error", err)
	return unavailable(err)
}

// publishLocked makes a snapshot the newest known and puts it into service.
func (r *replica) publishLocked(s *snapshot, asked time.Time) {
	r.installLocked(s)
	r.confirmed = time.Time{}
	r.serveLocked(asked)
	if s.wantsMerge() && !r.merging {
		r.merging = r.engine.spawn(func() { r.merge(s) })
	}
}

// installLocked makes a snapshot the newest known.
func (r *replica) installLocked(s *snapshot) {
	r.noteUseLocked(time.Now())
	r.changes++
	r.snap = s
	s.detour.Store(detourUnused)
	if s.overlay != nil {
		s.detour.Or(detourOverlay)
	}
	if r.engine.observer != nil {
		s.detour.Or(detourObserved)
	}
}

// serveLocked puts r.snap into service, which was the newest when the store
// was asked, and arms the timer that takes it out again. It is a timer, and
// not a look at the clock in every check, because that look costs more than
// the check. A snapshot that must not be served stays out of service.
func (r *replica) serveLocked(asked time.Time) {
	if r.lastUsed.IsZero() {
		r.lastUsed = time.Now()
	}
	if !r.engine.keep(r) {
		r.endStreamsLocked(errStreamEnded) // closed meanwhile
		r.dropLocked()
		return
	}
	if r.lacksLocked(r.snap) {
		r.live.Store(nil)
		return
	}
	if asked.Before(r.confirmed) {
		asked = r.confirmed // a slow answer takes nothing back
	}
	r.confirmed, r.fault = asked, nil
	left := r.engine.maxStaleness - time.Since(asked)
	if left <= 0 {
		r.live.Store(nil)
		return
	}
	if r.expiry == nil {
		r.expiry = time.AfterFunc(left, r.expire)
	} else {
		r.expiry.Reset(left)
	}
	if r.live.Swap(r.snap) != r.snap {
		r.wakeLocked()
	}
}

// expire takes the snapshot out of service if it was not confirmed meanwhile.
func (r *replica) expire() {
	cause, expired := r.withdraw()
	if expired {
		r.engine.counts.expired.Add(1)
		r.engine.reports.error("rbac: a workspace is out of service: its data could not be confirmed in time",
			"workspace", r.id, "maxStaleness", r.engine.maxStaleness, "cause", cause)
	}
}

func (r *replica) withdraw() (cause error, expired bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	serving := r.live.Load() != nil
	if !serving && len(r.streams) == 0 {
		return nil, false
	}
	if left := r.engine.maxStaleness - time.Since(r.confirmed); left > 0 {
		r.expiry.Reset(left)
		return nil, false
	}
	r.endStreamsLocked(errStale)
	if !serving {
		return nil, false
	}
	r.noteUseLocked(time.Now())
	r.live.Store(nil)
	return r.fault, true
}

// close forgets the snapshot for good.
func (r *replica) close() {
	endStreams(r.forget(), errStreamEnded)
}

func (r *replica) forget() map[*openStream]struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	streams := r.takeStreamsLocked()
	r.dropLocked()
	return streams
}

func (r *replica) dropLocked() {
	r.endStreamsLocked(errNoWorkspace)
	r.live.Store(nil)
	r.changes++
	r.snap, r.fault, r.lastUsed = nil, nil, time.Time{}
	if r.expiry != nil {
		r.expiry.Stop()
	}
	r.engine.forget(r)
}

// mark returns the present moment in the life of the replica.
func (r *replica) mark() mark {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changes
}

// polled takes the poll's answer, which was asked for at a mark: if something
// was published since, it may be older than what is known.
func (r *replica) polled(at mark, found Revision, asked time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.snap == nil || r.changes != at:
	case err != nil:
		r.fault = err
	case found == r.snap.revision && !r.snap.unsettled:
		r.heardLocked(at)
		r.serveLocked(asked)
	default:
		r.fault = nil // the store answers: whoever asks may wait for the reading
		r.followLocked()
	}
}

// hinted takes a notification. However many come while one flight reads, one
// more follows.
func (r *replica) hinted() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.snap != nil || r.running != nil {
		r.followLocked()
	}
}

// noteUseLocked moves the mark that checks leave in the live snapshot to
// lastUsed.
func (r *replica) noteUseLocked(now time.Time) {
	if s := r.live.Load(); s != nil && s.detour.Load()&detourUnused == 0 {
		s.detour.Or(detourUnused)
		r.lastUsed = now
	}
}

func (r *replica) dropIfIdle(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.noteUseLocked(now)
	if r.snap != nil && r.running == nil && len(r.streams) == 0 && now.Sub(r.lastUsed) >= r.engine.idleTime {
		r.dropLocked()
	}
}

// merge puts the overlay of an earlier snapshot into its large map, beside
// the checks and changes that go on, and publishes the result.
func (r *replica) merge(earlier *snapshot) {
	members := earlier.merged()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.merging = false
	if r.snap == nil || r.snap.generation != earlier.generation {
		return // loaded anew meanwhile
	}
	serving := r.live.Load() != nil
	r.installLocked(r.snap.onto(members, earlier))
	if serving {
		r.serveLocked(r.confirmed)
	}
}
