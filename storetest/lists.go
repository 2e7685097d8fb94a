package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/areagate/rbac"
)

// listChecks are those of Workspaces.
var listChecks = []check{
	{
		"Workspaces come in byte order",
		`Workspaces returns the ids of the workspaces that the query selects, in byte order, as they are after the Updates that have committed.`,
		func(t *checkT) {
			ids := strangeIDs()
			for _, id := range ids {
				t.update(id, fillTx)
			}
			t.equal(t.pages(rbac.WorkspaceQuery{}), ids, "Workspaces")
			t.update("", fillTx)
			t.equal(t.pages(rbac.WorkspaceQuery{}), append([]string{""}, ids...), "Workspaces, the empty id among them")
			t.equal(t.pages(rbac.WorkspaceQuery{User: "ann"}), append([]string{""}, ids...), "Workspaces of a member")
		},
	},
	{
		"Workspaces has none that was never written",
		`A workspace that was never written is not among them; one that has no events may be missing.`,
		func(t *checkT) {
			t.fill("w")
			t.fill("cleared")
			t.update("empty", func(rbac.Tx) error { return nil })
			t.is(t.try(t.ctx, "failed", func(tx rbac.Tx) error { return errors.Join(fillTx(tx), errTest) }), errTest, "Update")
			t.view("read", func(r rbac.Reader) error { return nil })
			t.update("cleared", rbac.Tx.Clear)
			t.equal(t.list(rbac.WorkspaceQuery{}), []string{"w"}, "Workspaces")
			t.equal(t.list(rbac.WorkspaceQuery{User: "ann"}), []string{"w"}, "Workspaces of a member")
		},
	},
	{
		"WorkspaceQuery.User selects those of a member",
		`only those in which this user is a member, suspended or not, if not empty`,
		func(t *checkT) {
			for _, user := range []string{"ann", "Ann", "an", "ann ", "%", "unknown"} {
				t.testWorkspaces(rbac.WorkspaceQuery{User: user})
			}
			t.update("Beta", func(tx rbac.Tx) error { return tx.DeleteMembers("ann") })
			if slices.Contains(t.list(rbac.WorkspaceQuery{User: "ann"}), "Beta") {
				t.Errorf("Workspaces of a user has one in which the user is no member any more")
			}
			t.update("Beta", func(tx rbac.Tx) error { return tx.PutMembers(someMember("ann", "sales"), someMember("ann", "support")) })
			if !slices.Contains(t.list(rbac.WorkspaceQuery{User: "ann"}), "Beta") {
				t.Errorf("Workspaces of a user lacks one in which the user is a member again")
			}
		},
	},
	{
		"WorkspaceQuery.After begins behind an id",
		`only ids behind this one in byte order, if not nil: the last of the page before`,
		func(t *checkT) {
			for _, after := range []string{"", "0", "Beta", "beta", "beta!", "w10", "\U0010ffff"} {
				t.testWorkspaces(rbac.WorkspaceQuery{After: &after})
			}
			for size := 1; size <= 4; size++ {
				for _, user := range []string{"", "ann"} {
					got := t.pages(rbac.WorkspaceQuery{User: user, Limit: size})
					t.equal(got, listedFor(rbac.WorkspaceQuery{User: user}), "all pages of %d workspaces of user %q", size, user)
				}
			}
		},
	},
	{
		"WorkspaceQuery.Limit bounds the number",
		`at most so many, and at most 100, which is also what 0 and less are`,
		func(t *checkT) {
			for _, limit := range []int{-1, 0, 1, 2, len(listed()), 1 << 30} {
				t.testWorkspaces(rbac.WorkspaceQuery{Limit: limit}, rbac.WorkspaceQuery{User: "ann", Limit: limit})
			}
			const many = 101
			for i := range many {
				t.update(fmt.Sprintf("many%03d", i), func(tx rbac.Tx) error {
					return errors.Join(tx.PutMembers(someMember("eve", "sales")), appendSome(tx, 1))
				})
			}
			for _, limit := range []int{-1, 0, 100, 101, 1 << 30} {
				for _, user := range []string{"", "eve"} {
					t.equal(len(t.list(rbac.WorkspaceQuery{User: user, Limit: limit})), 100, "the number of workspaces with limit %d", limit)
				}
			}
		},
	},
	{
		"the parts of a WorkspaceQuery combine",
		`Workspaces returns the ids of the workspaces that the query selects, in byte order, as they are after the Updates that have committed.`,
		func(t *checkT) {
			for _, user := range []string{"", "ann", "Ann", "bob", "unknown"} {
				for _, after := range []string{"", "Beta", "beta", "w05"} {
					for _, limit := range []int{0, 1, 3} {
						t.testWorkspaces(rbac.WorkspaceQuery{User: user, Limit: limit}, rbac.WorkspaceQuery{User: user, After: &after, Limit: limit})
					}
				}
			}
		},
	},
}

// listed returns the members of workspaces, by their ids.
func listed() map[string][]string {
	members := map[string][]string{"": {"ann"}, "Beta": {"ann", "bob"}, "beta": {"Ann"}, "beta ": {"ann ", "ann"}, "é": {"bob", "ann"}}
	for i := range 12 {
		members[fmt.Sprintf("w%02d", i)] = [][]string{{"ann"}, {"Ann"}, {"bob", "ann"}}[i%3]
	}
	return members
}

// listedFor is a filter that cannot be wrong.
func listedFor(q rbac.WorkspaceQuery) []string {
	ids := []string{}
	for id, members := range listed() {
		if (q.User == "" || slices.Contains(members, q.User)) && (q.After == nil || id > *q.After) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if q.Limit > 0 {
		ids = ids[:min(len(ids), q.Limit)]
	}
	return ids
}

// testWorkspaces compares queries with listedFor, in workspaces that are made
// when they are not there.
func (t *checkT) testWorkspaces(queries ...rbac.WorkspaceQuery) {
	t.Helper()
	if len(t.list(rbac.WorkspaceQuery{})) == 0 {
		for id, users := range listed() {
			t.update(id, func(tx rbac.Tx) error {
				var members []rbac.Member
				for i, user := range users {
					m := someMember(user, "sales")
					m.Suspended = i > 0
					members = append(members, m)
				}
				return errors.Join(tx.PutMembers(members...), appendSome(tx, 1))
			})
		}
	}
	for _, q := range queries {
		t.equal(t.list(q), listedFor(q), "Workspaces(%s)", text(q))
	}
}

// pages asks for all pages of a query, and stops if they do not get on.
func (t *checkT) pages(q rbac.WorkspaceQuery) []string {
	t.Helper()
	all := []string{}
	for {
		page := t.list(q)
		all = append(all, page...)
		if len(page) == 0 || q.After != nil && page[len(page)-1] <= *q.After {
			return all
		}
		q.After = &page[len(page)-1]
	}
}

// list asks for workspaces.
func (t *checkT) list(q rbac.WorkspaceQuery) []string {
	t.Helper()
	found, err := t.store.Workspaces(t.ctx, q)
	t.must(err, "Workspaces(%s)", text(q))
	return append([]string{}, found...)
}
