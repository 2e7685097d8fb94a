package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// newStore makes the empty store that the scenarios run against. A test
// binary that runs them against another store sets it before they begin.
var newStore = func(testing.TB) rbac.Store { return rbac.NewMemStore() }

// openOn opens an Authorizer for one test, silent unless an option says
// otherwise, and closes it at the end.
func openOn(t testing.TB, store rbac.Store, opts ...rbac.Option) *rbac.Authorizer {
	t.Helper()
	opts = append([]rbac.Option{rbac.WithLogger(slog.New(slog.DiscardHandler))}, opts...)
	az, err := rbac.Open(t.Context(), store, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, az.Close()) })
	return az
}

// access is an entry of Permissions in short.
func access(read, manage rbac.Scope) rbac.Access {
	return rbac.Access{Read: read, Manage: manage}
}

// addRole makes a role.
func addRole(t testing.TB, w *rbac.Workspace, name string, p rbac.Permissions) rbac.Role {
	t.Helper()
	role, err := w.System("test").CreateRole(t.Context(), rbac.Role{Name: name, Permissions: p})
	require.NoError(t, err)
	return role
}

// assign gives users a role.
func assign(t testing.TB, w *rbac.Workspace, role rbac.RoleID, users ...string) {
	t.Helper()
	require.NoError(t, w.System("test").Assign(t.Context(), role, users...))
}

// errBoom is a failure of a store that the library knows nothing about.
var errBoom = errors.New("boom")

// op is a kind of call to a Store.
type op int

const (
	opView op = iota
	opUpdate
	opRevisions
	opNotify
	opCount
)

func (o op) String() string { return [...]string{"View", "Update", "Revisions", "Notify"}[o] }

// behaviour is what a faultStore does about one call. call makes it, and
// returns what the store returns; with an end that is not nil, it makes it up
// to its last moment, rolls it back and returns end.
type behaviour func(ctx context.Context, call func(end error) error) error

// faultStore is a Store that counts its calls and misbehaves as it is told.
// It is no Notifier; notifyStore is.
type faultStore struct {
	mu    sync.Mutex
	inner rbac.Store
	on    [opCount]behaviour
	count [opCount]int
	asked []string // the workspaces of the last Revisions
	rows  *rowFaults
	hints int             // that came through Notify
	hint  func(...string) // of the last Notify
}

func newFaultStore(inner rbac.Store) *faultStore { return &faultStore{inner: inner} }

// notifyStore is a faultStore that notifies.
type notifyStore struct{ *faultStore }

// set replaces the behaviour of a kind of call; nil behaves.
func (s *faultStore) set(o op, b behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on[o] = b
}

// setAll replaces the behaviour of View, Update and Revisions.
func (s *faultStore) setAll(b behaviour) {
	for _, o := range []op{opView, opUpdate, opRevisions} {
		s.set(o, b)
	}
}

// setRows makes what transactions read and write go wrong; nil behaves.
func (s *faultStore) setRows(f *rowFaults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = f
}

// use puts another store in the place of the one behind.
func (s *faultStore) use(inner rbac.Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inner = inner
}

// calls returns how often a kind of call was made since the last reset.
func (s *faultStore) calls(o op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[o]
}

// total returns the number of all calls but Notify since the last reset.
func (s *faultStore) total() int {
	return s.calls(opView) + s.calls(opUpdate) + s.calls(opRevisions)
}

func (s *faultStore) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count = [opCount]int{}
}

// lastAsked returns the workspaces that the last Revisions was about.
func (s *faultStore) lastAsked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *faultStore) enter(o op) (rbac.Store, behaviour, *rowFaults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count[o]++
	b := s.on[o]
	if b == nil {
		b = behaving
	}
	return s.inner, b, s.rows
}

func (s *faultStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	inner, b, rows := s.enter(opView)
	return b(ctx, func(end error) error {
		return inner.View(ctx, workspace, func(r rbac.Reader) error {
			if rows != nil {
				r = faultReader{r, rows}
			}
			if err := fn(r); err != nil && (rows == nil || !rows.swallow) {
				return err
			}
			return end
		})
	})
}

func (s *faultStore) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	inner, b, rows := s.enter(opUpdate)
	return b(ctx, func(end error) error {
		err := inner.Update(ctx, workspace, func(tx rbac.Tx) error {
			if rows != nil {
				tx = faultTx{faultReader{tx, rows}, tx}
			}
			if err := fn(tx); err != nil {
				return err
			}
			return end
		})
		if rows != nil && rows.swallow {
			return nil
		}
		return err
	})
}

func (s *faultStore) Revisions(ctx context.Context, workspaces []string) (found map[string]rbac.Revision, err error) {
	inner, b, _ := s.enter(opRevisions)
	s.mu.Lock()
	s.asked = workspaces
	s.mu.Unlock()
	err = b(ctx, func(end error) (err error) {
		found, err = inner.Revisions(ctx, workspaces)
		return errors.Join(err, end)
	})
	return found, err
}

func (s notifyStore) Notify(ctx context.Context, hint func(...string)) error {
	inner, b, _ := s.enter(opNotify)
	counted := func(workspaces ...string) {
		s.mu.Lock()
		s.hints += len(workspaces)
		s.mu.Unlock()
		hint(workspaces...)
	}
	s.mu.Lock()
	s.hint = counted
	s.mu.Unlock()
	return b(ctx, func(error) error { return inner.(rbac.Notifier).Notify(ctx, counted) })
}

// notify hints as the store behind would.
func (s notifyStore) notify(workspaces ...string) {
	s.mu.Lock()
	hint := s.hint
	s.mu.Unlock()
	hint(workspaces...)
}

// notified returns how many workspaces hints were about.
func (s notifyStore) notified() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hints
}

func behaving(_ context.Context, call func(error) error) error { return call(nil) }

// failing returns an error and does nothing else.
func failing(err error) behaviour {
	return func(context.Context, func(error) error) error { return err }
}

// panicking panics.
func panicking(context.Context, func(error) error) error { panic("the store has a bug") }

// skipping claims success without doing anything.
func skipping(context.Context, func(error) error) error { return nil }

// twice makes the call two times.
func twice(_ context.Context, call func(error) error) error {
	return errors.Join(call(nil), call(nil))
}

// blocking waits for the context.
func blocking(ctx context.Context, _ func(error) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// stuck ignores the context until it is released.
func stuck(release <-chan struct{}) behaviour {
	return func(_ context.Context, call func(error) error) error {
		<-release
		return call(nil)
	}
}

// slow waits before it makes the call.
func slow(d time.Duration) behaviour {
	return func(ctx context.Context, call func(error) error) error {
		if err := pause(ctx, d); err != nil {
			return err
		}
		return call(nil)
	}
}

// lagging makes the call and holds back its result.
func lagging(d time.Duration) behaviour {
	return func(ctx context.Context, call func(error) error) error {
		err := call(nil)
		if late := pause(ctx, d); late != nil {
			return late
		}
		return err
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rolledBack makes the call up to its commit, and fails.
func rolledBack(err error) behaviour {
	return func(_ context.Context, call func(error) error) error { return call(err) }
}

// lost loses contact during the commit, which was made or was not.
func lost(committed bool) behaviour {
	return func(_ context.Context, call func(error) error) error {
		unknown := fmt.Errorf("connection reset: %w", rbac.ErrOutcomeUnknown)
		if !committed {
			return call(unknown)
		}
		if err := call(nil); err != nil {
			return err
		}
		return unknown
	}
}

// first misbehaves n times and then behaves.
func first(n int, b behaviour) behaviour {
	var mu sync.Mutex
	return func(ctx context.Context, call func(error) error) error {
		mu.Lock()
		bad := n > 0
		n--
		mu.Unlock()
		if bad {
			return b(ctx, call)
		}
		return call(nil)
	}
}

// unserialisedStore runs the transactions of a workspace side by side, each on
// the state before it, the last writer winning: a database under READ
// COMMITTED or REPEATABLE READ and a store without a lock. Transactions meet
// at the barrier before they commit.
type unserialisedStore struct {
	rbac.Store
	barrier func()
}

func (s unserialisedStore) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	var writes []func(rbac.Tx) error
	err := s.View(ctx, workspace, func(r rbac.Reader) error {
		return fn(laterTx{r, &writes})
	})
	s.barrier()
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, workspace, func(tx rbac.Tx) error {
		for _, write := range writes {
			if err := write(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// laterTx notes its writes.
type laterTx struct {
	rbac.Reader
	writes *[]func(rbac.Tx) error
}

func (t laterTx) later(write func(rbac.Tx) error) error {
	*t.writes = append(*t.writes, write)
	return nil
}

func (t laterTx) PutRole(r rbac.Role) error {
	return t.later(func(tx rbac.Tx) error { return tx.PutRole(r) })
}

func (t laterTx) DeleteRole(id rbac.RoleID) error {
	return t.later(func(tx rbac.Tx) error { return tx.DeleteRole(id) })
}

func (t laterTx) PutMembers(m ...rbac.Member) error {
	return t.later(func(tx rbac.Tx) error { return tx.PutMembers(m...) })
}

func (t laterTx) DeleteMembers(users ...string) error {
	return t.later(func(tx rbac.Tx) error { return tx.DeleteMembers(users...) })
}

func (t laterTx) AppendEvents(events ...rbac.Event) error {
	return t.later(func(tx rbac.Tx) error {
		at, err := tx.Revision()
		for i := range events {
			events[i].Seq = at.Seq + int64(i) + 1
		}
		return errors.Join(err, tx.AppendEvents(events...))
	})
}
