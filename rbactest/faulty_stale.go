package rbactest

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/areagate/rbac"
)

// frozen is a workspace as it was at one moment, or why it could not be read.
type frozen struct {
	store *rbac.MemStore
	err   error
}

func (f *Faults) isStale() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stale != nil
}

// readable returns the store from which a workspace is read: the one that has
// it as it was, while the store is stale.
func (f *Faults) readable(ctx context.Context, workspace string) (rbac.Store, error) {
	f.mu.Lock()
	store, stale := f.store, f.stale
	past, taken := stale[workspace]
	f.mu.Unlock()
	if stale == nil {
		return store, nil
	}
	if !taken {
		fresh := freeze(ctx, store, workspace)
		if fresh.err != nil {
			return nil, fresh.err // not kept: the next call asks again
		}
		f.mu.Lock()
		if past, taken = stale[workspace]; !taken { // by another call
			past, stale[workspace] = fresh, fresh
		}
		f.mu.Unlock()
	}
	return past.store, past.err
}

// freeze copies a workspace. Roles and members that cannot be read are left
// out.
func freeze(ctx context.Context, store rbac.Store, workspace string) *frozen {
	past := &frozen{store: rbac.NewMemStore()}
	past.err = store.View(ctx, workspace, func(r rbac.Reader) error {
		return past.store.Update(ctx, workspace, func(tx rbac.Tx) error { return copyWorkspace(tx, r) })
	})
	if past.err != nil {
		past.err = fmt.Errorf("rbactest: Stale: workspace %q cannot be copied: %w", workspace, past.err)
	}
	return past
}

func copyWorkspace(tx rbac.Tx, r rbac.Reader) error {
	roles, err := legible(r.Roles())
	if err != nil {
		return err
	}
	for _, role := range roles {
		if err := tx.PutRole(role); err != nil {
			return err
		}
	}
	members, err := legible(r.Members(rbac.MemberQuery{}))
	if err != nil {
		return err
	}
	var events []rbac.Event
	for e, err := range r.Events(rbac.EventQuery{}) {
		if err != nil {
			return err
		}
		events = append(events, e)
	}
	return errors.Join(tx.PutMembers(members...), tx.AppendEvents(events...))
}

// legible returns the rows that can be read.
func legible[V any](rows iter.Seq2[V, error]) ([]V, error) {
	var values []V
	for v, err := range rows {
		switch {
		case err == nil:
			values = append(values, v)
		case !errors.Is(err, rbac.ErrMalformed):
			return nil, err
		}
	}
	return values, nil
}
