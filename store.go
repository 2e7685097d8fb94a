package rbac

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Store persists workspaces. The library ships MemStore; other modules bring
// PostgreSQL and SQLite. docs/writing-a-store.md guides whoever writes a
// fourth, and storetest.Run checks every sentence below.
//
// A Store is dumb: it persists and isolates. It does not judge what it is
// given, knows no rule, and returns what was put, no more and no less.
//
// Concurrency: all methods are safe for concurrent use. Transactions of
// different workspaces do not affect, and should not wait for, each other.
//
// Context: every method returns soon after its context is done, with an error
// that is the context's. The methods of Reader and Tx use the context that
// was given to View or Update.
//
// Workspaces: a workspace needs no creation. One that was never written reads
// as empty, with the zero Revision. The id is a string of up to 255 bytes,
// the empty one included.
//
// Identity: ids are compared byte for byte; "Bob" is not "bob". All ids,
// names and texts come back byte for byte, and times as the same instant in
// UTC: the library gives whole microseconds, and text that is valid UTF-8
// without control characters.
//
// Ownership: values that come in may be changed by the caller afterwards, and
// values that come out belong to the caller. A Store copies both ways, or
// makes sure that nothing is shared.
type Store interface {
	// View calls fn with one consistent snapshot of a workspace: what fn
	// reads is the state after the same committed Update, whatever others
	// commit meanwhile. It returns the error of fn as it is (errors.Is must
	// find it). The Reader is invalid once fn has returned.
	View(ctx context.Context, workspace string, fn func(Reader) error) error

	// Update calls fn with a transaction that is serial with every other
	// Update of the workspace: fn sees all that was committed before, and
	// nothing else commits until it ends. If fn returns nil, all its writes
	// are committed together before Update returns. If fn returns an error or
	// panics, none is, and the error is returned as it is.
	//
	// If the transaction could not be made because of another one, Update
	// leaves nothing behind and returns an error that is ErrContention; the
	// library then calls Update again. If it cannot be known whether the
	// commit took place, because contact was lost or the context ended while
	// it was under way, the error is ErrOutcomeUnknown. Any other error means
	// that nothing was written. The library never calls Update for a
	// workspace from inside an Update of the same one.
	Update(ctx context.Context, workspace string, fn func(Tx) error) error

	// Revisions returns the newest committed revision of each workspace
	// named, in one round trip. A workspace that was never written is missing
	// from the map or has the zero Revision.
	Revisions(ctx context.Context, workspaces []string) (map[string]Revision, error)

	// Workspaces returns the ids of the workspaces that the query selects, in
	// byte order, as they are after the Updates that have committed. A
	// workspace that was never written is not among them; one that has no
	// events may be missing.
	Workspaces(ctx context.Context, query WorkspaceQuery) ([]string, error)
}

// Reader reads one workspace inside a View or an Update. It is used by one
// goroutine at a time. Within an Update it sees the Update's own writes.
//
// An iterator may be left early and may be ranged over more than once. It
// yields an error at most once, with the zero value, and then ends; only an
// error that is ErrMalformed concerns just one row, comes with the id of that
// row, and does not end the iteration. The library calls no other method of
// the Reader while it ranges over an iterator, so that a Store may stream.
type Reader interface {
	// Revision returns the number and hash of the newest event, the zero
	// Revision if there is none.
	Revision() (Revision, error)

	// Role returns one role. A missing one is ErrRoleNotFound, one that
	// cannot be read a *MalformedError.
	Role(RoleID) (Role, error)

	// Roles yields all roles in the byte order of their ids.
	Roles() iter.Seq2[Role, error]

	// Member returns one member. A missing one is ErrMemberNotFound, one that
	// cannot be read a *MalformedError.
	Member(user string) (Member, error)

	// Members yields the members that the query selects, in the byte order of
	// their user ids.
	Members(MemberQuery) iter.Seq2[Member, error]

	// Holders returns the number of members by the role that is stored with
	// them, suspended ones and those that cannot be read included. Roles that
	// nobody holds are missing.
	Holders() (map[RoleID]int, error)

	// Events yields the events that the query selects, in the order of their
	// sequence numbers, or from the newest if the query says so. One that
	// cannot be read is a *MalformedError, and does end the iteration.
	Events(EventQuery) iter.Seq2[Event, error]
}

// Tx is a Reader that can write. Writes are visible to its own reads at once
// and to others when the Update commits. When a write fails, the library
// returns its error from fn and calls no other method.
type Tx interface {
	Reader

	// PutRole inserts or replaces a role by its id.
	PutRole(Role) error

	// DeleteRole deletes a role. Deleting a missing one is no error.
	DeleteRole(RoleID) error

	// PutMembers inserts or replaces members by their user ids, which differ.
	PutMembers(...Member) error

	// DeleteMembers deletes members. Deleting a missing one is no error.
	DeleteMembers(users ...string) error

	// AppendEvents appends events, whose Seq and Hash the library has set:
	// they continue the Revision without a gap. Afterwards the Revision is
	// that of the last of them. Without events it does nothing.
	AppendEvents(...Event) error

	// Clear removes the roles, the members, the events and the Revision, so
	// that the workspace reads as one that was never written. What is written
	// behind it in the same Update stays, and begins at the zero Revision.
	Clear() error
}

// Notifier is implemented by a Store that can tell about changes made
// through other instances. Notifications are hints: they make propagation
// fast, while polling guarantees it, so a Notifier may lose and repeat them.
type Notifier interface {
	// Notify listens until ctx is done or it can listen no longer, and
	// returns why. For each Update that appended events or cleared, by whomever, and
	// never for one rolled back, it calls hint with the workspace's id. It
	// calls hint without ids whenever hints may have been lost, which is also
	// once it has begun to listen. hint returns at once and is safe for
	// concurrent use.
	//
	// The library calls Notify again, after a pause, when it returns.
	Notify(ctx context.Context, hint func(workspaces ...string)) error
}

// Revision is the state of a workspace: the number and hash of its newest
// event. The zero Revision is a workspace that was never written.
type Revision struct {
	Seq  int64
	Hash [32]byte
}

// MemberState filters members by suspension.
type MemberState uint8

const (
	AnyState      MemberState = iota // everybody
	ActiveOnly                       // those who are not suspended
	SuspendedOnly                    // those who are
)

// selects reports whether a member with this suspension is selected.
func (s MemberState) selects(suspended bool) bool {
	return s == AnyState || suspended == (s == SuspendedOnly)
}

// MemberQuery selects members. The zero query selects all.
type MemberQuery struct {
	Users []string    // only these, if not nil; unknown and repeated ones are no error
	Role  RoleID      // only holders of this role, if not empty
	Team  string      // only members of this team, if not empty
	State MemberState // by suspension
	After string      // only user ids behind this one in byte order: the last of the page before
	Limit int         // at most so many, if greater than 0
}

// WorkspaceQuery selects workspaces, a page at a time. The zero query selects
// the first of all.
type WorkspaceQuery struct {
	User  string  // only those in which this user is a member, suspended or not, if not empty
	After *string // only ids behind this one in byte order, if not nil: the last of the page before
	Limit int     // at most so many, and at most 100, which is also what 0 and less are
}

const mostWorkspaces = 100

// limit returns how many workspaces the query selects at most.
func (q WorkspaceQuery) limit() int {
	if q.Limit < 1 || q.Limit > mostWorkspaces {
		return mostWorkspaces
	}
	return q.Limit
}

// EventQuery selects events. The zero query selects all, oldest first.
type EventQuery struct {
	After  int64 // only events with a greater sequence number
	Before int64 // only events with a smaller one, if not 0
	Newest bool  // newest first
	Limit  int   // at most so many, if greater than 0

	Kinds []EventKind // only of these kinds, if not empty
	Role  RoleID      // only changes of this role, and of who holds it, if not empty
	User  string      // only changes of this member, if not empty
	Actor string      // only changes that this user made, if not empty
	Since time.Time   // only events of this time and later, if not zero
	Until time.Time   // only events before this time, if not zero
}

// selects reports whether the query selects an event, as far as its content
// goes: whatever After, Before, Newest and Limit say.
func (q EventQuery) selects(e Event) bool {
	return (len(q.Kinds) == 0 || slices.Contains(q.Kinds, e.Kind)) &&
		(q.Role == "" || e.concerns(q.Role)) &&
		(q.User == "" || e.MemberBefore != nil && e.MemberBefore.User == q.User || e.MemberAfter != nil && e.MemberAfter.User == q.User) &&
		(q.Actor == "" || e.Actor == q.Actor) &&
		(q.Since.IsZero() || !e.Time.Before(q.Since)) &&
		(q.Until.IsZero() || e.Time.Before(q.Until))
}

// concerns reports whether an event changes a role, or who holds it.
func (e Event) concerns(role RoleID) bool {
	is := func(r *Role) bool { return r != nil && r.ID == role }
	holds := func(m *Member) bool { return m != nil && m.Role == role }
	return is(e.RoleBefore) || is(e.RoleAfter) || holds(e.MemberBefore) || holds(e.MemberAfter)
}

// TxStore returns a Store that works inside an open transaction of one
// workspace, for [Workspace.In]: several changes become one, committed or rolled
// back by whoever holds tx. An Update whose function fails writes nothing. It is
// valid as long as tx, by one goroutine at a time, and refuses other workspaces.
func TxStore(workspace string, tx Tx) Store {
	return txStore{workspace, tx}
}

type txStore struct {
	workspace string
	tx        Tx
}

func (s txStore) View(ctx context.Context, workspace string, fn func(Reader) error) error {
	if err := s.admits(ctx, workspace); err != nil {
		return err
	}
	return fn(s.tx)
}

func (s txStore) Update(ctx context.Context, workspace string, fn func(Tx) error) error {
	if err := s.admits(ctx, workspace); err != nil {
		return err
	}
	d := &draft{Reader: s.tx} // nothing of an Update that fails
	if err := fn(d); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.writeTo(s.tx)
}

func (s txStore) Revisions(ctx context.Context, workspaces []string) (map[string]Revision, error) {
	found := map[string]Revision{}
	for _, workspace := range workspaces {
		if err := s.admits(ctx, workspace); err != nil {
			return nil, err
		}
		revision, err := s.tx.Revision()
		if err != nil {
			return nil, err
		}
		found[workspace] = revision
	}
	return found, nil
}

// Workspaces implements [Store]. The transaction knows only its own.
func (s txStore) Workspaces(context.Context, WorkspaceQuery) ([]string, error) {
	return nil, fmt.Errorf("rbac: a transaction of workspace %s was asked for all workspaces", quote(s.workspace))
}

func (s txStore) admits(ctx context.Context, workspace string) error {
	if workspace != s.workspace {
		return fmt.Errorf("rbac: a transaction of workspace %s was used for workspace %s", quote(s.workspace), quote(workspace))
	}
	return ctx.Err()
}
