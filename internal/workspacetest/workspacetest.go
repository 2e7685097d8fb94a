// Package workspacetest opens, fills, reads and judges workspaces in the tests
// of this repository, on any store. Tests of an application use rbactest.
//
// It is no test file, and the root module imports only the standard library
// outside of those: so it does without testify.
package workspacetest

import (
	"context"
	"iter"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
)

// Open opens an Authorizer for the duration of a test. It logs nothing unless
// an option says so.
func Open(t testing.TB, store rbac.Store, opts ...rbac.Option) *rbac.Authorizer {
	t.Helper()
	az, err := rbac.Open(context.Background(), store, append([]rbac.Option{Silent()}, opts...)...)
	assert.NoError(t, err)
	t.Cleanup(func() {
		if err := az.Close(); err != nil {
			t.Error(err)
		}
	})
	return az
}

// Silent is a logger for what is expected to go wrong.
func Silent() rbac.Option { return rbac.WithLogger(slog.New(slog.DiscardHandler)) }

// Quiet are options with which only a notification makes an instance look.
func Quiet() []rbac.Option {
	return []rbac.Option{rbac.WithMaxStaleness(time.Hour), rbac.WithPollInterval(30 * time.Minute)}
}

// Brisk are options with which the poll makes it look soon.
func Brisk() []rbac.Option {
	return []rbac.Option{rbac.WithMaxStaleness(3 * time.Second), rbac.WithPollInterval(100 * time.Millisecond)}
}

// Deaf hides that a store notifies.
func Deaf(store rbac.Store) rbac.Store { return struct{ rbac.Store }{store} }

// AddRole makes a role.
func AddRole(t testing.TB, w *rbac.Workspace, name string, permissions rbac.Permissions) rbac.Role {
	t.Helper()
	role, err := w.System("test").CreateRole(context.Background(), rbac.Role{Name: name, Permissions: permissions})
	assert.NoError(t, err)
	return role
}

// Assign gives users a role.
func Assign(t testing.TB, w *rbac.Workspace, role rbac.RoleID, users ...string) {
	t.Helper()
	assert.NoError(t, w.System("test").Assign(context.Background(), role, users...))
}

// Plan previews the saving of a role: a new one if it has no id, else an edit.
func Plan(ctx context.Context, a *rbac.Admin, role rbac.Role) (rbac.Plan, error) {
	return a.Preview(ctx, func(a *rbac.Admin) (err error) {
		if role.ID == "" {
			_, err = a.CreateRole(ctx, role)
		} else {
			_, err = a.UpdateRole(ctx, role)
		}
		return err
	})
}

// Refused returns what refuses a plan, or why there is none.
func Refused(plan rbac.Plan, err error) error {
	if err != nil {
		return err
	}
	return plan.Refused
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
		assert.NoError(t, err)
		found = append(found, v)
	}
	return found
}

// FirstError returns the first error of an iterator.
func FirstError[V any](rows iter.Seq2[V, error]) error {
	for _, err := range rows {
		if err != nil {
			return err
		}
	}
	return nil
}

// Events returns the events of a workspace that a query selects.
func Events(t testing.TB, w *rbac.Workspace, q rbac.EventQuery) []rbac.Event {
	t.Helper()
	return All(t, w.Events(context.Background(), q))
}

// Administrators returns the active ones, as the store has them.
func Administrators(t testing.TB, w *rbac.Workspace) (users []string) {
	t.Helper()
	for _, m := range All(t, w.Members(context.Background(), rbac.MemberQuery{Role: rbac.Administrator, State: rbac.ActiveOnly})) {
		users = append(users, m.User)
	}
	return users
}

// Within runs a function in a transaction of a store, as Workspace.Transact wants it.
func Within(store rbac.Store, workspace string) func(context.Context, func(rbac.Store) error) error {
	return func(ctx context.Context, work func(rbac.Store) error) error {
		return store.Update(ctx, workspace, func(tx rbac.Tx) error { return work(rbac.TxStore(workspace, tx)) })
	}
}

// Administered is a workspace, or one inside a transaction.
type Administered interface {
	As(user string) *rbac.Admin
	AsSubject(s rbac.Subject) *rbac.Admin
	System(reason string) *rbac.Admin
}

// Farewells are the ways to take somebody's rights away.
func Farewells(ctx context.Context, to rbac.RoleID) []func(a *rbac.Admin, user string) error {
	return []func(*rbac.Admin, string) error{
		func(a *rbac.Admin, user string) error { return a.Assign(ctx, to, user) },
		func(a *rbac.Admin, user string) error { return a.Suspend(ctx, user) },
		func(a *rbac.Admin, user string) error { return a.Remove(ctx, user) },
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

// Soon waits until something holds. It looks ever less often, because what is
// looked at may be a database that others wait for, too.
func Soon(t testing.TB, most time.Duration, what string, holds func() bool) {
	t.Helper()
	began := time.Now()
	for pause := 200 * time.Microsecond; !holds(); pause = min(2*pause, 10*time.Millisecond) {
		if time.Since(began) > most {
			t.Fatalf("not within %v: %s", most, what)
		}
		time.Sleep(pause)
	}
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
