package sqlitestore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/long"
	"github.com/areagate/rbac/internal/workspacetest"
)

// checkFilters compares what is asked about the events of a workspace with the
// answers of a MemStore, which looks at each.
func checkFilters(t testing.TB, store rbac.Store, workspace string) {
	t.Helper()
	all := workspacetest.Read(t, store, workspace)
	var queries []rbac.EventQuery
	for _, e := range all.Events {
		queries = append(queries,
			rbac.EventQuery{Kinds: []rbac.EventKind{e.Kind}}, rbac.EventQuery{Kinds: []rbac.EventKind{e.Kind, rbac.RoleCreated, "unknown"}},
			rbac.EventQuery{Actor: e.Actor, Newest: true}, rbac.EventQuery{Since: e.Time}, rbac.EventQuery{Until: e.Time, Newest: true},
			rbac.EventQuery{Since: e.Time, Until: e.Time.Add(time.Microsecond)},
		)
		for _, r := range []*rbac.Role{e.RoleBefore, e.RoleAfter} {
			if r != nil {
				queries = append(queries, rbac.EventQuery{Role: r.ID}, rbac.EventQuery{Role: r.ID, Newest: true, Limit: 1})
			}
		}
		for _, m := range []*rbac.Member{e.MemberBefore, e.MemberAfter} {
			if m != nil {
				queries = append(queries, rbac.EventQuery{User: m.User}, rbac.EventQuery{Role: m.Role, User: m.User, Newest: true})
			}
		}
	}
	sameEvents(t, store, all.Events, workspace, queries)
}

// sameEvents compares the answers to queries with those of a MemStore.
func sameEvents(t testing.TB, store rbac.Store, all []rbac.Event, workspace string, queries []rbac.EventQuery) {
	t.Helper()
	reference := rbac.NewMemStore()
	workspacetest.Contents{Events: all}.Write(t, reference, workspace)
	answers := func(store rbac.Store) (found [][]int64) {
		require.NoError(t, store.View(t.Context(), workspace, func(r rbac.Reader) error {
			for _, q := range queries {
				seqs := []int64{}
				for e, err := range r.Events(q) {
					if err != nil {
						return err
					}
					seqs = append(seqs, e.Seq)
				}
				found = append(found, seqs)
			}
			return nil
		}))
		return found
	}
	want, got := answers(reference), answers(store)
	for i, q := range queries {
		require.Equal(t, want[i], got[i], "%+v", q)
	}
}

// TestEventFilters asks random questions about random events, also about those
// that the library does not write: about a role and a member at once, or about
// two members. Clocks differ, and one was very wrong.
func TestEventFilters(t *testing.T) {
	t.Parallel()
	seed := time.Now().UnixNano()
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	user := func() string { return pick("ann", "bob", "Bob", "jörg", "o'brien \"x\" <y>", "") }
	role := func() rbac.RoleID { return rbac.RoleID(pick("sales", "Sales", "support", "administrator", "")) }
	kinds := []string{"role.created", "role.updated", "member.assigned", "member.removed", "member.moved", "other", ""}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(i int) time.Time {
		switch random.IntN(40) {
		case 0:
			return now.AddDate(-random.IntN(3), random.IntN(3), 0)
		case 1:
			return time.Date(int(random.IntN(2))*9998+1, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		fraction := []time.Duration{time.Microsecond, 10 * time.Millisecond, time.Second}[random.IntN(3)]
		return now.Add(time.Duration(i)*time.Second + time.Duration(random.Int64N(int64(3*time.Second)))).Truncate(fraction)
	}
	const n = 2500 // more than two pages
	all := make([]rbac.Event, n)
	for i := range all {
		e := rbac.Event{Seq: int64(i) + 1, Time: at(i), Kind: rbac.EventKind(pick(kinds...)), Actor: user(), Form: random.Int64N(2) * 2}
		for _, r := range []**rbac.Role{&e.RoleBefore, &e.RoleAfter} {
			if random.IntN(3) == 0 {
				*r = &rbac.Role{ID: role(), Name: "x"}
			}
		}
		for _, m := range []**rbac.Member{&e.MemberBefore, &e.MemberAfter} {
			if random.IntN(3) == 0 {
				*m = &rbac.Member{User: user(), Role: role(), Team: "north"}
			}
		}
		all[i] = e
	}
	store := open(t, tempFile(t))
	workspacetest.Contents{Events: all}.Write(t, store, "other")
	workspacetest.Contents{Events: all}.Write(t, store, "w")

	queries := make([]rbac.EventQuery, long.Scale(1200))
	for i := range queries {
		q := rbac.EventQuery{Newest: random.IntN(2) == 0}
		sometimes := func(do func()) {
			if random.IntN(4) == 0 {
				do()
			}
		}
		sometimes(func() { q.After = random.Int64N(n+20) - 10 })
		sometimes(func() { q.Before = random.Int64N(n+20) - 10 })
		sometimes(func() { q.Limit = random.IntN(1200) })
		sometimes(func() { q.Role = role() })
		sometimes(func() { q.User = user() })
		sometimes(func() { q.Actor = user() })
		sometimes(func() { q.Since = at(random.IntN(n)) })
		sometimes(func() { q.Until = at(random.IntN(n)).In(time.FixedZone("", 3600)) })
		sometimes(func() {
			for range random.IntN(4) {
				q.Kinds = append(q.Kinds, rbac.EventKind(pick(kinds...)))
			}
		})
		sometimes(func() {
			for i := range random.IntN(30) {
				q.Kinds = append(q.Kinds, rbac.EventKind(fmt.Sprint("kind", i)))
			}
		})
		queries[i] = q
	}
	queries = append(queries, rbac.EventQuery{Since: time.Date(10001, 1, 1, 0, 0, 0, 0, time.UTC)}, rbac.EventQuery{Until: time.Date(10001, 1, 1, 0, 0, 0, 0, time.UTC)},
		rbac.EventQuery{Since: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), Limit: 3}, rbac.EventQuery{Until: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)})
	sameEvents(t, store, all, "w", queries)
}
