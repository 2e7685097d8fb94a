package rbac

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// While returns a context that lasts as long as the user meets something: for
// server-sent events, web sockets and whatever else goes on after the check with
// which it began. meets is asked at once, and again of the user as resolved anew
// whenever the workspace has changed; what [Subject.Limit] took stays taken. The
// context ends
//
//   - with what meets returns, if that is not nil;
//   - with [ErrUnavailable], when freshness could not be confirmed within the
//     maximum staleness (P2), and when the [Authorizer] is closed;
//   - with [ErrDenied], when the workspace is not there any more;
//   - with ctx, and when the [context.CancelFunc] is called, which must be.
//
// The first of these is its [context.Cause]. A Subject that is zero, or of a
// workspace that was never written, gives a context that has ended.
//
// While nothing changes, it costs some memory: no goroutine, no timer, no question
// to the store. Its workspace stays in memory.
//
// meets runs without a lock and never twice at once for one context. It should
// answer from memory: while it is stuck, the context ends in time for every other
// reason, but not because of a change. If it panics, the context ends and the log
// has the panic.
func (s Subject) While(ctx context.Context, meets func(Subject) error) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	if s.s == nil {
		cancel(ErrDenied)
		return ctx, func() {}
	}
	st := &openStream{home: s.s.home, user: s.s.user, limit: s.s.limit, observe: s.s.observe, meets: meets, cancel: cancel}
	if err := st.home.replica.watch(ctx, st); err != nil {
		cancel(err)
		return ctx, func() {}
	}
	context.AfterFunc(ctx, st.leave)
	if st.step() {
		go st.run()
	}
	return ctx, func() {
		cancel(nil)
		st.leave()
	}
}

// openStream is what its replica knows of a context of [Subject.While]. Don't keep
// the Subject here: it may hold on to a whole snapshot of long ago.
type openStream struct {
	home    *Workspace
	user    string
	limit   limit
	observe func(Decision)
	meets   func(Subject) error
	cancel  context.CancelCauseFunc

	// Guarded by the replica's lock.
	judging bool      // a goroutine is at it
	judged  *snapshot // the last one
}

var (
	errStale       = unavailable(errors.New("the workspace could not be confirmed within the maximum staleness"))
	errStreamEnded = unavailable(ErrClosed)
	errMeetsGoexit = errors.New("rbac: the function given to While ended its goroutine")
	errMeetsPanics = errors.New("rbac: the function given to While panicked")
	errNoWorkspace = fmt.Errorf("%w: the workspace does not exist", ErrDenied)
)

// run judges what is served until that was judged.
func (st *openStream) run() {
	for st.step() {
	}
}

// step judges what is served, unless it was, and reports whether there may be
// something newer by now.
func (st *openStream) step() bool {
	s := st.home.replica.nextOf(st)
	if s == nil {
		return false
	}
	err := unavailable(errMeetsGoexit)
	defer func() {
		if err != nil {
			st.cancel(err)
		}
	}()
	err = st.judge(s)
	return err == nil
}

func (st *openStream) judge(s *snapshot) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = unavailable(errMeetsPanics)
			st.home.engine.reports.error(errMeetsPanics.Error(), "workspace", st.home.ID(), "panic", p, "stack", string(debug.Stack()))
		}
	}()
	p := s.resolve(st.user)
	p.home, p.observe = st.home, st.observe
	subject := Subject{p}
	if st.limit.set {
		subject = subject.Limit(st.limit.most)
	}
	return st.meets(subject)
}

func (st *openStream) leave() { st.home.replica.unwatch(st) }

// What a replica does for its streams: it wakes them when it serves another
// snapshot, and ends them when it has none any more that it might serve again.

// watch adds a stream to those of the replica, once it is in service.
func (r *replica) watch(ctx context.Context, st *openStream) error {
	for {
		s, err := r.current(ctx)
		if err != nil {
			return err
		}
		switch added, known := r.add(st); {
		case added:
			return nil
		case !known && s.empty():
			return errNoWorkspace
		}
		// It was taken out of service at this very moment.
	}
}

// add adds a stream if the replica is in service. known is false if it is not in
// memory at all.
func (r *replica) add(st *openStream) (added, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live.Load() == nil {
		return false, r.snap != nil
	}
	if r.streams == nil {
		r.streams = map[*openStream]struct{}{}
	}
	r.streams[st] = struct{}{}
	st.judging = true
	return true, true
}

func (r *replica) unwatch(st *openStream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, watches := r.streams[st]; watches {
		delete(r.streams, st)
		r.lastUsed = time.Now()
	}
}

// nextOf returns what a stream has to judge, nil if there is nothing: the replica
// wakes it again.
func (r *replica) nextOf(st *openStream) *snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.live.Load()
	if _, watches := r.streams[st]; !watches || s == nil || s == st.judged {
		st.judging = false
		return nil
	}
	st.judged = s
	return s
}

// wakeLocked lets the streams judge what is served.
func (r *replica) wakeLocked() {
	for st := range r.streams {
		if !st.judging {
			st.judging = true
			go st.run()
		}
	}
}

// endStreamsLocked ends all streams, on another goroutine, because contexts may
// be anybody's.
func (r *replica) endStreamsLocked(cause error) {
	if len(r.streams) > 0 {
		go endStreams(r.takeStreamsLocked(), cause)
	}
}

func (r *replica) takeStreamsLocked() map[*openStream]struct{} {
	streams := r.streams
	r.streams = nil
	return streams
}

func endStreams(streams map[*openStream]struct{}, cause error) {
	for st := range streams {
		st.cancel(cause)
	}
}
