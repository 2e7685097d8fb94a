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
	"github.com/areagate/rbac/internal/storetest"
)

var (
	panics       = func(context.Context, func() error) error { panic("the store has a bug") }
	panicsBehind = func(_ context.Context, call func() error) error { panic(call()) }
	fails        = func(context.Context, func() error) error { return errDisk }
	cutting      = func(row func() error) func(rbac.Reader) rbac.Reader {
		return func(r rbac.Reader) rbac.Reader { return storetest.CutReader{Reader: r, Rows: 1, Row: row} }
	}
	blocks = func(ctx context.Context, _ func() error) error { <-ctx.Done(); return ctx.Err() }
)

// A store that is wrong while a workspace is read: denied, reported, contained
// to that workspace, and all is well once the store is.
func TestScenario23_WrongReadings(t *testing.T) {
	for name, wrong := range map[string]*storetest.Fault{
		"panics":                    {View: panics},
		"panics behind its reading": {View: panicsBehind},
		"fails":                     {View: fails},
		"blocks":                    {View: blocks},
		"cuts rows off":             {Reader: cutting(func() error { return errDisk })},
		"panics between rows":       {Reader: cutting(func() error { panic("rows") })},
	} {
		for _, following := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", following ", following), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testWrongReading(t, wrong, following) })
			})
		}
	}
}

func testWrongReading(t *testing.T, wrong *storetest.Fault, following bool) {
	ctx, log, path := t.Context(), &storetest.Log{}, tempFile(t)
	store := &storetest.Faulty{Store: open(t, path)}
	app, az := authorizer(t, deaf(open(t, path)), viewer), authorizer(t, deaf(store), viewer, log.Option())
	for _, id := range []string{"w", "other"} {
		require.NoError(t, app.For(id).System("set-up").Assign(ctx, rbac.Administrator, "ann", "bob", "cy"))
	}
	w, other := az.For("w"), az.For("other")
	can := func(user string) bool { return w.Can(ctx, user, rbac.Deals, rbac.Read) }
	require.True(t, other.Can(ctx, "ann", rbac.Deals, rbac.Read))
	if following {
		require.True(t, can("bob"))
	}

	store.Set(wrong)
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

	store.Set(nil)
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
	for name, around := range map[string]func(context.Context, func() error) error{
		"panics": panics, "panics behind its answer": panicsBehind, "fails": fails, "blocks": blocks,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, log := t.Context(), &storetest.Log{}
				store := &storetest.Faulty{Store: open(t, tempFile(t))}
				store.Set(&storetest.Fault{Notify: around})
				w := authorizer(t, store, viewer, log.Option()).For("w")
				can := func() bool { return w.Can(ctx, "ann", rbac.Deals, rbac.Read) }
				require.NoError(t, w.System("set-up").Assign(ctx, rbac.Administrator, "ann"))
				for range 60 { // without notifications all is well
					require.True(t, can())
					time.Sleep(time.Second)
				}
				store.Set(&storetest.Fault{Notify: around, Revisions: around, View: around})
				time.Sleep(11 * time.Second)
				for range 60 {
					require.False(t, can())
					require.ErrorIs(t, w.Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrUnavailable)
					time.Sleep(time.Second)
				}
				require.Contains(t, log.String(), "the store cannot be asked for revisions")
				require.Contains(t, log.String(), "out of service")
				store.Set(nil)
				time.Sleep(70 * time.Second)
				require.True(t, can(), "the follower goes on")
			})
		})
	}
}

// And of changes: an error, nothing written, and the next one works.
func TestScenario23_WrongChanges(t *testing.T) {
	ctx, path := t.Context(), tempFile(t)
	store := &storetest.Faulty{Store: open(t, path)}
	az := authorizer(t, store, viewer)
	require.NoError(t, az.System("set-up").Assign(ctx, rbac.Administrator, "ann"))
	for name, around := range map[string]func(context.Context, func() error) error{"panics": panics, "fails": fails, "blocks": blocks} {
		before := dump(t, path)
		store.Set(&storetest.Fault{Update: around})
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		require.Error(t, az.As("ann").Assign(short, "viewer", name), name)
		cancel()
		store.Set(nil)
		require.Equal(t, before, dump(t, path), name)
		require.False(t, az.Can(ctx, name, rbac.Deals, rbac.Read))
		require.NoError(t, az.As("ann").Assign(ctx, "viewer", name))
		require.True(t, az.Can(ctx, name, rbac.Deals, rbac.Read))
	}
	checkInvariants(t, store, "")
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
