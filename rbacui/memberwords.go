package rbacui

import (
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/areagate/rbac"
)

// mostHistory bounds the events of a member that a page reads.
const mostHistory = 100

// history returns the newest events of a member, and whether there are more.
func (q *request) history(user string) (events []rbac.Event, more bool, err error) {
	for e, err := range q.workspace.History(q.ctx, user) {
		if errors.Is(err, rbac.ErrMalformed) {
			return events, true, nil // the page of the audit record tells of it
		}
		if err != nil {
			return nil, false, err
		}
		if len(events) == mostHistory {
			return events, true, nil
		}
		events = append(events, e)
	}
	return events, false, nil
}

// naming returns how the people in events are called, by id: asked for at once.
func (q *request) naming(events ...rbac.Event) map[string]template.HTML {
	names := map[string]template.HTML{}
	var users []string
	note := func(user string) {
		if _, known := names[user]; !known && user != "" {
			names[user] = ""
			users = append(users, user)
		}
	}
	for _, e := range events {
		note(e.Actor)
		for _, m := range []*rbac.Member{e.MemberBefore, e.MemberAfter} {
			if m != nil {
				note(m.User)
			}
		}
	}
	for _, p := range q.people(users...) {
		names[p.User] = p.HTML()
	}
	return names
}

// said is an event of a member as a sentence: one function makes all of them.
func (q *request) said(e rbac.Event, names map[string]template.HTML) template.HTML {
	actor := q.th("The application")
	if e.Actor != "" {
		actor = names[e.Actor]
	}
	actor = "<b>" + actor + "</b>"
	before, after := e.MemberBefore, e.MemberAfter
	if before == nil {
		before = &rbac.Member{}
	}
	if after == nil {
		after = &rbac.Member{}
	}
	who := names[after.User]
	if after.User == "" {
		who = names[before.User]
	}
	switch e.Kind {
	case rbac.MemberAssigned:
		if e.MemberBefore == nil {
			return q.th("%s admitted %s as %s.", actor, who, q.held(after))
		}
		return q.th("%s gave %s the role %s, before: %s.", actor, who, q.held(after), q.held(before))
	case rbac.MemberRemoved:
		return q.th("%s removed %s, before: %s.", actor, who, q.held(before))
	case rbac.MemberSuspended:
		return q.th("%s suspended %s.", actor, who)
	case rbac.MemberReinstated:
		return q.th("%s reinstated %s.", actor, who)
	case rbac.MemberMoved:
		switch {
		case after.Team == "":
			return q.th("%s took %s out of the team %s.", actor, who, strong(before.Team))
		case before.Team == "":
			return q.th("%s moved %s into the team %s.", actor, who, strong(after.Team))
		}
		return q.th("%s moved %s into the team %s, before: %s.", actor, who, strong(after.Team), bdi(before.Team))
	case rbac.MemberRenamed:
		return q.th("%s gave %s another id: %s, before: %s.", actor, who, strong(after.User), bdi(before.User))
	}
	return q.th("%s changed %s.", actor, who)
}

// held is the role of a member in an event, as it was called then.
func (q *request) held(m *rbac.Member) template.HTML {
	if m.RoleName == "" {
		return strong(string(m.Role))
	}
	return strong(m.RoleName)
}

// memberToast tells of the newest change that the reader made of a member, and how
// many others it was about.
func (q *request) memberToast(user string) *toast {
	mine := rbac.EventQuery{User: user, Actor: q.subject.User(), Newest: true, Limit: 1}
	for e, err := range q.workspace.Events(q.ctx, mine) {
		if err != nil || time.Since(e.Time) > toastFor {
			return nil // what was done is done, whether it is told or not
		}
		t := &toast{Text: q.said(e, q.naming(e))}
		same := rbac.EventQuery{
			Actor: e.Actor, Kinds: []rbac.EventKind{e.Kind}, Since: e.Time, Until: e.Time.Add(time.Microsecond), Limit: mostChosen,
		}
		n := 0
		for _, err := range q.workspace.Events(q.ctx, same) {
			if err != nil {
				return nil
			}
			n++
		}
		if n > 1 {
			t.Text = q.th("%s And %s more with it.", t.Text, template.HTML(template.HTMLEscapeString(q.countPeople(n-1))))
		}
		if q.pages["audit"] != nil && q.mayAudit() {
			t.Link = link("audit", "user", user)
		}
		return t
	}
	return nil
}

// explained says why somebody may do something, or why not.
func (q *request) explained(d rbac.Decision) template.HTML {
	role, scope := strong(d.RoleName), q.scope(d.Scope).Word
	switch d.Reason {
	case rbac.ReasonGranted:
		return q.th("Yes: the role %s says %s there.", role, scope)
	case rbac.ReasonTeamOnly:
		return q.th("In part, for records of their team: the role %s says %s there.", role, scope)
	case rbac.ReasonOwnOnly:
		return q.th("In part, for records of their own: the role %s says %s there.", role, scope)
	case rbac.ReasonNotGranted:
		return q.th("No: the role %s says %s there.", role, scope)
	case rbac.ReasonSuspended:
		return q.th("No: who is suspended may do nothing, whatever the role says.")
	case rbac.ReasonRoleGone:
		return q.th("No: the role does not exist any more.")
	case rbac.ReasonNotMember:
		return q.th("No: this is no member.")
	}
	return q.th("No: there is nothing like that to do in this area.")
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

// noPerson says that somebody is no member whom the reader sees.
func (q *request) noPerson() error {
	q.state(http.StatusNotFound, state{
		title: title{Title: q.t("This person is no member")}, Icon: "no",
		Say:     []any{q.t("Or not one whom you see here. Somebody may have removed them, or the address was never right.")},
		Actions: []action{{q.t("Members"), "members", true}},
	})
	return nil
}
