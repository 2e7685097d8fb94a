package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/areagate/rbac"
)

const contextSentence = `Context: every method returns soon after its context is done, with an error that is the context's.`

var contextChecks = []check{
	{
		"a context that is done beforehand is an error",
		contextSentence,
		func(t *checkT) {
			t.fill("w")
			cancelled, cancel := context.WithCancel(t.ctx)
			cancel()
			late, cancel := context.WithDeadline(t.ctx, time.Now().Add(-time.Second))
			defer cancel()
			for _, ctx := range []context.Context{cancelled, late} {
				err := t.store.View(ctx, "w", func(r rbac.Reader) error {
					_, err := r.Revision()
					return err
				})
				t.is(err, ctx.Err(), "View")
				t.is(t.store.Update(ctx, "w", changeAll), ctx.Err(), "Update")
				_, err = t.store.Revisions(ctx, []string{"w"})
				t.is(err, ctx.Err(), "Revisions")
				_, err = t.store.Workspaces(ctx, rbac.WorkspaceQuery{})
				t.is(err, ctx.Err(), "Workspaces")
			}
			t.equal(t.contents("w"), filled(), "after an Update whose context was done")
		},
	},
	{
		"an Update whose context ends is not committed",
		contextSentence,
		func(t *checkT) {
			t.fill("w")
			ctx, cancel := context.WithCancel(t.ctx)
			defer cancel()
			err := t.try(ctx, "w", func(tx rbac.Tx) error {
				if err := changeAll(tx); err != nil {
					return err
				}
				cancel()
				return nil
			})
			t.is(err, context.Canceled, "Update whose context was cancelled before its function returned nil")
			t.equal(t.contents("w"), filled(), "after an Update whose context was cancelled")
			t.update("w", changeAll)
			t.equal(t.contents("w"), changed(), "after the next Update")
		},
	},
	{
		"an Update that waits ends with its context",
		contextSentence,
		func(t *checkT) {
			t.fill("w")
			ctx, cancel := context.WithCancel(t.ctx)
			defer cancel()
			entered, release := make(chan struct{}), make(chan struct{})
			first := start(func() error {
				once := false
				return t.try(t.ctx, "w", func(tx rbac.Tx) error {
					if !once {
						once = true
						close(entered)
						<-release
					}
					return changeAll(tx)
				})
			})
			select {
			case <-entered:
			case <-first.done:
				t.Fatalf("Update: got error %v before it called its function", first.err)
			}
			second := start(func() error {
				return t.store.Update(ctx, "w", func(tx rbac.Tx) error {
					<-ctx.Done() // for a store that does not make it wait
					return tx.PutMembers(someMember("late", "sales"))
				})
			})
			t.settle(second) // so that it waits
			cancel()
			select {
			case <-second.done:
				if !errors.Is(second.err, rbac.ErrContention) {
					t.is(second.err, context.Canceled, "Update that waited for another")
				}
			case <-time.After(t.patience):
				t.Errorf("an Update that waited for another did not end within %v after its context", t.patience)
			}
			close(release)
			t.must(t.end(first, "the Update that was waited for"), "the Update that was waited for")
			_ = t.end(second, "the Update that waited")
			t.equal(t.contents("w"), changed(), "after both")
		},
	},
	{
		"Reader and Tx use the context of View and Update",
		`The methods of Reader and Tx use the context that was given to View or Update.`,
		func(t *checkT) {
			t.fill("w")
			ctx, cancel := context.WithCancel(t.ctx)
			defer cancel()
			err := t.store.View(ctx, "w", func(r rbac.Reader) error {
				if _, err := read(r); err != nil {
					return err
				}
				cancel()
				t.testEndedReader(r)
				_, err := r.Revision()
				return err
			})
			t.is(err, context.Canceled, "View")

			ctx, cancel = context.WithCancel(t.ctx)
			defer cancel()
			err = t.try(ctx, "w", func(tx rbac.Tx) error {
				if _, err := read(tx); err != nil {
					return err
				}
				cancel()
				t.testEndedReader(tx)
				t.is(tx.PutRole(someRole("sales", 2)), context.Canceled, "PutRole")
				t.is(tx.DeleteRole("sales"), context.Canceled, "DeleteRole")
				t.is(tx.PutMembers(someMember("eve", "sales")), context.Canceled, "PutMembers")
				t.is(tx.DeleteMembers("ann"), context.Canceled, "DeleteMembers")
				t.is(tx.Clear(), context.Canceled, "Clear")
				err := tx.AppendEvents(someEvents(rbac.Revision{Seq: 3}, 1)...)
				t.is(err, context.Canceled, "AppendEvents")
				return err
			})
			t.is(err, context.Canceled, "Update")
			t.equal(t.contents("w"), filled(), "after an Update whose context was cancelled")
		},
	},
	{
		"an iterator yields an error once and ends",
		`It yields an error at most once, with the zero value, and then ends; only an error that is ErrMalformed concerns just one row, comes with the id of that row, and does not end the iteration.`,
		func(t *checkT) {
			const n = 2000
			t.update("w", func(tx rbac.Tx) error {
				for i := range n {
					if err := tx.PutMembers(someMember(fmt.Sprintf("user%05d", i), "sales")); err != nil {
						return err
					}
				}
				return errors.Join(tx.PutRole(someRole("sales", 1)), appendSome(tx, n))
			})
			for after := range 2 {
				testBreaking(t, "Roles", after, func(r rbac.Reader) iter.Seq2[rbac.Role, error] { return r.Roles() })
				testBreaking(t, "Members", after, func(r rbac.Reader) iter.Seq2[rbac.Member, error] { return r.Members(rbac.MemberQuery{}) })
				testBreaking(t, "Events", after, func(r rbac.Reader) iter.Seq2[rbac.Event, error] { return r.Events(rbac.EventQuery{}) })
			}
		},
	},
}

// testEndedReader checks the reads of a Reader whose context was cancelled.
func (t *checkT) testEndedReader(r rbac.Reader) {
	t.Helper()
	_, err := r.Revision()
	t.is(err, context.Canceled, "Revision")
	_, err = r.Role("sales")
	t.is(err, context.Canceled, "Role")
	_, err = collect(r.Roles())
	t.is(err, context.Canceled, "Roles")
	_, err = r.Member("ann")
	t.is(err, context.Canceled, "Member")
	_, err = collect(r.Members(rbac.MemberQuery{}))
	t.is(err, context.Canceled, "Members")
	_, err = r.Holders()
	t.is(err, context.Canceled, "Holders")
	_, err = collect(r.Events(rbac.EventQuery{}))
	t.is(err, context.Canceled, "Events")
}

// testBreaking cancels the context after so many values of an iterator, and
// ranges on. The iterator may end as if nothing had happened if it had read
// ahead, but not when it had not begun.
func testBreaking[V any](t *checkT, what string, after int, all func(rbac.Reader) iter.Seq2[V, error]) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	failed := false
	err := t.store.View(ctx, "w", func(r rbac.Reader) error {
		if after == 0 {
			cancel()
		}
		n := 0
		for v, err := range all(r) {
			if failed {
				t.Errorf("%s: the iterator went on after an error", what)
			}
			if err != nil {
				failed = true
				var zero V
				t.is(err, context.Canceled, "%s", what)
				t.equal(v, zero, "%s: the value beside the error", what)
			}
			if n++; n == after {
				cancel()
			}
		}
		return ctx.Err()
	})
	t.is(err, context.Canceled, "View")
	if after == 0 && !failed {
		t.Errorf("%s: the iterator yielded no error though the context was cancelled", what)
	}
}
