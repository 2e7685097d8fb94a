package rbac

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// mostOwn bounds the events of own changes that wait for a reading. Without
// them the store is read again.
const mostOwn = 10_000

// committed takes a change that was made through this Authorizer, so that its
// next check sees it (P1). base is the revision before the change, confirmed
// at the time asked. If the snapshot is at base, the events are applied to
// it; if not, the store is asked. Until then nothing is served. A change
// without events found everything as it was to be at base, which the snapshot
// may lack.
func (r *replica) committed(ctx context.Context, base Revision, events []Event, asked time.Time) {
	if f := r.takeOwn(base, events, asked); f != nil {
		_, _ = r.wait(ctx, f) // a failure shows in the next check
	}
}

// takeOwn is committed up to the reading that it has to wait for, if any.
func (r *replica) takeOwn(base Revision, events []Event, asked time.Time) *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(events) == 0 {
		return r.takeBaseLocked(base)
	}
	last := events[len(events)-1].Revision()
	if r.running != nil && len(r.own)+len(events) <= mostOwn {
		r.own = append(r.own, events...)
	}
	early := r.raiseLocked(last)
	switch {
	case r.snap != nil && r.snap.revision == last && r.live.Load() != nil:
		return nil
	case r.snap != nil && r.snap.revision == base && base != (Revision{}) && !r.snap.wantsReload():
		r.publishLocked(r.withOwnLocked(r.snap.apply(events)), asked)
		if r.live.Load() != nil {
			return nil
		}
	case early:
		r.doubted = r.changes
	}
	if r.snap == nil {
		return nil
	}
	return r.catchUpLocked()
}

// raiseLocked makes a revision the floor. It reports whether something with a
// higher number is known already: a later change was faster, or the history
// went back.
func (r *replica) raiseLocked(to Revision) (early bool) {
	r.changes++
	early = to.Seq <= r.floor.Seq || r.snap != nil && to.Seq <= r.snap.revision.Seq
	if to.Seq >= r.floor.Seq {
		r.floor = to
	}
	r.floorAt = r.changes
	return early
}

// takeBaseLocked is takeOwn of a change that found nothing to do.
func (r *replica) takeBaseLocked(base Revision) *flight {
	if r.snap != nil && r.snap.revision == base && r.live.Load() != nil {
		return nil
	}
	if r.raiseLocked(base) {
		r.doubted = r.changes
	}
	if r.snap == nil {
		return nil
	}
	return r.catchUpLocked()
}

// doubt takes a change whose outcome is not known: the store must be asked
// before the next check.
func (r *replica) doubt(ctx context.Context) {
	r.mu.Lock()
	r.changes++
	r.doubted = r.changes
	var f *flight
	if r.snap != nil {
		f = r.catchUpLocked()
	}
	r.mu.Unlock()
	if f != nil {
		_, _ = r.wait(ctx, f) // a failure shows in the next check
	}
}

// deleted takes the end of the workspace through this Authorizer: nothing that
// was read before is served any more. What comes after begins a new life,
// which the store is asked for by the next check.
func (r *replica) deleted() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropLocked()
	r.floor, r.own, r.doubted = Revision{}, nil, r.changes
}

// catchUpLocked takes the workspace out of service until the store was asked,
// and joins the flight that asks.
func (r *replica) catchUpLocked() *flight {
	r.noteUseLocked(time.Now())
	r.live.Store(nil)
	return r.joinNewLocked()
}

// lacksLocked reports whether a snapshot may lack a change that was made
// through this Authorizer (P1).
func (r *replica) lacksLocked(s *snapshot) bool {
	return r.doubted != 0 || r.floor != (Revision{}) && !s.has(r.floor)
}

// withOwnLocked returns a snapshot with the own changes that continue it, so
// that a stream of them does not keep a workspace from being loaded. None is
// taken to continue the zero revision, which every life of a workspace begins
// with: it may have been first in one that was deleted.
func (r *replica) withOwnLocked(s *snapshot) *snapshot {
	if s.revision == (Revision{}) {
		return s
	}
	slices.SortFunc(r.own, func(a, b Event) int { return cmp.Compare(a.Seq, b.Seq) })
	at := s.revision
	var behind []Event
	for _, event := range r.own {
		if event.Seq <= s.revision.Seq {
			continue
		}
		if !event.follows(r.id, at) {
			break
		}
		at = event.Revision()
		behind = append(behind, event)
	}
	if len(behind) == 0 {
		return s
	}
	return s.apply(behind)
}
