package rbac

import "context"

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
// anew. In a transaction of the caller's, and in a preview, Together is part of it.
func (a *Admin) Together(ctx context.Context, change func(*Admin) error) error {
	if a.in != nil {
		return change(a)
	}
	w := a.workspace
	run := func(ctx context.Context, fn func(Store) error) error {
		return w.engine.store.Update(ctx, w.replica.id, func(tx Tx) error {
			return fn(TxStore(w.replica.id, tx))
		})
	}
	return w.Transact(ctx, run, func(t *Transaction) error {
		in := *a
		return change(t.admin(&in))
	})
}
