package rbac_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
)

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

// V1: one event per changed role or member: who, when, what, before, after.
func TestEventsRecordWhoWhenWhatBeforeAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := rbac.NewMemStore()
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
	az := openOn(t, rbac.NewMemStore())
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
			w := openOn(t, rbac.NewMemStore()).For(workspace)
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
	ctx, store := t.Context(), rbac.NewMemStore()
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
