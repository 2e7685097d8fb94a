package rbac

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// slowStore is a MemStore whose View waits for its turn.
type slowStore struct {
	*MemStore
	turn chan struct{}
}

func (s slowStore) View(ctx context.Context, workspace string, fn func(Reader) error) error {
	<-s.turn
	return s.MemStore.View(ctx, workspace, fn)
}

// Close marks the engine as closed before it cancels what runs. A reading
// that ends between the two, and finds what was known confirmed, answers from
// that, and nothing is in service afterwards.
func TestReadingEndsWhileCloseBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store := t.Context(), slowStore{NewMemStore(), make(chan struct{}, 1)}
		az, err := Open(ctx, store)
		if err != nil {
			t.Fatal(err)
		}
		if err := az.System("test").Assign(ctx, Administrator, "ann"); err != nil {
			t.Fatal(err)
		}
		store.turn <- struct{}{}
		if !az.Can(ctx, "ann", Users, Manage) {
			t.Fatal("the workspace is not loaded")
		}
		synctest.Wait() // no poll is under way

		az.replica.mu.Lock()
		az.replica.live.Store(nil) // as a change whose outcome is not known does
		az.replica.mu.Unlock()
		answer := make(chan error)
		go func() { answer <- az.Authorize(ctx, "ann", Users, Manage) }()
		synctest.Wait() // it reads
		az.engine.mu.Lock()
		az.engine.closed = true
		az.engine.mu.Unlock()
		store.turn <- struct{}{}
		if err := <-answer; err != nil {
			t.Errorf("what was confirmed is not answered from: %v", err)
		}
		if err := az.Authorize(ctx, "ann", Users, Manage); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close began: %v, want %v", err, ErrClosed)
		}
		if err := az.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
