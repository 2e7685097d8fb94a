package sqlitestore_test

import (
	"context"
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
		s, err := sqlitestore.Open(t.Context(), path)
		assert.Error(t, err, "%q", path)
		assert.Nil(t, s)
	}
	for file, want := range map[[2]string]string{
		{"rollback.db", ""}:                        "journal mode is delete",
		{"utf16.db", "_pragma=encoding('UTF-16')"}: "encoding is UTF-16",
	} {
		db := handle(t, filepath.Join(folder, file[0]), file[1])
		_, err := sqlitestore.New(t.Context(), db)
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, sqlitestore.Migrate(t.Context(), db), want)
	}
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

// What reads a file that nobody else sees would never notice a revoke.
func TestFileReplaced(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for what, replace := range map[string]func(path string) error{
		"removed":  os.Remove,
		"replaced": func(path string) error { return os.Rename(copyOf(t, path), path) },
	} {
		path := tempFile(t)
		store := open(t, path)
		az := authorizer(t, store, rbac.WithMaxStaleness(2*time.Second))
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

// A new connection waits for others as a statement does: for who recovers the log,
// or, as here, has the file for itself.
func TestConnectingWaitsForOthers(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	require.NoError(t, open(t, path).Close())
	db := handle(t, path, "_pragma=synchronous(FULL)")
	db.SetMaxIdleConns(0)
	store, err := sqlitestore.New(t.Context(), db)
	require.NoError(t, err)

	other := handle(t, path, "_pragma=locking_mode(EXCLUSIVE)")
	_, err = other.Exec("CREATE TABLE theirs (id)")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	nothing := func(rbac.Reader) error { return nil }
	require.ErrorIs(t, store.View(ctx, "w", nothing), context.DeadlineExceeded)
	require.NoError(t, other.Close())
	require.NoError(t, store.View(t.Context(), "w", nothing))
}
