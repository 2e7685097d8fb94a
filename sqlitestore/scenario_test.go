package sqlitestore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/sqlitestore"
)

// The scenarios of shared/SCENARIOS.md that a store can break. Number 1 is in
// race_test.go, 17 and 32 are in file_test.go, 31 is in history_test.go.

// pair returns two instances that know of each other's changes only by Sync
// and by their own transactions, with ann as the administrator of w, and the
// file.
func pair(t *testing.T, opts ...rbac.Option) (first, second *rbac.Workspace, path string) {
	t.Helper()
	path = tempFile(t)
	opts = append([]rbac.Option{viewer, rbac.WithMaxStaleness(time.Minute), rbac.WithPollInterval(30 * time.Second)}, opts...)
	first = authorizer(t, withoutNotify{open(t, path)}, opts...).For("w")
	second = authorizer(t, withoutNotify{open(t, path)}, opts...).For("w")
	require.NoError(t, first.System("set-up").Assign(t.Context(), rbac.Administrator, "ann"))
	return first, second, path
}

var dealsReader = rbac.Role{Name: "Deals reader", Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All}}}

func events(t testing.TB, w *rbac.Workspace) (n int) {
	t.Helper()
	require.NoError(t, w.VerifyEvents(t.Context()))
	for _, err := range w.Events(t.Context(), rbac.EventQuery{}) {
		require.NoError(t, err)
		n++
	}
	return n
}

func both(one, other func() error) (errs [2]error) {
	var wait sync.WaitGroup
	start := make(chan struct{})
	wait.Go(func() { <-start; errs[0] = one() })
	wait.Go(func() { <-start; errs[1] = other() })
	close(start)
	wait.Wait()
	return errs
}

func sqlExec(t testing.TB, path, statement string, args ...any) {
	t.Helper()
	_, err := handle(t, path, "_pragma=busy_timeout(5000)").Exec(statement, args...)
	require.NoError(t, err)
}

func TestScenario02_LastAdministrator(t *testing.T) {
	ctx := t.Context()
	first, second, _ := pair(t)
	before := events(t, first)
	for _, w := range []*rbac.Workspace{first, second} {
		system := w.System("test")
		for _, err := range []error{
			system.Assign(ctx, "viewer", "ann"), system.Suspend(ctx, "ann"), system.Remove(ctx, "ann"),
			system.ReplaceRole(ctx, rbac.Administrator, "viewer"),
		} {
			require.ErrorIs(t, err, rbac.ErrLastAdministrator)
		}
	}
	require.Equal(t, before, events(t, first))
}

func TestScenario03_RoleDeletedWhileAssigned(t *testing.T) {
	ctx := t.Context()
	first, second, _ := pair(t)
	for i := range 50 {
		role, err := first.As("ann").CreateRole(ctx, dealsReader)
		require.NoError(t, err)
		errs := both(
			func() error { return first.As("ann").DeleteRole(ctx, role.ID) },
			func() error { return second.As("ann").Assign(ctx, role.ID, "bob") },
		)
		if errs[0] == nil {
			require.ErrorIs(t, errs[1], rbac.ErrRoleNotFound, "race %d", i)
		} else {
			require.ErrorIs(t, errs[0], rbac.ErrRoleInUse, "race %d", i)
			require.NoError(t, errs[1])
			require.NoError(t, first.As("ann").Remove(ctx, "bob"))
			require.NoError(t, first.As("ann").DeleteRole(ctx, role.ID))
		}
	}
	events(t, first)
}

func TestScenario04_TwoEditsFromOneVersion(t *testing.T) {
	ctx := t.Context()
	first, second, _ := pair(t)
	role, err := first.As("ann").CreateRole(ctx, dealsReader)
	require.NoError(t, err)
	edit := func(w *rbac.Workspace, description string) error {
		edited := role
		edited.Description = description
		_, err := w.As("ann").UpdateRole(ctx, edited)
		return err
	}
	errs := both(func() error { return edit(first, "one") }, func() error { return edit(second, "two") })
	if errs[0] != nil {
		errs[0], errs[1] = errs[1], errs[0]
	}
	require.NoError(t, errs[0])
	require.ErrorIs(t, errs[1], rbac.ErrConflict)
}

func TestScenario05_ChecksDuringChanges(t *testing.T) {
	ctx := t.Context()
	path := tempFile(t)
	changing, checking := authorizer(t, open(t, path)), authorizer(t, open(t, path, sqlitestore.WithNotifyInterval(time.Millisecond)))
	require.NoError(t, changing.System("test").Assign(ctx, rbac.Administrator, "ann"))
	role, err := changing.System("test").CreateRole(ctx, dealsReader)
	require.NoError(t, err)
	require.NoError(t, changing.System("test").Assign(ctx, role.ID, "bob"))

	stop := make(chan struct{})
	var wait sync.WaitGroup
	var checks, seen atomic.Int64
	for range 2 {
		wait.Go(func() {
			for last := false; ; {
				select {
				case <-stop:
					return
				default:
				}
				subject, err := checking.Subject(ctx, "bob")
				deals, tasks := subject.Can(rbac.Deals, rbac.Read), subject.Can(rbac.Tasks, rbac.Read)
				if err != nil || deals == tasks {
					t.Errorf("deals: %v, tasks: %v, error: %v", deals, tasks, err)
					return
				}
				checks.Add(1)
				if deals != last {
					seen.Add(1)
					last = deals
				}
			}
		})
	}
	for i := range 100 {
		role.Permissions = rbac.Permissions{[]rbac.Area{rbac.Tasks, rbac.Deals}[i%2]: {Read: rbac.All}}
		role, err = changing.System("test").UpdateRole(ctx, role)
		require.NoError(t, err)
		require.NoError(t, changing.System("test").Assign(ctx, rbac.Administrator, fmt.Sprint("user", i)))
	}
	close(stop)
	wait.Wait()
	t.Logf("%d checks, %d changes of the answer", checks.Load(), seen.Load())
}

func TestScenario07_Contention(t *testing.T) {
	ctx := t.Context()
	path := tempFile(t)
	az := authorizer(t, open(t, path, sqlitestore.WithBusyTimeout(5*time.Millisecond)))
	require.NoError(t, az.System("test").Assign(ctx, rbac.Administrator, "ann"))
	release := lock(t, path)
	require.ErrorIs(t, az.System("test").Assign(ctx, rbac.Administrator, "bob"), rbac.ErrContention)
	require.False(t, az.Can(ctx, "bob", rbac.Deals, rbac.Read))
	require.True(t, az.Can(ctx, "ann", rbac.Deals, rbac.Read))
	release()
	require.Equal(t, 1, events(t, az.Workspace))
	require.NoError(t, az.System("test").Assign(ctx, rbac.Administrator, "bob"))
	require.Equal(t, 2, events(t, az.Workspace))
}

// lock holds the lock of the writers, as another process may.
func lock(t testing.TB, path string) (release func()) {
	t.Helper()
	c, err := handle(t, path, "_pragma=busy_timeout(5000)").Conn(context.Background())
	require.NoError(t, err)
	_, err = c.ExecContext(context.Background(), `BEGIN IMMEDIATE`)
	require.NoError(t, err)
	return sync.OnceFunc(func() {
		_, err := c.ExecContext(context.Background(), `ROLLBACK`)
		require.NoError(t, err)
		require.NoError(t, c.Close())
	})
}

func TestScenario08_TwoInstancesSetUp(t *testing.T) {
	first, second, _ := pair(t)
	for i := range 20 {
		user := fmt.Sprint("user", i)
		before := events(t, first)
		errs := both(
			func() error { return first.System("set-up").Assign(t.Context(), rbac.Administrator, user) },
			func() error { return second.System("set-up").Assign(t.Context(), rbac.Administrator, user) },
		)
		require.NoError(t, errors.Join(errs[:]...))
		require.Equal(t, before+1, events(t, first))
	}
}

func TestScenario09_UnreachableAtOpen(t *testing.T) {
	store, err := sqlitestore.Open(tempFile(t))
	require.NoError(t, err)
	require.NoError(t, store.Close())
	require.NoError(t, store.Close())
	_, err = rbac.Open(t.Context(), store)
	require.ErrorIs(t, err, rbac.ErrUnavailable)
}

func TestScenario10_UnreachableLater(t *testing.T) {
	ctx := t.Context()
	path := tempFile(t)
	az := authorizer(t, open(t, path), rbac.WithMaxStaleness(400*time.Millisecond))
	require.NoError(t, az.System("test").Assign(ctx, rbac.Administrator, "ann"))
	require.True(t, az.Can(ctx, "ann", rbac.Deals, rbac.Read))
	move(t, path, path+".away")
	lost := time.Now()
	require.Eventually(t, func() bool { return !az.Can(ctx, "ann", rbac.Deals, rbac.Read) }, 10*time.Second, time.Millisecond)
	require.Less(t, time.Since(lost), 2*time.Second)
	require.ErrorIs(t, az.Authorize(ctx, "ann", rbac.Deals, rbac.Read), rbac.ErrUnavailable)
	move(t, path+".away", path)
	require.Eventually(t, func() bool { return az.Can(ctx, "ann", rbac.Deals, rbac.Read) }, 10*time.Second, time.Millisecond)
}

// counting counts the questions to a store.
type counting struct {
	*sqlitestore.Store
	views, revisions atomic.Int64
}

func (s *counting) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	s.views.Add(1)
	return s.Store.View(ctx, workspace, fn)
}

func (s *counting) Revisions(ctx context.Context, workspaces []string) (map[string]rbac.Revision, error) {
	s.revisions.Add(1)
	return s.Store.Revisions(ctx, workspaces)
}

func TestScenario13_FloodOfNotifications(t *testing.T) {
	ctx := t.Context()
	path := tempFile(t)
	store := &counting{Store: open(t, path)}
	az := authorizer(t, store)
	other := authorizer(t, withoutNotify{open(t, path)})
	require.NoError(t, other.System("test").Assign(ctx, rbac.Administrator, "ann"))
	require.True(t, az.Can(ctx, "ann", rbac.Deals, rbac.Read))
	const changes = 300
	before := store.views.Load()
	for i := range changes {
		require.NoError(t, other.System("test").Assign(ctx, rbac.Administrator, fmt.Sprint("user", i)))
	}
	require.Eventually(t, func() bool {
		return az.Can(ctx, fmt.Sprint("user", changes-1), rbac.Deals, rbac.Read)
	}, 10*time.Second, time.Millisecond)
	require.Less(t, store.views.Load()-before, int64(changes/2), "each reading takes many changes")
}

func TestScenario15_RolledBack(t *testing.T) {
	ctx := t.Context()
	path := tempFile(t)
	db := handle(t, path, "_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	store := overHandle(t, db)
	_, err := db.Exec(`CREATE TABLE users (id TEXT)`)
	require.NoError(t, err)
	az := authorizer(t, store)
	require.NoError(t, az.System("test").Assign(ctx, rbac.Administrator, "ann"))
	hints := listen(t, store)
	signUp := func(user string, end func(*sql.Tx) error) {
		tx, err := db.BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = tx.Exec(`INSERT INTO users VALUES (?)`, user)
		require.NoError(t, err)
		require.NoError(t, az.System("sign-up").In(sqlitestore.Tx(tx)).Assign(ctx, rbac.Administrator, user))
		require.False(t, az.Can(ctx, user, rbac.Deals, rbac.Read), "not committed yet")
		require.NoError(t, end(tx))
		require.NoError(t, az.Sync(ctx))
	}
	users := func() (n int) {
		require.NoError(t, db.QueryRow(`SELECT count(*) FROM users`).Scan(&n))
		return n
	}
	signUp("eve", (*sql.Tx).Rollback)
	require.False(t, az.Can(ctx, "eve", rbac.Deals, rbac.Read))
	require.Zero(t, users())
	time.Sleep(150 * time.Millisecond)
	require.Empty(t, hints(), "a hint about what was rolled back")

	signUp("bob", (*sql.Tx).Commit)
	require.True(t, az.Can(ctx, "bob", rbac.Deals, rbac.Read))
	require.Equal(t, 1, users())
	require.Eventually(t, func() bool { return len(hints()) > 0 }, 10*time.Second, time.Millisecond)
	require.Equal(t, 2, events(t, az.Workspace))
}

// listen collects the workspaces that a store tells of.
func listen(t testing.TB, store rbac.Notifier) (hints func() []string) {
	var mu sync.Mutex
	var told []string
	began := make(chan struct{})
	once := sync.OnceFunc(func() { close(began) })
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() {
		_ = store.Notify(ctx, func(workspaces ...string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, workspaces...)
			once()
		})
	})
	t.Cleanup(func() { cancel(); wait.Wait() })
	<-began
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string{}, told...)
	}
}

func TestScenario16_ReadYourOwnChange(t *testing.T) {
	ctx := t.Context()
	first, second, _ := pair(t)
	require.True(t, second.Can(ctx, "ann", rbac.Deals, rbac.Read))
	require.NoError(t, first.As("ann").Assign(ctx, "viewer", "bob"))
	require.True(t, first.Can(ctx, "bob", rbac.Deals, rbac.Read))
	require.False(t, second.Can(ctx, "bob", rbac.Deals, rbac.Read))
	require.NoError(t, second.Sync(ctx))
	require.True(t, second.Can(ctx, "bob", rbac.Deals, rbac.Read))
}

func TestScenario18_BeginImmediate(t *testing.T) {
	ctx := t.Context()
	first, second, path := pair(t)

	// What SQLite does to a deferred transaction that has read.
	const busySnapshot = 5 | 2<<8
	tx, err := handle(t, path, "_pragma=busy_timeout(60000)").BeginTx(ctx, nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	var n int
	require.NoError(t, tx.QueryRow(`SELECT count(*) FROM rbac_members`).Scan(&n))
	require.NoError(t, first.As("ann").Assign(ctx, "viewer", "bob"))
	began := time.Now()
	_, err = tx.Exec(`UPDATE rbac_members SET suspended = 1`)
	var coded interface{ Code() int }
	require.ErrorAs(t, err, &coded)
	require.Equal(t, busySnapshot, coded.Code())
	require.Less(t, time.Since(began), 10*time.Second, "the timeout of 60 s does not help")

	// Tx says so before a rule is decided on old rows, and keeps what the
	// caller did.
	err = first.As("ann").In(sqlitestore.Tx(tx)).Suspend(ctx, "bob")
	require.ErrorIs(t, err, rbac.ErrContention)
	require.NoError(t, tx.QueryRow(`SELECT count(*) FROM rbac_members`).Scan(&n))

	// Ours reads first too, and never fails.
	var wait sync.WaitGroup
	for i, w := range []*rbac.Workspace{first, second, first, second} {
		wait.Go(func() {
			for j := range 25 {
				assert.NoError(t, w.As("ann").Assign(ctx, "viewer", fmt.Sprintf("user-%d-%d", i, j)))
			}
		})
	}
	wait.Wait()
	require.Equal(t, 1+1+4*25, events(t, first))
}

func TestScenario20_CancelledWhileWaiting(t *testing.T) {
	ctx := t.Context()
	first, _, path := pair(t)
	release := lock(t, path)
	defer release()
	for _, wait := range []time.Duration{0, 10 * time.Millisecond, 100 * time.Millisecond} {
		short, cancel := context.WithTimeout(ctx, wait)
		began := time.Now()
		err := first.As("ann").Assign(short, "viewer", "bob")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, time.Since(began), wait+time.Second)
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

func TestScenario21_OneLoadForAll(t *testing.T) {
	_, _, path := pair(t)
	store := &counting{Store: open(t, path)}
	w := authorizer(t, withoutNotify{store}).For("w")
	var wait sync.WaitGroup
	var allowed atomic.Int64
	for range 10_000 {
		wait.Go(func() {
			if w.Can(t.Context(), "ann", rbac.Deals, rbac.Read) {
				allowed.Add(1)
			}
		})
	}
	wait.Wait()
	require.EqualValues(t, 10_000, allowed.Load())
	require.EqualValues(t, 1, store.views.Load())
}

func TestScenario22_FloodOfUnknownUsers(t *testing.T) {
	_, _, path := pair(t)
	store := &counting{Store: open(t, path)}
	w := authorizer(t, withoutNotify{store}, rbac.WithMaxStaleness(time.Minute)).For("w")
	require.True(t, w.Can(t.Context(), "ann", rbac.Deals, rbac.Read))
	views := store.views.Load()
	for i := range 100_000 {
		require.False(t, w.Can(t.Context(), fmt.Sprint("unknown", i), rbac.Deals, rbac.Read))
	}
	require.Equal(t, views, store.views.Load())
}

func TestScenario26_MalformedRows(t *testing.T) {
	ctx := t.Context()
	first, _, path := pair(t)
	role, err := first.As("ann").CreateRole(ctx, dealsReader)
	require.NoError(t, err)
	bad, err := first.As("ann").CreateRole(ctx, rbac.Role{Name: "Bad", Permissions: dealsReader.Permissions})
	require.NoError(t, err)
	require.NoError(t, first.As("ann").Assign(ctx, role.ID, "bob", "eve", "joe"))
	require.NoError(t, first.As("ann").Assign(ctx, bad.ID, "kim"))

	// What the checks refuse.
	db := handle(t, path, "_pragma=foreign_keys(1)")
	for _, statement := range []string{
		`UPDATE rbac_roles SET permissions = 'all'`,
		`UPDATE rbac_roles SET permissions = '[]'`,
		`UPDATE rbac_roles SET created_at = 'yesterday'`,
		`UPDATE rbac_roles SET updated_at = 9e17`,
		`UPDATE rbac_members SET suspended = 2`,
		`UPDATE rbac_members SET role = ''`,
		`UPDATE rbac_members SET user = NULL`,
		`UPDATE rbac_workspaces SET hash = x'00'`,
		`UPDATE rbac_workspaces SET revision = 0`,
		`INSERT INTO rbac_members (workspace, user, role, suspended, updated_at) VALUES ('nowhere', 'ann', 'administrator', 0, 0)`,
		`UPDATE rbac_events SET body = '{}'`,
		`DELETE FROM rbac_workspaces`,
	} {
		_, err := db.Exec(statement)
		require.Error(t, err, statement)
	}

	// And what somebody writes who turns them off, or knows what passes.
	sqlExec(t, path, `UPDATE rbac_roles SET permissions = '{"deals":{"read":"everything"}}' WHERE id = ?`, string(bad.ID))
	unchecked := handle(t, path, "_pragma=ignore_check_constraints(1)&_pragma=busy_timeout(5000)")
	_, err = unchecked.Exec(`UPDATE rbac_members SET suspended = 2 WHERE user = 'eve'`)
	require.NoError(t, err)
	_, err = unchecked.Exec(`UPDATE rbac_members SET role = '' WHERE user = 'joe'`)
	require.NoError(t, err)

	w := authorizer(t, open(t, path), viewer).For("w")
	can := func(user string) bool { return w.Can(ctx, user, rbac.Deals, rbac.Read) }
	assert.True(t, can("ann"))
	assert.True(t, can("bob"))
	assert.False(t, can("eve"))
	assert.False(t, can("joe"))
	assert.False(t, can("kim"))
	findings, err := w.Lint(ctx)
	require.NoError(t, err)
	malformed := 0
	for _, finding := range findings {
		if finding.Code == rbac.FindingMalformedRow {
			malformed++
		}
	}
	assert.Equal(t, 3, malformed, "%v", findings)

	require.NoError(t, open(t, path).View(ctx, "w", func(r rbac.Reader) error {
		var row *rbac.MalformedError
		_, err := r.Role(bad.ID)
		require.ErrorAs(t, err, &row)
		assert.Equal(t, string(bad.ID), row.ID)
		_, err = r.Member("eve")
		require.ErrorAs(t, err, &row)
		var users []string
		for member, err := range r.Members(rbac.MemberQuery{}) {
			if member.User == "eve" {
				require.ErrorAs(t, err, &row)
				assert.Equal(t, "eve", row.ID)
			} else {
				require.NoError(t, err)
			}
			users = append(users, member.User)
		}
		assert.Equal(t, []string{"ann", "bob", "eve", "joe", "kim"}, users)
		return nil
	}))

	// Events that were edited are found, whether they can still be read or not.
	sqlExec(t, path, `DROP TRIGGER rbac_events_stay`)
	require.NoError(t, w.VerifyEvents(ctx))
	for _, edit := range []string{
		`UPDATE rbac_events SET body = json_set(body, '$.actor', 'eve') WHERE seq = 2`,
		`UPDATE rbac_events SET body = json_set(body, '$.seq', 7) WHERE seq = 2`,
		`UPDATE rbac_events SET body = '{}' WHERE seq = 2`,
		`UPDATE rbac_events SET hash = zeroblob(32) WHERE seq = 2`,
		`DELETE FROM rbac_events WHERE seq = 2`,
		`DELETE FROM rbac_events WHERE seq = (SELECT max(seq) FROM rbac_events)`,
	} {
		damaged := copyByVacuum(t, path)
		sqlExec(t, damaged, edit)
		err := authorizer(t, open(t, damaged), viewer).For("w").VerifyEvents(ctx)
		assert.ErrorIs(t, err, rbac.ErrTampered, edit)
	}
}

func copyByVacuum(t testing.TB, path string) string {
	t.Helper()
	to := tempFile(t)
	sqlExec(t, path, `VACUUM INTO ?`, to)
	return to
}

func TestScenario27_StrangeIds(t *testing.T) {
	ctx := t.Context()
	first, _, _ := pair(t)
	for _, user := range []string{"", " ", strings.Repeat("x", 256), "a\x00b", "a\nb", "\xff", "a\x7f"} {
		require.ErrorIs(t, first.As("ann").Assign(ctx, "viewer", user), rbac.ErrInvalid, "%q", user)
		require.False(t, first.Can(ctx, user, rbac.Deals, rbac.Read), "%q", user)
	}
	require.False(t, first.CanRecord(ctx, "", rbac.Deals, rbac.Read, ""))
	require.Equal(t, 1, events(t, first))

	// The store itself keeps whatever bytes it is given.
	store := open(t, tempFile(t))
	odd := []string{"a", "a\x00", "a\x00b", "a\n", "\xff", "\xff\xfe"}
	require.NoError(t, store.Update(ctx, "w\x00", func(tx rbac.Tx) error {
		for _, user := range odd {
			if err := tx.PutMembers(rbac.Member{User: user, Role: rbac.RoleID(user)}); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(t, store.View(ctx, "w\x00", func(r rbac.Reader) error {
		var got []string
		for member, err := range r.Members(rbac.MemberQuery{}) {
			require.NoError(t, err)
			require.Equal(t, member.User, string(member.Role))
			got = append(got, member.User)
		}
		require.Equal(t, []string{"a", "a\x00", "a\x00b", "a\n", "\xff", "\xff\xfe"}, got)
		return nil
	}))
}

func TestScenario28_ByteForByte(t *testing.T) {
	ctx := t.Context()
	first, second, _ := pair(t)
	require.NoError(t, first.As("ann").Assign(ctx, rbac.Administrator, "Bob"))
	require.NoError(t, second.Sync(ctx))
	for _, w := range []*rbac.Workspace{first, second} {
		require.True(t, w.Can(ctx, "Bob", rbac.Deals, rbac.Read))
		for _, user := range []string{"bob", "BOB", "Bob ", " Bob", "B\u00f6b"} {
			require.False(t, w.Can(ctx, user, rbac.Deals, rbac.Read), "%q", user)
		}
	}
	require.ErrorIs(t, first.As("ann").Remove(ctx, "bob"), rbac.ErrMemberNotFound)
}

func TestScenario29_OneNameInManyForms(t *testing.T) {
	ctx := t.Context()
	first, second, _ := pair(t)
	_, err := first.As("ann").CreateRole(ctx, rbac.Role{Name: "Café Sales"})
	require.NoError(t, err)
	for _, name := range []string{"café sales", " CAFÉ SALES ", "Cafe\u0301 Sales"} {
		_, err := second.As("ann").CreateRole(ctx, rbac.Role{Name: name})
		require.ErrorIs(t, err, rbac.ErrNameTaken, "%q", name)
	}
}

func TestScenario30_UsedAgain(t *testing.T) {
	ctx := t.Context()
	first, second, _ := pair(t)
	old, err := first.As("ann").CreateRole(ctx, dealsReader)
	require.NoError(t, err)
	require.NoError(t, first.As("ann").Assign(ctx, rbac.Administrator, "bob"))
	require.NoError(t, first.As("ann").Suspend(ctx, "bob"))
	require.NoError(t, first.As("ann").Remove(ctx, "bob"))
	require.NoError(t, first.As("ann").DeleteRole(ctx, old.ID))
	again, err := second.As("ann").CreateRole(ctx, rbac.Role{Name: dealsReader.Name})
	require.NoError(t, err)
	require.NotEqual(t, old.ID, again.ID)
	require.NoError(t, second.As("ann").Assign(ctx, "viewer", "bob"))
	require.True(t, second.Can(ctx, "bob", rbac.Deals, rbac.Read), "the suspension is gone")
	require.False(t, second.Can(ctx, "bob", rbac.Users, rbac.Manage), "and so is the role")
}

func TestScenario36_ActorDemotedElsewhere(t *testing.T) {
	ctx := t.Context()
	first, second, _ := pair(t)
	require.NoError(t, first.As("ann").Assign(ctx, rbac.Administrator, "bob"))
	require.True(t, second.Can(ctx, "bob", rbac.Users, rbac.Manage))
	require.NoError(t, first.As("ann").Assign(ctx, "viewer", "bob"))
	require.True(t, second.Can(ctx, "bob", rbac.Users, rbac.Manage), "the second has not heard of it")
	require.ErrorIs(t, second.As("bob").Assign(ctx, "viewer", "eve"), rbac.ErrDenied)
	require.NoError(t, first.As("ann").Assign(ctx, rbac.Administrator, "bob"))
	require.NoError(t, first.As("ann").Suspend(ctx, "bob"))
	require.ErrorIs(t, second.As("bob").Assign(ctx, "viewer", "eve"), rbac.ErrDenied)
}

func TestScenario37_ForgedSystemRole(t *testing.T) {
	ctx := t.Context()
	first, _, path := pair(t)
	require.NoError(t, first.As("ann").Assign(ctx, "viewer", "bob"))
	for id, permissions := range map[string]string{"administrator": `{}`, "viewer": `{"users":{"read":"all","manage":"all"}}`} {
		sqlExec(t, path, `INSERT INTO rbac_roles (workspace, id, name, description, permissions, system, version, created_at, updated_at)
			VALUES ('w', ?, ?, '', ?, 1, 1, 0, 0)`, id, id, permissions)
	}
	w := authorizer(t, open(t, path), viewer).For("w")
	require.True(t, w.Can(ctx, "ann", rbac.Users, rbac.Manage))
	require.True(t, w.Can(ctx, "bob", rbac.Deals, rbac.Read))
	require.False(t, w.Can(ctx, "bob", rbac.Users, rbac.Manage))
	require.ErrorIs(t, w.As("bob").Assign(ctx, "viewer", "eve"), rbac.ErrDenied)
}

func TestScenario43_EventCannotBeWritten(t *testing.T) {
	ctx := t.Context()
	first, _, path := pair(t)
	role, err := first.As("ann").CreateRole(ctx, dealsReader)
	require.NoError(t, err)
	sqlExec(t, path, `CREATE TRIGGER broken BEFORE INSERT ON rbac_events BEGIN SELECT RAISE(ABORT, 'the disk of the auditors is full'); END`)
	_, err = first.As("ann").CreateRole(ctx, rbac.Role{Name: "Another"})
	require.ErrorContains(t, err, "the auditors")
	require.ErrorContains(t, first.As("ann").Assign(ctx, role.ID, "bob"), "the auditors")
	require.ErrorContains(t, first.As("ann").DeleteRole(ctx, role.ID), "the auditors")
	require.False(t, first.Can(ctx, "bob", rbac.Deals, rbac.Read))
	require.Equal(t, 2, events(t, first))
	sqlExec(t, path, `DROP TRIGGER broken`)
	require.NoError(t, first.As("ann").Assign(ctx, role.ID, "bob"))
	require.True(t, first.Can(ctx, "bob", rbac.Deals, rbac.Read))
}

func TestScenario44_WorkspacesApart(t *testing.T) {
	ctx := t.Context()
	store := open(t, tempFile(t))
	az := authorizer(t, store)
	require.NoError(t, az.For("a").System("test").Assign(ctx, rbac.Administrator, "ann"))
	hints := listen(t, store)
	for _, id := range []string{"b", "", "A", "a ", "a%"} {
		w := az.For(id)
		require.NoError(t, w.System("test").Assign(ctx, rbac.Administrator, "bob"))
		_, err := w.System("test").CreateRole(ctx, dealsReader)
		require.NoError(t, err)
		require.False(t, w.Can(ctx, "ann", rbac.Deals, rbac.Read), "%q", id)
		require.Equal(t, 2, events(t, w))
		require.Eventually(t, func() bool { return len(hints()) > 0 && hints()[len(hints())-1] == id }, 10*time.Second, time.Millisecond)
	}
	require.False(t, az.For("a").Can(ctx, "bob", rbac.Deals, rbac.Read))
	require.Equal(t, 1, events(t, az.For("a")))
	require.NotContains(t, hints(), "a")
}

func TestScenario45_UserNamedLikeARole(t *testing.T) {
	ctx := t.Context()
	first, _, _ := pair(t)
	role, err := first.As("ann").CreateRole(ctx, dealsReader)
	require.NoError(t, err)
	require.NoError(t, first.As("ann").Assign(ctx, role.ID, "bob"))
	for _, user := range []string{"administrator", "Administrator", "viewer", string(role.ID), role.Name} {
		require.False(t, first.Can(ctx, user, rbac.Deals, rbac.Read), "%q", user)
	}
	require.NoError(t, first.As("ann").Assign(ctx, role.ID, "administrator"))
	require.False(t, first.Can(ctx, "administrator", rbac.Users, rbac.Manage))
}

func TestScenario46_MemoryIsBounded(t *testing.T) {
	ctx := t.Context()
	first, _, _ := pair(t)
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	require.True(t, first.Can(ctx, "ann", rbac.Deals, rbac.Read))
	before := heap()
	for i := range 300_000 {
		first.Can(ctx, fmt.Sprint("user", i), rbac.Area(fmt.Sprint("area", i%1000)), rbac.Manage)
	}
	require.Less(t, heap()-before, int64(2<<20))
}
