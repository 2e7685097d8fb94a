package rbac

import (
	"errors"
	"fmt"
	"strings"
)

// Checks.
var (
	// ErrDenied is returned, as a *[DeniedError], when somebody may not do
	// what they ask to do. It is an answer, not a failure.
	ErrDenied = errors.New("rbac: denied")

	// ErrUnavailable is returned when no safe answer exists: the workspace
	// cannot be loaded, or its data could not be confirmed within the maximum
	// staleness. It wraps its cause. Treat it as a refusal for now.
	ErrUnavailable = errors.New("rbac: no safe answer is available")

	// ErrClosed is returned after [Authorizer.Close]; from checks it comes
	// wrapped in ErrUnavailable.
	ErrClosed = errors.New("rbac: the authorizer is closed")
)

// Administration. When several rules refuse a change, the first in this order
// answers: ErrInvalid, ErrDenied, ErrTooManyRoles, not found, ErrMemberExists, ErrProtectedRole, ErrSelf,
// ErrAdministrator, ErrConflict, ErrEscalation, ErrNameTaken, ErrRoleInUse,
// ErrLastAdministrator. All but the first two and ErrEscalation come as a
// *[RefusalError].
var (
	// ErrInvalid is returned, as a *[ValidationError], when input is
	// malformed.
	ErrInvalid = errors.New("rbac: invalid input")

	// ErrTooManyRoles is returned when a role would be created in a workspace
	// that has 1,000 of its own.
	ErrTooManyRoles = errors.New("rbac: too many roles")

	// ErrRoleNotFound is returned when a role does not exist.
	ErrRoleNotFound = errors.New("rbac: role not found")

	// ErrMemberNotFound is returned when a user is not a member.
	ErrMemberNotFound = errors.New("rbac: member not found")

	// ErrMemberExists is returned when a member would get the id of another.
	ErrMemberExists = errors.New("rbac: the user is a member already")

	// ErrProtectedRole is returned when a change would create, edit, delete
	// or shadow by name a system role, or put a role that administers into a
	// list.
	ErrProtectedRole = errors.New("rbac: system roles are protected")

	// ErrSelf is returned when a member would change their own membership.
	ErrSelf = errors.New("rbac: nobody changes their own membership")

	// ErrAdministrator is returned when an assignment of several users would take
	// the role Administrator from one of them. Alone, one is demoted on purpose.
	ErrAdministrator = errors.New("rbac: an assignment of several users demotes no administrator")

	// ErrConflict is returned when a role was edited since the caller read it.
	ErrConflict = errors.New("rbac: the role was changed in the meantime")

	// ErrEscalation is returned, as an *[EscalationError], when a change
	// would grant, or touch somebody who holds, more than its author holds.
	ErrEscalation = errors.New("rbac: more than the actor holds")

	// ErrNameTaken is returned when another role has the same name after
	// trimming, Unicode normalisation and case folding.
	ErrNameTaken = errors.New("rbac: role name is taken")

	// ErrRoleInUse is returned when a role that members hold, or that is in the
	// list of another role, would be deleted.
	ErrRoleInUse = errors.New("rbac: role is in use")

	// ErrLastAdministrator is returned when a change would leave a workspace
	// without an active administrator.
	ErrLastAdministrator = errors.New("rbac: the last active administrator must stay")
)

// rules are the errors with which a change is refused, in the order in which
// they answer (A13), and what they are called in JSON.
var rules = []struct {
	err  error
	name string
}{
	{ErrInvalid, "invalid"},
	{ErrDenied, "denied"},
	{ErrTooManyRoles, "too-many-roles"},
	{ErrRoleNotFound, "role-not-found"},
	{ErrMemberNotFound, "member-not-found"},
	{ErrMemberExists, "member-exists"},
	{ErrProtectedRole, "protected-role"},
	{ErrSelf, "self"},
	{ErrAdministrator, "administrator"},
	{ErrConflict, "conflict"},
	{ErrEscalation, "escalation"},
	{ErrNameTaken, "name-taken"},
	{ErrRoleInUse, "role-in-use"},
	{ErrLastAdministrator, "last-administrator"},
}

// ruleOf returns the rule that refused a change, nil if it failed otherwise.
func ruleOf(err error) error {
	for _, rule := range rules {
		if errors.Is(err, rule.err) {
			return rule.err
		}
	}
	return nil
}

// Stores. A Store returns the first three; the library returns them on.
var (
	// ErrContention is returned by a [Store] whose transaction lost against
	// another one and left nothing behind: a serialization failure, a
	// deadlock, a busy database. The library runs the transaction again, a
	// bounded number of times, and then returns it.
	ErrContention = errors.New("rbac: the transaction lost against another")

	// ErrOutcomeUnknown is returned by a [Store] that lost contact while it
	// committed: the change may have been made or not. The library returns it
	// and reloads the workspace before the next check.
	ErrOutcomeUnknown = errors.New("rbac: the outcome of the change is unknown")

	// ErrMalformed is returned, as a *[MalformedError], for a stored row that
	// cannot be read as what it should be. It grants nothing.
	ErrMalformed = errors.New("rbac: malformed row in the store")

	// ErrTampered is returned, as a *[TamperedError], by
	// [Workspace.VerifyEvents] when events were edited or removed.
	ErrTampered = errors.New("rbac: the event chain is broken")
)

// DeniedError explains a denial. It is [ErrDenied]. Its text names the user
// and the role: log it, but do not send it to the client.
type DeniedError struct {
	Decision Decision
}

func (e *DeniedError) Error() string { return "rbac: denied: " + e.Decision.String() }
func (e *DeniedError) Unwrap() error { return ErrDenied }

// EscalationError says what the actor does not hold. It is [ErrEscalation].
type EscalationError struct {
	Actor string // who tried
	Role  RoleID // the first role that holds too much, or is not known; empty for one that does not exist yet
	User  string // the member who holds it, when the change was about a member

	// Missing is the scopes that the actor would need and does not hold, united
	// over everything that was refused: All where Team is given. Areas and scopes
	// without a meaning in this program are in it as they are stored, and only an
	// Administrator covers them.
	Missing Permissions

	// Roles are those that are not the actor's to give or take: in byte order. A
	// role that does not exist or cannot be read is anybody's guess: nobody but an
	// Administrator touches its holders, and nothing is missing because of it.
	Roles []RoleID
}

func (e *EscalationError) Error() string {
	if len(e.Missing) == 0 {
		what := "the role " + quote(string(e.Role)) + " is not known"
		switch {
		case e.User != "":
			what = "member " + quote(e.User) + " has the role " + quote(string(e.Role)) + ", which is not known"
		case len(e.Roles) > 0:
			what = quote(e.Actor) + " may not give " + quoteRoles(e.Roles)
		}
		return fmt.Sprintf("%v: %s: only an Administrator may change that", ErrEscalation, what)
	}
	what := "the role"
	if e.User != "" {
		what = "member " + quote(e.User)
	}
	return fmt.Sprintf("%v: %s has what %s does not hold: %s", ErrEscalation, what, quote(e.Actor), e.Missing)
}
func (e *EscalationError) Unwrap() error { return ErrEscalation }

// RefusalError is a change that a rule refused. It unwraps to the rule's
// error, one of [ErrTooManyRoles], [ErrRoleNotFound], [ErrMemberNotFound], [ErrMemberExists],
// [ErrProtectedRole], [ErrSelf], [ErrAdministrator], [ErrConflict], [ErrNameTaken], [ErrRoleInUse] and
// [ErrLastAdministrator].
type RefusalError struct {
	Rule     error    // the rule that refused
	Role     RoleID   // the role in the way, if there is one
	RoleName string   // its name
	Version  int64    // its stored version, with ErrConflict
	Users    []string // the members in the way, at most ten, in order
	Roles    []RoleID // the roles in the way whose lists have the role, likewise
}

func (e *RefusalError) Error() string {
	var b strings.Builder
	b.WriteString(e.Rule.Error())
	switch {
	case e.RoleName != "":
		fmt.Fprintf(&b, ": role %s", quote(e.RoleName))
	case e.Role != "":
		fmt.Fprintf(&b, ": role %s", quote(string(e.Role)))
	}
	if e.Version != 0 {
		fmt.Fprintf(&b, " is at version %d", e.Version)
	}
	for i, user := range e.Users {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(quote(user))
	}
	if len(e.Roles) > 0 {
		b.WriteString(": listed by role " + quoteRoles(e.Roles))
	}
	return b.String()
}
func (e *RefusalError) Unwrap() error { return e.Rule }

// ValidationError names every field of the input that is malformed. It is
// [ErrInvalid].
type ValidationError struct {
	Fields []FieldError
}

// FieldError is what is wrong with one field.
type FieldError struct {
	Field   string `json:"field"`   // "name", "users[2]", "permissions.contacts.read"; empty for the input as a whole
	Problem string `json:"problem"` // "is empty"
}

func (e *ValidationError) Error() string {
	var b strings.Builder
	b.WriteString(ErrInvalid.Error())
	for i, f := range e.Fields {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(f.String())
	}
	return b.String()
}
func (e *ValidationError) Unwrap() error { return ErrInvalid }

// String returns the field and its problem as one clause.
func (f FieldError) String() string {
	if f.Field == "" {
		return f.Problem
	}
	return f.Field + ": " + f.Problem
}

// MalformedError is a stored row that cannot be read. It is [ErrMalformed],
// and nothing else: what is wrong with a row is no fault of the caller's input.
type MalformedError struct {
	Kind string // "role", "member" or "event"
	ID   string // the role's or user's id or the event's number, as far as it can be read
	Err  error  // what is wrong with it
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("%v: %s %s: %v", ErrMalformed, e.Kind, quote(e.ID), e.Err)
}
func (e *MalformedError) Unwrap() error { return ErrMalformed }

// TamperedError is the first event that is not what was recorded. It is
// [ErrTampered].
type TamperedError struct {
	Seq     int64 // the first broken sequence number
	Problem string
}

func (e *TamperedError) Error() string {
	return fmt.Sprintf("%v: event %d %s", ErrTampered, e.Seq, e.Problem)
}
func (e *TamperedError) Unwrap() error { return ErrTampered }
