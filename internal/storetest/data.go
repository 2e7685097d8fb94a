package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/areagate/rbac"
)

// put writes roles and members, and the events behind those that are there.
func (s state) put(t testing.TB, store rbac.Store, workspace string) {
	t.Helper()
	must(t, store.Update(context.Background(), workspace, func(tx rbac.Tx) error {
		at, err := tx.Revision()
		must(t, err)
		for _, role := range s.roles {
			must(t, tx.PutRole(role))
		}
		must(t, tx.PutMembers(s.members...))
		return tx.AppendEvents(s.events[at.Seq:]...)
	}))
}

// changeAt makes changes as an instance would whose clock says that it is
// another time.
func changeAt(t *testing.T, at time.Time, store rbac.Store, workspace string, change func(*rbac.Workspace)) {
	t.Helper()
	s := stateOf(t, store, workspace)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(at)) // the clock in here begins in the year 2000
		memory := rbac.NewMemStore()
		s.put(t, memory, workspace)
		az, err := rbac.Open(t.Context(), memory)
		must(t, err)
		defer az.Close()
		change(az.For(workspace))
		s = stateOf(t, memory, workspace)
	})
	that(t, s.events[len(s.events)-1].Time.Sub(at).Abs() < time.Minute, "the change was made at", at)
	s.put(t, store, workspace)
}

// Instances whose clocks are a year off, either way: their changes decide as
// those of any other, and the order of events is that of their numbers.
func instancesAYearOff(t *testing.T, db Database) {
	const year = 365 * 24 * time.Hour
	for id, off := range map[string]time.Duration{"ahead": year, "behind": -year} {
		t.Run(id, func(t *testing.T) {
			ctx, store := t.Context(), db.Store()
			both := []*rbac.Workspace{Open(t, store, Quiet()...).For(id), Open(t, Deaf(db.Store()), Brisk()...).For(id)}
			everywhere := func(user string, want bool) {
				t.Helper()
				for _, w := range both {
					Soon(t, 5*time.Second, fmt.Sprint(user, want), func() bool { return Can(w, user) == want })
				}
			}
			at := time.Now().Add(off)
			var viewer rbac.Role
			changeAt(t, at, store, id, func(w *rbac.Workspace) {
				Assign(t, w, rbac.Administrator, "ann")
				viewer = AddRole(t, w, "Viewer", ReadsDeals(rbac.All))
				Assign(t, w, viewer.ID, "vic")
			})
			everywhere("vic", true)
			must(t, both[0].As("ann").Assign(ctx, viewer.ID, "sue")) // by the right clock
			everywhere("sue", true)
			changeAt(t, at, store, id, func(w *rbac.Workspace) {
				must(t, w.As("ann").Suspend(t.Context(), "vic", "sue"))
			})
			everywhere("vic", false)
			everywhere("sue", false)
			must(t, both[1].As("ann").Reinstate(ctx, "vic"))
			everywhere("vic", true)
			changeAt(t, at.Add(-off), store, id, func(w *rbac.Workspace) { // jumps back
				viewer.Permissions = nil
				_, err := w.As("ann").UpdateRole(t.Context(), viewer)
				must(t, err)
			})
			everywhere("vic", false)
			everywhere("ann", true)
			that(t, !Can(Open(t, db.Store()).For(id), "vic"))
			CheckInvariants(t, store, id)
		})
	}
}

// An area or action that does not exist is denied, with the reason. A row of a
// newer program grants nothing in areas that this one does not know.
func unknownAreaOrAction(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	w := Open(t, store).For("w")
	Assign(t, w, rbac.Administrator, "ann")
	role := AddRole(t, w, "Newer", ReadsDeals(rbac.All))
	Assign(t, w, role.ID, "bob")
	newer := role
	newer.Permissions = rbac.Permissions{rbac.Deals: {Read: rbac.All}, "invoices": {Read: rbac.All, Manage: rbac.All}}
	must(t, store.Update(ctx, "w", func(tx rbac.Tx) error { return tx.PutRole(newer) }))
	fresh := workspace(t, db)
	for _, user := range []string{"ann", "bob"} {
		that(t, Can(fresh, user))
		for _, area := range []rbac.Area{"invoices", "", "DEALS"} {
			decision, err := fresh.Explain(ctx, user, area, rbac.Read)
			must(t, err)
			equal(t, rbac.ReasonUnknownArea, decision.Reason)
			that(t, !decision.Allowed && !fresh.Can(ctx, user, area, rbac.Read), user, "in", area)
		}
		that(t, !fresh.Can(ctx, user, rbac.Deals, 7))
	}
	role.Description = "edited by this program"
	_, err := fresh.As("ann").UpdateRole(ctx, role)
	must(t, err)
	equal(t, rbac.Access{Read: rbac.All, Manage: rbac.All}, stateOf(t, store, "w").roles[0].Permissions["invoices"], "it survives an edit")
}

// Ids that are no ids are refused by the library, before a database sees them.
func badIDsAreRefused(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	w := Open(t, store).For("w")
	Assign(t, w, rbac.Administrator, "ann")
	before := stateOf(t, store, "w")
	for _, user := range []string{"", " ", strings.Repeat("x", 256), "\xff", "a\x00b", "a\x01b", "a\nb", "a\x7f"} {
		for _, admin := range []*rbac.Admin{w.System("test"), w.As("ann")} {
			mustBe(t, admin.Assign(ctx, rbac.Administrator, user), rbac.ErrInvalid, user)
			_, err := admin.CreateRole(ctx, rbac.Role{Name: user + "\x00"})
			mustBe(t, err, rbac.ErrInvalid, user)
		}
		that(t, !Can(w, user), user)
		that(t, !w.CanRecord(ctx, user, rbac.Deals, rbac.Read, user), user)
	}
	equal(t, before, stateOf(t, store, "w"))
}

// User ids are compared byte for byte.
func usersAreComparedByteForByte(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one, two := Open(t, store).For("w"), workspace(t, db)
	Assign(t, one, rbac.Administrator, "Bob", "\u00e9")
	for _, w := range []*rbac.Workspace{one, two} {
		must(t, w.Sync(ctx))
		for user, want := range map[string]bool{
			"Bob": true, "bob": false, "BOB": false, "Bob ": false, " Bob": false, "B\u00f6b": false, "\u00e9": true, "e\u0301": false,
		} {
			equal(t, want, Can(w, user), user)
		}
	}
	mustBe(t, one.System("test").Remove(ctx, "bob"), rbac.ErrMemberNotFound)
	CheckInvariants(t, store, "w")
}

// Role names that differ only in case, blanks or Unicode form are the same,
// also when several instances create them at the same moment.
func namesThatAreTheSame(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	instances := []*rbac.Workspace{Open(t, store).For("w"), workspace(t, db), workspace(t, db)}
	Assign(t, instances[0], rbac.Administrator, "ann")
	for round := range Scaled(40) {
		names := []string{"Caf\u00e9 ", " CAFE\u0301 ", "cafe\u0301 "}
		var fns []func() error
		for i, w := range instances {
			fns = append(fns, func() error {
				_, err := w.System("test").CreateRole(ctx, rbac.Role{Name: fmt.Sprint(names[i], round)})
				return err
			})
		}
		made := 0
		for _, err := range Together(fns...) {
			if err == nil {
				made++
			} else {
				mustBe(t, err, rbac.ErrNameTaken)
			}
		}
		equal(t, 1, made, "roles with one name in round", round)
	}
	CheckInvariants(t, store, "w")
}

// A user or a name that is used again inherits nothing.
func idsUsedAgain(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	one, two := Open(t, Deaf(store), Quiet()...).For("w"), Open(t, Deaf(db.Store()), Quiet()...).For("w")
	Assign(t, one, rbac.Administrator, "ann", "bob")
	that(t, Can(two, "bob"))
	must(t, one.System("test").Suspend(ctx, "bob"))
	must(t, one.System("test").Remove(ctx, "bob"))
	role := AddRole(t, one, "Sales", ReadsDeals(rbac.All))
	must(t, one.System("test").DeleteRole(ctx, role.ID))
	again := AddRole(t, two, "Sales", nil)
	that(t, role.ID != again.ID, "the id of a deleted role is given again")
	Assign(t, two, again.ID, "bob")
	must(t, one.Sync(ctx))
	for _, w := range []*rbac.Workspace{one, two} {
		decision, err := w.Explain(ctx, "bob", rbac.Deals, rbac.Read)
		must(t, err)
		that(t, !decision.Allowed)
		equal(t, "Sales", decision.RoleName, "the suspension is not inherited either")
	}
	CheckInvariants(t, store, "w")
}

// A forged row of a system role is ignored: the code's definition decides.
func forgedSystemRole(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	Assign(t, Open(t, store).For("w"), rbac.Administrator, "ann")
	must(t, store.Update(ctx, "w", func(tx rbac.Tx) error {
		return errors.Join(
			tx.PutRole(rbac.Role{ID: rbac.Administrator, Name: "Forged", System: true, Version: 1}),
			tx.PutRole(rbac.Role{ID: "viewer", Name: "Forged too", System: true, Version: 1, Permissions: rbac.Permissions{
				rbac.Deals: {Read: rbac.All}, rbac.Users: {Read: rbac.All, Manage: rbac.All},
			}}),
			tx.PutMembers(rbac.Member{User: "bob", Role: "viewer"}),
		)
	}))
	w := workspace(t, db, rbac.WithSystemRoles(rbac.Role{ID: "viewer", Name: "Viewer", Permissions: ReadsDeals(rbac.Own)}))
	that(t, Can(w, "ann") && w.Can(ctx, "ann", rbac.Users, rbac.Manage))
	that(t, !Can(w, "bob") && w.CanRecord(ctx, "bob", rbac.Deals, rbac.Read, "bob"))
	that(t, !w.Can(ctx, "bob", rbac.Users, rbac.Manage))
	mustBe(t, w.As("bob").Assign(ctx, "viewer", "eve"), rbac.ErrDenied)
	roles, err := w.Roles(ctx)
	must(t, err)
	equal(t, 2, len(roles))
	that(t, !strings.Contains(fmt.Sprint(roles), "Forged"), roles)
}

// One workspace's ids, names, events and notifications never show in
// another's.
func workspacesAreApart(t *testing.T, db Database) {
	ctx, store := t.Context(), db.Store()
	az := Open(t, store)
	Assign(t, az.For("before"), rbac.Administrator, "ann")
	hints := func() []string { return nil }
	notifier, notifies := store.(rbac.Notifier)
	if notifies {
		hints = Listen(t, notifier)
	}
	workspaces := []string{"", "a", "A", "a ", "a%", "b"}
	for i, id := range workspaces {
		AddRole(t, az.For(id), "Same", ReadsDeals(rbac.All))
		Assign(t, az.For(id), rbac.Administrator, fmt.Sprint("user", i))
		if notifies {
			Soon(t, 5*time.Second, "it is announced", func() bool { h := hints(); return len(h) > 0 && h[len(h)-1] == id })
		}
	}
	for i, id := range workspaces {
		for j := range workspaces {
			equal(t, i == j, Can(az.For(id), fmt.Sprint("user", j)))
		}
		equal(t, []string{fmt.Sprint("user", i)}, Administrators(t, az.For(id)))
		equal(t, int64(2), revision(t, store, id))
		that(t, !Can(az.For(id), "ann"))
		must(t, az.For(id).VerifyEvents(ctx))
	}
	for _, id := range hints() {
		that(t, id != "before", "a workspace that nobody changed is announced")
	}
	equal(t, int64(1), revision(t, store, "before"))
	CheckInvariants(t, store, workspaces...)
}

// A user whose id is a role's id or name gets nothing from it.
func userNamedLikeARole(t *testing.T, db Database) {
	store := db.Store()
	w := Open(t, store).For("w")
	role := AddRole(t, w, "Sales", ReadsDeals(rbac.All))
	empty := AddRole(t, w, "Empty", nil)
	Assign(t, w, rbac.Administrator, "ann")
	names := []string{string(role.ID), "Sales", "administrator", "Administrator", "Empty"}
	for _, user := range names {
		that(t, !Can(w, user), user)
	}
	Assign(t, w, empty.ID, names...)
	fresh := workspace(t, db)
	for _, user := range names {
		that(t, !Can(fresh, user), user)
	}
	CheckInvariants(t, store, "w")
}
