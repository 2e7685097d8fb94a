package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/fault"
	"github.com/areagate/rbac/internal/workspacetest"
)

// V2: VerifyEvents finds any edit, removal, insertion or move, and names the
// first broken number.
func TestVerifyEventsNamesTheFirstBrokenNumber(t *testing.T) {
	t.Parallel()
	edit := func(seq int64, change func(*rbac.Event)) func([]rbac.Event) []rbac.Event {
		return func(events []rbac.Event) []rbac.Event {
			change(&events[seq-1])
			return events
		}
	}
	for _, test := range []struct {
		name   string
		tamper func([]rbac.Event) []rbac.Event // of the nine of history
		broken int64                           // 0: intact
	}{
		{"untouched", func(e []rbac.Event) []rbac.Event { return e }, 0},
		{"the first is removed", func(e []rbac.Event) []rbac.Event { return e[1:] }, 1},
		{"one is removed", func(e []rbac.Event) []rbac.Event { return slices.Delete(e, 4, 5) }, 5},
		{"two are removed", func(e []rbac.Event) []rbac.Event { return slices.Delete(e, 4, 6) }, 5},
		{"the last is removed", func(e []rbac.Event) []rbac.Event { return e[:8] }, 9},
		{"the last three are removed", func(e []rbac.Event) []rbac.Event { return e[:6] }, 7},
		{"all are removed", func(e []rbac.Event) []rbac.Event { return nil }, 1},
		{"one is there twice", func(e []rbac.Event) []rbac.Event { return slices.Insert(e, 4, e[3]) }, 4},
		{"two change places", func(e []rbac.Event) []rbac.Event { e[3], e[4] = e[4], e[3]; return e }, 4},
		{"two change numbers", func(e []rbac.Event) []rbac.Event {
			e[3], e[4] = e[4], e[3]
			e[3].Seq, e[4].Seq = 4, 5
			return e
		}, 4},
		{"one is renumbered to zero", edit(1, func(e *rbac.Event) { e.Seq = 0 }), 1},
		{"one too many at the end", func(e []rbac.Event) []rbac.Event {
			more := rbac.Event{Seq: 10, Time: e[8].Time, Kind: rbac.MemberRemoved, Actor: "ada", MemberBefore: e[0].MemberAfter}
			more.Hash = chainHash(t, "", e[8].Revision(), more)
			return append(e, more)
		}, 10},
		{"the time", edit(3, func(e *rbac.Event) { e.Time = e.Time.Add(time.Microsecond) }), 3},
		{"the kind", edit(4, func(e *rbac.Event) { e.Kind = rbac.MemberRemoved }), 4},
		{"the actor", edit(5, func(e *rbac.Event) { e.Actor = "eve" }), 5},
		{"the reason", edit(1, func(e *rbac.Event) { e.Reason = "nothing" }), 1},
		{"the role before", edit(3, func(e *rbac.Event) { e.RoleBefore.Name = "Other" }), 3},
		{"the role after", edit(3, func(e *rbac.Event) { e.RoleAfter.Permissions[rbac.Users] = rbac.Access{Manage: rbac.All} }), 3},
		{"the version after", edit(3, func(e *rbac.Event) { e.RoleAfter.Version++ }), 3},
		{"the member before", edit(8, func(e *rbac.Event) { e.MemberBefore.Suspended = true }), 8},
		{"the member after", edit(4, func(e *rbac.Event) { e.MemberAfter.User = "eve" }), 4},
		{"no member after", edit(4, func(e *rbac.Event) { e.MemberAfter = nil }), 4},
		{"the hash", edit(6, func(e *rbac.Event) { e.Hash[31] ^= 1 }), 6},
		{"the hash of the last", edit(9, func(e *rbac.Event) { e.Hash[0] ^= 1 }), 9},
		{"edited and hashed anew", edit(6, func(e *rbac.Event) {
			e.Actor = "eve"
			e.Hash = [32]byte{1, 2, 3}
		}), 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := fault.New(rbac.NewMemStore())
				az := openOn(t, store)
				events := test.tamper(recorded(t, az.Workspace))
				store.SetRows(&fault.Rows{Events: fault.Listed(events)})
				err := az.VerifyEvents(t.Context())
				if test.broken == 0 {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, rbac.ErrTampered)
				var tampered *rbac.TamperedError
				require.ErrorAs(t, err, &tampered)
				require.Equal(t, test.broken, tampered.Seq, "%v", err)
				require.Contains(t, err.Error(), tampered.Problem)
				if strings.Contains(test.name, "removed") {
					require.Equal(t, "is missing", tampered.Problem)
				}
			})
		})
	}
}

// A chain that was hashed anew from some event on is consistent in itself,
// but not with the revision; one moved to another workspace is not even that.
func TestVerifyEventsOfAnotherChain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := fault.New(rbac.NewMemStore())
		az := openOn(t, store)
		acme, other := az.For("acme"), az.For("other")
		events := recorded(t, acme)
		recorded(t, other)

		forged := slices.Clone(events)
		at := forged[4].Revision()
		for i := 5; i < len(forged); i++ {
			forged[i].Actor = "eve"
			forged[i].Hash = chainHash(t, "acme", at, forged[i])
			at = forged[i].Revision()
		}
		store.SetRows(&fault.Rows{Events: fault.Listed(forged)})
		var tampered *rbac.TamperedError
		require.ErrorAs(t, acme.VerifyEvents(t.Context()), &tampered)
		require.EqualValues(t, 9, tampered.Seq, "the events contradict the workspace's revision")

		store.SetRows(&fault.Rows{Events: fault.Listed(events)})
		require.NoError(t, acme.VerifyEvents(t.Context()))
		require.ErrorAs(t, other.VerifyEvents(t.Context()), &tampered)
		require.EqualValues(t, 1, tampered.Seq, "the chain of one workspace cannot pose as another's")
	})
}

// A workspace without events is intact; one that cannot be read is not known.
func TestVerifyEventsWithoutAnswer(t *testing.T) {
	t.Parallel()
	store := fault.New(rbac.NewMemStore())
	az := openOn(t, store)
	require.NoError(t, az.VerifyEvents(t.Context()))
	require.NoError(t, az.System("seed").Assign(t.Context(), rbac.Administrator, "ada"))
	for name, wrong := range map[string]func(){
		"no View":   func() { store.Set(fault.Fails(errBoom), opView) },
		"no events": func() { store.SetRows(&fault.Rows{Events: fault.Broken[rbac.Event](1)}) },
	} {
		wrong()
		err := az.VerifyEvents(t.Context())
		require.ErrorIs(t, err, errBoom, name)
		require.NotErrorIs(t, err, rbac.ErrTampered, name)
		store.Set(nil, opView)
	}
	require.ErrorIs(t, az.For("a\x00b").VerifyEvents(t.Context()), rbac.ErrInvalid)
	require.NoError(t, az.Close())
	require.ErrorIs(t, az.VerifyEvents(t.Context()), rbac.ErrClosed)
}

// Events returns what its query selects.
func TestEventsQuery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		az := openOn(t, rbac.NewMemStore())
		recorded(t, az.Workspace)
		for _, test := range []struct {
			name  string
			query rbac.EventQuery
			want  []int64
		}{
			{"all", rbac.EventQuery{}, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9}},
			{"after", rbac.EventQuery{After: 7}, []int64{8, 9}},
			{"before", rbac.EventQuery{Before: 3}, []int64{1, 2}},
			{"between", rbac.EventQuery{After: 2, Before: 5}, []int64{3, 4}},
			{"newest first", rbac.EventQuery{Newest: true, Limit: 3}, []int64{9, 8, 7}},
			{"a page back", rbac.EventQuery{Newest: true, Limit: 2, Before: 7}, []int64{6, 5}},
			{"none after the newest", rbac.EventQuery{After: 9}, nil},
			{"none before the first", rbac.EventQuery{Before: 1}, nil},
		} {
			var got []int64
			for _, e := range eventsOf(t, az.Workspace, test.query) {
				got = append(got, e.Seq)
			}
			require.Equal(t, test.want, got, test.name)
		}
		for range az.Events(t.Context(), rbac.EventQuery{}) {
			break // an iteration may be left early
		}
		for _, err := range az.For("a\x00b").Events(t.Context(), rbac.EventQuery{}) {
			require.ErrorIs(t, err, rbac.ErrInvalid)
		}
	})
}

// What an Event hands out belongs to the caller: changing it changes neither
// the store nor the chain.
func TestEventsBelongToTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := rbac.NewMemStore()
		az := openOn(t, store)
		unchanged(t, store, "", func() {})
		for _, e := range recorded(t, az.Workspace) {
			if e.RoleAfter != nil {
				e.RoleAfter.Permissions[rbac.Users] = rbac.Access{Manage: rbac.All}
			}
			if e.MemberAfter != nil {
				e.MemberAfter.Suspended = true
			}
		}
		require.NoError(t, az.VerifyEvents(t.Context()))
		checkInvariants(t, store, "")
	})
}

// A panic in the loop over an iterator is the caller's, and an error of the
// store ends the loop.
func TestEventsLoop(t *testing.T) {
	t.Parallel()
	store := fault.New(rbac.NewMemStore())
	az := openOn(t, store)
	require.NoError(t, az.System("seed").Assign(t.Context(), rbac.Administrator, "ada", "bob"))
	require.PanicsWithValue(t, "mine", func() {
		for range az.Events(t.Context(), rbac.EventQuery{}) {
			panic("mine")
		}
	})
	store.SetRows(&fault.Rows{Events: fault.Broken[rbac.Event](1)})
	var seqs []int64
	var last error
	for e, err := range az.Events(t.Context(), rbac.EventQuery{}) {
		require.NoError(t, last, "nothing follows an error")
		if last = err; err == nil {
			seqs = append(seqs, e.Seq)
		}
	}
	require.Equal(t, []int64{1}, seqs)
	require.ErrorIs(t, last, errBoom)

	store.SetRows(nil)
	store.Set(fault.Panics, opView)
	for _, err := range az.Events(t.Context(), rbac.EventQuery{}) {
		require.ErrorContains(t, err, "the store has a bug")
	}
	store.Set(fault.Twice, opView)
	n := 0
	for _, err := range az.Events(t.Context(), rbac.EventQuery{}) {
		if n++; err != nil {
			require.Equal(t, 3, n, "what was yielded is not yielded again: %v", err)
		}
	}
	require.Equal(t, 3, n)
	require.False(t, errors.Is(last, rbac.ErrTampered))
}

// Malformed ids in a query are the caller's mistake, with every store.
func TestMalformedQueries(t *testing.T) {
	t.Parallel()
	az := openOn(t, rbac.NewMemStore())
	for name, q := range map[string]rbac.MemberQuery{
		"users[1]": {Users: []string{"ann", "a\x00"}},
		"users[0]": {Users: []string{"\xff"}},
		"role":     {Role: "\x00"},
		"after":    {After: "\xff"},
	} {
		err := workspacetest.FirstError(az.Members(t.Context(), q))
		var invalid *rbac.ValidationError
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, name, invalid.Fields[0].Field)
	}
}

// A page of members is short only at the end, also where rows cannot be read.
func TestPagesAreFull(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), rbac.NewMemStore()
	az := openOn(t, store)
	require.NoError(t, store.Update(ctx, "", func(tx rbac.Tx) error {
		var members []rbac.Member
		for i := range 40 {
			m := rbac.Member{User: fmt.Sprintf("u%02d", i), Role: rbac.Administrator}
			if i%4 != 0 && i < 30 {
				m.Role = "" // cannot be read
			}
			members = append(members, m)
		}
		return tx.PutMembers(members...)
	}))
	after, pages, seen := "", []int{}, 0
	for {
		n := 0
		for m, err := range az.Members(ctx, rbac.MemberQuery{After: after, Limit: 5}) {
			require.NoError(t, err)
			require.Greater(t, m.User, after)
			after, n = m.User, n+1
		}
		seen += n
		pages = append(pages, n)
		if n < 5 {
			break
		}
	}
	require.Equal(t, []int{5, 5, 5, 3}, pages)
	require.Equal(t, 18, seen)
}

// A time between two microseconds, in which no event can be, asks the store for the
// next one.
func TestEventsBetweenMicroseconds(t *testing.T) {
	t.Parallel()
	store := &queries{Store: rbac.NewMemStore()}
	az := openOn(t, store)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	for range az.Events(t.Context(), rbac.EventQuery{Since: at.Add(time.Nanosecond), Until: at.Add(-time.Nanosecond)}) {
		t.Fatal("there are no events")
	}
	require.Equal(t, []rbac.EventQuery{{Since: at.Add(time.Microsecond), Until: at}}, store.asked)
	for _, err := range az.Events(t.Context(), rbac.EventQuery{Since: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}) {
		require.ErrorContains(t, err, "since: is out of range")
		require.ErrorIs(t, err, rbac.ErrInvalid)
	}
}

// queries notes which events a Store is asked for.
type queries struct {
	rbac.Store
	asked []rbac.EventQuery
}

func (s *queries) View(ctx context.Context, workspace string, fn func(rbac.Reader) error) error {
	return s.Store.View(ctx, workspace, func(r rbac.Reader) error { return fn(askedReader{r, s}) })
}

type askedReader struct {
	rbac.Reader
	store *queries
}

func (r askedReader) Events(q rbac.EventQuery) iter.Seq2[rbac.Event, error] {
	r.store.asked = append(r.store.asked, q)
	return r.Reader.Events(q)
}

// WhoCan knows teams and delegates.
func TestWhoCanOfTeamsAndLists(t *testing.T) {
	t.Parallel()
	l, ctx := newListWorld(t), t.Context()
	l.role(t, "Lead", reads(rbac.Team), "Clerk")
	assign(t, l.w, l.id["Lead"], "lea")
	setTeam(t, l.w, "north", "lea")
	var got []string
	for h, err := range l.w.WhoCan(ctx, rbac.Deals, rbac.Read) {
		require.NoError(t, err)
		got = append(got, fmt.Sprint(h.Member.User, " ", h.RoleName, " ", h.Scope, " ", h.Member.Team, h.Delegate))
	}
	require.Equal(t, []string{"ada Administrator all false", "lea Lead team northtrue", "stan Sales all false"}, got)
	for q, field := range map[*rbac.EventQuery]string{
		{Kinds: []rbac.EventKind{"a", "\xff"}}: "kinds[1]", {Role: "\x00"}: "role", {User: "\x00"}: "user", {Actor: "\xff"}: "actor",
	} {
		for _, err := range l.w.Events(ctx, *q) {
			require.ErrorIs(t, err, rbac.ErrInvalid)
			require.ErrorContains(t, err, field)
		}
	}
	for _, err := range l.w.Members(ctx, rbac.MemberQuery{Team: "\x00"}) {
		require.ErrorContains(t, err, "team")
	}
}
