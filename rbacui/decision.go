package rbacui

import (
	"html/template"

	"github.com/areagate/rbac"
)

// does is an action in an area, in a sentence: "manage deals".
func (q *request) does(info rbac.AreaInfo, action rbac.Action) template.HTML {
	if action == rbac.Manage {
		return q.th("manage %s", bdi(q.noun(info)))
	}
	return q.th("read %s", bdi(q.noun(info)))
}

// because says whether somebody may do something, and why: one function says it
// everywhere.
func (q *request) because(d rbac.Decision) template.HTML {
	does, may := q.does(q.info(d.Area), d.Action), template.HTML("")
	switch d.Scope {
	case rbac.All:
		may = q.th("May %s", does)
	case rbac.Team:
		may = q.th("May %s of their team, and no others", does)
	case rbac.Own:
		may = q.th("May %s of their own, and no others", does)
	default:
		may = q.th("May not %s", does)
	}
	return q.th("%s: %s", "<b>"+may+"</b>", q.reason(d))
}

func (q *request) reason(d rbac.Decision) template.HTML {
	switch d.Reason {
	case rbac.ReasonGranted, rbac.ReasonTeamOnly, rbac.ReasonOwnOnly, rbac.ReasonNotGranted:
		return q.th("the role %s says %s there.", strong(d.RoleName), q.scope(d.Scope).Word)
	case rbac.ReasonSuspended:
		return q.th("who is suspended may do nothing, whatever the role says.")
	case rbac.ReasonRoleGone:
		return q.th("the role does not exist any more, or cannot be read.")
	case rbac.ReasonNotMember:
		return q.th("not a member.")
	case rbac.ReasonNoSuchAction:
		return q.th("there is nothing like that to do in this area.")
	}
	return q.th("no safe answer is available.")
}
