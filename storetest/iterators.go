package storetest

import (
	"iter"

	"github.com/areagate/rbac"
)

const iteratorSentence = `An iterator may be left early and may be ranged over more than once.`

var iteratorChecks = []check{
	{
		"an iterator may be left early",
		iteratorSentence,
		func(t *checkT) {
			t.fill("w")
			leave := func(r rbac.Reader) {
				for range 20 {
					testFirst(t, "Roles", r.Roles(), filled().Roles[0])
					testFirst(t, "Members", r.Members(rbac.MemberQuery{}), filled().Members[0])
					testFirst(t, "Members with Users", r.Members(rbac.MemberQuery{Users: []string{"bob", "ann"}}), filled().Members[0])
					testFirst(t, "Events", r.Events(rbac.EventQuery{}), filled().Events[0])
					testFirst(t, "Events from the newest", r.Events(rbac.EventQuery{Newest: true}), filled().Events[2])
				}
			}
			t.view("w", func(r rbac.Reader) error {
				leave(r)
				return nil
			})
			t.update("w", func(tx rbac.Tx) error {
				leave(tx)
				return changeAll(tx)
			})
			t.equal(t.contents("w"), changed(), "after an Update that left iterators early")
		},
	},
	{
		"an iterator may be ranged over more than once",
		iteratorSentence,
		func(t *checkT) {
			t.fill("w")
			t.view("w", func(r rbac.Reader) error {
				testTwice(t, "Roles", r.Roles(), filled().Roles)
				testTwice(t, "Members", r.Members(rbac.MemberQuery{}), filled().Members)
				testTwice(t, "Members with Users", r.Members(rbac.MemberQuery{Users: []string{"bob", "ann"}, Limit: 2}), filled().Members)
				testTwice(t, "Events", r.Events(rbac.EventQuery{}), filled().Events)
				testTwice(t, "Events with Limit", r.Events(rbac.EventQuery{Limit: 2}), filled().Events[:2])
				testTwice(t, "Members with Team", r.Members(rbac.MemberQuery{Team: "north"}), filled().Members[:1])
				testTwice(t, "Events with Role and User", r.Events(rbac.EventQuery{Role: "sales", User: "user2"}), filled().Events[1:2])
				return nil
			})
		},
	},
}

func testFirst[V any](t *checkT, what string, all iter.Seq2[V, error], want V) {
	t.Helper()
	for v, err := range all {
		t.is(err, nil, "%s", what)
		t.equal(v, want, "%s: the first value", what)
		return
	}
	t.Errorf("%s: got nothing", what)
}

func testTwice[V any](t *checkT, what string, all iter.Seq2[V, error], want []V) {
	t.Helper()
	for range all {
		break
	}
	for _, time := range []string{"first", "second"} {
		got, err := collect(all)
		t.is(err, nil, "%s", what)
		t.equal(got, want, "%s: the %s time", what, time)
	}
}
