package rbacui

import (
	"errors"
	"html/template"
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

// event reads the first event that a query selects, and false if there is none, or it
// cannot be read, of which the page of the record tells. What reads more, or asks the
// directory, does so after it: a store may have one connection.
func (q *request) event(query rbac.EventQuery) (first rbac.Event, found bool, err error) {
	query.Limit = 1
	for e, err := range q.workspace.Events(q.ctx, query) {
		if errors.Is(err, rbac.ErrMalformed) {
			break
		}
		return e, err == nil, err
	}
	return first, false, nil
}

// audit shows the record of changes, the newest first.
func (q *request) audit() error {
	f, err := q.auditFilter()
	if err != nil {
		return err
	}
	d := auditData{title: title{Title: q.t("Audit")}, Filter: f, Verified: q.verified.last(q.workspace.ID()), Busy: q.verifying.busy(q.workspace.ID())}
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
	if err != nil && !errors.Is(err, rbac.ErrInvalid) { // what nobody is called, nothing is about
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
	var events []rbac.Event
	for _, c := range changes {
		for _, r := range c[:min(len(c), mostInLine)] {
			events = append(events, r.Event)
		}
	}
	s := q.sayer(events...)
	s.roles = map[rbac.RoleID]string{}
	for _, o := range d.Filter.Roles {
		s.roles[rbac.RoleID(o.ID)] = o.Name
	}
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
