package rbac

import (
	"sync/atomic"
	"time"
)

// Stats is what a service's metrics tell of an [Authorizer]: see docs/operating.md
// for what to be alarmed at. The first four are as of now, the others count since
// Open.
type Stats struct {
	Workspaces int           `json:"workspaces"` // in memory
	Serving    int           `json:"serving"`    // of them, those that answer checks from memory now
	Streams    int           `json:"streams"`    // contexts of Subject.While that last
	Age        time.Duration `json:"age"`        // of the oldest confirmation of a workspace in memory; nanoseconds in JSON

	Polls    int64 `json:"polls"`    // questions to the store whether anything has changed
	Readings int64 `json:"readings"` // of a workspace from the store, whole or what changed
	Failures int64 `json:"failures"` // polls and readings that failed
	Unwaited int64 `json:"unwaited"` // readings given up, or not begun, because nobody waited for them any more
	Expired  int64 `json:"expired"`  // times that a workspace went out of service because it could not be confirmed
	Hints    int64 `json:"hints"`    // notifications of the store
	Refused  int64 `json:"refused"`  // administrative changes that a rule refused
}

// counts are the counters of Stats.
type counts struct {
	polls, readings, failures, unwaited, expired, hints, refused atomic.Int64
}

// Stats returns what there is to tell now. It asks no store and takes the lock of
// each workspace in memory for a moment: call it every few seconds, not for each
// request.
func (a *Authorizer) Stats() Stats {
	e := a.engine
	s := Stats{
		Polls:    e.counts.polls.Load(),
		Readings: e.counts.readings.Load(),
		Failures: e.counts.failures.Load(),
		Unwaited: e.counts.unwaited.Load(),
		Expired:  e.counts.expired.Load(),
		Hints:    e.counts.hints.Load(),
		Refused:  e.counts.refused.Load(),
	}
	for _, r := range e.all() {
		r.addTo(&s)
	}
	return s
}

func (r *replica) addTo(s *Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.snap == nil {
		return // dropped meanwhile
	}
	s.Workspaces++
	s.Streams += len(r.streams)
	if r.live.Load() != nil {
		s.Serving++
	}
	age := r.engine.maxStaleness // or more: it was never confirmed
	if !r.confirmed.IsZero() {
		age = time.Since(r.confirmed)
	}
	s.Age = max(s.Age, age)
}
