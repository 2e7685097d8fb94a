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

// memberToast tells of the newest change that the reader made of a member, and how
// many others it was about.
func (q *request) memberToast(user string) *toast {
	mine := rbac.EventQuery{User: user, Actor: q.subject.User(), Newest: true, Limit: 1}
	for e, err := range q.workspace.Events(q.ctx, mine) {
		if err != nil || time.Since(e.Time) > toastFor {
			return nil // what was done is done, whether it is told or not
		}
		t := &toast{Text: q.sayer(e).sentence(record{Event: e})}
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
