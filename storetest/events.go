package storetest

import (
	"math"
	"slices"
	"time"

	"github.com/areagate/rbac"
)

var eventChecks = []check{
	{
		"the revision is that of the newest event",
		`Revision returns the number and hash of the newest event, the zero Revision if there is none.`,
		func(t *checkT) {
			t.update("w", func(tx rbac.Tx) error { return tx.PutMembers(someMember("ann", "sales")) })
			t.equal(t.contents("w").Revision, revisionText(rbac.Revision{}), "the revision without events")
			t.fill("w")
			t.equal(t.contents("w").Revision, filled().Revision, "the revision after three events")
			t.update("w", func(tx rbac.Tx) error { return tx.PutRole(someRole("sales", 2)) })
			t.equal(t.contents("w").Revision, filled().Revision, "the revision after an Update without events")
		},
	},
	{
		"AppendEvents moves the revision",
		`AppendEvents appends events, whose Seq and Hash the library has set: they continue the Revision without a gap. Afterwards the Revision is that of the last of them.`,
		func(t *checkT) {
			events := someEvents(rbac.Revision{}, 1+2+40+3)
			done := 0
			for _, n := range []int{1, 2, 40} {
				t.update("w", func(tx rbac.Tx) error { return tx.AppendEvents(events[done : done+n]...) })
				done += n
				t.testRevision("w", events[:done])
			}
			var inside []string
			t.update("w", func(tx rbac.Tx) error {
				inside = nil
				for _, event := range events[done:] {
					if err := tx.AppendEvents(event); err != nil {
						return err
					}
					revision, err := tx.Revision()
					if err != nil {
						return err
					}
					inside = append(inside, revisionText(revision))
				}
				return nil
			})
			for i, event := range events[done:] {
				t.equal(inside[i], revisionText(event.Revision()), "the revision inside the Update, after event %d", event.Seq)
			}
			t.testRevision("w", events)
		},
	},
	{
		"AppendEvents of none does nothing",
		`Without events it does nothing.`,
		func(t *checkT) {
			t.update("w", func(tx rbac.Tx) error { return tx.AppendEvents() })
			t.equal(t.contents("w"), nothing(), "a new workspace")
			t.fill("w")
			t.update("w", func(tx rbac.Tx) error { return tx.AppendEvents() })
			t.equal(t.contents("w"), filled(), "a workspace with events")
		},
	},
	{
		"events come back whole",
		`Events yields the events that the query selects, in the order of their sequence numbers, or from the newest if the query says so.`,
		func(t *checkT) {
			roles := []rbac.Role{someRole("sales", 1), someRole("sales", 2)}
			members := []rbac.Member{someMember("ann", "sales"), someMember("ann", "support")}
			members[0].RoleName, members[1].RoleName = "Sales", "Support <é>"
			members[1].Suspended = true
			was := rbac.Member{User: "ann", Role: "sales", UpdatedAt: noon}
			events := someEvents(rbac.Revision{}, 12)
			for i, set := range []func(*rbac.Event){
				func(e *rbac.Event) { e.Kind, e.RoleAfter = rbac.RoleCreated, &roles[0] },
				func(e *rbac.Event) { e.Kind, e.RoleBefore, e.RoleAfter = rbac.RoleUpdated, &roles[0], &roles[1] },
				func(e *rbac.Event) { e.Kind, e.RoleBefore = rbac.RoleDeleted, &roles[1] },
				func(e *rbac.Event) {
					e.Kind, e.MemberBefore, e.MemberAfter = rbac.MemberAssigned, &members[0], &members[1]
				},
				func(e *rbac.Event) { e.Kind, e.MemberBefore, e.MemberAfter = rbac.MemberRemoved, &members[1], nil },
				func(e *rbac.Event) { e.Actor, e.Reason = "", "nightly import" },
				func(e *rbac.Event) { e.MemberAfter = nil },
				func(e *rbac.Event) { e.Hash = [32]byte{0: 0, 1: 255, 31: 0} },
				func(e *rbac.Event) { e.Form, e.MemberBefore, e.MemberAfter = 0, &was, &was },
				func(e *rbac.Event) { e.Via, e.Limited, e.Reason = "key \"nightly\" of ann", true, "ticket 4711" },
				func(e *rbac.Event) { e.Kind, e.Via = rbac.MemberMoved, "  an import  " },
				func(e *rbac.Event) { e.Form = math.MaxInt64 },
			} {
				set(&events[i])
			}
			t.update("w", func(tx rbac.Tx) error { return tx.AppendEvents(events...) })
			got := t.contents("w").Events
			t.equal(got, events, "events")
			for i := range min(len(got), len(events)) {
				if got[i].Hash != events[i].Hash {
					t.Errorf("event %d: got hash %x, want %x", i+1, got[i].Hash, events[i].Hash)
				}
			}
		},
	},
	{
		"the zero EventQuery selects all",
		`EventQuery selects events. The zero query selects all, oldest first.`,
		func(t *checkT) { t.testEvents(rbac.EventQuery{}) },
	},
	{
		"EventQuery.After begins behind a number",
		`only events with a greater sequence number`,
		func(t *checkT) {
			for _, after := range []int64{math.MinInt64, -1, 1, 2, 29, 30, 31, math.MaxInt64} {
				t.testEvents(rbac.EventQuery{After: after})
			}
		},
	},
	{
		"EventQuery.Before ends before a number",
		`only events with a smaller one, if not 0`,
		func(t *checkT) {
			for _, before := range []int64{math.MinInt64, -1, 1, 2, 30, 31, 32, math.MaxInt64} {
				t.testEvents(rbac.EventQuery{Before: before})
			}
		},
	},
	{
		"EventQuery.Newest begins with the newest",
		`newest first`,
		func(t *checkT) {
			t.testEvents(rbac.EventQuery{Newest: true}, rbac.EventQuery{Newest: true, Limit: 1}, rbac.EventQuery{Newest: true, Before: 12, Limit: 3})
		},
	},
	{
		"EventQuery.Limit bounds the number",
		`at most so many, if greater than 0`,
		func(t *checkT) {
			for _, limit := range []int{-1, 0, 1, 2, 29, 30, 31, 1 << 30} {
				t.testEvents(rbac.EventQuery{Limit: limit})
			}
		},
	},
	{
		"EventQuery.Kinds selects kinds",
		`only of these kinds, if not empty`,
		func(t *checkT) {
			for _, kinds := range [][]rbac.EventKind{
				nil, {}, {rbac.RoleUpdated}, {rbac.MemberAssigned, rbac.MemberMoved}, {rbac.RoleDeleted, "unknown", rbac.RoleDeleted},
				{"unknown"}, {"Role.Updated"}, {"role."}, {"role%", "member_moved"}, {""},
			} {
				t.testVaried(rbac.EventQuery{Kinds: kinds})
			}
		},
	},
	{
		"EventQuery.Role selects changes of a role and of its holders",
		`only changes of this role, and of who holds it, if not empty`,
		func(t *checkT) {
			for _, id := range []rbac.RoleID{"", "sales", "Sales", "support", "listed", "gone", "unknown", "ann", "sale", "sales ", "%"} {
				t.testVaried(rbac.EventQuery{Role: id})
			}
		},
	},
	{
		"EventQuery.User selects changes of a member",
		`only changes of this member, if not empty`,
		func(t *checkT) {
			for _, user := range []string{"", "ann", "Ann", "bob", "ada", "unknown", "sales", "an", "ann ", "a_n"} {
				t.testVaried(rbac.EventQuery{User: user})
			}
		},
	},
	{
		"EventQuery.Actor selects who made a change",
		`only changes that this user made, if not empty`,
		func(t *checkT) {
			for _, actor := range []string{"", "ada", "Ada", "ann", "%", "unknown", "ad", "import"} {
				t.testVaried(rbac.EventQuery{Actor: actor})
			}
		},
	},
	{
		"EventQuery.Since begins with a time",
		`only events of this time and later, if not zero`,
		func(t *checkT) {
			for _, at := range someTimes() {
				t.testVaried(rbac.EventQuery{Since: at})
			}
		},
	},
	{
		"EventQuery.Until ends before a time",
		`only events before this time, if not zero`,
		func(t *checkT) {
			for _, at := range someTimes() {
				t.testVaried(rbac.EventQuery{Until: at})
			}
		},
	},
	{
		"filters of an EventQuery combine with each other and with pages",
		`Events yields the events that the query selects, in the order of their sequence numbers, or from the newest if the query says so.`,
		func(t *checkT) {
			queries := []rbac.EventQuery{{}}
			also := func(change func(*rbac.EventQuery)) {
				for _, q := range queries {
					change(&q)
					queries = append(queries, q)
				}
			}
			also(func(q *rbac.EventQuery) { q.Kinds = []rbac.EventKind{rbac.MemberAssigned, rbac.RoleUpdated} })
			also(func(q *rbac.EventQuery) { q.Role = "sales" })
			also(func(q *rbac.EventQuery) { q.User = "ann" })
			also(func(q *rbac.EventQuery) { q.Actor = "ada" })
			also(func(q *rbac.EventQuery) { q.Since = noon.Add(10 * time.Second) })
			also(func(q *rbac.EventQuery) { q.Until = noon.Add(40 * time.Second) })
			also(func(q *rbac.EventQuery) { q.After = 7 })
			also(func(q *rbac.EventQuery) { q.Before = 48 })
			also(func(q *rbac.EventQuery) { q.Newest = true })
			also(func(q *rbac.EventQuery) { q.Limit = 2 })
			t.testVaried(queries...)
		},
	},
	{
		"pages of filtered events join without a gap",
		`only events with a greater sequence number`,
		func(t *checkT) {
			t.testVaried(rbac.EventQuery{})
			for size := 1; size <= 4; size++ {
				for _, newest := range []bool{false, true} {
					q := rbac.EventQuery{User: "ann", Newest: newest}
					want := selected(varied(), q)
					got := []rbac.Event{}
					t.view("w", func(r rbac.Reader) error {
						for q.Limit = size; ; {
							page, err := collect(r.Events(q))
							got = append(got, page...)
							if err != nil || len(page) < size || len(got) > len(want) {
								return err
							}
							if last := page[len(page)-1].Seq; newest {
								q.Before = last
							} else {
								q.After = last
							}
						}
					})
					t.equal(got, want, "all pages of %d events, newest first: %t", size, newest)
				}
			}
		},
	},
	{
		"the parts of an EventQuery combine",
		`Events yields the events that the query selects, in the order of their sequence numbers, or from the newest if the query says so.`,
		func(t *checkT) {
			var queries []rbac.EventQuery
			for _, after := range []int64{0, 1, 9, 10, 30, 99} {
				for _, before := range []int64{0, 1, 9, 10, 11, 30, 31, 99} {
					for _, limit := range []int{0, 1, 3, 99} {
						for _, newest := range []bool{false, true} {
							queries = append(queries, rbac.EventQuery{After: after, Before: before, Newest: newest, Limit: limit})
						}
					}
				}
			}
			t.testEvents(queries...)
		},
	},
}

// testRevision checks that View and Revisions tell the revision of the last
// of these events, and that these are all there are.
func (t *checkT) testRevision(workspace string, events []rbac.Event) {
	t.Helper()
	want := events[len(events)-1].Revision()
	c := t.contents(workspace)
	t.equal(c.Revision, revisionText(want), "Revision after event %d", want.Seq)
	t.equal(c.Events, events, "events after event %d", want.Seq)
	found, err := t.store.Revisions(t.ctx, []string{workspace})
	t.must(err, "Revisions")
	t.equal(revisionText(found[workspace]), revisionText(want), "Revisions after event %d", want.Seq)
}

// testEvents compares queries of 30 events with a filter that cannot be
// wrong.
func (t *checkT) testEvents(queries ...rbac.EventQuery) {
	t.Helper()
	t.testSelected(someEvents(rbac.Revision{}, 30), queries)
}

// testVaried is testEvents for events that differ in what a query filters by.
func (t *checkT) testVaried(queries ...rbac.EventQuery) {
	t.Helper()
	t.testSelected(varied(), queries)
}

func (t *checkT) testSelected(events []rbac.Event, queries []rbac.EventQuery) {
	t.Helper()
	t.update("w", func(tx rbac.Tx) error {
		if revision, err := tx.Revision(); err != nil || revision.Seq > 0 {
			return err
		}
		return tx.AppendEvents(events...)
	})
	t.view("w", func(r rbac.Reader) error {
		for _, q := range queries {
			got, err := collect(r.Events(q))
			t.is(err, nil, "Events(%#v)", q)
			t.equal(got, selected(events, q), "Events(%#v)", q)
			if t.Failed() {
				break // the others would say the same
			}
		}
		return nil
	})
}

// selected returns the events that a query selects.
func selected(events []rbac.Event, q rbac.EventQuery) []rbac.Event {
	found := []rbac.Event{}
	events = slices.Clone(events)
	if q.Newest {
		slices.Reverse(events)
	}
	for _, e := range events {
		var roles []rbac.RoleID
		var users []string
		for _, role := range []*rbac.Role{e.RoleBefore, e.RoleAfter} {
			if role != nil {
				roles = append(roles, role.ID)
			}
		}
		for _, member := range []*rbac.Member{e.MemberBefore, e.MemberAfter} {
			if member != nil {
				roles, users = append(roles, member.Role), append(users, member.User)
			}
		}
		switch {
		case e.Seq <= q.After, q.Before != 0 && e.Seq >= q.Before:
		case len(q.Kinds) > 0 && !slices.Contains(q.Kinds, e.Kind):
		case q.Role != "" && !slices.Contains(roles, q.Role):
		case q.User != "" && !slices.Contains(users, q.User):
		case q.Actor != "" && e.Actor != q.Actor:
		case !q.Since.IsZero() && e.Time.Before(q.Since):
		case !q.Until.IsZero() && !e.Time.Before(q.Until):
		case q.Limit > 0 && len(found) == q.Limit:
		default:
			found = append(found, e)
		}
	}
	return found
}

// varied returns 56 events of every kind, by several actors, of several roles
// and members. Their times do not rise with their numbers, as instances have
// clocks of their own.
func varied() []rbac.Event {
	events := someEvents(rbac.Revision{}, 56)
	for i := range events {
		e := &events[i]
		e.Actor = []string{"ada", "", "ann", "Ada", "%"}[i%5]
		if e.Actor == "" {
			e.Reason, e.Via = "import", "ada"
		}
		if i%2 == 0 {
			e.Form = 0
		}
		e.Time = noon.Add(time.Duration(i*17%56) * time.Second)
		role, other := someRole([]string{"sales", "support", "Sales"}[i%3], int64(i)), someRole("sales", int64(i))
		role.Assigns = []rbac.RoleID{"listed"}
		member := someMember([]string{"ann", "bob", "Ann"}[i/7%3], []string{"sales", "support", "gone"}[i%3])
		moved := member
		moved.Role = "Sales"
		e.MemberAfter = nil
		switch i % 7 {
		case 0:
			e.Kind, e.RoleAfter = rbac.RoleCreated, &role
		case 1:
			other.ID = role.ID
			e.Kind, e.RoleBefore, e.RoleAfter = rbac.RoleUpdated, &other, &role
		case 2:
			e.Kind, e.RoleBefore = rbac.RoleDeleted, &role
		case 3:
			e.Kind, e.MemberAfter = rbac.MemberAssigned, &member
		case 4:
			e.Kind, e.MemberBefore, e.MemberAfter = rbac.MemberAssigned, &member, &moved
		case 5:
			e.Kind, e.MemberBefore = rbac.MemberRemoved, &member
		case 6:
			e.Kind, e.MemberBefore, e.MemberAfter = rbac.MemberMoved, &member, &member
			if i%2 == 0 {
				renamed := member
				renamed.User = []string{"bob", "eve", "ann"}[i/7%3]
				e.Kind, e.MemberAfter = rbac.MemberRenamed, &renamed
			}
		}
	}
	return events
}

// someTimes returns times to ask for: those of events, between them, and far
// from them.
func someTimes() []time.Time {
	return []time.Time{
		{}, noon, noon.Add(time.Microsecond), noon.Add(-time.Microsecond), noon.Add(30 * time.Second), noon.Add(30*time.Second + time.Microsecond),
		noon.Add(55 * time.Second), noon.Add(time.Hour), noon.Add(20 * time.Second).In(time.FixedZone("east", 2*60*60)), noon.Add(20 * time.Second).Local(),
		time.Unix(0, 0), time.UnixMicro(-1), time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	}
}
