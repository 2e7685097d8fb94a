package pgstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
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

// The variables by which TestClientIsKilled tells the test binary to be a
// client, and of which database.
const (
	envClient = "RBAC_TEST_CLIENT"
	envSchema = "RBAC_TEST_CLIENT_SCHEMA"
)

// clients is how many workspaces a client changes at once.
const clients = 3

// TestClientIsKilled kills a process that makes changes as fast as it can.
// Nothing that it acknowledged is lost, and of the change that it was making in
// each workspace either all is there or nothing; the chain verifies.
func TestClientIsKilled(t *testing.T) {
	d := newDatabase(t)
	in := d.instance(setup{options: brisk()})
	written := map[string]int64{} // events by workspace
	for i := range clients {
		id := fmt.Sprint("w", i)
		assign(t, in.For(id), rbac.Administrator, "ann")
		written[id] = 1
	}
	rounds, acknowledged, more := 30, 0, 0
	if testing.Short() {
		rounds = 5
	}
	for round := range rounds {
		told := d.runClient(time.Duration(rand.IntN(200)) * time.Millisecond)
		soon(t, 20*time.Second, "PostgreSQL notices that the client is gone", func() bool {
			return d.number("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", d.schema) == 0
		})
		for id, was := range written {
			var stored []string
			require.NoError(t, in.store.View(context.Background(), id, func(r rbac.Reader) error {
				for e, err := range r.Events(rbac.EventQuery{After: was}) {
					if err != nil {
						return err
					}
					stored = append(stored, line(e))
				}
				return nil
			}))
			n := len(told[id])
			require.LessOrEqual(t, n, len(stored), "round %d: acknowledged in %s", round, id)
			require.LessOrEqual(t, len(stored), n+1, "round %d: changes in %s", round, id)
			for i, change := range told[id] {
				require.Equal(t, change, stored[i], "round %d: change %d in %s", round, i, id)
			}
			acknowledged += n
			more += len(stored) - n
			written[id] = was + int64(len(stored))
			checkInvariants(t, in.store, id)
		}
	}
	require.Positive(t, acknowledged)
	t.Logf("%d acknowledged in %d rounds, %d more were made", acknowledged, rounds, more)
	for id := range written { // the instance beside them saw it all
		w := in.For(id)
		require.NoError(t, w.Sync(context.Background()))
		admins := administrators(t, w)
		for _, user := range admins {
			require.True(t, can(w, user), user)
		}
	}
}

// line tells of a change as clients do.
func line(e rbac.Event) string {
	if e.MemberAfter == nil {
		return "-" + e.MemberBefore.User
	}
	return "+" + e.MemberAfter.User
}

// runClient runs a client, kills it some time after its first acknowledgement,
// and returns what it acknowledged, by workspace.
func (d *database) runClient(life time.Duration) map[string][]string {
	d.Helper()
	self, err := os.Executable()
	require.NoError(d, err)
	client := exec.Command(self)
	client.Env = append(os.Environ(), envClient+"="+d.url, envSchema+"="+d.schema)
	client.Stderr = os.Stderr
	out, err := client.StdoutPipe()
	require.NoError(d, err)
	require.NoError(d, client.Start())
	told := map[string][]string{}
	kill := sync.OnceFunc(func() {
		time.AfterFunc(life, func() { _ = client.Process.Kill() }) // SIGKILL
	})
	limit := time.AfterFunc(time.Minute, func() { _ = client.Process.Kill() })
	defer limit.Stop()
	for lines := bufio.NewScanner(out); lines.Scan(); kill() {
		workspace, change, ok := strings.Cut(lines.Text(), " ")
		require.True(d, ok, "%q", lines.Text())
		told[workspace] = append(told[workspace], change)
	}
	require.ErrorContains(d, client.Wait(), "killed")
	require.NotEmpty(d, told)
	return told
}

// beClient makes changes until it is killed, and tells of each that was
// acknowledged. If one fails it returns an exit code.
func beClient() int {
	ctx := context.Background()
	failed := make(chan error)
	config, err := pgxpool.ParseConfig(os.Getenv(envClient))
	if err == nil {
		config.ConnConfig.RuntimeParams["application_name"] = os.Getenv(envSchema)
		config.MaxConns = clients + 2
		var pool *pgxpool.Pool
		var store *pgstore.Store
		var az *rbac.Authorizer
		if pool, err = pgxpool.NewWithConfig(ctx, config); err == nil {
			if store, err = pgstore.New(ctx, pool, pgstore.WithSchema(os.Getenv(envSchema))); err == nil {
				if az, err = rbac.Open(ctx, store); err == nil {
					for i := range clients {
						go func() { failed <- makeChanges(ctx, az, fmt.Sprint("w", i)) }()
					}
					err = <-failed
				}
			}
		}
	}
	fmt.Fprintln(os.Stderr, "the client fails:", err)
	return 1
}

func makeChanges(ctx context.Context, az *rbac.Authorizer, workspace string) error {
	admin := az.For(workspace).As("ann")
	for n := 0; ; n++ {
		user := fmt.Sprint("user", os.Getpid(), "-", n)
		if err := admin.Assign(ctx, rbac.Administrator, user); err != nil {
			return err
		}
		// One write for one line, so that a line is whole or missing.
		if _, err := os.Stdout.WriteString(workspace + " +" + user + "\n"); err != nil {
			return err
		}
		if n%3 == 0 {
			continue
		}
		if err := admin.Remove(ctx, user); err != nil {
			return err
		}
		if _, err := os.Stdout.WriteString(workspace + " -" + user + "\n"); err != nil {
			return err
		}
	}
}

// TestRandomHistoriesWithFaults lets three instances and several actors change
// one workspace while connections break and contexts end. Afterwards all
// instances agree with the database, that with its events and with a MemStore
// on which the same changes are made, every change that was acknowledged is
// there, and none that was refused.
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
				switch random.IntN(10) {
				case 0:
					cancel() // before
				case 1, 2:
					time.AfterFunc(time.Duration(random.IntN(10_000))*time.Microsecond, cancel) // or during
				}
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
	replayOnMemStore(t, store, "w")

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

// replayOnMemStore makes the changes that the events of a workspace tell of on
// a MemStore, one after the other by the same actors. It takes each, and ends
// as the workspace did. It knows roles that are created and members that are
// assigned and removed.
func replayOnMemStore(t testing.TB, store rbac.Store, workspace string) {
	t.Helper()
	ctx := context.Background()
	oracle, w := openOn(t, rbac.NewMemStore()).For(workspace), openOn(t, struct{ rbac.Store }{store}).For(workspace)
	ids := map[rbac.RoleID]rbac.RoleID{rbac.Administrator: rbac.Administrator}
	for e, err := range w.Events(ctx, rbac.EventQuery{}) {
		require.NoError(t, err)
		admin := oracle.As(e.Actor)
		if e.Actor == "" {
			admin = oracle.System(e.Reason)
		}
		switch e.Kind {
		case rbac.RoleCreated:
			made, err := admin.CreateRole(ctx, rbac.Role{Name: e.RoleAfter.Name, Permissions: e.RoleAfter.Permissions})
			require.NoError(t, err, "event %d", e.Seq)
			ids[e.RoleAfter.ID] = made.ID
		case rbac.MemberAssigned:
			require.NoError(t, admin.Assign(ctx, ids[e.MemberAfter.Role], e.MemberAfter.User), "event %d", e.Seq)
		case rbac.MemberRemoved:
			require.NoError(t, admin.Remove(ctx, e.MemberBefore.User), "event %d", e.Seq)
		default:
			t.Fatalf("event %d is %s", e.Seq, e.Kind)
		}
	}
	require.Equal(t, describe(t, oracle), describe(t, w))
}
