package sqlitestore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac/sqlitestore"
)

func TestWrongOptions(t *testing.T) {
	ctx, path := t.Context(), tempFile(t)
	db := handle(t, path, "_pragma=journal_mode(WAL)")
	for name, opt := range map[string]sqlitestore.Option{
		"nil": nil, "busy timeout": sqlitestore.WithBusyTimeout(-1), "notify interval": sqlitestore.WithNotifyInterval(0),
	} {
		_, err := sqlitestore.Open(ctx, path, opt)
		require.Error(t, err, name)
		_, err = sqlitestore.New(ctx, db, opt)
		require.Error(t, err, name)
		require.Error(t, sqlitestore.Migrate(ctx, db, opt), name)
	}
	_, err := sqlitestore.New(ctx, nil)
	require.Error(t, err)
	require.Error(t, sqlitestore.Migrate(ctx, nil))
}
