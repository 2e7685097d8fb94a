package rbacui

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/areagate/rbac"
)

var auditPage = page{segment: "audit", template: "audit.html", nav: "Audit", needs: auditRead, get: (*request).audit, post: (*request).changeAudit}

var auditJSONPage = page{segment: "audit.jsonl", template: "audit.html", within: "audit", needs: auditRead, get: (*request).auditJSON}

var auditCSVPage = page{segment: "audit.csv", template: "audit.html", within: "audit", needs: auditRead, get: (*request).auditCSV}

// The bounds of one page of the record.
const (
	mostEvents  = 400     // read
	mostLines   = 40      // shown, events of one change as one
	mostCost    = 110_000 // bytes of them, about
	mostInLine  = 8       // people of one change
	exportBatch = 250     // events that an export reads at once, so that it holds up no store
)

// auditData is what the page of the record shows.
type auditData struct {
	title
	Filter   auditFilter
	Days     []auditDay
	First    int64 // the newest that is shown
	Last     int64 // the oldest
	Newer    string
	Older    string
	Verified *verification
	Busy     bool   // somebody verifies it now
	Events   int    // of the workspace
	JSON     string // the exports of what the filter selects
	CSV      string
}

type auditDay struct {
	Date  string
	Today bool
	Lines []auditLine
}

// auditLine is a change: one event, or several of one change.
type auditLine struct {
	ID      string
	At      time.Time
	Actor   named
	Program bool // no person did it
	Say     template.HTML
	Numbers string
	More    bool // the change goes on on the next page
	People  bool // rows are people
	Rows    []auditRow
	Rest    int // people who are not named
	Restore string
	Hint    template.HTML
	Open    string
	Label   string
	Facts   []fact
}

type auditRow struct{ What, Before, After template.HTML }

type fact struct{ Name, Value string }

// auditFilter is what was asked for, and what it selects.
type auditFilter struct {
	Actor, User, Role, Kind, From, Until string // as they were asked for
	Roles                                []roleFilter
	Kinds                                []kindOption
	Found                                []whyPerson // whom a name may mean
	FoundActor, More                     bool
	Applied                              []template.HTML
	query                                rbac.EventQuery
}

type roleFilter struct {
	ID, Name string
	Chosen   bool
}

type kindOption struct {
	Kind, Label string
	Chosen      bool
}

// record is an event of the record, or the number of one that cannot be read.
type record struct {
	rbac.Event
	unreadable bool
}

// read reads the events that a query selects, with those in their place that cannot
// be read. The query needs a limit.
func (q *request) read(query rbac.EventQuery) ([]record, error) {
	var records []record
	for limit := query.Limit; len(records) < limit; {
		query.Limit = limit - len(records)
		var malformed *rbac.MalformedError
		for e, err := range q.workspace.Events(q.ctx, query) {
			if errors.As(err, &malformed) {
				break
			}
			if err != nil {
				return nil, err
			}
			records = append(records, record{Event: e})
		}
		if malformed == nil {
			break
		}
		seq, err := strconv.ParseInt(malformed.ID, 10, 64)
		if err != nil || seq < 1 || query.Newest && query.Before != 0 && seq >= query.Before || !query.Newest && seq <= query.After {
			return nil, malformed // nobody can tell where it goes on
		}
		records = append(records, record{rbac.Event{Seq: seq}, true})
		if query.Newest {
			query.Before = seq
		} else {
			query.After = seq
		}
		if seq == 1 && query.Newest {
			break
		}
	}
	return records, nil
}

// audit shows the record of changes, the newest first.
func (q *request) audit() error {
	f, err := q.auditFilter()
	if err != nil {
		return err
	}
	d := auditData{title: title{Title: q.t("Audit")}, Filter: f, Verified: q.verified.last(q.workspace.ID()), Busy: q.value("busy") != ""}
	newest, err := q.newest()
	if err != nil {
		return err
	}
	d.Events = int(newest.Seq)
	d.JSON, d.CSV = f.link("audit.jsonl"), f.link("audit.csv")
	if len(f.Found) > 0 {
		return q.show(d) // somebody has to say whom they mean
	}
	query := f.query
	query.Newest, query.Limit = true, mostEvents+1
	query.Before, _ = strconv.ParseInt(q.value("before"), 10, 64)
	query.Before = max(query.Before, 0)
	upwards, _ := strconv.ParseInt(q.value("after"), 10, 64)
	if upwards > 0 {
		query.Newest, query.Before, query.After = false, 0, upwards
	}
	records, err := q.read(query)
	if err != nil {
		return err
	}
	more := len(records) > mostEvents
	goesOn := more && together(records[mostEvents-1], records[mostEvents])
	changes := changesOf(records[:min(len(records), mostEvents)])
	kept, cost := 0, 0
	for kept < len(changes) && kept < mostLines && (kept == 0 || cost < mostCost) {
		cost += q.cost(changes[kept])
		kept++
	}
	if kept < len(changes) {
		changes, more, goesOn = changes[:kept], true, false
	}
	if upwards > 0 && !more {
		return q.redirect(f.link("audit")) // these are the newest
	}
	if upwards > 0 {
		for _, c := range changes {
			slices.Reverse(c)
		}
		slices.Reverse(changes)
	}
	if len(changes) == 0 {
		return q.show(d)
	}
	q.sayChanges(&d, changes)
	d.First, d.Last = changes[0][0].Seq, last(*last(changes)).Seq
	if goesOn && upwards == 0 {
		last(last(d.Days).Lines).More = true
	}
	if more || upwards > 0 {
		d.Older = f.link("audit", "before", strconv.FormatInt(d.Last, 10))
	}
	if upwards > 0 || query.Before > 0 {
		d.Newer = f.link("audit", "after", strconv.FormatInt(d.First, 10))
	}
	return q.show(d)
}

func last[T any](of []T) *T { return &of[len(of)-1] }

// changeAudit verifies the record. Nothing else is done here.
func (q *request) changeAudit() error {
	if q.posted("do") == "verify" {
		return q.verify()
	}
	return q.audit()
}

// auditFilter reads the filter of the address.
func (q *request) auditFilter() (auditFilter, error) {
	f := auditFilter{
		Actor: strings.TrimSpace(q.value("actor")), User: strings.TrimSpace(q.value("user")), Role: q.value("role"),
		Kind: q.value("kind"), From: q.value("from"), Until: q.value("until"),
	}
	roles, err := q.workspace.Roles(q.ctx)
	if err != nil {
		return f, err
	}
	name := f.Role
	for _, role := range roles {
		chosen := string(role.ID) == f.Role
		f.Roles = append(f.Roles, roleFilter{string(role.ID), visible(role.Name), chosen})
		if chosen {
			name = role.Name
		}
	}
	if f.Role != "" && !slices.ContainsFunc(f.Roles, func(o roleFilter) bool { return o.Chosen }) {
		f.Roles = append(f.Roles, roleFilter{f.Role, visible(f.Role), true})
	}
	for _, kind := range []rbac.EventKind{
		rbac.RoleCreated, rbac.RoleUpdated, rbac.RoleDeleted, rbac.MemberAssigned, rbac.MemberRemoved,
		rbac.MemberSuspended, rbac.MemberReinstated, rbac.MemberMoved, rbac.MemberRenamed,
	} {
		f.Kinds = append(f.Kinds, kindOption{string(kind), q.kind(kind), string(kind) == f.Kind})
	}
	f.query.Role = rbac.RoleID(f.Role)
	if f.Role != "" {
		f.Applied = append(f.Applied, q.th("role %s", strong(visible(name))))
	}
	for i, text := range []string{f.Actor, f.User} {
		if text == "" {
			continue
		}
		user, found, more := q.whom(text)
		if len(found) > 0 {
			f.FoundActor, f.More = i == 0, more
			for _, p := range found {
				asked := f
				if asked.User = p.User; i == 0 {
					asked.User, asked.Actor = f.User, p.User
				}
				f.Found = append(f.Found, whyPerson{p, asked.link("audit")})
			}
			return f, nil
		}
		if i == 0 {
			f.query.Actor = user
			f.Applied = append(f.Applied, q.th("changed by %s", strong(q.people(user)[0].Shown())))
		} else {
			f.query.User = user
			f.Applied = append(f.Applied, q.th("about %s", strong(q.people(user)[0].Shown())))
		}
	}
	if f.Kind != "" {
		f.query.Kinds = []rbac.EventKind{rbac.EventKind(f.Kind)}
		f.Applied = append(f.Applied, bdi(q.kind(rbac.EventKind(f.Kind))))
	}
	if at, err := time.Parse(time.DateOnly, f.From); err == nil {
		f.query.Since = at
		f.Applied = append(f.Applied, q.th("since %s", q.day(at)))
	} else {
		f.From = ""
	}
	if at, err := time.Parse(time.DateOnly, f.Until); err == nil {
		f.query.Until = at.AddDate(0, 0, 1)
		f.Applied = append(f.Applied, q.th("until %s", q.day(at)))
	} else {
		f.Until = ""
	}
	return f, nil
}

// link is the address of a page with the filter.
func (f auditFilter) link(segment string, pairs ...string) string {
	return link(segment, append(pairs, "actor", f.Actor, "user", f.User, "role", f.Role, "kind", f.Kind, "from", f.From, "until", f.Until)...)
}

// kind says what happened, for a list.
func (tr translator) kind(kind rbac.EventKind) string {
	switch kind {
	case rbac.RoleCreated:
		return tr.t("Role created")
	case rbac.RoleUpdated:
		return tr.t("Role changed")
	case rbac.RoleDeleted:
		return tr.t("Role deleted")
	case rbac.MemberAssigned:
		return tr.t("Role given")
	case rbac.MemberRemoved:
		return tr.t("Member removed")
	case rbac.MemberSuspended:
		return tr.t("Member suspended")
	case rbac.MemberReinstated:
		return tr.t("Member reinstated")
	case rbac.MemberMoved:
		return tr.t("Team changed")
	case rbac.MemberRenamed:
		return tr.t("Id changed")
	}
	return string(kind)
}

// changeKey is what the events of one change have in common. Those of a role, and new
// ids, stand alone.
type changeKey struct {
	kind               rbac.EventKind
	at                 int64
	actor, reason, via string
	limited            bool
	came, went         bool
	role               rbac.RoleID // that everybody got
	from, to           string      // the team that everybody left, or came into
}

func (r record) key() (key changeKey, ok bool) {
	e := r.Event
	if r.unreadable || e.RoleBefore != nil || e.RoleAfter != nil || e.Kind == rbac.MemberRenamed {
		return key, false
	}
	key = changeKey{
		kind: e.Kind, at: e.Time.UnixMicro(), actor: e.Actor, reason: e.Reason, via: e.Via, limited: e.Limited,
		came: e.MemberBefore == nil, went: e.MemberAfter == nil,
	}
	switch {
	case e.MemberAfter == nil:
	case e.Kind == rbac.MemberAssigned:
		key.role = e.MemberAfter.Role
	case e.Kind == rbac.MemberMoved:
		if key.to = e.MemberAfter.Team; key.to == "" && e.MemberBefore != nil {
			key.from = e.MemberBefore.Team
		}
	}
	return key, true
}

// together reports whether an event is of the same change as the one before it.
func together(last, next record) bool {
	a, ok := last.key()
	b, also := next.key()
	return ok && also && a == b && (last.Seq-next.Seq == 1 || next.Seq-last.Seq == 1)
}

// changesOf groups events that follow each other by the change that they are of.
func changesOf(records []record) [][]record {
	var changes [][]record
	for i, r := range records {
		if n := len(changes); n > 0 && together(records[i-1], r) {
			changes[n-1] = append(changes[n-1], r)
		} else {
			changes = append(changes, []record{r})
		}
	}
	return changes
}

// cost is about how many bytes a change takes on the page.
func (q *request) cost(change []record) int {
	e := change[0].Event
	cost := 1800 + 4*(len(e.Reason)+len(e.Via)+len(e.Actor)) + 250*min(len(change), mostInLine)
	for _, role := range []*rbac.Role{e.RoleBefore, e.RoleAfter} {
		if role != nil {
			cost += 3*len(role.Name) + 3*len(role.Description)
		}
	}
	if e.RoleBefore != nil || e.RoleAfter != nil {
		cost += 300 * len(q.changedRights(e.RoleBefore, e.RoleAfter)) // what is assigned is among them, about
		for _, role := range []*rbac.Role{e.RoleBefore, e.RoleAfter} {
			if role != nil && (e.RoleBefore == nil || e.RoleAfter == nil || !slices.Equal(e.RoleBefore.Assigns, e.RoleAfter.Assigns)) {
				cost += 300 * len(role.Assigns)
			}
		}
	}
	return cost
}

// about returns whom an event is about.
func about(e rbac.Event) string {
	switch {
	case e.MemberAfter != nil:
		return e.MemberAfter.User
	case e.MemberBefore != nil:
		return e.MemberBefore.User
	}
	return ""
}

// sayChanges lays out changes by day, with the names of people from one question.
func (q *request) sayChanges(d *auditData, changes [][]record) {
	s := sayer{request: q, known: map[string]named{}, roles: map[rbac.RoleID]string{}}
	var users []string
	for _, c := range changes {
		users = append(users, c[0].Actor)
		for _, r := range c[:min(len(c), mostInLine)] {
			users = append(users, about(r.Event))
		}
	}
	slices.Sort(users)
	users = slices.DeleteFunc(slices.Compact(users), func(user string) bool { return user == "" })
	for _, p := range q.people(users...) {
		s.known[p.User] = p
	}
	for _, o := range d.Filter.Roles {
		s.roles[rbac.RoleID(o.ID)] = o.Name
	}
	s.mayOpen = usersRead(q) == nil
	today := q.day(time.Now())
	for _, c := range changes {
		line := s.line(c)
		day := q.day(line.At)
		if line.At.IsZero() {
			day = q.t("Time not known")
		}
		if n := len(d.Days); n == 0 || d.Days[n-1].Date != day {
			d.Days = append(d.Days, auditDay{Date: day, Today: day == today})
		}
		at := last(d.Days)
		at.Lines = append(at.Lines, line)
	}
}

// sayer says what events say.
type sayer struct {
	*request
	known   map[string]named
	roles   map[rbac.RoleID]string // that are there now
	mayOpen bool                   // the pages of roles and members
}

func (s *sayer) person(user string) template.HTML {
	p, ok := s.known[user]
	if !ok {
		return strong(user)
	}
	return template.HTML("<b>" + string(p.HTML()) + "</b>")
}

// role is the name of a role, as it was then if that was recorded.
func (s *sayer) role(m *rbac.Member) template.HTML { return strong(s.roleName(m)) }

func (s *sayer) roleName(m *rbac.Member) string {
	return cmp.Or(m.RoleName, s.roles[m.Role], string(m.Role))
}

// whom are the people of a change in its sentence.
func (s *sayer) whom(change []record) template.HTML {
	first := s.person(about(change[0].Event))
	switch n := len(change); n {
	case 1:
		return first
	case 2:
		return s.th("%s and %s", first, s.person(about(change[1].Event)))
	default:
		return s.th("%s and %s others", first, n-1)
	}
}

// line says one change.
func (s *sayer) line(change []record) auditLine {
	newest, oldest := change[0], change[len(change)-1]
	l := auditLine{
		ID: "e-" + strconv.FormatInt(newest.Seq, 10), At: newest.Time, Program: newest.Actor == "",
		Numbers: s.t("no. %s", newest.Seq),
	}
	if len(change) > 1 {
		l.Numbers = s.t("no. %s–%s", oldest.Seq, newest.Seq)
	}
	if newest.unreadable {
		l.Program = true
		l.Say = s.th("What stands at this number cannot be read. Whoever runs the application can look at its row.")
		return l
	}
	e := newest.Event
	who := s.th("The application")
	if !l.Program {
		l.Actor, who = s.known[e.Actor], s.person(e.Actor)
	} else {
		who = template.HTML("<b>" + string(who) + "</b>")
	}
	l.Say = s.sentence(who, change)
	if e.Reason != "" {
		l.Say = s.th("%s Reason: “%s”.", l.Say, bdi(e.Reason))
	}
	switch {
	case e.RoleBefore != nil || e.RoleAfter != nil:
		l.Rows = s.roleRows(e.RoleBefore, e.RoleAfter)
		s.restore(&l, e)
	case len(change) == 1:
		l.Rows = s.memberRows(e.MemberBefore, e.MemberAfter)
	default:
		l.People = true
		for _, r := range change[:min(len(change), mostInLine)] {
			before, after := s.state(r.MemberBefore), s.state(r.MemberAfter)
			l.Rows = append(l.Rows, auditRow{s.person(about(r.Event)), before, after})
		}
		l.Rest = len(change) - len(l.Rows)
	}
	if user := about(e); user != "" && len(change) == 1 && s.mayOpen && e.MemberAfter != nil {
		l.Open, l.Label = link("member", "user", user), s.t("Open the member")
	}
	l.Facts = s.facts(e)
	return l
}

// facts are what machines and auditors want to know of an event.
func (s *sayer) facts(e rbac.Event) []fact {
	facts := []fact{
		{s.t("Kind"), string(e.Kind)}, {s.t("Time"), e.Time.UTC().Format(time.RFC3339Nano)},
		{s.t("Changed by"), e.Actor}, {s.t("Through"), e.Via}, {s.t("Hash"), hex.EncodeToString(e.Hash[:])},
	}
	if e.Limited {
		facts = append(facts, fact{s.t("Rights"), s.t("of a key or session that may do less than the person")})
	}
	return slices.DeleteFunc(facts, func(f fact) bool { return f.Value == "" })
}

// restore leads to a form with what was before. It saves nothing.
func (s *sayer) restore(l *auditLine, e rbac.Event) {
	if !s.mayOpen {
		return
	}
	if e.RoleAfter != nil {
		if id := string(e.RoleAfter.ID); s.roles[e.RoleAfter.ID] != "" {
			l.Open, l.Label = link("role", "id", id), s.t("Open the role")
			if e.RoleBefore != nil && s.manages() {
				l.Restore = link("role", "id", id, "restore", strconv.FormatInt(e.Seq, 10))
				l.Hint = s.th("Opens the role with these choices. You see the plan before anything is saved.")
			}
		}
		return
	}
	if s.manages() {
		l.Restore = link("role-new", "restore", strconv.FormatInt(e.Seq, 10))
		l.Hint = s.th("Opens a new role with these choices. Nobody holds it until you assign it.")
	}
}

// sentence says what a change did.
func (s *sayer) sentence(who template.HTML, change []record) template.HTML {
	e, whom := change[0].Event, s.whom(change)
	before, after := e.MemberBefore, e.MemberAfter
	switch {
	case e.RoleAfter != nil && e.RoleBefore == nil:
		rights := s.n(len(s.changedRights(nil, e.RoleAfter)), "1 right", "%s rights")
		return s.th("%s created the role %s, with %s.", who, strong(e.RoleAfter.Name), rights)
	case e.RoleAfter == nil && e.RoleBefore != nil:
		return s.th("%s deleted the role %s.", who, strong(e.RoleBefore.Name))
	case e.RoleAfter != nil:
		return s.updated(who, e.RoleBefore, e.RoleAfter)
	case before == nil && after == nil:
		return s.th("%s made a change of the kind %s.", who, strong(string(e.Kind)))
	case after == nil:
		return s.th("%s removed %s.", who, whom)
	case before == nil:
		return s.th("%s admitted %s as %s.", who, whom, s.role(after))
	case before.User != after.User:
		return s.th("%s changed the id %s to %s.", who, strong(before.User), strong(after.User))
	case before.Role != after.Role:
		return s.th("%s gave %s the role %s.", who, whom, s.role(after))
	case after.Suspended && !before.Suspended:
		return s.th("%s suspended %s.", who, whom)
	case before.Suspended && !after.Suspended:
		return s.th("%s reinstated %s.", who, whom)
	case before.Team != after.Team && after.Team == "":
		return s.th("%s took %s out of the team %s.", who, whom, strong(before.Team))
	case before.Team != after.Team:
		return s.th("%s moved %s into the team %s.", who, whom, strong(after.Team))
	}
	return s.th("%s made a change of the kind %s.", who, strong(string(e.Kind)))
}

// updated says what was changed of a role.
func (s *sayer) updated(who template.HTML, before, after *rbac.Role) template.HTML {
	name := strong(after.Name)
	rights := len(s.changedRights(before, after))
	var what []string
	if before.Description != after.Description {
		what = append(what, s.t("its description"))
	}
	if !slices.Equal(before.Assigns, after.Assigns) {
		what = append(what, s.t("the roles it may assign"))
	}
	if rights > 0 {
		what = append(what, s.n(rights, "1 right", "%s rights"))
	}
	switch {
	case before.Name != after.Name && len(what) == 0:
		return s.th("%s renamed the role %s to %s.", who, strong(before.Name), name)
	case before.Name != after.Name:
		return s.th("%s renamed the role %s to %s, and changed %s.", who, strong(before.Name), name, s.list(what))
	case len(what) == 0:
		return s.th("%s saved the role %s.", who, name)
	}
	return s.th("%s changed the role %s: %s.", who, name, s.list(what))
}

// right is one right that a role has in one state and not in the other.
type changedRight struct {
	label         string
	before, after rbac.Scope
}

// changedRights returns how the stored rights of a role differ, by the catalogue and
// then by the names of areas that this program does not know.
func (u *ui) changedRights(before, after *rbac.Role) []changedRight {
	stored := func(r *rbac.Role) rbac.Permissions {
		if r == nil {
			return nil
		}
		return r.Permissions
	}
	was, is := stored(before), stored(after)
	var changed []changedRight
	add := func(area rbac.Area, label string) {
		for _, action := range []rbac.Action{rbac.Read, rbac.Manage} {
			if b, a := was[area].Scope(action), is[area].Scope(action); b != a {
				changed = append(changed, changedRight{u.right(label, action), b, a})
			}
		}
	}
	known := map[rbac.Area]bool{}
	for _, info := range u.areas {
		known[info.Area] = true
		add(info.Area, info.Label)
	}
	unknown := map[rbac.Area]bool{}
	for _, p := range []rbac.Permissions{was, is} {
		for area := range p {
			if !known[area] {
				unknown[area] = true
			}
		}
	}
	for _, area := range slices.Sorted(maps.Keys(unknown)) {
		add(area, string(area))
	}
	return changed
}

func (s *sayer) scopeHTML(scope rbac.Scope) template.HTML {
	v := s.scope(scope)
	return template.HTML(`<span class="scope" data-scope="` + v.Value + `">` + template.HTMLEscapeString(v.Word) + `</span>`)
}

func muted(text string) template.HTML {
	return template.HTML(`<span class="muted">` + template.HTMLEscapeString(text) + `</span>`)
}

// roleRows are what changed of a role, row by row.
func (s *sayer) roleRows(before, after *rbac.Role) []auditRow {
	var rows []auditRow
	text := func(what template.HTML, of func(*rbac.Role) string) {
		say := func(r *rbac.Role) template.HTML {
			switch {
			case r == nil && after == nil:
				return muted(s.t("gone"))
			case r == nil:
				return muted(s.t("not there"))
			case of(r) == "":
				return muted(s.t("empty"))
			}
			return bdi(of(r))
		}
		if before == nil && of(after) != "" || after == nil && of(before) != "" || before != nil && after != nil && of(before) != of(after) {
			rows = append(rows, auditRow{what, say(before), say(after)})
		}
	}
	text(s.th("Name"), func(r *rbac.Role) string { return r.Name })
	text(s.th("Description"), func(r *rbac.Role) string { return r.Description })
	for _, c := range s.changedRights(before, after) {
		rows = append(rows, auditRow{bdi(c.label), s.scopeHTML(c.before), s.scopeHTML(c.after)})
	}
	list := func(r *rbac.Role) []rbac.RoleID {
		if r == nil {
			return nil
		}
		return r.Assigns
	}
	yes, no := s.th("yes"), s.th("no")
	for _, id := range list(before) {
		if !slices.Contains(list(after), id) {
			rows = append(rows, auditRow{s.th("May assign: %s", bdi(cmp.Or(s.roles[id], string(id)))), yes, no})
		}
	}
	for _, id := range list(after) {
		if !slices.Contains(list(before), id) {
			rows = append(rows, auditRow{s.th("May assign: %s", bdi(cmp.Or(s.roles[id], string(id)))), no, yes})
		}
	}
	return rows
}

// memberRows are what changed of a member.
func (s *sayer) memberRows(before, after *rbac.Member) []auditRow {
	var rows []auditRow
	add := func(what template.HTML, of func(*rbac.Member) template.HTML) {
		say := func(m *rbac.Member) template.HTML {
			if m == nil {
				return muted(s.t("not a member"))
			}
			return of(m)
		}
		if b, a := say(before), say(after); b != a {
			rows = append(rows, auditRow{what, b, a})
		}
	}
	add(s.th("Id"), func(m *rbac.Member) template.HTML { return bdi(m.User) })
	add(s.th("Role"), func(m *rbac.Member) template.HTML { return bdi(s.roleName(m)) })
	add(s.th("Team"), s.team)
	add(s.th("State"), s.suspended)
	if before == nil || after == nil { // who comes or goes has one row for each thing they have
		only := cmp.Or(before, after)
		rows = slices.DeleteFunc(rows, func(r auditRow) bool {
			return r.What == s.th("Id") || r.What == s.th("Team") && only.Team == "" || r.What == s.th("State") && !only.Suspended
		})
	}
	return rows
}

func (s *sayer) team(m *rbac.Member) template.HTML {
	if m.Team == "" {
		return muted(s.t("none"))
	}
	return bdi(m.Team)
}

func (s *sayer) suspended(m *rbac.Member) template.HTML {
	if m.Suspended {
		return s.th("Suspended")
	}
	return s.th("Active")
}

// state is all of a member in one cell.
func (s *sayer) state(m *rbac.Member) template.HTML {
	if m == nil {
		return muted(s.t("not a member"))
	}
	state := bdi(s.roleName(m))
	if m.Team != "" {
		state = s.th("%s, team %s", state, bdi(m.Team))
	}
	if m.Suspended {
		state = s.th("%s, suspended", state)
	}
	return state
}

// export reads all that the filter selects, oldest first and a few at a time, so that
// no transaction stays open while somebody downloads, and writes it. What breaks off
// is no whole file: the connection breaks with it.
func (q *request) export(kind, name string, write func(first bool, records []record) error) error {
	f, err := q.auditFilter()
	if err != nil {
		return err
	}
	if len(f.Found) > 0 {
		return q.redirect(f.link("audit"))
	}
	query := f.query
	for first := true; ; first = false {
		query.Limit = exportBatch
		records, err := q.read(query)
		switch {
		case err != nil && first:
			return err
		case err != nil:
			q.warn("rbacui: an export broke off", err)
			panic(http.ErrAbortHandler)
		}
		if first {
			q.download(kind, name)
		}
		if err := write(first, records); err != nil {
			panic(http.ErrAbortHandler) // the client has gone
		}
		if len(records) < exportBatch {
			return nil
		}
		query.After = records[len(records)-1].Seq
	}
}

// auditJSON is the record as JSON Lines: an event a line, as package rbac writes it.
func (q *request) auditJSON() error {
	return q.export("application/jsonl", "audit.jsonl", func(_ bool, records []record) error {
		out := json.NewEncoder(q.w)
		for _, r := range records {
			var line any = r.Event
			if r.unreadable {
				line = map[string]any{"seq": r.Seq, "unreadable": true}
			}
			if err := out.Encode(line); err != nil {
				return err
			}
		}
		return nil
	})
}

// auditCSV is the record for a spreadsheet.
func (q *request) auditCSV() error {
	return q.export("text/csv; charset=utf-8; header=present", "audit.csv", func(first bool, records []record) error {
		var users []string
		for _, r := range records {
			users = append(users, r.Actor, about(r.Event))
		}
		slices.Sort(users)
		users = slices.DeleteFunc(slices.Compact(users), func(user string) bool { return user == "" })
		names := map[string]string{}
		for _, p := range q.people(users...) {
			names[p.User] = p.Name
		}
		var table rbac.Table
		if first {
			table = rbac.Table{{
				q.t("Number"), q.t("Time (UTC)"), q.t("What happened"), q.t("Changed by"), q.t("Name"), q.t("Reason"), q.t("Through"),
				q.t("Role"), q.t("About person"), q.t("Name"), q.t("Before"), q.t("After"), q.t("Hash"),
			}}
		}
		for _, r := range records {
			e := r.Event
			if r.unreadable {
				table = append(table, []string{strconv.FormatInt(e.Seq, 10), "", q.t("cannot be read"), "", "", "", "", "", "", "", "", "", ""})
				continue
			}
			role, before, after := q.eventCells(e)
			table = append(table, []string{
				strconv.FormatInt(e.Seq, 10), e.Time.UTC().Format(time.RFC3339Nano), string(e.Kind), e.Actor, names[e.Actor], e.Reason, e.Via,
				role, about(e), names[about(e)], before, after, hex.EncodeToString(e.Hash[:]),
			})
		}
		return table.WriteCSV(q.w)
	})
}

// eventCells are the role that an event is about, and what was and is, as text.
func (q *request) eventCells(e rbac.Event) (role, before, after string) {
	of := func(r *rbac.Role, m *rbac.Member) string {
		switch {
		case r != nil:
			role = string(r.ID)
			return r.String()
		case m == nil:
			return ""
		}
		role = string(m.Role)
		text := cmp.Or(m.RoleName, string(m.Role))
		if m.Team != "" {
			text = q.t("%s, team %s", text, m.Team)
		}
		if m.Suspended {
			text = q.t("%s, suspended", text)
		}
		return text
	}
	before = of(e.RoleBefore, e.MemberBefore)
	after = of(e.RoleAfter, e.MemberAfter)
	return role, before, after
}
