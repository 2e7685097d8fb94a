package sqlitestore_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
