package pgstore

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/areagate/rbac"
)

// writer writes one workspace, whose row it has locked.
type writer struct {
	*reader
	wrote  bool
	gone   bool  // the row, with all that was cleared
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
	if err := w.ctx.Err(); err != nil {
		return err
	}
	return w.broken
}

// write sends a batch, in one round trip.
func (w *writer) write(what string, b batch) error {
	if err := w.usable(); err != nil {
		return err
	}
	w.wrote = true
	if w.gone {
		b = append(batch{{sql: w.sql.create, args: []any{w.workspace}}}, b...)
		w.gone = false
	}
	if err := w.on.ask(w.ctx, b); err != nil {
		return w.breaks(failed(w.ctx, what, err))
	}
	return nil
}

// breaks notes and returns why a write failed.
func (w *writer) breaks(err error) error {
	if w.broken == nil {
		w.broken = err
	}
	return err
}

func (w *writer) PutRole(role rbac.Role) error {
	permissions, err := json.Marshal(role.Permissions)
	if err != nil {
		return w.breaks(fmt.Errorf("pgstore: put role %q: %w", role.ID, err))
	}
	assigns := texts(role.Assigns)
	for _, text := range append([]string{string(role.ID), role.Name, role.Description}, assigns...) {
		if !storable(text) {
			return w.breaks(unstorable("a role's text", text))
		}
	}
	var b batch
	b.exec(w.sql.putRole, w.workspace, string(role.ID), role.Name, role.Description, string(permissions), assigns,
		role.Version, role.CreatedAt.UTC(), role.UpdatedAt.UTC())
	return w.write("put a role", b)
}

func (w *writer) DeleteRole(id rbac.RoleID) error {
	if !storable(string(id)) {
		return w.usable()
	}
	var b batch
	b.exec(w.sql.deleteRole, w.workspace, string(id))
	return w.write("delete a role", b)
}

// most is how many rows one statement writes, or one round trip deletes.
const most = 10_000

func (w *writer) PutMembers(members ...rbac.Member) error {
	if len(members) == 0 {
		return w.usable()
	}
	for _, m := range members {
		for _, text := range []string{m.User, string(m.Role), m.Team} {
			if !storable(text) {
				return w.breaks(unstorable("a member's text", text))
			}
		}
	}
	// One statement must not write a row twice: the last one counts.
	members = slices.Clone(members)
	slices.Reverse(members)
	slices.SortStableFunc(members, func(a, b rbac.Member) int { return strings.Compare(a.User, b.User) })
	members = slices.CompactFunc(members, func(a, b rbac.Member) bool { return a.User == b.User })

	var b batch
	for some := range slices.Chunk(members, most) {
		users, roles, teams := make([]string, len(some)), make([]string, len(some)), make([]string, len(some))
		suspended, updated := make([]bool, len(some)), make([]time.Time, len(some))
		for i, m := range some {
			users[i], roles[i], suspended[i], teams[i], updated[i] = m.User, string(m.Role), m.Suspended, m.Team, m.UpdatedAt.UTC()
		}
		b.exec(w.sql.putMembers, w.workspace, users, roles, suspended, teams, updated)
	}
	return w.write("put members", b)
}

func (w *writer) DeleteMembers(users ...string) error {
	users = slices.DeleteFunc(slices.Clone(users), func(user string) bool { return !storable(user) })
	if len(users) == 0 {
		return w.usable()
	}
	for some := range slices.Chunk(users, most) {
		var b batch
		for _, user := range some {
			b.exec(w.sql.deleteMember, w.workspace, user)
		}
		if err := w.write("delete members", b); err != nil {
			return err
		}
	}
	return nil
}

// AppendEvents returns an error, and appends nothing, if the events do not
// continue the Revision.
func (w *writer) AppendEvents(events ...rbac.Event) error {
	if len(events) == 0 {
		return w.usable()
	}
	var b batch
	at := w.revision
	for some := range slices.Chunk(events, most) {
		numbers, hashes, documents := make([]int64, len(some)), make([][]byte, len(some)), make([]string, len(some))
		for i, e := range some {
			if e.Seq != at.Seq+1 {
				return w.breaks(fmt.Errorf("pgstore: event %d was appended where event %d belongs", e.Seq, at.Seq+1))
			}
			document, err := eventDocument(e)
			if err != nil {
				return w.breaks(err)
			}
			at = e.Revision()
			numbers[i], hashes[i], documents[i] = e.Seq, slices.Clone(at.Hash[:]), document
		}
		b.exec(w.sql.insertEvents, w.workspace, numbers, hashes, documents)
	}
	b.exec(w.sql.moveRevision, w.workspace, at.Seq, at.Hash[:])
	b.exec(w.sql.notify, w.sql.channel, w.workspace)
	if err := w.write("append events", b); err != nil {
		return err
	}
	w.revision = at
	return nil
}

// Clear deletes the workspace's row, too. Who waits for its lock finds it gone,
// and makes one.
func (w *writer) Clear() error {
	var b batch
	for _, sql := range w.sql.clear {
		b.exec(sql, w.workspace)
	}
	b.exec(w.sql.notify, w.sql.channel, w.workspace)
	if err := w.write("clear", b); err != nil {
		return err
	}
	w.revision, w.gone = rbac.Revision{}, true
	return nil
}

// eventDocument returns the JSON form of an event without its hash.
func eventDocument(e rbac.Event) (string, error) {
	all := []string{string(e.Kind), e.Actor, e.Reason, e.Via}
	for _, role := range []**rbac.Role{&e.RoleBefore, &e.RoleAfter} {
		if *role != nil {
			copied := **role
			*role = &copied
			all = append(append(all, string(copied.ID), copied.Name, copied.Description), texts(copied.Assigns)...)
		}
	}
	for _, member := range []**rbac.Member{&e.MemberBefore, &e.MemberAfter} {
		if *member != nil {
			copied := **member
			*member = &copied
			all = append(all, copied.User, string(copied.Role), copied.RoleName, copied.Team)
		}
	}
	for _, text := range all {
		if !storable(text) {
			return "", unstorable("an event's text", text)
		}
	}
	inUTC(&e)
	e.Hash = [32]byte{}
	document, err := json.Marshal(e)
	if err != nil {
		return "", fmt.Errorf("pgstore: append event %d: %w", e.Seq, err)
	}
	return string(document), nil
}
