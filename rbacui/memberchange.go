package rbacui

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/areagate/rbac"
)

var changePage = page{segment: "members-change", template: "members-change.html", within: "members", needs: membersSeen, get: (*request).askChange, post: (*request).changeMembers}

// memberChange is a change of members: of role, team and state as one.
type memberChange struct {
	Users  []string
	Admit  bool        // who are no members yet
	Role   rbac.RoleID // empty if they keep theirs
	Move   string      // "to" a team, "out" of theirs, or empty
	Team   string
	State  string // "active", "suspended" or empty
	Remove bool
	Back   bool // to the page of the one member
}

// mostChosen bounds the people of one change: what it does is told of each.
const mostChosen = 100

// changeOf reads a change from a form or an address.
func (q *request) changeOf(form url.Values) memberChange {
	c := memberChange{Back: form.Get("back") != ""}
	c.Users = slices.Compact(slices.Sorted(slices.Values(form["user"])))
	switch form.Get("do") { // a button of the list of members, or one of the page of the change
	case "suspend":
		c.State = "suspended"
		return c
	case "reinstate":
		c.State = "active"
		return c
	case "remove":
		c.Remove = true
		return c
	}
	if c.Remove = form.Get("remove") != ""; c.Remove {
		return c
	}
	c.Admit, c.Role = form.Get("admit") != "", rbac.RoleID(form.Get("role"))
	if state := form.Get("state"); state == "active" || state == "suspended" {
		c.State = state
	}
	if c.Team = strings.TrimSpace(form.Get("team")); q.teams {
		switch move := form.Get("move"); {
		case move == "out" || move == "to" && c.Team == "":
			c.Move, c.Team = "out", ""
		case move == "to":
			c.Move = "to"
		}
	}
	return c
}

// apply makes the change. Whoever is chosen is a member, or is none, as it says.
func (c memberChange) apply(ctx context.Context, a *rbac.Admin) error {
	if c.Remove {
		return a.Remove(ctx, c.Users...)
	}
	if c.Admit {
		members, err := membersOf(ctx, a, c.Users)
		if err != nil {
			return err
		}
		if err := a.Add(ctx, c.Role, c.Users...); err != nil {
			return err
		}
		if len(members) > 0 { // Add leaves them as they are, and what follows would not
			return &rbac.RefusalError{Rule: rbac.ErrMemberExists, Users: members}
		}
	} else if err := a.Authorize(ctx, c.Users...); err != nil {
		return err
	}
	if !c.Admit && c.Role != "" {
		if err := a.Assign(ctx, c.Role, c.Users...); err != nil {
			return err
		}
	}
	if c.Move != "" {
		if err := a.SetTeam(ctx, c.Team, c.Users...); err != nil {
			return errSharing{err}
		}
	}
	switch c.State {
	case "suspended":
		return a.Suspend(ctx, c.Users...)
	case "active":
		return a.Reinstate(ctx, c.Users...)
	}
	return nil
}

// membersOf returns those of some users who are members.
func membersOf(ctx context.Context, a *rbac.Admin, users []string) (members []string, err error) {
	for _, user := range users {
		err := a.Authorize(ctx, user)
		switch {
		case errors.Is(err, rbac.ErrMemberNotFound):
		case err == nil, errors.Is(err, rbac.ErrSelf), errors.Is(err, rbac.ErrEscalation):
			members = append(members, user)
		default:
			return nil, err
		}
	}
	return members, nil
}

// twice reports whether somebody was refused as a member whom the reader has just let
// in with that role: a form that was sent twice. Who else did it is not told by it.
func (q *request) twice(c memberChange, err error) bool {
	if !errors.Is(err, rbac.ErrMemberExists) || len(c.Users) != 1 || c.Move != "" || c.State != "" {
		return false
	}
	member, err := q.workspace.Member(q.ctx, c.Users[0])
	return err == nil && member.Role == c.Role && q.memberToast(member.User) != nil
}

// empty reports whether nothing was chosen.
func (c memberChange) empty() bool { return !c.Remove && c.Role == "" && c.Move == "" && c.State == "" }

// only reports whether the state is all that changes.
func (c memberChange) only(state string) bool {
	return c.State == state && c.Role == "" && c.Move == "" && !c.Remove
}

// grave reports whether the step asks once more.
func (c memberChange) grave() bool {
	return c.Remove || c.State == "suspended" || c.Role == rbac.Administrator
}

// changeData is what the page of a change shows.
type changeData struct {
	title
	Heading    template.HTML
	Lead       template.HTML
	Notice     template.HTML
	Change     memberChange
	Fields     bool // the change can be chosen here
	Give       []giveOption
	CannotGive template.HTML
	RoleName   string
	Sentence   string // what the new role allows
	Who        []changeRow
	Blocks     []changeBlock
	Rest       []template.HTML // what changes for others, in short
	Sharing    template.HTML
	Refusal    refusal
	Tried      bool
	Nothing    bool // would change
	Nobody     bool // is chosen
	TooMany    bool
	Revision   int64
	Were       string // what all are, to find out at the save whether they still are
	Deed       string
	Grave      bool
	Back, Keep string
}

// changeRow is somebody whom the change is about.
type changeRow struct {
	named
	Role, Team, State string
	Why               template.HTML // the rules refuse it
}

// changeBlock is what comes and goes for those who have one role before and after.
type changeBlock struct {
	Heading template.HTML
	Diff    difference
	members int
}

// The rest of the blocks is told in short, so that a page stays small.
const mostBlocks = 2

// askChange shows what a change of members would do.
func (q *request) askChange() error {
	c, notice, err := q.restoring(q.changeOf(q.r.URL.Query()))
	if err != nil {
		return err
	}
	return q.showChange(c, notice, refusal{})
}

// changeMembers answers the form of a change: with its plan, or by making it.
func (q *request) changeMembers() error {
	c := q.changeOf(q.r.PostForm)
	if q.posted("do") != "save" || c.empty() || len(c.Users) == 0 || len(c.Users) > mostChosen {
		return q.showChange(c, "", refusal{})
	}
	switch stale, err := q.stale(c); {
	case err != nil:
		return err
	case stale:
		return q.showChange(c, q.th("Somebody else changed one of these people in the meantime. Below is what the change does now."), refusal{})
	}
	err := q.together(func(a *rbac.Admin) error { return c.apply(q.ctx, a) })
	if err == nil || q.twice(c, err) {
		to := link("members", "done", c.Users[0])
		if c.Back && !c.Remove {
			to = link("member", "user", c.Users[0], "done", c.Users[0])
		}
		return q.redirect(to)
	}
	tried, err := q.tried(err)
	if err != nil {
		return err
	}
	return q.showChange(c, "", tried)
}

// stale reports whether somebody is not what the plan showed. What a rule refuses, or
// what is done already, as by a form that was sent twice, need not be planned again.
func (q *request) stale(c memberChange) (bool, error) {
	if !q.r.PostForm.Has("were") {
		return false, nil
	}
	members, err := q.ofRoles([]rbac.RoleID{""}, rbac.MemberQuery{Users: c.Users})
	if err != nil || q.posted("were") == were(members) {
		return false, err
	}
	plan, err := q.admin().Preview(q.ctx, func(a *rbac.Admin) error { return c.apply(q.ctx, a) })
	return plan.Refused == nil && len(plan.Events) > 0, err
}

// were is the same text for the same people with the same roles, teams and states.
func were(members []rbac.Member) string {
	h := sha256.New()
	for _, m := range members {
		_, _ = fmt.Fprintf(h, "%q %q %q %t\n", m.User, m.Role, m.Team, m.Suspended)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// showChange shows a change with its plan.
func (q *request) showChange(c memberChange, notice template.HTML, tried refusal) error {
	d := changeData{
		Change: c, Notice: notice, Refusal: tried, Tried: tried.Rule != "", Grave: c.grave(), Back: "members", Keep: q.t("Back to the list"),
		Nobody: len(c.Users) == 0, TooMany: len(c.Users) > mostChosen, Fields: !c.Remove && !(c.Back && c.grave()),
	}
	d.Title = q.t("Plan of a change")
	desk, err := q.desk()
	if err != nil {
		return err
	}
	if d.Nobody || d.TooMany {
		d.Fields, d.Heading = false, q.th("Nobody is selected")
		if d.TooMany {
			d.Heading = q.th("This is too much at once")
		}
		return q.show(d)
	}
	d.Give, d.CannotGive = q.give(desk, c.Role)
	members, err := q.ofRoles([]rbac.RoleID{""}, rbac.MemberQuery{Users: c.Users})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(members, func(m rbac.Member) bool { return !desk.sees(m.Role) }) {
		return rbac.ErrMemberNotFound // to whoever asks
	}
	d.Were = were(members)
	plan := rbac.Plan{}
	if c.Admit && c.Role == "" && !d.Tried {
		d.Refusal = refusal{q.t("Nobody is admitted without a role."), []problem{{Say: q.th("Choose one.")}}}
	} else if !c.empty() && !d.Tried {
		if plan, err = q.admin().Preview(q.ctx, func(a *rbac.Admin) error { return c.apply(q.ctx, a) }); err != nil {
			return err
		}
		if plan.Refused != nil {
			d.Refusal = q.memberRefusal(plan.Refused, desk.roles...)
		}
	}
	d.Nothing = d.Refusal.Rule == "" && len(plan.Events) == 0
	d.Revision = q.subject.Explain(rbac.Users, rbac.Manage).Revision
	if err := q.whoChanges(&d, desk, members); err != nil {
		return err
	}
	q.blocks(&d, desk, plan.Events)
	if err := q.sharing(&d, plan.Events); err != nil {
		return err
	}
	if role := desk.role(c.Role); role.ID != "" && desk.sees(role.ID) {
		d.RoleName, d.Sentence = role.Name, q.words(role.Permissions, areasNamed).Sentence
	}
	q.ask(&d, desk, members)
	if q.posted("do") == "save" {
		d.State, q.status = q.t("Nothing was changed"), http.StatusUnprocessableEntity
	}
	if q.posted("part") == "plan" {
		return q.showPart("change-part", d)
	}
	return q.show(d)
}

// whoChanges lists the people, with what refuses each where something is refused.
func (q *request) whoChanges(d *changeData, desk desk, members []rbac.Member) error {
	off := map[string]error{}
	if d.Refusal.Rule != "" {
		var err error
		if off, err = q.refusals(members); err != nil {
			return err
		}
	}
	for _, p := range q.people(d.Change.Users...) {
		row := changeRow{named: p, Role: q.t("no member"), State: ""}
		if i := slices.IndexFunc(members, func(m rbac.Member) bool { return m.User == p.User }); i >= 0 {
			m := members[i]
			row.Role, row.Team, row.State = q.roleName(desk, m.Role), visible(m.Team), q.stateWords(m.Suspended, d.Change)
			if err := off[p.User]; err != nil {
				row.Why = q.whyOff(err)
			} else if d.Refusal.Rule != "" && m.Role == rbac.Administrator && d.Change.Role != "" && d.Change.Role != rbac.Administrator {
				row.Why = q.th("An administrator.")
			}
		} else if !d.Change.Admit {
			row.Why = q.th("No member any more.")
		}
		d.Who = append(d.Who, row)
	}
	return nil
}

// roleName names a role that somebody holds.
func (q *request) roleName(d desk, id rbac.RoleID) string {
	if name := d.names[id]; name != "" {
		return name
	}
	return q.t("a role that does not exist any more")
}

// stateWords say the state of somebody, and what becomes of it.
func (q *request) stateWords(suspended bool, c memberChange) string {
	switch {
	case suspended && c.State == "active":
		return q.t("Suspended, will be active")
	case suspended && !c.Remove:
		return q.t("Suspended, and stays so")
	case suspended:
		return q.t("Suspended")
	case c.State == "suspended":
		return q.t("Active, will be suspended")
	}
	return q.t("Active")
}

// blocks says what comes and goes, for those alike at once: in the events that the
// plan would record.
func (q *request) blocks(d *changeData, desk desk, events []rbac.Event) {
	type pair struct{ before, after rbac.RoleID } // empty if nothing is reached by it
	was, is := map[string]rbac.RoleID{}, map[string]rbac.RoleID{}
	reached := func(m *rbac.Member) rbac.RoleID {
		if m == nil || m.Suspended {
			return ""
		}
		return m.Role
	}
	for _, e := range events {
		m := cmp.Or(e.MemberAfter, e.MemberBefore)
		if m == nil {
			continue
		}
		if _, known := was[m.User]; !known {
			was[m.User] = reached(e.MemberBefore)
		}
		is[m.User] = reached(e.MemberAfter)
	}
	groups := map[pair]int{}
	for user := range was {
		if p := (pair{was[user], is[user]}); p.before != p.after {
			groups[p]++
		}
	}
	var blocks []changeBlock
	for p, n := range groups {
		before, after := desk.role(p.before), desk.role(p.after)
		b := changeBlock{members: n, Diff: q.difference(before.Permissions, after.Permissions)}
		b.Diff.lists(q.ui, before.Assigns, after.Assigns, desk.roles)
		switch {
		case p.before == "":
			b.Heading = q.th("%s, who could do nothing before", q.countPeople(n))
		case p.after == "":
			b.Heading = q.th("%s, until now %s", q.countPeople(n), strong(q.roleName(desk, p.before)))
		default:
			b.Heading = q.th("%s, from %s to %s", q.countPeople(n), strong(q.roleName(desk, p.before)), strong(q.roleName(desk, p.after)))
		}
		blocks = append(blocks, b)
	}
	slices.SortFunc(blocks, func(a, b changeBlock) int {
		return cmp.Or(cmp.Compare(b.members, a.members), cmp.Compare(a.Heading, b.Heading))
	})
	near := min(len(blocks), mostBlocks)
	d.Blocks = blocks[:near]
	for _, b := range blocks[near:] {
		d.Rest = append(d.Rest, q.th("%s: %s.", b.Heading, q.counted(b.Diff)))
	}
}

// mostCounted bounds how many people of a team are counted.
const mostCounted = 100

// sharing says whom a move into a team concerns: those who come, and those there.
func (q *request) sharing(d *changeData, events []rbac.Event) error {
	moved := 0
	for _, e := range events {
		if e.Kind == rbac.MemberMoved {
			moved++
		}
	}
	if d.Change.Move == "" || moved == 0 {
		return nil
	}
	if d.Change.Move == "out" {
		d.Sharing = q.th("%s without a team: they see records of no team, and no team sees theirs.", q.countPeople(moved))
		return nil
	}
	there := 0
	for _, err := range q.workspace.Members(q.ctx, rbac.MemberQuery{Team: d.Change.Team, Limit: mostCounted + 1}) {
		if err != nil {
			return err
		}
		there++
	}
	count := q.countPeople(there)
	if there > mostCounted {
		count = q.t("more than %s people", mostCounted)
	}
	d.Sharing = q.th("The team %s shares its records: whose role reaches those of the team sees what belongs to who comes (%s), and who comes sees what belongs to who is there (%s), as far as their role reaches the team.",
		strong(d.Change.Team), q.countPeople(moved), count)
	return nil
}

// ask fills in the question, and what the buttons say.
func (q *request) ask(d *changeData, desk desk, members []rbac.Member) {
	c := d.Change
	who, html := q.countPeople(len(c.Users)), template.HTML("")
	role := ""
	if len(c.Users) == 1 {
		who, html = d.Who[0].Shown(), d.Who[0].HTML()
		if len(members) == 1 {
			role = q.roleName(desk, members[0].Role)
		}
	} else {
		html = template.HTML(template.HTMLEscapeString(who))
	}
	switch {
	case c.Remove:
		d.Heading, d.Title, d.Deed = q.th("Remove %s?", html), q.t("Remove %s?", who), q.t("Remove %s", who)
		d.Lead = q.th("They are members no longer and lose everything that their roles allow. Records that belong to them stay as they are. To undo it, give them a role again.")
		if role != "" {
			d.Lead = q.th("%s is a member no longer and loses everything that %s allows. Records that belong to %s stay as they are. To undo it, give a role again.", html, strong(role), html)
		}
		d.Keep = q.t("Keep")
	case c.only("suspended"):
		d.Heading, d.Title, d.Deed = q.th("Suspend %s?", html), q.t("Suspend %s?", who), q.t("Suspend %s", who)
		d.Lead = q.th("They keep their roles and may do nothing until reinstated. Sessions stay open, and every check in them says no.")
		if role != "" {
			d.Lead = q.th("%s keeps the role %s and may do nothing until reinstated. Sessions stay open, and every check in them says no.", html, strong(role))
		}
		d.Keep = q.t("Keep active")
	case c.only("active"):
		d.Heading, d.Title, d.Deed = q.th("Reinstate %s?", html), q.t("Reinstate %s?", who), q.t("Reinstate %s", who)
		d.Lead = q.th("They may do again at once what their roles allow.")
	case c.Admit:
		d.Heading, d.Title, d.Deed = q.th("Admit %s?", html), q.t("Admit %s?", who), q.t("Admit %s", who)
	case c.Role != "" && c.Move == "" && c.State == "":
		d.Heading, d.Title, d.Deed = q.th("Give %s a new role?", html), q.t("Give %s a new role?", who), q.t("Give %s this role", who)
	default:
		d.Heading, d.Title, d.Deed = q.th("Change %s?", html), q.t("Change %s?", who), q.t("Change %s", who)
	}
	if len(c.Users) > 1 && d.Lead == "" {
		d.Lead = q.th("All change in one step. If a rule refuses one of them, nothing changes for any.")
	}
	if c.Back {
		d.Back = link("member", "user", c.Users[0])
		if d.Keep == q.t("Back to the list") {
			d.Keep = q.t("Back")
		}
	}
}
