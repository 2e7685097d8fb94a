package storetest

import (
	"errors"
	"fmt"

	"github.com/areagate/rbac"
)

// testOwnWrites makes one write after the other in a workspace that fill
// wrote, and reads after each.
func (t *checkT) testOwnWrites(tx rbac.Tx) error {
	want := filled()
	step := func(err error, what string) error {
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		got, err := read(tx)
		t.equal(got, want, "inside the Update, after %s", what)
		return err
	}
	if err := step(nil, "nothing"); err != nil {
		return err
	}

	want.Roles = []rbac.Role{someRole("boss", 1), someRole("sales", 2), someRole("support", 1)}
	if err := step(errors.Join(tx.PutRole(someRole("boss", 1)), tx.PutRole(someRole("sales", 2))), "PutRole"); err != nil {
		return err
	}
	role, err := tx.Role("sales")
	t.is(err, nil, "Role inside the Update")
	t.equal(role, someRole("sales", 2), "Role inside the Update")

	want.Roles = want.Roles[:2]
	if err := step(tx.DeleteRole("support"), "DeleteRole"); err != nil {
		return err
	}
	_, err = tx.Role("support")
	t.is(err, rbac.ErrRoleNotFound, "Role inside the Update, after DeleteRole")

	want.Members = []rbac.Member{someMember("ann", "boss"), someMember("bob", "support"), someMember("eve", "boss")}
	if err := step(tx.PutMembers(want.Members[2], want.Members[0]), "PutMembers"); err != nil {
		return err
	}
	member, err := tx.Member("ann")
	t.is(err, nil, "Member inside the Update")
	t.equal(member, want.Members[0], "Member inside the Update")
	bosses, err := collect(tx.Members(rbac.MemberQuery{Role: "boss", After: "ann"}))
	t.is(err, nil, "Members inside the Update")
	t.equal(bosses, want.Members[2:], "Members inside the Update")

	want.Members = want.Members[1:]
	if err := step(tx.DeleteMembers("ann"), "DeleteMembers"); err != nil {
		return err
	}
	_, err = tx.Member("ann")
	t.is(err, rbac.ErrMemberNotFound, "Member inside the Update, after DeleteMembers")

	for n := 4; n <= 5; n++ {
		want.Events = someEvents(rbac.Revision{}, n)
		want.Revision = revisionText(want.Events[n-1].Revision())
		if err := step(appendSome(tx, 1), "AppendEvents"); err != nil {
			return err
		}
	}
	newest, err := collect(tx.Events(rbac.EventQuery{Newest: true, Limit: 1}))
	t.equal(newest, want.Events[4:], "the newest event inside the Update")
	return err
}

// testBulk writes n members and events in one Update, and asks for more users
// than most databases take parameters.
func (t *checkT) testBulk(workspace string, n int) {
	members := make([]rbac.Member, n)
	users := make([]string, 4*n)
	for i := range users {
		users[i] = fmt.Sprintf("user%06d", i)
		if i < n {
			members[i] = someMember(users[i], "sales")
		}
	}
	events := someEvents(rbac.Revision{}, n)
	t.update(workspace, func(tx rbac.Tx) error {
		err := tx.PutMembers(members...)
		t.step()
		return errors.Join(err, tx.AppendEvents(events...))
	})
	got := t.contents(workspace)
	t.equal(got.Revision, revisionText(events[n-1].Revision()), "the revision")
	t.equal(got.Members, members, "the members")
	t.equal(got.Events, events, "the events")
	t.view(workspace, func(r rbac.Reader) error {
		found, err := collect(r.Members(rbac.MemberQuery{Users: users}))
		t.equal(found, members, "Members with %d Users", len(users))
		return err
	})
	t.update(workspace, func(tx rbac.Tx) error { return tx.DeleteMembers(users[1:]...) })
	t.equal(t.contents(workspace).Members, members[:1], "after %d members were deleted", len(users)-1)
}
