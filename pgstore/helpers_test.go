package pgstore_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// The words of these tests.
var (
	quiet, brisk    = workspacetest.Quiet, workspacetest.Brisk
	assign, addRole = workspacetest.Assign, workspacetest.AddRole
	can, deals      = workspacetest.Can, workspacetest.ReadsDeals
	administrators  = workspacetest.Administrators
	checkInvariants = workspacetest.CheckInvariants
	together, soon  = workspacetest.Together, workspacetest.Soon
	scaled          = long.Scale
)

// database is a schema of a test's own, on which instances are opened.
type database struct {
	testing.TB
	url    string
	schema string
	pool   *pgxpool.Pool  // of all tests, beside those of the instances
	store  *pgstore.Store // on pool
}

func newDatabase(t testing.TB) *database {
	t.Helper()
	schema := pgtest.Schema(t)
	pool := pgtest.SharedPool(t)
	migrate(t, pool, schema)
	return &database{t, pgtest.URL(t), schema, pool, open(t, pool, schema)}
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

// Store implements [scenarios.Database].
func (d *database) Store() rbac.Store {
	d.Helper()
	return open(d, d.pool, d.schema)
}

// Transaction implements [scenarios.Database].
func (d *database) Transaction(ctx context.Context, _ string, fn func(in rbac.Store) error) error {
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		return fn(d.store.Tx(tx))
	})
}

// instance is one instance of an application.
type instance struct {
	*rbac.Authorizer
	pool    *pgxpool.Pool
	store   *pgstore.Store
	queries *queryCount
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
		store = workspacetest.Deaf(store)
	}
	in.Authorizer = workspacetest.Open(d, store, s.options...)
	return in
}

// setup is how an instance is opened. Zero values are defaults.
type setup struct {
	url     string
	pool    func(*pgxpool.Config)
	store   []pgstore.Option
	options []rbac.Option
	deaf    bool // it does not hear notifications
}

// queryCount counts the statements that an instance sends through its pool.
type queryCount struct{ n, begins atomic.Int64 }

func (q *queryCount) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	q.n.Add(1)
	return ctx
}

func (q *queryCount) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (q *queryCount) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	q.n.Add(1)
	if strings.HasPrefix(data.Batch.QueuedQueries[0].SQL, "begin") { // as the store begins every transaction
		q.begins.Add(1)
	}
	return ctx
}

func (q *queryCount) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (q *queryCount) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
