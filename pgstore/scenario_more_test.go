package pgstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// faultyStore is the real store, whose Views of one workspace, and whose
// Revisions, go through a fault if one is set.
type faultyStore struct {
	*pgstore.Store
	workspace string
	fault     atomic.Pointer[fault]
}

// fault is what goes wrong. Its functions may be nil.
type fault struct {
	call   func(ctx context.Context, call func() error) error // around View
	poll   func(ctx context.Context, call func() error) error // around Revisions
	reader func(rbac.Reader) rbac.Reader                      // what View gives
}

func (s *faultyStore) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	f := s.fault.Load()
	if f == nil || workspace != s.workspace {
		return s.Store.View(ctx, workspace, fn)
	}
	call := func() error {
		return s.Store.View(ctx, workspace, func(r rbac.Reader) error {
			if f.reader != nil {
				r = f.reader(r)
			}
			return fn(r)
		})
	}
	if f.call == nil {
		return call()
	}
	return f.call(ctx, call)
}

func (s *faultyStore) Revisions(ctx context.Context, workspaces []string) (found map[string]rbac.Revision, err error) {
	call := func() error {
		found, err = s.Store.Revisions(ctx, workspaces)
		return err
	}
	if f := s.fault.Load(); f != nil && f.poll != nil {
		return found, f.poll(ctx, call)
	}
	return found, call()
}

// log collects what an Authorizer reports.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) contains(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.text.Bytes(), []byte(text))
}

// openOn opens an Authorizer on a store.
func openOn(t testing.TB, store rbac.Store, options ...rbac.Option) *rbac.Authorizer {
	t.Helper()
	az, err := rbac.Open(context.Background(), store, append([]rbac.Option{rbac.WithLogger(slog.New(slog.DiscardHandler))}, options...)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, az.Close()) })
	return az
}

// A slow reload, whose transaction in PostgreSQL began before a revoke and ends
// after it, is thrown away: what the revoke published stays.
func TestScenario06_SlowReloadIsThrownAway(t *testing.T) {
	for name, begin := range map[string]func(t *testing.T, other, w *rbac.Workspace, viewer rbac.RoleID){
		"a first load": func(*testing.T, *rbac.Workspace, *rbac.Workspace, rbac.RoleID) {},
		"a reading of what is known": func(t *testing.T, _, w *rbac.Workspace, _ rbac.RoleID) {
			require.True(t, can(w, "vic"))
		},
		"a reading of another's change": func(t *testing.T, other, w *rbac.Workspace, viewer rbac.RoleID) {
			require.True(t, can(w, "vic"))
			assign(t, other, viewer, "new")
		},
		"a load of another history": func(t *testing.T, other, w *rbac.Workspace, viewer rbac.RoleID) {
			require.True(t, can(w, "vic"))
			for i := range 1100 { // too many to follow
				assign(t, other, viewer, fmt.Sprint("new", i%2))
				require.NoError(t, other.System("test").Remove(t.Context(), fmt.Sprint("new", i%2)))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, d := t.Context(), newDatabase(t)
			other := d.instance(setup{deaf: true, options: quiet()})
			store := &faultyStore{Store: open(t, pgtest.Pool(t, d.url), d.schema), workspace: "w"}
			w := openOn(t, struct{ rbac.Store }{store}, quiet()...).For("w")
			assign(t, other.For("w"), rbac.Administrator, "ann")
			viewer := addRole(t, other.For("w"), "Viewer", deals(rbac.All))
			assign(t, other.For("w"), viewer.ID, "vic")

			begin(t, other.For("w"), w, viewer.ID)
			reading, release := make(chan struct{}), make(chan struct{})
			var held atomic.Int32
			store.fault.Store(&fault{reader: func(r rbac.Reader) rbac.Reader {
				if held.Add(1) > 1 {
					return r
				}
				if _, err := r.Member("vic"); err != nil {
					t.Error("the snapshot of the transaction is not from before the revoke:", err)
				}
				close(reading)
				<-release // the transaction is open, and reads what was
				return r
			}})
			synced := make(chan error, 1)
			go func() { synced <- w.Sync(ctx) }()
			<-reading
			time.AfterFunc(300*time.Millisecond, func() { close(release) })
			require.NoError(t, w.As("ann").Remove(ctx, "vic"))
			for began := time.Now(); time.Since(began) < time.Second; {
				require.False(t, can(w, "vic"), "after %v", time.Since(began))
				time.Sleep(time.Millisecond)
			}
			require.NoError(t, <-synced)
			require.True(t, can(w, "ann"))
			checkInvariants(t, store.Store, "w")
		})
	}
}

// The same through a slow network: readings take longer than the time between
// own changes, and no check ever sees the state before the last change.
func TestScenario06_SlowNetwork(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	other := d.instance(setup{deaf: true, options: quiet()})
	slow := open(t, pgtest.Pool(t, p.url(d.url)), d.schema)
	// Readings go through the proxy, changes do not.
	store := readElsewhere{open(t, pgtest.Pool(t, d.url), d.schema), slow}
	w := openOn(t, store, quiet()...).For("w")
	assign(t, w, rbac.Administrator, "ann", "eve")
	require.True(t, can(w, "ann"))
	p.set(func() { p.delay = 10 * time.Millisecond })
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !done.Load() {
			_ = w.Sync(ctx)
		}
	})
	for i := range max(scaled(40), 10) {
		assign(t, w, rbac.Administrator, "bob")
		require.True(t, can(w, "bob"), "round %d", i)
		if i%4 == 0 { // somebody else's, so that the reading brings something
			assign(t, other.For("w"), rbac.Administrator, "eve")
			require.NoError(t, other.For("w").System("test").Remove(ctx, "eve"))
		}
		time.Sleep(time.Duration(20+rand.IntN(40)) * time.Millisecond) // a reading finds bob
		require.NoError(t, w.As("ann").Remove(ctx, "bob"))
		for began := time.Now(); time.Since(began) < 50*time.Millisecond; time.Sleep(100 * time.Microsecond) {
			require.False(t, can(w, "bob"), "round %d", i)
		}
	}
	done.Store(true)
	wg.Wait()
	checkInvariants(t, store.Store, "w")
}

// readElsewhere is a store whose Views are another's.
type readElsewhere struct {
	rbac.Store
	views rbac.Store
}

func (s readElsewhere) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return s.views.View(ctx, workspace, fn)
}

// Rows whose times are a year off, or at the ends of what the columns take,
// change no decision.
func TestScenario19_RowsAYearOff(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{options: brisk()})
	w := in.For("w")
	assign(t, w, rbac.Administrator, "ann", "zoe")
	viewer := addRole(t, w, "Viewer", deals(rbac.All))
	assign(t, w, viewer.ID, "vic", "sue")
	require.NoError(t, w.System("test").Suspend(ctx, "sue"))
	want := map[string]bool{"ann": true, "zoe": true, "vic": true, "sue": false, "nobody": false}
	for i, at := range []string{
		"now() + interval '1 year'", "now() - interval '1 year'", "'0001-01-01 00:00:00Z'", "'9999-12-31 23:59:59.999999Z'",
	} {
		d.exec("UPDATE members SET updated_at = " + at)
		d.exec("UPDATE roles SET created_at = " + at + ", updated_at = " + at)
		fresh := d.instance(setup{options: brisk()})
		for _, w := range []*rbac.Workspace{w, fresh.For("w")} {
			for user, want := range want {
				require.Equal(t, want, can(w, user), "%s at %s", user, at)
			}
			require.NoError(t, w.VerifyEvents(ctx))
		}
		// Changes go on, and arrive where such rows were loaded.
		user := fmt.Sprint("user", i)
		require.NoError(t, fresh.For("w").As("ann").Assign(ctx, viewer.ID, user))
		soon(t, 2*time.Second, "the change arrives", func() bool { return can(w, user) })
		require.NoError(t, w.As("zoe").Suspend(ctx, user))
		soon(t, 2*time.Second, "the suspension arrives", func() bool { return !can(fresh.For("w"), user) })
	}
	require.NoError(t, w.VerifyEvents(ctx))
}

// state is all of a workspace.
type state struct {
	roles   []rbac.Role
	members []rbac.Member
	events  []rbac.Event
}

func stateOf(t testing.TB, store rbac.Store, workspace string) (s state) {
	t.Helper()
	require.NoError(t, store.View(context.Background(), workspace, func(r rbac.Reader) error {
		s = state{all(t, r.Roles()), all(t, r.Members(rbac.MemberQuery{})), all(t, r.Events(rbac.EventQuery{}))}
		return nil
	}))
	return s
}

func all[V any](t testing.TB, rows iter.Seq2[V, error]) (found []V) {
	t.Helper()
	for v, err := range rows {
		require.NoError(t, err)
		found = append(found, v)
	}
	return found
}

// put writes roles and members, and the events behind those that are there.
func (s state) put(t testing.TB, store rbac.Store, workspace string) {
	t.Helper()
	require.NoError(t, store.Update(context.Background(), workspace, func(tx rbac.Tx) error {
		at, err := tx.Revision()
		require.NoError(t, err)
		for _, role := range s.roles {
			require.NoError(t, tx.PutRole(role))
		}
		require.NoError(t, tx.PutMembers(s.members...))
		return tx.AppendEvents(s.events[at.Seq:]...)
	}))
}

// changeAt makes changes as an instance would whose clock says that it is
// another time.
func changeAt(t *testing.T, at time.Time, store rbac.Store, workspace string, change func(*rbac.Workspace)) {
	t.Helper()
	s := stateOf(t, store, workspace)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(at)) // the clock in here begins in the year 2000
		memory := rbac.NewMemStore()
		s.put(t, memory, workspace)
		az, err := rbac.Open(t.Context(), memory)
		require.NoError(t, err)
		defer az.Close()
		change(az.For(workspace))
		s = stateOf(t, memory, workspace)
	})
	last := s.events[len(s.events)-1].Time
	require.WithinDuration(t, at, last, time.Minute)
	s.put(t, store, workspace)
}

// Instances whose clocks are a year off, either way: their changes decide as
// those of any other, and the order of events is that of their numbers.
func TestScenario19_InstancesAYearOff(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for name, off := range map[string]time.Duration{"ahead": year, "behind": -year} {
		t.Run(name, func(t *testing.T) {
			ctx, d := t.Context(), newDatabase(t)
			in, polling := d.instance(setup{options: quiet()}), d.instance(setup{deaf: true, options: brisk()})
			both := []*rbac.Workspace{in.For("w"), polling.For("w")}
			everywhere := func(user string, want bool) {
				t.Helper()
				for _, w := range both {
					soon(t, 5*time.Second, fmt.Sprint(user, want), func() bool { return can(w, user) == want })
				}
			}
			at := time.Now().Add(off)
			var viewer rbac.Role
			changeAt(t, at, in.store, "w", func(w *rbac.Workspace) {
				assign(t, w, rbac.Administrator, "ann")
				viewer = addRole(t, w, "Viewer", deals(rbac.All))
				assign(t, w, viewer.ID, "vic")
			})
			everywhere("vic", true)
			require.NoError(t, both[0].As("ann").Assign(ctx, viewer.ID, "sue")) // by the right clock
			everywhere("sue", true)
			changeAt(t, at, in.store, "w", func(w *rbac.Workspace) {
				require.NoError(t, w.As("ann").Suspend(t.Context(), "vic", "sue"))
			})
			everywhere("vic", false)
			everywhere("sue", false)
			require.NoError(t, both[1].As("ann").Reinstate(ctx, "vic"))
			everywhere("vic", true)
			changeAt(t, at.Add(-off), in.store, "w", func(w *rbac.Workspace) { // jumps back
				viewer.Permissions = nil
				_, err := w.As("ann").UpdateRole(t.Context(), viewer)
				require.NoError(t, err)
			})
			everywhere("vic", false)
			everywhere("ann", true)
			require.False(t, can(d.instance(setup{}).For("w"), "vic"))
			checkInvariants(t, in.store, "w")
		})
	}
}

// cutReader gives a few roles and members, no event, and then an error.
type cutReader struct {
	rbac.Reader
	rows int
}

var errCut = errors.New("the rows break off")

func (r cutReader) Roles() iter.Seq2[rbac.Role, error] { return cutOff(r.Reader.Roles(), r.rows) }

func (r cutReader) Members(q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	return cutOff(r.Reader.Members(q), r.rows)
}

func (r cutReader) Events(q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	return cutOff(r.Reader.Events(q), 0)
}

func cutOff[V any](rows iter.Seq2[V, error], most int) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		n := 0
		for v, err := range rows {
			if n == most {
				var zero V
				yield(zero, errCut)
				return
			}
			if n++; !yield(v, err) {
				return
			}
		}
	}
}

// tappedReader calls tap after the first member of each reading.
type tappedReader struct {
	rbac.Reader
	tap func()
}

func (r tappedReader) Members(q rbac.MemberQuery) iter.Seq2[rbac.Member, error] {
	return func(yield func(rbac.Member, error) bool) {
		once := sync.OnceFunc(r.tap)
		for m, err := range r.Reader.Members(q) {
			once()
			if !yield(m, err) {
				return
			}
		}
	}
}

// Events makes sure that the members are read.
func (r tappedReader) Events(rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	return func(yield func(rbac.Event, error) bool) { yield(rbac.Event{}, errCut) }
}

// A store that panics, blocks, gives partial rows, or whose session is ended
// while rows are read: denied, reported, contained, and once it is healed the
// follower goes on.
func TestScenario23_WrongStoreIsContained(t *testing.T) {
	panics := func(context.Context, func() error) error { panic("the store has a bug") }
	for name, broken := range map[string]func(d *database, healed <-chan struct{}) *fault{
		"panics": func(*database, <-chan struct{}) *fault { return &fault{call: panics} },
		"panics inside the transaction": func(*database, <-chan struct{}) *fault {
			return &fault{reader: func(rbac.Reader) rbac.Reader { panic("the reader has a bug") }}
		},
		"blocks": func(_ *database, healed <-chan struct{}) *fault { return &fault{call: blockUntil(healed)} },
		"breaks off": func(*database, <-chan struct{}) *fault {
			return &fault{reader: func(r rbac.Reader) rbac.Reader { return cutReader{r, 1} }}
		},
		"breaks off at once": func(*database, <-chan struct{}) *fault {
			return &fault{reader: func(r rbac.Reader) rbac.Reader { return cutReader{r, 0} }}
		},
		"its session is ended": func(d *database, _ <-chan struct{}) *fault {
			return &fault{reader: func(r rbac.Reader) rbac.Reader {
				return tappedReader{r, func() { // those that write have a backend_xid
					_ = d.tryExec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
						WHERE application_name = $1 AND state = 'idle in transaction' AND backend_xid IS NULL`, d.schema)
				}}
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, d := t.Context(), newDatabase(t)
			app := d.instance(setup{})
			var many []string // more than one page
			for i := range 3000 {
				many = append(many, fmt.Sprint("user", i))
			}
			for _, id := range []string{"w", "acme"} {
				viewer := addRole(t, app.For(id), "Viewer", nil)
				addRole(t, app.For(id), "Other", nil)
				assign(t, app.For(id), rbac.Administrator, "ann", "bob")
				assign(t, app.For(id), viewer.ID, many...)
			}
			pool := pgtest.Pool(t, d.url, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["application_name"] = d.schema })
			store, reports := &faultyStore{Store: open(t, pool, d.schema), workspace: "w"}, &log{}
			az := openOn(t, store, append(brisk(), rbac.WithLogger(slog.New(slog.NewTextHandler(reports, nil))))...)
			w, acme := az.For("w"), az.For("acme")
			soon(t, 5*time.Second, "it serves", func() bool { return can(acme, "ann") })
			contained := func() {
				t.Helper()
				soon(t, 5*time.Second, "another workspace serves", func() bool { return can(acme, "ann") })
				require.NoError(t, acme.As("ann").Suspend(ctx, "bob"))
				require.False(t, can(acme, "bob"))
				require.NoError(t, acme.As("ann").Reinstate(ctx, "bob"))
			}

			// At the first load.
			healed := make(chan struct{})
			store.fault.Store(broken(d, healed))
			began := time.Now()
			err := w.Authorize(ctx, "ann", rbac.Deals, rbac.Read)
			require.ErrorIs(t, err, rbac.ErrUnavailable)
			require.Less(t, time.Since(began), 5*time.Second)
			require.False(t, can(w, "ann"))
			require.ErrorIs(t, w.Sync(ctx), rbac.ErrUnavailable)
			contained()
			store.fault.Store(nil)
			close(healed)
			soon(t, 10*time.Second, "it serves once it is healed", func() bool { return can(w, "ann") && can(w, "bob") })
			soon(t, 5*time.Second, "it is reported", func() bool { return reports.contains("a workspace cannot be read") })

			// While following.
			healed = make(chan struct{})
			store.fault.Store(broken(d, healed))
			require.NoError(t, app.For("w").As("ann").Remove(ctx, "bob"))
			soon(t, 10*time.Second, "what cannot be confirmed is not served", func() bool { return !can(w, "ann") })
			require.False(t, can(w, "bob"))
			require.ErrorIs(t, w.Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrUnavailable)
			contained()
			store.fault.Store(nil)
			close(healed)
			soon(t, 10*time.Second, "it serves once it is healed", func() bool { return can(w, "ann") })
			require.False(t, can(w, "bob"))
			assign(t, app.For("w"), rbac.Administrator, "eve")
			soon(t, 10*time.Second, "the follower goes on", func() bool { return can(w, "eve") })
			checkInvariants(t, app.store, "w", "acme")
		})
	}
}

// blockUntil blocks until the context ends or the store is healed.
func blockUntil(healed <-chan struct{}) func(context.Context, func() error) error {
	return func(ctx context.Context, _ func() error) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-healed:
			return errors.New("it blocked")
		}
	}
}

// Revisions that panic, or block until their context ends: no workspace is
// served beyond MaxStaleness, it is reported, and polling goes on.
func TestScenario23_WrongRevisions(t *testing.T) {
	for name, poll := range map[string]func(context.Context, func() error) error{
		"panic": func(context.Context, func() error) error { panic("the store has a bug") },
		"block": blockUntil(nil),
		"fail":  func(context.Context, func() error) error { return errCut },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, d := t.Context(), newDatabase(t)
			app := d.instance(setup{})
			assign(t, app.For("w"), rbac.Administrator, "ann", "bob")
			store, reports := &faultyStore{Store: open(t, pgtest.Pool(t, d.url), d.schema)}, &log{}
			w := openOn(t, struct{ rbac.Store }{store}, append(brisk(), rbac.WithLogger(slog.New(slog.NewTextHandler(reports, nil))))...).For("w")
			require.True(t, can(w, "bob"))
			store.fault.Store(&fault{poll: poll})
			require.NoError(t, app.For("w").As("ann").Remove(ctx, "bob"))
			soon(t, 5*time.Second, "the revoke takes effect", func() bool { return !can(w, "bob") })
			soon(t, 5*time.Second, "it is reported", func() bool { return reports.contains("cannot be asked for revisions") })
			require.NoError(t, w.Sync(ctx), "Sync does not need them")
			require.True(t, can(w, "ann"))
			store.fault.Store(nil)
			assign(t, app.For("w"), rbac.Administrator, "eve")
			soon(t, 5*time.Second, "the poll goes on", func() bool { return can(w, "eve") })
			checkInvariants(t, app.store, "w")
		})
	}
}
