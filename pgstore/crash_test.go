package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// TestServerIsKilled kills PostgreSQL while changes are made as fast as
// possible. Nothing that was acknowledged is lost, nothing that was refused is
// there, the chain verifies, and the instance goes on by itself.
func TestServerIsKilled(t *testing.T) {
	ctx, server := context.Background(), pgtest.NewServer(t, "-c", "fsync=off") // see pgtest.URL
	d := &database{TB: t, url: server.URL(), schema: "rbac", pool: pgtest.Pool(t, server.URL())}
	migrate(t, d.pool, d.schema)
	in := d.instance(setup{options: brisk()})
	w := in.For("w")
	assign(t, w, rbac.Administrator, "ann")
	acknowledged, refused, unknown := map[string]bool{}, map[string]bool{}, 0
	n := 0
	for round := range scaled(30) {
		killed := make(chan error, 1)
		time.AfterFunc(time.Duration(rand.IntN(200))*time.Millisecond, func() { killed <- server.Kill() })
		for err := error(nil); err == nil; n++ {
			user := fmt.Sprint("user", n)
			err = w.As("ann").Assign(ctx, rbac.Administrator, user)
			switch {
			case err == nil:
				acknowledged[user] = true
			case errors.Is(err, rbac.ErrOutcomeUnknown):
				unknown++
			default:
				refused[user] = true
			}
		}
		require.NoError(t, <-killed, "round %d", round)
		require.NoError(t, server.Start(), "round %d", round)
		soon(t, 20*time.Second, "the instance goes on", func() bool { return can(w, "ann") && w.Sync(ctx) == nil })
	}
	stored := map[string]bool{}
	for m, err := range w.Members(ctx, rbac.MemberQuery{}) {
		require.NoError(t, err)
		stored[m.User] = true
	}
	for user := range acknowledged {
		require.True(t, stored[user], "%s was acknowledged", user)
		require.True(t, can(w, user), "%s was acknowledged", user)
	}
	for user := range refused {
		require.False(t, stored[user], "%s was refused", user)
	}
	t.Logf("%d acknowledged, %d refused, %d unknown", len(acknowledged), len(refused), unknown)
	checkInvariants(t, in.store, "w")
}

// TestRandomHistoriesWithFaults lets three instances and several actors change
// one workspace while connections break and contexts end. Afterwards all
// instances agree with the database, that with its events, every change that
// was acknowledged is there, and none that was refused.
func TestRandomHistoriesWithFaults(t *testing.T) {
	d := newDatabase(t)
	p := newProxy(t, d.url)
	var instances []*instance
	for range 3 {
		instances = append(instances, d.instance(setup{url: p.url(d.url), options: brisk()}))
	}
	assign(t, instances[0].For("w"), rbac.Administrator, "ann", "bob")
	role := addRole(t, instances[0].For("w"), "Sales", deals(rbac.All))

	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(scaled(10_000))*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	var acknowledged, refused, unknown atomic.Int64
	var mu sync.Mutex
	wants := map[string]string{} // by user: what the actor who alone changes them knows; "?" is anything
	for actor := range 6 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(actor)))
			w := instances[actor%3].For("w")
			for n := 0; ctx.Err() == nil; n++ {
				user := fmt.Sprint("user", actor, "-", random.IntN(5))
				limit, cancel := context.WithTimeout(context.Background(), time.Duration(1+random.IntN(200))*time.Millisecond)
				admin := w.As([]string{"ann", "bob"}[random.IntN(2)])
				mu.Lock()
				was := wants[user]
				mu.Unlock()
				want, err := "", error(nil)
				if random.IntN(3) == 0 {
					err = admin.Remove(limit, user)
					if errors.Is(err, rbac.ErrMemberNotFound) && was == "?" {
						err = nil
					}
				} else {
					want = []string{string(role.ID), string(rbac.Administrator)}[random.IntN(2)]
					err = admin.Assign(limit, rbac.RoleID(want), user)
				}
				cancel()
				switch {
				case err == nil:
					acknowledged.Add(1)
				case errors.Is(err, rbac.ErrOutcomeUnknown):
					unknown.Add(1)
					want = "?"
				default:
					refused.Add(1)
					want = was
				}
				mu.Lock()
				wants[user] = want
				mu.Unlock()
			}
		})
	}
	wg.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(time.Duration(50+rand.IntN(300)) * time.Millisecond)
			p.breakAll()
		}
	})
	wg.Wait()
	p.restore()
	t.Logf("%d acknowledged, %d refused, %d unknown", acknowledged.Load(), refused.Load(), unknown.Load())
	require.Positive(t, acknowledged.Load())
	store := open(t, d.pool, d.schema) // the instances' own pools hold broken connections
	checkInvariants(t, store, "w")

	stored := map[string]string{}
	oracle, err := rbac.Open(context.Background(), store, rbac.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	defer oracle.Close()
	for m, err := range oracle.For("w").Members(context.Background(), rbac.MemberQuery{}) {
		require.NoError(t, err)
		stored[m.User] = string(m.Role)
	}
	for user, want := range wants {
		if want != "?" {
			require.Equal(t, want, stored[user], user)
		}
		for _, in := range instances {
			soon(t, 10*time.Second, "the instance is up to date", func() bool { return in.For("w").Sync(context.Background()) == nil })
			require.Equal(t, stored[user] != "", can(in.For("w"), user), user)
		}
	}
}
