package pgstore_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

// TestEventsByTimeWhereClocksDiffer asks for times where these do not rise with
// the numbers: of an instance whose clock is an hour behind, one whose clock was
// a year ahead for a moment, and one that has no idea.
func TestEventsByTimeWhereClocksDiffer(t *testing.T) {
	t.Parallel()
	const n = 2000
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, at := range map[string]func(i int, random *rand.Rand) time.Time{
		"behind": func(i int, _ *rand.Rand) time.Time { return noon.Add(time.Duration(i-i%2*60) * time.Minute) },
		"ahead": func(i int, _ *rand.Rand) time.Time {
			if i == 1234 {
				return noon.AddDate(1, 0, 0)
			}
			return noon.Add(time.Duration(i) * time.Minute)
		},
		"no idea": func(_ int, random *rand.Rand) time.Time { return noon.Add(time.Duration(random.IntN(n)) * time.Minute) },
		"digits":  func(i int, _ *rand.Rand) time.Time { return noon.Add(time.Duration(i/10) * 100 * time.Microsecond) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, random := newStore(t), rand.New(rand.NewPCG(1, 2))
			var events []rbac.Event
			for i := range n {
				events = append(events, rbac.Event{Seq: int64(i) + 1, Time: at(i, random), Kind: rbac.MemberRemoved, Actor: fmt.Sprint("user", i%3), Hash: [32]byte{1},
					MemberBefore: &rbac.Member{User: fmt.Sprint("user", i%7), Role: "sales"}})
			}
			workspacetest.Update(t, store, "w", func(tx rbac.Tx) error { return tx.AppendEvents(events...) })
			workspacetest.Update(t, store, "w", func(tx rbac.Tx) error {
				for range scaled(400) {
					q := rbac.EventQuery{Newest: random.IntN(2) == 0, Limit: random.IntN(3) * 100}
					if random.IntN(4) > 0 {
						q.Since = events[random.IntN(n)].Time
					}
					if random.IntN(4) > 0 {
						q.Until = events[random.IntN(n)].Time.Add(time.Duration(random.IntN(3)-1) * time.Microsecond)
					}
					if random.IntN(2) == 0 {
						q.After, q.Before = int64(random.IntN(n)), int64(random.IntN(n))
					}
					if random.IntN(2) == 0 {
						q.Actor = "user1"
					}
					want := slices.DeleteFunc(slices.Clone(events), func(e rbac.Event) bool {
						return !q.Since.IsZero() && e.Time.Before(q.Since) || !q.Until.IsZero() && !e.Time.Before(q.Until) ||
							e.Seq <= q.After || q.Before != 0 && e.Seq >= q.Before || q.Actor != "" && e.Actor != q.Actor
					})
					if q.Newest {
						slices.Reverse(want)
					}
					if q.Limit > 0 {
						want = want[:min(len(want), q.Limit)]
					}
					require.Equal(t, numbers(want), numbers(workspacetest.All(t, tx.Events(q))), "%+v", q)
				}
				return nil
			})
		})
	}
}

// TestEventsOfVeryManyKinds shows that there is no bound on the kinds of a query.
func TestEventsOfVeryManyKinds(t *testing.T) {
	store := newStore(t)
	var events []rbac.Event
	var kinds []rbac.EventKind
	for i := range 1000 {
		kind := rbac.EventKind(fmt.Sprint("kind", i%200))
		events = append(events, rbac.Event{Seq: int64(i) + 1, Time: time.Unix(0, 0), Kind: kind, Hash: [32]byte{1}})
		kinds = append(kinds, kind)
	}
	workspacetest.Update(t, store, "w", func(tx rbac.Tx) error { return tx.AppendEvents(events...) })
	workspacetest.Update(t, store, "w", func(tx rbac.Tx) error {
		for _, n := range []int{1, 32, 33, 200} {
			require.Len(t, workspacetest.All(t, tx.Events(rbac.EventQuery{Kinds: append(kinds[:n:n], kinds[:n]...)})), 5*n)
		}
		require.Len(t, workspacetest.All(t, tx.Events(rbac.EventQuery{Kinds: kinds[:200], Actor: "ann"})), 0)
		return nil
	})
}

func numbers(events []rbac.Event) []int64 {
	list := make([]int64, len(events))
	for i, e := range events {
		list[i] = e.Seq
	}
	return list
}
