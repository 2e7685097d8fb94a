package sqlitestore

import (
	"database/sql"
	"strings"
	"time"

	"github.com/areagate/rbac"
)

// part is a part of the body of an event. There is an index of the events of a
// workspace by each, and then by their numbers, so that it is read as the
// migration reads it.
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

// found is a part of the body that has a value: where to look for the events
// of a query.
type found struct {
	part
	value string
}

func anyOf(parts []part, value string) []found {
	all := make([]found, len(parts))
	for i, p := range parts {
		all[i] = found{p, value}
	}
	return all
}

// mostKinds is how many kinds are looked up one by one. A query for more is
// one for most of the events.
const mostKinds = 16

// places returns where to look for the events of a query: those in any of the
// places, and of them those that the rest of the query selects. Without places
// they may be anywhere.
func places(q rbac.EventQuery) (in []found, rest rbac.EventQuery) {
	switch {
	case q.User != "":
		in, q.User = anyOf(userParts, q.User), ""
	case q.Role != "":
		in, q.Role = anyOf(roleParts, string(q.Role)), ""
	case q.Actor != "":
		in, q.Actor = anyOf([]part{actorPart}, q.Actor), ""
	case len(q.Kinds) <= mostKinds:
		for _, kind := range q.Kinds {
			in = append(in, found{kindPart, string(kind)})
		}
		q.Kinds = nil
	}
	return in, q
}

// selectEvents returns the first n events of a query. The places are merged as
// they are read, each in the order of the numbers, so that no more is read than
// is asked for.
func (r *reader) selectEvents(q rbac.EventQuery, n int) *selection {
	order := `seq`
	if q.Newest {
		order = `seq DESC`
	}
	in, rest := places(q)
	s := r.selection(selectEvents)
	if len(in) == 0 {
		s.narrow(rest)
		return s.ordered(order, n)
	}
	merged := &selection{}
	for i, place := range in {
		if i > 0 {
			merged.text += ` UNION `
		}
		one := r.selection(`SELECT seq FROM rbac_events INDEXED BY ` + place.index + ` WHERE workspace = ?`)
		one.and(place.part.value()+` = ?`, place.value)
		one.narrow(rest)
		merged.text += one.text
		merged.args = append(merged.args, one.args...)
	}
	merged = merged.ordered(order, n)
	s.and(`seq IN (`+merged.text+`)`, merged.args...)
	return s.ordered(order, n)
}

// narrow adds what a query asks for. The + keeps SQLite from another index
// than the one that has the order.
func (s *selection) narrow(q rbac.EventQuery) {
	s.between(q)
	if len(q.Kinds) > 0 {
		s.and(`+`+kindPart.value()+` IN `+list(len(q.Kinds)), values(q.Kinds)...)
	}
	if q.Role != "" {
		s.and(`? IN (`+valuesOf(roleParts)+`)`, string(q.Role))
	}
	if q.User != "" {
		s.and(`? IN (`+valuesOf(userParts)+`)`, q.User)
	}
	if q.Actor != "" {
		s.and(`+`+actorPart.value()+` = ?`, q.Actor)
	}
	s.during(`+`+timeValue, q)
}

func valuesOf(parts []part) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.value()
	}
	return strings.Join(texts, `, `)
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
