package storetest

import (
	"errors"
	"slices"

	"github.com/areagate/rbac"
)

var roleChecks = []check{
	{
		"a missing role is ErrRoleNotFound",
		`Role returns one role. A missing one is ErrRoleNotFound, one that cannot be read a *MalformedError.`,
		func(t *checkT) {
			t.fill("w")
			t.update("w", func(tx rbac.Tx) error { return tx.DeleteRole("support") })
			t.view("w", func(r rbac.Reader) error {
				role, err := r.Role("sales")
				t.is(err, nil, "Role")
				t.equal(role, someRole("sales", 1), "Role")
				for _, id := range []rbac.RoleID{"support", "unknown", "Sales", "sale", "sales ", ""} {
					_, err := r.Role(id)
					t.is(err, rbac.ErrRoleNotFound, "Role(%q)", id)
				}
				return nil
			})
		},
	},
	{
		"roles come in the byte order of their ids",
		`Roles yields all roles in the byte order of their ids.`,
		func(t *checkT) {
			ids := []string{"z", "é", "Bob", "bob", "ä", "Z", "a b", "a-b", "ab", "A", "日", "\uff21", "🦊", "10", "9", "_"}
			t.update("w", func(tx rbac.Tx) error {
				for _, id := range ids {
					if err := tx.PutRole(someRole(id, 1)); err != nil {
						return err
					}
				}
				return nil
			})
			slices.Sort(ids)
			want := []rbac.Role{}
			for _, id := range ids {
				want = append(want, someRole(id, 1))
			}
			t.equal(t.contents("w").Roles, want, "all roles")
		},
	},
	{
		"PutRole inserts or replaces",
		`PutRole inserts or replaces a role by its id.`,
		func(t *checkT) {
			for version := int64(1); version <= 3; version++ {
				t.update("w", func(tx rbac.Tx) error { return tx.PutRole(someRole("sales", version)) })
				t.equal(t.contents("w").Roles, []rbac.Role{someRole("sales", version)}, "after version %d was put", version)
			}
			t.update("w", func(tx rbac.Tx) error {
				return errors.Join(tx.DeleteRole("sales"), tx.PutRole(someRole("sales", 5)), tx.PutRole(someRole("sales", 6)))
			})
			t.equal(t.contents("w").Roles, []rbac.Role{someRole("sales", 6)}, "after the role was deleted and put twice in one Update")
			t.update("w", func(tx rbac.Tx) error { return tx.PutRole(rbac.Role{ID: "sales"}) })
			t.equal(t.contents("w").Roles, []rbac.Role{{ID: "sales"}}, "after the role was replaced by an empty one")
		},
	},
	{
		"deleting a missing role is no error",
		`DeleteRole deletes a role. Deleting a missing one is no error.`,
		func(t *checkT) {
			t.fill("w")
			t.update("w", func(tx rbac.Tx) error {
				return errors.Join(tx.DeleteRole("unknown"), tx.DeleteRole("support"), tx.DeleteRole("support"))
			})
			want := filled()
			want.Roles = want.Roles[:1]
			t.equal(t.contents("w"), want, "after one role was deleted, whom a member holds")
			t.update("new", func(tx rbac.Tx) error { return tx.DeleteRole("sales") })
			t.equal(t.contents("new"), nothing(), "a new workspace")
		},
	},
}
