package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/histories"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// TestServerIsKilled kills PostgreSQL while changes are made as fast as
// possible. Nothing that was acknowledged is lost, nothing that was refused is
// there, the chain verifies, and the instance goes on by itself.
func TestServerIsKilled(t *testing.T) {
	t.Parallel()
	ctx, server := context.Background(), pgtest.NewServer(t, "-c", "fsync=off") // see pgtest.URL
	d := &database{TB: t, url: server.URL(), schema: "rbac", pool: pgtest.Pool(t, server.URL())}
	migrate(t, d.pool, d.schema)
	in := d.instance(setup{options: brisk()})
	w := in.For("w")
	assign(t, w, rbac.Administrator, "ann")
	acknowledged, refused, unknown := map[string]bool{}, map[string]bool{}, 0
	n := 0
	for round := range max(scaled(30), 2) {
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

// TestClientIsKilled kills a process that makes changes as fast as it can.
func TestClientIsKilled(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	rounds := 5
	if long.Enabled() {
		rounds = 30
	}
	histories.KillClients(t, rounds, d.Store(), func() *exec.Cmd {
		self, err := os.Executable()
		require.NoError(t, err)
		client := exec.Command(self)
		client.Env = append(os.Environ(), envClient+"="+d.url, envSchema+"="+d.schema)
		return client
	}, func() {
		soon(t, 20*time.Second, "PostgreSQL notices that the client is gone", func() bool {
			return d.number("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", d.schema) == 0
		})
	})
}

// beClient makes changes until it is killed or one fails.
func beClient() error {
	ctx, schema := context.Background(), os.Getenv(envSchema)
	config, err := pgxpool.ParseConfig(os.Getenv(envClient))
	if err != nil {
		return err
	}
	config.ConnConfig.RuntimeParams["application_name"] = schema
	config.MaxConns = 5 // for each of its workspaces, and for polls
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	store, err := pgstore.New(ctx, pool, pgstore.WithSchema(schema))
	if err != nil {
		return err
	}
	return histories.RunClient(store)
}
