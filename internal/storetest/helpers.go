package storetest

import (
	"bytes"
	"context"
	"iter"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/areagate/rbac"
)

// Quiet are options with which only a notification makes an instance look.
func Quiet() []rbac.Option {
	return []rbac.Option{rbac.WithMaxStaleness(time.Minute), rbac.WithPollInterval(30 * time.Second)}
}

// Brisk are options with which the poll makes it look soon.
func Brisk() []rbac.Option {
	return []rbac.Option{rbac.WithMaxStaleness(time.Second), rbac.WithPollInterval(100 * time.Millisecond)}
}

// Deaf hides that a store notifies.
func Deaf(store rbac.Store) rbac.Store { return struct{ rbac.Store }{store} }

// Open opens an Authorizer for the duration of a test. It logs nothing unless
// an option says so.
func Open(t testing.TB, store rbac.Store, opts ...rbac.Option) *rbac.Authorizer {
	t.Helper()
	az, err := rbac.Open(context.Background(), store, append([]rbac.Option{rbac.WithLogger(slog.New(slog.DiscardHandler))}, opts...)...)
	must(t, err)
	t.Cleanup(func() {
		if err := az.Close(); err != nil {
			t.Error(err)
		}
	})
	return az
}

// Assign gives users a role.
func Assign(t testing.TB, w *rbac.Workspace, role rbac.RoleID, users ...string) {
	t.Helper()
	must(t, w.System("test").Assign(context.Background(), role, users...))
}

// AddRole makes a role.
func AddRole(t testing.TB, w *rbac.Workspace, name string, permissions rbac.Permissions) rbac.Role {
	t.Helper()
	role, err := w.System("test").CreateRole(context.Background(), rbac.Role{Name: name, Permissions: permissions})
	must(t, err)
	return role
}

// ReadsDeals are permissions for what Can asks about.
func ReadsDeals(scope rbac.Scope) rbac.Permissions {
	return rbac.Permissions{rbac.Deals: {Read: scope}}
}

// Can reports whether a user may read all deals.
func Can(w *rbac.Workspace, user string) bool {
	return w.Can(context.Background(), user, rbac.Deals, rbac.Read)
}

// All returns the values of an iterator.
func All[V any](t testing.TB, rows iter.Seq2[V, error]) (found []V) {
	t.Helper()
	for v, err := range rows {
		must(t, err)
		found = append(found, v)
	}
	return found
}

// Administrators returns the active ones, as the store has them.
func Administrators(t testing.TB, w *rbac.Workspace) (users []string) {
	t.Helper()
	for _, m := range All(t, w.Members(context.Background(), rbac.MemberQuery{Role: rbac.Administrator, State: rbac.ActiveOnly})) {
		users = append(users, m.User)
	}
	return users
}

// Farewells are the ways to take somebody's rights away.
func Farewells(ctx context.Context, to rbac.RoleID) []func(a *rbac.Admin, user string) error {
	return []func(*rbac.Admin, string) error{
		func(a *rbac.Admin, user string) error { return a.Assign(ctx, to, user) },
		func(a *rbac.Admin, user string) error { return a.Suspend(ctx, user) },
		func(a *rbac.Admin, user string) error { return a.Remove(ctx, user) },
	}
}

// revision returns how many events a workspace has.
func revision(t testing.TB, store rbac.Store, workspace string) int64 {
	t.Helper()
	found, err := store.Revisions(context.Background(), []string{workspace})
	must(t, err)
	return found[workspace].Seq
}

// state is all of a workspace.
type state struct {
	roles   []rbac.Role
	members []rbac.Member
	events  []rbac.Event
}

func stateOf(t testing.TB, store rbac.Store, workspace string) (s state) {
	t.Helper()
	must(t, store.View(context.Background(), workspace, func(r rbac.Reader) error {
		s = state{All(t, r.Roles()), All(t, r.Members(rbac.MemberQuery{})), All(t, r.Events(rbac.EventQuery{}))}
		return nil
	}))
	return s
}

// CheckInvariants checks what must hold after whatever happened: the chain
// verifies, members and roles are what the events say, and there is an active
// administrator.
func CheckInvariants(t testing.TB, store rbac.Store, workspaces ...string) {
	t.Helper()
	az, err := rbac.Open(context.Background(), Deaf(store), rbac.WithLogger(slog.New(slog.DiscardHandler)))
	must(t, err)
	defer az.Close()
	for _, id := range workspaces {
		w := az.For(id)
		must(t, w.VerifyEvents(context.Background()))
		that(t, len(Administrators(t, w)) > 0, "there is an active administrator of workspace", id)
		s := stateOf(t, store, id)
		members, roles := map[string]rbac.Member{}, map[rbac.RoleID]rbac.Role{}
		for _, e := range s.events {
			switch {
			case e.RoleAfter != nil:
				roles[e.RoleAfter.ID] = *e.RoleAfter
			case e.RoleBefore != nil:
				delete(roles, e.RoleBefore.ID)
			case e.MemberAfter != nil:
				members[e.MemberAfter.User] = *e.MemberAfter
			case e.MemberBefore != nil:
				delete(members, e.MemberBefore.User)
			}
		}
		for _, m := range s.members {
			equal(t, members[m.User], m, "what the events tell of a member of", id)
			delete(members, m.User)
		}
		equal(t, map[string]rbac.Member{}, members, "members that only the events of", id, "tell of")
		for _, role := range s.roles {
			equal(t, roles[role.ID], role, "what the events tell of a role of", id)
			delete(roles, role.ID)
		}
		equal(t, map[rbac.RoleID]rbac.Role{}, roles, "roles that only the events of", id, "tell of")
	}
}

// Together runs functions at the same moment and returns their errors.
func Together(fns ...func() error) []error {
	errs := make([]error, len(fns))
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i, fn := range fns {
		wg.Go(func() {
			<-start
			errs[i] = fn()
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// Soon waits until something holds, and returns how long that took.
func Soon(t testing.TB, most time.Duration, what string, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !holds() {
		if time.Since(began) > most {
			t.Fatalf("not within %v: %s", most, what)
		}
		time.Sleep(200 * time.Microsecond)
	}
	return time.Since(began)
}

// Scaled returns a twentieth with -short, and at least 1.
func Scaled(n int) int {
	if testing.Short() {
		return max(n/20, 1)
	}
	return n
}

// Listen collects the workspaces that a store tells of, from now on until the
// test ends.
func Listen(t testing.TB, store rbac.Notifier) (hints func() []string) {
	t.Helper()
	var mu sync.Mutex
	var told []string
	listening, ended := make(chan struct{}), make(chan error, 1)
	began := sync.OnceFunc(func() { close(listening) })
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		ended <- store.Notify(ctx, func(workspaces ...string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, workspaces...)
			began()
		})
	}()
	select {
	case <-listening:
	case err := <-ended:
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); <-ended })
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string{}, told...)
	}
}

// heap returns the bytes that are in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Log collects what an Authorizer reports.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Option makes an Authorizer report to l.
func (l *Log) Option() rbac.Option { return rbac.WithLogger(slog.New(slog.NewTextHandler(l, nil))) }

func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
