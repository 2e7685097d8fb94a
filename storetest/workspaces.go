package storetest

import (
	"fmt"
	"slices"

	"github.com/areagate/rbac"
)

var workspaceChecks = []check{
	{
		"a workspace needs no creation",
		`Workspaces: a workspace needs no creation. One that was never written reads as empty, with the zero Revision.`,
		func(t *checkT) {
			t.equal(t.contents("new"), nothing(), "a workspace that was never written")
			var inside contents
			t.update("new", func(tx rbac.Tx) (err error) {
				inside, err = read(tx)
				return err
			})
			t.equal(inside, nothing(), "inside an Update of a workspace that was never written")
			t.equal(t.contents("new"), nothing(), "after an Update that wrote nothing")
		},
	},
	{
		"the id of a workspace is any string",
		`The id is a string of up to 255 bytes, the empty one included.`,
		func(t *checkT) {
			ids := append(strangeIDs(), "")
			for i, id := range ids {
				t.update(id, func(tx rbac.Tx) error {
					if err := tx.PutRole(someRole("sales", int64(i))); err != nil {
						return err
					}
					if err := tx.PutMembers(someMember(fmt.Sprint("user", i), "sales")); err != nil {
						return err
					}
					return appendSome(tx, i%7)
				})
			}
			for i, id := range ids {
				events := someEvents(rbac.Revision{}, i%7)
				var revision rbac.Revision
				if len(events) > 0 {
					revision = events[len(events)-1].Revision()
				}
				want := contents{
					revisionText(revision),
					[]rbac.Role{someRole("sales", int64(i))},
					[]rbac.Member{someMember(fmt.Sprint("user", i), "sales")},
					events,
				}
				t.equal(t.contents(id), want, "workspace %q", id)
				found, err := t.store.Revisions(t.ctx, []string{id})
				t.must(err, "Revisions of workspace %q", id)
				t.equal(revisionText(found[id]), revisionText(revision), "Revisions of workspace %q", id)
			}
		},
	},
	{
		"workspaces do not affect each other",
		`Transactions of different workspaces do not affect, and should not wait for, each other.`,
		func(t *checkT) {
			t.fill("a")
			t.fill("b")
			t.update("a", func(tx rbac.Tx) error {
				if err := tx.DeleteRole("sales"); err != nil {
					return err
				}
				if err := tx.PutRole(someRole("support", 2)); err != nil {
					return err
				}
				if err := tx.DeleteMembers("ann"); err != nil {
					return err
				}
				if err := tx.PutMembers(someMember("bob", "sales"), someMember("eve", "sales")); err != nil {
					return err
				}
				return appendSome(tx, 2)
			})
			t.equal(t.contents("b"), filled(), "workspace b, after its ids were changed in workspace a")
		},
	},
	{
		"workspaces should not wait for each other",
		`Transactions of different workspaces do not affect, and should not wait for, each other.`,
		func(t *checkT) {
			var b *job
			waited := false
			t.update("a", func(tx rbac.Tx) error {
				if b == nil {
					b = start(func() error { return t.try(t.ctx, "b", fillTx) })
					waited = !t.settle(b)
				}
				return fillTx(tx)
			})
			t.must(t.end(b, "Update of workspace b"), "Update of workspace b")
			t.equal(t.contents("a"), filled(), "workspace a")
			t.equal(t.contents("b"), filled(), "workspace b")
			if waited {
				t.Skip("an Update of one workspace waits for an Update of another: allowed, but the contract says should not")
			}
		},
	},
}

var revisionChecks = []check{
	{
		"Revisions tells the newest of each workspace",
		`Revisions returns the newest committed revision of each workspace named, in one round trip.`,
		func(t *checkT) {
			names := []string{}
			want := map[string]rbac.Revision{}
			for i := range 60 {
				name := fmt.Sprint("w", i)
				names = append(names, name)
				events := someEvents(rbac.Revision{}, i%5+1)
				t.update(name, func(tx rbac.Tx) error { return tx.AppendEvents(events...) })
				want[name] = events[len(events)-1].Revision()
			}
			t.testRevisions(names, want)
			t.testRevisions(names[10:20], want)
			t.testRevisions([]string{"w1", "w2", "w1"}, want)
			t.testRevisions(nil, want)
			t.testRevisions([]string{}, want)
			for i := range 20_000 {
				names = append(names, fmt.Sprint("unknown", i))
			}
			t.testRevisions(names, want)
		},
	},
	{
		"Revisions of a workspace that was never written",
		`A workspace that was never written is missing from the map or has the zero Revision.`,
		func(t *checkT) {
			t.fill("w")
			t.update("without events", func(tx rbac.Tx) error { return tx.PutMembers(someMember("ann", "sales")) })
			err := t.try(t.ctx, "failed", func(tx rbac.Tx) error {
				_ = fillTx(tx)
				return errTest
			})
			t.is(err, errTest, "Update")
			want := map[string]rbac.Revision{"w": someEvents(rbac.Revision{}, 3)[2].Revision()}
			t.testRevisions([]string{"unknown", "w", "W", "", "without events", "failed"}, want)
		},
	},
}

// testRevisions asks for the revisions of workspaces, all but those in want
// being zero.
func (t *checkT) testRevisions(names []string, want map[string]rbac.Revision) {
	t.Helper()
	found, err := t.store.Revisions(t.ctx, names)
	t.must(err, "Revisions of %d workspaces", len(names))
	for _, name := range names {
		if found[name] != want[name] {
			t.Errorf("Revisions: got %s for workspace %q, want %s", revisionText(found[name]), name, revisionText(want[name]))
		}
	}
	for name := range found {
		if !slices.Contains(names, name) {
			t.Errorf("Revisions: got workspace %q, which was not named", name)
		}
	}
}
