package sqlitestore_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/sqlitestore"
	"github.com/areagate/rbac/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	t.Run("Open", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) rbac.Store { return open(t, tempFile(t)) })
	})
	t.Run("New with a write-ahead log", func(t *testing.T) {
		onceMore(t)
		storetest.Run(t, func(t *testing.T) rbac.Store {
			return overHandle(t, handle(t, tempFile(t), "_pragma=busy_timeout(60000)&_pragma=journal_mode(WAL)"))
		})
	})
	t.Run("New with one connection in memory", func(t *testing.T) {
		onceMore(t)
		storetest.Run(t, func(t *testing.T) rbac.Store {
			db, err := sql.Open("sqlite", ":memory:")
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, db.Close()) })
			db.SetMaxOpenConns(1)
			return overHandle(t, db)
		})
	})
	// Each View and Update in a transaction of its own, that of a caller.
	t.Run("Tx", func(t *testing.T) {
		onceMore(t)
		storetest.Run(t, func(t *testing.T) rbac.Store {
			path := tempFile(t)
			return inTx{open(t, path), handle(t, path, "_txlock=immediate&_pragma=busy_timeout(100)"), handle(t, path, "_pragma=busy_timeout(100)")}
		})
	})
}

// onceMore leaves the contract a second to fourth time to the long form.
func onceMore(t *testing.T) {
	if !long.Enabled() {
		t.Skip("the contract once more: only with RBAC_LONG=1")
	}
	t.Parallel()
}

// inTx is a Store that makes every call through Tx, as Workspace.In does.
type inTx struct {
	store       *sqlitestore.Store
	write, read *sql.DB
}

func within(ctx context.Context, store *sqlitestore.Store, db *sql.DB, fn func(rbac.Store) error) error {
	tx, err := db.BeginTx(ctx, nil)
	var busy *sqlite.Error
	if errors.As(err, &busy) && busy.Code() == sqlite3.SQLITE_BUSY {
		return rbac.ErrContention
	}
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := fn(store.Tx(tx)); err != nil {
		return err
	}
	return tx.Commit()
}

func (s inTx) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return within(ctx, s.store, s.read, func(in rbac.Store) error { return in.View(ctx, workspace, fn) })
}

func (s inTx) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	return within(ctx, s.store, s.write, func(in rbac.Store) error { return in.Update(ctx, workspace, fn) })
}

func (s inTx) Revisions(ctx context.Context, workspaces []string) (found map[string]rbac.Revision, err error) {
	err = within(ctx, s.store, s.read, func(in rbac.Store) error {
		found, err = in.Revisions(ctx, workspaces)
		return err
	})
	return found, err
}

func (s inTx) Workspaces(ctx context.Context, q rbac.WorkspaceQuery) (found []string, err error) {
	err = within(ctx, s.store, s.read, func(in rbac.Store) error {
		found, err = in.Workspaces(ctx, q)
		return err
	})
	return found, err
}

// A list of roles that cannot be read makes its role malformed, and no other.
func TestMalformedLists(t *testing.T) {
	ctx, path := t.Context(), tempFile(t)
	store := open(t, path)
	require.NoError(t, store.Update(ctx, "w", func(tx rbac.Tx) error {
		return errors.Join(
			tx.PutRole(rbac.Role{ID: "a"}),
			tx.PutRole(rbac.Role{ID: "b", Assigns: []rbac.RoleID{"z", "a", "a", "<é> \"x\""}}),
		)
	}))
	require.ErrorContains(t, store.Update(ctx, "w", func(tx rbac.Tx) error {
		return tx.PutRole(rbac.Role{ID: "b", Assigns: []rbac.RoleID{"caf\xe9"}})
	}), "is not valid UTF-8", "the store would return another list")
	unchecked := handle(t, path, "_pragma=ignore_check_constraints(1)&_pragma=busy_timeout(5000)")
	for _, list := range []string{`[1]`, `["b",null]`, `[["b"]]`, `"b"`, `null`, `{}`, `["b"`, ``, "[\"caf\xe9\"]"} {
		_, err := unchecked.Exec(`UPDATE rbac_roles SET assigns = CAST(? AS TEXT) WHERE id = 'a'`, []byte(list))
		require.NoError(t, err)
		require.NoError(t, store.View(ctx, "w", func(r rbac.Reader) error {
			var row *rbac.MalformedError
			role, err := r.Role("a")
			require.ErrorAs(t, err, &row, list)
			require.Equal(t, rbac.MalformedError{Kind: "role", ID: "a", Err: row.Err}, *row)
			require.ErrorContains(t, err, "assigns")
			require.Zero(t, role)
			var read []rbac.RoleID
			for role, err := range r.Roles() {
				if role.ID == "a" {
					require.ErrorAs(t, err, &row)
					require.Empty(t, role.Assigns)
				} else {
					require.NoError(t, err)
					require.Equal(t, []rbac.RoleID{"z", "a", "a", "<é> \"x\""}, role.Assigns, "as it was put")
				}
				read = append(read, role.ID)
			}
			require.Equal(t, []rbac.RoleID{"a", "b"}, read)
			return nil
		}))
	}
}
