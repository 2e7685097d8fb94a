package sqlitestore_test

import (
	"bytes"
	"context"
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/sqlitestore"
)

// says checks that an error names the package and the file once, and what to
// do.
func says(t *testing.T, err error, path, advice string) {
	t.Helper()
	require.Error(t, err)
	text := err.Error()
	assert.True(t, strings.HasPrefix(text, "sqlitestore: "), text)
	assert.Equal(t, 1, strings.Count(text, "sqlitestore:"), text)
	assert.Equal(t, 1, strings.Count(text, path), text)
	assert.Contains(t, text, advice)
}

func assign(store rbac.Store) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		return store.Update(ctx, "w", func(tx rbac.Tx) error {
			return tx.PutMembers(rbac.Member{User: strings.Repeat("u", 255), Role: rbac.Administrator})
		})
	}
}

func view(store rbac.Store) func(ctx context.Context) error {
	return func(ctx context.Context) error { return store.View(ctx, "w", func(rbac.Reader) error { return nil }) }
}

func TestErrorsSayWhereAndWhatToDo(t *testing.T) {
	// over returns a Store on one connection, on which a statement was run since.
	over := func(t *testing.T, path, statement string) rbac.Store {
		db := handle(t, path, "_pragma=journal_mode(WAL)")
		db.SetMaxOpenConns(1)
		store := overHandle(t, db)
		_, err := db.Exec(statement)
		require.NoError(t, err)
		return store
	}
	for _, test := range []struct {
		name   string
		fails  func(t *testing.T, path string) func(context.Context) error
		advice string
		code   int
		is     error
	}{
		{"read-only", func(t *testing.T, path string) func(context.Context) error {
			return assign(over(t, path, `PRAGMA query_only = 1`))
		}, "let the process write the file and its folder", sqlite3.SQLITE_READONLY, nil},
		{"full", func(t *testing.T, path string) func(context.Context) error {
			store := over(t, path, `PRAGMA max_page_count = 1`)
			return func(ctx context.Context) error {
				return store.Update(ctx, "w", func(tx rbac.Tx) error {
					return tx.PutRole(rbac.Role{ID: "r", Description: strings.Repeat("x", 1<<20)})
				})
			}
		}, "free space on the disk", sqlite3.SQLITE_FULL, nil},
		{"locked", func(t *testing.T, path string) func(context.Context) error {
			store := open(t, path, sqlitestore.WithBusyTimeout(time.Millisecond))
			t.Cleanup(lock(t, path))
			return assign(store)
		}, "use Workspace.In", sqlite3.SQLITE_BUSY, rbac.ErrContention},
		{"locked, in a transaction", func(t *testing.T, path string) func(context.Context) error {
			store := open(t, path)
			t.Cleanup(lock(t, path))
			tx, err := handle(t, path, "").Begin()
			require.NoError(t, err)
			t.Cleanup(func() { _ = tx.Rollback() })
			return assign(store.Tx(tx))
		}, "use Workspace.In", sqlite3.SQLITE_BUSY, rbac.ErrContention},
		{"locked for longer than the context", func(t *testing.T, path string) func(context.Context) error {
			store := open(t, path)
			t.Cleanup(lock(t, path))
			return func(ctx context.Context) error {
				ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
				defer cancel()
				return assign(store)(ctx)
			}
		}, "use Workspace.In", 0, context.DeadlineExceeded},
		{"closed", func(t *testing.T, path string) func(context.Context) error {
			store, err := sqlitestore.Open(t.Context(), path)
			require.NoError(t, err)
			require.NoError(t, store.Close())
			return view(store)
		}, "close an Authorizer before its Store", 0, nil},
		{"a closed handle", func(t *testing.T, path string) func(context.Context) error {
			db := handle(t, path, "_pragma=journal_mode(WAL)")
			store := overHandle(t, db)
			require.NoError(t, db.Close())
			return view(store)
		}, "a Store before its handle", 0, nil},
		{"an ended transaction", func(t *testing.T, path string) func(context.Context) error {
			tx, err := handle(t, path, "").Begin()
			require.NoError(t, err)
			require.NoError(t, tx.Rollback())
			return view(open(t, path).Tx(tx))
		}, "begin another", 0, sql.ErrTxDone},
		{"a replaced file", func(t *testing.T, path string) func(context.Context) error {
			store := open(t, path)
			require.NoError(t, os.Remove(path))
			return view(store)
		}, "open the store again", 0, sqlitestore.ErrFileReplaced},

		{"opened in no folder", func(t *testing.T, path string) func(context.Context) error {
			require.NoError(t, os.Remove(filepath.Dir(path)))
			return opens(path)
		}, "see that the file's folder exists", 0, fs.ErrNotExist},
		{"opened as no database", func(t *testing.T, path string) func(context.Context) error {
			require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("This is a text. "), 100), 0o600))
			return opens(path)
		}, "give another path, or restore a backup", sqlite3.SQLITE_NOTADB, nil},
		{"opened when it is damaged", func(t *testing.T, path string) func(context.Context) error {
			store, err := sqlitestore.Open(t.Context(), path)
			require.NoError(t, err)
			require.NoError(t, store.Close())
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			copy(data[4096:], bytes.Repeat([]byte{0xff}, len(data)))
			require.NoError(t, os.WriteFile(path, data, 0o600))
			return opens(path)
		}, "restore a backup", sqlite3.SQLITE_CORRUPT, nil},
		{"opened while it is locked", func(t *testing.T, path string) func(context.Context) error {
			t.Cleanup(lock(t, path))
			return func(ctx context.Context) error {
				_, err := sqlitestore.Open(ctx, path, sqlitestore.WithBusyTimeout(time.Millisecond))
				return err
			}
		}, "somebody else holds the lock", sqlite3.SQLITE_BUSY, rbac.ErrContention},
		{"opened with tables of a newer program", func(t *testing.T, path string) func(context.Context) error {
			store, err := sqlitestore.Open(t.Context(), path)
			require.NoError(t, err)
			require.NoError(t, store.Close())
			sqlExec(t, path, `INSERT INTO rbac_schema (version) VALUES (99)`)
			return opens(path)
		}, "run a newer program", 0, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := tempFile(t)
			err := test.fails(t, path)(t.Context())
			says(t, err, path, test.advice)
			assert.Equal(t, test.code, resultCode(err), "%v", err)
			if test.is != nil {
				assert.ErrorIs(t, err, test.is)
			}
		})
	}
}

func opens(path string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := sqlitestore.Open(ctx, path)
		return err
	}
}

// A Store of what can only be read would fail with the first change, a long
// time after the mistake.
func TestWhatCanOnlyBeReadIsRefused(t *testing.T) {
	ctx, path := t.Context(), tempFile(t)
	keep := open(t, path) // so that there is a -shm for those who may not create it
	require.NoError(t, assign(keep)(ctx))
	for _, query := range []string{"mode=ro", "_pragma=query_only(1)"} {
		db := handle(t, path, query)
		_, err := sqlitestore.New(ctx, db)
		says(t, err, path, "open it without mode=ro, immutable and query_only")
		require.Equal(t, sqlite3.SQLITE_READONLY, resultCode(err))
	}
	release := lock(t, path)
	_, err := sqlitestore.New(ctx, handle(t, path, ""))
	require.NoError(t, err, "who has to wait may write")
	release()
	t.Run("by rights", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may write everything")
		}
		file, folder := tempFile(t), tempFile(t)
		for _, path := range []string{file, folder} {
			store, err := sqlitestore.Open(ctx, path)
			require.NoError(t, err)
			require.NoError(t, store.Close())
		}
		require.NoError(t, os.Chmod(file, 0o400))
		says(t, opens(file)(ctx), file, "let the process write the file and its folder")
		require.NoError(t, os.Chmod(filepath.Dir(folder), 0o500))
		t.Cleanup(func() { _ = os.Chmod(filepath.Dir(folder), 0o700) })
		says(t, opens(folder)(ctx), folder, "let the process write the file and its folder")
	})
}

// Who forgets In inside their own transaction waits for themselves, and learns
// it.
func TestScenario107_ForgottenIn(t *testing.T) {
	for name, test := range map[string]func(t *testing.T, path string) (*sqlitestore.Store, *sql.DB){
		"on another handle": func(t *testing.T, path string) (*sqlitestore.Store, *sql.DB) {
			return open(t, path), handle(t, path, "_txlock=immediate")
		},
		"on the same handle": func(t *testing.T, path string) (*sqlitestore.Store, *sql.DB) {
			db := handle(t, path, "_txlock=immediate&_pragma=journal_mode(WAL)")
			return overHandle(t, db), db
		},
		"on the same connection": func(t *testing.T, path string) (*sqlitestore.Store, *sql.DB) {
			db := handle(t, path, "_txlock=immediate&_pragma=journal_mode(WAL)")
			db.SetMaxOpenConns(1)
			return overHandle(t, db), db
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, path := t.Context(), tempFile(t)
				store, db := test(t, path)
				w := authorizer(t, deaf(store)).For("w")
				tx, err := db.BeginTx(ctx, nil)
				require.NoError(t, err)
				began := time.Now()
				err = w.System("sign-up").Assign(ctx, rbac.Administrator, "ann")
				require.ErrorIs(t, err, rbac.ErrContention)
				says(t, err, path, "if the caller has a transaction open on this database, use Workspace.In")
				require.Less(t, time.Since(began), 70*time.Second)

				short, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				err = w.System("sign-up").Assign(short, rbac.Administrator, "ann")
				require.ErrorIs(t, err, context.DeadlineExceeded)
				says(t, err, path, "use Workspace.In")

				require.NoError(t, w.In(store.Tx(tx)).System("sign-up").Assign(ctx, rbac.Administrator, "ann"))
				require.NoError(t, tx.Commit())
				require.NoError(t, w.Sync(ctx))
				require.Equal(t, 1, events(t, w))
			})
		})
	}
	t.Run("inside an Update", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, path := t.Context(), tempFile(t)
			store := open(t, path)
			err := store.Update(ctx, "w", func(rbac.Tx) error { return assign(store)(ctx) })
			require.ErrorIs(t, err, rbac.ErrContention)
			says(t, err, path, "use Workspace.In")
			require.NoError(t, assign(store)(ctx))
		})
	})
	// But a long line is no such wait, as long as it moves.
	t.Run("not in a long line", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, store := t.Context(), open(t, tempFile(t))
			var fns []func() error
			for range 10 {
				fns = append(fns, func() error {
					return store.Update(ctx, "w", func(rbac.Tx) error {
						time.Sleep(4 * time.Second)
						return nil
					})
				})
			}
			for _, err := range together(fns...) {
				require.NoError(t, err)
			}
		})
	})
}
