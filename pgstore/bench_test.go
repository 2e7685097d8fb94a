package pgstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// The benchmarks run on a server that writes to the disk, unlike that of the
// tests, unless RBAC_TEST_POSTGRES names one.
//
//	go test -run '^$' -bench . -benchtime 1x ./pgstore

func benchDatabase(b *testing.B) *database {
	b.Helper()
	if os.Getenv(pgtest.EnvURL) != "" {
		return newDatabase(b)
	}
	server := pgtest.NewServer(b, "-c", "shared_buffers=512MB")
	d := &database{TB: b, url: server.URL(), schema: "rbac", pool: pgtest.Pool(b, server.URL())}
	migrate(b, d.pool, d.schema)
	return d
}

// fill makes a workspace with n members, without an event for each.
func (d *database) fill(workspace string, n int) {
	d.Helper()
	az, err := rbac.Open(context.Background(), open(d, d.pool, d.schema), rbac.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(d, err)
	role := addRole(d, az.For(workspace), "Sales", deals(rbac.All))
	assign(d, az.For(workspace), rbac.Administrator, "ann")
	require.NoError(d, az.Close())
	d.exec("INSERT INTO members SELECT $1, 'user-' || i, $2, false, now() FROM generate_series(1, $3::int) i", workspace, string(role.ID), n)
	_, err = d.pool.Exec(context.Background(), "VACUUM ANALYZE")
	require.NoError(d, err)
}

// BenchmarkLoad is the first check of a workspace: reading all its members.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ctx, d := context.Background(), benchDatabase(b)
			d.fill("w", n)
			for b.Loop() {
				runtime.GC()
				var peak atomic.Uint64
				done := make(chan struct{})
				go func() {
					var m runtime.MemStats
					for {
						select {
						case <-done:
							return
						case <-time.After(10 * time.Millisecond):
							runtime.ReadMemStats(&m)
							peak.Store(max(peak.Load(), m.HeapAlloc))
						}
					}
				}()
				in := d.instance(setup{options: quiet()})
				if !in.For("w").Can(ctx, "user-1", rbac.Deals, rbac.Read) {
					b.Fatal("denied")
				}
				close(done)
				b.ReportMetric(float64(peak.Load())/(1<<20), "peak-MB")
				require.NoError(b, in.Close())
			}
		})
	}
}

// BenchmarkChange is one assignment, committed to the disk.
func BenchmarkChange(b *testing.B) {
	d := benchDatabase(b)
	in := d.instance(setup{})
	assign(b, in.Workspace, rbac.Administrator, "ann")
	i := 0
	for b.Loop() {
		i++
		assign(b, in.Workspace, rbac.Administrator, fmt.Sprint("user", i))
	}
}

// BenchmarkChangesAtOnce is changes by 16 writers, in one or 100 workspaces.
func BenchmarkChangesAtOnce(b *testing.B) {
	for _, workspaces := range []int{1, 100} {
		b.Run(fmt.Sprint(workspaces), func(b *testing.B) {
			d := benchDatabase(b)
			in := d.instance(setup{})
			var n atomic.Int64
			var wg sync.WaitGroup
			began := time.Now()
			for range 16 {
				wg.Go(func() {
					for time.Since(began) < 3*time.Second {
						i := n.Add(1)
						assign(b, in.For(fmt.Sprint("w", i%int64(workspaces))), rbac.Administrator, fmt.Sprint("user", i))
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(n.Load())/time.Since(began).Seconds(), "changes/s")
		})
	}
}

// BenchmarkAssign10000 is one change of 10,000 members.
func BenchmarkAssign10000(b *testing.B) {
	d := benchDatabase(b)
	in := d.instance(setup{})
	users := make([]string, 10_000)
	for i := 0; b.Loop(); i++ {
		for j := range users {
			users[j] = fmt.Sprint("user", i, "-", j)
		}
		assign(b, in.Workspace, rbac.Administrator, users...)
	}
}

// BenchmarkManyMembers assigns, reassigns and removes members of a workspace,
// by one call each, in tables that were never analysed and on a session that
// keeps the plans it made when there were 1,000.
func BenchmarkManyMembers(b *testing.B) {
	for _, n := range []int{1000, 10_000, 70_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ctx, d := context.Background(), benchDatabase(b)
			for _, table := range []string{"workspaces", "roles", "members", "events"} {
				d.exec("ALTER TABLE " + table + " SET (autovacuum_enabled = off)")
			}
			open := func() *instance {
				return d.instance(setup{options: quiet(), pool: func(c *pgxpool.Config) {
					c.MaxConns = 1
					c.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
				}})
			}
			users := func(prefix string, n int) []string {
				users := make([]string, n)
				for i := range users {
					users[i] = fmt.Sprint(prefix, i)
				}
				return users
			}
			first := open()
			assign(b, first.Workspace, rbac.Administrator, "ann")
			assign(b, first.Workspace, rbac.Administrator, users("first", 1000)...)
			in := open()
			role := addRole(b, in.Workspace, "Sales", deals(rbac.All))
			change := func(users []string) (assigned, reassigned, removed time.Duration) {
				began := time.Now()
				assign(b, in.Workspace, role.ID, users...)
				assigned, began = time.Since(began), time.Now()
				assign(b, in.Workspace, rbac.Administrator, users...)
				reassigned, began = time.Since(began), time.Now()
				require.NoError(b, in.System("bench").Remove(ctx, users...))
				return assigned, reassigned, time.Since(began)
			}
			change([]string{"bob", "eve"}) // plans
			for i := 0; b.Loop(); i++ {
				assigned, reassigned, removed := change(users(fmt.Sprint("user", i, "-"), n))
				each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
				b.ReportMetric(each(assigned), "µs/assigned")
				b.ReportMetric(each(reassigned), "µs/reassigned")
				b.ReportMetric(each(removed), "µs/removed")
			}
		})
	}
}

// BenchmarkRevisions10000 is one poll for 10,000 loaded workspaces.
func BenchmarkRevisions10000(b *testing.B) {
	ctx, d := context.Background(), benchDatabase(b)
	d.exec("INSERT INTO workspaces SELECT 'workspace-' || i, 7 FROM generate_series(1, 20000) i")
	_, err := d.pool.Exec(ctx, "VACUUM ANALYZE")
	require.NoError(b, err)
	store := open(b, d.pool, d.schema)
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = fmt.Sprint("workspace-", 2*i+1)
	}
	for b.Loop() {
		found, err := store.Revisions(ctx, ids)
		require.NoError(b, err)
		require.Len(b, found, len(ids))
	}
}

// BenchmarkRevokeToDenial is the time from the call that revokes on one
// instance to the denial on all others.
func BenchmarkRevokeToDenial(b *testing.B) {
	for _, others := range []int{1, 3, 10} {
		b.Run(fmt.Sprint(others), func(b *testing.B) {
			ctx, d := context.Background(), benchDatabase(b)
			one := d.instance(setup{})
			assign(b, one.Workspace, rbac.Administrator, "ann")
			var instances []*instance
			for range others {
				instances = append(instances, d.instance(setup{options: quiet()}))
			}
			var committed, denied []time.Duration
			for range 200 {
				assign(b, one.Workspace, rbac.Administrator, "bob")
				for _, in := range instances {
					soon(b, 5*time.Second, "the assignment arrives", func() bool { return can(in.Workspace, "bob") })
				}
				began := time.Now()
				require.NoError(b, one.As("ann").Remove(ctx, "bob"))
				committed = append(committed, time.Since(began))
				for _, in := range instances {
					soon(b, 5*time.Second, "the revoke arrives", func() bool { return !can(in.Workspace, "bob") })
				}
				denied = append(denied, time.Since(began))
			}
			slices.Sort(committed)
			slices.Sort(denied)
			ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
			b.ReportMetric(ms(committed[100]), "commit-p50-ms")
			b.ReportMetric(ms(denied[100]), "p50-ms")
			b.ReportMetric(ms(denied[198]), "p99-ms")
		})
	}
}

// BenchmarkRevokeToDenialByPolling is the same with notifications cut off, at
// the default poll interval of 2 s.
func BenchmarkRevokeToDenialByPolling(b *testing.B) {
	const revokes = 20
	ctx, d := context.Background(), benchDatabase(b)
	one := d.instance(setup{})
	assign(b, one.Workspace, rbac.Administrator, "ann")
	var instances []*instance
	for range 3 {
		instances = append(instances, d.instance(setup{deaf: true}))
	}
	var denied []time.Duration
	for range revokes {
		assign(b, one.Workspace, rbac.Administrator, "bob")
		for _, in := range instances {
			require.NoError(b, in.Sync(ctx))
			require.True(b, can(in.Workspace, "bob"))
		}
		began := time.Now()
		require.NoError(b, one.As("ann").Remove(ctx, "bob"))
		for _, in := range instances {
			soon(b, 10*time.Second, "the revoke arrives", func() bool { return !can(in.Workspace, "bob") })
		}
		denied = append(denied, time.Since(began))
	}
	slices.Sort(denied)
	b.ReportMetric(denied[revokes/2].Seconds(), "p50-s")
	b.ReportMetric(denied[revokes-1].Seconds(), "max-s")
}
