package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/areagate/rbac"
)

var valueChecks = []check{
	{
		"a store knows no rule",
		`It does not judge what it is given, knows no rule, and returns what was put, no more and no less.`,
		func(t *checkT) {
			unruly := []rbac.Role{
				{ID: "empty"},
				{ID: "nothing", Name: "Twice", Permissions: rbac.Permissions{}},
				{ID: "owned", Name: "Twice", Permissions: rbac.Permissions{rbac.API: {Manage: rbac.Own}}, Version: 7},
				{ID: rbac.Administrator, Name: " Administrator ", Version: 1 << 40},
				{ID: "lists", Assigns: []rbac.RoleID{"z", "lists", "a", "z", rbac.Administrator}},
			}
			member := rbac.Member{User: "ann", Role: "missing", Team: "missing", Suspended: true}
			event := rbac.Event{
				Seq: 1, Kind: "unknown.kind", Reason: "why", Form: 1 << 40, Limited: true,
				RoleBefore: &rbac.Role{ID: "old", Assigns: []rbac.RoleID{"b", "a", "b"}}, MemberAfter: &rbac.Member{Team: "missing"},
			}
			event.Hash[31] = 1
			t.update("w", func(tx rbac.Tx) error {
				for _, role := range unruly {
					if err := tx.PutRole(role); err != nil {
						return err
					}
				}
				if err := tx.PutMembers(member); err != nil {
					return err
				}
				return tx.AppendEvents(event)
			})
			slices.SortFunc(unruly, func(a, b rbac.Role) int { return cmp.Compare(a.ID, b.ID) })
			want := contents{revisionText(event.Revision()), unruly, []rbac.Member{member}, []rbac.Event{event}}
			t.equal(t.contents("w"), want, "what breaks every rule")

			t.update("w", func(tx rbac.Tx) error {
				role := unruly[0]
				role.Version = -1
				return tx.PutRole(role)
			})
			unruly[0].Version = -1
			t.equal(t.contents("w"), want, "after a role was put with a smaller version")
		},
	},
	{
		"areas that the program does not know are kept",
		`It does not judge what it is given, knows no rule, and returns what was put, no more and no less.`,
		func(t *checkT) {
			role := someRole("sales", 1)
			role.Permissions["invoices.v2"] = rbac.Access{Read: rbac.All}
			role.Permissions["a-b_c.9"] = rbac.Access{Read: rbac.Own, Manage: rbac.All}
			event := someEvents(rbac.Revision{}, 1)[0]
			event.RoleBefore, event.RoleAfter = &role, &role
			t.update("w", func(tx rbac.Tx) error {
				if err := tx.PutRole(role); err != nil {
					return err
				}
				return tx.AppendEvents(event)
			})
			got := t.contents("w")
			t.equal(got.Roles, []rbac.Role{role}, "a role with unknown areas")
			t.equal(got.Events, []rbac.Event{event}, "an event with unknown areas")
		},
	},
	{
		"user ids are compared byte for byte",
		`Identity: ids are compared byte for byte; "Bob" is not "bob".`,
		func(t *checkT) {
			ids := strangeIDs()
			members := make([]rbac.Member, len(ids))
			for i, id := range ids {
				members[i] = someMember(id, fmt.Sprint("role", i))
			}
			t.update("w", func(tx rbac.Tx) error { return tx.PutMembers(members...) })
			t.equal(t.contents("w").Members, members, "all members")
			t.view("w", func(r rbac.Reader) error {
				for i, id := range ids {
					got, err := r.Member(id)
					t.is(err, nil, "Member(%q)", id)
					t.equal(got, members[i], "Member(%q)", id)
					some, err := collect(r.Members(rbac.MemberQuery{Users: []string{id}}))
					t.is(err, nil, "Members with Users %q", id)
					t.equal(some, members[i:i+1], "Members with Users %q", id)
					some, err = collect(r.Members(rbac.MemberQuery{After: id, Limit: 2}))
					t.is(err, nil, "Members with After %q", id)
					t.equal(some, members[i+1:min(i+3, len(ids))], "Members with After %q", id)
				}
				return nil
			})

			var deleted []string
			var left []rbac.Member
			for i, id := range ids {
				if i%2 == 0 {
					deleted = append(deleted, id)
				} else {
					left = append(left, members[i])
				}
			}
			t.update("w", func(tx rbac.Tx) error { return tx.DeleteMembers(deleted...) })
			t.equal(t.contents("w").Members, left, "after every other member was deleted")
			t.view("w", func(r rbac.Reader) error {
				for _, id := range deleted {
					_, err := r.Member(id)
					t.is(err, rbac.ErrMemberNotFound, "Member(%q) after it was deleted", id)
				}
				return nil
			})
		},
	},
	{
		"team ids are compared byte for byte",
		`Identity: ids are compared byte for byte; "Bob" is not "bob".`,
		func(t *checkT) {
			ids := strangeIDs()
			members := make([]rbac.Member, len(ids))
			for i, id := range ids {
				members[i] = rbac.Member{User: fmt.Sprintf("user%03d", i), Role: "sales", Team: id}
			}
			t.update("w", func(tx rbac.Tx) error { return tx.PutMembers(members...) })
			t.equal(t.contents("w").Members, members, "all members")
			t.view("w", func(r rbac.Reader) error {
				for i, id := range ids {
					in, err := collect(r.Members(rbac.MemberQuery{Team: id}))
					t.is(err, nil, "Members with Team %q", id)
					t.equal(in, members[i:i+1], "Members with Team %q", id)
				}
				return nil
			})
		},
	},
	{
		"role ids are compared byte for byte",
		`Identity: ids are compared byte for byte; "Bob" is not "bob".`,
		func(t *checkT) {
			ids := strangeIDs()
			roles := make([]rbac.Role, len(ids))
			members := make([]rbac.Member, len(ids))
			for i, id := range ids {
				roles[i] = someRole(id, int64(i))
				members[i] = someMember(fmt.Sprint("user", i), id)
			}
			t.update("w", func(tx rbac.Tx) error {
				for _, role := range roles {
					if err := tx.PutRole(role); err != nil {
						return err
					}
				}
				return tx.PutMembers(members...)
			})
			t.equal(t.contents("w").Roles, roles, "all roles")
			t.view("w", func(r rbac.Reader) error {
				for i, id := range ids {
					got, err := r.Role(rbac.RoleID(id))
					t.is(err, nil, "Role(%q)", id)
					t.equal(got, roles[i], "Role(%q)", id)
					holders, err := collect(r.Members(rbac.MemberQuery{Role: rbac.RoleID(id)}))
					t.is(err, nil, "Members with Role %q", id)
					t.equal(holders, members[i:i+1], "Members with Role %q", id)
				}
				return nil
			})

			var left []rbac.Role
			t.update("w", func(tx rbac.Tx) error {
				left = nil
				for i, id := range ids {
					if i%2 == 1 {
						left = append(left, roles[i])
					} else if err := tx.DeleteRole(rbac.RoleID(id)); err != nil {
						return err
					}
				}
				return nil
			})
			t.equal(t.contents("w").Roles, left, "after every other role was deleted")
		},
	},
	{
		"texts come back byte for byte",
		`All ids, names and texts come back byte for byte, and times as the same instant in UTC: the library gives whole microseconds, and text that is valid UTF-8 without control characters.`,
		func(t *checkT) {
			texts := strangeTexts()
			events := someEvents(rbac.Revision{}, len(texts))
			roles := make([]rbac.Role, len(texts))
			for i, text := range texts {
				roles[i] = someRole(fmt.Sprintf("role%03d", i), 1)
				roles[i].Name, roles[i].Description, roles[i].Assigns = text, text, []rbac.RoleID{rbac.RoleID(text), "z"}
				member := someMember(text, text)
				member.Team, member.RoleName = text, text
				e := &events[i]
				e.Kind, e.Actor, e.Reason, e.Via = rbac.EventKind(text), text, text, text
				e.RoleBefore, e.RoleAfter, e.MemberBefore, e.MemberAfter = &roles[i], &roles[i], &member, &member
			}
			t.update("w", func(tx rbac.Tx) error {
				for _, role := range roles {
					if err := tx.PutRole(role); err != nil {
						return err
					}
				}
				return tx.AppendEvents(events...)
			})
			got := t.contents("w")
			t.equal(got.Roles, roles, "names and descriptions")
			t.equal(got.Events, events, "texts of events")
		},
	},
	{
		"times come back as the same instant in UTC",
		`All ids, names and texts come back byte for byte, and times as the same instant in UTC: the library gives whole microseconds, and text that is valid UTF-8 without control characters.`,
		func(t *checkT) {
			east := time.FixedZone("east", 2*60*60)
			for i, when := range []time.Time{
				noon, noon.Add(time.Microsecond), noon.In(east), noon.Local(), time.Now().Truncate(time.Microsecond),
				{}, time.Unix(0, 0), time.UnixMicro(-1), time.Date(1900, 1, 1, 0, 0, 0, 1000, time.UTC),
				time.Date(2400, 2, 29, 23, 59, 59, 999999000, east), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
			} {
				t.testTime(fmt.Sprint("w", i), when)
			}
		},
	},
}

// testTime puts an instant wherever a workspace has one.
func (t *checkT) testTime(workspace string, when time.Time) {
	t.Helper()
	role, member, event := someRole("sales", 1), someMember("ann", "sales"), someEvents(rbac.Revision{}, 1)[0]
	role.CreatedAt, role.UpdatedAt, member.UpdatedAt, event.Time = when, when, when, when
	event.RoleBefore, event.RoleAfter, event.MemberBefore, event.MemberAfter = &role, &role, &member, &member
	t.update(workspace, func(tx rbac.Tx) error {
		if err := tx.PutRole(role); err != nil {
			return err
		}
		if err := tx.PutMembers(member); err != nil {
			return err
		}
		return tx.AppendEvents(event)
	})
	c := t.contents(workspace)
	if len(c.Roles) != 1 || len(c.Members) != 1 || len(c.Events) != 1 {
		t.Fatalf("got %s, want one role, one member and one event", text(c))
	}
	e := c.Events[0]
	if e.RoleBefore == nil || e.RoleAfter == nil || e.MemberBefore == nil || e.MemberAfter == nil {
		t.Fatalf("got event %s, want the role and the member before and after", text(e))
	}
	for _, got := range []struct {
		what string
		time time.Time
	}{
		{"Role.CreatedAt", c.Roles[0].CreatedAt},
		{"Role.UpdatedAt", c.Roles[0].UpdatedAt},
		{"Member.UpdatedAt", c.Members[0].UpdatedAt},
		{"Event.Time", e.Time},
		{"Event.RoleBefore.CreatedAt", e.RoleBefore.CreatedAt},
		{"Event.RoleAfter.UpdatedAt", e.RoleAfter.UpdatedAt},
		{"Event.MemberBefore.UpdatedAt", e.MemberBefore.UpdatedAt},
		{"Event.MemberAfter.UpdatedAt", e.MemberAfter.UpdatedAt},
	} {
		if !got.time.Equal(when) || got.time.Location() != time.UTC {
			t.Errorf("%s: got %v in %v, want %v in UTC", got.what, got.time, got.time.Location(), when.UTC())
		}
	}
}
