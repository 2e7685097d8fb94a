package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/areagate/rbac"
)

var updateChecks = []check{
	{
		"an Update commits all its writes before it returns",
		`If fn returns nil, all its writes are committed together before Update returns.`,
		func(t *checkT) {
			t.fill("w")
			t.equal(t.contents("w"), filled(), "after an Update")
			t.update("w", changeAll)
			t.equal(t.contents("w"), changed(), "after another Update")
		},
	},
	{
		"an Update sees its own writes at once",
		`Within an Update it sees the Update's own writes.`,
		func(t *checkT) {
			t.fill("w")
			t.update("w", func(tx rbac.Tx) error { return t.testOwnWrites(tx) })
		},
	},
	{
		"an Update is seen by others only when it commits",
		`Writes are visible to its own reads at once and to others when the Update commits.`,
		func(t *checkT) {
			t.fill("w")
			var during contents
			var revisions map[string]rbac.Revision
			var view, poll *job
			viewed, polled := false, false
			t.update("w", func(tx rbac.Tx) error {
				if err := changeAll(tx); err != nil || view != nil {
					return err
				}
				view = start(func() error {
					return t.store.View(t.ctx, "w", func(r rbac.Reader) (err error) {
						during, err = read(r)
						return err
					})
				})
				viewed = t.settle(view) // it may have to wait for the Update
				poll = start(func() (err error) {
					revisions, err = t.store.Revisions(t.ctx, []string{"w"})
					return err
				})
				polled = t.settle(poll)
				return nil
			})
			t.must(t.end(view, "View"), "View during an Update")
			t.must(t.end(poll, "Revisions"), "Revisions during an Update")
			if viewed || text(during) != text(changed()) {
				t.equal(during, filled(), "a View during an Update")
			}
			if got := revisionText(revisions["w"]); polled || got != changed().Revision {
				t.equal(got, filled().Revision, "Revisions during an Update")
			}
			t.equal(t.contents("w"), changed(), "after the Update")
		},
	},
	{
		"Updates of a workspace are serial",
		`Update calls fn with a transaction that is serial with every other Update of the workspace: fn sees all that was committed before, and nothing else commits until it ends.`,
		func(t *checkT) {
			t.fill("w")
			var other *job
			t.update("w", func(tx rbac.Tx) error {
				first, err := read(tx)
				if err != nil {
					return err
				}
				if other == nil {
					other = start(func() error {
						return t.try(t.ctx, "w", func(tx rbac.Tx) error {
							role, err := tx.Role("sales")
							if err != nil {
								return err
							}
							if err := tx.PutRole(someRole("sales", role.Version+10)); err != nil {
								return err
							}
							return appendSome(tx, 1)
						})
					})
					t.settle(other) // it should wait for this Update
				}
				second, err := read(tx)
				if err != nil {
					return err
				}
				if text(first) != text(second) {
					return fmt.Errorf("another Update committed meanwhile: got %s, want %s", text(second), text(first))
				}
				role, err := tx.Role("sales")
				if err != nil {
					return err
				}
				if err := tx.PutRole(someRole("sales", role.Version+100)); err != nil {
					return err
				}
				return appendSome(tx, 1)
			})
			t.must(t.end(other, "the other Update"), "the other Update")
			got := t.contents("w")
			t.equal(got.Roles[0], someRole("sales", 111), "the role after both Updates")
			t.equal(len(got.Events), 5, "the number of events after both Updates")
		},
	},
	{
		"concurrent Updates lose nothing",
		`If the transaction could not be made because of another one, Update leaves nothing behind and returns an error that is ErrContention; the library then calls Update again.`,
		func(t *checkT) {
			const workers, rounds = 5, 8
			jobs := make([]*job, workers)
			for i := range jobs {
				jobs[i] = start(func() error {
					for range rounds {
						if err := t.try(t.ctx, "w", countUp); err != nil {
							return err
						}
					}
					return nil
				})
			}
			for _, j := range jobs {
				t.must(t.end(j, "concurrent Updates"), "Update")
			}
			const total = workers * rounds
			got := t.contents("w")
			t.equal(got.Roles, []rbac.Role{someRole("counter", total)}, "the counter after %d Updates", total)
			t.equal(got.Events, someEvents(rbac.Revision{}, total), "the events after %d Updates", total)
		},
	},
	{
		"all methods are safe for concurrent use",
		`Concurrency: all methods are safe for concurrent use.`,
		func(t *checkT) {
			const rounds = 8
			workspaces := []string{"a", "b", "c"}
			var jobs []*job
			for _, workspace := range workspaces {
				for range 2 {
					jobs = append(jobs, start(func() error {
						for range rounds {
							err1 := t.try(t.ctx, workspace, countUp)
							err2 := t.store.View(t.ctx, workspace, func(r rbac.Reader) error {
								_, err := read(r)
								return err
							})
							_, err3 := t.store.Revisions(t.ctx, workspaces)
							if err := errors.Join(err1, err2, err3); err != nil {
								return err
							}
						}
						return nil
					}))
				}
			}
			for _, j := range jobs {
				t.must(t.end(j, "concurrent calls"), "concurrent calls")
			}
			for _, workspace := range workspaces {
				t.equal(t.contents(workspace).Roles, []rbac.Role{someRole("counter", 2*rounds)}, "the counter of workspace %s", workspace)
			}
		},
	},
	{
		"an Update whose function fails leaves nothing behind",
		`If fn returns an error or panics, none is, and the error is returned as it is.`,
		func(t *checkT) {
			for _, want := range []error{errTest, fmt.Errorf("wrapped: %w", errTest), rbac.ErrLastAdministrator, context.Canceled} {
				err := t.try(t.ctx, "new", func(tx rbac.Tx) error { return errors.Join(fillTx(tx), want) })
				t.is(err, want, "Update")
			}
			t.equal(t.contents("new"), nothing(), "a new workspace, after an Update that failed")

			t.fill("w")
			err := t.try(t.ctx, "w", func(tx rbac.Tx) error { return errors.Join(changeAll(tx), errTest) })
			t.is(err, errTest, "Update")
			t.equal(t.contents("w"), filled(), "after an Update that failed")
			t.update("w", changeAll)
			t.equal(t.contents("w"), changed(), "after an Update that succeeded after one that failed")
		},
	},
	{
		"an Update whose function panics leaves nothing behind",
		`If fn returns an error or panics, none is, and the error is returned as it is.`,
		func(t *checkT) {
			t.fill("w")
			for _, workspace := range []string{"w", "new"} {
				panics := func(tx rbac.Tx) error {
					if err := errors.Join(tx.PutMembers(someMember("eve", "sales")), tx.DeleteRole("sales"), appendSome(tx, 1)); err != nil {
						return err
					}
					panic(errTest.Error())
				}
				j := start(func() (err error) {
					defer func() {
						if p := recover(); p != nil {
							err = errTest
						}
					}()
					return t.store.Update(t.ctx, workspace, panics)
				})
				if err := t.end(j, "an Update that panics"); err == nil {
					t.Errorf("an Update whose function panicked returned nil")
				}
			}
			t.equal(t.contents("w"), filled(), "after an Update that panicked")
			t.equal(t.contents("new"), nothing(), "a new workspace, after an Update that panicked")
			next := start(func() error { return t.try(t.ctx, "w", changeAll) })
			t.must(t.end(next, "an Update after one that panicked"), "an Update after one that panicked")
			t.equal(t.contents("w"), changed(), "after an Update that succeeded after one that panicked")
		},
	},
	{
		"an Update holds ten thousand writes",
		`If fn returns nil, all its writes are committed together before Update returns.`,
		func(t *checkT) {
			t.testBulk("small", 1000) // which tells how long the other may take
			t.testBulk("w", 10_000)
		},
	},
}

// countUp adds 1 to the version of the role counter, and an event.
func countUp(tx rbac.Tx) error {
	role, err := tx.Role("counter")
	if err != nil && !errors.Is(err, rbac.ErrRoleNotFound) {
		return err
	}
	time.Sleep(time.Millisecond) // gives others time to do wrong
	if err := tx.PutRole(someRole("counter", role.Version+1)); err != nil {
		return err
	}
	return appendSome(tx, 1)
}
