package rbac

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"
)

// Admin changes a workspace, on behalf of a member or of the application. Get
// one from [Workspace.As] or [Workspace.System]; it is cheap, holds no
// resources and is safe for concurrent use.
//
// Each method is one transaction: it reads the actor's rights, applies the
// rules, writes, and records one event for each role or member it changes. A
// method that returns an error has changed nothing, unless the error is
// [ErrOutcomeUnknown]. A change that changes nothing writes nothing and is no
// error. Once a method returns nil, the next check on the same [Authorizer]
// sees the change.
//
// The rules are those of docs/guarantees.md; the comment of each method names
// the errors it can return beside [ErrInvalid], [ErrDenied], [ErrContention],
// [ErrOutcomeUnknown], [ErrClosed] and those of the store.
type Admin struct {
	workspace *Workspace
	actor     string // a member; empty for the application
	limit     limit  // of the subject for which the actor acts
	system    bool
	reason    string       // why
	via       string       // how
	in        *Transaction // the caller's own, or nil
	preview   *preview     // that the Admin is for, or nil
}

// As returns an Admin that acts as a member, who needs Manage All on [Users].
// Every rule applies.
func (w *Workspace) As(user string) *Admin {
	return &Admin{workspace: w, actor: user}
}

// AsSubject returns an Admin that acts as the subject of a request: as its
// user, like [Workspace.As], holding what both their role, in the transaction,
// and [Subject.Limit] allow. So the holder of an API key does not get around
// its limit by granting, and a limited Administrator is not one. A subject
// that is not [Subject.Of] this workspace, of another Authorizer for instance,
// is denied, and so is the zero Subject.
func (w *Workspace) AsSubject(s Subject) *Admin {
	if !s.Of(w) {
		return w.As("")
	}
	a := w.As(s.s.user)
	a.limit = s.s.limit
	return a
}

// System returns an Admin that acts as the application: it has every right
// and no membership, so that the rules about the actor never refuse it. The
// invariants still hold. The reason, 1 to 500 characters, is recorded in the
// events: "sign-up", "seed", "nightly sync".
func (w *Workspace) System(reason string) *Admin {
	return &Admin{workspace: w, system: true, reason: reason}
}

// Because returns an Admin whose changes are recorded with a reason, of up to 500
// characters: "ticket 4711". For [Workspace.System] it takes the place of the
// reason that was given there. An empty reason changes nothing.
func (a *Admin) Because(reason string) *Admin {
	because := *a
	if reason != "" {
		because.reason = reason
	}
	return &because
}

// Via returns an Admin whose changes are recorded with how they were made, in up to
// 200 characters: the name of a key, who impersonates the actor, a job.
func (a *Admin) Via(what string) *Admin {
	via := *a
	via.via = what
	return &via
}

// CreateRole creates a role and returns it, with the id that it was given. ID
// and Version of the role must be zero; its times are not looked at.
//
// Errors: [ErrTooManyRoles], [ErrRoleNotFound], [ErrProtectedRole],
// [ErrEscalation], [ErrNameTaken].
func (a *Admin) CreateRole(ctx context.Context, role Role) (Role, error) {
	var created Role
	err := a.change(ctx, attempt{method: "CreateRole"}, a.workspace.engine.model.createProblems(role), func(c *change) (err error) {
		created, err = c.save(role, c.createRole)
		return err
	})
	if err != nil {
		return Role{}, err
	}
	return a.workspace.engine.model.shown(created), nil
}

// EnsureRole returns the role of this name, made if there is none, and whether it
// was made: any number of programs may do it at once. One that is there is returned
// as it is, whatever the rest of the role given says, and so is a system role. Names
// are compared as [ErrNameTaken] does.
//
// Errors: those of [Admin.CreateRole] but for [ErrNameTaken].
func (a *Admin) EnsureRole(ctx context.Context, role Role) (Role, bool, error) {
	var ensured Role
	var made bool
	err := a.change(ctx, attempt{method: "EnsureRole"}, a.workspace.engine.model.createProblems(role), func(c *change) (err error) {
		ensured, made, err = c.ensureRole(role)
		return err
	})
	if err != nil {
		return Role{}, false, err
	}
	return a.workspace.engine.model.shown(ensured), made, nil
}

// UpdateRole changes the name, description, permissions and list of a role to
// those given, and returns the role as it is then. Version must be the one that
// the caller read. Nil Permissions are [ErrInvalid], so that a client that sends
// only a name takes nothing away: an empty table is how to take everything. What
// is stored for an area that this program does not know stays, unless the area
// is given with no access.
//
// Errors: [ErrRoleNotFound], [ErrProtectedRole], [ErrConflict],
// [ErrEscalation], [ErrNameTaken].
func (a *Admin) UpdateRole(ctx context.Context, role Role) (Role, error) {
	var updated Role
	err := a.change(ctx, attempt{method: "UpdateRole", role: role.ID}, a.workspace.engine.model.updateProblems(role), func(c *change) (err error) {
		updated, err = c.save(role, c.updateRole)
		return err
	})
	if err != nil {
		return Role{}, err
	}
	return a.workspace.engine.model.shown(updated), nil
}

// DeleteRole deletes a role that nobody holds. See [Admin.ReplaceRole] for
// one that members hold.
//
// Errors: [ErrRoleNotFound], [ErrProtectedRole], [ErrEscalation],
// [ErrRoleInUse].
func (a *Admin) DeleteRole(ctx context.Context, id RoleID) error {
	var bad problems
	bad.check("id", idProblem(string(id)))
	return a.change(ctx, attempt{method: "DeleteRole", role: id}, bad, func(c *change) error {
		return c.deleteRole(id)
	})
}

// Add gives a role to those of the users who are not members yet. Who is one keeps
// their role, also the suspended, so that a sign-in, an invitation or an import
// demotes nobody. No users at all are [ErrInvalid].
//
// Errors: [ErrRoleNotFound], [ErrEscalation].
func (a *Admin) Add(ctx context.Context, role RoleID, users ...string) error {
	bad := userProblems("users", users)
	if len(users) == 0 {
		bad.add("users", "missing")
	}
	bad.check("role", idProblem(string(role)))
	return a.changeMembers(ctx, attempt{method: "Add", role: role, users: users}, bad, func(c *change) error {
		return c.add(role, users)
	})
}

// Assign gives a role to users: it adds those who are not members yet and
// changes the role of those who are. It keeps suspensions. Of several users, none
// may be an Administrator who would not be one any more; see [Admin.Add] for those
// who may be members already.
//
// Errors: [ErrRoleNotFound], [ErrSelf], [ErrAdministrator], [ErrEscalation],
// [ErrLastAdministrator].
func (a *Admin) Assign(ctx context.Context, role RoleID, users ...string) error {
	bad := userProblems("users", users)
	bad.check("role", idProblem(string(role)))
	return a.changeMembers(ctx, attempt{method: "Assign", role: role, users: users}, bad, func(c *change) error {
		return c.assign(role, users)
	})
}

// Suspend denies members everything until they are reinstated. They keep
// their role.
//
// Errors: [ErrMemberNotFound], [ErrSelf], [ErrEscalation],
// [ErrLastAdministrator].
func (a *Admin) Suspend(ctx context.Context, users ...string) error {
	return a.changeMembers(ctx, attempt{method: "Suspend", users: users}, userProblems("users", users), func(c *change) error {
		return c.suspend(users, true)
	})
}

// Reinstate ends the suspension of members.
//
// Errors: [ErrMemberNotFound], [ErrSelf], [ErrEscalation].
func (a *Admin) Reinstate(ctx context.Context, users ...string) error {
	return a.changeMembers(ctx, attempt{method: "Reinstate", users: users}, userProblems("users", users), func(c *change) error {
		return c.suspend(users, false)
	})
}

// Remove ends memberships. A user who is added again inherits nothing.
//
// Errors: [ErrMemberNotFound], [ErrSelf], [ErrEscalation],
// [ErrLastAdministrator].
func (a *Admin) Remove(ctx context.Context, users ...string) error {
	return a.changeMembers(ctx, attempt{method: "Remove", users: users}, userProblems("users", users), func(c *change) error {
		return c.remove(users)
	})
}

// Rename gives a member another user id: that of a new identity provider, or
// of the account into which two were merged. They keep their role, team and
// suspension, and [Workspace.History] their history. Records that the
// application keeps by the old id are the application's to change. The new id
// comes into the member's team, for which it takes what SetTeam takes.
//
// Errors: [ErrMemberNotFound], [ErrMemberExists], [ErrSelf],
// [ErrEscalation].
func (a *Admin) Rename(ctx context.Context, from, to string) error {
	var bad problems
	bad.check("from", idProblem(from))
	bad.check("to", idProblem(to))
	return a.changeMembers(ctx, attempt{method: "Rename", users: []string{from, to}}, bad, func(c *change) error {
		return c.rename(from, strings.Clone(to))
	})
}

// SetTeam puts members into a team, out of the one in which they were: an id of the
// application's, as those of users. The empty id takes them out of theirs.
// Without [WithTeams] it is [ErrInvalid].
//
// Errors: [ErrMemberNotFound], [ErrSelf], [ErrEscalation].
func (a *Admin) SetTeam(ctx context.Context, team string, users ...string) error {
	bad := userProblems("users", users)
	if !a.workspace.engine.model.teams {
		bad.add("team", "has no meaning here: this program has no teams")
	} else if team != "" {
		bad.check("team", idProblem(team))
	}
	return a.changeMembers(ctx, attempt{method: "SetTeam", users: users}, bad, func(c *change) error {
		return c.setTeam(team, users)
	})
}

// ReplaceRole gives every holder of one role another, suspended ones too, so
// that the old role can be deleted. The old role may be one that does not
// exist any more; then it takes an Administrator or the application.
//
// Errors: [ErrRoleNotFound], [ErrSelf], [ErrEscalation],
// [ErrLastAdministrator].
func (a *Admin) ReplaceRole(ctx context.Context, old, with RoleID) error {
	var bad problems
	bad.check("old", idProblem(string(old)))
	bad.check("with", idProblem(string(with)))
	return a.changeMembers(ctx, attempt{method: "ReplaceRole", role: old}, bad, func(c *change) error {
		return c.replaceRole(old, with)
	})
}

// SetUp fills a workspace that was never written: it creates the roles and makes
// the users its first Administrators. It reports false, having done nothing, if the
// workspace was ever written: any number of programs may do it whenever they start.
// In a list, the name of an earlier one of the roles stands for its id. No
// administrators at all are [ErrInvalid]. It is for [Workspace.System]: nobody is a
// member of a workspace that was never written.
//
// Errors: those of [Admin.CreateRole].
func (a *Admin) SetUp(ctx context.Context, roles []Role, administrators ...string) (bool, error) {
	bad := userProblems("administrators", administrators)
	if len(administrators) == 0 {
		bad.add("administrators", "missing")
	}
	for i, role := range roles {
		for _, problem := range a.workspace.engine.model.createProblems(role) {
			bad.add(indexed("roles", i)+"."+problem.Field, problem.Problem)
		}
	}
	var made bool
	err := a.change(ctx, attempt{method: "SetUp", users: administrators}, bad, func(c *change) error {
		err := c.setUp(roles, administrators)
		made = len(c.recorded()) > 0
		return err
	})
	return made && err == nil, err
}

// attempt is what a method of Admin was asked to do.
type attempt struct {
	method string
	role   RoleID
	users  []string

	delegable bool // a delegate may do it, too
}

// changeMembers is change for what a delegate may do, too (D2).
func (a *Admin) changeMembers(ctx context.Context, what attempt, bad problems, apply func(*change) error) error {
	what.delegable = true
	return a.change(ctx, what, bad, apply)
}

// change runs one administrative change, and tells of its refusal.
func (a *Admin) change(ctx context.Context, what attempt, bad problems, apply func(*change) error) error {
	err := a.try(ctx, what, bad, apply)
	a.tellRefusal(ctx, what, err)
	return err
}

// tellRefusal tells the observer if err is that of a rule. Nobody hears of a
// preview.
func (a *Admin) tellRefusal(ctx context.Context, what attempt, err error) {
	e, rule := a.workspace.engine, ruleOf(err)
	if rule == nil || a.preview != nil {
		return
	}
	e.counts.refused.Add(1)
	if e.refusals == nil {
		return
	}
	e.tell(ctx, func() {
		e.refusals(ctx, Refusal{
			Workspace: a.workspace.ID(), Actor: a.actor, System: a.system,
			Method: what.method, Role: what.role, Users: slices.Clone(some(what.users)),
			Rule: rule, Err: err,
		})
	})
}

// Refusal is an administrative change that a rule refused. What the caller
// passed is in it as it was passed, malformed and over-long ids too: bound and
// quote what goes into a log.
type Refusal struct {
	Workspace string
	Actor     string   // the user behind As; empty for System
	System    bool     // the application acted
	Method    string   // of Admin: "Assign"
	Role      RoleID   // that was passed, if one was
	Users     []string // that were passed, at most ten
	Rule      error    // such as ErrEscalation
	Err       error    // what the method returned
}

// try is change: input that is malformed is refused first (A13), then
// everything else happens in one transaction (A11, A12).
func (a *Admin) try(ctx context.Context, what attempt, bad problems, apply func(*change) error) error {
	if err := a.validate(bad); err != nil {
		return err
	}
	w, store := a.workspace, a.store()
	if w.engine.ctx.Err() != nil {
		return ErrClosed
	}
	var c *change
	transaction := func() error {
		c = nil
		var ours error // kept, whatever the store makes of it
		err := safely(func() error {
			return store.Update(ctx, w.replica.id, func(tx Tx) error {
				c = a.begin(tx)
				c.delegable = what.delegable
				ours = c.run(apply, tx)
				return ours
			})
		})
		switch {
		case err == nil && c == nil:
			return errNoTransaction
		case err == nil:
			return ours
		}
		return err
	}
	if a.in != nil {
		// The caller's transaction is not ours to run again, and what it
		// wrote is not to be served before it is committed.
		err := transaction()
		if a.in.outcome != nil {
			a.in.outcome.note(c, err)
		}
		return err
	}
	err := retry(ctx, transaction)
	switch {
	case err == nil && c.cleared:
		w.replica.deleted()
	case err == nil:
		w.replica.committed(ctx, c.base, c.recorded(), c.began)
	case err != nil && (c != nil && c.flushed || errors.Is(err, ErrOutcomeUnknown)):
		// The rules let it pass and it was written: whatever the store says,
		// its commit may have been made. Or the store says so.
		w.replica.doubt(ctx)
	}
	return err
}

var errNoTransaction = errors.New("rbac: the store did not call the function it was given")

func (a *Admin) store() Store {
	if a.in != nil {
		return a.in.store
	}
	return a.workspace.engine.store
}

// validate completes what is wrong with an input by what is wrong with the
// Admin itself.
func (a *Admin) validate(bad problems) error {
	bad.check("workspace", a.workspace.replica.idProblem())
	if a.system || a.reason != "" {
		bad.check("reason", reasonProblem(a.reason))
	}
	bad.check("via", textProblem(a.via, maxVia))
	return bad.err()
}

func (a *Admin) begin(r Reader) *change {
	e := a.workspace.engine
	return &change{
		admin:   a,
		reading: reading{Reader: r, model: e.model},
		began:   time.Now(),
		now:     e.now().UTC().Truncate(time.Microsecond),
		user:    strings.Clone(a.actor),
		reason:  strings.Clone(a.reason),
		via:     strings.Clone(a.via),
	}
}

func userProblems(field string, users []string) problems {
	var bad problems
	for i, user := range users {
		if problem := idProblem(user); problem != "" {
			bad.add(indexed(field, i), problem)
		}
	}
	return bad
}

// distinct returns users without repetitions, in byte order. The ids are
// copies: what keeps them does not keep the request that they were cut from.
func distinct(users []string) []string {
	sorted := slices.Clone(users)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	for i, user := range sorted {
		sorted[i] = strings.Clone(user)
	}
	return sorted
}

// newRoleID returns an id that was never used before: 128 random bits.
func newRoleID() RoleID {
	return RoleID(strings.ToLower(rand.Text()))
}
