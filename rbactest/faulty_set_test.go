package rbactest_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// A fault of one's own is put in place of each call, and taken away again.
func TestFaultySet(t *testing.T) {
	t.Parallel()
	for _, op := range allOps {
		t.Run(op.String(), func(t *testing.T) {
			t.Parallel()
			store, faults := rbactest.Faulty(rbac.NewMemStore())
			called := 0
			faults.Set(func(_ context.Context, call func(error) error) error {
				called++
				return errors.Join(call(nil), errBoom)
			}, op)
			did, _, err := tryOp(t.Context(), store, op)
			if !did || called != 1 || !errors.Is(err, errBoom) && op != rbactest.OpNotify {
				t.Errorf("done %t, called %d times, error %v", did, called, err)
			}
			faults.Panic("first", op)
			if did, p, _ := tryOp(t.Context(), store, op); did || p != "first" || called != 1 {
				t.Errorf("done %t, panic %v, called %d times: a panic comes first", did, p, called)
			}
			faults.Heal(op)
			works(t, store, op)
			faults.Set(func(context.Context, func(error) error) error { return errBoom }, op)
			failsBy(t, store, op, errBoom)
			faults.Set(nil, op)
			works(t, store, op)
		})
	}
}

// With an error the call is made up to its last moment, and rolled back.
func TestFaultySetRollsBack(t *testing.T) {
	t.Parallel()
	inner := rbac.NewMemStore()
	store, faults := rbactest.Faulty(inner)
	faults.Set(func(_ context.Context, call func(error) error) error { return call(errBoom) })
	for _, op := range []rbactest.Op{rbactest.OpView, rbactest.OpUpdate, rbactest.OpRevisions} {
		if did, _, err := tryOp(t.Context(), store, op); !did || !errors.Is(err, errBoom) {
			t.Errorf("%v: done %t, error %v", op, did, err)
		}
	}
	put := func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "ann", Role: "x"}) }
	if err := store.Update(t.Context(), "w", put); !errors.Is(err, errBoom) {
		t.Errorf("Update: %v", err)
	}
	shows(t, inner, "w", 0)
}

// A Notify that listens begins again with the fault, and without it.
func TestFaultySetCutsListeners(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, faults := rbactest.Faulty(rbac.NewMemStore())
		h := listenTo(t, store)
		synctest.Wait()
		blocked := 0
		faults.Set(func(ctx context.Context, _ func(error) error) error {
			blocked++
			<-ctx.Done()
			return ctx.Err()
		}, rbactest.OpNotify)
		synctest.Wait()
		touch(t, store, "unheard")
		synctest.Wait()
		faults.Hint("hinted")
		faults.Heal()
		synctest.Wait()
		touch(t, store, "heard")
		synctest.Wait()
		if got := h.heard(); blocked != 1 || got != "<><hinted><><heard>" {
			t.Errorf("blocked %d times, heard %q", blocked, got)
		}
		if faults.Calls(rbactest.OpNotify) != 1 {
			t.Errorf("%d calls of Notify", faults.Calls(rbactest.OpNotify))
		}
	})
}

// emptyReader has no members, and brokenTx takes none.
type emptyReader struct{ rbac.Reader }

func (emptyReader) Members(rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	return func(func(rbac.Member, error) bool) {}
}

type brokenTx struct{ rbac.Tx }

func (brokenTx) PutMembers(...rbac.Member) error { return errBoom }

// What transactions read from and write to can be wrapped, in some workspaces
// or in all.
func TestFaultyWrap(t *testing.T) {
	t.Parallel()
	store, faults := rbactest.Faulty(rbac.NewMemStore())
	for _, workspace := range []string{"good", "bad"} {
		touch(t, store, workspace)
	}
	members := func(workspace string) (n int) {
		if err := store.View(t.Context(), workspace, func(r rbac.Reader) error {
			for range r.Members(rbac.MemberQuery{}) {
				n++
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		return n
	}
	put := func(workspace string) error {
		return store.Update(t.Context(), workspace, func(tx rbac.Tx) error { return tx.PutMembers(rbac.Member{User: "bob", Role: "x"}) })
	}
	faults.WrapReader(func(r rbac.Reader) rbac.Reader { return emptyReader{r} })
	faults.WrapTx(func(tx rbac.Tx) rbac.Tx { return brokenTx{tx} })
	faults.Only("bad")
	if err := put("bad"); members("bad") != 0 || !errors.Is(err, errBoom) {
		t.Errorf("bad: %d members, error %v", members("bad"), err)
	}
	if err := put("good"); members("good") == 0 || err != nil {
		t.Errorf("good: %d members, error %v", members("good"), err)
	}
	faults.Only()
	if err := put("good"); members("good") != 0 || !errors.Is(err, errBoom) {
		t.Errorf("all: %d members, error %v", members("good"), err)
	}
	faults.Heal(rbactest.OpView)
	if err := put("bad"); members("bad") == 0 || !errors.Is(err, errBoom) {
		t.Errorf("healed View: %d members, error %v", members("bad"), err)
	}
	faults.Heal(rbactest.OpUpdate)
	if err := put("bad"); err != nil {
		t.Errorf("healed: %v", err)
	}
}

// Only is about every fault of View and Update, and about no other operation.
func TestFaultyOnly(t *testing.T) {
	t.Parallel()
	store, faults := rbactest.Faulty(rbac.NewMemStore())
	faults.Only("other")
	faults.Fail(errBoom)
	works(t, store, rbactest.OpView)
	works(t, store, rbactest.OpUpdate)
	failsBy(t, store, rbactest.OpRevisions, errBoom)
	faults.Only("other", "w")
	failsBy(t, store, rbactest.OpView, errBoom)
	failsBy(t, store, rbactest.OpUpdate, errBoom)
	faults.Heal()
	faults.Only("other")
	faults.LoseCommits(true)
	works(t, store, rbactest.OpUpdate)
}

// Another store behind is another history.
func TestFaultyReplace(t *testing.T) {
	t.Parallel()
	store, faults := rbactest.Faulty(rbac.NewMemStore())
	touch(t, store, "w")
	shows(t, store, "w", 1)
	faults.Replace(rbac.NewMemStore())
	shows(t, store, "w", 0)
	if calls := faults.Calls(rbactest.OpView); calls != 2 {
		t.Errorf("%d calls of View", calls)
	}
	faults.ResetCalls()
	if calls := faults.Calls(rbactest.OpView); calls != 0 {
		t.Errorf("%d calls of View after ResetCalls", calls)
	}
}
