package rbactest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/areagate/rbac"
)

// Op is a kind of call to a store.
type Op uint8

// The calls to a store.
const (
	OpView Op = iota
	OpUpdate
	OpRevisions
	OpNotify
	opCount
)

var opNames = [...]string{OpView: "View", OpUpdate: "Update", OpRevisions: "Revisions", OpNotify: "Notify"}

// String returns the name of the method.
func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return fmt.Sprintf("Op(%d)", uint8(o))
}

// Faults is what is wrong with a store that [Faulty] returned. Nothing is at
// first. Faults of different kinds add up, a new one replaces the earlier one
// of its kind, and each stays until Heal. Without operations a fault is about
// all of them. All methods are safe for concurrent use.
type Faults struct {
	store rbac.Store

	mu        sync.Mutex
	ops       [opCount]opFaults
	lost      commits
	stale     map[string]*frozen  // by workspace; nil: not stale
	seen      map[string]struct{} // the workspaces that calls were about
	listeners map[*context.CancelFunc]struct{}
}

// opFaults is what is wrong with one operation.
type opFaults struct {
	calls   int
	delay   time.Duration
	err     error // returned without doing anything
	times   int   // so often,
	lasting bool  // or until Heal
	panic   *any
}

// commits is what becomes of commits.
type commits uint8

const (
	commitsMade       commits = iota
	commitsUnanswered         // made, but nobody learns
	commitsRolledBack         // not made, and nobody learns
)

var errLost = fmt.Errorf("rbactest: contact was lost during the commit: %w", rbac.ErrOutcomeUnknown)

// Faulty returns a store that works like the one it is given until it is told
// to fail. It notifies if that one does.
//
//	store, faults := rbactest.Faulty(rbac.NewMemStore())
//	w := rbactest.New(t, rbactest.On(store), …)
//	faults.Fail(errors.New("connection refused"))
func Faulty(store rbac.Store) (rbac.Store, *Faults) {
	if store == nil {
		panic("rbactest.Faulty: nil Store")
	}
	f := &Faults{store: store, seen: map[string]struct{}{}, listeners: map[*context.CancelFunc]struct{}{}}
	if n, ok := store.(rbac.Notifier); ok {
		return faultyNotifier{faultyStore{f}, n}, f
	}
	return faultyStore{f}, f
}

// Fail makes calls return an error without doing anything. A Notify that
// listens ends with it.
func (f *Faults) Fail(err error, ops ...Op) {
	f.fail(err, ops, func(_ Op, o *opFaults) { o.err, o.lasting = err, true })
}

// FailNext is Fail for the next n calls of each operation. Mind the calls that
// the library makes in the background: Revisions with every poll, Notify
// whenever it ended.
func (f *Faults) FailNext(n int, err error, ops ...Op) {
	if n < 1 {
		panic(fmt.Sprintf("rbactest: Faults.FailNext: %d calls", n))
	}
	f.fail(err, ops, func(_ Op, o *opFaults) { o.err, o.times, o.lasting = err, n, false })
}

func (f *Faults) fail(err error, ops []Op, change func(Op, *opFaults)) {
	if err == nil {
		panic("rbactest: Faults.Fail: nil error: Heal ends a fault")
	}
	f.set(ops, change)
}

// Panic makes calls panic with a value. A Notify that listens ends with it.
func (f *Faults) Panic(v any, ops ...Op) {
	f.set(ops, func(_ Op, o *opFaults) { o.panic = &v })
}

// Delay makes calls wait before they do anything, until their context is
// done. Notify is not held up, its hints are.
func (f *Faults) Delay(d time.Duration, ops ...Op) {
	f.set(ops, func(_ Op, o *opFaults) { o.delay = d })
}

// LoseCommits makes an Update that would succeed return an error that is
// [rbac.ErrOutcomeUnknown]. The change is made or is not made, which the
// caller cannot know.
func (f *Faults) LoseCommits(made bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost = commitsRolledBack
	if made {
		f.lost = commitsUnanswered
	}
}

// Stale makes View and Revisions answer from what is stored at this moment,
// while Update works on, and sees, what is stored. So does a replica that
// lags. It breaks the contract of [rbac.Store], and the library cannot notice:
// it serves what it reads, however old.
//
// Workspaces that the store was not asked about so far are taken as they are
// when it is first asked. Stale reads the store: don't call it from inside a
// View or an Update.
func (f *Faults) Stale() {
	f.mu.Lock()
	seen := slices.Sorted(maps.Keys(f.seen))
	f.mu.Unlock()
	stale := map[string]*frozen{}
	for _, workspace := range seen {
		stale[workspace] = freeze(context.Background(), f.store, workspace)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stale = stale
}

// Heal ends all faults of the operations. Lost commits are faults of Update;
// Stale ends with those of View or Revisions.
func (f *Faults) Heal(ops ...Op) {
	f.set(ops, func(op Op, o *opFaults) {
		*o = opFaults{calls: o.calls}
		switch op {
		case OpUpdate:
			f.lost = commitsMade
		case OpView, OpRevisions:
			f.stale = nil
		}
	})
}

// Calls returns how often an operation was called, failed calls included.
func (f *Faults) Calls(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops[op].calls
}

// set changes what is wrong with operations, all if none is named.
func (f *Faults) set(ops []Op, change func(Op, *opFaults)) {
	if len(ops) == 0 {
		ops = []Op{OpView, OpUpdate, OpRevisions, OpNotify}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, op := range ops {
		if op >= opCount {
			panic(fmt.Sprintf("rbactest: there is no operation %v, want OpView, …", op))
		}
		change(op, &f.ops[op])
	}
	if o := f.ops[OpNotify]; o.panic != nil || o.err != nil {
		for cut := range f.listeners {
			(*cut)()
		}
	}
}
