package rbacui

import (
	"html/template"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/areagate/rbac"
	"github.com/areagate/rbac/internal/workspacetest"
)

// Every rule has a sentence of its own, that says what to do and names who and what
// it is about.
func TestRefusals(t *testing.T) {
	az := workspacetest.Open(t, rbac.NewMemStore())
	u := &ui{options: newOptions(nil), az: az, areas: az.Areas()}
	q := u.request(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil))
	roles := []rbac.Role{{ID: "a", Name: "Auditor", System: true}, {ID: "s", Name: "Sales"}, {ID: "l", Name: "Sales lead"}}
	sales := rbac.RefusalError{Role: "s", RoleName: "Sales"}
	refuse := func(e rbac.RefusalError, rule error) error {
		e.Rule = rule
		return &e
	}
	seen := map[string]bool{}
	for _, test := range []struct {
		err   error
		field string
		say   string
	}{
		{refuse(sales, rbac.ErrNameTaken), "name", "Another role is called “<bdi>Sales</bdi>”. Choose a name that tells them apart."},
		{refuse(rbac.RefusalError{Role: "a", RoleName: "Auditor"}, rbac.ErrProtectedRole), "name", "“<bdi>Auditor</bdi>” is a system role: nobody edits or deletes it, and no other role takes its name."},
		{refuse(sales, rbac.ErrProtectedRole), "assign", "“<bdi>Sales</bdi>” administers others, so it cannot be handed out this way."},
		{refuse(sales, rbac.ErrTooManyRoles), "", "A workspace has at most 1,000 roles. Delete one that nobody needs."},
		{refuse(rbac.RefusalError{Users: []string{"bob"}}, rbac.ErrSelf), "", "You are among the people whom this is about. Somebody else has to do it."},
		{refuse(rbac.RefusalError{Users: []string{"ann", "bob"}}, rbac.ErrAdministrator), "", "<bdi>ann</bdi> and <bdi>bob</bdi>: administrator. Take them out of this change, and change their role alone if it is meant."},
		{refuse(rbac.RefusalError{Users: []string{"ann"}}, rbac.ErrLastAdministrator), "", "<bdi>ann</bdi> is the last. Make somebody else an administrator first."},
		{refuse(rbac.RefusalError{Users: []string{"ann"}}, rbac.ErrRoleInUse), "", "<bdi>ann</bdi> would be without one. Choose the role that they get."},
		{refuse(rbac.RefusalError{Roles: []rbac.RoleID{"l"}}, rbac.ErrRoleInUse), "", "It is on the list of <bdi>Sales lead</bdi>. Take it off there first."},
		{refuse(sales, rbac.ErrConflict), "", "Nothing of yours is lost: save, and both edits stand side by side."},
		{refuse(sales, rbac.ErrRoleNotFound), "", "Somebody deleted it. Choose another."},
		{refuse(rbac.RefusalError{Users: []string{"bob"}}, rbac.ErrMemberNotFound), "", "<bdi>bob</bdi>: no member. Choose again."},
		{&rbac.EscalationError{Missing: rbac.Permissions{rbac.Deals: {Read: rbac.All, Manage: rbac.All}}}, "area-deals", "Your role does not read and manage all of <bdi>Deals</bdi>, so you cannot grant that."},
		{&rbac.DeniedError{Decision: rbac.Decision{Area: rbac.Users, Action: rbac.Manage}}, "", "This needs <b><bdi>Users: manage</bdi></b>."},
		{&rbac.ValidationError{Fields: []rbac.FieldError{{Field: "permissions.deals.read"}}}, "area-deals", "This cannot be stored. Choose another value."},
	} {
		r := q.refusal(test.err, roles...)
		require.NotEmpty(t, r.Rule, "%v", test.err)
		require.NotEqual(t, "Refused.", r.Rule, "%v", test.err)
		require.Equal(t, []problem{{Field: test.field, Label: r.Problems[0].Label, Short: r.Problems[0].Short, Say: template.HTML(test.say)}}, r.Problems)
		require.Equal(t, test.field == "", r.Problems[0].Label == "")
		require.True(t, strings.HasSuffix(r.Rule, "."))
		seen[r.Rule] = true
	}
	require.Len(t, seen, 15, "one for each")
	require.Empty(t, q.refusal(rbac.ErrUnavailable))
	require.Empty(t, q.refusal(nil))

	r := q.refusal(&rbac.EscalationError{Missing: rbac.Permissions{"unknown": {Read: rbac.All}, rbac.Audit: {Read: rbac.All}}, Roles: []rbac.RoleID{"s"}}, roles...)
	require.Len(t, r.Problems, 3)
	require.Equal(t, []template.HTML{"<bdi>Sales</bdi>: not yours to give or to take. An administrator can do it."}, r.Beside("assign"))
}
