package rbacui

import (
	"errors"
	"html/template"

	"github.com/areagate/rbac"
)

// refusals says of members with which error Authorize would refuse to act on each,
// by one reading of the store. It depends on the role, and on who asks.
func (q *request) refusals(members []rbac.Member) (map[string]error, error) {
	refused, byRole := map[string]error{}, map[rbac.RoleID]error{}
	_, err := q.admin().Preview(q.ctx, func(a *rbac.Admin) error {
		for _, member := range members {
			self := member.User == q.subject.User()
			err, known := byRole[member.Role]
			if self || !known {
				if err = a.Authorize(q.ctx, member.User); err != nil && !refuses(err) {
					return err
				}
			}
			if !self && !errors.Is(err, rbac.ErrMemberNotFound) {
				byRole[member.Role] = err
			}
			if err != nil {
				refused[member.User] = err
			}
		}
		return nil
	})
	return refused, err
}

// refuses reports whether an error is that of a rule.
func refuses(err error) bool {
	var escalation *rbac.EscalationError
	var refused *rbac.RefusalError
	return errors.As(err, &escalation) || errors.As(err, &refused) || errors.Is(err, rbac.ErrDenied) || errors.Is(err, rbac.ErrInvalid)
}

// whyOff says in one sentence why one may not act on a member.
func (q *request) whyOff(err error) template.HTML {
	var escalation *rbac.EscalationError
	switch {
	case errors.Is(err, rbac.ErrSelf):
		return q.th("This is you. Nobody changes their own membership.")
	case errors.Is(err, rbac.ErrMemberNotFound):
		return q.th("No member any more.")
	case !errors.As(err, &escalation):
		return q.th("Your own role does not do this.")
	case !q.manages():
		return q.th("Holds a role that is not among those that you may give.")
	}
	if names := q.lacking(escalation); names != "" {
		return q.th("Holds more than you: %s.", names)
	}
	return q.th("Holds rights that only an administrator judges.")
}

// lacking names the areas in which whoever asks holds less than a change takes.
func (q *request) lacking(err *rbac.EscalationError) template.HTML {
	var names []template.HTML
	for _, info := range q.areas {
		if _, missing := err.Missing[info.Area]; missing {
			names = append(names, bdi(info.Label))
		}
	}
	return q.some(names, areasNamed)
}

// tried returns why a rule refused a change of members that was tried, or the error
// if no rule gave it.
func (q *request) tried(err error) (refusal, error) {
	if !refuses(err) {
		return refusal{}, err
	}
	roles, failed := q.workspace.Roles(q.ctx)
	return q.memberRefusal(err, roles...), failed
}

// errSharing is the refusal of a move into a team.
type errSharing struct{ error }

func (e errSharing) Unwrap() error { return e.error }

// memberRefusal is refusal for a change of members: who holds more than whoever asks
// is named, with what that is.
func (q *request) memberRefusal(err error, roles ...rbac.Role) refusal {
	var escalation *rbac.EscalationError
	var sharing errSharing
	switch {
	case !errors.As(err, &escalation):
		return q.refusal(err, roles...)
	case errors.As(err, &sharing) && q.lacking(escalation) != "":
		return refusal{q.t("Refused: nobody shares more than they see."), []problem{{
			Say: q.th("Whoever comes into a team sees its records, and the team theirs. To decide that, one needs all of what the roles there reach of a team, and your own role lacks %s.", q.lacking(escalation)),
		}}}
	case escalation.User == "" && !q.manages():
		return refusal{q.t("Refused: nobody gives a role that is not theirs to give."), []problem{{Say: q.th("This one is not among the roles that you may give.")}}}
	case escalation.User == "":
		return q.refusal(err, roles...)
	}
	return refusal{q.t("Refused: nobody changes people who hold more."), []problem{{
		Say: q.th("%s: %s Somebody who holds all of that can do it.", q.names([]string{escalation.User}), q.whyOff(err)),
	}}}
}
