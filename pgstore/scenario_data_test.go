package pgstore_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

// Malformed rows grant nothing and are reported; the rest serves.
func TestScenario26_MalformedRows(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{})
	assign(t, in.Workspace, rbac.Administrator, "ann", "zoe")
	good := addRole(t, in.Workspace, "Good", deals(rbac.All))
	assign(t, in.Workspace, good.ID, "bob")
	for i, permissions := range []string{`{"deals": 7}`, `{"deals": {"read": "everything"}}`, `{"deals": {"read": "all", "write": "all"}}`, `{"Deals": {"read": "all"}}`, `{"deals": null}`} {
		d.exec("INSERT INTO roles VALUES ('', $1, $1, '', $2::text::jsonb, 1, now(), now())", fmt.Sprint("bad", i), permissions)
		d.exec("INSERT INTO members VALUES ('', $1, $2, false, now())", fmt.Sprint("holder", i), fmt.Sprint("bad", i))
	}
	d.exec(`INSERT INTO roles VALUES ('', 'nameless', '', '', '{"deals": {"read": "all"}}', 1, now(), now())`)
	d.exec(`INSERT INTO members VALUES ('', E'con\x01trol', 'administrator', false, now()), ('', ' ', 'administrator', false, now()), ('', 'lost', 'no such role', false, now()), ('', 'm', 'nameless', false, now())`)
	fresh := d.instance(setup{})
	for _, user := range []string{"holder0", "holder1", "holder2", "holder3", "holder4", "con\x01trol", " ", "lost", "m"} {
		require.False(t, can(fresh.Workspace, user), "%q", user)
	}
	require.True(t, can(fresh.Workspace, "ann"))
	require.True(t, can(fresh.Workspace, "zoe"))
	require.True(t, can(fresh.Workspace, "bob"))
	findings, err := fresh.Lint(ctx)
	require.NoError(t, err)
	report := fmt.Sprint(findings)
	for _, id := range []string{"bad0", "bad1", "bad2", "bad3", "bad4", "nameless"} {
		require.Contains(t, report, id)
	}
	err = fresh.store.View(ctx, "", func(r rbac.Reader) error {
		_, err := r.Role("bad0")
		return err
	})
	var malformed *rbac.MalformedError
	require.ErrorAs(t, err, &malformed)
	require.Equal(t, "bad0", malformed.ID)
	require.NoError(t, fresh.As("ann").Assign(ctx, good.ID, "carl"), "administration goes on")

	d.exec(`UPDATE events SET document = jsonb_build_object('seq', seq, 'nonsense', true) WHERE seq = 2`)
	var tampered *rbac.TamperedError
	require.ErrorAs(t, fresh.VerifyEvents(ctx), &tampered)
	require.Equal(t, int64(2), tampered.Seq)
	d.exec(`UPDATE events SET document = jsonb_build_object('seq', seq, 'time', now(), 'kind', 'member.assigned') WHERE seq = 2`)
	require.ErrorIs(t, fresh.VerifyEvents(ctx), rbac.ErrTampered)
}

// What PostgreSQL refuses is refused by the library first, and by a store that
// is given it all the same, which writes nothing.
func TestScenario27_WhatPostgreSQLRefuses(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{})
	assign(t, in.Workspace, rbac.Administrator, "ann")
	for _, bad := range []string{"a\x00b", "\xff"} {
		require.ErrorContains(t, in.store.View(ctx, bad, nil), "cannot be stored")
		require.ErrorContains(t, in.store.Update(ctx, bad, nil), "cannot be stored")
		found, err := in.store.Revisions(ctx, []string{bad})
		require.NoError(t, err)
		require.Empty(t, found)
		require.NoError(t, in.store.Update(ctx, "", func(tx rbac.Tx) error {
			_, err := tx.Role(rbac.RoleID(bad))
			require.ErrorIs(t, err, rbac.ErrRoleNotFound)
			_, err = tx.Member(bad)
			require.ErrorIs(t, err, rbac.ErrMemberNotFound)
			for _, q := range []rbac.MemberQuery{{Role: rbac.RoleID(bad)}, {After: bad}} {
				for _, err := range tx.Members(q) {
					require.ErrorContains(t, err, "cannot be stored")
				}
			}
			for m, err := range tx.Members(rbac.MemberQuery{Users: []string{bad, "ann"}}) {
				require.NoError(t, err)
				require.Equal(t, "ann", m.User)
			}
			require.NoError(t, tx.DeleteRole(rbac.RoleID(bad)))
			return tx.DeleteMembers(bad)
		}))
		member, role := rbac.Member{User: bad, Role: "r"}, rbac.Role{ID: "r", Name: bad}
		for _, write := range []func(tx rbac.Tx) error{
			func(tx rbac.Tx) error { return tx.PutRole(role) },
			func(tx rbac.Tx) error { return tx.PutMembers(member) },
			func(tx rbac.Tx) error { return tx.AppendEvents(rbac.Event{Seq: 2, Reason: bad}) },
			func(tx rbac.Tx) error { return tx.AppendEvents(rbac.Event{Seq: 2, MemberAfter: &member}) },
			func(tx rbac.Tx) error { return tx.AppendEvents(rbac.Event{Seq: 2, RoleBefore: &role}) },
		} {
			err := in.store.Update(ctx, "", func(tx rbac.Tx) error {
				require.ErrorContains(t, write(tx), "cannot be stored")
				return nil // the store knows
			})
			require.ErrorContains(t, err, "cannot be stored")
		}
		require.ErrorContains(t, in.store.Update(ctx, "", func(tx rbac.Tx) error {
			return tx.AppendEvents(rbac.Event{Seq: 7})
		}), "event 7 was appended where event 2 belongs")
	}
	require.Equal(t, 1, d.number("SELECT revision FROM workspaces"))
	checkInvariants(t, in.store, "")
}

// An event cannot be written: the change fails too.
func TestScenario43_EventCannotBeWritten(t *testing.T) {
	ctx, d := t.Context(), newDatabase(t)
	in := d.instance(setup{})
	assign(t, in.Workspace, rbac.Administrator, "ann")
	d.exec("ALTER TABLE events ADD CONSTRAINT no_more CHECK (seq < 2)")
	require.Error(t, in.As("ann").Assign(ctx, rbac.Administrator, "bob"))
	require.False(t, can(in.Workspace, "bob"))
	require.Equal(t, 1, d.number("SELECT count(*) FROM members"))
	checkInvariants(t, in.store, "")
}

// One schema's rows and notifications never show in another's.
func TestScenario44_SchemasAreApart(t *testing.T) {
	d, e := newDatabase(t), newDatabase(t)
	in, elsewhere := d.instance(setup{}), e.instance(setup{})
	hints := workspacetest.Listen(t, in.store)
	assign(t, elsewhere.For("w"), rbac.Administrator, "ann", "eve")
	assign(t, in.For("w"), rbac.Administrator, "ann")
	assign(t, in.For("last"), rbac.Administrator, "ann")
	soon(t, 20*time.Second, "the last change is announced", func() bool { return slices.Contains(hints(), "last") })
	require.Equal(t, []string{"w", "last"}, hints())
	require.True(t, can(elsewhere.For("w"), "eve"))
	require.False(t, can(in.For("w"), "eve"))
	require.False(t, can(elsewhere.For("last"), "ann"))
	checkInvariants(t, in.store, "w")
	checkInvariants(t, in.store, "last")
	checkInvariants(t, elsewhere.store, "w")
}
