package sqlitestore_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/sqlitestore"
)

func TestOpenPermissions(t *testing.T) {
	path := tempFile(t)
	s := open(t, path)
	require.NoError(t, s.Update(t.Context(), "", func(tx rbac.Tx) error { return tx.PutRole(rbac.Role{ID: "a"}) }))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), "%s", path+suffix)
	}
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	require.NoError(t, os.WriteFile(text, []byte("This is a text and not a database, and it is long enough to be looked at."), 0o600))
	for _, path := range []string{"", ":memory:", "file:rbac.db", folder, filepath.Join(folder, "missing", "rbac.db"), text} {
		s, err := sqlitestore.Open(path)
		assert.Error(t, err, "%q", path)
		assert.Nil(t, s)
	}
	for _, option := range []sqlitestore.Option{nil, sqlitestore.WithBusyTimeout(-1), sqlitestore.WithNotifyInterval(0)} {
		_, err := sqlitestore.Open(filepath.Join(folder, "rbac.db"), option)
		assert.Error(t, err)
	}
	_, err := sqlitestore.New(nil)
	assert.Error(t, err)
	_, err = sqlitestore.New(handle(t, filepath.Join(folder, "rollback.db"), ""))
	assert.ErrorContains(t, err, "journal mode is delete")
	_, err = sqlitestore.New(handle(t, filepath.Join(folder, "utf16.db"), "_pragma=encoding('UTF-16')"))
	assert.ErrorContains(t, err, "encoding is UTF-16")
}

func TestOpenStrangePaths(t *testing.T) {
	for _, name := range []string{"a b", "a?b", "a#b", "a%20b", "é", "a&mode=ro", "a;b'"} {
		path := filepath.Join(t.TempDir(), name)
		s := open(t, path)
		require.NoError(t, s.Update(t.Context(), "", func(tx rbac.Tx) error { return tx.PutRole(rbac.Role{ID: "a"}) }))
		_, err := os.Stat(path + "-wal")
		require.NoError(t, err, "SQLite opened another file than %q", path)
	}
	t.Chdir(t.TempDir())
	s := open(t, "relative.db")
	t.Chdir(t.TempDir()) // connections that are opened from now on must find it too
	require.NoError(t, s.View(t.Context(), "", func(rbac.Reader) error { return nil }))
}

func TestScenario32_NewerSchema(t *testing.T) {
	path := tempFile(t)
	s, err := sqlitestore.Open(path)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	db := handle(t, path, "")
	_, err = db.Exec(`INSERT INTO rbac_schema (version) VALUES (99)`)
	require.NoError(t, err)
	_, errOpen := sqlitestore.Open(path)
	_, errNew := sqlitestore.New(db)
	for _, err := range []error{errOpen, errNew} {
		var newer *sqlitestore.NewerSchemaError
		require.ErrorAs(t, err, &newer)
		assert.Equal(t, sqlitestore.NewerSchemaError{Found: 99, Known: 1}, *newer)
		assert.ErrorContains(t, err, "update the program")
	}
}

func TestScenario17_RestoredBackup(t *testing.T) {
	ctx := t.Context()
	path := tempFile(t)
	backup := filepath.Join(t.TempDir(), "backup.db")
	store, other := open(t, path), open(t, path)
	az := authorizer(t, store)
	running := []*rbac.Authorizer{
		az,
		authorizer(t, other, rbac.WithPollInterval(50*time.Millisecond)),
		authorizer(t, withoutNotify{other}, rbac.WithPollInterval(50*time.Millisecond)),
	}
	require.NoError(t, az.System("test").Assign(ctx, rbac.Administrator, "ann", "bob"))
	_, err := handle(t, path, "").Exec(`VACUUM INTO ?`, backup)
	require.NoError(t, err)
	// As many events follow as will follow the backup: only hashes differ.
	require.NoError(t, az.System("test").Remove(ctx, "bob"))
	require.NoError(t, az.System("test").Assign(ctx, rbac.Administrator, "eve"))
	for _, az := range running {
		require.NoError(t, az.Sync(ctx))
		require.True(t, az.Can(ctx, "eve", rbac.Deals, rbac.Read))
	}
	restore(t, handle(t, path, "_pragma=busy_timeout(5000)"), backup)
	third := authorizer(t, open(t, path))
	require.NoError(t, third.System("test").Assign(ctx, rbac.Administrator, "joe"))
	require.NoError(t, third.System("test").Assign(ctx, rbac.Administrator, "kim"))
	for i, az := range running {
		assert.Eventually(t, func() bool {
			can := func(user string) bool { return az.Can(ctx, user, rbac.Deals, rbac.Read) }
			return can("ann") && can("bob") && can("joe") && can("kim") && !can("eve")
		}, 15*time.Second, 5*time.Millisecond, "instance %d", i)
		require.NoError(t, az.VerifyEvents(ctx))
	}
	integrity(t, path)
}

// restore puts a backup into a database that is in use, through the backup
// API of SQLite.
func restore(t testing.TB, db *sql.DB, backup string) {
	t.Helper()
	c, err := db.Conn(context.Background())
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Raw(func(raw any) error {
		b, err := raw.(interface {
			NewRestore(string) (*sqlite.Backup, error)
		}).NewRestore(backup)
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			more, err = b.Step(-1)
		}
		if err != nil {
			return fmt.Errorf("%w; %v", err, b.Finish())
		}
		return b.Finish()
	}))
}

// What reads a file that nobody else sees would never notice a revoke.
func TestFileReplaced(t *testing.T) {
	ctx := t.Context()
	for what, replace := range map[string]func(path string) error{
		"removed":  os.Remove,
		"replaced": func(path string) error { return os.Rename(copyOf(t, path), path) },
	} {
		path := tempFile(t)
		store := open(t, path)
		az := authorizer(t, store, rbac.WithMaxStaleness(200*time.Millisecond))
		require.NoError(t, az.System("test").Assign(ctx, rbac.Administrator, "ann"))
		require.True(t, az.Can(ctx, "ann", rbac.Deals, rbac.Read))
		require.NoError(t, replace(path))
		require.ErrorIs(t, az.System("test").Assign(ctx, rbac.Administrator, "bob"), sqlitestore.ErrFileReplaced, what)
		require.Eventually(t, func() bool { return !az.Can(ctx, "ann", rbac.Deals, rbac.Read) }, 10*time.Second, time.Millisecond, what)
		err := az.Authorize(ctx, "ann", rbac.Deals, rbac.Read)
		require.ErrorIs(t, err, rbac.ErrUnavailable, what)
		require.ErrorIs(t, err, sqlitestore.ErrFileReplaced, what)
	}
}

func copyOf(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path+".copy", data, 0o600))
	return path + ".copy"
}

func move(t testing.TB, from, to string) {
	t.Helper()
	require.NoError(t, os.Rename(from, to))
}
