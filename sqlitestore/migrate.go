package sqlitestore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the SQL files that make the tables, to be read by
// migration tools: 0001_init.sql and so on, each for one transaction. Run them
// in order; each records its version. [Migrate] does the same without a tool.
func Migrations() fs.FS {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return files
}

// Migrate brings the tables to the version of this program, in one
// transaction: it applies the files that were not applied yet. Any number of
// processes may call it at once; the lock of the writers lets one after the
// other in. The handle has to be one that [New] takes. It returns a
// *[SchemaError], wrapped, and changes nothing, if the tables are newer than this
// program.
//
// Of the options only [WithBusyTimeout] matters.
func Migrate(ctx context.Context, db *sql.DB, opts ...Option) error {
	if db == nil {
		return errors.New("sqlitestore: the handle is nil")
	}
	o, err := newOptions(opts)
	if err != nil {
		return err
	}
	s := newStore(db, o)
	err = s.checkDatabase(ctx)
	if err == nil {
		err = s.migrate(ctx)
	}
	if err != nil {
		return s.place.failed("migrate", err)
	}
	return nil
}

func (s *Store) migrate(ctx context.Context) error {
	found, err := s.schemaVersion(ctx)
	if err != nil {
		return err
	}
	if files, err := outstanding(found); err != nil || len(files) == 0 {
		return err // without waiting for a lock
	}
	c, err := s.conn(ctx, s.write)
	if err != nil {
		return err
	}
	defer c.Close()
	return s.transaction(ctx, c.by(ctx, beginImmediate), func() error {
		found, err := schemaVersion(ctx, c.Conn)
		if err != nil {
			return err
		}
		files, err := outstanding(found)
		if err != nil {
			return err
		}
		for _, file := range files {
			if _, err := c.ExecContext(ctx, file.sql); err != nil {
				err = fmt.Errorf("apply %s: %w", file.name, err)
				return errors.Join(err, exec(ctx, c.Conn, `PRAGMA ignore_check_constraints = OFF`)) // a file turns it on
			}
		}
		return nil
	})
}

// outstanding returns the files that were not applied yet.
func outstanding(found int) ([]migrationFile, error) {
	files := migrationFiles()
	if found > len(files) {
		return nil, &SchemaError{found, len(files)}
	}
	return files[found:], nil
}

// checkSchema refuses tables that are not those of this program.
func (s *Store) checkSchema(ctx context.Context) error {
	found, err := s.schemaVersion(ctx)
	if err != nil {
		return err
	}
	if known := len(migrationFiles()); found != known {
		return &SchemaError{found, known}
	}
	return nil
}

func (s *Store) schemaVersion(ctx context.Context) (version int, err error) {
	c, err := s.conn(ctx, s.read)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	err = s.patiently(ctx, func() (err error) {
		version, err = schemaVersion(ctx, c.Conn)
		return err
	})
	return version, err
}

// schemaVersion returns the version of the tables, 0 if there are none.
func schemaVersion(ctx context.Context, c *sql.Conn) (int, error) {
	var tables, version int
	if err := c.QueryRowContext(ctx, selectTables).Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	err := c.QueryRowContext(ctx, selectVersion).Scan(&version)
	return version, err
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
			panic(fmt.Sprintf("sqlitestore: migration %s stands where number %d belongs", entry.Name(), i+1))
		}
		sql, err := migrations.ReadFile("migrations/" + entry.Name())
		if err != nil {
			panic(err)
		}
		files[i] = migrationFile{entry.Name(), string(sql)}
	}
	return files
}
