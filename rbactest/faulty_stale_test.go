package rbactest_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/rbactest"
)

// seen is what a store shows of a workspace.
func seen(t *testing.T, store rbac.Store, workspace string) (viewed, asked rbac.Revision, rows int) {
	t.Helper()
	err := store.View(t.Context(), workspace, func(r rbac.Reader) (err error) {
		for _, err := range r.Roles() {
			if err != nil {
				return err
			}
			rows++
		}
		for _, err := range r.Members(rbac.MemberQuery{}) {
			if err != nil {
				return err
			}
			rows++
		}
		for _, err := range r.Events(rbac.EventQuery{}) {
			if err != nil {
				return err
			}
			rows++
		}
		viewed, err = r.Revision()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found, err := store.Revisions(t.Context(), []string{workspace})
	if err != nil {
		t.Fatal(err)
	}
	return viewed, found[workspace], rows
}

// shows checks the revision, and that everything else is of it.
func shows(t *testing.T, store rbac.Store, workspace string, want int64) {
	t.Helper()
	rows := 0
	if want > 0 {
		rows = 2 + int(want)
	}
	if viewed, asked, got := seen(t, store, workspace); viewed.Seq != want || asked != viewed || got != rows {
		t.Errorf("workspace %q is at %d in a View and at %d in Revisions, with %d rows; want %d and %d", workspace, viewed.Seq, asked.Seq, got, want, rows)
	}
}

func TestFaultyStale(t *testing.T) {
	t.Parallel()
	inner := rbac.NewMemStore()
	store, faults := rbactest.Faulty(inner)
	touch(t, store, "seen")
	touch(t, inner, "unseen")
	faults.Stale()
	touch(t, store, "seen")
	touch(t, inner, "unseen")
	shows(t, store, "seen", 1)
	shows(t, inner, "seen", 2)
	shows(t, store, "unseen", 2) // as it is when it is first asked about
	touch(t, inner, "unseen")
	shows(t, store, "unseen", 2)
	shows(t, store, "never written", 0)
	if err := store.Update(t.Context(), "seen", func(tx rbac.Tx) error {
		if revision, err := tx.Revision(); err != nil || revision.Seq != 2 {
			t.Errorf("an Update sees %d, %v; want what is stored", revision.Seq, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}

	faults.Heal(rbactest.OpUpdate, rbactest.OpNotify) // which are not stale
	shows(t, store, "seen", 1)
	faults.Stale() // of now
	shows(t, store, "seen", 2)
	touch(t, store, "seen")
	shows(t, store, "seen", 2)
	faults.Heal(rbactest.OpRevisions)
	shows(t, store, "seen", 3)
}

// Other faults add to it.
func TestFaultyStaleFails(t *testing.T) {
	t.Parallel()
	store, faults := rbactest.Faulty(rbac.NewMemStore())
	faults.Stale()
	faults.Fail(errBoom)
	for _, op := range allOps {
		failsBy(t, store, op, errBoom)
	}
}

// oddStore has something wrong in it, or cannot be read.
type oddStore struct {
	*rbac.MemStore
	view  error
	roles func(iter.Seq2[rbac.Role, error]) iter.Seq2[rbac.Role, error]
	users func(iter.Seq2[rbac.Member, error]) iter.Seq2[rbac.Member, error]
	event func(iter.Seq2[rbac.Event, error]) iter.Seq2[rbac.Event, error]
}

func (s *oddStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	if s.view != nil {
		return s.view
	}
	return s.MemStore.View(ctx, workspace, func(r rbac.Reader) error { return fn(oddReader{r, s}) })
}

type oddReader struct {
	rbac.Reader
	s *oddStore
}

func (r oddReader) Roles() iter.Seq2[rbac.Role, error] { return odd(r.Reader.Roles(), r.s.roles) }
func (r oddReader) Members(q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	return odd(r.Reader.Members(q), r.s.users)
}
func (r oddReader) Events(q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	return odd(r.Reader.Events(q), r.s.event)
}

func odd[V any](rows iter.Seq2[V, error], change func(iter.Seq2[V, error]) iter.Seq2[V, error]) iter.Seq2[V, error] {
	if change == nil {
		return rows
	}
	return change(rows)
}

// before yields an error before the rows.
func before[V any](err error) func(iter.Seq2[V, error]) iter.Seq2[V, error] {
	return func(rows iter.Seq2[V, error]) iter.Seq2[V, error] {
		return func(yield func(V, error) bool) {
			var zero V
			if yield(zero, err) {
				rows(yield)
			}
		}
	}
}

// What cannot be copied fails in the call that needs it. A row that cannot be
// read is no reason.
func TestFaultyStaleCannotCopy(t *testing.T) {
	t.Parallel()
	malformed := &rbac.MalformedError{Kind: "row", Err: errBoom}
	for _, test := range []struct {
		name string
		odd  *oddStore
		ok   bool
	}{
		{"malformed roles and members", &oddStore{roles: before[rbac.Role](malformed), users: before[rbac.Member](malformed)}, true},
		{"malformed event", &oddStore{event: before[rbac.Event](malformed)}, false},
		{"roles", &oddStore{roles: before[rbac.Role](errBoom)}, false},
		{"members", &oddStore{users: before[rbac.Member](errBoom)}, false},
		{"events", &oddStore{event: before[rbac.Event](errBoom)}, false},
		{"all", &oddStore{view: errBoom}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.odd.MemStore = rbac.NewMemStore()
			store, faults := rbactest.Faulty(test.odd)
			touch(t, store, "seen")
			touch(t, test.odd.MemStore, "unseen")
			faults.Stale()
			touch(t, store, "seen")
			if test.ok {
				shows(t, store, "seen", 1)
				shows(t, store, "unseen", 1)
				return
			}
			for _, workspace := range []string{"seen", "unseen"} {
				_, err1 := store.Revisions(t.Context(), []string{workspace})
				err2 := store.View(t.Context(), workspace, func(rbac.Reader) error { return nil })
				for _, err := range []error{err1, err2} {
					if err == nil || !strings.Contains(err.Error(), `rbactest: Stale: workspace "`+workspace+`" cannot be copied: `) {
						t.Errorf("got error %v", err)
					}
				}
			}
			faults.Heal()
			works(t, store, rbactest.OpRevisions)
		})
	}
}

// A context that is done ends a Revisions of a stale store, too.
func TestFaultyStaleContext(t *testing.T) {
	t.Parallel()
	store, faults := rbactest.Faulty(rbac.NewMemStore())
	works(t, store, rbactest.OpView)
	faults.Stale()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, op := range []rbactest.Op{rbactest.OpView, rbactest.OpRevisions} {
		if did, _, err := tryOp(ctx, store, op); did || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: done %t, error %v", op, did, err)
		}
	}
}

// An instance that reads from a replica that lags does not see a revoke, and
// cannot know: P2 is a promise about what the store answers. Its own change
// shows at once, and is taken back with the next poll, as the history is then
// no continuation of what it knows (P4). Once the store is healed, all is well
// again.
func TestStaleReplica(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		primary := rbac.NewMemStore()
		replica, faults := rbactest.Faulty(primary)
		var log strings.Builder
		here := rbactest.New(t, rbactest.On(primary), rbactest.Role("Sales", sales), rbactest.Member("ann", "Sales"), rbactest.Member("ben", "Sales"))
		there := rbactest.New(t, rbactest.On(replica), rbactest.Options(rbac.WithLogger(logTo(&log))))
		rbactest.Allowed(t, there, "ann", rbac.Deals, rbac.Read)
		faults.Stale()
		if err := here.System("test").Remove(t.Context(), "ann"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		rbactest.Denied(t, here, "ann", rbac.Deals, rbac.Read)
		rbactest.Allowed(t, there, "ann", rbac.Deals, rbac.Read)

		faults.Heal()
		time.Sleep(3 * time.Second) // more than the poll interval
		rbactest.Denied(t, there, "ann", rbac.Deals, rbac.Read)

		faults.Fail(errBoom, rbactest.OpNotify) // so that only the poll asks
		faults.Stale()
		if err := there.System("test").Remove(t.Context(), "ben"); err != nil {
			t.Fatal(err)
		}
		rbactest.Denied(t, there, "ben", rbac.Deals, rbac.Read)
		time.Sleep(3 * time.Second) // more than the poll interval
		rbactest.Allowed(t, there, "ben", rbac.Deals, rbac.Read)
		faults.Heal()
		time.Sleep(3 * time.Second) // more than the poll interval
		rbactest.Denied(t, there, "ben", rbac.Deals, rbac.Read)
		if err := there.Authorizer.Close(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(log.String(), "loaded anew") {
			t.Errorf("the log is\n%s", log.String())
		}
	})
}
