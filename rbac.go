package rbac

import (
	"context"
	"fmt"
)

// Authorizer answers checks for the workspaces of one store and keeps what it
// knows in step with it. All methods are safe for concurrent use.
//
// It embeds its default workspace, whose id is empty, so that a single-tenant
// application writes az.Can(…). What it has from there:
//
//   - checks: [Workspace.Can], [Workspace.CanRecord], [Workspace.Scope],
//     [Workspace.Authorize], [Workspace.Explain] and [Workspace.Subject];
//   - changes: [Workspace.As], [Workspace.AsSubject] and [Workspace.System], and
//     [Workspace.In] and [Workspace.Transact] for those in a transaction of the caller's;
//   - review: [Workspace.Roles], [Workspace.Role], [Workspace.RoleByName],
//     [Workspace.Members], [Workspace.Member], [Workspace.Holders], [Workspace.WhoCan],
//     [Workspace.Matrix], [Workspace.Lint], [Workspace.LintRoles], [Workspace.Events],
//     [Workspace.History] and [Workspace.VerifyEvents];
//   - and [Workspace.ID], [Workspace.Areas], [Workspace.ValidatePermissions] and
//     [Workspace.Sync].
type Authorizer struct {
	*Workspace // the default workspace; do not assign

	engine *engine
}

// Open returns an Authorizer on a store. It asks the store one question, to
// find out whether it can be reached; workspaces are loaded when they are
// first used. Wrong options are a *[ValidationError], a store that does not
// answer is [ErrUnavailable]. The context bounds only Open itself.
//
// Close the Authorizer to end its goroutines.
func Open(ctx context.Context, store Store, opts ...Option) (*Authorizer, error) {
	if store == nil {
		return nil, invalid("store", "is nil")
	}
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	m, err := newModel(o)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, unavailable(err)
	}
	if err := safely(func() error {
		_, err := store.Revisions(ctx, []string{""})
		return err
	}); err != nil {
		return nil, unavailable(err)
	}
	e := newEngine(store, m, o)
	a := &Authorizer{e.workspace(""), e}
	e.start()
	return a, nil
}

// Close ends the Authorizer: its goroutines have ended when Close returns,
// and checks fail closed with [ErrUnavailable], which wraps [ErrClosed]. It
// waits for calls to the store that are under way, whose context it cancels;
// it does not wait for a logger or an observer that is stuck. Closing twice is
// no error.
func (a *Authorizer) Close() error {
	a.engine.close()
	return nil
}

// For returns a workspace. It does no I/O and cannot fail: a workspace comes
// into being with its first change, and until then everybody is denied. An id
// is up to 255 bytes of valid UTF-8 without control characters; with any
// other, checks are denied and changes are [ErrInvalid].
func (a *Authorizer) For(workspace string) *Workspace {
	if workspace == "" {
		return a.Workspace
	}
	return a.engine.workspace(workspace)
}

// Workspace is one tenant: its roles, members and events. Get one from
// [Authorizer.For]. All methods are safe for concurrent use.
//
// Checks of a loaded workspace answer from memory and do not look at the
// context. A workspace that is not in memory is loaded by its first check;
// concurrent first checks share one load, and each waits no longer than its
// context and the maximum staleness allow.
type Workspace struct {
	engine  *engine
	replica replica // by value: a check reads its snapshot, one step away
}

func newWorkspace(e *engine, id string) *Workspace {
	return &Workspace{engine: e, replica: replica{engine: e, id: id}}
}

// ID returns the workspace's id, empty for the default workspace.
func (w *Workspace) ID() string { return w.replica.id }

// Areas returns a copy of the catalogue of areas, which is that of
// [WithAreas] and the same in every workspace.
func (w *Workspace) Areas() []AreaInfo { return cloneAreas(w.engine.model.areas) }

// ValidatePermissions judges permissions that somebody writes, for an API key for
// instance, as those of a role are judged: every area, action and scope must mean
// something here, and areas go by their names of today. What does not is a
// *[ValidationError] that names each field. It asks no store and writes nothing. A
// nil table is an empty one.
func (w *Workspace) ValidatePermissions(p Permissions) error {
	var bad problems
	w.engine.model.scopeProblems(&bad, p)
	return bad.err()
}

// Can reports whether a user may act on everything in an area. It is false
// for a user who reaches own records only, so that a handler that forgets
// about ownership refuses rather than leaks; see [Workspace.CanRecord] and
// [Subject.Reach]. It is false, too, when no safe answer exists.
func (w *Workspace) Can(ctx context.Context, user string, area Area, action Action) bool {
	// This is s.scope(user, area, action) == All, written out and with the
	// long way kept out of it: calls and a large stack frame would cost a
	// third of the whole.
	s := w.replica.live.Load()
	if s == nil || s.detour.Load() != 0 {
		return w.can(ctx, user, area, action)
	}
	slot := s.areas.slot(area)
	if !slot.holds(area) || !action.valid() {
		return w.can(ctx, user, area, action)
	}
	offset := uint64(slot.cell) + uint64(action-Read) // one value to keep across the lookup, which saves no register
	cell := uint64(s.members[user].cell) + offset
	return cell < uint64(len(s.cells)) && s.cells[cell] == All
}

// can is the long way of Can: whatever the workspace's state, the area and
// the action.
func (w *Workspace) can(ctx context.Context, user string, area Area, action Action) bool {
	s, err := w.replica.current(ctx)
	if err == nil && w.engine.observer == nil {
		return s.scope(user, area, action) == All
	}
	d, _ := w.decide(ctx, s, err, user, area, action)
	w.observe(ctx, d)
	return d.Allowed
}

// CanRecord reports whether a user may act on a record with these owners: if
// the role reaches everything in the area, or reaches own records and the
// user is among the owners, or reaches the team's and an owner is in the user's
// team. An empty user or owner never matches.
func (w *Workspace) CanRecord(ctx context.Context, user string, area Area, action Action, owners ...string) bool {
	s, err := w.replica.current(ctx)
	if err == nil && w.engine.observer == nil {
		switch s.scope(user, area, action) {
		case All:
			return true
		case Team:
			return owns(user, owners) || s.teamed(s.find(user).team, owners)
		case Own:
			return owns(user, owners)
		}
		return false
	}
	d, _ := w.decide(ctx, s, err, user, area, action)
	if err == nil {
		d.settleRecord(owners, s.teamed(s.find(user).team, owners))
	}
	w.observe(ctx, d)
	return d.Allowed
}

// Scope returns how far an action reaches for a user; filter rows by
// [Subject.Reach]. The error is [ErrUnavailable] when no safe answer exists; a
// denial is None.
func (w *Workspace) Scope(ctx context.Context, user string, area Area, action Action) (Scope, error) {
	d, err := w.Explain(ctx, user, area, action)
	return d.Scope, err
}

// Authorize returns nil if a user may act on everything in an area, a
// *[DeniedError] if not, and an error that is [ErrUnavailable] when no safe
// answer exists.
func (w *Workspace) Authorize(ctx context.Context, user string, area Area, action Action) error {
	d, err := w.Explain(ctx, user, area, action)
	if err != nil {
		return err
	}
	if !d.Allowed {
		return &DeniedError{d}
	}
	return nil
}

// Explain returns the decision behind Can, with its reason. The error is
// [ErrUnavailable] when no safe answer exists; the decision then denies.
func (w *Workspace) Explain(ctx context.Context, user string, area Area, action Action) (Decision, error) {
	s, err := w.replica.current(ctx)
	d, err := w.decide(ctx, s, err, user, area, action)
	w.observe(ctx, d)
	return d, err
}

// Subject resolves a user for the many checks of one request. A user who is
// not a member gives a Subject that is denied everything; the error is
// [ErrUnavailable] when no safe answer exists.
func (w *Workspace) Subject(ctx context.Context, user string) (Subject, error) {
	s, err := w.replica.current(ctx)
	if err != nil {
		return Subject{}, err
	}
	return w.subject(ctx, s, user), nil
}

func (w *Workspace) subject(ctx context.Context, s *snapshot, user string) Subject {
	p := s.resolve(user)
	p.home = w
	if w.engine.observer != nil {
		p.observe = func(d Decision) { w.engine.observe(ctx, d) }
	}
	return Subject{p}
}

// decide makes the decision of one check from what current returned.
func (w *Workspace) decide(ctx context.Context, s *snapshot, err error, user string, area Area, action Action) (Decision, error) {
	if err != nil {
		return Decision{Workspace: w.replica.id, User: user, Area: area, Action: action, Reason: ReasonUnavailable}, err
	}
	return w.subject(ctx, s, user).get().decide(area, action), nil
}

func (w *Workspace) observe(ctx context.Context, d Decision) {
	if w.engine.observer != nil {
		w.engine.observe(ctx, d)
	}
}

// Sync catches up with the store now: when it returns nil, checks on this
// Authorizer rest on data at least as new as the call. Use it after a change
// that was made elsewhere, or through [Workspace.In], and must show at once. The
// error is [ErrUnavailable] when the store did not answer, and [ErrInvalid]
// for a malformed workspace id.
func (w *Workspace) Sync(ctx context.Context) error {
	return w.replica.sync(ctx)
}

func unavailable(cause error) error {
	return fmt.Errorf("%w: %w", ErrUnavailable, cause)
}
