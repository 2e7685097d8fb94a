package rbac

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"
)

// reports carries what operators should know to the logger, on a goroutine of
// its own: a log that is stuck, or that asks the Authorizer something, holds
// up nothing else for more than a moment. What does not fit into the queue is
// counted, not kept.
type reports struct {
	logger *slog.Logger

	mu      sync.Mutex
	queue   []report
	writing bool
	stuck   bool // the log took longer than reportTime for the report that it has
	lost    int
}

type report struct {
	slog.Record
	written chan struct{}
}

const (
	// mostReports bounds the queue.
	mostReports = 1000

	// reportTime is how long whoever reports something waits for the log.
	reportTime = 10 * time.Millisecond
)

func (r *reports) info(message string, args ...any) { r.add(slog.LevelInfo, message, args...) }

func (r *reports) warn(message string, args ...any) { r.add(slog.LevelWarn, message, args...) }

func (r *reports) error(message string, args ...any) { r.add(slog.LevelError, message, args...) }

// add queues a report, and waits a moment for it to be written. It must not
// be called with a lock held.
func (r *reports) add(level slog.Level, message string, args ...any) {
	added := newReport(4, level, message, args) // told by the caller of info, warn or error
	if !r.push(added) {
		return
	}
	timer := time.NewTimer(reportTime)
	defer timer.Stop()
	select {
	case <-added.written:
	case <-timer.C:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.stuck = r.writing
	}
}

// later queues a warning and does not wait: for checks.
func (r *reports) later(message string, args ...any) {
	r.push(newReport(3, slog.LevelWarn, message, args))
}

// newReport returns a report that is told by the caller so many frames up.
func newReport(skip int, level slog.Level, message string, args []any) report {
	var callers [1]uintptr
	runtime.Callers(skip, callers[:])
	added := report{slog.NewRecord(time.Now(), level, message, callers[0]), make(chan struct{})}
	added.Add(args...)
	return added
}

// push puts a report into the queue, and reports whether to wait for it.
func (r *reports) push(added report) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == mostReports {
		r.lost++
		return false
	}
	r.queue = append(r.queue, added)
	if !r.writing {
		r.writing = true
		go r.write()
	}
	return !r.stuck
}

// write writes reports until there are none left.
func (r *reports) write() {
	defer func() { // also when the log ends the goroutine
		r.mu.Lock()
		defer r.mu.Unlock()
		r.writing, r.stuck = len(r.queue) > 0, false
		if r.writing {
			go r.write()
		}
	}()
	for {
		next, ok := r.pop()
		if !ok {
			return
		}
		func() {
			defer close(next.written)
			ctx := context.Background()
			_ = safely(func() error {
				if !r.logger.Enabled(ctx, next.Level) {
					return nil
				}
				return r.logger.Handler().Handle(ctx, next.Record)
			})
		}()
	}
}

// pop takes the oldest report off the queue, or says what was lost.
func (r *reports) pop() (report, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stuck = false
	if len(r.queue) > 0 {
		next := r.queue[0]
		r.queue = r.queue[1:]
		return next, true
	}
	if r.lost > 0 {
		next := report{slog.NewRecord(time.Now(), slog.LevelError, "rbac: the log was stuck, and reports were lost", 0), make(chan struct{})}
		next.Add("reports", r.lost)
		r.lost = 0
		return next, true
	}
	r.queue = nil
	return report{}, false
}
