package sqlitestore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/rbactest"
	"github.com/areagate/rbac/sqlitestore"
)

func TestScenario09_UnreachableAtOpen(t *testing.T) {
	store, err := sqlitestore.Open(t.Context(), tempFile(t))
	require.NoError(t, err)
	require.NoError(t, store.Close())
	require.NoError(t, store.Close())
	_, err = rbac.Open(t.Context(), store)
	require.ErrorIs(t, err, rbac.ErrUnavailable)
}

func TestScenario10_UnreachableLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const staleness = 400 * time.Millisecond
		ctx, path := t.Context(), tempFile(t)
		az := authorizer(t, open(t, path), rbac.WithMaxStaleness(staleness))
		require.NoError(t, az.System("test").Assign(ctx, rbac.Administrator, "ann"))
		require.True(t, az.Can(ctx, "ann", rbac.Deals, rbac.Read))
		move(t, path, path+".away")
		time.Sleep(staleness)
		synctest.Wait()
		require.False(t, az.Can(ctx, "ann", rbac.Deals, rbac.Read))
		require.ErrorIs(t, az.Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrUnavailable)
		move(t, path+".away", path)
		time.Sleep(2 * time.Second) // the pauses between readings that fail grow
		synctest.Wait()
		require.True(t, az.Can(ctx, "ann", rbac.Deals, rbac.Read))
	})
}

func TestScenario13_FloodOfNotifications(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := tempFile(t)
	store := fault.NewNotifier(open(t, path))
	az := authorizer(t, store)
	other := authorizer(t, deaf(open(t, path)))
	require.NoError(t, other.System("test").Assign(ctx, rbac.Administrator, "ann"))
	require.True(t, az.Can(ctx, "ann", rbac.Deals, rbac.Read))
	const changes = 300
	before := store.Calls(rbactest.OpView)
	release := make(chan struct{})
	store.Set(fault.Stuck(release), rbactest.OpView)
	for i := range changes {
		require.NoError(t, other.System("test").Assign(ctx, rbac.Administrator, fmt.Sprint("user", i)))
	}
	close(release)
	require.Eventually(t, func() bool {
		return az.Can(ctx, fmt.Sprint("user", changes-1), rbac.Deals, rbac.Read)
	}, 20*time.Second, time.Millisecond)
	require.Less(t, store.Calls(rbactest.OpView)-before, 10, "one reading takes all changes that there are")
}

func TestScenario17_RestoredBackup(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := tempFile(t)
	backup := filepath.Join(t.TempDir(), "backup.db")
	store, other := open(t, path), open(t, path)
	az := authorizer(t, store)
	running := []*rbac.Authorizer{
		az,
		authorizer(t, other, rbac.WithPollInterval(50*time.Millisecond)),
		authorizer(t, deaf(other), rbac.WithPollInterval(50*time.Millisecond)),
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

// Rows whose times are far off, as after a jump of the clock, change no
// decision. See also clock_internal_test.go of the root package.
func TestScenario19_TimesFarOff(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]time.Time{
		"a year ahead":     time.Now().AddDate(1, 0, 0),
		"a year behind":    time.Now().AddDate(-1, 0, 0),
		"at the beginning": time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		"at the end":       time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			first, second, path := pair(t)
			role, err := first.As("ann").CreateRole(ctx, dealsReader)
			require.NoError(t, err)
			require.NoError(t, first.As("ann").Assign(ctx, role.ID, "bob", "eve"))
			require.NoError(t, first.As("ann").Suspend(ctx, "eve"))
			decisions := func(w *rbac.Workspace) {
				t.Helper()
				for user, want := range map[string]bool{"ann": true, "bob": true, "eve": false, "joe": false} {
					require.Equal(t, want, w.Can(ctx, user, rbac.Deals, rbac.Read), user)
				}
				require.True(t, w.Can(ctx, "ann", rbac.Users, rbac.Manage))
				require.False(t, w.Can(ctx, "bob", rbac.Deals, rbac.Manage))
				require.NoError(t, w.VerifyEvents(ctx))
			}
			decisions(first)
			sqlExec(t, path, `UPDATE rbac_roles SET created_at = ?1, updated_at = ?1`, at.UnixMicro())
			sqlExec(t, path, `UPDATE rbac_members SET updated_at = ?`, at.UnixMicro())
			sqlExec(t, path, `INSERT INTO rbac_members (workspace, user, role, suspended, updated_at) VALUES ('w', 'kim', ?, 0, ?)`,
				string(role.ID), at.UnixMicro())
			loaded := authorizer(t, open(t, path), viewer).For("w")
			for _, w := range []*rbac.Workspace{first, second, loaded} {
				require.NoError(t, w.Sync(ctx))
				decisions(w)
			}
			require.True(t, loaded.Can(ctx, "kim", rbac.Deals, rbac.Read))

			// And changes go on from such rows, at once.
			require.NoError(t, loaded.As("ann").Reinstate(ctx, "eve"))
			require.True(t, loaded.Can(ctx, "eve", rbac.Deals, rbac.Read))
			stored, err := loaded.Roles(ctx)
			require.NoError(t, err)
			for _, edited := range stored {
				if edited.ID == role.ID {
					require.Equal(t, at.Truncate(time.Microsecond).UTC(), edited.UpdatedAt)
					edited.Permissions = rbac.Permissions{}
					_, err = loaded.As("ann").UpdateRole(ctx, edited)
					require.NoError(t, err)
				}
			}
			for _, w := range []*rbac.Workspace{first, second, loaded} {
				require.NoError(t, w.Sync(ctx))
				for _, user := range []string{"bob", "eve", "kim"} {
					require.False(t, w.Can(ctx, user, rbac.Deals, rbac.Read), user)
				}
				require.NoError(t, w.VerifyEvents(ctx))
			}
		})
	}
}

func TestScenario20_CancelledWhileWaiting(t *testing.T) {
	synctest.Test(t, testCancelledWhileWaiting)
}

func testCancelledWhileWaiting(t *testing.T) {
	ctx := t.Context()
	first, _, path := pair(t)
	release := lock(t, path)
	defer release()
	for _, wait := range []time.Duration{0, 10 * time.Millisecond, 100 * time.Millisecond} {
		short, cancel := context.WithTimeout(ctx, wait)
		began := time.Now()
		err := first.As("ann").Assign(short, "viewer", "bob")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, wait, time.Since(began))
		cancel()
	}
	release()
	require.Equal(t, 1, events(t, first))

	// A load that is shared survives one caller's cancelling.
	az := authorizer(t, open(t, path))
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	require.False(t, az.For("w").Can(cancelled, "ann", rbac.Deals, rbac.Read))
	require.True(t, az.For("w").Can(ctx, "ann", rbac.Deals, rbac.Read))
}

// Close ends what is under way, and leaves no goroutine of the library.
func TestScenario24_Close(t *testing.T) {
	ctx, path := t.Context(), tempFile(t)
	users := make([]string, 5_000)
	for i := range users {
		users[i] = fmt.Sprint("user", i)
	}
	setup := authorizer(t, open(t, path))
	require.NoError(t, setup.For("large").System("set-up").Assign(ctx, rbac.Administrator, users...))
	require.NoError(t, setup.For("w").System("set-up").Assign(ctx, rbac.Administrator, "ann"))
	require.NoError(t, setup.Close())

	inside := make(chan struct{}, 100)
	arrive := func(ctx context.Context, _ func(error) error) error {
		inside <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	for name, begin := range map[string]func(store fault.Notifier, az *rbac.Authorizer){
		"when idle": func(fault.Notifier, *rbac.Authorizer) {},
		"during a load of many rows": func(_ fault.Notifier, az *rbac.Authorizer) {
			go az.For("large").Can(ctx, "user1", rbac.Deals, rbac.Read)
			time.Sleep(10 * time.Millisecond)
		},
		"during a first load that blocks": func(store fault.Notifier, az *rbac.Authorizer) {
			store.Set(arrive, rbactest.OpView)
			go az.For("large").Can(ctx, "user1", rbac.Deals, rbac.Read)
			<-inside
		},
		"during a reload that blocks, with one queued": func(store fault.Notifier, az *rbac.Authorizer) {
			store.Set(arrive, rbactest.OpView)
			go func() { _ = az.For("w").Sync(ctx) }()
			<-inside
			go func() { _ = az.For("w").Sync(ctx) }()
		},
		"during a reload in the middle of its rows": func(store fault.Notifier, az *rbac.Authorizer) {
			store.SetRows(fault.BrokenAll(1, func() error {
				inside <- struct{}{}
				time.Sleep(50 * time.Millisecond)
				return errDisk
			}))
			go az.For("large").Can(ctx, "user1", rbac.Deals, rbac.Read)
			<-inside
		},
		"during a poll that blocks": func(store fault.Notifier, az *rbac.Authorizer) {
			store.Set(arrive, rbactest.OpRevisions)
			<-inside
		},
	} {
		t.Run(name, func(t *testing.T) {
			inner, err := sqlitestore.Open(ctx, path)
			require.NoError(t, err)
			store := fault.NewNotifier(inner)
			az, err := rbac.Open(ctx, store, rbac.WithLogger(slog.New(slog.DiscardHandler)), rbac.WithPollInterval(20*time.Millisecond))
			require.NoError(t, err)
			require.True(t, az.For("w").Can(ctx, "ann", rbac.Deals, rbac.Read))
			for len(inside) > 0 { // of the case before
				<-inside
			}
			begin(store, az)
			began := time.Now()
			require.NoError(t, az.Close())
			require.Less(t, time.Since(began), 20*time.Second)
			require.Empty(t, ours("rbac.(*follower).pollLoop", "rbac.(*follower).notifyLoop", "rbac.(*Workspace).runFlights", "rbac/sqlitestore.(*Store)"), "Close has waited for them")
			require.NoError(t, inner.Close())
			require.False(t, az.For("w").Can(ctx, "ann", rbac.Deals, rbac.Read))
			require.ErrorIs(t, az.For("w").Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrClosed)
			// Those who asked have had their answer.
			require.Eventually(t, func() bool { return len(ours("rbac.(", "rbac/sqlitestore.(")) == 0 }, 10*time.Second, time.Millisecond)
		})
	}
}

// ours returns the goroutines with a function of the library, by parts of its
// name.
func ours(parts ...string) (found []string) {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		for _, part := range parts {
			if strings.Contains(stack, "github.com/areagate/"+part) {
				found = append(found, stack)
				break
			}
		}
	}
	return found
}
