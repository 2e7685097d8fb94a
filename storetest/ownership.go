package storetest

import (
	"slices"
	"time"

	"github.com/areagate/rbac"
)

var ownershipChecks = []check{
	{
		"what comes in may be changed afterwards",
		`Ownership: values that come in may be changed by the caller afterwards, and values that come out belong to the caller.`,
		func(t *checkT) {
			var given contents
			t.update("w", func(tx rbac.Tx) error {
				given = filled()
				for i := range given.Events {
					role := someRole("sales", 1)
					before := someMember("ann", "sales")
					given.Events[i].RoleBefore, given.Events[i].RoleAfter, given.Events[i].MemberBefore = &role, &role, &before
				}
				gone := []string{"eve", "ann"}
				if err := tx.PutMembers(someMember("eve", "sales")); err != nil {
					return err
				}
				if err := tx.DeleteMembers(gone...); err != nil {
					return err
				}
				gone[0] = "bob"
				for _, role := range given.Roles {
					if err := tx.PutRole(role); err != nil {
						return err
					}
				}
				if err := tx.PutMembers(given.Members...); err != nil {
					return err
				}
				if err := tx.AppendEvents(given.Events...); err != nil {
					return err
				}
				scribble(given) // before the commit
				return nil
			})
			scribble(given) // after the commit
			want := filled()
			for i := range want.Events {
				role := someRole("sales", 1)
				before := someMember("ann", "sales")
				want.Events[i].RoleBefore, want.Events[i].RoleAfter, want.Events[i].MemberBefore = &role, &role, &before
			}
			t.equal(t.contents("w"), want, "after the values that were put have been changed")
		},
	},
	{
		"what comes out belongs to the caller",
		`A Store copies both ways, or makes sure that nothing is shared.`,
		func(t *checkT) {
			t.fill("w")
			t.view("w", func(r rbac.Reader) error {
				for range 2 {
					c, err := read(r)
					if err != nil {
						return err
					}
					role, err := r.Role("sales")
					if err != nil {
						return err
					}
					t.equal(c, filled(), "in a View, after the values that came out have been changed")
					t.equal(role, someRole("sales", 1), "Role in a View, after the values that came out have been changed")
					c.Roles = append(c.Roles, role)
					scribble(c)
				}
				return nil
			})
			var inside contents
			t.update("w", func(tx rbac.Tx) error {
				var err error
				for range 2 {
					scribble(inside)
					if inside, err = read(tx); err != nil {
						return err
					}
				}
				return nil
			})
			t.equal(inside, filled(), "in an Update, after the values that came out have been changed")
			scribble(inside)
			t.equal(t.contents("w"), filled(), "after the values that came out have been changed")

			names := []string{"w"}
			for range 2 {
				found, err := t.store.Revisions(t.ctx, names)
				t.must(err, "Revisions")
				t.equal(revisionText(found["w"]), filled().Revision, "Revisions, after the map that came out has been changed")
				found["w"] = rbac.Revision{Seq: 99}
			}
		},
	},
	{
		"what came out does not change later",
		`A Store copies both ways, or makes sure that nothing is shared.`,
		func(t *checkT) {
			t.fill("w")
			kept := t.contents("w")
			t.update("w", func(tx rbac.Tx) error {
				for _, id := range []string{"sales", "support"} {
					if err := tx.PutRole(someRole(id, 2)); err != nil {
						return err
					}
				}
				member := someMember("ann", "support")
				member.Suspended = true
				if err := tx.PutMembers(member); err != nil {
					return err
				}
				return appendSome(tx, 10)
			})
			_ = t.contents("w")
			t.equal(kept, filled(), "what a View returned, after a later Update")
		},
	},
	{
		"a query belongs to the caller",
		`Ownership: values that come in may be changed by the caller afterwards, and values that come out belong to the caller.`,
		func(t *checkT) {
			t.fill("w")
			t.view("w", func(r rbac.Reader) error {
				users := []string{"bob", "unknown", "ann", "bob"}
				members := r.Members(rbac.MemberQuery{Users: users})
				got, err := collect(members)
				t.is(err, nil, "Members")
				t.equal(got, filled().Members, "Members with Users")
				t.equal(users, []string{"bob", "unknown", "ann", "bob"}, "the caller's slice, after the query")
				clear(users)
				got, err = collect(members)
				t.is(err, nil, "Members, again")
				t.equal(got, filled().Members, "Members with Users that were changed after the call")

				kinds := []rbac.EventKind{rbac.RoleDeleted, rbac.MemberAssigned, "unknown", rbac.MemberAssigned}
				events := r.Events(rbac.EventQuery{Kinds: kinds})
				for _, when := range []string{"at once", "after the slice was changed"} {
					got, err := collect(events)
					t.is(err, nil, "Events")
					t.equal(got, filled().Events, "Events with Kinds, %s", when)
					if when == "at once" {
						t.equal(kinds, []rbac.EventKind{rbac.RoleDeleted, rbac.MemberAssigned, "unknown", rbac.MemberAssigned}, "the caller's slice, after the query")
					}
					clear(kinds)
				}
				return nil
			})
			names := []string{"z", "w", "a", "w"}
			_, err := t.store.Revisions(t.ctx, names)
			t.must(err, "Revisions")
			t.equal(names, []string{"z", "w", "a", "w"}, "the caller's slice, after Revisions")
		},
	},
}

// scribble changes everything that c refers to.
func scribble(c contents) {
	bad := time.Unix(1, 0)
	for i := range c.Roles {
		scribbleRole(&c.Roles[i])
	}
	for i := range c.Members {
		c.Members[i] = rbac.Member{User: "scribble", UpdatedAt: bad}
	}
	for i := range c.Events {
		e := &c.Events[i]
		for _, role := range []*rbac.Role{e.RoleBefore, e.RoleAfter} {
			if role != nil {
				scribbleRole(role)
			}
		}
		for _, member := range []*rbac.Member{e.MemberBefore, e.MemberAfter} {
			if member != nil {
				*member = rbac.Member{User: "scribble", UpdatedAt: bad}
			}
		}
		*e = rbac.Event{Kind: "scribble"}
	}
	slices.Reverse(c.Roles)
}

func scribbleRole(role *rbac.Role) {
	if role.Permissions != nil {
		clear(role.Permissions)
		role.Permissions["scribble"] = rbac.Access{Read: rbac.All, Manage: rbac.All}
	}
	for i := range role.Assigns {
		role.Assigns[i] = "scribble"
	}
	role.Name = "scribble"
}
