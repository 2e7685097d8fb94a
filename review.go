package rbac

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/areagate/rbac/internal/fold"
)

// Holder is a member who may do something, and through what.
type Holder struct {
	Member   Member `json:"member"`
	RoleName string `json:"roleName"`
	Scope    Scope  `json:"scope"`
	Delegate bool   `json:"delegate,omitempty"` // the role has a list of roles to give and take
}

// Roles returns the roles of the workspace: system roles first, then the
// workspace's own by name. A row that cannot be read is left out;
// [Workspace.Lint] reports it.
func (w *Workspace) Roles(ctx context.Context) ([]Role, error) {
	var roles []Role
	err := w.review(ctx, func(r reading) (err error) {
		roles, err = shownRoles(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return roles, nil
}

// shownRoles returns the readable roles in the order in which people see
// them.
func shownRoles(r reading) ([]Role, error) {
	var roles []Role
	for role, err := range r.readable().roles() {
		if err != nil {
			return nil, err
		}
		roles = append(roles, r.model.shown(role))
	}
	sortRoles(roles[len(r.model.system):])
	return roles, nil
}

// sortRoles puts a workspace's own roles in the order in which people see
// them.
func sortRoles(roles []Role) {
	folded := make(map[string]string, len(roles)) // which takes its time
	for _, role := range roles {
		folded[role.Name] = fold.Name(role.Name)
	}
	slices.SortFunc(roles, func(a, b Role) int {
		return cmp.Or(cmp.Compare(folded[a.Name], folded[b.Name]), cmp.Compare(a.ID, b.ID))
	})
}

// Members returns the members that a query selects, in the byte order of
// their user ids. It ends with the first error; a row that cannot be read is
// left out, and is not counted by Limit: a page is short only at the end. A
// malformed id in the query is [ErrInvalid].
//
// What the loop sees is one state of the workspace. The store's transaction
// stays open until the loop ends: don't change the workspace, or ask another
// question of a store with one connection, from inside the loop. That holds
// for every iterator of a Workspace.
func (w *Workspace) Members(ctx context.Context, q MemberQuery) iter.Seq2[Member, error] {
	return stream(ctx, w, func(r reading, yield func(Member) bool) error {
		if err := q.problems().err(); err != nil {
			return err
		}
		for member, err := range r.readableMembers(q) {
			if err != nil {
				return err
			}
			if !yield(member) {
				return nil
			}
		}
		return nil
	})
}

// problems judges the ids of a query: no store has one that is malformed, and
// a database refuses to look for it.
func (q MemberQuery) problems() problems {
	bad := userProblems("users", q.Users)
	bad.check("role", bytesProblem(string(q.Role)))
	bad.check("team", bytesProblem(q.Team))
	bad.check("after", bytesProblem(q.After))
	return bad
}

// problems judges the ids of a query, as those of a MemberQuery.
func (q EventQuery) problems() problems {
	var bad problems
	for i, kind := range q.Kinds {
		bad.check(indexed("kinds", i), bytesProblem(string(kind)))
	}
	bad.check("role", bytesProblem(string(q.Role)))
	bad.check("user", bytesProblem(q.User))
	bad.check("actor", bytesProblem(q.Actor))
	bad.check("since", timeProblem(q.Since))
	bad.check("until", timeProblem(q.Until))
	return bad
}

// wholeMicroseconds returns a query that selects the same events, whose times are
// whole microseconds: some stores know no others.
func (q EventQuery) wholeMicroseconds() EventQuery {
	for _, t := range []*time.Time{&q.Since, &q.Until} {
		if !t.IsZero() {
			*t = t.Add(time.Microsecond - 1).Truncate(time.Microsecond)
		}
	}
	return q
}

// WhoCan returns the members to whom Scope would answer with more than None,
// grouped by role in the order of [Workspace.Roles], then in the byte order of
// their user ids. Suspended members are not among them. An area or action that does
// not exist is [ErrInvalid].
func (w *Workspace) WhoCan(ctx context.Context, area Area, action Action) iter.Seq2[Holder, error] {
	return stream(ctx, w, func(r reading, yield func(Holder) bool) error {
		var bad problems
		info, known := r.model.info(area)
		if !known {
			bad.add("area", quote(string(area))+" is not an area of this program")
		}
		if !action.valid() {
			bad.add("action", fmt.Sprintf("%d is not an action", uint8(action)))
		} else if known && !info.has(action) {
			bad.add("action", fmt.Sprintf("this area has nothing to %s, only to %s", action, info.Only))
		}
		if err := bad.err(); err != nil {
			return err
		}
		roles, err := shownRoles(r)
		if err != nil {
			return err
		}
		for _, role := range roles {
			scope := role.Permissions.Scope(area, action)
			if scope == None {
				continue
			}
			for member, err := range r.readable().members(MemberQuery{Role: role.ID, State: ActiveOnly}) {
				if err != nil {
					return err
				}
				if !yield(Holder{member, role.Name, scope, len(role.Assigns) > 0}) {
					return nil
				}
			}
		}
		return nil
	})
}

// Events returns the events that a query selects, oldest first unless it says
// otherwise. It ends with the first error, which is a *[MalformedError] where
// an event cannot be read or has text that is not valid UTF-8. A malformed id in
// the query is [ErrInvalid].
func (w *Workspace) Events(ctx context.Context, q EventQuery) iter.Seq2[Event, error] {
	return stream(ctx, w, func(r reading, yield func(Event) bool) error {
		if err := q.problems().err(); err != nil {
			return err
		}
		for event, err := range r.events(q.wholeMicroseconds()) {
			if err != nil {
				return err
			}
			if !yield(event) {
				return nil
			}
		}
		return nil
	})
}

// History returns the events of one member, newest first, under every id that
// they had: where [Admin.Rename] gave them the id, it goes on with the one
// before, as far as it was theirs, so that what others did under one of these
// ids is not among them. An id that was given up, and that nobody had since, is
// that of who gave it up. A malformed id is [ErrInvalid]; for all else see
// [Workspace.Events].
func (w *Workspace) History(ctx context.Context, user string) iter.Seq2[Event, error] {
	return stream(ctx, w, func(r reading, yield func(Event) bool) error {
		if problem := idProblem(user); problem != "" {
			return invalid("user", problem)
		}
		q := EventQuery{User: user, Newest: true}
		for more := true; more; {
			var err error
			if q, more, err = r.historyOf(q, yield); err != nil {
				return err
			}
		}
		return nil
	})
}

// historyOf yields the events of the user of a query, up to where they got
// their id. It returns the query for those before that, if there are any.
func (r reading) historyOf(q EventQuery, yield func(Event) bool) (EventQuery, bool, error) {
	newest := q.Before == 0
	for event, err := range r.events(q) {
		if err != nil {
			return q, false, err
		}
		from, to := event.renamed()
		if from == q.User && !newest {
			return q, false, nil // somebody else gave up the id
		}
		newest = false
		switch {
		case !yield(event):
			return q, false, nil
		case to == q.User:
			return EventQuery{User: from, Before: event.Seq, Newest: true}, true, nil
		}
	}
	return q, false, nil
}

// renamed returns the ids of a member who got another, both empty in any other
// event.
func (e Event) renamed() (from, to string) {
	if e.MemberBefore == nil || e.MemberAfter == nil || e.MemberBefore.User == e.MemberAfter.User {
		return "", ""
	}
	return e.MemberBefore.User, e.MemberAfter.User
}

// VerifyEvents checks the hash chain of all events. It returns a
// *[TamperedError], which names the first broken sequence number, if an event
// was edited, removed, inserted or moved, cannot be read, or has text that is
// not valid UTF-8, which the library never writes, or if the newest are
// missing. It does not compare the roles and members with what the events say.
func (w *Workspace) VerifyEvents(ctx context.Context) error {
	return w.review(ctx, func(r reading) error {
		var at Revision
		for event, err := range r.Events(EventQuery{}) {
			if errors.Is(err, ErrMalformed) {
				return &TamperedError{at.Seq + 1, unreadable(err)}
			}
			if err != nil {
				return err
			}
			switch next := at.Seq + 1; {
			case event.Seq > next:
				return &TamperedError{next, "is missing"}
			case event.Seq > 0 && event.Seq < next:
				return &TamperedError{event.Seq, "is there twice"}
			case event.textProblems() != nil:
				return &TamperedError{next, unreadable(event.textProblems().err())}
			case !event.follows(w.replica.id, at):
				return &TamperedError{next, "is not what was recorded, or does not follow the one before"}
			}
			at = event.Revision()
		}
		newest, err := r.Revision()
		switch {
		case err != nil:
			return err
		case newest.Seq > at.Seq:
			return &TamperedError{at.Seq + 1, "is missing"}
		case newest.Seq < at.Seq:
			return &TamperedError{max(newest.Seq, 0) + 1, "is newer than the workspace's revision"}
		case newest != at:
			return &TamperedError{at.Seq, "is not the one that the workspace's revision names"}
		}
		return nil
	})
}

// unreadable says why an event cannot be verified.
func unreadable(err error) string {
	var row *MalformedError
	if errors.As(err, &row) && row.Err != nil {
		err = row.Err
	}
	return "cannot be read: " + err.Error()
}

// review reads one state of the workspace from the store. fn may be called
// again when the store asks for it.
func (w *Workspace) review(ctx context.Context, fn func(reading) error) error {
	return w.reviewIn(ctx, nil, nil, fn)
}

// reviewIn is review inside a transaction, if there is one, for an fn that may run
// code of the caller.
func (w *Workspace) reviewIn(ctx context.Context, in *Transaction, theirs *theirCode, fn func(reading) error) error {
	e, store, run := w.engine, w.engine.store, retry
	if in != nil {
		store, run = in.store, func(_ context.Context, transaction func() error) error { return transaction() }
	}
	if problem := w.replica.idProblem(); problem != "" {
		return invalid("workspace", problem)
	}
	if e.ctx.Err() != nil {
		return ErrClosed
	}
	called := false
	err := safelyBut(theirs, func() error {
		return run(ctx, func() error {
			return store.View(ctx, w.replica.id, func(r Reader) error {
				called = true
				return fn(reading{Reader: r, model: e.model})
			})
		})
	})
	if err == nil && !called {
		err = errNoTransaction
	}
	return err
}

// stream is review for an iterator.
func stream[T any](ctx context.Context, w *Workspace, fn func(r reading, yield func(T) bool) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var loop theirCode
		var begun, stopped bool
		err := w.reviewIn(ctx, nil, &loop, func(r reading) error {
			if begun {
				return errAgain
			}
			return fn(r, func(v T) bool {
				begun, loop.running = true, true
				stopped = !yield(v, nil)
				loop.running = false
				return !stopped
			})
		})
		if err != nil && !stopped {
			var zero T
			yield(zero, err)
		}
	}
}

var errAgain = errors.New("rbac: the store wanted to run again what had begun")
