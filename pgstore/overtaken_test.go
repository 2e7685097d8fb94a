package pgstore_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

// overtaker is a tracer that, when it is armed, takes a connection of the pool
// before whoever begins to wait for one.
type overtaker struct {
	queryCount
	armed atomic.Bool
	took  *pgxpool.Conn
}

func (o *overtaker) TraceAcquireStart(ctx context.Context, pool *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	if o.armed.CompareAndSwap(true, false) {
		o.took, _ = pool.Acquire(context.Background())
	}
	return ctx
}

func (o *overtaker) TraceAcquireEnd(context.Context, *pgxpool.Pool, pgxpool.TraceAcquireEndData) {}

// The application takes the last connection just when Revisions, which has
// seen it idle, begins to wait: Revisions does not wait in the pool's queue
// until its time is up.
func TestRevisionsWhenThePoolIsUsedUpMeanwhile(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	for name, within := range map[string]time.Duration{"its time is short": 8 * time.Second, "it has an hour": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			application := &overtaker{}
			pool := pgtest.Pool(t, d.url, func(c *pgxpool.Config) {
				c.MaxConns = 1
				c.ConnConfig.Tracer = application
			})
			store := open(t, pool, d.schema)
			application.armed.Store(true)
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			defer time.AfterFunc(20*time.Second, cancel).Stop()
			_, err := store.Revisions(ctx, []string{"w"})
			require.NotNil(t, application.took, "the pool was used up")
			t.Cleanup(application.took.Release)
			require.NoError(t, err)
			require.Equal(t, int32(1), pool.Stat().AcquiredConns())
		})
	}
}
