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

// A reading has published what it found and has not ended yet; a change of
// one's own has been made since. A check that comes now must not be answered
// by that reading.
func TestCheckDoesNotJoinAReadingThatHasLanded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		az, err := Open(ctx, NewMemStore())
		if err != nil {
			t.Fatal(err)
		}
		defer az.Close()
		if err := az.System("test").Assign(ctx, Administrator, "ann", "bob"); err != nil {
			t.Fatal(err)
		}
		r := &az.replica
		f := &flight{replica: r, done: make(chan struct{}), waiters: 1}
		r.mu.Lock()
		r.running = f
		r.mu.Unlock()
		base, began := r.begin(f)
		s, asked, err := az.engine.fetch(ctx, "", base, false)
		if err != nil {
			t.Fatal(err)
		}
		f.snap, _ = r.land(f, s, began, asked)

		if err := az.As("ann").Remove(ctx, "bob"); err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		r.doubt(gone) // of another change
		answer := make(chan bool)
		go func() { answer <- az.Can(ctx, "bob", Users, Manage) }()
		synctest.Wait()
		r.end(f)
		if <-answer {
			t.Error("allowed after Remove had returned nil")
		}
		if !az.Can(ctx, "ann", Users, Manage) {
			t.Error("the workspace is not in service")
		}
	})
}

// A worker finds no work, a flight is queued for it, and the engine is closed,
// all before it has left: the flight ends all the same.
func TestFlightOfAWorkerThatLeavesAtClose(t *testing.T) {
	t.Parallel()
	for name, cold := range map[string]bool{"in memory": false, "cold": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			az, err := Open(t.Context(), NewMemStore())
			if err != nil {
				t.Fatal(err)
			}
			fs := az.engine.flights
			fs.mu.Lock()
			fs.loads.workers++ // the one that leaves
			fs.mu.Unlock()
			if err := az.Close(); err != nil {
				t.Fatal(err)
			}
			f := &flight{replica: &az.For("acme").replica, done: make(chan struct{}), waiters: 1}
			if !fs.submit(f, cold) {
				t.Fatal("the flight was refused")
			}
			fs.leaveWork(&fs.loads)
			<-f.done
			if !errors.Is(f.err, ErrClosed) {
				t.Errorf("the flight ended with %v, want %v", f.err, ErrClosed)
			}
		})
	}
}
