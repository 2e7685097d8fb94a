package sqlitestore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/areagate/rbac"
)

// writer is an [rbac.Tx] in a transaction that holds the lock of the writers.
type writer struct {
	*reader
	known  bool  // the workspace has its row
	wrote  bool  // something was written
	broken error // the first write that failed: nothing may be committed then
}

func newWriter(r *reader) *writer { return &writer{reader: r} }

// lend gives w to fn, and ends it. It returns nil if what was written may be
// committed.
func (w *writer) lend(fn func(rbac.Tx) error) error {
	defer w.ended.Store(true)
	if err := fn(w); err != nil {
		return err
	}
	return w.broken
}

func (w *writer) exec(text string, args ...any) error {
	if w.ended.Load() {
		return errEnded
	}
	if err := w.ctx.Err(); err != nil {
		return w.breaks(err)
	}
	if err := exec(w.ctx, w.on, text, args...); err != nil {
		return w.breaks(w.place.failed("write to", err))
	}
	w.wrote = true
	return nil
}

// breaks notes and returns why a write failed.
func (w *writer) breaks(err error) error {
	if w.broken == nil {
		w.broken = err
	}
	return err
}

// found makes sure that the workspace has its row.
func (w *writer) found() error {
	if w.known {
		return nil
	}
	err := w.exec(createWorkspace, w.workspace)
	w.known = err == nil
	return err
}

// PutRole implements [rbac.Tx].
func (w *writer) PutRole(role rbac.Role) error {
	permissions, err := role.Permissions.MarshalJSON()
	if err != nil {
		return w.breaks(err)
	}
	assigns, err := encodeList(role.Assigns)
	if err != nil {
		return w.breaks(err)
	}
	if err := w.found(); err != nil {
		return err
	}
	return w.exec(putRole, w.workspace, string(role.ID), role.Name, role.Description, string(permissions), assigns, role.Version,
		role.CreatedAt.UnixMicro(), role.UpdatedAt.UnixMicro())
}

// DeleteRole implements [rbac.Tx].
func (w *writer) DeleteRole(id rbac.RoleID) error {
	return w.exec(deleteRole, w.workspace, string(id))
}

// rowsAtOnce is how many rows one INSERT takes; see batch.
const rowsAtOnce = 40

// insert inserts rows of n columns each.
func (w *writer) insert(insert string, n int, args []any, conflict string) error {
	for some := range slices.Chunk(args, rowsAtOnce*n) {
		rows := strings.TrimSuffix(strings.Repeat(list(n)+",", len(some)/n), ",")
		if err := w.exec(insert+rows+conflict, some...); err != nil {
			return err
		}
	}
	return nil
}

// PutMembers implements [rbac.Tx].
func (w *writer) PutMembers(members ...rbac.Member) error {
	if len(members) == 0 {
		return w.ctx.Err()
	}
	if err := w.found(); err != nil {
		return err
	}
	args := make([]any, 0, 6*len(members))
	for _, m := range members {
		args = append(args, w.workspace, m.User, string(m.Role), m.Team, flag(m.Suspended), m.UpdatedAt.UnixMicro())
	}
	return w.insert(insertMembers, 6, args, orReplace)
}

// DeleteMembers implements [rbac.Tx].
func (w *writer) DeleteMembers(users ...string) error {
	for some := range slices.Chunk(users, batch) {
		args := append([]any{w.workspace}, values(some)...)
		if err := w.exec(deleteMembers+list(len(some)), args...); err != nil {
			return err
		}
	}
	return w.ctx.Err()
}

// AppendEvents implements [rbac.Tx]. Events that do not continue the revision
// without a gap are an error.
func (w *writer) AppendEvents(events ...rbac.Event) error {
	if len(events) == 0 {
		return w.ctx.Err()
	}
	revision, err := w.Revision()
	if err != nil {
		return w.breaks(err)
	}
	args := make([]any, 0, 4*len(events))
	for i, e := range events {
		if next := revision.Seq + int64(i) + 1; e.Seq != next {
			return w.breaks(fmt.Errorf("sqlitestore: event %d was appended where event %d belongs", e.Seq, next))
		}
		document, err := encodeEvent(e)
		if err != nil {
			return w.breaks(err)
		}
		args = append(args, w.workspace, e.Seq, document, slices.Clone(e.Hash[:]))
	}
	if err := w.found(); err != nil {
		return err
	}
	if err := w.insert(insertEvents, 4, args, ``); err != nil {
		return err
	}
	newest := events[len(events)-1]
	return w.exec(moveRevision, w.workspace, newest.Seq, newest.Hash[:])
}

// Clear implements [rbac.Tx].
func (w *writer) Clear() error {
	for _, text := range clearWorkspace {
		if err := w.exec(text, w.workspace); err != nil {
			return err
		}
	}
	w.known = false
	return w.exec(countClear)
}

func flag(set bool) int64 {
	if set {
		return 1
	}
	return 0
}
