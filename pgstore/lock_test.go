package pgstore_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// A workspace whose row cannot be made, or not be seen, is an error, and not a
// loop for as long as the context allows.
func TestRowThatCannotBeMade(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]string{
		"a trigger swallows it": `
			CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
			CREATE TRIGGER swallow BEFORE INSERT ON workspaces FOR EACH ROW EXECUTE FUNCTION swallow()`,
		"a policy hides it": `
			ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY;
			CREATE POLICY makes ON workspaces FOR INSERT WITH CHECK (true);
			CREATE POLICY sees ON workspaces FOR SELECT USING (id <> 'w');
			INSERT INTO workspaces VALUES ('w')`,
		"no policy lets it be locked": `
			ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY;
			CREATE POLICY makes ON workspaces FOR INSERT WITH CHECK (true);
			CREATE POLICY sees ON workspaces FOR SELECT USING (true)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			d := newDatabase(t)
			for sql := range strings.SplitSeq(refuse, ";\n") {
				d.exec(sql)
			}
			pool := d.ordinary()
			store := open(t, pool, d.schema)
			never := func(rbac.Tx) error {
				t.Error("the function ran without the lock")
				return nil
			}
			check := func(err error) {
				t.Helper()
				require.ErrorContains(t, err, `pgstore: the row of workspace "w" cannot be made and locked`)
				require.ErrorContains(t, err, "row-level security on "+pgx.Identifier{d.schema, "workspaces"}.Sanitize())
				require.NotErrorIs(t, err, rbac.ErrContention, "to try again does not help")
			}
			check(store.Update(ctx, "w", never))
			check(pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return store.Tx(tx).Update(ctx, "w", never) }))
		})
	}
}

// ordinary returns a pool of a user who may do what the README grants, and
// whom policies concern.
func (d *database) ordinary() *pgxpool.Pool {
	d.Helper()
	role := pgx.Identifier{d.schema + " app"}.Sanitize()
	schema := pgx.Identifier{d.schema}.Sanitize()
	d.exec("CREATE ROLE " + role)
	d.Cleanup(func() {
		require.NoError(d, d.tryExec("DROP OWNED BY "+role))
		require.NoError(d, d.tryExec("DROP ROLE "+role))
	})
	d.exec("GRANT USAGE ON SCHEMA " + schema + " TO " + role)
	d.exec("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + schema + " TO " + role)
	return pgtest.Pool(d, d.url, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["role"] = d.schema + " app" })
}
