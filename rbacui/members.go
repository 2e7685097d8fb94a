package rbacui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/areagate/rbac"
)

var membersPage = page{segment: "members", template: "members.html", nav: "Members", needs: membersSeen, get: (*request).members, post: (*request).admit}

// membersSeen is what pages about members need: to read them, or to be a delegate,
// who sees those whom they may act on.
func membersSeen(q *request) error {
	denied := usersRead(q)
	if denied == nil {
		return nil
	}
	if _, err := q.admin().Choices(q.ctx); err != nil {
		return denied
	}
	return nil
}

// desk is what whoever asks may see and do of the members.
type desk struct {
	all     bool // they see everybody; else who holds a role that they may give
	roles   []rbac.Role
	choices []rbac.Choice // nil if they give no roles at all
	names   map[rbac.RoleID]string
}

// desk finds out what whoever asks may do of some users, who need not be members.
func (q *request) desk(users ...string) (desk, error) {
	d := desk{all: usersRead(q) == nil, names: map[rbac.RoleID]string{}}
	choices, err := q.admin().Choices(q.ctx, users...)
	switch {
	case err == nil:
		d.choices = choices
		for _, choice := range choices {
			d.roles = append(d.roles, choice.Role)
		}
	case errors.Is(err, rbac.ErrDenied) && d.all:
		if d.roles, err = q.workspace.Roles(q.ctx); err != nil {
			return d, err
		}
	default:
		return d, err
	}
	for _, role := range d.roles {
		d.names[role.ID] = role.Name
	}
	return d, nil
}

// given returns the roles that may be given.
func (d desk) given() []rbac.RoleID {
	var ids []rbac.RoleID
	for _, choice := range d.choices {
		if choice.Refused == nil {
			ids = append(ids, choice.Role.ID)
		}
	}
	return ids
}

// sees reports whether the holders of a role are shown.
func (d desk) sees(role rbac.RoleID) bool { return d.all || slices.Contains(d.given(), role) }

// role returns a role by its id.
func (d desk) role(id rbac.RoleID) rbac.Role {
	for _, role := range d.roles {
		if role.ID == id {
			return role
		}
	}
	return rbac.Role{}
}

// link leads to a role, for those who may read it.
func (d desk) link(role rbac.RoleID) string {
	if _, known := d.names[role]; !known || !d.all {
		return ""
	}
	return link("role", "id", string(role))
}

// giveOption is a role in a list to choose from.
type giveOption struct {
	ID            rbac.RoleID
	Name          string
	Off, Selected bool
}

// filters are the roles by which members can be selected.
func (d desk) filters(selected rbac.RoleID) []giveOption {
	var options []giveOption
	for _, role := range d.roles {
		if d.sees(role.ID) {
			options = append(options, giveOption{role.ID, visible(role.Name), false, role.ID == selected})
		}
	}
	return options
}

// give are the roles to give. What may not be given is there, and off, for those
// who read all roles; why says so.
func (q *request) give(d desk, selected rbac.RoleID) (options []giveOption, why template.HTML) {
	var off []template.HTML
	for _, choice := range d.choices {
		refused := choice.Refused != nil
		if refused && !d.all {
			continue
		}
		if refused && len(off) <= areasNamed {
			off = append(off, bdi(choice.Role.Name))
		}
		options = append(options, giveOption{choice.Role.ID, visible(choice.Role.Name), refused, choice.Role.ID == selected && !refused})
	}
	if len(off) > areasNamed {
		off = []template.HTML{q.th("Roles that are off")}
	}
	switch {
	case len(off) == 0:
		return options, ""
	case !q.manages():
		return options, q.th("%s: not among the roles that you may give.", q.listHTML(off))
	}
	return options, q.th("%s: more than your own role holds, so you cannot give that.", q.listHTML(off))
}

// memberFilter is what the address selects.
type memberFilter struct {
	Query, Team, State string
	Role               rbac.RoleID
}

func (q *request) memberFilter() memberFilter {
	f := memberFilter{
		Query: strings.TrimSpace(q.value("q")), Team: strings.TrimSpace(q.value("team")),
		State: q.value("state"), Role: rbac.RoleID(q.value("role")),
	}
	if !q.teams {
		f.Team = ""
	}
	return f
}

func (f memberFilter) query() rbac.MemberQuery {
	states := map[string]rbac.MemberState{"active": rbac.ActiveOnly, "suspended": rbac.SuspendedOnly}
	return rbac.MemberQuery{Team: f.Team, State: states[f.State]}
}

// link leads to a page of what is selected. The trail is the keys of the pages
// before, since a page knows only what follows.
func (f memberFilter) link(after string, trail []string) string {
	return link("members", "q", f.Query, "role", string(f.Role), "team", f.Team, "state", f.State,
		"after", after, "trail", strings.Join(trail, "\n"))
}

const (
	membersPerPage = 25
	mostTrail      = 8  // keys of pages before
	mostMerged     = 10 // roles that are shown together to somebody who does not see everybody
	mostWaiting    = 10 // that are shown on the page of the members
	mostSelects    = 20 // roles: with more, one who waits has a link and no list
)

// membersData is what the list of members shows.
type membersData struct {
	title
	All        bool // everybody is seen
	May        bool // something be changed
	Why        template.HTML
	Known      bool // there is a directory
	Filter     memberFilter
	Filtered   bool
	Roles      []giveOption
	Give       []giveOption
	CannotGive template.HTML
	Rows       []memberRow
	Teams      []string // on this page
	Count      template.HTML
	Next       string
	Back       string
	First      bool // back is the first page
	More       bool // the directory knows more
	Strangers  []named
	Waiting    []named
	WaitingN   string
	Beyond     int // more who wait
	Selects    bool
	Refusal    refusal
}

type memberRow struct {
	named
	ID        string // of what says why
	Role      string
	RoleLink  string
	Team      string
	Since     template.HTML
	Suspended bool
	Off       bool
	Why       template.HTML
}

// members shows who is a member, a page at a time, and who waits.
func (q *request) members() error { return q.showMembers(refusal{}) }

func (q *request) showMembers(tried refusal) error {
	desk, err := q.desk()
	if err != nil {
		return err
	}
	f := q.memberFilter()
	if given := desk.given(); !desk.all && f.Role == "" && len(given) > mostMerged {
		f.Role = given[0]
	}
	d := membersData{
		title: title{Title: q.t("Members")}, All: desk.all, May: len(desk.given()) > 0, Known: q.directory != nil,
		Filter: f, Filtered: f != memberFilter{}, Roles: desk.filters(f.Role), Refusal: tried,
	}
	if !d.May {
		d.Why = q.th("Your own role gives no roles, so you can read members and not change them.")
		if q.subject.Limited() {
			d.Why = q.th("The key or session that you use gives no roles, so you can read members and not change them.")
		}
	}
	d.Give, d.CannotGive = q.give(desk, "")
	found, err := q.selected(desk, f, q.value("after"))
	if err != nil {
		return err
	}
	d.More, d.Strangers = found.more, found.strangers
	if !d.May {
		d.Strangers = nil
	}
	if err := q.memberRows(&d, desk, found.members); err != nil {
		return err
	}
	if err := q.pager(&d, desk, f, found); err != nil {
		return err
	}
	if d.May && !d.Filtered && q.value("after") == "" {
		if err := q.wait(&d); err != nil {
			return err
		}
	}
	if tried.Rule != "" {
		d.State, q.status = q.t("Nothing was changed"), http.StatusUnprocessableEntity
	}
	return q.show(d)
}

// found is a page of what was looked for.
type found struct {
	members   []rbac.Member
	next      bool    // there is a page behind
	strangers []named // who was found and is no member
	more      bool    // the directory knows more
}

// selected returns the page behind a user of the members that a filter selects. It
// reads as many rows as it shows, or as the directory found, however many there are.
func (q *request) selected(d desk, f memberFilter, after string) (found, error) {
	roles := []rbac.RoleID{f.Role}
	switch {
	case f.Role != "" && !d.sees(f.Role):
		return found{}, nil
	case f.Role == "" && !d.all:
		roles = d.given()
	}
	query := f.query()
	if f.Query != "" && q.directory != nil {
		if people, more := q.search(f.Query); !q.nameless {
			return q.among(roles, query, people, more, f.Query, after)
		}
	}
	query.After, query.Limit = after, membersPerPage+1
	if f.Query == "" {
		members, err := q.ofRoles(roles, query)
		return cut(members), err
	}
	// Without names, ids are found by how they begin.
	var members []rbac.Member
	if after == "" {
		exact, _, err := q.known(roles, f.query(), []string{f.Query})
		if err != nil {
			return found{}, err
		}
		members = exact
	}
	query.After = max(after, f.Query)
	behind, err := q.ofRoles(roles, query)
	var invalid *rbac.ValidationError
	if err != nil && !errors.As(err, &invalid) {
		return found{}, err
	}
	for _, member := range behind {
		if strings.HasPrefix(member.User, f.Query) {
			members = append(members, member)
		}
	}
	return cut(members), nil
}

// cut makes a page of what may be more than one.
func cut(members []rbac.Member) found {
	if len(members) > membersPerPage {
		return found{members: members[:membersPerPage], next: true}
	}
	return found{members: members}
}

// among returns the page behind a user of the people who are members, in the order
// of the directory, and on the first page who is no member.
func (q *request) among(roles []rbac.RoleID, query rbac.MemberQuery, people []named, more bool, exact, after string) (found, error) {
	var users []string
	for _, p := range people {
		users = append(users, p.User)
	}
	if !slices.Contains(users, exact) {
		users = append(users, exact)
	}
	members, _, err := q.known(roles, query, users)
	if err != nil {
		return found{}, err
	}
	slices.SortStableFunc(members, func(a, b rbac.Member) int {
		return cmp.Compare(slices.Index(users, a.User), slices.Index(users, b.User))
	})
	behind := 1 + slices.IndexFunc(members, func(m rbac.Member) bool { return m.User == after })
	page := cut(members[behind:])
	page.more = more
	if after != "" {
		return page, nil
	}
	page.strangers, err = q.strangers(people, users)
	return page, err
}

// strangers are those of some people who are no members, each once.
func (q *request) strangers(people []named, users []string) ([]named, error) {
	members, valid, err := q.known([]rbac.RoleID{""}, rbac.MemberQuery{}, users)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, member := range members {
		seen[member.User] = true
	}
	var strangers []named
	for _, p := range people {
		if !seen[p.User] && slices.Contains(valid, p.User) {
			strangers = append(strangers, p)
		}
		seen[p.User] = true
	}
	return strangers, nil
}

// ofRoles returns members of some roles, in the byte order of their ids.
func (q *request) ofRoles(roles []rbac.RoleID, query rbac.MemberQuery) ([]rbac.Member, error) {
	var members []rbac.Member
	for _, query.Role = range roles {
		for member, err := range q.workspace.Members(q.ctx, query) {
			if err != nil {
				return nil, err
			}
			members = append(members, member)
		}
	}
	slices.SortFunc(members, func(a, b rbac.Member) int { return cmp.Compare(a.User, b.User) })
	members = slices.CompactFunc(members, func(a, b rbac.Member) bool { return a.User == b.User })
	if query.Limit > 0 && len(members) > query.Limit {
		members = members[:query.Limit]
	}
	return members, nil
}

// known is ofRoles for some users, and returns those whose ids can be asked for: a
// directory may have others.
func (q *request) known(roles []rbac.RoleID, query rbac.MemberQuery, users []string) ([]rbac.Member, []string, error) {
	query.Users = append([]string{}, users...)
	members, err := q.ofRoles(roles, query)
	var invalid *rbac.ValidationError
	if errors.As(err, &invalid) {
		bad := map[int]bool{}
		for _, f := range invalid.Fields {
			var i int
			if _, err := fmt.Sscanf(f.Field, "users[%d]", &i); err == nil {
				bad[i] = true
			}
		}
		query.Users = query.Users[:0]
		for i, user := range users {
			if !bad[i] {
				query.Users = append(query.Users, user)
			}
		}
		members, err = q.ofRoles(roles, query)
	}
	return members, query.Users, err
}

// memberRows fills in the rows: what each holds, and why whoever asks may not act on
// them.
func (q *request) memberRows(d *membersData, desk desk, members []rbac.Member) error {
	off := map[string]error{}
	if d.May {
		var err error
		if off, err = q.refusals(members); err != nil {
			return err
		}
	}
	users := make([]string, len(members))
	for i, member := range members {
		users[i] = member.User
	}
	for i, p := range q.people(users...) {
		member := members[i]
		row := memberRow{
			named: p, ID: fmt.Sprintf("why-%d", i), Role: desk.names[member.Role], RoleLink: desk.link(member.Role),
			Team: visible(member.Team), Since: q.date(member.UpdatedAt), Suspended: member.Suspended,
		}
		if err := off[member.User]; err != nil {
			row.Off, row.Why = true, q.whyOff(err)
		}
		d.Rows = append(d.Rows, row)
		if member.Team != "" && !slices.Contains(d.Teams, member.Team) {
			d.Teams = append(d.Teams, member.Team)
		}
	}
	slices.Sort(d.Teams)
	return nil
}

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
	if more := len(names) - areasNamed; more > 1 {
		names = append(names[:areasNamed], q.th("%s more", more))
	}
	return q.listHTML(names)
}

// pager says which part of the members this is.
func (q *request) pager(d *membersData, desk desk, f memberFilter, found found) error {
	if len(d.Rows) == 0 {
		return nil
	}
	shown := template.HTML(strconv.Itoa(len(d.Rows)))
	if desk.all && f.Query == "" && f.Team == "" && f.State == "" {
		held, err := q.workspace.Holders(q.ctx)
		if err != nil {
			return err
		}
		total := held[f.Role]
		if f.Role == "" {
			for _, n := range held {
				total += n
			}
		}
		shown = q.th("%s of %s", len(d.Rows), total)
	}
	first, last := found.members[0].User, found.members[len(found.members)-1].User
	d.Count = q.th("%s, by id: %s to %s", shown, strong(first), strong(last))
	if f.Query != "" && q.directory != nil && !q.nameless {
		d.Count = q.th("%s people", shown)
		if len(d.Rows) == 1 {
			d.Count = q.th("1 person")
		}
	}
	after := q.value("after")
	var trail []string
	if joined := q.value("trail"); joined != "" {
		trail = strings.Split(joined, "\n")
	}
	if found.next {
		ahead := trail
		if after != "" {
			ahead = append(slices.Clone(trail), after)
		}
		d.Next = f.link(last, ahead[max(0, len(ahead)-mostTrail):])
	}
	switch n := len(trail); {
	case n > 0:
		d.Back = f.link(trail[n-1], trail[:n-1])
	case after != "":
		d.Back, d.First = f.link("", nil), true
	}
	return nil
}

// wait fills in who waits to be admitted.
func (q *request) wait(d *membersData) error {
	waiting, more, err := q.waiting()
	if err != nil {
		return err
	}
	d.WaitingN = q.n(len(waiting), "1 person waits to be admitted", "%s people wait to be admitted")
	if more {
		d.WaitingN = q.t("More than %s people wait to be admitted", len(waiting))
	}
	d.Beyond = max(0, len(waiting)-mostWaiting)
	d.Waiting = waiting[:len(waiting)-d.Beyond]
	d.Selects = len(d.Give) <= mostSelects
	return nil
}

// waiting returns who may come in and is no member yet.
func (q *request) waiting() ([]named, bool, error) {
	people, more := q.found(func(ctx context.Context) ([]Person, bool, error) {
		return q.directory.Waiting(ctx, q.workspace.ID(), mostFound)
	})
	users := make([]string, len(people))
	for i, p := range people {
		users[i] = p.User
	}
	strangers, err := q.strangers(people, users)
	return strangers, more, err
}

// admit gives a role to somebody who is no member yet.
func (q *request) admit() error {
	user, role := q.posted("user"), rbac.RoleID(q.posted("role"))
	switch {
	case role == "":
		return q.showMembers(refusal{q.t("Nobody was admitted."), []problem{{Say: q.th("Choose the role that %s gets.", q.names([]string{user}))}}})
	case role == rbac.Administrator: // which is asked once more
		return q.redirect(link("members-change", "user", user, "role", string(role), "admit", "1"))
	}
	c := memberChange{Users: []string{user}, Role: role, Admit: true}
	err := q.admin().Together(q.ctx, func(a *rbac.Admin) error { return c.apply(q.ctx, a) })
	if err == nil || q.twice(c, err) {
		return q.redirect(link("members", "done", user))
	}
	if !refuses(err) {
		return err
	}
	roles, failed := q.workspace.Roles(q.ctx)
	if failed != nil {
		return failed
	}
	return q.showMembers(q.memberRefusal(err, roles...))
}
