package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/examples/internal/pgtest"
)

func TestSetUpAgainChangesNothing(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, open func(testing.TB) *database) {
		db := open(t)
		c := start(t, db)
		c.change(administrator, "remove", salesRep)
		c.as(administrator, "DELETE", "/deals/deal-01", nil)
		before := c.dump(t)
		again := start(t, db)
		if after := again.dump(t); after != before {
			t.Errorf("got %s\nbefore %s", after, before)
		}
	})
}

// Several programs that start on one empty database at once find one company.
func TestSetUpAtOnce(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		dir := t.TempDir()
		testSetUpAtOnce(t, func() (*database, error) { return openSQLite(t.Context(), dir) })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		location := pgtest.Database(t)
		testSetUpAtOnce(t, func() (*database, error) { return openPostgres(t.Context(), location) })
	})
}

func testSetUpAtOnce(t *testing.T, open func() (*database, error)) {
	prepared := make([]*database, 4)
	var wg sync.WaitGroup
	for i := range prepared {
		wg.Go(func() {
			db, err := open()
			if err != nil {
				t.Error(err)
				return
			}
			prepared[i] = db
			az, err := rbac.Open(t.Context(), db.store, options()...)
			if err != nil {
				t.Error(err)
				return
			}
			defer az.Close()
			if err := setUp(t.Context(), db, az); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, db := range prepared {
		if db != nil {
			opened(t, db, nil)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	c := start(t, prepared[0])
	if n := c.countEvents(t); n != 29 {
		t.Errorf("%d events, want the 29 of one company", n)
	}
	if ids, _ := c.as(administrator, "GET", "/deals", nil).ids(t); len(ids) != 12 {
		t.Errorf("%d deals, want 12", len(ids))
	}
}

// What a CRM of one company left is refused before anything is changed in it.
func TestOlderDataIsRefused(t *testing.T) {
	t.Parallel()
	const older = "CREATE TABLE sessions (hash TEXT PRIMARY KEY, user_id TEXT NOT NULL, expires BIGINT NOT NULL)"
	refused := func(t *testing.T, c config, db *sql.DB, tables string, says ...string) {
		t.Helper()
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), older); err != nil {
			t.Fatal(err)
		}
		made, err := c.open(t.Context())
		if err == nil {
			opened(t, made, nil)
		}
		for _, text := range append(says, "an older CRM", "not migrated") {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("the error does not say %q: %v", text, err)
			}
		}
		var n int
		if err := db.QueryRowContext(t.Context(), tables).Scan(&n); err != nil || n != 1 {
			t.Errorf("now there are %d tables, %v", n, err)
		}
	}
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		db, err := sql.Open("sqlite", filepath.Join(dir, "crm.db"))
		if err != nil {
			t.Fatal(err)
		}
		refused(t, config{data: dir}, db, "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'", dir, "remove that file, or keep everything in another folder")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		location := pgtest.Database(t)
		db, err := sql.Open("pgx", location)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, config{postgres: location}, db, "SELECT COUNT(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')", "use another, empty one")
	})
}

func TestFileIsForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := openSQLite(t.Context(), dir)
	start(t, opened(t, db, err))
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the permissions %v", file, info.Mode())
		}
	}
}

func TestCompanyIsBelievable(t *testing.T) {
	c := start(t, sqliteDatabase(t))
	if len(c.roles) < 6 {
		t.Errorf("%d roles, want Administrator and five", len(c.roles))
	}
	for _, k := range kinds {
		if ids, _ := c.as(administrator, "GET", "/"+k.table(), nil).ids(t); len(ids) < 5 {
			t.Errorf("%d %s, want five", len(ids), k.area)
		}
	}
}
