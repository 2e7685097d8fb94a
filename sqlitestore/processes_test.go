package sqlitestore_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/rbactest"
	"github.com/areagate/rbac/sqlitestore"
)

// childServes changes members as it is told on its input: "assign ann" or
// "remove ann". It answers "done", or "denied" and "allowed" to "can ann".
func childServes(path string) error {
	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, path)
	if err != nil {
		return err
	}
	az, err := rbac.Open(ctx, store)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		verb, user, _ := strings.Cut(lines.Text(), " ")
		answer := "done"
		switch verb {
		case "assign":
			err = az.System("test").Assign(ctx, rbac.Administrator, user)
		case "remove":
			err = az.System("test").Remove(ctx, user)
		case "can":
			answer = map[bool]string{true: "allowed", false: "denied"}[az.Can(ctx, user, rbac.Deals, rbac.Read)]
		}
		if err != nil {
			return err
		}
		fmt.Println(answer)
	}
	return nil
}

// TestProcesses shows that a change of one process is seen by another by the
// next poll, and by a notification without a poll.
func TestProcesses(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	store := open(t, path)
	tell := start(t, "serves", path).tell
	require.Equal(t, "done", tell("assign boss"))

	polled, poll := fault.New(store), make(chan struct{})
	polling := authorizer(t, polled, rbac.WithPollInterval(10*time.Millisecond), rbac.WithMaxStaleness(time.Hour))
	polled.Set(func(ctx context.Context, call func(error) error) error { // one for each that is let through
		select {
		case <-poll:
			return call(nil)
		case <-ctx.Done():
			return ctx.Err()
		}
	}, rbactest.OpRevisions)
	notified := authorizer(t, store, rbac.WithPollInterval(time.Hour), rbac.WithMaxStaleness(2*time.Hour))
	for _, az := range []*rbac.Authorizer{polling, notified} {
		require.True(t, az.Can(t.Context(), "boss", rbac.Deals, rbac.Read))
	}
	for i := range 5 {
		for _, want := range []bool{true, false} {
			user := fmt.Sprint("user", i)
			verb := map[bool]string{true: "assign", false: "remove"}[want]
			require.Equal(t, "done", tell(verb+" "+user))
			require.Equal(t, !want, polling.Can(t.Context(), user, rbac.Deals, rbac.Read), "before the poll")
			for range 2 { // the poll under way, and the first that begins after the change
				poll <- struct{}{}
			}
			for _, az := range []*rbac.Authorizer{notified, polling} {
				require.Eventually(t, func() bool {
					return az.Can(t.Context(), user, rbac.Deals, rbac.Read) == want
				}, 10*time.Second, time.Millisecond)
			}
		}
	}

	// And the other way round.
	require.Equal(t, "denied", tell("can eve"))
	require.NoError(t, polling.System("test").Assign(t.Context(), rbac.Administrator, "eve"))
	require.Eventually(t, func() bool { return tell("can eve") == "allowed" }, 10*time.Second, 10*time.Millisecond)
}

func childOpens(path string) error {
	store, err := sqlitestore.Open(context.Background(), path)
	if err != nil {
		return err
	}
	defer store.Close()
	return store.Update(context.Background(), "", func(tx rbac.Tx) error {
		role, _ := tx.Role("counter")
		role.ID = "counter"
		role.Version++
		return tx.PutRole(role)
	})
}

// TestOpenAtOnce starts several processes on a file that does not exist yet.
func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	const processes = 8
	path := tempFile(t)
	var started []*child
	for range processes {
		started = append(started, start(t, "opens", path))
	}
	for _, c := range started {
		c.end()
	}
	store := open(t, path)
	require.NoError(t, store.View(t.Context(), "", func(r rbac.Reader) error {
		role, err := r.Role("counter")
		require.EqualValues(t, processes, role.Version)
		return err
	}))
	integrity(t, path)
}
