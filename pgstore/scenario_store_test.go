package pgstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// A backup is restored under running instances: they notice by the hash, even
// if the numbers are the same, and reload whole.
func TestScenario17_RestoredBackup(t *testing.T) {
	t.Parallel()
	for _, more := range []int{0, 1, 5} { // changes after the restore
		t.Run(fmt.Sprint(more), func(t *testing.T) {
			d := newDatabase(t)
			instances := []*instance{d.instance(setup{options: brisk()}), d.instance(setup{options: brisk()})}
			one := instances[0]
			assign(t, one.Workspace, rbac.Administrator, "ann", "bob")
			for _, table := range []string{"workspaces", "roles", "members", "events"} {
				d.exec("CREATE TABLE backup_" + table + " AS TABLE " + table)
			}
			assign(t, one.Workspace, rbac.Administrator, "eve")
			for _, in := range instances {
				soon(t, 20*time.Second, "the change arrives", func() bool { return can(in.Workspace, "eve") })
			}
			restore := "TRUNCATE workspaces, roles, members, events"
			for _, table := range []string{"workspaces", "roles", "members", "events"} {
				restore += "; INSERT INTO " + table + " TABLE backup_" + table
			}
			d.exec(restore) // in one transaction, as the README says
			third := d.instance(setup{})
			for i := range more {
				assign(t, third.Workspace, rbac.Administrator, fmt.Sprint("user", i))
			}
			for _, in := range instances {
				soon(t, 20*time.Second, "the restore is noticed", func() bool {
					return !can(in.Workspace, "eve") && can(in.Workspace, "bob") && can(in.Workspace, "user0") == (more > 0)
				})
			}
			checkInvariants(t, one.store, "")
		})
	}
}

// Rows whose times are a year off, or at the ends of what the columns take,
// change no decision.
func TestScenario19_RowsAYearOff(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{options: brisk()})
	w := in.For("w")
	assign(t, w, rbac.Administrator, "ann", "zoe")
	viewer := addRole(t, w, "Viewer", deals(rbac.All))
	assign(t, w, viewer.ID, "vic", "sue")
	require.NoError(t, w.System("test").Suspend(ctx, "sue"))
	want := map[string]bool{"ann": true, "zoe": true, "vic": true, "sue": false, "nobody": false}
	for i, at := range []string{
		"now() + interval '1 year'", "now() - interval '1 year'", "'0001-01-01 00:00:00Z'", "'9999-12-31 23:59:59.999999Z'",
	} {
		d.exec("UPDATE members SET updated_at = " + at)
		d.exec("UPDATE roles SET created_at = " + at + ", updated_at = " + at)
		fresh := d.instance(setup{options: brisk()})
		for _, w := range []*rbac.Workspace{w, fresh.For("w")} {
			for user, want := range want {
				require.Equal(t, want, can(w, user), "%s at %s", user, at)
			}
			require.NoError(t, w.VerifyEvents(ctx))
		}
		// Changes go on, and arrive where such rows were loaded.
		user := fmt.Sprint("user", i)
		require.NoError(t, fresh.For("w").As("ann").Assign(ctx, viewer.ID, user))
		soon(t, 20*time.Second, "the change arrives", func() bool { return can(w, user) })
		require.NoError(t, w.As("zoe").Suspend(ctx, user))
		soon(t, 20*time.Second, "the suspension arrives", func() bool { return !can(fresh.For("w"), user) })
	}
	require.NoError(t, w.VerifyEvents(ctx))
}

// A context that is cancelled before or during a call: an error and a denial;
// a load that many share survives one who leaves.
func TestScenario20_CancelledContext(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	p := newProxy(t, d.url)
	app := d.instance(setup{})
	assign(t, app.For("w"), rbac.Administrator, "ann")
	in := d.instance(setup{url: p.url(d.url)})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, in.For("w").Authorize(cancelled, "ann", rbac.Deals, rbac.Read), rbac.ErrUnavailable)
	require.ErrorIs(t, in.For("w").System("test").Assign(cancelled, rbac.Administrator, "bob"), context.Canceled)

	p.set(func() { p.delay = 50 * time.Millisecond })
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var patient error
	var wg sync.WaitGroup
	wg.Go(func() { patient = in.For("w").Authorize(t.Context(), "ann", rbac.Deals, rbac.Read) })
	err := in.For("w").Authorize(short, "ann", rbac.Deals, rbac.Read)
	require.ErrorIs(t, err, rbac.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	wg.Wait()
	require.NoError(t, patient)

	short, cancel = context.WithTimeout(t.Context(), 120*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, in.For("w").System("test").Assign(short, rbac.Administrator, "bob"), context.DeadlineExceeded)
	p.restore()
	require.Equal(t, 1, d.number("SELECT count(*) FROM members"))
	checkInvariants(t, in.store, "w")
}

// Close while PostgreSQL is being asked, or does not answer: nothing is left.
func TestScenario24_Close(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	p := newProxy(t, d.url)
	before := runtime.NumGoroutine()
	for _, fault := range []func(){func() {}, func() { p.set(func() { p.delay = 20 * time.Millisecond }) }, p.stall, p.cut} {
		config, err := pgxpool.ParseConfig(p.url(d.url))
		require.NoError(t, err)
		pool, err := pgxpool.NewWithConfig(ctx, config)
		require.NoError(t, err)
		az, err := rbac.Open(ctx, open(t, pool, d.schema), append(brisk(), rbac.WithLogger(slog.New(slog.DiscardHandler)))...)
		require.NoError(t, err)
		fault()
		before := pool.Stat().AcquireCount()
		for i := range 10 {
			go az.For(fmt.Sprint(i)).Can(ctx, "ann", rbac.Deals, rbac.Read)
		}
		soon(t, 20*time.Second, "PostgreSQL is asked", func() bool { return pool.Stat().AcquireCount() > before })
		began := time.Now()
		require.NoError(t, az.Close())
		require.Less(t, time.Since(began), 20*time.Second)
		p.restore()
		p.breakAll()
		pool.Close()
	}
	soon(t, 20*time.Second, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}
