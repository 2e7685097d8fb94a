package rbac_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// rowSeq is what a Reader's iterators are.
type rowSeq[V any] = iter.Seq2[V, error]

// rowFaults is what goes wrong inside a transaction. What is nil behaves.
type rowFaults struct {
	roles    func(rowSeq[rbac.Role]) rowSeq[rbac.Role]
	members  func(rowSeq[rbac.Member]) rowSeq[rbac.Member]
	events   func(rowSeq[rbac.Event]) rowSeq[rbac.Event]
	role     func(rbac.Role) (rbac.Role, error)
	member   func(rbac.Member) (rbac.Member, error)
	revision error                   // of Revision
	write    func(what string) error // asked before each write; its error replaces the write
	swallow  bool                    // the store does not return what goes wrong inside
}

type faultReader struct {
	rbac.Reader
	f *rowFaults
}

func (r faultReader) Revision() (rbac.Revision, error) {
	if r.f.revision != nil {
		return rbac.Revision{}, r.f.revision
	}
	return r.Reader.Revision()
}

func (r faultReader) Roles() rowSeq[rbac.Role] {
	return wrong(r.Reader.Roles(), r.f.roles)
}

func (r faultReader) Members(q rbac.MemberQuery) rowSeq[rbac.Member] {
	return wrong(r.Reader.Members(q), r.f.members)
}

func (r faultReader) Events(q rbac.EventQuery) rowSeq[rbac.Event] {
	return wrong(r.Reader.Events(q), r.f.events)
}

func (r faultReader) Role(id rbac.RoleID) (rbac.Role, error) {
	role, err := r.Reader.Role(id)
	if err == nil && r.f.role != nil {
		return r.f.role(role)
	}
	return role, err
}

func (r faultReader) Member(user string) (rbac.Member, error) {
	member, err := r.Reader.Member(user)
	if err == nil && r.f.member != nil {
		return r.f.member(member)
	}
	return member, err
}

func wrong[V any](rows rowSeq[V], fault func(rowSeq[V]) rowSeq[V]) rowSeq[V] {
	if fault == nil {
		return rows
	}
	return fault(rows)
}

type faultTx struct {
	faultReader
	tx rbac.Tx
}

func (t faultTx) write(what string, write func() error) error {
	if t.f.write != nil {
		if err := t.f.write(what); err != nil {
			return err
		}
	}
	return write()
}

func (t faultTx) PutRole(r rbac.Role) error {
	return t.write("PutRole", func() error { return t.tx.PutRole(r) })
}

func (t faultTx) DeleteRole(id rbac.RoleID) error {
	return t.write("DeleteRole", func() error { return t.tx.DeleteRole(id) })
}

func (t faultTx) PutMembers(m ...rbac.Member) error {
	return t.write("PutMembers", func() error { return t.tx.PutMembers(m...) })
}

func (t faultTx) DeleteMembers(users ...string) error {
	return t.write("DeleteMembers", func() error { return t.tx.DeleteMembers(users...) })
}

func (t faultTx) AppendEvents(e ...rbac.Event) error {
	return t.write("AppendEvents", func() error { return t.tx.AppendEvents(e...) })
}

// failWrite fails the writes of one kind.
func failWrite(kind string) *rowFaults {
	return &rowFaults{write: func(what string) error {
		if what == kind {
			return errBoom
		}
		return nil
	}}
}

// cut yields only the first n rows, as if there were no more.
func cut[V any](n int) func(rowSeq[V]) rowSeq[V] {
	return func(rows rowSeq[V]) rowSeq[V] {
		return func(yield func(V, error) bool) {
			i := 0
			for v, err := range rows {
				if i++; i > n || !yield(v, err) {
					return
				}
			}
		}
	}
}

// broken yields the first n rows and then an error.
func broken[V any](n int) func(rowSeq[V]) rowSeq[V] {
	return func(rows rowSeq[V]) rowSeq[V] {
		return func(yield func(V, error) bool) {
			for v, err := range cut[V](n)(rows) {
				if !yield(v, err) {
					return
				}
			}
			var zero V
			yield(zero, errBoom)
		}
	}
}

// doubled yields every row two times.
func doubled[V any](rows rowSeq[V]) rowSeq[V] {
	return func(yield func(V, error) bool) {
		for v, err := range rows {
			for range 2 {
				if !yield(v, err) {
					return
				}
			}
		}
	}
}

// changed yields every row after fn changed it.
func changed[V any](fn func(*V)) func(rowSeq[V]) rowSeq[V] {
	return func(rows rowSeq[V]) rowSeq[V] {
		return func(yield func(V, error) bool) {
			for v, err := range rows {
				if fn(&v); !yield(v, err) {
					return
				}
			}
		}
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

// contents is all that a store holds of one workspace.
type contents struct {
	Revision rbac.Revision
	Roles    []rbac.Role
	Members  []rbac.Member
	Events   []rbac.Event
}

// contentsOf reads a whole workspace.
func contentsOf(t testing.TB, store rbac.Store, workspace string) contents {
	t.Helper()
	var c contents
	require.NoError(t, store.View(t.Context(), workspace, func(r rbac.Reader) (err error) {
		c = contents{}
		if c.Revision, err = r.Revision(); err != nil {
			return err
		}
		for role, err := range r.Roles() {
			if err != nil {
				return err
			}
			c.Roles = append(c.Roles, role)
		}
		for member, err := range r.Members(rbac.MemberQuery{}) {
			if err != nil {
				return err
			}
			c.Members = append(c.Members, member)
		}
		for event, err := range r.Events(rbac.EventQuery{}) {
			if err != nil {
				return err
			}
			c.Events = append(c.Events, event)
		}
		return nil
	}))
	return c
}

// restore writes contents into a workspace that was never written.
func restore(t testing.TB, store rbac.Store, workspace string, c contents) {
	t.Helper()
	update(t, store, workspace, func(tx rbac.Tx) error {
		for _, role := range c.Roles {
			if err := tx.PutRole(role); err != nil {
				return err
			}
		}
		return errors.Join(tx.PutMembers(c.Members...), tx.AppendEvents(c.Events...))
	})
}

// update writes to a store behind the library's back.
func update(t testing.TB, store rbac.Store, workspace string, fn func(rbac.Tx) error) {
	t.Helper()
	require.NoError(t, store.Update(t.Context(), workspace, fn))
}

// forge writes rows behind the library's back, with events that say so and
// continue the chain as the library's own would.
func forge(t testing.TB, store rbac.Store, workspace string, events ...rbac.Event) {
	t.Helper()
	update(t, store, workspace, func(tx rbac.Tx) error {
		at, err := tx.Revision()
		if err != nil {
			return err
		}
		for i := range events {
			e := &events[i]
			e.Seq = at.Seq + 1
			e.Hash = chainHash(t, workspace, at, *e)
			at = e.Revision()
			switch {
			case e.RoleAfter != nil:
				err = tx.PutRole(*e.RoleAfter)
			case e.RoleBefore != nil:
				err = tx.DeleteRole(e.RoleBefore.ID)
			case e.MemberAfter != nil:
				err = tx.PutMembers(*e.MemberAfter)
			case e.MemberBefore != nil:
				err = tx.DeleteMembers(e.MemberBefore.User)
			}
			if err != nil {
				return err
			}
		}
		return tx.AppendEvents(events...)
	})
}

// checkInvariants checks what holds of every workspace that only the library
// wrote, whatever happened: the events are a gapless chain, the rows are what
// the events add up to, versions count, ids of roles are never used again,
// every member's role exists, and once there was an active Administrator
// there always was one.
func checkInvariants(t testing.TB, store rbac.Store, workspace string, systemRoles ...rbac.RoleID) {
	t.Helper()
	c := contentsOf(t, store, workspace)
	roles, members := map[rbac.RoleID]rbac.Role{}, map[string]rbac.Member{}
	made := map[rbac.RoleID]bool{}
	at, administrators := rbac.Revision{}, 0
	for i, e := range c.Events {
		require.EqualValues(t, i+1, e.Seq)
		require.Equal(t, chainHash(t, workspace, at, e), e.Hash, "the hash of event %d", e.Seq)
		at = e.Revision()
		require.NotEqual(t, e.Actor == "", e.Reason == "", "event %d names either an actor or a reason", e.Seq)
		require.Equal(t, e.RoleBefore != nil || e.RoleAfter != nil, strings.HasPrefix(string(e.Kind), "role."))
		require.Equal(t, e.MemberBefore != nil || e.MemberAfter != nil, strings.HasPrefix(string(e.Kind), "member."))
		if e.RoleBefore != nil {
			require.Equal(t, text(roles[e.RoleBefore.ID]), text(*e.RoleBefore), "before event %d", e.Seq)
			delete(roles, e.RoleBefore.ID)
		}
		if e.RoleAfter != nil {
			version := int64(1)
			if e.RoleBefore != nil {
				version = e.RoleBefore.Version + 1
			} else {
				require.False(t, made[e.RoleAfter.ID], "event %d uses the id of an earlier role", e.Seq)
			}
			require.Equal(t, version, e.RoleAfter.Version)
			made[e.RoleAfter.ID] = true
			roles[e.RoleAfter.ID] = *e.RoleAfter
		}
		had := administrators > 0
		if e.MemberBefore != nil {
			require.Equal(t, text(members[e.MemberBefore.User]), text(*e.MemberBefore), "before event %d", e.Seq)
			delete(members, e.MemberBefore.User)
			administrators -= activeAdministrator(*e.MemberBefore)
		}
		if e.MemberAfter != nil {
			require.NotContains(t, members, e.MemberAfter.User)
			members[e.MemberAfter.User] = *e.MemberAfter
			administrators += activeAdministrator(*e.MemberAfter)
		}
		require.True(t, administrators > 0 || !had, "event %d leaves no active Administrator", e.Seq)
	}
	require.Equal(t, at, c.Revision)
	require.Len(t, c.Roles, len(roles))
	for _, role := range c.Roles {
		require.Equal(t, text(roles[role.ID]), text(role))
	}
	require.Len(t, c.Members, len(members))
	for _, m := range c.Members {
		require.Equal(t, text(members[m.User]), text(m))
		_, exists := roles[m.Role]
		require.True(t, exists || m.Role == rbac.Administrator || slices.Contains(systemRoles, m.Role),
			"%q holds role %q, which does not exist", m.User, m.Role)
	}
}

func activeAdministrator(m rbac.Member) int {
	if m.Role == rbac.Administrator && !m.Suspended {
		return 1
	}
	return 0
}

// text returns a value in a form to compare, in which equal times are equal
// and nil is empty.
func text(v any) string {
	if b, err := json.Marshal(v); err == nil {
		return string(b)
	}
	return fmt.Sprintf("%+v", v) // what is malformed has no JSON form
}

// unchanged runs what must not change a workspace.
func unchanged(t testing.TB, store rbac.Store, workspace string, during func()) {
	t.Helper()
	before := contentsOf(t, store, workspace)
	during()
	require.Equal(t, text(before), text(contentsOf(t, store, workspace)), "the store after what must not have changed it")
}

// scaled returns a number of repetitions: less under -race and -short.
func scaled(n int) int {
	if raceEnabled {
		n /= 10
	}
	if testing.Short() {
		n /= 10
	}
	return max(n, 1)
}

// heapInUse returns the bytes in use after garbage collection.
func heapInUse() int64 {
	for range 3 { // what cleanups let go of is collected in the next round
		collectGarbage()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// collectGarbage returns when garbage is collected and cleanups have begun to
// run. It works in a bubble of synctest too, which has no channels in common
// with cleanups.
func collectGarbage() {
	done := new(atomic.Bool)
	runtime.AddCleanup(new([64]*int), func(done *atomic.Bool) { done.Store(true) }, done)
	runtime.GC()
	for !done.Load() {
		runtime.Gosched()
	}
}

// record is a slog.Handler that keeps what is logged.
type record struct {
	mu    sync.Mutex
	lines []string
}

func (l *record) Enabled(context.Context, slog.Level) bool { return true }
func (l *record) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *record) WithGroup(string) slog.Handler            { return l }
func (l *record) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

// containing returns the lines that have all these parts.
func (l *record) containing(parts ...string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for _, line := range l.lines {
		has := true
		for _, part := range parts {
			has = has && strings.Contains(line, part)
		}
		if has {
			found = append(found, line)
		}
	}
	return found
}

func (l *record) option() rbac.Option { return rbac.WithLogger(slog.New(l)) }
