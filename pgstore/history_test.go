package pgstore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/histories"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/oracle"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// TestRandomHistories is that of internal/oracle, on this store.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	oracle.RandomHistories(t, long.Scale(200), func(t testing.TB) rbac.Store { return newStore(t) })
}

// TestScenario31_RandomHistories lets several actors change one workspace
// through three instances, while connections break and stall, sessions are
// ended, and somebody else holds the workspace's row for longer than they wait.
func TestScenario31_RandomHistories(t *testing.T) {
	t.Parallel()
	histories.RandomHistories(t, func(t *testing.T) (histories.History, func(histories.Outcome)) {
		d := newDatabase(t)
		p := newProxy(t, d.url)
		h := histories.History{Check: d.Store()}
		for range 3 {
			pool := pgtest.Pool(t, p.url(d.url), func(c *pgxpool.Config) {
				c.ConnConfig.RuntimeParams["lock_timeout"] = "1ms"
				c.ConnConfig.RuntimeParams["application_name"] = d.schema
			})
			h.Instances = append(h.Instances, open(t, pool, d.schema))
		}
		contended := make(chan struct{}, 1)
		h.Ended = func(err error) {
			if errors.Is(err, rbac.ErrContention) {
				select {
				case contended <- struct{}{}:
				default:
				}
			}
		}
		// waitedTooLong holds the row until somebody was refused.
		waitedTooLong := func() {
			if err := pgx.BeginFunc(context.Background(), d.pool, func(tx pgx.Tx) error {
				if _, err := tx.Exec(context.Background(), "SELECT FROM "+pgx.Identifier{d.schema, "workspaces"}.Sanitize()+" FOR UPDATE"); err != nil {
					return err
				}
				select {
				case <-contended: // of before
				default:
				}
				select {
				case <-contended:
					return nil
				case <-time.After(time.Minute):
					return errors.New("nobody was refused")
				}
			}); err != nil {
				t.Error(err)
			}
		}
		h.Faults = func(random *rand.Rand) {
			defer p.breakAll() // one that lost a commit stays silent
			defer p.restore()
			pause := func(most int) { time.Sleep(time.Duration(random.IntN(most)) * time.Millisecond) }
			for i := range 50 {
				pause(30)
				switch i % 5 {
				case 0:
					p.breakAll()
				case 1:
					p.stall()
					pause(50)
					p.restore()
				case 2:
					if err := d.tryExec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", d.schema); err != nil {
						t.Error(err)
					}
				case 3: // a commit whose answer does not arrive
					hit := make(chan struct{})
					once := sync.OnceFunc(func() { close(hit) })
					p.set(func() {
						p.inspect = func(b []byte) bool {
							commits := bytes.Contains(b, []byte("commit\x00"))
							if commits {
								once()
							}
							return commits
						}
					})
					select {
					case <-hit:
					case <-time.After(20 * time.Second):
						t.Error("no commit in 20 s")
					}
					p.restore()
				case 4:
					if i == 24 {
						waitedTooLong()
					} else if err := d.tryExec("SELECT pg_sleep(0.02) FROM workspaces FOR UPDATE"); err != nil {
						t.Error(err)
					}
				}
			}
		}
		return h, func(outcome histories.Outcome) {
			contended, lost := 0, 0
			for _, err := range outcome.Refused {
				var server *pgconn.PgError
				switch {
				case errors.Is(err, rbac.ErrContention):
					contended++
				case errors.As(err, &server), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
					lost++
				}
			}
			t.Logf("refused: %d who waited too long, %d who lost the connection", contended, lost)
			require.Positive(t, contended)
			require.Positive(t, lost)
			require.Positive(t, outcome.Unknown)
		}
	})
}
