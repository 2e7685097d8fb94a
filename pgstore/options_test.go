package pgstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/pgstore"
	"github.com/areagate/rbac/pgstore/internal/pgtest"
)

func TestWrongOptions(t *testing.T) {
	ctx, pool := t.Context(), pgtest.Pool(t, pgtest.URL(t))
	for name, opt := range map[string]pgstore.Option{
		"nil": nil, "no schema": pgstore.WithSchema(""), "long schema": pgstore.WithSchema(strings.Repeat("x", 56)),
		"NUL": pgstore.WithSchema("a\x00b"), "not UTF-8": pgstore.WithSchema("\xff"), "timeout": pgstore.WithListenTimeout(0),
	} {
		_, err := pgstore.New(ctx, pool, opt)
		require.Error(t, err, name)
		require.Error(t, pgstore.Migrate(ctx, pool, opt), name)
	}
	_, err := pgstore.New(ctx, nil)
	require.Error(t, err)
	require.Error(t, pgstore.Migrate(ctx, nil))
}

// TestSchemaNames shows that the name of the schema is only ever data.
func TestSchemaNames(t *testing.T) {
	ctx, pool := t.Context(), pgtest.Pool(t, pgtest.URL(t))
	for _, name := range []string{
		`a"b`, `x"; DROP SCHEMA public; --`, "Größe", "select", "$1", "a.b", "'", strings.Repeat("y", 55),
	} {
		name = name[:min(len(name), 55)]
		t.Cleanup(func() {
			pgtest.Exec(t, pgtest.URL(t), "DROP SCHEMA IF EXISTS "+pgx.Identifier{name}.Sanitize()+" CASCADE")
		})
		migrate(t, pool, name)
		store := open(t, pool, name)
		heard, ctx := make(chan string, 10), ctx
		ctx, cancel := context.WithCancel(ctx)
		go func() {
			_ = store.Notify(ctx, func(workspaces ...string) { heard <- fmt.Sprint(workspaces) })
		}()
		require.Equal(t, "[]", <-heard)
		az, err := rbac.Open(ctx, struct{ rbac.Store }{store})
		require.NoError(t, err)
		assign(t, az.For("w"), rbac.Administrator, "ann")
		require.Equal(t, "[w]", <-heard)
		require.NoError(t, az.Close())
		cancel()
	}
}
