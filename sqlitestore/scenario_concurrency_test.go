package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
	"github.com/areagate/rbac/sqlitestore"
)

// The races of TestScenarios without the lock, to show that they would notice:
// the same rules, on the same rows, leave nobody.
func TestScenario01_WithoutTheLockNobodyIsLeft(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), newFile(t)
	app, meet := authorizer(t, f.Store(), viewer).For("w"), make(chan struct{})
	one := authorizer(t, unlocked{f.Store(), meet}, viewer).For("w")
	two := authorizer(t, unlocked{f.Store(), meet}, viewer).For("w")
	ways := workspacetest.Farewells(ctx, "viewer")
	for race := range 50 {
		workspacetest.Assign(t, app, rbac.Administrator, "ann", "bob")
		require.NoError(t, app.System("race").Reinstate(ctx, "ann", "bob"))
		require.NoError(t, errors.Join(together(
			func() error { return ways[race%3](one.As("ann"), "bob") },
			func() error { return ways[race%3](two.As("bob"), "ann") },
		)...), "race %d", race)
		require.Empty(t, workspacetest.Administrators(t, app), "race %d", race)
	}
}

// unlocked is a store that reads in one transaction and writes in the next,
// as whoever checks before they change does without a lock. Two of them begin
// to write when both have read.
type unlocked struct {
	rbac.Store
	meet chan struct{}
}

func (s unlocked) Update(ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
	var later []func(rbac.Tx) error
	if err := s.View(ctx, workspace, func(r rbac.Reader) error {
		return fn(&recorder{r, &later})
	}); err != nil {
		return err
	}
	select {
	case s.meet <- struct{}{}:
	case <-s.meet:
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.Store.Update(ctx, workspace, func(tx rbac.Tx) error {
		for _, write := range later {
			if err := write(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// recorder notes the changes of members, for later. It loses events: their
// numbers would betray what happened.
type recorder struct {
	rbac.Reader
	later *[]func(rbac.Tx) error
}

func (r *recorder) PutRole(rbac.Role) error { return errors.ErrUnsupported }

func (r *recorder) DeleteRole(rbac.RoleID) error { return errors.ErrUnsupported }

func (r *recorder) Clear() error { return errors.ErrUnsupported }

func (r *recorder) AppendEvents(...rbac.Event) error { return nil }

func (r *recorder) PutMembers(m ...rbac.Member) error {
	*r.later = append(*r.later, func(tx rbac.Tx) error { return tx.PutMembers(m...) })
	return nil
}

func (r *recorder) DeleteMembers(users ...string) error {
	*r.later = append(*r.later, func(tx rbac.Tx) error { return tx.DeleteMembers(users...) })
	return nil
}

func TestScenario07_Contention(t *testing.T) {
	t.Parallel()
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

func TestScenario07_OutcomeUnknown(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, faults := faultyHandle(t, tempFile(t))
	// The library asks again before the next check, and by the poll if that fails.
	az := authorizer(t, deaf(overHandle(t, db)), rbac.WithMaxStaleness(3*time.Second))
	system := az.System("test")
	require.NoError(t, system.Assign(ctx, rbac.Administrator, "ann"))
	require.True(t, az.Can(ctx, "ann", rbac.Deals, rbac.Read))

	for user, committed := range map[string]bool{"bob": false, "eve": true} {
		faults.set(func(_ *faultConn, query string, call func() error) error {
			if query != `COMMIT` {
				return call()
			}
			if committed {
				_ = call()
			}
			return errDisk
		})
		err := system.Assign(ctx, rbac.Administrator, user)
		faults.set(nil)
		require.ErrorIs(t, err, rbac.ErrOutcomeUnknown)
		require.ErrorIs(t, err, errDisk)
		require.Eventually(t, func() bool { return az.Can(ctx, "ann", rbac.Deals, rbac.Read) }, 10*time.Second, time.Millisecond)
		require.Equal(t, committed, az.Can(ctx, user, rbac.Deals, rbac.Read))
		require.NoError(t, az.VerifyEvents(ctx))
	}
	require.NoError(t, system.Assign(ctx, rbac.Administrator, "joe"))
	require.Equal(t, 3, events(t, az.Workspace))
}

func TestScenario18_BeginImmediate(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	first, second, path := pair(t)

	// What SQLite does to a deferred transaction that has read.
	const busySnapshot = 5 | 2<<8
	tx, err := handle(t, path, fmt.Sprintf("_pragma=busy_timeout(%d)", math.MaxInt32)).BeginTx(ctx, nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	var n int
	require.NoError(t, tx.QueryRow(`SELECT count(*) FROM rbac_members`).Scan(&n))
	require.NoError(t, first.As("ann").Assign(ctx, "viewer", "bob"))
	_, err = tx.Exec(`UPDATE rbac_members SET suspended = 1`)
	var coded interface{ Code() int }
	require.ErrorAs(t, err, &coded)
	require.Equal(t, busySnapshot, coded.Code(), "at once: a timeout of 24 days does not help")

	// Tx says so before a rule is decided on old rows, and keeps what the
	// caller did.
	err = first.In(open(t, path).Tx(tx)).As("ann").Suspend(ctx, "bob")
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
