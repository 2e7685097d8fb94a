package sqlitestore

import (
	"database/sql"
	"strings"
	"time"

	"github.com/areagate/rbac"
)

// part is a part of the body of an event, by its path. An index has the events
// of a workspace by the part, and then by their numbers.
type part struct{ index, path string }

var (
	kindPart  = part{`rbac_events_kind`, `kind`}
	actorPart = part{`rbac_events_actor`, `actor`}
	userParts = []part{
		{`rbac_events_user_before`, `memberBefore.user`},
		{`rbac_events_user_after`, `memberAfter.user`},
	}
	roleParts = []part{
		{`rbac_events_role_before`, `roleBefore.id`},
		{`rbac_events_role_after`, `roleAfter.id`},
		{`rbac_events_member_role_before`, `memberBefore.role`},
		{`rbac_events_member_role_after`, `memberAfter.role`},
	}
)

// value returns the part as its index has it.
func (p part) value() string {
	return `CASE WHEN json_valid(body) THEN json_extract(body, '$.` + p.path + `') END`
}

const timeValue = `CASE WHEN json_valid(body) THEN rtrim(json_extract(body, '$.time'), 'Z') END`

// timeText returns a time as timeValue has it. The order of these texts is that
// of the times.
func timeText(t time.Time) string {
	switch t = t.UTC(); {
	case t.Year() < 0:
		return "" // before all that have a form in JSON
	case t.Year() > 9999:
		return ":" // behind them
	}
	return strings.TrimSuffix(t.Format(time.RFC3339Nano), "Z")
}

// lead is what an index is asked for: the events in which a part has a value.
type lead struct {
	part  part
	value any
}

// mostKinds is how many kinds are looked up one by one. A query for more is
// one for most of the events.
const mostKinds = 16

// leadsOf returns where to look for the events of a query, any of them, and
// what is left to ask there. Without leads the events may be anywhere.
func leadsOf(q rbac.EventQuery) (leads []lead, rest rbac.EventQuery) {
	add := func(value any, parts ...part) {
		for _, p := range parts {
			leads = append(leads, lead{p, value})
		}
	}
	switch {
	case q.User != "":
		add(q.User, userParts...)
		q.User = ""
	case q.Role != "":
		add(string(q.Role), roleParts...)
		q.Role = ""
	case q.Actor != "":
		add(q.Actor, actorPart)
		q.Actor = ""
	case len(q.Kinds) <= mostKinds:
		for _, kind := range q.Kinds {
			add(string(kind), kindPart)
		}
		q.Kinds = nil
	}
	return leads, q
}

// selectEvents returns the first n events of a query. Leads are merged as they
// are read, each in the order of the numbers, so that no more is read than is
// asked for. The indexes are named: SQLite would choose by what ANALYZE found
// when the workspace was another.
func (r *reader) selectEvents(q rbac.EventQuery, n int) *selection {
	order := `seq`
	if q.Newest {
		order = `seq DESC`
	}
	leads, rest := leadsOf(q)
	s := r.selection(selectEvents)
	if len(leads) == 0 {
		s.narrow(rest)
		return s.ordered(order, n)
	}
	var merged selection
	for i, at := range leads {
		one := r.selection(selectNumbers + at.part.index + ` WHERE workspace = ?`)
		one.and(at.part.value()+` = ?`, at.value)
		one.narrow(rest)
		if i > 0 {
			merged.text += ` UNION `
		}
		merged.text += one.text
		merged.args = append(merged.args, one.args...)
	}
	first := merged.ordered(order, n)
	s.and(`seq IN (`+first.text+`)`, first.args...)
	return s.ordered(order, n)
}

// narrow adds what is left to ask. With a + in front SQLite takes no other index
// for it than the one in whose order it reads.
func (s *selection) narrow(q rbac.EventQuery) {
	s.between(q)
	if q.Role != "" {
		values := make([]string, len(roleParts))
		for i, p := range roleParts {
			values[i] = p.value()
		}
		s.and(`? IN (`+strings.Join(values, `, `)+`)`, string(q.Role))
	}
	if q.Actor != "" {
		s.and(`+`+actorPart.value()+` = ?`, q.Actor)
	}
	if len(q.Kinds) > 0 {
		s.and(`+`+kindPart.value()+` IN `+list(len(q.Kinds)), values(q.Kinds)...)
	}
	s.during(`+`+timeValue, q)
}

// between adds the numbers that a query asks for.
func (s *selection) between(q rbac.EventQuery) {
	s.and(`seq > ?`, q.After)
	if q.Before != 0 {
		s.and(`seq < ?`, q.Before)
	}
}

// during adds the times that a query asks for.
func (s *selection) during(value string, q rbac.EventQuery) {
	if !q.Since.IsZero() {
		s.and(value+` >= ?`, timeText(q.Since))
	}
	if !q.Until.IsZero() {
		s.and(value+` < ?`, timeText(q.Until))
	}
}

// selectSpan returns the first and the last number of the events of a time.
func (r *reader) selectSpan(q rbac.EventQuery) *selection {
	s := r.selection(selectSpan)
	s.between(q)
	s.during(timeValue, q)
	return s
}

// span returns a query with After and Before narrowed to the events of the time
// that it asks for. Numbers are the order of events, and times are by the clocks
// of those who wrote them: nearly the same order, so that hardly another event
// lies between the first and the last of a time.
func (r *reader) span(q rbac.EventQuery) (rbac.EventQuery, error) {
	if q.Since.IsZero() && q.Until.IsZero() {
		return q, nil
	}
	s := r.selectSpan(q)
	var first, last int64
	err := r.query(s.text, s.args, func(rows *sql.Rows) error { return rows.Scan(&first, &last) })
	q.After, q.Before = max(q.After, first-1), last+1
	return q, err
}
