package pgstore_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// database is a schema of a test's own, on which instances are opened.
type database struct {
	testing.TB
	url    string
	schema string
	pool   *pgxpool.Pool // the test's own, beside those of the instances
}

func newDatabase(t testing.TB) *database {
	t.Helper()
	schema := pgtest.Schema(t)
	pool := pgtest.Pool(t, pgtest.URL(t))
	migrate(t, pool, schema)
	return &database{t, pgtest.URL(t), schema, pool}
}

// exec runs hand-written SQL with the schema in search_path.
func (d *database) exec(sql string, args ...any) {
	d.Helper()
	require.NoError(d, d.tryExec(sql, args...), sql)
}

func (d *database) tryExec(sql string, args ...any) error {
	ctx := context.Background()
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL search_path TO "+pgx.Identifier{d.schema}.Sanitize()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, sql, args...)
		return err
	})
}

// number asks a hand-written question that a number answers.
func (d *database) number(sql string, args ...any) (n int) {
	d.Helper()
	ctx := context.Background()
	require.NoError(d, pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL search_path TO "+pgx.Identifier{d.schema}.Sanitize()); err != nil {
			return err
		}
		return tx.QueryRow(ctx, sql, args...).Scan(&n)
	}), sql)
	return n
}

// instance is one instance of an application.
type instance struct {
	*rbac.Authorizer
	pool    *pgxpool.Pool
	store   *pgstore.Store
	queries *queryCount
}

// setup is how an instance is opened. Zero values are defaults.
type setup struct {
	url     string
	pool    func(*pgxpool.Config)
	store   []pgstore.Option
	options []rbac.Option
	deaf    bool // it does not hear notifications
}

func (d *database) instance(s setup) *instance {
	d.Helper()
	if s.url == "" {
		s.url = d.url
	}
	in := &instance{queries: &queryCount{}}
	in.pool = pgtest.Pool(d, s.url, func(c *pgxpool.Config) {
		c.ConnConfig.Tracer = in.queries
		if s.pool != nil {
			s.pool(c)
		}
	})
	in.store = open(d, in.pool, d.schema, s.store...)
	var store rbac.Store = in.store
	if s.deaf {
		store = struct{ rbac.Store }{in.store}
	}
	options := append([]rbac.Option{rbac.WithLogger(slog.New(slog.DiscardHandler))}, s.options...)
	az, err := rbac.Open(context.Background(), store, options...)
	require.NoError(d, err)
	d.Cleanup(func() { require.NoError(d, az.Close()) })
	in.Authorizer = az
	return in
}

// queryCount counts the statements that an instance sends through its pool.
type queryCount struct{ n, begins atomic.Int64 }

func (q *queryCount) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	q.n.Add(1)
	return ctx
}
func (q *queryCount) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (q *queryCount) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	q.n.Add(1)
	q.begins.Add(1) // the store begins every transaction with a batch
	return ctx
}
func (q *queryCount) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (q *queryCount) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

func assign(t testing.TB, w *rbac.Workspace, role rbac.RoleID, users ...string) {
	t.Helper()
	require.NoError(t, w.System("test").Assign(context.Background(), role, users...))
}

func addRole(t testing.TB, w *rbac.Workspace, name string, permissions rbac.Permissions) rbac.Role {
	t.Helper()
	role, err := w.System("test").CreateRole(context.Background(), rbac.Role{Name: name, Permissions: permissions})
	require.NoError(t, err)
	return role
}

func can(w *rbac.Workspace, user string) bool {
	return w.Can(context.Background(), user, rbac.Deals, rbac.Read)
}

// administrators returns the active ones, as the store has them.
func administrators(t testing.TB, w *rbac.Workspace) (users []string) {
	t.Helper()
	for m, err := range w.Members(context.Background(), rbac.MemberQuery{Role: rbac.Administrator, State: rbac.ActiveOnly}) {
		require.NoError(t, err)
		users = append(users, m.User)
	}
	return users
}

// checkInvariants checks what must hold after whatever happened: the chain
// verifies, members and roles are what the events say, and there is an
// active administrator.
func checkInvariants(t testing.TB, store rbac.Store, workspaces ...string) {
	t.Helper()
	ctx := context.Background()
	az, err := rbac.Open(ctx, struct{ rbac.Store }{store}, rbac.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	defer az.Close()
	for _, id := range workspaces {
		w := az.For(id)
		require.NoError(t, w.VerifyEvents(ctx))
		require.NotEmpty(t, administrators(t, w), "active administrators of workspace %q", id)
		members, roles := map[string]rbac.Member{}, map[rbac.RoleID]rbac.Role{}
		for e, err := range w.Events(ctx, rbac.EventQuery{}) {
			require.NoError(t, err)
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
		for m, err := range w.Members(ctx, rbac.MemberQuery{}) {
			require.NoError(t, err)
			require.Equal(t, members[m.User], m)
			delete(members, m.User)
		}
		require.Empty(t, members, "members that the events tell of")
		stored, err := w.Roles(ctx)
		require.NoError(t, err)
		for _, role := range stored {
			if !role.System {
				require.Equal(t, roles[role.ID], role)
				delete(roles, role.ID)
			}
		}
		require.Empty(t, roles, "roles that the events tell of")
	}
}

// together runs functions at the same moment and returns their errors.
func together(fns ...func() error) []error {
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

// soon waits until something holds, and returns how long that took.
func soon(t testing.TB, most time.Duration, what string, holds func() bool) time.Duration {
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

func scaled(n int) int {
	if testing.Short() {
		return max(n/20, 1)
	}
	return n
}
