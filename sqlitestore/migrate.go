package sqlitestore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
)

// The files run in the order of their names, and their numbers are the
// versions that they make: 1, 2, 3, … A released file never changes.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables to the newest version. Any number of processes
// may do so at once: each looks again once it holds the lock of the writers.
func (s *Store) migrate(ctx context.Context) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	c, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	var version int
	if err := s.patiently(ctx, func() (err error) {
		version, err = schemaVersion(ctx, c)
		return err
	}); err != nil {
		return err
	}
	if version >= len(names) {
		return known(version, len(names))
	}
	return s.transaction(ctx, c, beginImmediate, func() error {
		version, err := schemaVersion(ctx, c)
		if err != nil {
			return err
		}
		if version >= len(names) {
			return known(version, len(names))
		}
		for _, name := range names[version:] {
			script, err := migrations.ReadFile(name)
			if err != nil {
				return err
			}
			if _, err := c.ExecContext(ctx, string(script)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	})
}

func known(version, newest int) error {
	if version > newest {
		return &NewerSchemaError{Found: version, Known: newest}
	}
	return nil
}

// schemaVersion returns the version of the tables, 0 if there are none.
func schemaVersion(ctx context.Context, c *sql.Conn) (int, error) {
	var tables, version int
	err := c.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'rbac_schema'`).Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	err = c.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM rbac_schema`).Scan(&version)
	return version, err
}
