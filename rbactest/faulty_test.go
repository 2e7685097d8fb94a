package rbactest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
	"github.com/areagate/rbac/storetest"
)

var allOps = []rbactest.Op{rbactest.OpView, rbactest.OpUpdate, rbactest.OpRevisions, rbactest.OpNotify, rbactest.OpWorkspaces}

// tryOp makes one call to a store. It reports whether the store did what was
// asked for, and what it returned or panicked with.
func tryOp(ctx context.Context, store rbac.Store, op rbactest.Op) (did bool, panicked any, err error) {
	defer func() { panicked = recover() }()
	switch op {
	case rbactest.OpView:
		err = store.View(ctx, "w", func(rbac.Reader) error { did = true; return nil })
	case rbactest.OpUpdate:
		err = store.Update(ctx, "w", func(rbac.Tx) error { did = true; return nil })
	case rbactest.OpRevisions:
		var found map[string]rbac.Revision
		found, err = store.Revisions(ctx, []string{"w"})
		did = found != nil
	case rbactest.OpWorkspaces:
		var found []string
		found, err = store.Workspaces(ctx, rbac.WorkspaceQuery{})
		did = found != nil
	case rbactest.OpNotify:
		var mu sync.Mutex
		listening, cancel := context.WithCancel(ctx)
		defer cancel()
		err = store.(rbac.Notifier).Notify(listening, func(...string) {
			mu.Lock()
			defer mu.Unlock()
			did = true
			cancel()
		})
		if errors.Is(err, context.Canceled) {
			err = nil
		}
	}
	return did, panicked, err
}

// works checks that a call does what it should.
func works(t *testing.T, store rbac.Store, op rbactest.Op) {
	t.Helper()
	if did, p, err := tryOp(t.Context(), store, op); !did || err != nil || p != nil {
		t.Errorf("%s: done %t, error %v, panic %v", op, did, err, p)
	}
}

// failsBy checks that a call does nothing and returns an error.
func failsBy(t *testing.T, store rbac.Store, op rbactest.Op, want error) {
	t.Helper()
	if did, p, err := tryOp(t.Context(), store, op); did || !errors.Is(err, want) || p != nil {
		t.Errorf("%s: done %t, error %v, panic %v; want error %v", op, did, err, p, want)
	}
}

// A store that has not been told to fail, or has been healed, keeps the
// contract, whether it notifies or not.
func TestFaultyKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, inner := range map[string]func() rbac.Store{
		"Notifier":    func() rbac.Store { return rbac.NewMemStore() },
		"no Notifier": func() rbac.Store { return struct{ rbac.Store }{rbac.NewMemStore()} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) rbac.Store {
				store, faults := rbactest.Faulty(inner())
				_, notifies := store.(rbac.Notifier)
				if _, want := inner().(rbac.Notifier); notifies != want {
					t.Errorf("is a Notifier: %t, want %t", notifies, want)
				}
				faults.Fail(errBoom)
				faults.Panic("oh")
				faults.Delay(time.Hour)
				faults.LoseCommits(true)
				faults.Stale()
				faults.Heal()
				return store
			})
		})
	}
}

func TestFaultyFail(t *testing.T) {
	t.Parallel()
	store, faults := rbactest.Faulty(rbac.NewMemStore())
	for _, bad := range allOps {
		faults.Fail(errBoom, bad)
		for _, op := range allOps {
			if op != bad {
				works(t, store, op)
				continue
			}
			failsBy(t, store, op, errBoom)
			failsBy(t, store, op, errBoom)
		}
		other := allOps[(int(bad)+1)%len(allOps)]
		faults.Heal(other) // of another operation
		failsBy(t, store, bad, errBoom)
		faults.Fail(errTooLate, bad) // replaces the earlier one
		failsBy(t, store, bad, errTooLate)
		faults.Heal(bad)
		works(t, store, bad)
	}
	faults.Fail(errBoom)
	for _, op := range allOps {
		failsBy(t, store, op, errBoom)
	}
	faults.Heal()
	for _, op := range allOps {
		works(t, store, op)
	}
}

var errTooLate = errors.New("too late")

func TestFaultyFailNext(t *testing.T) {
	t.Parallel()
	store, faults := rbactest.Faulty(rbac.NewMemStore())
	faults.FailNext(2, errBoom)
	for _, op := range allOps {
		failsBy(t, store, op, errBoom)
		failsBy(t, store, op, errBoom)
		works(t, store, op)
		works(t, store, op)
	}
	faults.FailNext(1, errBoom, rbactest.OpView)
	faults.Fail(errTooLate, rbactest.OpView)
	failsBy(t, store, rbactest.OpView, errTooLate)
	failsBy(t, store, rbactest.OpView, errTooLate)
	faults.FailNext(1, errBoom, rbactest.OpView)
	failsBy(t, store, rbactest.OpView, errBoom)
	works(t, store, rbactest.OpView)
}

func TestFaultyPanic(t *testing.T) {
	t.Parallel()
	store, faults := rbactest.Faulty(rbac.NewMemStore())
	for _, op := range allOps {
		faults.Panic("oh", op)
		for range 2 {
			if did, p, err := tryOp(t.Context(), store, op); did || err != nil || p != "oh" {
				t.Errorf("%s: done %t, error %v, panic %v", op, did, err, p)
			}
		}
		faults.Heal(op)
		works(t, store, op)
	}
}

// A delay is until the context is done, and adds to other faults.
func TestFaultyDelay(t *testing.T) {
	t.Parallel()
	for _, op := range []rbactest.Op{rbactest.OpView, rbactest.OpUpdate, rbactest.OpRevisions} {
		synctest.Test(t, func(t *testing.T) {
			store, faults := rbactest.Faulty(rbac.NewMemStore())
			faults.Delay(time.Minute, op)
			began := time.Now()
			works(t, store, op)
			if took := time.Since(began); took != time.Minute {
				t.Errorf("%s took %v", op, took)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began = time.Now()
			did, _, err := tryOp(ctx, store, op)
			if took := time.Since(began); did || !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
				t.Errorf("%s: done %t, error %v, took %v", op, did, err, took)
			}
			faults.Fail(errBoom, op)
			began = time.Now()
			failsBy(t, store, op, errBoom)
			if took := time.Since(began); took != time.Minute {
				t.Errorf("%s failed after %v", op, took)
			}
			faults.Heal()
			began = time.Now()
			works(t, store, op)
			if took := time.Since(began); took != 0 {
				t.Errorf("%s took %v when healed", op, took)
			}
		})
	}
}

// hinted is what somebody who listens has heard.
type hinted struct {
	mu    sync.Mutex
	hints []string
	ended chan error
}

// listenTo listens until the test ends.
func listenTo(t *testing.T, store rbac.Store) *hinted {
	h := &hinted{ended: make(chan error, 1)}
	go func() {
		defer func() {
			if p := recover(); p != nil {
				h.ended <- errors.New(p.(string))
			}
		}()
		h.ended <- store.(rbac.Notifier).Notify(t.Context(), func(workspaces ...string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.hints = append(h.hints, "<"+strings.Join(workspaces, ",")+">")
		})
	}()
	synctest.Wait()
	return h
}

// heard returns what was heard since the last call.
func (h *hinted) heard() string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	defer func() { h.hints = nil }()
	return strings.Join(h.hints, "")
}

func (h *hinted) end() error {
	synctest.Wait()
	select {
	case err := <-h.ended:
		return err
	default:
		return nil
	}
}

// touch changes a workspace in a way that is told.
func touch(t *testing.T, store rbac.Store, workspace string) {
	t.Helper()
	if err := store.Update(t.Context(), workspace, func(tx rbac.Tx) error {
		last, err := tx.Revision()
		if err != nil {
			return err
		}
		return errors.Join(
			tx.PutRole(rbac.Role{ID: "r", Name: "R", Version: last.Seq + 1}),
			tx.PutMembers(rbac.Member{User: "u", Role: "r"}),
			tx.AppendEvents(rbac.Event{Seq: last.Seq + 1}),
		)
	}); err != nil {
		t.Fatal(err)
	}
}

// A fault ends those who listen already, and Heal lets them listen again.
func TestFaultyNotify(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, faults := rbactest.Faulty(rbac.NewMemStore())
		first, second := listenTo(t, store), listenTo(t, store)
		touch(t, store, "w")
		if a, b := first.heard(), second.heard(); a != "<><w>" || b != a {
			t.Errorf("heard %s and %s", a, b)
		}

		faults.Fail(errBoom, rbactest.OpView) // no fault of Notify
		if first.end() != nil || second.end() != nil {
			t.Error("ended by a fault of View")
		}

		// One of two is to fail. The other was interrupted: it may have missed
		// something, and says so.
		faults.FailNext(1, errBoom, rbactest.OpNotify)
		err1, err2 := first.end(), second.end()
		if err1 != nil {
			first, err1, err2 = second, err2, err1
		}
		if err1 != nil || !errors.Is(err2, errBoom) {
			t.Errorf("ended with %v and %v, want one boom", err1, err2)
		}
		touch(t, store, "w")
		if heard := first.heard(); heard != "<><w>" {
			t.Errorf("heard %s", heard)
		}

		faults.Panic("oh", rbactest.OpNotify)
		if err := first.end(); err == nil || err.Error() != "oh" {
			t.Errorf("ended with %v, want a panic", err)
		}
		faults.Heal()
		third := listenTo(t, store)
		faults.Fail(errBoom)
		if err := third.end(); !errors.Is(err, errBoom) {
			t.Errorf("ended with %v", err)
		}
		if n := faults.Calls(rbactest.OpNotify); n != 3 {
			t.Errorf("%d calls, want 3", n)
		}
	})
}

// Hints come late, and not after Notify has ended.
func TestFaultyNotifyDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, faults := rbactest.Faulty(rbac.NewMemStore())
		faults.Delay(time.Minute, rbactest.OpNotify)
		h := listenTo(t, store)
		touch(t, store, "w")
		time.Sleep(time.Minute - 1)
		if heard := h.heard(); heard != "" {
			t.Errorf("heard %s too early", heard)
		}
		time.Sleep(time.Nanosecond)
		if heard := h.heard(); heard != "<><w>" && heard != "<w><>" {
			t.Errorf("heard %s", heard)
		}
		touch(t, store, "w")
		faults.Fail(errBoom, rbactest.OpNotify)
		if err := h.end(); !errors.Is(err, errBoom) {
			t.Errorf("ended with %v", err)
		}
		time.Sleep(time.Hour)
		if heard := h.heard(); heard != "" {
			t.Errorf("heard %s after the end", heard)
		}
	})
}

func TestFaultyLoseCommits(t *testing.T) {
	t.Parallel()
	for _, made := range []bool{true, false} {
		store, faults := rbactest.Faulty(rbac.NewMemStore())
		w := rbactest.New(t, rbactest.On(store), rbactest.Member("ada", "Administrator"))
		faults.LoseCommits(made)
		err := w.System("test").Assign(t.Context(), rbac.Administrator, "eve")
		if !errors.Is(err, rbac.ErrOutcomeUnknown) {
			t.Errorf("got error %v, want ErrOutcomeUnknown", err)
		}
		if got := w.Can(t.Context(), "eve", rbac.Deals, rbac.Read); got != made {
			t.Errorf("the change was made: %t, want %t", got, made)
		}
		// What fails by itself is known to have failed.
		if err := w.System("test").Assign(t.Context(), "no such role", "eve"); !errors.Is(err, rbac.ErrRoleNotFound) {
			t.Errorf("got error %v, want ErrRoleNotFound", err)
		}
		faults.Heal(rbactest.OpView)
		if err := w.System("test").Remove(t.Context(), "ada"); err == nil {
			t.Error("healed by Heal(OpView)")
		}
		faults.Heal(rbactest.OpUpdate)
		if err := w.System("test").Assign(t.Context(), rbac.Administrator, "zoe"); err != nil {
			t.Error(err)
		}
	}
}

func TestFaultyCalls(t *testing.T) {
	t.Parallel()
	store, faults := rbactest.Faulty(rbac.NewMemStore())
	for i, op := range allOps {
		for range i + 1 {
			works(t, store, op)
		}
		faults.Fail(errBoom, op)
		failsBy(t, store, op, errBoom)
		faults.Heal(op)
		if got := faults.Calls(op); got != i+2 {
			t.Errorf("%s: %d calls, want %d", op, got, i+2)
		}
	}
}

func TestFaultyMistakes(t *testing.T) {
	t.Parallel()
	_, faults := rbactest.Faulty(rbac.NewMemStore())
	for want, call := range map[string]func(){
		"rbactest.Faulty: nil Store":                            func() { rbactest.Faulty(nil) },
		"rbactest: Faults.Fail: nil error: Heal ends a fault":   func() { faults.Fail(nil) },
		"rbactest: Faults.FailNext: 0 calls":                    func() { faults.FailNext(0, errBoom) },
		"rbactest: there is no operation Op(9), want OpView, …": func() { faults.Delay(time.Second, 9) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("got panic %v, want %s", got, want)
				}
			}()
			call()
		}()
	}
}

func TestOpString(t *testing.T) {
	t.Parallel()
	for op, want := range map[rbactest.Op]string{
		rbactest.OpView: "View", rbactest.OpUpdate: "Update", rbactest.OpRevisions: "Revisions", rbactest.OpNotify: "Notify", rbactest.OpWorkspaces: "Workspaces", 9: "Op(9)",
	} {
		if got := op.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
