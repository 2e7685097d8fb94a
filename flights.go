package rbac

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

// flight is one reading of a workspace, shared by all who wait for it.
type flight struct {
	replica *replica
	done    chan struct{} // closed once snap and err are set
	snap    *snapshot
	err     error

	begun  bool // it has begun to read; guarded by the replica's lock
	landed bool // what it has read is published, for those who have joined; likewise

	// The rest is guarded by the lock of flights.
	stage   stage
	waiters int
	follow  bool // wanted even if nobody waits: the workspace in memory has changed
	queue   *list.List
	place   *list.Element // in queue
	started time.Time
	cancel  context.CancelFunc // of its reading
}

// stage is where a flight is.
type stage uint8

const (
	stageNew     stage = iota // behind another one of its replica
	stageQueued               // waits for a place, or for whether its workspace exists
	stageReading              // asks the store
	stageGone                 // nobody waited any more
)

// flights bounds the readings of the store that are under way. Readings that
// somebody waits for, and those that follow changes of workspaces in memory,
// have places of their own, so that neither can starve the other; a reading
// that nobody needs any more gives its place to one that waits.
//
// Whoever asks about workspaces that do not exist could fill any queue. So
// flights of workspaces that are not in memory take half of the places at
// most, and when these are taken, the store is asked in one round trip which
// of the workspaces exist. Those that do not are answered by that, and only
// the others queue.
//
// Methods whose names end in Locked are called with mu held, all others
// without.
type flights struct {
	engine *engine

	mu      sync.Mutex
	loads   places
	follows places
	cold    list.List // flights that wait for whether their workspace exists
	probing bool
}

const (
	// mostReadings is the number of places of each kind.
	mostReadings = 4

	// mostCold is the number of places for workspaces that may not exist.
	mostCold = mostReadings / 2

	// mostProbed bounds the workspaces of one question whether they exist.
	mostProbed = 1000
)

// places are those in which flights of one kind read, and the queue for them.
type places struct {
	queue   list.List
	reading map[*flight]struct{}
	workers int
}

var (
	errGoexit   = errors.New("rbac: the store ended its goroutine")
	errUnneeded = errors.New("rbac: nobody waited for the workspace any more")
)

func newFlights(e *engine) *flights {
	return &flights{
		engine:  e,
		loads:   places{reading: map[*flight]struct{}{}},
		follows: places{reading: map[*flight]struct{}{}},
	}
}

// submit lets a new flight read once there is a place. cold says that it is
// not known whether the workspace exists. It reports false after close.
func (fs *flights) submit(f *flight, cold bool) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	defer fs.relieveLocked()
	if !cold {
		return fs.enqueueLocked(f)
	}
	fs.pushLocked(f, &fs.cold)
	fs.employLocked(&fs.loads)
	if len(fs.loads.reading)+fs.cold.Len() > mostCold && !fs.probing {
		fs.probing = fs.engine.spawn(fs.probe)
	}
	if fs.loads.workers == 0 && !fs.probing {
		fs.popLocked(&fs.cold)
		return false
	}
	return true
}

func (fs *flights) pushLocked(f *flight, queue *list.List) {
	f.stage, f.queue = stageQueued, queue
	f.place = queue.PushBack(f)
}

func (fs *flights) popLocked(queue *list.List) *flight {
	first := queue.Front()
	if first == nil {
		return nil
	}
	f := queue.Remove(first).(*flight)
	f.stage, f.started = stageReading, time.Now()
	return f
}

// enqueueLocked puts a flight into the queue for its kind of place. It reports
// false after close, if there is no worker left.
func (fs *flights) enqueueLocked(f *flight) bool {
	p := &fs.loads
	if f.waiters == 0 {
		p = &fs.follows
	}
	fs.pushLocked(f, &p.queue)
	fs.employLocked(p)
	if p.workers == 0 {
		fs.popLocked(&p.queue)
	}
	return p.workers > 0
}

// employLocked starts a worker if there is work and a place for it.
func (fs *flights) employLocked(p *places) {
	work := p.queue.Len() > 0 && p.workers < mostReadings ||
		p == &fs.loads && fs.cold.Len() > 0 && p.workers < mostCold
	if work && fs.engine.spawn(func() { fs.work(p) }) {
		p.workers++
	}
}

// join counts a caller among those who wait for a flight. It reports false
// for one that was given up.
func (fs *flights) join(f *flight) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.stage == stageGone {
		return false
	}
	f.waiters++
	if f.stage == stageQueued && f.queue == &fs.follows.queue {
		fs.follows.queue.Remove(f.place)
		if !fs.enqueueLocked(f) {
			fs.pushLocked(f, &fs.follows.queue) // closed: whoever works there ends it
		}
	}
	return true
}

// claim makes a flight one that follows a change, which is wanted whoever
// waits. It reports false for one that was given up.
func (fs *flights) claim(f *flight) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.stage == stageGone {
		return false
	}
	f.follow = true
	return true
}

// leave is for who waits no longer. A flight in a queue that nobody wants any
// more is given up, and the caller ends it: leave then reports true.
func (fs *flights) leave(f *flight) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.waiters--
	if f.stage == stageQueued && !f.wantedLocked() {
		f.queue.Remove(f.place)
		fs.giveUpLocked(f)
		return true
	}
	fs.relieveLocked()
	return false
}

func (fs *flights) giveUpLocked(f *flight) {
	f.stage = stageGone
	fs.engine.counts.unwaited.Add(1)
}

// stillWanted reports whether somebody has a use for a flight.
func (fs *flights) stillWanted(f *flight) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return f.wantedLocked()
}

// wantedLocked reports whether somebody has a use for a flight.
func (f *flight) wantedLocked() bool { return f.waiters > 0 || f.follow }

// relieve ends readings that nobody needs, for those that wait for a place. A
// reading that follows a change and takes longer than the maximum staleness is
// of no more use than one that nobody waits for: the workspace is out of
// service, and will be read again.
func (fs *flights) relieve() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.relieveLocked()
}

func (fs *flights) relieveLocked() {
	for _, p := range []*places{&fs.loads, &fs.follows} {
		if p.queue.Len() == 0 { // those that are cold wait for an answer, not for a place
			continue
		}
		for f := range p.reading {
			if f.waiters == 0 && (!f.follow || time.Since(f.started) > fs.engine.maxStaleness) {
				fs.giveUpLocked(f)
				f.cancel()
			}
		}
	}
}

// work lets flights read, one after the other, until none waits.
func (fs *flights) work(p *places) {
	defer fs.leaveWork(p) // also when a store ends the goroutine
	for f, ctx := fs.take(p); f != nil; f, ctx = fs.take(p) {
		fs.read(ctx, p, f)
	}
}

// leaveWork is the end of a worker. What was queued since it looked is for
// another one, or ends if that was close.
func (fs *flights) leaveWork(p *places) {
	fs.mu.Lock()
	p.workers--
	fs.employLocked(p)
	left := fs.leftLocked(p)
	fs.mu.Unlock()
	fs.endClosed(left)
}

// leftLocked takes from the queues what nobody will read any more.
func (fs *flights) leftLocked(p *places) (left []*flight) {
	for p.workers == 0 && p.queue.Len() > 0 {
		left = append(left, fs.popLocked(&p.queue))
	}
	for fs.loads.workers == 0 && !fs.probing && fs.cold.Len() > 0 {
		left = append(left, fs.popLocked(&fs.cold))
	}
	return left
}

func (fs *flights) endClosed(left []*flight) {
	for _, f := range left {
		f.err = unavailable(ErrClosed)
		f.replica.end(f)
	}
}

// take gives the first flight of a queue a place.
func (fs *flights) take(p *places) (*flight, context.Context) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.popLocked(&p.queue)
	switch {
	case p != &fs.loads || fs.cold.Len() == 0:
	case f == nil && len(p.reading) < mostCold:
		f = fs.popLocked(&fs.cold)
	case !fs.probing: // those in the queue keep the workers busy
		fs.probing = fs.engine.spawn(fs.probe)
	}
	if f == nil {
		return nil, nil
	}
	// A large workspace may take longer to load than a check may wait; those
	// who gave up find it loaded when they ask again.
	ctx, cancel := context.WithTimeout(fs.engine.ctx, max(fs.engine.maxStaleness, time.Minute))
	f.cancel = cancel
	p.reading[f] = struct{}{}
	return f, ctx
}

// read lets a flight read in its place.
func (fs *flights) read(ctx context.Context, p *places, f *flight) {
	returned := false
	defer func() {
		if !returned { // the store has ended the goroutine
			f.err = f.replica.failed(errGoexit)
		}
		fs.mu.Lock()
		f.cancel()
		delete(p.reading, f)
		fs.mu.Unlock()
		f.replica.end(f)
	}()
	f.snap, f.err = f.replica.read(ctx, f)
	returned = true
}

// unneeded reports whether a reading was ended because nobody waited for it.
func (fs *flights) unneeded(f *flight) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return f.stage == stageGone && !f.follow
}

// probe asks which of the workspaces of fs.cold exist. It answers the flights
// of those that do not, and queues the others; all, if the store cannot say.
func (fs *flights) probe() {
	batch := fs.takeCold()
	ids, began := make([]string, len(batch)), make([]mark, len(batch))
	for i, f := range batch {
		ids[i] = f.replica.id
		_, began[i] = f.replica.begin(f)
	}
	asked := time.Now()
	found, err := map[string]Revision(nil), errGoexit
	defer func() { // also when the store ends the goroutine
		for i, f := range batch {
			if err != nil || found[ids[i]] != (Revision{}) || !fs.answer(f, began[i], asked) {
				fs.requeue(f)
			}
		}
		fs.probeOn()
	}()
	if len(ids) > 0 { // else a worker was faster
		found, err = fs.engine.revisions(ids)
	}
}

func (fs *flights) takeCold() []*flight {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var batch []*flight
	for len(batch) < mostProbed && fs.cold.Len() > 0 {
		batch = append(batch, fs.popLocked(&fs.cold))
	}
	return batch
}

// answer ends the flight of a workspace that does not exist. It reports false
// if something is known of the workspace that the store did not say.
func (fs *flights) answer(f *flight, began mark, asked time.Time) bool {
	s, whole := f.replica.land(f, fs.engine.nothing, began, asked)
	if whole {
		f.snap = s
		f.replica.end(f)
	}
	return whole
}

// requeue queues a flight that has to read after all.
func (fs *flights) requeue(f *flight) {
	if err := fs.requeued(f); err != nil {
		f.err = err
		f.replica.end(f)
	}
}

// requeued returns why a flight could not be queued. Don't look at the flight
// once it is: it belongs to a worker, which may have ended it.
func (fs *flights) requeued(f *flight) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	switch {
	case !f.wantedLocked():
		fs.giveUpLocked(f)
		return unavailable(errUnneeded)
	case !fs.enqueueLocked(f):
		return unavailable(ErrClosed)
	}
	return nil
}

// probeOn goes on with what came meanwhile.
func (fs *flights) probeOn() {
	fs.mu.Lock()
	fs.probing = fs.cold.Len() > 0 && fs.engine.spawn(fs.probe)
	left := fs.leftLocked(&fs.loads)
	fs.mu.Unlock()
	fs.endClosed(left)
}
