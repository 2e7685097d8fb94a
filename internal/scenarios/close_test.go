package scenarios_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
)

// Close during whatever goes on: it returns, checks fail closed, and no
// goroutine is left, which the bubble of synctest checks.
func TestScenario24_Close(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		begin func(t *testing.T, az *rbac.Authorizer, store fault.Notifier)
		takes time.Duration
	}{
		{"when idle", func(*testing.T, *rbac.Authorizer, fault.Notifier) {}, 0},
		{"during a first load", func(t *testing.T, az *rbac.Authorizer, store fault.Notifier) {
			store.Set(fault.Blocks, opView)
			go az.For("acme").Can(t.Context(), "ann", rbac.Users, rbac.Manage)
		}, 0},
		{"during a reload", func(t *testing.T, az *rbac.Authorizer, store fault.Notifier) {
			store.Set(fault.Blocks, opView)
			store.Hint("")
		}, 0},
		{"during a reload, with one queued", func(t *testing.T, az *rbac.Authorizer, store fault.Notifier) {
			store.Set(fault.Blocks, opView)
			store.Hint("")
			go func() { _ = az.Sync(t.Context()) }()
			store.Hint("")
		}, 0},
		{"during a reload that ignores its context", func(t *testing.T, az *rbac.Authorizer, store fault.Notifier) {
			release := make(chan struct{})
			store.Set(fault.Stuck(release), opView)
			store.Hint("")
			time.AfterFunc(3*time.Second, func() { close(release) })
		}, 3 * time.Second},
		{"during a poll", func(t *testing.T, az *rbac.Authorizer, store fault.Notifier) {
			store.Set(fault.Blocks, opRevisions)
			time.Sleep(2 * time.Second)
		}, 0},
		{"between two attempts of a reload", func(t *testing.T, az *rbac.Authorizer, store fault.Notifier) {
			store.Set(fault.RollsBack(rbac.ErrContention), opView)
			store.Hint("")
			time.Sleep(100 * time.Millisecond)
		}, 0},
		{"during a change", func(t *testing.T, az *rbac.Authorizer, store fault.Notifier) {
			store.Set(fault.Late(time.Second), opUpdate)
			go func() { _ = az.System("test").Assign(t.Context(), rbac.Administrator, "bob") }()
		}, 0},
		{"after another Close", func(t *testing.T, az *rbac.Authorizer, _ fault.Notifier) {
			require.NoError(t, az.Close())
		}, 0},
		{"during another Close", func(_ *testing.T, az *rbac.Authorizer, _ fault.Notifier) {
			go func() { _ = az.Close() }()
		}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, store := t.Context(), fault.NewNotifier(rbac.NewMemStore())
				az, err := rbac.Open(ctx, store, quiet)
				require.NoError(t, err)
				acme := az.For("acme")
				assign(t, az.Workspace, rbac.Administrator, "ann")
				assign(t, acme, rbac.Administrator, "ann")
				allows(t, az.Workspace, "ann")
				synctest.Wait()
				test.begin(t, az, store)
				synctest.Wait()
				began := time.Now()
				require.NoError(t, az.Close())
				require.Equal(t, test.takes, time.Since(began))

				store.ResetCalls()
				refusesAll(t, az.Workspace, "ann", rbac.ErrClosed)
				refusesAll(t, acme, "ann", rbac.ErrClosed)
				refusesAll(t, az.For("another"), "ann", rbac.ErrClosed)
				require.ErrorIs(t, az.Sync(ctx), rbac.ErrClosed)
				require.ErrorIs(t, az.As("ann").Assign(ctx, rbac.Administrator, "cy"), rbac.ErrClosed)
				_, err = planOf(ctx, az.As("ann"), rbac.Role{Name: "New"})
				require.ErrorIs(t, err, rbac.ErrClosed)
				_, err = az.Roles(ctx)
				require.ErrorIs(t, err, rbac.ErrClosed)
				require.ErrorIs(t, workspacetest.FirstError(az.Members(ctx, rbac.MemberQuery{})), rbac.ErrClosed)
				require.Zero(t, store.Total(), "the store is not asked")
				time.Sleep(time.Hour)
				refusesAll(t, az.Workspace, "ann", rbac.ErrClosed)
			})
		})
	}
}

// Close while many workspaces are checked and changed for the first time.
func TestScenario24_CloseUnderLoad(t *testing.T) {
	t.Parallel()
	for range long.Scale(50) {
		ctx, store := t.Context(), rbac.NewMemStore()
		az, err := rbac.Open(ctx, store, quiet)
		require.NoError(t, err)
		var work sync.WaitGroup
		for i := range 20 {
			work.Go(func() {
				w := az.For(fmt.Sprint("w", i))
				for user := range 20 {
					err := w.System("test").Assign(ctx, rbac.Administrator, fmt.Sprint("u", user))
					if err != nil && !errors.Is(err, rbac.ErrClosed) {
						t.Errorf("Assign: %v", err)
					}
					if _, err := w.Subject(ctx, "u0"); err != nil && !errors.Is(err, rbac.ErrClosed) {
						t.Errorf("Subject: %v", err)
					}
				}
			})
		}
		closed := az.Close()
		served := 0
		for i := range 20 {
			if az.For(fmt.Sprint("w", i)).Can(ctx, "u0", rbac.Users, rbac.Manage) {
				served++
			}
		}
		work.Wait() // before a failure ends the test
		require.NoError(t, closed)
		require.Zero(t, served, "workspaces in service after Close")
	}
}

// Close while workspaces that are in service change: none stays in service.
func TestScenario24_CloseDuringChanges(t *testing.T) {
	t.Parallel()
	for range long.Scale(500) {
		ctx := t.Context()
		az, err := rbac.Open(ctx, rbac.NewMemStore(), quiet)
		require.NoError(t, err)
		var changes, begun sync.WaitGroup
		var workspaces []*rbac.Workspace
		for i := range 3 {
			w := az.For(fmt.Sprint("w", i))
			workspaces = append(workspaces, w)
			begun.Add(1)
			changes.Go(func() {
				for n := 0; ; n++ {
					if err := w.System("test").Assign(ctx, rbac.Administrator, fmt.Sprint("u", n)); err != nil {
						if !errors.Is(err, rbac.ErrClosed) {
							t.Errorf("Assign: %v", err)
						}
						return
					}
					if n == 5 {
						w.Can(ctx, "u0", rbac.Users, rbac.Manage) // in service from here on
						begun.Done()
					}
				}
			})
		}
		begun.Wait()
		closed := az.Close()
		served := 0
		for _, w := range workspaces {
			if w.Can(ctx, "u0", rbac.Users, rbac.Manage) {
				served++
			}
		}
		changes.Wait() // before a failure ends the test
		require.NoError(t, closed)
		require.Zero(t, served, "workspaces in service after Close")
		for _, w := range workspaces {
			refusesAll(t, w, "u0", rbac.ErrClosed)
		}
	}
}
