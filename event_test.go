package rbac_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

// chainHash computes the hash of an event from the documentation of Event
// alone, by other means than the library.
func chainHash(t testing.TB, workspace string, previous rbac.Revision, e rbac.Event) [32]byte {
	t.Helper()
	if previous.Seq == 0 {
		previous.Hash = sha256.Sum256([]byte("rbac events v1\n" + workspace))
	}
	return sha256.Sum256(append(previous.Hash[:], canonicalForm(t, e)...))
}

// canonicalForm returns an event's JSON form without "hash", in the JSON
// Canonicalization Scheme (RFC 8785).
func canonicalForm(t testing.TB, e rbac.Event) []byte {
	t.Helper()
	form, err := e.MarshalJSON()
	require.NoError(t, err)
	d := json.NewDecoder(bytes.NewReader(form))
	d.UseNumber()
	var object map[string]any
	require.NoError(t, d.Decode(&object))
	delete(object, "hash")
	return appendJCS(t, nil, object)
}

// appendJCS writes the values that an event is made of. encoding/json differs
// from RFC 8785 in strings only by escaping U+2028 and U+2029, which the
// library refuses to store, and what is special in HTML, unless told not to.
func appendJCS(t testing.TB, b []byte, value any) []byte {
	t.Helper()
	switch v := value.(type) {
	case map[string]any:
		b = append(b, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJCS(t, b, key), ':')
			b = appendJCS(t, b, v[key])
		}
		return append(b, '}')
	case string:
		var out bytes.Buffer
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		require.NoError(t, e.Encode(v))
		return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
	case json.Number:
		return append(b, v...)
	case bool:
		require.True(t, v, "false is left out")
		return append(b, "true"...)
	}
	t.Fatalf("an event has no %T", value)
	return nil
}

// history makes one event of each kind and returns them with the moments in
// which they were made.
func recorded(t testing.TB, w *rbac.Workspace) []rbac.Event {
	t.Helper()
	ctx := t.Context()
	system, ada := w.System("set-up"), w.As("ada")
	require.NoError(t, system.Assign(ctx, rbac.Administrator, "ada"))
	time.Sleep(time.Second)
	role, err := ada.CreateRole(ctx, rbac.Role{
		Name: "Sales \"lead\" <é> & \\ 🦊", Description: "Line separators and = marks stay: \u00a0 \u200b /",
		Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}, rbac.Audit: {Read: rbac.All}},
	})
	require.NoError(t, err)
	time.Sleep(time.Second)
	role.Name, role.Permissions = "Sales", rbac.Permissions{rbac.Tasks: {Manage: rbac.All}}
	role, err = ada.UpdateRole(ctx, role)
	require.NoError(t, err)
	time.Sleep(1500 * time.Microsecond)
	require.NoError(t, ada.Assign(ctx, role.ID, "bob"))
	require.NoError(t, ada.Suspend(ctx, "bob"))
	require.NoError(t, ada.Reinstate(ctx, "bob"))
	require.NoError(t, ada.Assign(ctx, rbac.Administrator, "bob"))
	require.NoError(t, ada.Remove(ctx, "bob"))
	require.NoError(t, system.DeleteRole(ctx, role.ID))
	return eventsOf(t, w, rbac.EventQuery{})
}

func eventsOf(t testing.TB, w *rbac.Workspace, q rbac.EventQuery) []rbac.Event {
	t.Helper()
	var events []rbac.Event
	for e, err := range w.Events(t.Context(), q) {
		require.NoError(t, err)
		events = append(events, e)
	}
	return events
}

// V1: one event per changed role or member: who, when, what, before, after.
func TestEventsRecordWhoWhenWhatBeforeAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		az := openOn(t, store)
		start := time.Now().UTC()
		events := recorded(t, az.Workspace)

		kinds := []struct {
			kind          rbac.EventKind
			actor, reason string
			after         time.Duration
		}{
			{rbac.MemberAssigned, "", "set-up", 0},
			{rbac.RoleCreated, "ada", "", time.Second},
			{rbac.RoleUpdated, "ada", "", 2 * time.Second},
			{rbac.MemberAssigned, "ada", "", 2*time.Second + 1500*time.Microsecond},
			{rbac.MemberSuspended, "ada", "", 2*time.Second + 1500*time.Microsecond},
			{rbac.MemberReinstated, "ada", "", 2*time.Second + 1500*time.Microsecond},
			{rbac.MemberAssigned, "ada", "", 2*time.Second + 1500*time.Microsecond},
			{rbac.MemberRemoved, "ada", "", 2*time.Second + 1500*time.Microsecond},
			{rbac.RoleDeleted, "", "set-up", 2*time.Second + 1500*time.Microsecond},
		}
		require.Len(t, events, len(kinds))
		for i, want := range kinds {
			e := events[i]
			require.EqualValues(t, i+1, e.Seq)
			require.Equal(t, want.kind, e.Kind, "event %d", e.Seq)
			require.Equal(t, want.actor, e.Actor, "event %d", e.Seq)
			require.Equal(t, want.reason, e.Reason, "event %d", e.Seq)
			require.Equal(t, start.Add(want.after), e.Time, "event %d", e.Seq)
		}

		ada, bob := events[0].MemberAfter, events[3].MemberAfter
		require.Nil(t, events[0].MemberBefore)
		require.Equal(t, &rbac.Member{User: "ada", Role: rbac.Administrator, UpdatedAt: start}, ada)

		created, updated := events[1].RoleAfter, events[2].RoleAfter
		require.Nil(t, events[1].RoleBefore)
		require.Equal(t, start.Add(time.Second), created.CreatedAt)
		require.Equal(t, created.CreatedAt, created.UpdatedAt)
		require.Equal(t, created, events[2].RoleBefore)
		require.Equal(t, "Sales", updated.Name)
		require.Equal(t, rbac.Permissions{rbac.Tasks: {Manage: rbac.All}}, updated.Permissions)
		require.Equal(t, created.CreatedAt, updated.CreatedAt)
		require.Equal(t, start.Add(2*time.Second), updated.UpdatedAt)
		require.Equal(t, updated, events[8].RoleBefore)
		require.Nil(t, events[8].RoleAfter)

		require.Nil(t, events[3].MemberBefore)
		require.Equal(t, updated.ID, bob.Role)
		require.Equal(t, bob, events[4].MemberBefore)
		require.True(t, events[4].MemberAfter.Suspended)
		require.Equal(t, events[4].MemberAfter, events[5].MemberBefore)
		require.False(t, events[5].MemberAfter.Suspended)
		require.Equal(t, rbac.Administrator, events[6].MemberAfter.Role)
		require.Equal(t, events[6].MemberAfter, events[7].MemberBefore)
		require.Nil(t, events[7].MemberAfter)
		checkInvariants(t, store, "")
	})
}

// V1 and A14: a change of many is one event each, in the order of their ids,
// at one time.
func TestEventsOfOneChange(t *testing.T) {
	t.Parallel()
	az := openOn(t, newStore(t))
	require.NoError(t, az.System("seed").Assign(t.Context(), rbac.Administrator, "cy", "ada", "bob", "ada"))
	events := eventsOf(t, az.Workspace, rbac.EventQuery{})
	require.Len(t, events, 3)
	for i, user := range []string{"ada", "bob", "cy"} {
		require.Equal(t, user, events[i].MemberAfter.User)
		require.Equal(t, events[0].Time, events[i].Time)
		require.Equal(t, "seed", events[i].Reason)
	}
}

// V2: each hash is that of the documented canonical form after the previous.
func TestEventHashesAreAsDocumented(t *testing.T) {
	t.Parallel()
	for _, workspace := range []string{"", "acme", "a \"quoted\" & <odd> 🦊 id"} {
		synctest.Test(t, func(t *testing.T) {
			w := openOn(t, newStore(t)).For(workspace)
			at := rbac.Revision{}
			for _, e := range recorded(t, w) {
				require.Equal(t, chainHash(t, workspace, at, e), e.Hash, "event %d: %s", e.Seq, canonicalForm(t, e))
				at = e.Revision()
			}
			require.NoError(t, w.VerifyEvents(t.Context()))
		})
	}
}

// The canonical form itself, so that the two implementations cannot be wrong
// in the same way.
func TestEventCanonicalFormExample(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 123450000, time.UTC)
	e := rbac.Event{
		Seq: 7, Time: at, Kind: rbac.RoleUpdated, Actor: "ada",
		RoleBefore: &rbac.Role{ID: "r1", Name: "Sales", Version: 1, CreatedAt: at, UpdatedAt: at},
		RoleAfter: &rbac.Role{
			ID: "r1", Name: `S "<&>" é`, Description: "Sells.", Version: 2, CreatedAt: at, UpdatedAt: at.Add(time.Hour),
			Permissions: rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.Own}, rbac.Contacts: {Read: rbac.Own}, rbac.Tasks: {}},
		},
		Hash: [32]byte{1},
	}
	require.Equal(t, `{"actor":"ada","kind":"role.updated",`+
		`"roleAfter":{"createdAt":"2026-03-01T12:00:00.12345Z","description":"Sells.","id":"r1","name":"S \"<&>\" é",`+
		`"permissions":{"contacts":{"manage":"none","read":"own"},"deals":{"manage":"own","read":"all"}},`+
		`"updatedAt":"2026-03-01T13:00:00.12345Z","version":2},`+
		`"roleBefore":{"createdAt":"2026-03-01T12:00:00.12345Z","id":"r1","name":"Sales","permissions":{},`+
		`"updatedAt":"2026-03-01T12:00:00.12345Z","version":1},`+
		`"seq":7,"time":"2026-03-01T12:00:00.12345Z"}`, string(canonicalForm(t, e)))
}

// What another program wrote is hashed alike: characters that JSON escapes,
// and keys whose order in UTF-16 is not that of their bytes.
func TestEventHashesOfWhatAnotherProgramWrote(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), newStore(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	forge(t, store, "", rbac.Event{
		Time: at, Kind: rbac.MemberAssigned, Reason: "\b\t\n\f\r\x01\x1f\x7f\"\\/<>&\u00a0\ufffd😀",
		MemberAfter: &rbac.Member{User: "a\x00b", Role: "\x1b", UpdatedAt: at},
	})
	const form = `{"kind":"role.created","reason":"x","roleAfter":{"name":"R","permissions":{` +
		`"a":{"manage":"none","read":"own"},"\U0001f600":{"manage":"own","read":"all"},"\uff5e":{"manage":"all","read":"none"}` +
		`},"system":true},"seq":2,"time":"2026-03-01T12:00:00Z"}`
	require.Less(t, "\uff5e", "\U0001f600", "by bytes")
	before := contentsOf(t, store, "").Revision
	update(t, store, "", func(tx rbac.Tx) error {
		return tx.AppendEvents(rbac.Event{
			Seq: 2, Time: at, Kind: rbac.RoleCreated, Reason: "x", RoleAfter: &rbac.Role{Name: "R", System: true, Permissions: rbac.Permissions{
				"\U0001f600": access(rbac.All, rbac.Own), "\uff5e": access(rbac.None, rbac.All), "a": access(rbac.Own, rbac.None),
			}},
			Hash: sha256.Sum256(append(before.Hash[:], strings.NewReplacer(`\U0001f600`, "\U0001f600", `\uff5e`, "\uff5e").Replace(form)...)),
		})
	})
	require.NoError(t, openOn(t, store).VerifyEvents(ctx))
}

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
				store := newFaultStore(newStore(t))
				az := openOn(t, store)
				events := test.tamper(recorded(t, az.Workspace))
				store.setRows(&rowFaults{events: listed(events)})
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
		store := newFaultStore(newStore(t))
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
		store.setRows(&rowFaults{events: listed(forged)})
		var tampered *rbac.TamperedError
		require.ErrorAs(t, acme.VerifyEvents(t.Context()), &tampered)
		require.EqualValues(t, 9, tampered.Seq, "the events contradict the workspace's revision")

		store.setRows(&rowFaults{events: listed(events)})
		require.NoError(t, acme.VerifyEvents(t.Context()))
		require.ErrorAs(t, other.VerifyEvents(t.Context()), &tampered)
		require.EqualValues(t, 1, tampered.Seq, "the chain of one workspace cannot pose as another's")
	})
}

// A workspace without events is intact; one that cannot be read is not known.
func TestVerifyEventsWithoutAnswer(t *testing.T) {
	t.Parallel()
	store := newFaultStore(newStore(t))
	az := openOn(t, store)
	require.NoError(t, az.VerifyEvents(t.Context()))
	require.NoError(t, az.System("seed").Assign(t.Context(), rbac.Administrator, "ada"))
	for name, fault := range map[string]func(){
		"no View":   func() { store.set(opView, failing(errBoom)) },
		"no events": func() { store.setRows(&rowFaults{events: broken[rbac.Event](1)}) },
	} {
		fault()
		err := az.VerifyEvents(t.Context())
		require.ErrorIs(t, err, errBoom, name)
		require.NotErrorIs(t, err, rbac.ErrTampered, name)
		store.set(opView, nil)
	}
	require.ErrorIs(t, az.For("a\x00b").VerifyEvents(t.Context()), rbac.ErrInvalid)
	require.NoError(t, az.Close())
	require.ErrorIs(t, az.VerifyEvents(t.Context()), rbac.ErrClosed)
}

// Events returns what its query selects.
func TestEventsQuery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		az := openOn(t, newStore(t))
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
		store := newStore(t)
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
	store := newFaultStore(newStore(t))
	az := openOn(t, store)
	require.NoError(t, az.System("seed").Assign(t.Context(), rbac.Administrator, "ada", "bob"))
	require.PanicsWithValue(t, "mine", func() {
		for range az.Events(t.Context(), rbac.EventQuery{}) {
			panic("mine")
		}
	})
	store.setRows(&rowFaults{events: broken[rbac.Event](1)})
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

	store.setRows(nil)
	store.set(opView, panicking)
	for _, err := range az.Events(t.Context(), rbac.EventQuery{}) {
		require.ErrorContains(t, err, "the store has a bug")
	}
	store.set(opView, twice)
	n := 0
	for _, err := range az.Events(t.Context(), rbac.EventQuery{}) {
		if n++; err != nil {
			require.Equal(t, 3, n, "what was yielded is not yielded again: %v", err)
		}
	}
	require.Equal(t, 3, n)
	require.False(t, errors.Is(last, rbac.ErrTampered))
}

// listed yields these events, whatever the store has.
func listed(events []rbac.Event) func(rowSeq[rbac.Event]) rowSeq[rbac.Event] {
	return func(rowSeq[rbac.Event]) rowSeq[rbac.Event] {
		return func(yield func(rbac.Event, error) bool) {
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// EventKind values are stored and sent to webhooks: they stay as they are.
func TestEventKinds(t *testing.T) {
	t.Parallel()
	kinds := []rbac.EventKind{
		rbac.RoleCreated, rbac.RoleUpdated, rbac.RoleDeleted,
		rbac.MemberAssigned, rbac.MemberRemoved, rbac.MemberSuspended, rbac.MemberReinstated,
	}
	var names []string
	for _, kind := range kinds {
		names = append(names, string(kind))
	}
	require.Equal(t, "role.created role.updated role.deleted member.assigned member.removed member.suspended member.reinstated",
		strings.Join(names, " "))
}
