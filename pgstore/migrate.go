package pgstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the SQL files that make the tables, to be read by
// migration tools: 0001_init.sql and so on, each for one transaction, with
// unqualified names. Run them in order with the schema in search_path; each
// records its version. [Migrate] does the same without a tool.
func Migrations() fs.FS {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return files
}

// Beginner begins transactions: a *pgxpool.Pool or a *pgx.Conn.
type Beginner interface {
	BeginTx(context.Context, pgx.TxOptions) (pgx.Tx, error)
}

// Migrate brings the tables to the version of this program, in one
// transaction: it makes the schema if it is missing and applies the files
// that were not applied yet. Any number of instances may call it at once; a
// lock lets one after the other in. It needs the right to create, which the
// application itself does not. It returns a *[SchemaError], wrapped, and
// changes nothing, if the tables are newer than this program.
//
// Of the options only [WithSchema] matters.
func Migrate(ctx context.Context, db Beginner, opts ...Option) error {
	if db == nil {
		return errors.New("pgstore: the database is nil")
	}
	o, err := newOptions(opts)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite})
	if err != nil {
		return failed(ctx, "migrate", err)
	}
	defer rollback(ctx, tx)
	if err := migrate(ctx, tx, o); err != nil {
		return err
	}
	return failed(ctx, "migrate", tx.Commit(ctx))
}

func migrate(ctx context.Context, tx pgx.Tx, o options) error {
	if err := checkDatabase(ctx, tx); err != nil {
		return err
	}
	// The lock goes with the transaction, which also works behind a pooler.
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", o.lockKey()); err != nil {
		return failed(ctx, "lock the migrations", err)
	}
	var exists bool
	const look = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)"
	if err := tx.QueryRow(ctx, look, o.schema).Scan(&exists); err != nil {
		return failed(ctx, "look for the schema", err)
	}
	schema := pgx.Identifier{o.schema}.Sanitize()
	if !exists {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+schema); err != nil {
			return failed(ctx, "create the schema", err)
		}
	}
	found := 0
	if err := tx.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", o.table("migrations")).Scan(&exists); err != nil {
		return failed(ctx, "look for the tables", err)
	}
	if exists {
		var err error
		if found, err = schemaVersion(ctx, tx, o); err != nil {
			return err
		}
	}
	files := migrationFiles()
	if found > len(files) {
		return o.schemaError(found, len(files))
	}
	if found == len(files) {
		return nil
	}
	if _, err := tx.Exec(ctx, "SET LOCAL search_path TO "+schema); err != nil {
		return failed(ctx, "set the search path", err)
	}
	for _, file := range files[found:] {
		if _, err := tx.Exec(ctx, file.sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return failed(ctx, "apply "+file.name, err)
		}
	}
	return nil
}

// querier asks one question: a pool, a connection or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// schemaVersion returns the version of the tables, 0 if there are none.
func schemaVersion(ctx context.Context, db querier, o options) (int, error) {
	var version int
	err := db.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM "+o.table("migrations")).Scan(&version)
	var server *pgconn.PgError
	if errors.As(err, &server) && (server.Code == codeUndefinedTable || server.Code == codeInvalidSchema) {
		return 0, nil
	}
	return version, failed(ctx, "read the version of the schema", err)
}

type migrationFile struct {
	name string
	sql  string
}

// migrationFiles returns the embedded files: that with version n at index n-1.
func migrationFiles() []migrationFile {
	entries, err := migrations.ReadDir("migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	files := make([]migrationFile, len(entries))
	for i, entry := range entries { // in the order of their names
		number, _, _ := strings.Cut(entry.Name(), "_")
		if version, err := strconv.Atoi(number); err != nil || version != i+1 {
			panic(fmt.Sprintf("pgstore: migration %s stands where number %d belongs", entry.Name(), i+1))
		}
		sql, err := migrations.ReadFile("migrations/" + entry.Name())
		if err != nil {
			panic(err)
		}
		files[i] = migrationFile{entry.Name(), string(sql)}
	}
	return files
}
