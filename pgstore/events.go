package pgstore

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/areagate/rbac"
)

// What events are selected by. The indexes are on the same expressions.
const (
	eventKind   = "document ->> 'kind'"
	eventActor  = "document ->> 'actor'"
	eventUser   = "coalesce(document #>> '{memberAfter,user}', document #>> '{memberBefore,user}')"
	userBefore  = "document #>> '{memberBefore,user}'"
	userChanges = userBefore + " <> document #>> '{memberAfter,user}'"
	roleAfter   = "coalesce(document #>> '{memberAfter,role}', document #>> '{roleAfter,id}')"
	roleBefore  = "coalesce(document #>> '{memberBefore,role}', document #>> '{roleBefore,id}')"
	roleChanges = roleBefore + " <> coalesce(document #>> '{memberAfter,role}', document #>> '{roleAfter,id}', '')"
	eventTime   = `(rtrim(document ->> 'time', 'Z') COLLATE "C")`
	blockOf     = "(seq / 1024)"

	blockSize = 1024 // see blockOf
)

// mostKinds is how many kinds are found by the index, each by itself.
const mostKinds = 32

func (r *reader) Events(q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	q.Kinds = slices.Compact(slices.Sorted(slices.Values(q.Kinds)))
	return func(yield func(rbac.Event, error) bool) {
		for _, text := range append([]string{string(q.Role), q.User, q.Actor}, texts(q.Kinds)...) {
			if !storable(text) {
				yield(rbac.Event{}, unstorable("a query for events", text))
				return
			}
		}
		after, upTo := max(q.After, 0), int64(math.MaxInt64)
		if q.Before != 0 {
			upTo = max(q.Before, 1) - 1
		}
		after, upTo, err := r.spanOfTimes(q, after, upTo)
		if err != nil {
			yield(rbac.Event{}, err)
			return
		}
		paged(r, q.Limit, func(last *rbac.Event, n int, page []row[rbac.Event]) ([]row[rbac.Event], error) {
			after, upTo := after, upTo
			switch {
			case last == nil:
			case q.Newest:
				upTo = last.Seq - 1
			default:
				after = last.Seq
			}
			sql, args := r.sql.selectEvents(r.workspace, q, after, upTo, n)
			return fetch(r, page, scanEvent, sql, args...)
		})(yield)
	}
}

// spanOfTimes narrows a span of numbers to where the times of a query are. In
// a span that has none nothing is left. Around a clock that was wrong more is
// left than is needed.
func (r *reader) spanOfTimes(q rbac.EventQuery, after, upTo int64) (int64, int64, error) {
	if q.Since.IsZero() && q.Until.IsZero() {
		return after, upTo, nil
	}
	if err := r.usable(); err != nil {
		return 0, 0, err
	}
	var first, last *int64
	var b batch
	b.query(func(scan scan) error { return scan(&first, &last) }, r.sql.spanOfTimes, r.workspace, after, upTo, since(q), until(q))
	if err := r.on.ask(r.ctx, b); err != nil {
		return 0, 0, failed(r.ctx, "query", err)
	}
	if first == nil {
		return 0, 0, nil
	}
	return max(after, *first*blockSize-1), min(upTo, *last*blockSize+blockSize-1), nil
}

// since and until return the times of a query as eventTime has them. Every
// event is between the empty text and endOfTimes.
func since(q rbac.EventQuery) string {
	if q.Since.IsZero() {
		return ""
	}
	return timeText(q.Since)
}

func until(q rbac.EventQuery) string {
	if q.Until.IsZero() {
		return endOfTimes
	}
	return timeText(q.Until)
}

const endOfTimes = "~"

func timeText(t time.Time) string {
	switch t = t.UTC(); {
	case t.Year() < 0:
		return ""
	case t.Year() > 9999:
		return endOfTimes
	}
	return strings.TrimRight(t.Format(time.RFC3339Nano), "Z")
}

// selectEvents returns the statement for a page of a query, between two
// numbers in place of those that it says, and the arguments. One filter, that of
// which events have the most values, finds the events in its index, in order.
// The others are looked at event by event. Don't leave that choice to the planner:
// it knows nothing about who does what in a workspace.
func (s *statements) selectEvents(workspace string, q rbac.EventQuery, after, upTo int64, limit int) (string, []any) {
	args := []any{workspace, after, upTo, limit}
	place := func(arg any) string {
		args = append(args, arg)
		return fmt.Sprintf("$%d", len(args))
	}
	var keys []string // of the filter that finds
	var filters string
	filter := func(condition string, by ...string) {
		if keys == nil && by != nil {
			keys = by
		} else {
			filters += " AND " + condition
		}
	}
	key := func(what, value, condition string) string {
		return "ARRAY[workspace, " + what + "] = ARRAY[$1::text, " + value + "::text]" + condition
	}
	if q.User != "" {
		user := place(q.User)
		filter("", key(eventUser, user, " AND "+eventUser+" IS NOT NULL"), key(userBefore, user, " AND "+userChanges))
	}
	if q.Role != "" {
		role := place(string(q.Role))
		filter(role+" IN ("+roleAfter+", "+roleBefore+")",
			key(roleAfter, role, " AND "+roleAfter+" IS NOT NULL"), key(roleBefore, role, " AND "+roleChanges))
	}
	if q.Actor != "" {
		actor := place(q.Actor)
		filter(eventActor+" = "+actor, key(eventActor, actor, " AND "+eventActor+" IS NOT NULL"))
	}
	if len(q.Kinds) > 0 {
		if keys == nil && len(q.Kinds) <= mostKinds {
			for _, kind := range q.Kinds {
				keys = append(keys, key(eventKind, place(string(kind)), ""))
			}
		} else {
			filter(eventKind + " = ANY (" + place(texts(q.Kinds)) + "::text[])")
		}
	}
	if keys == nil {
		keys = []string{"workspace = $1"}
	}
	if !q.Since.IsZero() || !q.Until.IsZero() {
		filter(eventTime + " >= " + place(since(q)) + " AND " + eventTime + " < " + place(until(q)))
	}
	first := " ORDER BY seq LIMIT $4"
	if q.Newest {
		first = " ORDER BY seq DESC LIMIT $4"
	}
	for i, key := range keys {
		keys[i] = selectEvent + s.log + " WHERE " + key + filters + " AND seq > $2 AND seq <= $3" + first
	}
	if len(keys) == 1 {
		return keys[0], args
	}
	return "SELECT * FROM ((" + strings.Join(keys, ") UNION ALL (") + ")) AS e" + first, args
}

// texts returns ids, or kinds, as PostgreSQL takes them.
func texts[T ~string](values []T) []string {
	list := make([]string, len(values))
	for i, value := range values {
		list[i] = string(value)
	}
	return list
}
