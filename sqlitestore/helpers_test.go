package sqlitestore_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/sqlitestore"
)

// The words of these tests.
var (
	authorizer, deaf = workspacetest.Open, workspacetest.Deaf
	quiet            = workspacetest.Quiet
	checkInvariants  = workspacetest.CheckInvariants
	together         = workspacetest.Together
)

func tempFile(t testing.TB) string { return filepath.Join(t.TempDir(), "rbac.db") }

// open opens a file for the duration of a test.
func open(t testing.TB, path string, opts ...sqlitestore.Option) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(context.Background(), path, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// handle opens a file as an application does that has tables of its own.
func handle(t testing.TB, path, query string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?"+query)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func overHandle(t testing.TB, db *sql.DB) *sqlitestore.Store {
	t.Helper()
	require.NoError(t, sqlitestore.Migrate(context.Background(), db))
	s, err := sqlitestore.New(context.Background(), db)
	require.NoError(t, err)
	return s
}

// file is a [scenarios.Database].
type file struct {
	testing.TB
	path  string
	store *sqlitestore.Store // on which nobody works
	app   *sql.DB
}

func newFile(t testing.TB) *file {
	path := tempFile(t)
	return &file{t, path, open(t, path), handle(t, path, "_txlock=immediate&_pragma=busy_timeout(5000)")}
}

func (f *file) Store() rbac.Store { return open(f, f.path) }

func (f *file) Transaction(ctx context.Context, _ string, fn func(in rbac.Store) error) error {
	return within(ctx, f.store, f.app, fn)
}

// viewer is a system role, so that somebody can be demoted to it anywhere.
var viewer = rbac.WithSystemRoles(rbac.Role{
	ID: "viewer", Name: "Viewer", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}},
})

var dealsReader = rbac.Role{Name: "Deals reader", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}}}

// pair returns two instances that know of each other's changes only by Sync
// and by their own transactions, with ann as the administrator of w, and the
// file.
func pair(t *testing.T) (first, second *rbac.Workspace, path string) {
	t.Helper()
	path = tempFile(t)
	opts := append(quiet(), viewer)
	first, second = authorizer(t, deaf(open(t, path)), opts...).For("w"), authorizer(t, deaf(open(t, path)), opts...).For("w")
	require.NoError(t, first.System("set-up").Assign(t.Context(), rbac.Administrator, "ann"))
	return first, second, path
}

// events verifies the events of a workspace, and returns how many they are.
func events(t testing.TB, w *rbac.Workspace) int {
	t.Helper()
	require.NoError(t, w.VerifyEvents(t.Context()))
	return len(workspacetest.All(t, w.Events(t.Context(), rbac.EventQuery{})))
}

func sqlExec(t testing.TB, path, statement string, args ...any) {
	t.Helper()
	_, err := handle(t, path, "_pragma=busy_timeout(5000)").Exec(statement, args...)
	require.NoError(t, err)
}
