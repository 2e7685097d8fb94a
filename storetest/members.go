package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/areagate/rbac"
)

var memberChecks = []check{
	{
		"a missing member is ErrMemberNotFound",
		`Member returns one member. A missing one is ErrMemberNotFound, one that cannot be read a *MalformedError.`,
		func(t *checkT) {
			t.fill("w")
			t.update("w", func(tx rbac.Tx) error { return tx.DeleteMembers("bob") })
			t.view("w", func(r rbac.Reader) error {
				member, err := r.Member("ann")
				t.is(err, nil, "Member")
				t.equal(member, someMember("ann", "sales"), "Member")
				for _, user := range []string{"bob", "unknown", "Ann", "an", "ann ", ""} {
					_, err := r.Member(user)
					t.is(err, rbac.ErrMemberNotFound, "Member(%q)", user)
				}
				return nil
			})
		},
	},
	{
		"members come in the byte order of their user ids",
		`Members yields the members that the query selects, in the byte order of their user ids.`,
		func(t *checkT) {
			ids := []string{"z", "é", "Bob", "bob", "ä", "Z", "a b", "a-b", "ab", "A", "日", "\uff21", "🦊", "10", "9", "_"}
			t.update("w", func(tx rbac.Tx) error {
				for _, id := range ids {
					if err := tx.PutMembers(someMember(id, "sales")); err != nil {
						return err
					}
				}
				return nil
			})
			want := []rbac.Member{}
			for _, id := range slices.Sorted(slices.Values(ids)) {
				want = append(want, someMember(id, "sales"))
			}
			t.equal(t.contents("w").Members, want, "all members")
			t.view("w", func(r rbac.Reader) error {
				got, err := collect(r.Members(rbac.MemberQuery{Users: ids}))
				t.equal(got, want, "members with Users in another order")
				return err
			})
		},
	},
	{
		"PutMembers inserts or replaces",
		`PutMembers inserts or replaces members by their user ids, which differ.`,
		func(t *checkT) {
			suspended := someMember("ann", "support")
			suspended.Team, suspended.Suspended, suspended.UpdatedAt = "", true, noon.Add(1000)
			t.update("w", func(tx rbac.Tx) error { return tx.PutMembers(someMember("bob", "sales"), someMember("ann", "sales")) })
			t.update("w", func(tx rbac.Tx) error { return tx.PutMembers(suspended, someMember("eve", "sales")) })
			want := []rbac.Member{suspended, someMember("bob", "sales"), someMember("eve", "sales")}
			t.equal(t.contents("w").Members, want, "after one was replaced and one inserted")
			t.update("w", func(tx rbac.Tx) error { return tx.PutMembers() })
			t.equal(t.contents("w").Members, want, "after none was put")
			t.update("w", func(tx rbac.Tx) error {
				return errors.Join(tx.DeleteMembers("ann"), tx.PutMembers(suspended), tx.PutMembers(someMember("ann", "sales")))
			})
			want[0] = someMember("ann", "sales")
			t.equal(t.contents("w").Members, want, "after one was deleted and put twice in one Update")
		},
	},
	{
		"deleting a missing member is no error",
		`DeleteMembers deletes members. Deleting a missing one is no error.`,
		func(t *checkT) {
			t.fill("w")
			t.update("w", func(tx rbac.Tx) error {
				return errors.Join(tx.DeleteMembers("unknown"), tx.DeleteMembers("bob", "unknown", "bob"), tx.DeleteMembers("bob"), tx.DeleteMembers())
			})
			want := filled()
			want.Members = want.Members[:1]
			t.equal(t.contents("w"), want, "after one member was deleted")
			t.update("new", func(tx rbac.Tx) error { return tx.DeleteMembers("ann") })
			t.equal(t.contents("new"), nothing(), "a new workspace")
		},
	},
	{
		"Holders counts members by their role",
		`Holders returns the number of members by the role that is stored with them, suspended ones and those that cannot be read included. Roles that nobody holds are missing.`,
		func(t *checkT) {
			t.fill("other")
			t.update("w", func(tx rbac.Tx) error { return tx.PutRole(someRole("unused", 1)) })
			holders := func(r rbac.Reader, want map[rbac.RoleID]int, when string) error {
				got, err := r.Holders()
				t.equal(got, want, "Holders, %s", when)
				return err
			}
			t.view("w", func(r rbac.Reader) error { return holders(r, map[rbac.RoleID]int{}, "of nobody") })
			want := map[rbac.RoleID]int{}
			for _, m := range queried() {
				want[m.Role]++
			}
			t.update("w", func(tx rbac.Tx) error {
				return errors.Join(tx.PutMembers(queried()...), holders(tx, want, "inside the Update"))
			})
			t.view("w", func(r rbac.Reader) error {
				first, err := r.Holders()
				clear(first)
				return errors.Join(err, holders(r, want, "after the Update"))
			})
			t.update("w", func(tx rbac.Tx) error {
				want["A"]--
				want["a"]++
				return errors.Join(tx.PutMembers(someMember("User01", "a")), holders(tx, want, "after one got another role"))
			})
		},
	},
	{
		"the zero MemberQuery selects all",
		`MemberQuery selects members. The zero query selects all.`,
		func(t *checkT) { t.testMembers(rbac.MemberQuery{}) },
	},
	{
		"MemberQuery.Users selects users",
		`only these, if not nil; unknown and repeated ones are no error`,
		func(t *checkT) {
			for _, users := range userLists() {
				t.testMembers(rbac.MemberQuery{Users: users})
			}
		},
	},
	{
		"MemberQuery.Role selects holders of a role",
		`only holders of this role, if not empty`,
		func(t *checkT) {
			t.testMembers(rbac.MemberQuery{Role: "a"}, rbac.MemberQuery{Role: "A"}, rbac.MemberQuery{Role: "%"}, rbac.MemberQuery{Role: "unknown"})
		},
	},
	{
		"MemberQuery.Team selects members of a team",
		`only members of this team, if not empty`,
		func(t *checkT) {
			t.testMembers(rbac.MemberQuery{Team: "a"}, rbac.MemberQuery{Team: "A"}, rbac.MemberQuery{Team: "_"}, rbac.MemberQuery{Team: "unknown"})
		},
	},
	{
		"MemberQuery.State selects by suspension",
		`by suspension`,
		func(t *checkT) {
			t.testMembers(rbac.MemberQuery{State: rbac.AnyState}, rbac.MemberQuery{State: rbac.ActiveOnly}, rbac.MemberQuery{State: rbac.SuspendedOnly})
		},
	},
	{
		"MemberQuery.After begins behind a user id",
		`only user ids behind this one in byte order: the last of the page before`,
		func(t *checkT) {
			for _, m := range queried() {
				t.testMembers(rbac.MemberQuery{After: m.User}, rbac.MemberQuery{After: m.User + "!"})
			}
			t.testMembers(rbac.MemberQuery{After: "\U0010ffff"})
		},
	},
	{
		"MemberQuery.Limit bounds the number",
		`at most so many, if greater than 0`,
		func(t *checkT) {
			for _, limit := range []int{-1, 0, 1, 2, len(queried()) - 1, len(queried()), len(queried()) + 1, 1 << 30} {
				t.testMembers(rbac.MemberQuery{Limit: limit})
			}
		},
	},
	{
		"the parts of a MemberQuery combine",
		`Members yields the members that the query selects, in the byte order of their user ids.`,
		func(t *checkT) {
			var queries []rbac.MemberQuery
			for _, users := range userLists() {
				for _, role := range []rbac.RoleID{"", "a", "%"} {
					for _, team := range []string{"", "a", "_"} {
						for _, state := range []rbac.MemberState{rbac.AnyState, rbac.ActiveOnly, rbac.SuspendedOnly} {
							for _, after := range []string{"", "User03", "user07", "user07!"} {
								for _, limit := range []int{0, 1, 4} {
									queries = append(queries, rbac.MemberQuery{Users: users, Role: role, Team: team, State: state, After: after, Limit: limit})
								}
							}
						}
					}
				}
			}
			t.testMembers(queries...)
		},
	},
	{
		"pages of members join without a gap",
		`only user ids behind this one in byte order: the last of the page before`,
		func(t *checkT) {
			members := queried()
			t.update("w", func(tx rbac.Tx) error { return tx.PutMembers(members...) })
			for size := 1; size <= 7; size++ {
				all := []rbac.Member{}
				t.view("w", func(r rbac.Reader) error {
					for after := ""; ; after = all[len(all)-1].User {
						page, err := collect(r.Members(rbac.MemberQuery{After: after, Limit: size}))
						all = append(all, page...)
						if err != nil || len(page) < size || len(all) > len(members) {
							return err
						}
					}
				})
				t.equal(all, members, "all pages of %d members", size)
			}
		},
	},
}

// queried returns members in order: of several roles and teams, some in none,
// half of them suspended, with ids that differ by case only.
func queried() []rbac.Member {
	var members []rbac.Member
	for i, prefix := range []string{"User", "user", "é"} {
		for n := range 10 {
			m := someMember(fmt.Sprintf("%s%02d", prefix, n), []string{"a", "A", "%"}[(n+i)%3])
			m.Team = []string{"a", "", "A", "_", "a"}[n%5]
			m.Suspended = (n+i)%4 >= 2
			members = append(members, m)
		}
	}
	return members
}

func userLists() [][]string {
	return [][]string{
		nil, // everybody
		{},  // nobody
		{"unknown"},
		{"user07"},
		{"user07", "user07", "USER07", "user07"},
		{"é03", "user09", "User03", "", "unknown", "user02", "%", "user0_", "User03"},
		{"User00", "User01", "User02", "User03", "User04", "User05", "user06", "user07", "user08", "user09"},
	}
}

// testMembers compares queries with a filter that cannot be wrong.
func (t *checkT) testMembers(queries ...rbac.MemberQuery) {
	t.Helper()
	members := queried()
	t.update("w", func(tx rbac.Tx) error { return tx.PutMembers(members...) })
	t.view("w", func(r rbac.Reader) error {
		for _, q := range queries {
			want := []rbac.Member{}
			for _, m := range members {
				if (q.Users == nil || slices.Contains(q.Users, m.User)) &&
					(q.Role == "" || q.Role == m.Role) &&
					(q.Team == "" || q.Team == m.Team) &&
					(q.State == rbac.AnyState || m.Suspended == (q.State == rbac.SuspendedOnly)) &&
					m.User > q.After && (q.Limit <= 0 || len(want) < q.Limit) {
					want = append(want, m)
				}
			}
			got, err := collect(r.Members(q))
			t.is(err, nil, "Members(%#v)", q)
			t.equal(got, want, "Members(%#v)", q)
			if t.Failed() {
				break // the others would say the same
			}
		}
		return nil
	})
}
