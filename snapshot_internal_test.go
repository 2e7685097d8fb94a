package rbac

import "testing"

// A forged event that is about a role and a member at once is applied as one
// about the role, and leaves the snapshot before it as it is.
func TestForgedEventOfTwoKinds(t *testing.T) {
	t.Parallel()
	m, err := newModel(options{areas: DefaultAreas()})
	if err != nil {
		t.Fatal(err)
	}
	role := Role{ID: "viewer", Name: "Viewer", Version: 1}
	before := newSnapshot(m, Revision{}).apply([]Event{
		{Seq: 1, RoleAfter: &role},
		{Seq: 2, MemberAfter: &Member{User: "bob", Role: role.ID}},
	})
	more := role
	more.Permissions = Permissions{Deals: {Read: All}}
	after := before.apply([]Event{{Seq: 3, RoleAfter: &more, MemberAfter: &Member{User: "bob", Role: role.ID}}})
	if after.scope("bob", Deals, Read) != All {
		t.Error("the event was not applied")
	}
	if before.scope("bob", Deals, Read) != None {
		t.Error("the snapshot before the event has changed")
	}
}
