package rbac

import (
	"context"
	"iter"
)

// DeleteWorkspace deletes the workspace: its roles, members and events, of which
// nothing remains in the store. The workspace reads as one that was never
// written, and whoever uses the id again begins with nothing, at event 1. It is
// for off-boarding a tenant, by the application: for a member it is [ErrSelf],
// since it would end their own membership, after [ErrDenied] for who may not
// manage users. That there is always an Administrator does not hold it back.
//
// It cannot be undone and leaves no event. It is logged, with the revision that
// the workspace had. Export the events first if they have to be kept. The
// application's own rows, backups and exported events are not the library's to
// delete; another instance may answer from memory for up to the maximum
// staleness. A change that is made at the same time, or later, writes the
// workspace anew: turn away its users first.
//
// Errors: [ErrSelf].
func (a *Admin) DeleteWorkspace(ctx context.Context) error {
	var c *change
	err := a.change(ctx, attempt{method: "DeleteWorkspace"}, nil, func(this *change) error {
		c = this
		c.clear = true
		return c.refuseSelf([]string{c.admin.actor})
	})
	if err == nil && c.cleared && a.preview == nil {
		a.workspace.engine.reports.info("rbac: a workspace was deleted",
			"workspace", a.workspace.ID(), "revision", c.base.Seq, "reason", c.reason, "via", c.via, "committed", a.in == nil)
	}
	return err
}

// flushClear clears the workspace, unless there is nothing in it (A12).
func (c *change) flushClear() error {
	if c.base == (Revision{}) && !yields(c.Roles()) && !yields(c.Members(MemberQuery{Limit: 1})) {
		return nil
	}
	if err := c.tx.Clear(); err != nil {
		return err
	}
	c.flushed, c.cleared = true, true
	return nil
}

// yields reports whether there are rows, that can be read or not.
func yields[V any](rows iter.Seq2[V, error]) bool {
	for range rows {
		return true
	}
	return false
}
