package sqlitestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/sqlitestore"
)

// The scenarios of shared/SCENARIOS.md in which a store is slow or wrong, and
// those of escalation; scenario_test.go has the others. Numbers 11, 12 and 14
// do not apply: there is no network between the library and SQLite, and so no
// connection that drops or is half open, and no pooler. What stands for 11 in
// SQLite, changes of others that are never notified, is in TestProcesses.

// faulty is a store with a fault, while one is set.
type faulty struct {
	*sqlitestore.Store
	fault atomic.Pointer[fault]
}

type fault struct {
	view, update, revisions, notify func(ctx context.Context, call func() error) error // around the call, if not nil
	row                             func() error                                       // behind the first row of each iterator, if not nil
}

func through(around func(context.Context, func() error) error, ctx context.Context, call func() error) error {
	if around == nil {
		return call()
	}
	return around(ctx, call)
}

func (s *faulty) now() *fault {
	if f := s.fault.Load(); f != nil {
		return f
	}
	return &fault{}
}

func (s *faulty) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	f := s.now()
	return through(f.view, ctx, func() error {
		return s.Store.View(ctx, workspace, func(r rbac.Reader) error {
			if f.row != nil {
				r = faultyReader{r, f.row}
			}
			return fn(r)
		})
	})
}

func (s *faulty) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	return through(s.now().update, ctx, func() error { return s.Store.Update(ctx, workspace, fn) })
}

func (s *faulty) Revisions(ctx context.Context, workspaces []string) (found map[string]rbac.Revision, err error) {
	err = through(s.now().revisions, ctx, func() error {
		found, err = s.Store.Revisions(ctx, workspaces)
		return err
	})
	return found, err
}

func (s *faulty) Notify(ctx context.Context, hint func(workspaces ...string)) error {
	return through(s.now().notify, ctx, func() error { return s.Store.Notify(ctx, hint) })
}

// faultyReader has iterators that end badly behind their first row.
type faultyReader struct {
	rbac.Reader
	row func() error
}

func (r faultyReader) Roles() iter.Seq2[rbac.Role, error] { return cutOff(r.Reader.Roles(), r.row) }

func (r faultyReader) Members(q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	return cutOff(r.Reader.Members(q), r.row)
}

func (r faultyReader) Events(q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	return cutOff(r.Reader.Events(q), r.row)
}

func cutOff[V any](rows iter.Seq2[V, error], row func() error) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		for v, err := range rows {
			if !yield(v, err) {
				return
			}
			break
		}
		var zero V
		yield(zero, row())
	}
}

var (
	panics       = func(context.Context, func() error) error { panic("the store has a bug") }
	panicsBehind = func(_ context.Context, call func() error) error { panic(call()) }
	fails        = func(context.Context, func() error) error { return errDisk }
	blocks       = func(ctx context.Context, _ func() error) error { <-ctx.Done(); return ctx.Err() }
)

// logbook keeps what the library reports.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logbook) option() rbac.Option { return rbac.WithLogger(slog.New(slog.NewTextHandler(l, nil))) }

// A reading that ends after a change of this instance was published does not
// bring back what the change took away.
func TestScenario06_SlowReloadIsThrownAway(t *testing.T) {
	for name, begin := range map[string]func(ctx context.Context, w, other *rbac.Workspace, read func()) error{
		"a first load": func(ctx context.Context, w, _ *rbac.Workspace, read func()) error {
			read()
			_, err := w.Subject(ctx, "vic")
			return err
		},
		"a reload of what is known": func(ctx context.Context, w, _ *rbac.Workspace, read func()) error {
			if !w.Can(ctx, "vic", rbac.Deals, rbac.Read) {
				return errors.New("vic was denied")
			}
			read()
			return w.Sync(ctx)
		},
		"a reload of another's change": func(ctx context.Context, w, other *rbac.Workspace, read func()) error {
			if !w.Can(ctx, "vic", rbac.Deals, rbac.Read) {
				return errors.New("vic was denied")
			}
			if err := other.As("ann").Assign(ctx, "viewer", "new"); err != nil {
				return err
			}
			read()
			return w.Sync(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			other, _, path := pair(t)
			require.NoError(t, other.As("ann").Assign(ctx, "viewer", "vic"))
			store := &faulty{Store: open(t, path)}
			w := authorizer(t, withoutNotify{store}, viewer, rbac.WithMaxStaleness(time.Minute), rbac.WithPollInterval(30*time.Second)).For("w")
			can := func() bool { return w.Can(ctx, "vic", rbac.Deals, rbac.Read) }

			// From now on the first reading is late: it has read the rows, and
			// its result arrives when it is released.
			hasRead, release := make(chan struct{}), make(chan struct{})
			var late atomic.Bool
			slow := &fault{view: func(_ context.Context, call func() error) error {
				err := call()
				if late.CompareAndSwap(false, true) {
					close(hasRead)
					<-release
				}
				return err
			}}
			var began, removed sync.WaitGroup
			began.Go(func() { assert.NoError(t, begin(ctx, w, other, func() { store.fault.Store(slow) })) })
			select {
			case <-hasRead:
			case <-time.After(10 * time.Second):
				t.Fatal("nothing was read")
			}
			before := revision(t, store, "w")
			removed.Go(func() { assert.NoError(t, w.As("ann").Remove(ctx, "vic")) })
			require.Eventually(t, func() bool { return revision(t, store, "w") > before }, 10*time.Second, time.Millisecond)
			if name != "a reload of another's change" { // there Remove waits for the reading
				removed.Wait()
			}
			if name == "a reload of what is known" {
				require.False(t, can(), "the change is published, the reading still under way")
			}
			close(release)
			removed.Wait()
			for range 100 {
				require.False(t, can())
				time.Sleep(100 * time.Microsecond)
			}
			began.Wait()
			require.False(t, can())
			require.NoError(t, w.Sync(ctx))
			require.False(t, can())
			replayed(t, w)
		})
	}
}

func revision(t testing.TB, store rbac.Store, workspace string) int64 {
	t.Helper()
	found, err := store.Revisions(t.Context(), []string{workspace})
	require.NoError(t, err)
	return found[workspace].Seq
}

// Rows whose times are far off, as after a jump of the clock, change no
// decision. See also clock_internal_test.go of the root package.
func TestScenario19_TimesFarOff(t *testing.T) {
	for name, at := range map[string]time.Time{
		"a year ahead":     time.Now().AddDate(1, 0, 0),
		"a year behind":    time.Now().AddDate(-1, 0, 0),
		"at the beginning": time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		"at the end":       time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			first, second, path := pair(t)
			role, err := first.As("ann").CreateRole(ctx, dealsReader)
			require.NoError(t, err)
			require.NoError(t, first.As("ann").Assign(ctx, role.ID, "bob", "eve"))
			require.NoError(t, first.As("ann").Suspend(ctx, "eve"))
			decisions := func(w *rbac.Workspace) {
				t.Helper()
				for user, want := range map[string]bool{"ann": true, "bob": true, "eve": false, "joe": false} {
					require.Equal(t, want, w.Can(ctx, user, rbac.Deals, rbac.Read), user)
				}
				require.True(t, w.Can(ctx, "ann", rbac.Users, rbac.Manage))
				require.False(t, w.Can(ctx, "bob", rbac.Deals, rbac.Manage))
				require.NoError(t, w.VerifyEvents(ctx))
			}
			decisions(first)
			sqlExec(t, path, `UPDATE rbac_roles SET created_at = ?1, updated_at = ?1`, at.UnixMicro())
			sqlExec(t, path, `UPDATE rbac_members SET updated_at = ?`, at.UnixMicro())
			sqlExec(t, path, `INSERT INTO rbac_members (workspace, user, role, suspended, updated_at) VALUES ('w', 'kim', ?, 0, ?)`,
				string(role.ID), at.UnixMicro())
			loaded := authorizer(t, open(t, path), viewer).For("w")
			for _, w := range []*rbac.Workspace{first, second, loaded} {
				require.NoError(t, w.Sync(ctx))
				decisions(w)
			}
			require.True(t, loaded.Can(ctx, "kim", rbac.Deals, rbac.Read))

			// And changes go on from such rows, at once.
			require.NoError(t, loaded.As("ann").Reinstate(ctx, "eve"))
			require.True(t, loaded.Can(ctx, "eve", rbac.Deals, rbac.Read))
			stored, err := loaded.Roles(ctx)
			require.NoError(t, err)
			for _, edited := range stored {
				if edited.ID == role.ID {
					require.Equal(t, at.Truncate(time.Microsecond).UTC(), edited.UpdatedAt)
					edited.Permissions = nil
					_, err = loaded.As("ann").UpdateRole(ctx, edited)
					require.NoError(t, err)
				}
			}
			for _, w := range []*rbac.Workspace{first, second, loaded} {
				require.NoError(t, w.Sync(ctx))
				for _, user := range []string{"bob", "eve", "kim"} {
					require.False(t, w.Can(ctx, user, rbac.Deals, rbac.Read), user)
				}
				require.NoError(t, w.VerifyEvents(ctx))
			}
		})
	}
}

// A store that is wrong while a workspace is read: denied, reported, contained
// to that workspace, and all is well once the store is.
func TestScenario23_WrongReadings(t *testing.T) {
	for name, wrong := range map[string]*fault{
		"panics":                    {view: panics},
		"panics behind its reading": {view: panicsBehind},
		"fails":                     {view: fails},
		"blocks":                    {view: blocks},
		"cuts rows off":             {row: func() error { return errDisk }},
		"panics between rows":       {row: func() error { panic("rows") }},
	} {
		for _, following := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", following ", following), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testWrongReading(t, wrong, following) })
			})
		}
	}
}

func testWrongReading(t *testing.T, wrong *fault, following bool) {
	ctx, log, path := t.Context(), &logbook{}, tempFile(t)
	store := &faulty{Store: open(t, path)}
	app, az := authorizer(t, withoutNotify{open(t, path)}, viewer), authorizer(t, withoutNotify{store}, viewer, log.option())
	for _, id := range []string{"w", "other"} {
		require.NoError(t, app.For(id).System("set-up").Assign(ctx, rbac.Administrator, "ann", "bob", "cy"))
	}
	w, other := az.For("w"), az.For("other")
	can := func(user string) bool { return w.Can(ctx, user, rbac.Deals, rbac.Read) }
	require.True(t, other.Can(ctx, "ann", rbac.Deals, rbac.Read))
	if following {
		require.True(t, can("bob"))
	}

	store.fault.Store(wrong)
	require.NoError(t, app.For("w").As("ann").Remove(ctx, "bob", "cy"))
	began := time.Now()
	for time.Since(began) < 2*time.Minute {
		if !following || time.Since(began) > 10*time.Second {
			require.False(t, can("ann"), "after %v", time.Since(began))
			require.ErrorIs(t, w.Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrUnavailable)
			require.False(t, can("bob"))
		}
		require.True(t, other.Can(ctx, "ann", rbac.Deals, rbac.Read), "after %v", time.Since(began))
		time.Sleep(time.Second)
	}
	require.Contains(t, log.String(), "a workspace cannot be read")

	store.fault.Store(nil)
	time.Sleep(70 * time.Second) // a reading that was blocked gives up after a minute
	synctest.Wait()
	require.True(t, can("ann"))
	require.False(t, can("bob"))
	require.NoError(t, app.For("w").As("ann").Assign(ctx, "viewer", "new"))
	time.Sleep(5 * time.Second)
	require.True(t, can("new"), "the follower goes on")
	require.NoError(t, w.VerifyEvents(ctx))
}

// The same of polls and notifications: what cannot be confirmed is served for
// MaxStaleness, and no longer.
func TestScenario23_WrongPolls(t *testing.T) {
	for name, around := range map[string]func(context.Context, func() error) error{
		"panics": panics, "panics behind its answer": panicsBehind, "fails": fails, "blocks": blocks,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, log := t.Context(), &logbook{}
				store := &faulty{Store: open(t, tempFile(t))}
				store.fault.Store(&fault{notify: around})
				w := authorizer(t, store, viewer, log.option()).For("w")
				can := func() bool { return w.Can(ctx, "ann", rbac.Deals, rbac.Read) }
				require.NoError(t, w.System("set-up").Assign(ctx, rbac.Administrator, "ann"))
				for range 60 { // without notifications all is well
					require.True(t, can())
					time.Sleep(time.Second)
				}
				store.fault.Store(&fault{notify: around, revisions: around, view: around})
				time.Sleep(11 * time.Second)
				for range 60 {
					require.False(t, can())
					require.ErrorIs(t, w.Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrUnavailable)
					time.Sleep(time.Second)
				}
				require.Contains(t, log.String(), "the store cannot be asked for revisions")
				require.Contains(t, log.String(), "out of service")
				store.fault.Store(nil)
				time.Sleep(70 * time.Second)
				require.True(t, can(), "the follower goes on")
			})
		})
	}
}

// And of changes: an error, nothing written, and the next one works.
func TestScenario23_WrongChanges(t *testing.T) {
	ctx, path := t.Context(), tempFile(t)
	store := &faulty{Store: open(t, path)}
	az := authorizer(t, store, viewer)
	require.NoError(t, az.System("set-up").Assign(ctx, rbac.Administrator, "ann"))
	for name, around := range map[string]func(context.Context, func() error) error{"panics": panics, "fails": fails, "blocks": blocks} {
		before := dump(t, path)
		store.fault.Store(&fault{update: around})
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		require.Error(t, az.As("ann").Assign(short, "viewer", name), name)
		cancel()
		store.fault.Store(nil)
		require.Equal(t, before, dump(t, path), name)
		require.False(t, az.Can(ctx, name, rbac.Deals, rbac.Read))
		require.NoError(t, az.As("ann").Assign(ctx, "viewer", name))
		require.True(t, az.Can(ctx, name, rbac.Deals, rbac.Read))
	}
	replayed(t, az.Workspace)
}

// dump returns all rows of the library as text.
func dump(t testing.TB, path string) string {
	t.Helper()
	db := handle(t, path, "_pragma=busy_timeout(5000)&_pragma=query_only(1)")
	var text strings.Builder
	for _, statement := range []string{
		`SELECT json_array(id, revision, hex(hash)) FROM rbac_workspaces ORDER BY id`,
		`SELECT json_array(workspace, id, name, description, permissions, system, version, created_at, updated_at) FROM rbac_roles ORDER BY 1`,
		`SELECT json_array(workspace, user, role, suspended, updated_at) FROM rbac_members ORDER BY 1`,
		`SELECT json_array(id, workspace, seq, body, hex(hash)) FROM rbac_events ORDER BY id`,
	} {
		rows, err := db.Query(statement)
		require.NoError(t, err)
		for rows.Next() {
			var row string
			require.NoError(t, rows.Scan(&row))
			fmt.Fprintln(&text, row)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
	}
	return text.String()
}

// Close ends what is under way, and leaves no goroutine of the library.
func TestScenario24_Close(t *testing.T) {
	ctx, path := t.Context(), tempFile(t)
	members := make([]rbac.Member, 5_000)
	for i := range members {
		members[i] = rbac.Member{User: fmt.Sprint("user", i), Role: rbac.Administrator}
	}
	large := open(t, path)
	require.NoError(t, large.Update(ctx, "large", func(tx rbac.Tx) error { return tx.PutMembers(members...) }))
	setup := authorizer(t, large)
	require.NoError(t, setup.For("w").System("set-up").Assign(ctx, rbac.Administrator, "ann"))
	require.NoError(t, setup.Close())

	inside := make(chan struct{}, 100)
	arrive := func(ctx context.Context, _ func() error) error {
		inside <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	for name, begin := range map[string]func(store *faulty, az *rbac.Authorizer){
		"when idle": func(*faulty, *rbac.Authorizer) {},
		"during a load of many rows": func(_ *faulty, az *rbac.Authorizer) {
			go az.For("large").Can(ctx, "user1", rbac.Deals, rbac.Read)
			time.Sleep(10 * time.Millisecond)
		},
		"during a first load that blocks": func(store *faulty, az *rbac.Authorizer) {
			store.fault.Store(&fault{view: arrive})
			go az.For("large").Can(ctx, "user1", rbac.Deals, rbac.Read)
			<-inside
		},
		"during a reload that blocks, with one queued": func(store *faulty, az *rbac.Authorizer) {
			store.fault.Store(&fault{view: arrive})
			go func() { _ = az.For("w").Sync(ctx) }()
			<-inside
			go func() { _ = az.For("w").Sync(ctx) }()
		},
		"during a reload in the middle of its rows": func(store *faulty, az *rbac.Authorizer) {
			store.fault.Store(&fault{row: func() error {
				inside <- struct{}{}
				time.Sleep(50 * time.Millisecond)
				return errDisk
			}})
			go az.For("large").Can(ctx, "user1", rbac.Deals, rbac.Read)
			<-inside
		},
		"during a poll that blocks": func(store *faulty, az *rbac.Authorizer) {
			store.fault.Store(&fault{revisions: arrive})
			<-inside
		},
	} {
		t.Run(name, func(t *testing.T) {
			inner, err := sqlitestore.Open(path)
			require.NoError(t, err)
			store := &faulty{Store: inner}
			az, err := rbac.Open(ctx, store, rbac.WithLogger(slog.New(slog.DiscardHandler)), rbac.WithPollInterval(20*time.Millisecond))
			require.NoError(t, err)
			require.True(t, az.For("w").Can(ctx, "ann", rbac.Deals, rbac.Read))
			for len(inside) > 0 { // of the case before
				<-inside
			}
			begin(store, az)
			began := time.Now()
			require.NoError(t, az.Close())
			require.Less(t, time.Since(began), 5*time.Second)
			require.Empty(t, ours("rbac.(*follower).pollLoop", "rbac.(*follower).notifyLoop", "rbac.(*Workspace).runFlights", "rbac/sqlitestore.(*Store)"), "Close has waited for them")
			require.NoError(t, inner.Close())
			require.False(t, az.For("w").Can(ctx, "ann", rbac.Deals, rbac.Read))
			require.ErrorIs(t, az.For("w").Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrClosed)
			// Those who asked have had their answer.
			require.Eventually(t, func() bool { return len(ours("rbac.(", "rbac/sqlitestore.(")) == 0 }, 10*time.Second, time.Millisecond)
		})
	}
}

// ours returns the goroutines with a function of the library, by parts of its
// name.
func ours(parts ...string) (found []string) {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		for _, part := range parts {
			if strings.Contains(stack, "github.com/areagate/"+part) {
				found = append(found, stack)
				break
			}
		}
	}
	return found
}

// company is a workspace on two instances: lee, a lead, manages users and sees
// their own deals; sam and sid, who is suspended, hold the role strong and see
// all deals; kim holds weak, which is within lee's role; ann is the
// administrator.
type company struct {
	instances          []*rbac.Workspace
	path               string
	lead, strong, weak rbac.Role
}

func newCompany(t *testing.T) *company {
	t.Helper()
	first, second, path := pair(t)
	c := &company{instances: []*rbac.Workspace{first, second}, path: path}
	ann := first.As("ann")
	create := func(name string, permissions rbac.Permissions) rbac.Role {
		role, err := ann.CreateRole(t.Context(), rbac.Role{Name: name, Permissions: permissions})
		require.NoError(t, err)
		return role
	}
	c.lead = create("Lead", rbac.Permissions{rbac.Users: {Read: rbac.All, Manage: rbac.All}, rbac.Deals: {Read: rbac.Own}})
	c.strong = create("Strong", rbac.Permissions{rbac.Deals: {Read: rbac.All}})
	c.weak = create("Weak", rbac.Permissions{rbac.Deals: {Read: rbac.Own}})
	for user, role := range map[string]rbac.Role{"lee": c.lead, "sam": c.strong, "sid": c.strong, "kim": c.weak} {
		require.NoError(t, ann.Assign(t.Context(), role.ID, user))
	}
	require.NoError(t, ann.Suspend(t.Context(), "sid"))
	return c
}

type attempt = func(context.Context, *rbac.Admin) error

// refused makes attempts as lee, from each instance and in a transaction of
// the application that commits, and sees that the database stays as it is.
func (c *company) refused(t *testing.T, attempts map[string]attempt, check func(t *testing.T, err error)) {
	t.Helper()
	ctx := t.Context()
	db := handle(t, c.path, "_txlock=immediate&_pragma=busy_timeout(5000)")
	before := dump(t, c.path)
	for name, try := range attempts {
		t.Run(name, func(t *testing.T) {
			for _, w := range c.instances {
				check(t, try(ctx, w.As("lee")))
				tx, err := db.BeginTx(ctx, nil)
				require.NoError(t, err)
				check(t, try(ctx, w.As("lee").In(sqlitestore.Tx(tx))))
				require.NoError(t, tx.Commit())
			}
			require.Equal(t, before, dump(t, c.path))
		})
	}
	require.NoError(t, c.instances[0].VerifyEvents(ctx))
}

// escalates expects an *rbac.EscalationError about a member, a role, or both.
func escalates(user string, role rbac.RoleID, missing rbac.Permissions) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		t.Helper()
		require.ErrorIs(t, err, rbac.ErrEscalation)
		var escalation *rbac.EscalationError
		require.ErrorAs(t, err, &escalation)
		require.Equal(t, &rbac.EscalationError{Actor: "lee", User: user, Role: role, Missing: missing}, escalation)
	}
}

var (
	dealsAll   = rbac.Permissions{rbac.Deals: {Read: rbac.All}}
	everything = func() rbac.Permissions { // that lee does not hold
		all := rbac.Permissions{}
		for _, info := range rbac.DefaultAreas() {
			all[info.Area] = rbac.Access{Read: rbac.All, Manage: rbac.All}
		}
		delete(all, rbac.Users)
		return all
	}()
)

func creates(permissions rbac.Permissions) attempt {
	return func(ctx context.Context, a *rbac.Admin) error {
		_, err := a.CreateRole(ctx, rbac.Role{Name: "New", Permissions: permissions})
		return err
	}
}

func updates(role rbac.Role, permissions rbac.Permissions) attempt {
	return func(ctx context.Context, a *rbac.Admin) error {
		edited := role
		edited.Name, edited.Permissions = "Renamed", permissions
		_, err := a.UpdateRole(ctx, edited)
		return err
	}
}

func assigns(role rbac.RoleID, users ...string) attempt {
	return func(ctx context.Context, a *rbac.Admin) error { return a.Assign(ctx, role, users...) }
}

func TestScenario33_RolesBeyondOnesOwn(t *testing.T) {
	c := newCompany(t)
	c.refused(t, map[string]attempt{
		"create All from Own": creates(dealsAll),
		"create more among others": creates(rbac.Permissions{
			rbac.Users: {Read: rbac.All, Manage: rbac.All}, rbac.Deals: {Read: rbac.All},
		}),
		"copy a stronger role": creates(c.strong.Permissions),
	}, escalates("", "", dealsAll))
	c.refused(t, map[string]attempt{
		"create Manage from Read": creates(rbac.Permissions{rbac.Deals: {Read: rbac.Own, Manage: rbac.Own}}),
	}, escalates("", "", rbac.Permissions{rbac.Deals: {Manage: rbac.Own}}))
	c.refused(t, map[string]attempt{"edit to more": updates(c.weak, dealsAll)}, escalates("", c.weak.ID, dealsAll))
	c.refused(t, map[string]attempt{"edit one's own to more": updates(c.lead, dealsAll)}, escalates("", c.lead.ID, dealsAll))
	c.refused(t, map[string]attempt{
		"rename a stronger role":    updates(c.strong, dealsAll),
		"take from a stronger role": updates(c.strong, nil),
	}, escalates("", c.strong.ID, dealsAll))
	require.NoError(t, creates(c.lead.Permissions)(t.Context(), c.instances[1].As("lee")), "what one holds may be given")
}

func TestScenario34_AssignBeyondOnesOwn(t *testing.T) {
	c := newCompany(t)
	c.refused(t, map[string]attempt{
		"to somebody new":      assigns(c.strong.ID, "new"),
		"to a member":          assigns(c.strong.ID, "kim"),
		"to one of many":       assigns(c.strong.ID, "kim", "new", "sam"),
		"in place of a weaker": func(ctx context.Context, a *rbac.Admin) error { return a.ReplaceRole(ctx, c.weak.ID, c.strong.ID) },
	}, escalates("", c.strong.ID, dealsAll))
	c.refused(t, map[string]attempt{
		"Administrator": assigns(rbac.Administrator, "kim"),
	}, escalates("", rbac.Administrator, everything))
	c.refused(t, map[string]attempt{
		"to oneself, stronger":        assigns(c.strong.ID, "lee"),
		"to oneself, Administrator":   assigns(rbac.Administrator, "lee"),
		"to oneself, weaker":          assigns(c.weak.ID, "lee"),
		"to oneself, with others":     assigns(c.weak.ID, "kim", "lee"),
		"suspend oneself":             func(ctx context.Context, a *rbac.Admin) error { return a.Suspend(ctx, "lee") },
		"remove oneself":              func(ctx context.Context, a *rbac.Admin) error { return a.Remove(ctx, "lee") },
		"replace the role of oneself": func(ctx context.Context, a *rbac.Admin) error { return a.ReplaceRole(ctx, c.lead.ID, c.weak.ID) },
	}, func(t *testing.T, err error) { require.ErrorIs(t, err, rbac.ErrSelf) })
	require.NoError(t, assigns(c.lead.ID, "new", "kim")(t.Context(), c.instances[1].As("lee")), "what one holds may be given")
}

func TestScenario35_MembersWhoHoldMore(t *testing.T) {
	c := newCompany(t)
	for user, holds := range map[string]struct {
		role    rbac.RoleID
		missing rbac.Permissions
	}{
		"sam": {c.strong.ID, dealsAll}, "sid": {c.strong.ID, dealsAll}, "ann": {rbac.Administrator, everything},
	} {
		c.refused(t, map[string]attempt{
			user + " is demoted":              assigns(c.weak.ID, user),
			user + " is demoted among others": assigns(c.weak.ID, "kim", user, "new"),
			user + " is suspended":            func(ctx context.Context, a *rbac.Admin) error { return a.Suspend(ctx, user) },
			user + " is reinstated":           func(ctx context.Context, a *rbac.Admin) error { return a.Reinstate(ctx, user) },
			user + " is removed":              func(ctx context.Context, a *rbac.Admin) error { return a.Remove(ctx, "kim", user) },
		}, escalates(user, holds.role, holds.missing))
	}
	c.refused(t, map[string]attempt{
		"the role of all is replaced": func(ctx context.Context, a *rbac.Admin) error { return a.ReplaceRole(ctx, c.strong.ID, c.weak.ID) },
	}, escalates("sam", c.strong.ID, dealsAll))
	require.NoError(t, c.instances[1].As("lee").Remove(t.Context(), "kim"), "who holds less may be removed")
}
