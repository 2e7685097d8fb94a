package storetest

import (
	"math"
	"slices"

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
			members[1].Suspended = true
			events := someEvents(rbac.Revision{}, 8)
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
	events := someEvents(rbac.Revision{}, 30)
	t.update("w", func(tx rbac.Tx) error {
		if revision, err := tx.Revision(); err != nil || revision.Seq > 0 {
			return err
		}
		return tx.AppendEvents(events...)
	})
	newest := slices.Clone(events)
	slices.Reverse(newest)
	t.view("w", func(r rbac.Reader) error {
		for _, q := range queries {
			want, from := []rbac.Event{}, events
			if q.Newest {
				from = newest
			}
			for _, e := range from {
				if e.Seq > q.After && (q.Before == 0 || e.Seq < q.Before) && (q.Limit <= 0 || len(want) < q.Limit) {
					want = append(want, e)
				}
			}
			got, err := collect(r.Events(q))
			t.is(err, nil, "Events(%#v)", q)
			t.equal(got, want, "Events(%#v)", q)
			if t.Failed() {
				break // the others would say the same
			}
		}
		return nil
	})
}
