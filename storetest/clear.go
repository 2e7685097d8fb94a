package storetest

import (
	"errors"

	"github.com/areagate/rbac"
)

const clearSentence = `Clear removes the roles, the members, the events and the Revision, so that the workspace reads as one that was never written.`

var clearChecks = []check{
	{
		"Clear leaves nothing",
		clearSentence,
		func(t *checkT) {
			t.fill("w")
			t.fill("other")
			t.update("w", func(tx rbac.Tx) error {
				if err := errors.Join(changeAll(tx), tx.Clear()); err != nil {
					return err
				}
				return t.testCleared(tx, "inside the Update, after Clear")
			})
			t.view("w", func(r rbac.Reader) error { return t.testCleared(r, "after Clear") })
			t.testRevisions([]string{"w"}, nil)
			t.equal(t.contents("other"), filled(), "another workspace, after Clear")
			t.update("w", fillTx)
			t.equal(t.contents("w"), filled(), "a workspace that was written again after Clear")
			t.update("new", rbac.Tx.Clear)
			t.equal(t.contents("new"), nothing(), "a new workspace, after Clear")
		},
	},
	{
		"what is written behind Clear stays",
		`What is written behind it in the same Update stays, and begins at the zero Revision.`,
		func(t *checkT) {
			t.fill("w")
			t.update("w", func(tx rbac.Tx) error {
				if err := errors.Join(tx.Clear(), fillTx(tx)); err != nil {
					return err
				}
				got, err := read(tx)
				t.equal(got, filled(), "inside the Update")
				return err
			})
			t.equal(t.contents("w"), filled(), "after the Update")
			t.update("w", func(tx rbac.Tx) error {
				return errors.Join(tx.Clear(), tx.Clear(), tx.PutMembers(someMember("eve", "sales")))
			})
			want := nothing()
			want.Members = []rbac.Member{someMember("eve", "sales")}
			t.equal(t.contents("w"), want, "after one member was put behind Clear")
		},
	},
	{
		"Clear is rolled back",
		`If fn returns an error or panics, none is, and the error is returned as it is.`,
		func(t *checkT) {
			t.fill("w")
			t.is(t.try(t.ctx, "w", func(tx rbac.Tx) error { return errors.Join(tx.Clear(), errTest) }), errTest, "Update")
			t.equal(t.contents("w"), filled(), "after an Update that failed behind Clear")
			t.is(t.try(t.ctx, "w", func(tx rbac.Tx) error {
				return errors.Join(tx.Clear(), tx.PutRole(someRole("new", 1)), appendSome(tx, 1), errTest)
			}), errTest, "Update")
			t.equal(t.contents("w"), filled(), "after an Update that failed behind Clear and writes")
			t.update("w", changeAll)
			t.equal(t.contents("w"), changed(), "after the next Update")
		},
	},
	{
		"Updates that wait for Clear find nothing",
		`Update calls fn with a transaction that is serial with every other Update of the workspace: fn sees all that was committed before, and nothing else commits until it ends.`,
		func(t *checkT) {
			t.fill("w")
			var others []*job
			t.update("w", func(tx rbac.Tx) error {
				for len(others) < 3 {
					others = append(others, start(func() error { return t.try(t.ctx, "w", countUp) }))
				}
				t.settle(others[0]) // they should wait for this Update
				return tx.Clear()
			})
			for _, other := range others {
				t.must(t.end(other, "an Update that waited"), "an Update that waited")
			}
			got := t.contents("w")
			t.equal(got.Roles, []rbac.Role{someRole("counter", 3)}, "the roles after Clear and three Updates that waited for it")
			t.equal(got.Events, someEvents(rbac.Revision{}, 3), "the events")
		},
	},
}

// testCleared checks every question about a workspace that was cleared.
func (t *checkT) testCleared(r rbac.Reader, when string) error {
	t.Helper()
	got, err := read(r)
	t.equal(got, nothing(), "%s", when)
	holders, err2 := r.Holders()
	t.equal(len(holders), 0, "the number of roles that are held, %s", when)
	_, missing := r.Role("sales")
	t.is(missing, rbac.ErrRoleNotFound, "Role, %s", when)
	_, missing = r.Member("ann")
	t.is(missing, rbac.ErrMemberNotFound, "Member, %s", when)
	return errors.Join(err, err2)
}
