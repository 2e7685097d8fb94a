package rbac

import (
	"cmp"
	"context"
)

// Together makes several changes as one: it calls change with an Admin for the same
// actor, whose methods work in one transaction, each by its own rules and on what
// the earlier ones wrote. If change returns nil, everything is committed, and the
// next check on this [Authorizer] sees it; if it returns an error, that is the error
// of Together and nothing is changed, unless the error is [ErrOutcomeUnknown]. It is
// [Admin.Preview] with consequences.
//
// The store's transaction is open while change runs, and other changes of the
// workspace wait for it: ask nobody else there, and change the workspace by the
// given Admin only. It is for one goroutine at a time, and of no use once change has
// returned. Nothing is run again: what is [ErrContention] is the caller's to begin
// anew. In a transaction of the caller's, and in a preview, Together is a part of it
// that is taken back whole when it fails, with what change wrote by other means.
func (a *Admin) Together(ctx context.Context, change func(*Admin) error) error {
	w := a.workspace
	var theirs theirCode
	begun := false
	run := func(ctx context.Context, fn func(Store) error) error {
		return safelyBut(&theirs, func() error {
			return a.store().Update(ctx, w.replica.id, func(tx Tx) error {
				if begun {
					return errAgain
				}
				begun = true
				return fn(TxStore(w.replica.id, tx))
			})
		})
	}
	work := func(t *Transaction) error {
		in := *a
		theirs.running = true
		err := change(t.admin(&in))
		theirs.running = false
		return err
	}
	if a.in == nil {
		return w.Transact(ctx, run, work)
	}
	if problem := w.replica.idProblem(); problem != "" {
		return invalid("workspace", problem)
	}
	failed, err := w.lend(ctx, run, a.in.outcome, work)
	return cmp.Or(err, failed)
}
