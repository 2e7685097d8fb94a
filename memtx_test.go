package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/areagate/rbac"
)

func TestMemStoreEventsMustContinue(t *testing.T) {
	s := rbac.NewMemStore()
	memUpdate(t, s, "w", func(tx rbac.Tx) error { return tx.AppendEvents(memEvents(0, 3)...) })
	for _, events := range [][]rbac.Event{
		memEvents(2, 1), memEvents(4, 1), memEvents(-1, 1),
		append(memEvents(3, 1), memEvents(5, 1)...),
		append(memEvents(3, 1), memEvents(3, 1)...),
	} {
		memUpdate(t, s, "w", func(tx rbac.Tx) error {
			if err := tx.AppendEvents(events...); err == nil {
				t.Errorf("AppendEvents: got no error for %v after event 3", memNumbers(events))
			}
			if revision, err := tx.Revision(); err != nil || revision.Seq != 3 {
				t.Errorf("Revision: got %d, error %v, want 3", revision.Seq, err)
			}
			return nil
		})
	}
}

// TestMemStoreEventsAreShared commits and rolls back events while Views read
// older states that share their array.
func TestMemStoreEventsAreShared(t *testing.T) {
	s := rbac.NewMemStore()
	const commits = 300
	done := make(chan error, 1)
	go func() {
		for n := range int64(commits) {
			failed := s.Update(t.Context(), "w", func(tx rbac.Tx) error {
				wrong := memEvents(n, 3)
				for i := range wrong {
					wrong[i].Reason = "rolled back"
				}
				return errors.Join(tx.AppendEvents(wrong...), context.Canceled)
			})
			err := s.Update(t.Context(), "w", func(tx rbac.Tx) error { return tx.AppendEvents(memEvents(n, 1)...) })
			if err != nil || !errors.Is(failed, context.Canceled) {
				done <- errors.Join(err, failed)
				return
			}
		}
		done <- nil
	}()
	for seen := int64(0); seen < commits; {
		err := s.View(t.Context(), "w", func(r rbac.Reader) error {
			revision, err := r.Revision()
			seen = revision.Seq
			n := int64(0)
			for e, err := range r.Events(rbac.EventQuery{}) {
				if n++; err != nil || e.Seq != n || e.Reason != "" {
					return fmt.Errorf("event %d: got %v, error %v", n, e, err)
				}
			}
			if n != seen {
				return fmt.Errorf("got %d events at revision %d", n, seen)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
		default:
		}
	}
}

func TestMemStoreIterationLooksAtTheContext(t *testing.T) {
	s := rbac.NewMemStore()
	memUpdate(t, s, "w", func(tx rbac.Tx) error { return tx.PutMembers(memCrowd(5000)...) })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	yielded := 0
	err := s.View(ctx, "w", func(r rbac.Reader) error {
		for _, err := range r.Members(rbac.MemberQuery{}) {
			if err != nil {
				return err
			}
			cancel()
			yielded++
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || yielded > 1000 {
		t.Errorf("got error %v after %d members, want %v soon", err, yielded, context.Canceled)
	}
}
