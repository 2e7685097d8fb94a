package rbacui

import (
	"errors"
	"html/template"
	"slices"
	"strconv"
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

type historyRow struct {
	Said, When template.HTML
	Reason     string
	Restore    string
}

const shownHistory = 20

// memberHistory fills in since when and by whom the role is held, and what was
// changed, for those who read the record.
func (q *request) memberHistory(d *memberData, desk desk, member rbac.Member) error {
	events, more, err := q.history(d.Person.User)
	if err != nil {
		return err
	}
	d.Audit = q.mayAudit()
	s := q.sayer(events...)
	s.roles, s.page = desk.names, d.Person.User
	if d.Member {
		d.Came = s.came(desk, member, events)
	}
	if !d.Audit {
		return nil
	}
	if more || len(events) > shownHistory {
		d.All = link("audit", "user", d.Person.User)
	}
	for _, e := range events[:min(len(events), shownHistory)] {
		row := historyRow{Said: s.sentence(record{Event: e}), When: q.date(e.Time), Reason: e.Reason}
		if d.May && restorable(e) && differs(e.MemberBefore, member) {
			row.Restore = link("members-change", "user", d.Person.User, "restore", strconv.FormatInt(e.Seq, 10), "back", "1")
		}
		d.History = append(d.History, row)
	}
	return nil
}

// differs reports whether somebody was something else before an event than now.
func differs(was *rbac.Member, now rbac.Member) bool {
	if was == nil {
		return now.User != ""
	}
	return was.Role != now.Role || was.Suspended != now.Suspended || was.Team != now.Team
}

// came says through which role somebody can do what they can, since when, and who
// gave it: the last to those who read the record only.
func (s *sayer) came(desk desk, member rbac.Member, events []rbac.Event) template.HTML {
	role := strong(s.roleName(desk, member.Role))
	if to := desk.link(member.Role); to != "" {
		role = anchor(to, role)
	}
	one := s.th("There are no exceptions for single people.")
	at := slices.IndexFunc(events, func(e rbac.Event) bool { return e.Kind == rbac.MemberAssigned })
	switch {
	case member.RoleName == "":
		return s.th("The role that they had does not exist any more, so nothing is allowed until they get another.")
	case at < 0:
		return s.th("All of it comes from one place: the role %s.", role) + " " + one
	case !s.mayAudit():
		return s.th("All of it comes from one place: the role %s, held since %s.", role, s.date(events[at].Time)) + " " + one
	case events[at].Actor == "":
		return s.th("All of it comes from one place: the role %s, held since %s and given by the application (%s).", role, s.date(events[at].Time), bdi(events[at].Reason)) + " " + one
	}
	return s.th("All of it comes from one place: the role %s, held since %s and given by %s.", role, s.date(events[at].Time), s.known[events[at].Actor].HTML()) + " " + one
}

// restoring returns the change that makes a member what they were before an event,
// if the address names one of theirs, with what says so. The rules are those of any
// change.
func (q *request) restoring(c memberChange) (memberChange, template.HTML, error) {
	seq, bad := strconv.ParseInt(q.value("restore"), 10, 64)
	if bad != nil || len(c.Users) != 1 || !q.mayAudit() {
		return c, "", nil
	}
	now, err := q.workspace.Member(q.ctx, c.Users[0])
	isMember := err == nil
	if err != nil && !errors.Is(err, rbac.ErrMemberNotFound) {
		return c, "", err
	}
	events, _, err := q.history(c.Users[0])
	if err != nil {
		return c, "", err
	}
	i := slices.IndexFunc(events, func(e rbac.Event) bool { return e.Seq == seq })
	if i < 0 || !restorable(events[i]) {
		return c, "", nil
	}
	was := events[i].MemberBefore
	switch {
	case was == nil:
		c.Remove = isMember
	case !isMember:
		c.Admit, c.Role = true, was.Role
		c.Move, c.Team = move("", was.Team)
		if was.Suspended {
			c.State = "suspended"
		}
	default:
		if was.Role != now.Role {
			c.Role = was.Role
		}
		c.Move, c.Team = move(now.Team, was.Team)
		if was.Suspended != now.Suspended {
			c.State = map[bool]string{true: "suspended", false: "active"}[was.Suspended]
		}
	}
	if !q.teams {
		c.Move, c.Team = "", ""
	}
	return c, q.th("This is what was before the change of %s. Nothing is saved yet: look at the plan first.", q.date(events[i].Time)), nil
}

// move returns how one comes from one team to another.
func move(from, to string) (move, team string) {
	switch {
	case from == to:
		return "", ""
	case to == "":
		return "out", ""
	}
	return "to", to
}

// restorable reports whether an event changed what can be restored: an id stays.
func restorable(e rbac.Event) bool { return e.Kind != rbac.MemberRenamed }

// memberToast tells of the newest change that the reader made of a member, and how
// many others it was about.
func (q *request) memberToast(user string) *toast {
	e, found, err := q.event(rbac.EventQuery{User: user, Actor: q.subject.User(), Newest: true})
	if err != nil || !found || time.Since(e.Time) > toastFor {
		return nil // what was done is done, whether it is told or not
	}
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
	t := &toast{Text: q.sayer(e).sentence(record{Event: e})}
	if n > 1 {
		t.Text = q.th("%s And %s more with it.", t.Text, template.HTML(template.HTMLEscapeString(q.countPeople(n-1))))
	}
	if q.mayAudit() {
		t.Link = link("audit", "user", user)
	}
	return t
}
