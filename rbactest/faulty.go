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
	OpWorkspaces
	opCount
)

var opNames = [...]string{OpView: "View", OpUpdate: "Update", OpRevisions: "Revisions", OpNotify: "Notify", OpWorkspaces: "Workspaces"}

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
	mu        sync.Mutex
	store     rbac.Store
	ops       [opCount]opFaults
	lost      commits
	reader    func(rbac.Reader) rbac.Reader
	tx        func(rbac.Tx) rbac.Tx
	only      []string            // the workspaces that faults are about; nil: all
	stale     map[string]*frozen  // by workspace; nil: not stale
	seen      map[string]struct{} // the workspaces that calls were about
	listeners map[*notifying]struct{}
}

// Fault is what a store does in place of a call. call makes the call. With an
// error that is not nil, call makes it up to its last moment, an Update up to
// its commit, rolls it back, and returns the error.
type Fault func(ctx context.Context, call func(end error) error) error

// opFaults is what is wrong with one operation.
type opFaults struct {
	calls   int
	delay   time.Duration
	err     error // returned without doing anything
	times   int   // so often,
	lasting bool  // or until Heal
	panic   *any
	instead Fault
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
	f := &Faults{store: store, seen: map[string]struct{}{}, listeners: map[*notifying]struct{}{}}
	if _, ok := store.(rbac.Notifier); ok {
		return faultyNotifier{faultyStore{f}}, f
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

// Set puts a fault in place of calls, nil none. Where calls fail or panic, they
// do that instead. A Notify that listens begins again, with the fault.
func (f *Faults) Set(fault Fault, ops ...Op) {
	f.set(ops, func(op Op, o *opFaults) {
		o.instead = fault
		if op == OpNotify {
			f.cut()
		}
	})
}

// WrapReader puts something around what a View reads from, so that rows are
// missing, wrong or break off.
func (f *Faults) WrapReader(wrap func(rbac.Reader) rbac.Reader) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reader = wrap
}

// WrapTx puts something around what an Update reads from and writes to.
func (f *Faults) WrapTx(wrap func(rbac.Tx) rbac.Tx) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tx = wrap
}

// Only limits the faults of View and Update to these workspaces, if any is
// named.
func (f *Faults) Only(workspaces ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.only = slices.Clone(workspaces)
}

// Replace puts another store in the place of the one behind, as whoever
// restores a backup does. A Notify that listens goes on with the old one.
func (f *Faults) Replace(store rbac.Store) {
	if store == nil {
		panic("rbactest: Faults.Replace: nil Store")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, notifies := f.store.(rbac.Notifier); notifies {
		if _, ok := store.(rbac.Notifier); !ok {
			panic("rbactest: Faults.Replace: the store does not notify, and the one before did")
		}
	}
	f.store = store
}

// Hint tells whoever listens that workspaces have changed, whether they have or
// not.
func (f *Faults) Hint(workspaces ...string) {
	f.mu.Lock()
	listening := slices.Collect(maps.Keys(f.listeners))
	f.mu.Unlock()
	for _, l := range listening {
		l.hint(workspaces...)
	}
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
// it serves what it reads, however old. Workspaces answers as ever.
//
// Workspaces that the store was not asked about so far are taken as they are
// when it is first asked. Stale reads the store: don't call it from inside a
// View or an Update.
func (f *Faults) Stale() {
	f.mu.Lock()
	store, seen := f.store, slices.Sorted(maps.Keys(f.seen))
	f.mu.Unlock()
	stale := map[string]*frozen{}
	for _, workspace := range seen {
		stale[workspace] = freeze(context.Background(), store, workspace)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stale = stale
}

// Heal ends all faults of the operations. Lost commits and a wrapped Tx are
// faults of Update, a wrapped Reader is one of View, and Stale ends with those
// of View or Revisions. What Only and Replace did stays.
func (f *Faults) Heal(ops ...Op) {
	f.set(ops, func(op Op, o *opFaults) {
		if op == OpNotify && o.instead != nil {
			f.cut()
		}
		*o = opFaults{calls: o.calls}
		switch op {
		case OpUpdate:
			f.lost, f.tx = commitsMade, nil
		case OpView:
			f.stale, f.reader = nil, nil
		case OpRevisions:
			f.stale = nil
		}
	})
}

// Calls returns how often an operation was called since the last ResetCalls,
// failed calls included.
func (f *Faults) Calls(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops[op].calls
}

// ResetCalls begins to count anew.
func (f *Faults) ResetCalls() {
	f.set(nil, func(_ Op, o *opFaults) { o.calls = 0 })
}

// set changes what is wrong with operations, all if none is named.
func (f *Faults) set(ops []Op, change func(Op, *opFaults)) {
	if len(ops) == 0 {
		ops = []Op{OpView, OpUpdate, OpRevisions, OpNotify, OpWorkspaces}
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
		f.cut()
	}
}

// cut makes every Notify look for a fault again. The caller holds f.mu.
func (f *Faults) cut() {
	for l := range f.listeners {
		l.cut()
	}
}
