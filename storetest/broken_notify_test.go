package storetest_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/areagate/rbac"
)

func brokenNotifiers() []brokenStore {
	const told = "Notify tells every listener of every commit"
	notifying := func(change func(hint func(...string)) func(...string)) func() *faults {
		return func() *faults {
			return &faults{notify: func(s *rbac.MemStore, ctx context.Context, hint func(...string)) error {
				return s.Notify(ctx, change(hint))
			}}
		}
	}
	return []brokenStore{
		{"no hint at the beginning", notifying(func(hint func(...string)) func(...string) {
			return func(ids ...string) {
				if len(ids) > 0 {
					hint(ids...)
				}
			}
		}), []string{"Notify says when it listens"}},
		{"no hint at a commit", notifying(func(hint func(...string)) func(...string) {
			return func(...string) { hint() }
		}), []string{told}},
		{"hints in lower case", notifying(func(hint func(...string)) func(...string) {
			return func(ids ...string) {
				for i := range ids {
					ids[i] = strings.ToLower(ids[i])
				}
				hint(ids...)
			}
		}), []string{told}},
		{"hints for one listener", func() *faults {
			var listeners atomic.Int32
			return &faults{notify: func(s *rbac.MemStore, ctx context.Context, hint func(...string)) error {
				if listeners.Add(1) == 1 {
					return s.Notify(ctx, hint)
				}
				hint()
				<-ctx.Done()
				return ctx.Err()
			}}
		}, []string{told}},
		{"hints at a rollback", func() *faults {
			var mu sync.Mutex
			hints := []func(...string){}
			return &faults{
				notify: func(s *rbac.MemStore, ctx context.Context, hint func(...string)) error {
					mu.Lock()
					hints = append(hints, hint)
					mu.Unlock()
					return s.Notify(ctx, hint)
				},
				update: func(s *rbac.MemStore, ctx context.Context, workspace string, fn func(rbac.Tx) error) error {
					mu.Lock()
					for _, hint := range hints {
						hint(workspace)
					}
					mu.Unlock()
					return s.Update(ctx, workspace, fn)
				},
			}
		}, []string{"Notify tells nothing of what was rolled back"}},
		{"Notify returns nil", func() *faults {
			return &faults{notify: func(s *rbac.MemStore, ctx context.Context, hint func(...string)) error {
				_ = s.Notify(ctx, hint)
				return nil
			}}
		}, []string{"Notify returns why it ended"}},
		{"Notify does not end", func() *faults {
			return &faults{notify: func(s *rbac.MemStore, ctx context.Context, hint func(...string)) error {
				hint()
				time.Sleep(time.Second)
				return fmt.Errorf("late: %w", ctx.Err())
			}}
		}, []string{"Notify returns why it ended"}},
	}
}
