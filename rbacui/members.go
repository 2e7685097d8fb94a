package rbacui

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
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
	_, err := q.desk()
	if err != nil && refuses(err) {
		return denied
	}
	return err
}

const membersPerPage = 25

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

// pager says which part of the members this is, and leads to those around it.
func (q *request) pager(d *membersData, desk desk, f memberFilter, found found) error {
	if len(d.Rows) == 0 {
		return nil
	}
	first, last := found.members[0].User, found.members[len(found.members)-1].User
	total, counted, err := q.total(desk, f)
	switch n := len(d.Rows); {
	case err != nil:
		return err
	case counted && n == 1:
		d.Count = q.th("1 of %s, by id: %s", total, strong(first))
	case counted:
		d.Count = q.th("%s of %s, by id: %s to %s", n, total, strong(first), strong(last))
	case n == 1:
		d.Count = q.th("1 person on this page")
	case f.Query != "" && q.directory != nil && !q.nameless: // in the order of the directory
		d.Count = q.th("%s people on this page", n)
	default:
		d.Count = q.th("%s people on this page, by id: %s to %s", n, strong(first), strong(last))
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

// total returns how many members a filter selects, if the store has counted them and
// whoever asks sees them all.
func (q *request) total(desk desk, f memberFilter) (total int, counted bool, err error) {
	if !desk.all || f.Query != "" || f.Team != "" || f.State != "" {
		return 0, false, nil
	}
	held, err := q.workspace.Holders(q.ctx)
	for role, n := range held {
		if f.Role == "" || f.Role == role {
			total += n
		}
	}
	return total, true, err
}
