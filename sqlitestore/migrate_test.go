package sqlitestore_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac/sqlitestore"
)

func TestMigrateTenProcessesAtOnce(t *testing.T) {
	ctx, path := t.Context(), tempFile(t)
	_, err := handle(t, path, "_pragma=journal_mode(WAL)").Exec(`SELECT 1`) // so that none of them has to switch it
	require.NoError(t, err)
	var fns []func() error
	for range 10 {
		db := handle(t, path, "_pragma=journal_mode(WAL)")
		fns = append(fns, func() error {
			if err := sqlitestore.Migrate(ctx, db); err != nil {
				return err
			}
			_, err := sqlitestore.New(ctx, db)
			return err
		})
	}
	require.NoError(t, errors.Join(together(fns...)...))
	open(t, path)
	require.NoError(t, sqlitestore.Migrate(ctx, handle(t, path, "")), "again")
}

// TestMigrateByATool shows that any tool can apply the files, after which New
// and Migrate take the tables for their own.
func TestMigrateByATool(t *testing.T) {
	ctx, db := t.Context(), handle(t, tempFile(t), "_pragma=journal_mode(WAL)")
	files := sqlitestore.Migrations()
	names, err := fs.Glob(files, "*.sql")
	require.NoError(t, err)
	require.Equal(t, "0001_init.sql", names[0])
	for _, name := range names {
		sql, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		_, err = db.Exec(string(sql))
		require.NoError(t, err)
	}
	_, err = sqlitestore.New(ctx, db)
	require.NoError(t, err)
	require.NoError(t, sqlitestore.Migrate(ctx, db))
}

func TestMigrateRollsBackWhole(t *testing.T) {
	db := handle(t, tempFile(t), "_pragma=journal_mode(WAL)")
	_, err := db.Exec(`CREATE TABLE rbac_events (id)`) // in the way
	require.NoError(t, err)
	require.ErrorContains(t, sqlitestore.Migrate(t.Context(), db), "0001_init.sql")
	var tables int
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM sqlite_schema`).Scan(&tables))
	require.Equal(t, 1, tables)
}

func TestScenario32_NewerSchemaIsRefused(t *testing.T) {
	ctx, path := t.Context(), tempFile(t)
	store := open(t, path)
	require.NoError(t, store.Close())
	db := handle(t, path, "")
	_, err := db.Exec(`INSERT INTO rbac_schema (version) VALUES (99)`)
	require.NoError(t, err)
	_, errOpen := sqlitestore.Open(ctx, path)
	_, errNew := sqlitestore.New(ctx, db)
	for _, err := range []error{errOpen, errNew, sqlitestore.Migrate(ctx, db)} {
		var wrong *sqlitestore.SchemaError
		require.ErrorAs(t, err, &wrong)
		assert.Equal(t, sqlitestore.SchemaError{Found: 99, Known: 3}, *wrong)
	}
	require.EqualError(t, errNew, "sqlitestore: use "+path+": the tables have version 99, and this program knows versions up to 3: run a newer program")
}

func TestNewWithoutTables(t *testing.T) {
	ctx, path := t.Context(), tempFile(t)
	db := handle(t, path, "_pragma=journal_mode(WAL)")
	var wrong *sqlitestore.SchemaError
	_, err := sqlitestore.New(ctx, db)
	require.ErrorAs(t, err, &wrong)
	require.Zero(t, wrong.Found)
	require.EqualError(t, err, "sqlitestore: use "+path+": there are no tables of this library: run Migrate")

	require.NoError(t, sqlitestore.Migrate(ctx, db))
	_, err = db.Exec(`DELETE FROM rbac_schema`)
	require.NoError(t, err)
	_, err = sqlitestore.New(ctx, db)
	require.ErrorAs(t, err, &wrong)
}
