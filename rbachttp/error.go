package rbachttp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/areagate/rbac"
)

// WriteError answers with an error of package rbac, as a problem in which
// nothing internal is. docs/http.md has the table of errors and statuses. An
// error that is none of package rbac's is 500, and only the log has its text.
//
// The exceptions are what decoding a request's body as JSON returns, which is
// 400, and the error of an [http.MaxBytesReader], which is 413. So do not give
// it such an error of JSON that does not come from the client. io.EOF and
// io.ErrUnexpectedEOF count only if they are not wrapped: connections end with
// them, too.
//
// Do not use it after the handler has begun to answer.
func (g *Guard) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	p := g.problemOf(err)
	level := slog.LevelDebug // the caller's own mistake
	switch {
	case clientGone(r):
	case p.Status >= 500:
		level = slog.LevelError
	case p.Status == http.StatusForbidden:
		level = slog.LevelInfo
	}
	var attrs []slog.Attr
	if s, ok := rbac.FromContext(r.Context()); ok {
		attrs = append(attrs, slog.String("user", s.User()), slog.String("workspace", s.Workspace()))
	}
	g.options.log(r, level, "rbachttp: answered with an error", append(attrs, slog.Int("status", p.Status), slog.Any("error", err))...)
	g.WriteProblem(w, r, p)
}

// refusals are the errors that have one answer, in the order in which they
// are tried. The first ones wrap a cause that may be one of the others.
var refusals = []struct {
	err error
	Problem
}{
	{rbac.ErrOutcomeUnknown, Problem{Status: http.StatusInternalServerError, Code: "outcome-unknown", Detail: "It is not known whether the change was made. Look before trying again."}},
	{rbac.ErrUnavailable, problemUnavailable},
	{rbac.ErrContention, problemUnavailable},
	{rbac.ErrClosed, problemUnavailable},
	{rbac.ErrMalformed, problemInternal},
	{rbac.ErrTooManyRoles, Problem{Status: http.StatusConflict, Code: "too-many-roles", Detail: "The workspace has as many roles as it can have."}},
	{rbac.ErrRoleNotFound, Problem{Status: http.StatusNotFound, Code: "role-not-found", Detail: "There is no such role."}},
	{rbac.ErrMemberNotFound, Problem{Status: http.StatusNotFound, Code: "member-not-found", Detail: "There is no such member."}},
	{rbac.ErrMemberExists, Problem{Status: http.StatusConflict, Code: "member-exists", Detail: "The user is a member already."}},
	{rbac.ErrProtectedRole, Problem{Status: http.StatusConflict, Code: "protected-role", Detail: "System roles cannot be changed, and no list has a role that administers."}},
	{rbac.ErrSelf, Problem{Status: http.StatusConflict, Code: "self", Detail: "Nobody changes their own membership."}},
	{rbac.ErrAdministrator, Problem{Status: http.StatusConflict, Code: "administrator", Detail: "Among several members no administrator gets another role. Change theirs alone."}},
	{rbac.ErrConflict, Problem{Status: http.StatusConflict, Code: "conflict", Detail: "The role was changed in the meantime."}},
	{rbac.ErrNameTaken, Problem{Status: http.StatusConflict, Code: "name-taken", Detail: "Another role has this name."}},
	{rbac.ErrRoleInUse, Problem{Status: http.StatusConflict, Code: "role-in-use", Detail: "Members hold this role, or another role lists it."}},
	{rbac.ErrLastAdministrator, Problem{Status: http.StatusConflict, Code: "last-administrator", Detail: "The last active administrator must stay."}},
	{context.Canceled, problemUnavailable},
	{context.DeadlineExceeded, problemUnavailable},
}

func (g *Guard) problemOf(err error) Problem {
	for _, refusal := range refusals {
		if errors.Is(err, refusal.err) {
			p := refusal.Problem
			var refused *rbac.RefusalError
			if errors.As(err, &refused) && g.options.missing {
				p.Roles = refused.Roles
			}
			return p
		}
	}
	var invalid *rbac.ValidationError
	var denied *rbac.DeniedError
	var escalation *rbac.EscalationError
	var tooLarge *http.MaxBytesError
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &invalid):
		return Problem{Status: http.StatusUnprocessableEntity, Code: "invalid", Fields: invalid.Fields}
	case errors.As(err, &escalation):
		p := Problem{Status: http.StatusForbidden, Code: "escalation", Detail: "This needs permissions that the caller does not hold."}
		if g.options.missing {
			p.Roles = escalation.Roles
			if len(escalation.Missing) > 0 { // no permission is enough for a role that is not known
				p.Missing = []rbac.Permissions{escalation.Missing}
			}
		}
		return p
	case errors.As(err, &denied):
		p := problemDenied
		d := denied.Decision
		if exists := d.Action == rbac.Read || d.Action == rbac.Manage; exists && d.Reason != rbac.ReasonNoSuchAction && g.options.missing {
			p.Missing = []rbac.Permissions{grant(d.Area, d.Action, rbac.All)}
		}
		return p
	case errors.Is(err, rbac.ErrInvalid):
		return Problem{Status: http.StatusUnprocessableEntity, Code: "invalid"}
	case errors.Is(err, rbac.ErrDenied):
		return problemDenied
	case errors.Is(err, rbac.ErrEscalation):
		return Problem{Status: http.StatusForbidden, Code: "escalation", Detail: "This needs permissions that the caller does not hold."}
	case errors.As(err, &tooLarge):
		return Problem{Status: http.StatusRequestEntityTooLarge, Code: "too-large", Detail: "The body is too large."}
	case errors.As(err, &syntax), errors.As(err, &kind), err == io.EOF, err == io.ErrUnexpectedEOF:
		return problemMalformed
	}
	return problemInternal
}
