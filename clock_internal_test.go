package rbac

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// The wall clock of an instance jumps a year, either way, between any two
// steps: no decision changes, checks stay in service, and the events keep
// their order. Durations are measured by the monotonic clock, which the jumps
// do not touch; times from the jumping clock are only written down.
func TestScenario19_ClockJumps(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	for name, jumps := range map[string][]time.Duration{
		"forward": {year}, "backward": {-year}, "to and fro": {year, -year}, "further and further": {year, 2 * year, 4 * year},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, store := t.Context(), NewMemStore()
				steady := openClock(t, store, time.Now)
				n := 0
				jumping := openClock(t, store, func() time.Time {
					off := jumps[n%len(jumps)]
					n++
					return time.Now().Add(off)
				})
				role, err := jumping.System("test").CreateRole(ctx, Role{Name: "Viewer", Permissions: Permissions{Deals: {Read: All}}})
				clockMust(t, err)
				clockMust(t, jumping.System("test").Assign(ctx, Administrator, "ann"))
				for i, change := range []func(a *Admin) error{
					func(a *Admin) error { return a.Assign(ctx, role.ID, "vic") },
					func(a *Admin) error { return a.Suspend(ctx, "vic") },
					func(a *Admin) error { return a.Reinstate(ctx, "vic") },
					func(a *Admin) error { return a.Remove(ctx, "vic") },
					func(a *Admin) error { return a.Assign(ctx, role.ID, "vic") },
				} {
					az := []*Authorizer{jumping, steady}[i%2]
					clockMust(t, change(az.As("ann")))
					want := i != 1 && i != 3
					for range 15 { // 45 seconds: several times the maximum staleness
						synctest.Wait()
						for _, az := range []*Authorizer{jumping, steady} {
							if err := az.Authorize(ctx, "ann", Users, Manage); err != nil {
								t.Fatalf("step %d: %v", i, err)
							}
							if got := az.Can(ctx, "vic", Deals, Read); got != want {
								t.Fatalf("step %d: Can = %t, want %t", i, got, want)
							}
						}
						time.Sleep(3 * time.Second)
					}
				}
				clockMust(t, jumping.VerifyEvents(ctx))
				if n == 0 {
					t.Error("the jumping clock was not asked")
				}
			})
		})
	}
}

func openClock(t *testing.T, store Store, now func() time.Time) *Authorizer {
	t.Helper()
	az, err := Open(context.Background(), store, WithLogger(slog.New(slog.DiscardHandler)))
	clockMust(t, err)
	t.Cleanup(func() { clockMust(t, az.Close()) })
	az.engine.now = now
	return az
}

func clockMust(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
