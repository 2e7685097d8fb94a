package rbac

import "context"

// Holders returns how many members hold each role, suspended ones included, by the
// role that is stored with them, whether it exists or not. A role that nobody holds
// is missing. It is one question to the store, which counts.
func (w *Workspace) Holders(ctx context.Context) (map[RoleID]int, error) {
	return lookUpHolders.in(ctx, w.review)
}

// Holders is [Workspace.Holders] inside the transaction.
func (t *Transaction) Holders(ctx context.Context) (map[RoleID]int, error) {
	return lookUpHolders.in(ctx, t.review)
}

var lookUpHolders = lookUp[map[RoleID]int]{find: func(r reading) (map[RoleID]int, error) { return r.Holders() }}
