package storetest

import (
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

// errTest is an error that no store has ever seen.
var errTest = errors.New("storetest: an error of the function")

var viewChecks = []check{
	{
		"a View reads one state whatever others commit",
		`View calls fn with one consistent snapshot of a workspace: what fn reads is the state after the same committed Update, whatever others commit meanwhile.`,
		func(t *checkT) {
			t.fill("w")
			var other *job
			t.view("w", func(r rbac.Reader) error {
				first, err := read(r)
				if err != nil {
					return err
				}
				other = start(func() error {
					return t.try(t.ctx, "w", func(tx rbac.Tx) error {
						if err := tx.DeleteRole("support"); err != nil {
							return err
						}
						if err := tx.PutRole(someRole("sales", 2)); err != nil {
							return err
						}
						if err := tx.DeleteMembers("bob"); err != nil {
							return err
						}
						if err := tx.PutMembers(someMember("eve", "sales")); err != nil {
							return err
						}
						return appendSome(tx, 1)
					})
				})
				t.settle(other) // it may have to wait for the View
				second, err := read(r)
				if err != nil {
					return err
				}
				t.equal(first, filled(), "before another Update")
				t.equal(second, filled(), "in the same View, after another Update")
				_, err = r.Role("support")
				t.is(err, nil, "Role that another Update deleted")
				_, err = r.Member("eve")
				t.is(err, rbac.ErrMemberNotFound, "Member that another Update put")
				return nil
			})
			t.must(t.end(other, "Update while a View was open"), "Update while a View was open")
			if got := t.contents("w"); text(got) == text(filled()) {
				t.Errorf("a later View still reads the state before the Update")
			}
		},
	},
	{
		"a View never sees half an Update",
		`View calls fn with one consistent snapshot of a workspace: what fn reads is the state after the same committed Update, whatever others commit meanwhile.`,
		func(t *checkT) {
			const commits = 40
			put := func(tx rbac.Tx, n int64) error {
				if err := tx.PutRole(someRole("sales", n)); err != nil {
					return err
				}
				if err := tx.PutMembers(someMember("ann", fmt.Sprint(n)), someMember(fmt.Sprintf("user%03d", n), "sales")); err != nil {
					return err
				}
				return appendSome(tx, 1)
			}
			t.update("w", func(tx rbac.Tx) error { return put(tx, 1) })
			writer := start(func() error {
				for n := int64(2); n <= commits; n++ {
					if err := t.try(t.ctx, "w", func(tx rbac.Tx) error { return put(tx, n) }); err != nil {
						return err
					}
				}
				return nil
			})
			for last := int64(0); last < commits; {
				done := false
				select {
				case <-writer.done:
					t.must(writer.err, "Update")
					done = true
				default:
				}
				var c contents
				var revision rbac.Revision
				t.view("w", func(r rbac.Reader) (err error) {
					if revision, err = r.Revision(); err != nil {
						return err
					}
					c, err = read(r)
					return err
				})
				n := revision.Seq
				consistent := n >= last && c.Revision == revisionText(revision) && len(c.Roles) == 1 && c.Roles[0].Version == n &&
					len(c.Members) == int(n)+1 && c.Members[0].Role == rbac.RoleID(fmt.Sprint(n)) && len(c.Events) == int(n)
				if !consistent {
					t.Fatalf("a View saw a state that was never committed, or an older one than before: %s", shorten(text(c), 0))
				}
				if last = n; done && last < commits {
					t.Fatalf("after %d Updates a View saw the state after %d", commits, last)
				}
			}
			t.must(t.end(writer, "Updates"), "Update")
		},
	},
	{
		"View returns the error of its function",
		`It returns the error of fn as it is (errors.Is must find it).`,
		func(t *checkT) {
			for _, want := range []error{errTest, rbac.ErrRoleNotFound, fmt.Errorf("wrapped: %w", errTest), rbac.ErrDenied} {
				err := t.store.View(t.ctx, "w", func(rbac.Reader) error { return want })
				t.is(err, want, "View")
			}
		},
	},
}
