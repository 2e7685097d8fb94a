package pgstore_test

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

func TestMigrateTenInstancesAtOnce(t *testing.T) {
	ctx, schema := t.Context(), pgtest.Schema(t)
	var fns []func() error
	for range 10 {
		pool := pgtest.Pool(t, pgtest.URL(t))
		fns = append(fns, func() error {
			if err := pgstore.Migrate(ctx, pool, pgstore.WithSchema(schema)); err != nil {
				return err
			}
			_, err := pgstore.New(ctx, pool, pgstore.WithSchema(schema))
			return err
		})
	}
	for _, err := range together(fns...) {
		require.NoError(t, err)
	}
	pool := pgtest.Pool(t, pgtest.URL(t))
	require.NoError(t, pgstore.Migrate(ctx, pool, pgstore.WithSchema(schema)), "again")
	conn, err := pgx.Connect(ctx, pgtest.URL(t))
	require.NoError(t, err)
	defer conn.Close(ctx)
	require.NoError(t, pgstore.Migrate(ctx, conn, pgstore.WithSchema(schema)), "on a connection")
}

// TestMigrateByATool shows that any tool can apply the files, after which New
// and Migrate take the tables for their own.
func TestMigrateByATool(t *testing.T) {
	d := &database{TB: t, url: pgtest.URL(t), schema: pgtest.Schema(t)}
	d.pool = pgtest.Pool(t, d.url)
	d.exec("CREATE SCHEMA " + pgx.Identifier{d.schema}.Sanitize())
	files := pgstore.Migrations()
	names, err := fs.Glob(files, "*.sql")
	require.NoError(t, err)
	require.Equal(t, "0001_init.sql", names[0])
	for _, name := range names {
		sql, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		d.exec(string(sql))
	}
	open(t, d.pool, d.schema)
	migrate(t, d.pool, d.schema)
}

func TestMigrateRollsBackWhole(t *testing.T) {
	d := &database{TB: t, url: pgtest.URL(t), schema: pgtest.Schema(t)}
	d.pool = pgtest.Pool(t, d.url)
	schema := pgx.Identifier{d.schema}.Sanitize()
	d.exec("CREATE SCHEMA " + schema)
	d.exec("CREATE TABLE events ()") // in the way
	require.ErrorContains(t, pgstore.Migrate(t.Context(), d.pool, pgstore.WithSchema(d.schema)), "0001_init.sql")
	require.Equal(t, 1, d.number("SELECT count(*) FROM pg_tables WHERE schemaname = $1", d.schema))
}

func TestScenario32_NewerSchemaIsRefused(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	d.exec("INSERT INTO migrations (version) VALUES (1000)")
	var wrong *pgstore.SchemaError
	_, err := pgstore.New(ctx, d.pool, pgstore.WithSchema(d.schema))
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, pgstore.SchemaError{Found: 1000, Known: 3}, *wrong)
	require.EqualError(t, err, fmt.Sprintf("pgstore: schema %q: the tables have version 1000, and this program knows versions up to 3: run a newer program", d.schema))
	require.ErrorAs(t, pgstore.Migrate(ctx, d.pool, pgstore.WithSchema(d.schema)), &wrong)
}

func TestNewWithoutTables(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.URL(t))
	var wrong *pgstore.SchemaError
	_, err := pgstore.New(t.Context(), pool, pgstore.WithSchema("never made"))
	require.ErrorAs(t, err, &wrong)
	require.Zero(t, wrong.Found)
	require.ErrorContains(t, err, `schema "never made": there are no tables of this library: run Migrate`)

	d := newDatabase(t)
	d.exec("DELETE FROM migrations")
	_, err = pgstore.New(t.Context(), pool, pgstore.WithSchema(d.schema))
	require.ErrorAs(t, err, &wrong)
}

// TestHandWrittenNonsenseIsRefused shows what the constraints refuse.
func TestHandWrittenNonsenseIsRefused(t *testing.T) {
	d := newDatabase(t)
	in := d.instance(setup{})
	assign(t, in.For("w"), rbac.Administrator, "ann")
	for _, sql := range []string{
		"INSERT INTO members VALUES ('nowhere', 'ann', 'administrator', false, now())",
		"INSERT INTO members VALUES ('w', '', 'administrator', false, now())",
		"INSERT INTO members VALUES ('w', 'bob', '', false, now())",
		"INSERT INTO members VALUES ('w', 'ann', 'sales', false, now())",
		"INSERT INTO members VALUES ('w', 'bob', 'sales', NULL, now())",
		"INSERT INTO members VALUES ('w', 'bob', 'sales', false, 'infinity')",
		"INSERT INTO members VALUES ('w', repeat('x', 256), 'sales', false, now())",
		"INSERT INTO members VALUES ('w', 'bob', 'sales', false, now(), NULL)",
		"INSERT INTO members VALUES ('w', 'bob', 'sales', false, now(), repeat('x', 256))",
		"INSERT INTO roles VALUES ('w', 'r', 'R', '', '{}', 1, now(), now(), NULL)",
		"INSERT INTO roles VALUES ('w', 'r', 'R', '', '{}', 1, now(), now(), '{sales, NULL}')",
		"INSERT INTO roles VALUES ('w', 'r', 'R', '', '{}', 1, now(), now(), '{{sales}, {support}}')",
		"INSERT INTO roles VALUES ('nowhere', 'r', 'R', '', '{}', 1, now(), now())",
		"INSERT INTO roles VALUES ('w', 'r', 'R', '', '[]', 1, now(), now())",
		"INSERT INTO roles VALUES ('w', 'r', 'R', '', '{}', 1, now(), '20000-01-01')",
		"INSERT INTO events VALUES ('nowhere', 1, decode(repeat('00', 32), 'hex'), '{\"seq\": 1}')",
		"INSERT INTO events VALUES ('w', 1, decode(repeat('00', 32), 'hex'), '{\"seq\": 1}')",
		"INSERT INTO events VALUES ('w', 2, '', '{\"seq\": 2}')",
		"INSERT INTO events VALUES ('w', 2, decode(repeat('00', 32), 'hex'), '{\"seq\": 3}')",
		"INSERT INTO events VALUES ('w', 2, decode(repeat('00', 32), 'hex'), '{}')",
		"INSERT INTO events VALUES ('w', -1, decode(repeat('00', 32), 'hex'), '{\"seq\": -1}')",
		"INSERT INTO workspaces VALUES ('v', -1, decode(repeat('00', 32), 'hex'))",
		"INSERT INTO workspaces VALUES ('v', 0, decode(repeat('01', 32), 'hex'))",
		"INSERT INTO workspaces VALUES ('v', 1, '')",
		"UPDATE workspaces SET hash = NULL",
		"DELETE FROM workspaces",
	} {
		require.Error(t, d.tryExec(sql), sql)
	}
	checkInvariants(t, in.store, "w")
}

// TestLeastPrivileges runs the suite with the rights that the README gives,
// and shows what these do not allow.
func TestLeastPrivileges(t *testing.T) {
	d := newDatabase(t)
	role := strings.ToLower(strings.ReplaceAll(d.schema, " ", "_"))
	schema := pgx.Identifier{d.schema}.Sanitize()
	grants := strings.NewReplacer("app", role, "rbac.", schema+".", "SCHEMA rbac", "SCHEMA "+schema).Replace(readmeGrants(t))
	d.exec("CREATE ROLE " + role)
	t.Cleanup(func() { d.exec("DROP OWNED BY " + role + "; DROP ROLE " + role) })
	d.exec(grants)
	in := d.instance(setup{pool: func(c *pgxpool.Config) {
		c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "SET ROLE "+role)
			return err
		}
	}})
	ctx, w := t.Context(), in.For("w")
	sales := addRole(t, w, "Sales", rbac.Permissions{rbac.Deals: {Read: rbac.All}})
	assign(t, w, rbac.Administrator, "ann")
	assign(t, w, sales.ID, "bob", "eve")
	sales.Description = "changed"
	_, err := w.As("ann").UpdateRole(ctx, sales)
	require.NoError(t, err)
	require.NoError(t, w.As("ann").Suspend(ctx, "bob"))
	require.NoError(t, w.As("ann").Remove(ctx, "bob", "eve"))
	require.NoError(t, w.As("ann").DeleteRole(ctx, sales.ID))
	require.NoError(t, w.VerifyEvents(ctx))
	checkInvariants(t, in.store, "w")
	require.NoError(t, pgstore.Migrate(ctx, in.pool, pgstore.WithSchema(d.schema)), "there is nothing to create")
	require.ErrorContains(t, w.System("off-boarding").DeleteWorkspace(ctx), "42501")
	require.True(t, w.Can(ctx, "ann", rbac.Deals, rbac.Read), "nothing was deleted")
	for _, sql := range []string{
		"UPDATE " + schema + ".events SET document = '{}'",
		"DELETE FROM " + schema + ".events",
		"TRUNCATE " + schema + ".events",
		"DELETE FROM " + schema + ".workspaces",
		"UPDATE " + schema + ".workspaces SET id = 'other'",
		"INSERT INTO " + schema + ".migrations VALUES (2)",
		"CREATE TABLE " + schema + ".more ()",
		"ALTER TABLE " + schema + ".events ADD more text",
		"DROP TABLE " + schema + ".events",
	} {
		_, err := in.pool.Exec(ctx, sql)
		require.ErrorContains(t, err, "42501", sql)
	}
	d.exec("GRANT DELETE ON " + schema + ".workspaces, " + schema + ".events TO " + role) // as the README says
	require.NoError(t, w.System("off-boarding").DeleteWorkspace(ctx))
	require.False(t, w.Can(ctx, "ann", rbac.Deals, rbac.Read))
}
