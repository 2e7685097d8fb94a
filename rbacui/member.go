package rbacui

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"

	"github.com/areagate/rbac"
)

var memberPage = page{segment: "member", template: "member.html", within: "members", needs: membersSeen, get: (*request).member, post: (*request).giveRole}

// memberData is what the page of one member shows, or of somebody to admit.
type memberData struct {
	title
	Person    named
	Member    bool
	Suspended bool
	Team      string
	RoleName  string
	Held      rbac.RoleID
	Came      template.HTML // the role, since when, by whom
	Sentence  string
	Assigns   template.HTML
	Rows      []memberArea
	Asked     asked
	Audit     bool // the history is shown
	History   []historyRow
	All       string // the whole history
	Off       template.HTML
	May       bool
	Plan      memberPlan
	Suspend   string
	Reinstate string
	Remove    string
	Action    string
	Tried     bool
	Refusal   refusal // of what was tried
}

type memberArea struct {
	Label, Own   string
	Read, Manage *scopeView
}

// asked is the question why, and its answer.
type asked struct {
	Areas  []areaOption
	Manage bool
	Answer template.HTML
}

type areaOption struct {
	ID, Label string
	Selected  bool
}

// memberPlan is what another role would change.
type memberPlan struct {
	Give       []giveOption
	CannotGive template.HTML
	Chosen     rbac.RoleID
	Name       string
	Sentence   string
	Diff       difference
	Suspended  bool
	Member     bool
	Refusal    refusal
}

// member shows a member: what they can do and why, what was changed, and what
// another role would change.
func (q *request) member() error { return q.showMember(rbac.RoleID(q.value("role")), refusal{}) }

// giveRole answers the form of another role: with its plan, or by giving it.
func (q *request) giveRole() error {
	user, role := q.value("user"), rbac.RoleID(q.posted("role"))
	if q.posted("do") != "save" {
		return q.showMember(role, refusal{})
	}
	// Who was removed while the form was open is not let in again by it.
	admit := q.posted("admit")
	member, err := q.workspace.Member(q.ctx, user)
	switch {
	case err != nil && !errors.Is(err, rbac.ErrMemberNotFound):
		return err
	case role == rbac.Administrator || member.Role == rbac.Administrator && role != "": // which is asked once more
		return q.redirect(link("members-change", "user", user, "role", string(role), "admit", admit, "back", "1"))
	case err == nil && q.r.PostForm.Has("held") && q.posted("held") != string(member.Role) && role != member.Role:
		return q.showMember(role, refusal{q.t("Refused: somebody else changed it in the meantime."), []problem{{
			Say: q.th("The role is another now: %s. Look at what this would change, and do it again if it is meant.", bdi(member.RoleName)),
		}}})
	case role == "":
		return q.showMember("", refusal{q.t("Nothing was changed."), []problem{{Say: q.th("Choose a role.")}}})
	}
	c := memberChange{Users: []string{user}, Role: role, Admit: admit != ""}
	err = q.together(func(a *rbac.Admin) error { return c.apply(q.ctx, a) })
	if err == nil || q.twice(c, err) {
		return q.redirect(link("member", "user", user, "done", user))
	}
	tried, err := q.tried(err)
	if err != nil {
		return err
	}
	return q.showMember(role, tried)
}

func (q *request) showMember(to rbac.RoleID, tried refusal) error {
	user := q.value("user")
	member, err := q.workspace.Member(q.ctx, user)
	isMember := err == nil
	if err != nil && !errors.Is(err, rbac.ErrMemberNotFound) {
		if errors.Is(err, rbac.ErrInvalid) {
			return q.noPerson()
		}
		return err
	}
	desk, err := q.desk(user)
	if err != nil {
		return err
	}
	if !isMember || !desk.all { // which needs what may be given to anybody
		all, err := q.desk()
		if err != nil {
			return err
		}
		if isMember && !all.sees(member.Role) || !isMember && len(all.given()) == 0 {
			return q.noPerson()
		}
	}
	d := memberData{
		Person: q.people(user)[0], Member: isMember, Suspended: member.Suspended, Team: visible(member.Team), RoleName: member.RoleName, Held: member.Role,
		Action: link("member", "user", user), Tried: tried.Rule != "", Refusal: tried,
	}
	d.Title = d.Person.Shown()
	role := desk.role(member.Role)
	if isMember {
		d.Sentence = q.words(role.Permissions, 0).Sentence
		d.Rows = q.memberAreas(role)
		if len(role.Assigns) > 0 {
			d.Assigns = q.assigned(role, desk.roles)
		}
		off, err := q.refusals([]rbac.Member{member})
		if err != nil {
			return err
		}
		if err := off[user]; err != nil {
			d.Off = q.whyOff(err)
		}
		if d.Asked, err = q.answerWhy(desk, user, role); err != nil {
			return err
		}
	}
	if d.May = d.Off == ""; d.May && isMember {
		d.Remove = link("members-change", "user", user, "remove", "1", "back", "1")
		d.Suspend = link("members-change", "user", user, "state", "suspended", "back", "1")
		if member.Suspended {
			d.Suspend, d.Reinstate = "", link("members-change", "user", user, "state", "active", "back", "1")
		}
	}
	if err := q.memberHistory(&d, desk, member); err != nil {
		return err
	}
	if d.May {
		if d.Plan, err = q.planMember(desk, user, member, to); err != nil {
			return err
		}
	}
	if d.Tried {
		d.State, q.status = q.t("Nothing was changed"), http.StatusUnprocessableEntity
	}
	if q.posted("part") == "plan" && d.May {
		return q.showPart("member-part", d)
	}
	return q.show(d)
}

// memberAreas is the table of what a role allows.
func (q *request) memberAreas(role rbac.Role) []memberArea {
	var rows []memberArea
	for _, info := range q.areas {
		row := memberArea{Label: info.Label}
		own := false
		for _, action := range actions(info) {
			scope := role.Permissions.Scope(info.Area, action)
			view := q.scope(scope)
			own = own || scope == rbac.Own
			if action == rbac.Read {
				row.Read = &view
			} else {
				row.Manage = &view
			}
		}
		if own && info.OwnWords != "" {
			row.Own = q.t("own: %s %s", q.noun(info), info.OwnWords)
		}
		rows = append(rows, row)
	}
	return rows
}

// answerWhy answers the question of the address: why somebody may do something, or not.
func (q *request) answerWhy(desk desk, user string, role rbac.Role) (asked, error) {
	area, action := rbac.Area(q.value("area")), rbac.Read
	a := asked{Manage: q.value("action") == "manage"}
	if a.Manage {
		action = rbac.Manage
	}
	known := false
	for _, info := range q.areas {
		known = known || info.Area == area
		a.Areas = append(a.Areas, areaOption{string(info.Area), visible(info.Label), info.Area == area})
	}
	if !known {
		return a, nil
	}
	d, err := q.workspace.Explain(q.ctx, user, area, action)
	if err != nil {
		return a, err
	}
	a.Answer = q.because(d)
	var more []template.HTML
	for _, choice := range desk.choices {
		if choice.Refused == nil && choice.Role.Permissions.Scope(area, action) > role.Permissions.Scope(area, action) {
			more = append(more, bdi(choice.Role.Name))
		}
	}
	if len(more) > 0 {
		a.Answer = q.th("%s Of the roles that you may give, these say more: %s.", a.Answer, q.some(more, areasNamed))
	}
	a.Answer = q.th("%s As of revision %s.", a.Answer, d.Revision)
	return a, nil
}

// planMember asks what another role would change, or what a first one allows.
func (q *request) planMember(desk desk, user string, member rbac.Member, to rbac.RoleID) (memberPlan, error) {
	p := memberPlan{Suspended: member.Suspended, Member: member.User != ""}
	selected := cmp.Or(to, member.Role)
	p.Give, p.CannotGive = q.give(desk, selected)
	role := desk.role(to)
	if role.ID == "" || to == member.Role || !desk.sees(to) {
		return p, nil
	}
	before := desk.role(member.Role)
	p.Chosen, p.Name, p.Sentence = to, visible(role.Name), q.words(role.Permissions, areasNamed).Sentence
	p.Diff = q.difference(before.Permissions, role.Permissions)
	p.Diff.lists(q.ui, before.Assigns, role.Assigns, desk.roles)
	c := memberChange{Users: []string{user}, Role: to, Admit: member.User == ""}
	plan, err := q.admin().Preview(q.ctx, func(a *rbac.Admin) error { return c.apply(q.ctx, a) })
	if err != nil {
		return p, err
	}
	if plan.Refused != nil {
		p.Refusal = q.memberRefusal(plan.Refused, desk.roles...)
	}
	return p, nil
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
