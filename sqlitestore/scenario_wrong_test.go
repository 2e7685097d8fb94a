package sqlitestore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/rbactest"
)

func panicsBehind(_ context.Context, call func(error) error) error { panic(call(nil)) }

// A store that is wrong while a workspace is read: denied, reported, contained
// to that workspace, and all is well once the store is.
func TestScenario23_WrongReadings(t *testing.T) {
	for name, wrong := range map[string]struct {
		view rbactest.Fault
		rows *fault.Rows
	}{
		"panics":                    {view: fault.Panics},
		"panics behind its reading": {view: panicsBehind},
		"fails":                     {view: fault.Fails(errDisk)},
		"blocks":                    {view: fault.Blocks},
		"cuts rows off":             {rows: fault.BrokenAll(1, func() error { return errDisk })},
		"panics between rows":       {rows: fault.BrokenAll(1, func() error { panic("rows") })},
	} {
		for _, following := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", following ", following), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testWrongReading(t, wrong.view, wrong.rows, following) })
			})
		}
	}
}

func testWrongReading(t *testing.T, view rbactest.Fault, rows *fault.Rows, following bool) {
	ctx, log, path := t.Context(), &workspacetest.Log{}, tempFile(t)
	store := fault.New(open(t, path))
	app, az := authorizer(t, deaf(open(t, path)), viewer), authorizer(t, store, viewer, log.Option())
	for _, id := range []string{"w", "other"} {
		require.NoError(t, app.For(id).System("set-up").Assign(ctx, rbac.Administrator, "ann", "bob", "cy"))
	}
	w, other := az.For("w"), az.For("other")
	can := func(user string) bool { return w.Can(ctx, user, rbac.Deals, rbac.Read) }
	require.True(t, other.Can(ctx, "ann", rbac.Deals, rbac.Read))
	if following {
		require.True(t, can("bob"))
	}

	store.Set(view, rbactest.OpView)
	store.SetRows(rows)
	require.NoError(t, app.For("w").As("ann").Remove(ctx, "bob", "cy"))
	began := time.Now()
	for time.Since(began) < 2*time.Minute {
		if !following || time.Since(began) > 10*time.Second {
			require.False(t, can("ann"), "after %v", time.Since(began))
			require.ErrorIs(t, w.Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrUnavailable)
			require.False(t, can("bob"))
		}
		require.True(t, other.Can(ctx, "ann", rbac.Deals, rbac.Read), "after %v", time.Since(began))
		time.Sleep(time.Second)
	}
	require.Contains(t, log.String(), "a workspace cannot be read")

	store.Heal()
	time.Sleep(70 * time.Second) // a reading that was blocked gives up after a minute
	synctest.Wait()
	require.True(t, can("ann"))
	require.False(t, can("bob"))
	require.NoError(t, app.For("w").As("ann").Assign(ctx, "viewer", "new"))
	time.Sleep(5 * time.Second)
	require.True(t, can("new"), "the follower goes on")
	require.NoError(t, w.VerifyEvents(ctx))
}

// The same of polls and notifications: what cannot be confirmed is served for
// MaxStaleness, and no longer.
func TestScenario23_WrongPolls(t *testing.T) {
	for name, around := range map[string]rbactest.Fault{
		"panics": fault.Panics, "panics behind its answer": panicsBehind, "fails": fault.Fails(errDisk), "blocks": fault.Blocks,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, log := t.Context(), &workspacetest.Log{}
				store := fault.NewNotifier(open(t, tempFile(t)))
				store.Set(around, rbactest.OpNotify)
				w := authorizer(t, store, viewer, log.Option()).For("w")
				can := func() bool { return w.Can(ctx, "ann", rbac.Deals, rbac.Read) }
				require.NoError(t, w.System("set-up").Assign(ctx, rbac.Administrator, "ann"))
				for range 60 { // without notifications all is well
					require.True(t, can())
					time.Sleep(time.Second)
				}
				store.Set(around, rbactest.OpView, rbactest.OpRevisions)
				time.Sleep(11 * time.Second)
				for range 60 {
					require.False(t, can())
					require.ErrorIs(t, w.Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrUnavailable)
					time.Sleep(time.Second)
				}
				require.Contains(t, log.String(), "the store cannot be asked for revisions")
				require.Contains(t, log.String(), "out of service")
				store.Heal()
				time.Sleep(70 * time.Second)
				require.True(t, can(), "the follower goes on")
			})
		})
	}
}

// And of changes: an error, nothing written, and the next one works.
func TestScenario23_WrongChanges(t *testing.T) {
	ctx, path := t.Context(), tempFile(t)
	store := fault.NewNotifier(open(t, path))
	az := authorizer(t, store, viewer)
	require.NoError(t, az.System("set-up").Assign(ctx, rbac.Administrator, "ann"))
	for name, around := range map[string]rbactest.Fault{"panics": fault.Panics, "fails": fault.Fails(errDisk), "blocks": fault.Blocks} {
		before := dump(t, path)
		store.Set(around, rbactest.OpUpdate)
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		require.Error(t, az.As("ann").Assign(short, "viewer", name), name)
		cancel()
		store.Heal()
		require.Equal(t, before, dump(t, path), name)
		require.False(t, az.Can(ctx, name, rbac.Deals, rbac.Read))
		require.NoError(t, az.As("ann").Assign(ctx, "viewer", name))
		require.True(t, az.Can(ctx, name, rbac.Deals, rbac.Read))
	}
	checkInvariants(t, store, "", "viewer")
}

// dump returns all rows of the library as text.
func dump(t testing.TB, path string) string {
	t.Helper()
	db := handle(t, path, "_pragma=busy_timeout(5000)&_pragma=query_only(1)")
	var text strings.Builder
	for _, statement := range []string{
		`SELECT json_array(id, revision, hex(hash)) FROM rbac_workspaces ORDER BY id`,
		`SELECT json_array(workspace, id, name, description, permissions, version, created_at, updated_at) FROM rbac_roles ORDER BY 1`,
		`SELECT json_array(workspace, user, role, suspended, updated_at) FROM rbac_members ORDER BY 1`,
		`SELECT json_array(id, workspace, seq, body, hex(hash)) FROM rbac_events ORDER BY id`,
	} {
		rows, err := db.Query(statement)
		require.NoError(t, err)
		for rows.Next() {
			var row string
			require.NoError(t, rows.Scan(&row))
			fmt.Fprintln(&text, row)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
	}
	return text.String()
}
