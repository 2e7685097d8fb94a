package scenarios

import (
	"context"
	"testing"
	"time"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/assert"
	"github.com/areagate/rbac/internal/workspacetest"
)

// Another instance takes a right away, in every way that there is: the streams that
// rest on it end on every instance, by a notification, by the poll or by Sync, and
// no others do. A key's stream rests on what the key may do.
func rightOfAStreamIsTakenElsewhere(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	other := workspacetest.Open(t, store).For("w")
	polls := []rbac.Option{rbac.WithMaxStaleness(time.Minute), rbac.WithPollInterval(100 * time.Millisecond)}
	instances := map[string]*rbac.Workspace{
		"on the same store": workspacetest.Open(t, store, workspacetest.Quiet()...).For("w"),
		"told by the store": workspacetest.Open(t, db.Store(), polls...).For("w"),
		"by the poll":       workspacetest.Open(t, workspacetest.Deaf(db.Store()), polls...).For("w"),
		"by Sync":           workspacetest.Open(t, workspacetest.Deaf(db.Store()), workspacetest.Quiet()...).For("w"),
	}
	workspacetest.Assign(t, other, rbac.Administrator, "ada")
	reader := workspacetest.AddRole(t, other, "Reader", workspacetest.ReadsDeals(rbac.All))
	nobody := workspacetest.AddRole(t, other, "Nobody", nil)
	ways := append(workspacetest.Farewells(ctx, nobody.ID), func(a *rbac.Admin, _ string) error {
		edited := reader
		edited.Permissions = workspacetest.ReadsDeals(rbac.Own)
		_, err := a.UpdateRole(ctx, edited)
		return err
	})
	reads := func(s rbac.Subject) error { return s.Authorize(rbac.Deals, rbac.Read) }
	readsOwn := func(s rbac.Subject) error {
		if s.Scope(rbac.Deals, rbac.Read) == rbac.None {
			return s.Authorize(rbac.Deals, rbac.Read)
		}
		return nil
	}
	for i, take := range ways {
		workspacetest.Assign(t, other, reader.ID, "rea")
		assert.NoError(t, other.System("test").Reinstate(ctx, "rea"))
		var ending, lasting []context.Context
		for name, w := range instances {
			assert.NoError(t, w.Sync(ctx), name)
			begin := func(user string, limit rbac.Permissions, meets func(rbac.Subject) error) context.Context {
				s, err := w.Subject(ctx, user)
				assert.NoError(t, err)
				if limit != nil {
					s = s.Limit(limit)
				}
				stream, cancel := s.While(ctx, meets)
				t.Cleanup(cancel)
				assert.NoError(t, stream.Err(), name)
				return stream
			}
			ending = append(ending, begin("rea", nil, reads))
			lasting = append(lasting, begin("ada", nil, reads), begin("ada", workspacetest.ReadsDeals(rbac.Own), readsOwn))
			key := begin("rea", workspacetest.ReadsDeals(rbac.Own), readsOwn)
			if i < len(ways)-1 {
				ending = append(ending, key)
			} else {
				lasting = append(lasting, key) // it could never do more than what is left
			}
		}
		assert.NoError(t, take(other.System("test"), "rea"))
		assert.NoError(t, instances["by Sync"].Sync(ctx))
		for _, stream := range ending {
			select {
			case <-stream.Done():
				assert.ErrorIs(t, context.Cause(stream), rbac.ErrDenied)
			case <-time.After(30 * time.Second):
				t.Fatal("a stream lasts beyond the right, way ", i)
			}
		}
		for _, stream := range lasting {
			assert.NoError(t, context.Cause(stream))
		}
	}
}
