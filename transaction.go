package rbac

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Transaction is a workspace inside the caller's own transaction: changes and
// look-ups see what it has written, and what it writes is committed or rolled
// back with the rest. Get one from [Workspace.In] or from [Workspace.Transact],
// which the stores of SQL databases have with a transaction of theirs. It is used
// by one goroutine at a time, as the transaction is.
//
// Checks do not see a change before it is committed. After an error that no rule
// gave, roll back. A change of the same workspace outside the transaction waits
// for it to end, so that its own code must not make one: it would wait for
// itself, until the store's bound, which is [ErrContention], or the end of its
// context.
type Transaction struct {
	workspace *Workspace
	store     Store
	outcome   *outcome // of Transact
}

// In returns the workspace inside a transaction that the caller commits or rolls
// back: a Store such as [TxStore] returns. Checks see the changes after the
// commit, when they are noticed: call [Workspace.Sync] for that to be at once, or
// use [Workspace.Transact]. A nil store panics: the changes would be made outside
// the transaction.
func (w *Workspace) In(store Store) *Transaction {
	if store == nil {
		panic("rbac: Workspace.In: nil Store")
	}
	return &Transaction{workspace: w, store: store}
}

// As is [Workspace.As] inside the transaction.
func (t *Transaction) As(user string) *Admin { return t.admin(t.workspace.As(user)) }

// AsSubject is [Workspace.AsSubject] inside the transaction.
func (t *Transaction) AsSubject(s Subject) *Admin { return t.admin(t.workspace.AsSubject(s)) }

// System is [Workspace.System] inside the transaction.
func (t *Transaction) System(reason string) *Admin { return t.admin(t.workspace.System(reason)) }

func (t *Transaction) admin(a *Admin) *Admin {
	a.in = t
	return a
}

// review reads what the transaction sees. It is not ours to run again.
func (t *Transaction) review(ctx context.Context, fn func(reading) error) error {
	return t.workspace.reviewIn(ctx, t, nil, fn)
}

// Transact runs fn inside a transaction that run begins and ends: run calls its
// function with a Store on the transaction, as for [Workspace.In], commits if
// that returns nil and rolls back if not. When Transact returns nil, the next
// check on this [Authorizer] sees what fn changed in the workspace, as it does
// after any other change. It is for those who write a store, or whose code begins
// transactions itself; the stores of SQL databases have a Transact that begins
// one.
//
// The error is that of fn, or of run. Where run cannot know whether it has
// committed it returns [ErrOutcomeUnknown], and the workspace is read again before
// the next check. Nothing is run again, as an Admin's changes are: what is
// [ErrContention] is the caller's to begin anew. The Transaction is of no use once
// fn has returned. A panic of fn goes through run to the caller.
func (w *Workspace) Transact(ctx context.Context, run func(context.Context, func(Store) error) error, fn func(*Transaction) error) error {
	if problem := w.replica.idProblem(); problem != "" {
		return invalid("workspace", problem)
	}
	if w.engine.ctx.Err() != nil {
		return ErrClosed
	}
	var o outcome
	rolledBack := false
	defer func() {
		if !rolledBack { // also when run panics
			o.settle(ctx, &w.replica)
		}
	}()
	failed, err := w.lend(ctx, run, &o, fn)
	rolledBack = failed != nil && err != nil && !errors.Is(err, ErrOutcomeUnknown)
	return cmp.Or(err, failed)
}

// lend calls fn with the Store that run gives. It returns the errors of both.
func (w *Workspace) lend(ctx context.Context, run func(context.Context, func(Store) error) error, o *outcome, fn func(*Transaction) error) (failed, err error) {
	called := false
	err = run(ctx, func(store Store) error {
		t := w.In(store)
		lent := &lentStore{Store: store}
		defer lent.ended.Store(true)
		t.store, t.outcome, called = lent, o, true
		failed = fn(t)
		return failed
	})
	if err == nil && !called {
		err = errNoTransaction
	}
	return failed, err
}

// outcome is what the replica has to know of a transaction of Transact.
type outcome struct {
	mu      sync.Mutex
	changed bool     // something may have been written
	asked   bool     // a change has found nothing to do
	base    Revision // the newest that it found
}

// note takes a change that ran in the transaction.
func (o *outcome) note(c *change, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case c != nil && c.flushed || errors.Is(err, ErrOutcomeUnknown):
		o.changed = true
	case err == nil && (!o.asked || o.base.Seq < c.base.Seq):
		o.asked, o.base = true, c.base
	}
}

// settle makes the next check see what was committed (P1). The events that were
// written are not applied: the application may have taken some of them back, by a
// savepoint.
func (o *outcome) settle(ctx context.Context, r *replica) {
	o.mu.Lock()
	changed, asked, base := o.changed, o.asked, o.base
	o.mu.Unlock()
	switch {
	case changed:
		r.doubt(ctx)
	case asked:
		r.committed(ctx, base, nil, time.Time{})
	}
}

// lentStore is a Store that is of no use once its transaction has ended.
type lentStore struct {
	Store
	ended atomic.Bool
}

var errTransactionEnded = errors.New("rbac: a Transaction was used after its function had returned")

func (s *lentStore) View(ctx context.Context, workspace string, fn func(Reader) error) error {
	if s.ended.Load() {
		return errTransactionEnded
	}
	return s.Store.View(ctx, workspace, fn)
}

func (s *lentStore) Update(ctx context.Context, workspace string, fn func(Tx) error) error {
	if s.ended.Load() {
		return errTransactionEnded
	}
	return s.Store.Update(ctx, workspace, fn)
}
