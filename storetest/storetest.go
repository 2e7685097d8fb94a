// Package storetest is the contract of [rbac.Store] in executable form, for
// whoever writes a store. The store's own tests call [Run] with a function
// that makes an empty one:
//
//	func Run(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) rbac.Store { return open(t) })
//	}
//
// docs/writing-a-store.md guides through the rest. For the tests of an
// application that uses a store there is package rbactest.
package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/areagate/rbac"
)

// Run checks that a Store keeps the contract of [rbac.Store], and that
// of [rbac.Notifier] if it is one. It runs one subtest for each promise, with
// an empty store from newStore; a failure quotes the sentence of the contract
// that was broken. newStore may call t.Parallel, so that promises are checked at
// the same time.
//
// The suite calls the store from several goroutines, but never from inside
// the function given to View or Update on the same goroutine, so a store may
// work with a single connection. Ids and texts are valid UTF-8 without control
// characters.
func Run(t *testing.T, newStore func(t *testing.T) rbac.Store) {
	t.Helper()
	for _, check := range checks() {
		t.Run(check.name, func(t *testing.T) {
			check.run(t, newStore(t), 10*time.Second, 200*time.Millisecond)
		})
	}
}

// check checks one promise of the contract.
type check struct {
	name     string // of the subtest
	contract string // the sentences of store.go that it checks, word for word
	test     func(*checkT)
}

func checks() []check {
	return slices.Concat(
		workspaceChecks, valueChecks, ownershipChecks, viewChecks, updateChecks, contextChecks,
		roleChecks, memberChecks, eventChecks, iteratorChecks, clearChecks, revisionChecks, listChecks, notifierChecks,
	)
}

// run runs the check. What must end soon may take as long as patience; what
// may have to wait for an open transaction is given a moment. The check as a
// whole may take any time, but none of its steps more than six times patience,
// or twenty times the longest before it: then its context ends, and it fails.
func (c check) run(t testing.TB, store rbac.Store, patience, moment time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var mu sync.Mutex
	longest, began := 6*patience, time.Now()
	stall := time.AfterFunc(longest, func() {
		mu.Lock()
		defer mu.Unlock()
		cancel(stalledError(longest))
	})
	defer stall.Stop()
	st := &checkT{t, ctx, store, c.contract, patience, moment, func() {
		mu.Lock()
		defer mu.Unlock()
		longest = max(longest, 20*time.Since(began))
		began = time.Now()
		stall.Reset(longest)
	}}
	defer func() {
		t.Helper()
		var stalled stalledError
		if errors.As(context.Cause(ctx), &stalled) {
			st.Errorf("%v", stalled)
		}
	}()
	c.test(st)
}

// stalledError is why the context of a check ended.
type stalledError time.Duration

func (e stalledError) Error() string {
	return fmt.Sprintf("a step of this check did not end within %v", time.Duration(e))
}

// checkT is what a check works with.
type checkT struct {
	testing.TB
	ctx      context.Context
	store    rbac.Store
	contract string
	patience time.Duration
	moment   time.Duration
	step     func() // tells that a step has ended; safe for concurrent use
}

func (t *checkT) Errorf(format string, args ...any) {
	t.Helper()
	t.TB.Errorf("%s\ncontract: %s", fmt.Sprintf(format, args...), t.contract)
}

func (t *checkT) Fatalf(format string, args ...any) {
	t.Helper()
	t.TB.Fatalf("%s\ncontract: %s", fmt.Sprintf(format, args...), t.contract)
}

// must fails the check if there is an error.
func (t *checkT) must(err error, what string, args ...any) {
	t.Helper()
	t.step()
	if err != nil {
		t.Fatalf("%s: %v", fmt.Sprintf(what, args...), err)
	}
}

// is checks that err is, in the sense of errors.Is, the one that is wanted.
func (t *checkT) is(err, want error, what string, args ...any) {
	t.Helper()
	t.step()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v; want error %v", fmt.Sprintf(what, args...), err, want)
	}
}

// equal checks that two values have the same JSON form: roles, members,
// events and what is made of them.
func (t *checkT) equal(got, want any, what string, args ...any) {
	t.Helper()
	defer t.step()
	if g, w := text(got), text(want); g != w {
		from := differ(g, w)
		t.Errorf("%s:\n got %s\nwant %s", fmt.Sprintf(what, args...), shorten(g, from), shorten(w, from))
	}
}

func text(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprintf("%+v (%v)", v, err)
	}
	return strings.TrimSpace(b.String())
}

// differ returns the index of the first byte that differs.
func differ(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// shorten bounds a text to what is around an index.
func shorten(s string, around int) string {
	const most = 1000
	if from := around - most/2; from > 0 {
		s = "…" + strings.ToValidUTF8(s[from:], "")
	}
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// update makes an Update that must succeed.
func (t *checkT) update(workspace string, fn func(rbac.Tx) error) {
	t.Helper()
	t.must(t.try(t.ctx, workspace, fn), "Update of workspace %q", workspace)
}

// try makes an Update, again as long as it loses against others, which is
// what the library does.
func (t *checkT) try(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	for {
		err := t.store.Update(ctx, workspace, fn)
		if !errors.Is(err, rbac.ErrContention) || ctx.Err() != nil {
			t.step()
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// view makes a View that must succeed.
func (t *checkT) view(workspace string, fn func(rbac.Reader) error) {
	t.Helper()
	t.must(t.store.View(t.ctx, workspace, fn), "View of workspace %q", workspace)
}

// contents is all that can be read of a workspace.
type contents struct {
	Revision string
	Roles    []rbac.Role
	Members  []rbac.Member
	Events   []rbac.Event
}

func (t *checkT) contents(workspace string) contents {
	t.Helper()
	var c contents
	t.view(workspace, func(r rbac.Reader) (err error) {
		c, err = read(r)
		return err
	})
	return c
}

func read(r rbac.Reader) (contents, error) {
	revision, err1 := r.Revision()
	roles, err2 := collect(r.Roles())
	members, err3 := collect(r.Members(rbac.MemberQuery{}))
	events, err4 := collect(r.Events(rbac.EventQuery{}))
	return contents{revisionText(revision), roles, members, events}, errors.Join(err1, err2, err3, err4)
}

func revisionText(r rbac.Revision) string { return fmt.Sprintf("%d:%x", r.Seq, r.Hash) }

// collect returns what an iterator yields, up to its first error.
func collect[V any](all func(func(V, error) bool)) ([]V, error) {
	values := []V{}
	for v, err := range all {
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
	return values, nil
}

// job is something that runs in the background.
type job struct {
	done chan struct{}
	err  error // once done
}

func start(fn func() error) *job {
	j := &job{done: make(chan struct{})}
	go func() {
		defer close(j.done)
		j.err = fn()
	}()
	return j
}

// end waits for a job that must end soon, and returns its error.
func (t *checkT) end(j *job, what string) error {
	t.Helper()
	select {
	case <-j.done:
		return j.err
	case <-time.After(t.patience):
		t.Fatalf("%s did not end within %v", what, t.patience)
		return nil
	}
}

// settle gives a job a moment and reports whether it has ended. A job that
// uses the store may have to wait for the transaction that is open.
func (t *checkT) settle(j *job) bool {
	select {
	case <-j.done:
		return true
	case <-time.After(t.moment):
		return false
	}
}
